"""What the parts of the window know of it: its other parts, and where it can be sent. `app.main_window` has the one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

    from app.actions import Action
    from app.batch import Batch
    from app.chrome import Banner, StatusBar
    from app.i18n import LanguageSource
    from app.notes import Notebook
    from app.remark import Remark
    from app.remembered import Remembered
    from app.session import Session
    from app.tasks import Tasks
    from app.theme import ThemeSource
    from app.views.view import View
    from app.workspace import Workspace


class Lane(Protocol):
    """What the window needs of a lane; `EngineLane` is one."""

    finished: Any
    failed: Any
    progressed: Any
    cancelled: Any
    restarted: Any
    beat: Any

    def submit(self, name: str, /, channel: str = "", **arguments: Any) -> int: ...
    def cancel(self, job: int) -> None: ...
    def pause(self, job: int) -> None: ...
    def resume(self, job: int) -> None: ...
    def stop(self) -> None: ...


class Window(Protocol):
    """Its parts are there from the start, the views from `ready` on."""

    ready: Any  # a signal
    themes: ThemeSource
    languages: LanguageSource
    session: Session
    workspace: Workspace
    batch: Batch
    tasks: Tasks
    notebook: Notebook
    remembered: Remembered
    remark: Remark
    current: str  # the name of the view in front
    recent: list[tuple[str, str]]  # kind and text of what was chosen in the palette, newest first
    check: Callable[[], None] | None  # opens the self-test

    @property
    def banner(self) -> Banner:
        """Errors above the views."""
        ...

    @property
    def status(self) -> StatusBar: ...

    @property
    def frame(self) -> QMainWindow:
        """The window itself: what dialogs belong to and notes lie over."""
        ...

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes to the engine: interactive, batch, and for studies where there is one."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """What the views are called."""
        ...

    @property
    def views(self) -> dict[str, View]:
        """The views made so far."""
        ...

    @property
    def view(self) -> View | None:
        """The view in front."""
        ...

    @property
    def answers(self) -> list[Action]:
        """What can be said to the bar about an unexpected end, while it is there."""
        ...

    def show_view(self, name: str) -> None: ...
    def go(self, user: str = "", item: str = "") -> None: ...
    def open_run(self, folder: str) -> None: ...
    def open_workspace(self, folder: Path) -> None: ...
    def ask_run(self) -> None: ...
    def ask_workspace(self) -> None: ...
    def ask_import(self) -> None: ...
    def focus_search(self) -> None: ...
    def toggle_help(self) -> None: ...
    def start_tour(self) -> None: ...
    def choose_theme(self, choice: str) -> None: ...
    def toggle_theme(self) -> None: ...
    def choose_language(self, choice: str) -> None: ...
    def quit(self) -> None: ...
