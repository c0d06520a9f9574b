"""What a user can do, each once: an Action feeds the menu, its shortcut and the command palette.

No command is without an answer: it acts, or says why it can do nothing right now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.read_only import WRITING, told
from app.theme import Theme, icon
from engine.files import anything_read_only

Reason = Callable[[], str]  # why it can do nothing right now, in a sentence; "" while it can


def always() -> str:
    """The reason of what can be done at any time."""
    return ""


def first(*reasons: Reason) -> Reason:
    """The first of several that holds."""
    return lambda: next((said for reason in reasons if (said := reason())), "")


@dataclass(frozen=True)
class Action:
    """One thing to do. `group` is the block of the menu it stands in; `checked` makes it one that is on or off;
    `why_not` is asked whenever it is offered, so it must be cheap."""

    id: str
    text: str
    run: Callable[[], None]
    shortcut: str = ""
    icon: str = ""
    group: str = "file"
    checked: Callable[[], bool] | None = None
    why_not: Reason = always


Say = Callable[[str], object]


def perform(action: Action, say: Say | None) -> None:
    """Do it, or say why it can do nothing now."""
    if say is not None and (reason := action.why_not()):
        say(reason)
    else:
        action.run()


def attach(
    actions: Iterable[Action],
    owner: QWidget,
    reach: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
    say: Say | None = None,
) -> dict[str, QAction]:
    """Make a QAction of each, so that its shortcut works anywhere in the window, or within a view's `reach`. say: where
    one that can do nothing says why; a view that is shown alone has none."""
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
        one.triggered.connect(lambda _=False, action=action: perform(action, say))
        if action.id in WRITING and anything_read_only():  # who looks at one workspace so, looks so at all
            one.setEnabled(False)
            one.setToolTip(told())
        owner.addAction(one)
        made[action.id] = one
    return made


def fill(menu: QMenu, actions: Sequence[Action], made: dict[str, QAction], theme: Theme) -> None:
    """Put the actions into a menu, with a line between groups. Its icons are drawn when it is first opened; while it is
    open, what can do nothing is grey and says why."""
    menu.setToolTipsVisible(True)
    grey: list[QAction] = []

    def draw() -> None:
        for action in actions:
            one = made[action.id]
            if action.icon and one.icon().isNull():
                one.setIcon(icon(action.icon, theme.muted))
            reason = action.why_not() if one.isEnabled() else ""
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
