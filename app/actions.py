"""What a user can do, each once: an Action feeds the menu, its shortcut and the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.read_only import WRITING, told
from app.theme import Theme, icon
from engine.files import anything_read_only


@dataclass(frozen=True)
class Action:
    """One thing to do. `group` is the block of the menu it stands in; `checked` makes it one that is on or off."""

    id: str
    text: str
    run: Callable[[], None]
    shortcut: str = ""
    icon: str = ""
    group: str = "file"
    checked: Callable[[], bool] | None = None


def attach(
    actions: Iterable[Action],
    window: QWidget,
    reach: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
) -> dict[str, QAction]:
    """Make a QAction of each, so that its shortcut works anywhere in the window, or within a view's `reach`."""
    made: dict[str, QAction] = {}
    for action in actions:
        one = QAction(action.text, window)
        one.setObjectName(action.id)
        if action.shortcut:
            one.setShortcut(QKeySequence(action.shortcut))
        one.setShortcutContext(reach)
        if action.checked is not None:
            one.setCheckable(True)
            one.setChecked(action.checked())
        one.triggered.connect(lambda _=False, run=action.run: run())
        if action.id in WRITING and anything_read_only():  # who looks at one workspace so, looks so at all
            one.setEnabled(False)
            one.setToolTip(told())
        window.addAction(one)
        made[action.id] = one
    return made


def fill(menu: QMenu, actions: Sequence[Action], made: dict[str, QAction], theme: Theme) -> None:
    """Put the actions into a menu, with a line between groups. Its icons are drawn when it is first opened."""

    def draw() -> None:
        for action in actions:
            if action.icon and made[action.id].icon().isNull():
                made[action.id].setIcon(icon(action.icon, theme.muted))

    menu.aboutToShow.connect(draw)
    group = ""
    for action in actions:
        if group and action.group != group:
            menu.addSeparator()
        group = action.group
        if action.checked is not None:
            made[action.id].setChecked(action.checked())
        menu.addAction(made[action.id])
