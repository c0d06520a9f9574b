"""After an end that nobody asked for: what came back and what was under way, said in a quiet bar with a way on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.actions import Action
from app.i18n import joined
from app.theme import ThemeSource, icon, set_role
from engine.errors import HeedmapError
from engine.files import read_json

if TYPE_CHECKING:
    from app.batch import Task
    from app.main_window import MainWindow

GOES_ON = ("sample", "import_dataset", "train", "update", "audit")  # kinds of tasks that can be asked for again


@dataclass(frozen=True)
class Unfinished:
    """A task of the batch lane that was under way or waited; its fields are those of `app.batch.Task`."""

    kind: str
    title: str
    folder: str
    epochs: int = 0
    arguments: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(task: Task) -> Unfinished:
        return Unfinished(task.kind, task.title, task.folder, task.epochs, task.arguments)

    @staticmethod
    def from_json(content: object) -> Unfinished | None:
        """None for what is not such a task."""
        if not isinstance(content, dict) or content.get("kind") not in GOES_ON:
            return None
        arguments, epochs = content.get("arguments"), content.get("epochs")
        if not isinstance(arguments, dict) or not isinstance(epochs, int):
            return None
        return Unfinished(content["kind"], str(content.get("title")), str(content.get("folder")), epochs, arguments)

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @property
    def done(self) -> bool:
        """Whether what it makes is there: it ended just before the window did. After a sample comes its training."""
        if self.kind == "import_dataset":
            return (Path(self.folder) / "dataset.json").is_file()
        if self.kind in ("train", "update"):
            with suppress(HeedmapError, OSError):
                card = read_json(Path(self.folder) / "run.json")
                return isinstance(card, dict) and card.get("state") == "done"
        return False


@dataclass(frozen=True)
class CameBack:
    """What a window took up. fallen: the one before ended unexpectedly; afresh: it did so again and again, so that
    what it showed was left out; user, steps: the shopper and the number of what-if steps; tasks: what was not done."""

    fallen: bool
    afresh: bool
    user: str
    steps: int
    tasks: tuple[Unfinished, ...]


def read_tasks(content: Mapping[str, Any]) -> tuple[Unfinished, ...]:
    """The unfinished tasks of a kept arrangement."""
    listed = content.get("tasks")
    found = [Unfinished.from_json(one) for one in listed] if isinstance(listed, list) else []
    return tuple(one for one in found if one is not None and not one.done)


def go_on(window: MainWindow, task: Unfinished, after: Callable[[], None] | None = None) -> None:
    """Ask for a task again: a training goes on from its last finished epoch, anything else starts anew. after: what
    follows when it is done."""
    arguments = dict(task.arguments)
    if task.kind == "train" and (Path(task.folder) / "run.json").is_file():
        arguments |= {"settings": None, "resume": True}
    made = window.batch.submit(task.kind, task.title, task.folder, epochs=task.epochs, **arguments)
    if after is not None:
        window.follow_up(made.job, after)


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


def show_comeback(window: MainWindow, place: QBoxLayout, came: CameBack) -> ComebackBar:
    """Put the bar into `place` of the window, with what its buttons do."""
    bar = ComebackBar(window.themes)
    place.addWidget(bar)
    state = window.state

    def on() -> None:
        state.forget_tasks()
        for task in came.tasks:
            if task.kind == "sample" and (Path(task.folder) / "dataset.json").is_file():
                window.train_sample()
            elif task.kind == "sample":
                go_on(window, task, window.train_sample)
            else:
                go_on(window, task)

    bar.offer(came, on=on, afresh=window.start_afresh, back=window.bring_back, away=state.settle)
    return bar
