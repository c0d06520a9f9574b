"""The line that says a what-if is in force: how many changes, undo, redo, the list of steps, and the way back."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from app.session import Session
from app.theme import ThemeSource, icon, set_role
from app.views.panel import Heading
from engine.scenario import Scenario


class ChangesBar(QFrame):
    """Hidden while nothing was ever changed. Its buttons do what Ctrl+Z and Ctrl+Shift+Z do anywhere."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        set_role(self, "notice")
        self.count = QLabel()
        set_role(self.count, "strong")
        self.last = Heading("muted")
        self.last.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.undo = self._button(self.tr("Undo"), "undo")
        self.redo = self._button(self.tr("Redo"), "redo")
        self.steps = self._button(self.tr("Steps"), "")
        self.steps.setToolTip(self.tr("Every step of this what-if: go back or forward to any of them"))
        self.steps.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill)
        self.steps.setMenu(self.menu)
        self.reset = self._button(self.tr("Reset"), "")
        self.reset.setToolTip(self.tr("Take every change back; a step that can be undone"))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 4, 0)
        row.setSpacing(4)
        row.addWidget(self.count)
        row.addSpacing(4)
        row.addWidget(self.last, 1)
        for button in (self.undo, self.redo, self.steps, self.reset):
            row.addWidget(button)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Changes of the what-if"))
        self.undo.clicked.connect(session.undo.undo)
        self.redo.clicked.connect(session.undo.redo)
        self.reset.clicked.connect(self.reset_all)
        session.scenario_changed.connect(self.say)
        session.undo.indexChanged.connect(self.say)
        session.undo.cleanChanged.connect(self.say)
        themes.changed.connect(self._dress)
        self._dress()
        self.say()

    def _button(self, text: str, drawn: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        set_role(button, "tool")
        button.setObjectName(drawn)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if drawn else Qt.ToolButtonStyle.ToolButtonTextOnly
        button.setToolButtonStyle(beside)
        return button

    def _dress(self, *_: object) -> None:
        for button in (self.undo, self.redo):
            button.setIcon(icon(button.objectName(), self._themes.theme.text, 16))

    def reset_all(self) -> None:
        """Take every change back, as a step of its own."""
        self._session.change(Scenario(), self.tr("Take every change back"))

    def say(self, *_: object) -> None:
        """Tell what is in force now."""
        stack = self._session.undo
        changes = self._session.scenario.changes
        self.setVisible(bool(changes or self._session.steps()[0]))  # rules are changed by steps of the stack too
        self.count.setText(
            self.tr("What-if: %n change(s)", "", changes) if changes else self.tr("What-if: nothing is changed")
        )
        self.last.say(stack.undoText())
        self.undo.setEnabled(stack.canUndo())
        self.redo.setEnabled(stack.canRedo())
        self.reset.setEnabled(bool(changes))
        self.steps.setEnabled(stack.count() > 0)
        undo, redo = self.tr("Undo: {step} (Ctrl+Z)"), self.tr("Redo: {step} (Ctrl+Shift+Z)")
        self.undo.setToolTip(undo.format(step=stack.undoText()))
        self.redo.setToolTip(redo.format(step=stack.redoText()))

    def _fill(self) -> None:
        """List the steps, the one in force marked."""
        self.menu.clear()
        stack = self._session.undo
        group = QActionGroup(self.menu)
        for place in range(stack.count() + 1):
            text = stack.text(place - 1) if place else self.tr("As it was")
            action = self.menu.addAction(text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(place == stack.index())
            action.triggered.connect(lambda _=False, place=place: stack.setIndex(place))
            group.addAction(action)
