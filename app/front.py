"""The views of the window: each is made when it is first shown, and one is in front."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QAbstractItemView, QStackedWidget, QWidget

from app import actions as acts
from app.places import TRAIN, WELCOME, places
from app.views.view import View

if TYPE_CHECKING:
    from app.window import Window


# Qt looks up the style of these while it makes them, before it heeds that they can end, and keeps it for ever: a
# kilobyte for each. One with a style sheet of its own it forgets. The line edit is that of a box for numbers.
_HELD_BY_QT = ("QLineEdit", "QComboBoxPrivateContainer")


class Front(QStackedWidget):
    """restore: arranges a view that was just made as it was left."""

    def __init__(self, window: Window, restore: Callable[[str, View], None]) -> None:
        super().__init__()
        self._window, self._restore = window, restore
        self.views: dict[str, View] = {}  # those made so far

    @property
    def view(self) -> View | None:
        """The view in front."""
        view = self.currentWidget()
        return view if isinstance(view, View) else None

    def make(self, name: str) -> None:
        """Make a view, where it is not there yet."""
        if name in self.views:
            return
        if name == WELCOME:
            view = self._make_welcome()
        else:
            view = next(one for one in places(self._window) if one.name == name).make()
        self.views[name] = view
        self.addWidget(view)
        self._restore(name, view)
        acts.attach(view.offers(), view, Qt.ShortcutContext.WidgetWithChildrenShortcut, self._window.remark.say)

    def _make_welcome(self) -> View:
        from app.views.welcome import WelcomeView

        window = self._window
        welcome = WelcomeView(window.workspace, window.batch, window.themes)
        welcome.sample_asked.connect(window.tasks.make_sample)
        welcome.import_asked.connect(window.ask_import)
        welcome.open_asked.connect(window.ask_workspace)
        welcome.train_asked.connect(lambda: window.show_view(TRAIN))
        return welcome

    def bring(self, name: str) -> View:
        """Put a view in front."""
        self.make(name)
        self.setCurrentWidget(self.views[name])
        return self.views[name]

    def forget(self) -> None:
        """Take all views away; those that are needed are made again."""
        for view in self.views.values():
            self.removeWidget(view)
            view.hide()
            parts = [view, *view.findChildren(QObject)]
            for part in parts:
                if isinstance(part, QWidget) and part.metaObject().className() in _HELD_BY_QT:
                    part.setStyleSheet(" ")
            view.destroyed.connect(lambda *_, parts=parts: QTimer.singleShot(0, lambda: _let_go(parts)))
            view.deleteLater()
        self.views.clear()

    def focus_view(self) -> None:
        """Give the keyboard to the view in front: to its first list, else to its first control."""
        view = self.view
        if view is None:
            return
        lists = [one for one in view.findChildren(QAbstractItemView) if one.isVisible()]
        stops: list[QWidget] = [*lists, *_in_focus_order(view), view]
        stops[0].setFocus(Qt.FocusReason.OtherFocusReason)


def _let_go(parts: list[QObject]) -> None:
    """Empty what Python still holds of a view that is gone: Qt's binding keeps one that was used for ever, and through
    it of its photos, its answers, its texts as they were laid out."""
    for part in parts:
        vars(part).clear()
    parts.clear()


def _in_focus_order(view: QWidget) -> list[QWidget]:
    """The controls of a view that Tab comes to, in its order."""
    found: list[QWidget] = []
    one = view.nextInFocusChain()
    while one is not None and one is not view:
        if view.isAncestorOf(one) and one.isVisible() and one.focusPolicy() & Qt.FocusPolicy.TabFocus:
            found.append(one)
        one = one.nextInFocusChain()
    return found
