"""After an end that nobody asked for: what came back and what was under way, said in a quiet bar with a way on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.actions import Action
from app.i18n import joined
from app.theme import ThemeSource, icon, set_role
from app.unfinished import Unfinished


@dataclass(frozen=True)
class CameBack:
    """What a window took up. fallen: the one before ended unexpectedly; afresh: it did so again and again, so that
    what it showed was left out; user, steps: the shopper and the number of what-if steps; tasks: what was not done."""

    fallen: bool
    afresh: bool
    user: str
    steps: int
    tasks: tuple[Unfinished, ...]


class ComebackBar(QFrame):
    """Above the views until it is answered or put away. The texts are in the language in force."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._came = CameBack(False, False, "", 0, ())
        self._acts: dict[QPushButton, Callable[[], None]] = {}
        set_role(self, "panel")
        self.setObjectName("comeback")
        self.setStyleSheet("#comeback { margin-top: 12px; }")  # below the top bar
        self.message = QLabel()
        set_role(self.message, "strong")
        self.facts = QLabel()
        set_role(self.facts, "muted")
        for label in (self.message, self.facts):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.message)
        words.addWidget(self.facts)
        self.on, self.other, self.away = QPushButton(), QPushButton(), QPushButton()
        set_role(self.on, "primary")
        set_role(self.away, "quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(12)
        row.addLayout(words, 1)
        for button in (self.on, self.other, self.away):
            row.addWidget(button)
            button.clicked.connect(lambda _, one=button: self._do(one))
        themes.changed.connect(self._draw)

    def offer(
        self,
        came: CameBack,
        *,
        on: Callable[[], None],
        afresh: Callable[[], None],
        back: Callable[[], None],
        away: Callable[[], None],
    ) -> None:
        """Tell what came back. on: go on with the tasks; afresh: leave what came back; back: take up what was left
        out; away: put away."""
        self._came = came
        self._acts = {self.on: on, self.other: back if came.afresh else afresh, self.away: away}
        self._tell()
        self.show()

    def _tell(self) -> None:
        came = self._came
        tasks = ", ".join(task.title for task in came.tasks)
        if came.afresh:
            self.message.setText(
                self.tr("Heedmap ended unexpectedly more than once. It starts afresh; what was open is kept.")
            )
        elif came.fallen:
            self.message.setText(self.tr("Heedmap ended unexpectedly. This is how you left it."))
        else:
            self.message.setText(self.tr("Not done yet: {0}").format(tasks))
        facts = []
        if came.fallen and not came.afresh and came.user:
            facts.append(self.tr("shopper {0}").format(came.user))
        if came.fallen and not came.afresh and came.steps:
            facts.append(self.tr("%n what-if step(s)", "", came.steps))
        if came.fallen and tasks:
            facts.append(self.tr("not done: {0}").format(tasks))
        self.facts.setText(joined(facts))
        self.facts.setVisible(bool(facts))
        self.on.setText(self.tr("Go on"))
        self.on.setToolTip(self.tr("Go on with: {0}").format(tasks))
        self.on.setVisible(bool(tasks))
        self.other.setVisible(came.fallen)
        self.other.setText(self.tr("Bring it back") if came.afresh else self.tr("Start afresh"))
        self.other.setToolTip(
            self.tr("Open what was open, as it was")
            if came.afresh
            else self.tr("Leave what came back, and begin as if nothing had been chosen")
        )
        self.away.setToolTip(self.tr("Dismiss"))
        self.away.setAccessibleName(self.tr("Dismiss"))
        self.setAccessibleName(f"{self.message.text()} {self.facts.text()}".strip())
        self._draw()

    def _draw(self, *_: object) -> None:
        self.away.setIcon(icon("close", self._themes.theme.muted))

    def _do(self, button: QPushButton) -> None:
        """Going on with the tasks leaves the other question open."""
        if button is self.on and self._came.fallen:
            self._came = CameBack(True, self._came.afresh, self._came.user, self._came.steps, ())
            self._tell()
        else:
            self.hide()
        self._acts[button]()

    def offers(self) -> list[Action]:
        """The buttons, for the palette."""
        on = Action("comeback-on", self.on.toolTip(), self.on.click, icon="play")
        other = Action("comeback-other", self.other.text(), self.other.click, icon="undo")
        return [*([on] if self.on.isVisible() else []), *([other] if self.other.isVisible() else [])]

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and self._acts:
            self._tell()
