"""Puts the window together: settings, theme, language, two lanes to the engine; and takes it apart."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import settings as stored
from app.ahead import interactive
from app.crash import Crashes
from app.engine_thread import EngineLane
from app.i18n import LanguageSource
from app.main_window import Check, MainWindow
from app.newer import tell_settings_kept, workspace_to_start_with
from app.opening import Application, follow_files, placed, show_when_ready
from app.screen import told_without_screen
from app.session import Session
from app.settings import Settings
from app.theme import ICONS, ThemeSource, add_chinese_font
from engine.errors import HeedmapError
from engine.given_path import Given
from engine.memory import give_back, one_heap
from engine.process import EngineProcess, Setup
from engine.workspace import is_workspace

BATCH_NICE = 10  # a training gives way to the window
STUDY_NICE = 5  # and so does what a view works out in the background; its process starts with the first such question
# Seconds without a job after which the processes of these two end: each may hold as much as the one that answers the
# window. The next job waits a few seconds for another one.
BATCH_REST, STUDY_REST = 60.0, 300.0
PAUSE_MS = 1000


def make_application() -> QApplication:
    """The one QApplication, with the style that our sheet is written for."""
    one_heap()
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        with told_without_screen():
            application = Application(sys.argv[:1])
    application.setApplicationName("heedmap")
    application.setApplicationDisplayName("Heedmap")
    application.setDesktopFileName("heedmap")
    add_chinese_font()
    application.setStyle("Fusion")
    application.setWindowIcon(QIcon(str(ICONS / "heedmap.svg")))
    return application


def make_window(
    settings: Settings,
    workspace: Path,
    run: str = "",
    *,
    in_process: bool = False,
    save: Callable[[Settings], None] = lambda _: None,
    keep: bool = False,
    engine: EngineProcess | None = None,
    notes: Path | None = None,
    check: Check | None = None,
) -> MainWindow:
    """A window with an engine of its own behind it; closing it ends its lanes. keep, notes, check: see `MainWindow`;
    engine: of `app.ahead`, where one was started."""
    log = str(stored.log_folder())
    window = MainWindow(
        EngineLane(interactive(), newest_wins=True, in_process=in_process, engine=engine),
        EngineLane(Setup(log=log, nice=BATCH_NICE), in_process=in_process, rest=BATCH_REST),
        study=EngineLane(Setup(log=log, nice=STUDY_NICE), newest_wins=True, in_process=in_process, rest=STUDY_REST),
        themes=ThemeSource(settings.theme, heat=settings.heat),
        languages=LanguageSource(settings.language),
        settings=settings,
        workspace=workspace,
        run=run,
        save=save,
        keep=keep,
        notes=notes,
        check=check,
    )
    window.themes.setParent(window)  # ends with it, and so do the photos that are on their way
    gc.enable()
    return window


def calm(session: Session) -> None:
    """Spare Python's search for garbage the objects that stay as long as the window: it stops the Qt thread for tens
    of milliseconds. They are set aside when a run's first explanation is there; with the next run all are looked
    through again. What is free is given back a second after the last explanation, which takes a millisecond."""

    aside = False  # gc.get_freeze_count would go through all of them to tell
    again = False

    def look_again(_run: object) -> None:
        nonlocal aside
        aside = False
        gc.unfreeze()

    def set_aside(found: object) -> None:
        nonlocal aside, again
        if found is not None and not aside:
            if again:  # the views before, in another language, are not to be set aside with what stays
                gc.collect()
            aside = again = True
            gc.freeze()

    def rest(_found: object) -> None:
        pause.start()

    pause = QTimer(session, singleShot=True, interval=PAUSE_MS)
    pause.timeout.connect(partial(give_back, False))
    session.run_changed.connect(look_again)
    session.explanation_changed.connect(set_aside)
    session.explanation_changed.connect(rest)


def start(
    workspace: str,
    run: str,
    *,
    in_process: bool = False,
    theme: str = "",
    language: str = "",
    engine: EngineProcess | None = None,
    notes: Path | None = None,
    what: Given | None = None,
    fault: HeedmapError | None = None,
    check: Check | None = None,
) -> int:
    """Open the window and stay until it is closed; the exit code.

    what: was given by a double-click or on the command line; fault: why what was given cannot be opened;
    check: see `MainWindow`."""
    crashes = Crashes(stored.log_folder())
    crashes.watch()
    application = make_application()
    crashes.watch_qt()
    workspace, run = placed(what, workspace, run)
    place = stored.settings_path()
    aside = stored.keep_others(place)
    settings = stored.load(place)
    if theme or language:
        settings = Settings(
            **{**vars(settings), "theme": theme or settings.theme, "language": language or settings.language}
        )
    chosen = workspace_to_start_with(*what_to_open(settings, workspace, run), settings)
    if chosen is None:
        crashes.end()
        if engine is not None:
            engine.stop()
        return 2
    folder, run = chosen
    window = make_window(
        settings,
        folder,
        run,
        in_process=in_process,
        save=lambda changed: stored.save(changed, place),
        keep=True,
        engine=engine,
        notes=notes,
        check=check,
    )
    calm(window.session)
    window.ready.connect(lambda: tell_faults(crashes, window))
    if aside:
        window.ready.connect(lambda: tell_settings_kept(window, aside))
    show_when_ready(window, what, fault)
    follow_files(application, window)
    window.show()
    if not settings.tour and (what is None or what.kind != "bundle"):
        window.guide.offer_tour()
    signal.signal(signal.SIGINT, lambda *_: window.close())
    signal.signal(signal.SIGTERM, lambda *_: window.end())
    waker = QTimer()  # lets Python see Ctrl+C in the terminal, and the end of the user's session
    waker.start(500)
    waker.timeout.connect(lambda: None)
    try:
        return application.exec()
    finally:
        crashes.end()


def tell_faults(crashes: Crashes, window: MainWindow) -> None:
    """Let the window say where the report of a fault is, also of the one that ended the window before."""
    from app.fault_note import Faults

    Faults(crashes, window)


def what_to_open(settings: Settings, workspace: str, run: str) -> tuple[Path, str]:
    """The workspace and the run asked for; else the workspace that the run lies in, the one open last, the default one.

    The folders around a run that lies somewhere else are left as they are: opened, they would be made a workspace."""
    opened = Path(run).resolve() if run else None
    folder = str(opened) if opened is not None else ""
    if workspace:
        return Path(workspace).resolve(), folder
    if opened is not None and (opened.parent.name == "runs" or is_workspace(opened.parent.parent)):
        return opened.parent.parent, folder
    default = stored.default_workspace()
    remembered = Path(settings.workspace) if settings.workspace else default
    return remembered if remembered.is_dir() else default, folder
