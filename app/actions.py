"""What a user can do, each once: an Action feeds the menu, its shortcut and the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.read_only import WRITING, told
from app.reasons import why_not
from app.theme import Theme, icon
from engine.files import anything_read_only

if TYPE_CHECKING:
    from app.window import Window


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


def perform(action: Action, window: Window | None) -> None:
    """Do it, or say why it can do nothing now: no command is without an answer."""
    if window is not None and (reason := why_not(window, action.id)):
        window.remark.say(reason)
    else:
        action.run()


def attach(
    actions: Iterable[Action],
    owner: QWidget,
    reach: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
    window: Window | None = None,
) -> dict[str, QAction]:
    """Make a QAction of each, so that its shortcut works anywhere in the window, or within a view's `reach`. window:
    where one that can do nothing says why; a view that is shown alone has none."""
    made: dict[str, QAction] = {}
    for action in actions:
        one = QAction(action.text, owner)
        one.setObjectName(action.id)
        if action.shortcut:
            one.setShortcut(QKeySequence(action.shortcut))
        one.setShortcutContext(reach)
        if action.checked is not None:
            one.setCheckable(True)
            one.setChecked(action.checked())
        one.triggered.connect(lambda _=False, action=action: perform(action, window))
        if action.id in WRITING and anything_read_only():  # who looks at one workspace so, looks so at all
            one.setEnabled(False)
            one.setToolTip(told())
        owner.addAction(one)
        made[action.id] = one
    return made


def fill(menu: QMenu, actions: Sequence[Action], made: dict[str, QAction], theme: Theme, window: Window) -> None:
    """Put the actions into a menu, with a line between groups. Its icons are drawn when it is first opened; while it is
    open, what can do nothing is grey and says why."""
    menu.setToolTipsVisible(True)
    grey: list[QAction] = []

    def draw() -> None:
        for action in actions:
            one = made[action.id]
            if action.icon and one.icon().isNull():
                one.setIcon(icon(action.icon, theme.muted))
            reason = why_not(window, action.id) if one.isEnabled() else ""
            if reason:
                one.setEnabled(False)
                one.setToolTip(reason)
                grey.append(one)

    def give_back() -> None:
        """Its key goes on telling the reason."""
        for one in grey:
            one.setEnabled(True)
            one.setToolTip(one.text())
        grey.clear()

    menu.aboutToShow.connect(draw)
    menu.aboutToHide.connect(give_back)
    group = ""
    for action in actions:
        if group and action.group != group:
            menu.addSeparator()
        group = action.group
        if action.checked is not None:
            made[action.id].setChecked(action.checked())
        menu.addAction(made[action.id])
