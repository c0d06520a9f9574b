"""Opening what the desktop hands over: a path at the start, a file that macOS sends, one dropped onto the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from engine.errors import HeedmapError
from engine.given_path import Given, given, home_of

if TYPE_CHECKING:
    from app.window import Window

_AUDIT = "audit"  # the view that shows bundles


class Application(QApplication):
    """Hears of files that macOS asks it to open; they are kept until somebody takes them.

    In `event`, which only what is for the application itself goes through: a filter would see every event of every
    widget."""

    file_opened = Signal(str)

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._kept: list[str] = []
        self._taken = False

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            if self._taken:
                self.file_opened.emit(event.file())
            else:
                self._kept.append(event.file())
            return True
        return super().event(event)

    def take(self) -> None:
        """Hand over what was kept, and from now on everything at once."""
        self._taken = True
        for path in self._kept:
            self.file_opened.emit(path)
        self._kept.clear()


def open_given(window: Window, what: Given) -> None:
    """Show it in a window whose views are there."""
    if what.kind == "workspace":
        if what.path.resolve() != window.workspace.folder.resolve():
            window.open_workspace(what.path)
    elif what.kind == "run":
        window.open_run(str(what.path))
    else:
        _open_bundle(window, what.path)
    window.frame.raise_()
    window.frame.activateWindow()


def _open_bundle(window: Window, path: Path) -> None:
    from app.audit.view import AuditView
    from engine.audit.listing import AUDITS

    window.show_view(_AUDIT)
    view = window.view
    if isinstance(view, AuditView):
        listed = path.is_dir() and path.parent.resolve() == (window.workspace.folder / AUDITS).resolve()
        (view.show_bundle if listed else view.open_elsewhere)(str(path))


def placed(what: Given | None, workspace: str, run: str) -> tuple[str, str]:
    """The workspace and the run that were given, instead of those named by options."""
    if what is None:
        return workspace, run
    if what.kind == "bundle":
        return workspace or str(home_of(what.path) or ""), run
    return (str(what.path), run) if what.kind == "workspace" else (workspace, str(what.path))


def show_when_ready(window: Window, what: Given | None, fault: HeedmapError | None) -> None:
    """What a window that starts has to show once its views are there: a bundle that was given, or why nothing was."""
    if what is not None and what.kind == "bundle":
        window.ready.connect(lambda: open_given(window, what))
    if fault is not None:
        window.ready.connect(lambda: window.banner.say(fault.message, fault.hint))


def open_path(window: Window, path: str) -> None:
    """The same for a path that may be anything; a sentence in the window where it cannot be opened."""
    try:
        open_given(window, given(Path(path)))
    except HeedmapError as error:
        window.banner.say(error.message, error.hint)


def follow_files(application: QApplication, window: Window) -> None:
    """Open in `window` what macOS hands over, from when its views are there."""
    if isinstance(application, Application):
        application.file_opened.connect(lambda path: open_path(window, path))
        window.ready.connect(application.take)
