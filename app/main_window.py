"""The window: frames the views, holds the session, and turns actions into jobs of the two lanes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QCloseEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QMainWindow,
    QWidget,
)

from app import actions as acts
from app import commands
from app.bars import Bars
from app.batch import Batch
from app.chrome import Banner, Rail, StatusBar, TopBar
from app.frame import Frame
from app.front import Front
from app.guide import Guide
from app.i18n import LanguageSource
from app.notes import Notebook
from app.places import DATA, EXPLORE, TRAIN, WELCOME, places
from app.remark import Remark
from app.remembered import Remembered
from app.session import Session
from app.settings import Settings
from app.state import RECENT, WindowState
from app.tasks import Tasks
from app.theme import ThemeSource
from app.views.view import View
from app.window import Lane
from app.workspace import Workspace
from engine.errors import HeedmapError
from engine.memory import give_back
from engine.workspace import refuse_newer

if TYPE_CHECKING:  # what an answer brings, and what is made when it is first asked for
    from app.comeback import CameBack, ComebackBar
    from app.dropping import Drops
    from engine.answers import RunSummary
    from engine.workspace import WorkspaceSummary

_GONE = 500  # milliseconds after which views that were left are taken apart
UNSEEN = 1000  # milliseconds after which a window begins that nobody has asked to paint itself


Check = Callable[[ThemeSource, QWidget], None]


class MainWindow(QMainWindow):
    """`begin` is called once the first frame is on the screen: it makes the views and asks for the workspace."""

    ready = Signal()  # the views are there

    def __init__(
        self,
        interactive: Lane,
        batch: Lane,
        *,
        themes: ThemeSource,
        languages: LanguageSource,
        settings: Settings,
        workspace: Path,
        run: str = "",
        save: Callable[[Settings], None] = lambda _: None,
        study: Lane | None = None,
        keep: bool = False,
        notes: Path | None = None,
        check: Check | None = None,
    ) -> None:
        """keep: how the user arranges the window is kept in the workspace, and comes back from there; notes: see
        `Notebook`; check: opens the self-test beside the window."""
        super().__init__()
        self._lanes: tuple[Lane, ...] = (interactive, batch, *([study] if study is not None else []))
        self.themes = themes
        self.languages = languages
        self.remembered = Remembered(settings, save, self)
        self._begun = False
        self._unseen = QTimer(self, singleShot=True, interval=UNSEEN)
        self._unseen.timeout.connect(self._begin_once)
        self._gone = QTimer(self, singleShot=True, interval=_GONE)  # gives back what views that were left held
        self._gone.timeout.connect(partial(give_back, thoroughly=False))
        self._again: Callable[[], None] | None = None  # what the banner's button tries again, if not the question
        self.comeback: ComebackBar | None = None
        self.session = Session(interactive, self, study=study)
        self.workspace = Workspace(interactive, workspace, self)
        self.batch = Batch(batch, parent=self)
        self.tasks = Tasks(self.batch, self.workspace, self)
        self.notebook = Notebook(self, notes)
        self.drops: Drops | None = None
        self._ended = False  # by the system, not by the user
        self.check: Callable[[], None] | None = partial(check, themes, self) if check is not None else None
        self.current = EXPLORE
        self.setWindowTitle("Heedmap")
        self.recent: list[tuple[str, str]] = []  # kind and text of what was chosen in the palette, newest first
        self.remark = Remark(themes, self)
        self.setMinimumSize(960, 620)
        self.resize(1440, 900)
        self.state = WindowState(self, keep=keep)
        self._first_run = self.state.open(workspace, run)
        self.front = Front(self, self.state.restore_view)
        self._places = Frame(self.front)
        self.setCentralWidget(self._places)
        self.guide = Guide(self, self._places.middle)
        self.bars = Bars(self, self._places)
        self._connect()
        self.bars.build()

    # --- what happens -----------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self.themes.changed.connect(lambda _: self.remembered.change(heat=self.themes.heat))
        self.themes.changed.connect(lambda _: self.bars.build())
        self.session.run_changed.connect(self._run_opened)
        self.session.failed.connect(self._session_failed)
        self.session.segments.failed.connect(lambda message, hint: self.banner.say(message, hint))
        self.session.rules.failed.connect(lambda message, hint: self.banner.say(message, hint))
        self.state.failed.connect(lambda message, hint: self.banner.say(message, hint))
        self.notebook.failed.connect(lambda message, hint: self.banner.say(message, hint))
        self.state.remarked.connect(self.remark.say)
        self.state.came_back.connect(self._came_back)
        self.workspace.changed.connect(self._listed)
        self.workspace.changed.connect(self._brought_forward)
        self.workspace.failed.connect(lambda message, hint: self.banner.say(message, hint))
        self.tasks.opened.connect(self.open_run)
        self.tasks.failed.connect(self._task_failed)
        for lane in self._lanes:
            lane.restarted.connect(self._restarted)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._unseen.start()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._begun:
            QTimer.singleShot(0, self, self._begin_once)  # when this frame is on the screen

    def _begin_once(self) -> None:
        self._unseen.stop()
        if not self._begun:
            self._begun = True
            self.begin()

    def begin(self) -> None:
        self.workspace.refresh(create=not self._first_run or self.state.keeps)
        if self._first_run:
            self.session.open_run(self._first_run)
        self._make_views()
        self.state.follow()
        self.notebook.open(self.workspace.folder)
        from app.dropping import Drops

        self.drops = Drops(self)
        self.ready.emit()

    def _listed(self, summary: WorkspaceSummary) -> None:
        self.bars.show_open()
        if summary.faults:
            self.banner.say(
                self.tr("%n folder(s) of the workspace could not be read.", "", len(summary.faults)),
                "\n".join(summary.faults[:3]),
            )
        if self.session.run is None and not self._first_run:
            done = [run for run in self.workspace.openable if run.state == "done"] or list(self.workspace.openable)
            if done:
                self._first_run = done[0].folder
                self.session.open_run(done[0].folder)
            else:
                self._show_current()

    def _brought_forward(self, summary: WorkspaceSummary) -> None:
        if summary.backups or summary.not_forward:
            from app.newer import tell_forward

            tell_forward(self, summary)

    def _run_opened(self, run: RunSummary | None) -> None:
        self.workspace.run_opened(run)
        self.bars.show_open()
        self.bars.show_rules()
        if run is not None:
            self._first_run = run.folder
            self.session.segments.open(self.workspace.folder, run.dataset.folder)
            self.session.rules.open(self.workspace.folder, run.dataset.folder)
            if self.current == EXPLORE:
                self._show_current()

    def _session_failed(self, message: str, hint: str) -> None:
        if self.session.run is None:
            self._first_run = ""
            self._show_current()
        self._again = None
        self.banner.say(message, hint, again=True)

    def try_again(self) -> None:
        (self._again or self.session.retry)()

    def _restarted(self) -> None:
        """Where a question could not be asked again, its failure is told already."""
        if not self.banner.isVisible():
            self.remark.say(self.tr("The engine ended unexpectedly and was replaced. Nothing is lost."))

    def _came_back(self, came: CameBack) -> None:
        from app.comeback import ComebackBar

        if self.comeback is not None:
            self.comeback.deleteLater()
        self.comeback = ComebackBar(self.themes)
        self._places.above.addWidget(self.comeback)

        def on() -> None:
            self.state.forget_tasks()
            self.tasks.take_up(came.tasks)

        self.comeback.offer(came, on=on, afresh=self.start_afresh, back=self.bring_back, away=self.state.settle)

    def _task_failed(self, message: str, hint: str, again: Callable[[], None] | None) -> None:
        self._again = again
        self.banner.say(message, hint, again=again is not None)

    # --- what can be done -------------------------------------------------------------------------------------------

    def focus_search(self) -> None:
        self.top.palette_field.setFocus()
        self.top.palette_field.selectAll()

    def remember_found(self, kind: str, text: str) -> None:
        self.recent = [(kind, text), *(one for one in self.recent if one != (kind, text))][:RECENT]

    def toggle_help(self) -> None:
        self.guide.toggle()

    def start_tour(self) -> None:
        self.guide.start_tour()

    def choose_theme(self, choice: str) -> None:
        self.themes.choose(choice)
        self.remembered.change(theme=choice)

    def toggle_theme(self) -> None:
        self.choose_theme("light" if self.themes.theme.dark else "dark")

    def choose_language(self, choice: str) -> None:
        if choice == self.languages.language:
            return
        self.languages.choose(choice)
        self.remembered.change(language=choice)
        self.state.note_views()
        self._views_anew()

    def _views_anew(self) -> None:
        """Make the frame and the views that are needed again."""
        self.guide.end_tour()
        self.front.forget()
        self.bars.build()
        self._make_views()
        self.session.announce()
        self._gone.start()

    def start_afresh(self) -> None:
        """Leave what came back, as if nothing had been chosen yet; it can be had back."""
        self._first_run = self.state.start_afresh()
        self.session.close_run()
        self.current = EXPLORE
        self._views_anew()
        self._listed_again()
        self.remark.say(self.tr("Started afresh"), self.tr("Bring it back"), self.bring_back)

    def bring_back(self) -> None:
        """Take up again what was left out."""
        self.session.close_run()
        self._first_run = self.state.bring_back()
        self._views_anew()
        self._listed_again()

    def _listed_again(self) -> None:
        if self._first_run:
            self.session.open_run(self._first_run)
        elif self.workspace.summary is not None:
            self._listed(self.workspace.summary)

    def open_workspace(self, folder: Path) -> None:
        """Go on in another workspace; one of a newer program is refused with a sentence, and this one stays."""
        try:
            refuse_newer(folder)
        except HeedmapError as error:
            self.banner.say(error.message, error.hint)
            return
        self.state.leave()
        self.session.close_run()
        self._first_run = self.state.move(folder)
        self.remembered.change(workspace=str(folder))
        self.workspace.open(folder)
        self.notebook.open(folder)
        if self._first_run:
            self.session.open_run(self._first_run)
        self.show_view(self.current)

    def ask_workspace(self) -> None:
        if folder := self._ask_folder(self.tr("Open a workspace"), self.workspace.folder):
            self.open_workspace(folder)

    def ask_run(self) -> None:
        if folder := self._ask_folder(self.tr("Open a run"), self.workspace.folder / "runs"):
            self.open_run(str(folder))

    def ask_import(self) -> None:
        if folder := self._ask_folder(self.tr("Import a folder of data"), Path.home()):
            self.tasks.import_sources([folder])

    def _ask_folder(self, title: str, start: Path) -> Path | None:
        answer = QFileDialog.getExistingDirectory(self, title, str(start))
        return Path(answer) if answer else None

    def open_run(self, folder: str) -> None:
        self.banner.hide()
        self._first_run = folder
        self.session.open_run(folder)
        self.show_view(EXPLORE)

    def show_view(self, name: str, *, keyboard: bool = True) -> None:
        """Go to a view, with the keyboard; without anything to explore, the first steps stand in Explore's place."""
        name = name if name in self.names else EXPLORE
        self.current = name
        self.rail.show_current(name)
        if not self.views:
            return
        empty = name == EXPLORE and self.session.run is None and not self._first_run
        shown = WELCOME if empty else name
        view = self.front.bring(shown)
        self.state.front(shown)
        self.guide.turn()
        if keyboard and not view.isAncestorOf(QApplication.focusWidget() or view):
            self.front.focus_view()

    def _show_current(self) -> None:
        """Show the view that is to be in front, as things have become. Who types a command goes on with it."""
        self.show_view(self.current, keyboard=not self.top.palette_field.showing)

    def quit(self) -> None:
        self.close()

    # --- what it is made of -----------------------------------------------------------------------------------------

    def _make_views(self) -> None:
        """Those that hear from the start; the others are made when they are first shown."""
        self.front.make(EXPLORE)
        self._show_current()

    @property
    def top(self) -> TopBar:
        return self.bars.top

    @property
    def rail(self) -> Rail:
        return self.bars.rail

    @property
    def banner(self) -> Banner:
        return self.bars.banner

    @property
    def status(self) -> StatusBar:
        return self.bars.status

    @property
    def frame(self) -> QMainWindow:
        """What dialogs belong to and notes lie over."""
        return self

    @property
    def answers(self) -> list[acts.Action]:
        """What can be said to the bar about an unexpected end, while it is there."""
        return self.comeback.offers() if self.comeback is not None and self.comeback.isVisible() else []

    @property
    def names(self) -> tuple[str, ...]:
        """What the views are called."""
        return tuple(place.name for place in places(self))

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes to the engine: interactive, batch, and for studies where there is one."""
        return self._lanes

    @property
    def views(self) -> dict[str, View]:
        """The views made so far."""
        return self.front.views

    @property
    def view(self) -> View | None:
        """The view in front."""
        return self.front.view

    def choose_dataset(self, folder: str) -> None:
        name = next((one.name for one in self.workspace.datasets if one.folder == folder), "")
        runs = [run for run in self.workspace.openable if run.dataset == name]
        self.workspace.choose_dataset(folder)
        if self.current == DATA:  # it shows any dataset; a run of it is opened beside it
            if runs:
                self.session.open_run(runs[0].folder)
        elif runs:
            self.open_run(runs[0].folder)
        else:
            self.show_view(TRAIN)
            self.views[TRAIN].choose_dataset(folder)  # type: ignore[attr-defined]
            self.bars.show_open()

    def go(self, user: str = "", item: str = "") -> None:
        self.show_view(EXPLORE)
        if user:
            self.session.choose_user(user)
        if item:
            self.session.choose_item(item)

    # --- how it ends ------------------------------------------------------------------------------------------------

    def may_close(self) -> bool:
        """Ask when a job runs; without one there is nothing to lose."""
        task = self.batch.current
        return task is None or commands.may_stop(self, task)

    def end(self) -> None:
        """Close without asking: the system ends the user's session, and nobody may be there to answer."""
        self._ended = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._ended and not self.may_close():
            event.ignore()
            return
        self._begun = True  # or never will
        self.state.leave()
        self.hide()
        self.session.segments.flush()
        self.session.rules.flush()
        if self.drops is not None:
            self.drops.flush()
        self.notebook.flush()
        self.session.end()
        for lane in self._lanes:
            lane.stop()
        self.remembered.flush()
        event.accept()
