"""The line that says a what-if is in force: what is changed, undo, redo, the list of steps, and the way back."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from app.i18n import joined
from app.session import Session
from app.theme import ThemeSource, icon, set_role
from app.views.panel import Heading
from engine.scenario import Scenario


def tr(text: str, count: int) -> str:
    return QCoreApplication.translate("Changes", text, "", count)


def what_changed(scenario: Scenario) -> str:
    """What a scenario changes, each kind with its number; "" where it changes nothing."""
    edits, pasts = scenario.edits, scenario.pasts
    moved = sum(len({event.item for event in past.added} & set(past.removed)) for past in pasts)
    counts = (
        (tr("%n part(s) removed", n := sum(len(edit.dropped) for edit in edits)), n),
        (tr("%n text(s) edited", n := sum(len(edit.texts) for edit in edits)), n),
        (tr("%n photo(s) changed", n := sum(edit.photo is not None for edit in edits)), n),
        (tr("attributes of %n product(s) changed", n := sum(edit.attributes is not None for edit in edits)), n),
        (tr("%n shopper(s) invented", n := sum(past.invented for past in pasts)), n),
        (tr("%n past choice(s) added", n := sum(len(past.added) for past in pasts) - moved), n),
        (tr("%n past choice(s) removed", n := sum(len(past.removed) for past in pasts) - moved), n),
        (tr("%n past choice(s) moved", moved), moved),
        (tr("other business rules", 1), bool(scenario.rules)),
    )
    return joined([text for text, count in counts if count])


class ChangesBar(QFrame):
    """Hidden while nothing was ever changed. Its buttons do what Ctrl+Z and Ctrl+Shift+Z do anywhere."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        set_role(self, "notice")
        self.what = Heading("strong")
        self.what.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
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
        row.addWidget(self.what, 1)
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
        steps, done = self._session.steps()
        self.setVisible(bool(changes or steps))  # rules are changed by steps of the stack too
        alone = done == 1 and not steps[0].before.changes  # its name tells more than a number
        what = steps[0].text if alone else what_changed(self._session.scenario)
        self.what.say(
            self.tr("What-if: {what}").format(what=what) if changes else self.tr("What-if: nothing is changed")
        )
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
