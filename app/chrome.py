"""What frames every view: top bar, rail, banner, status bar. They show what the window tells them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.batch import Task
from app.chips import Chooser, Dot, GradeChip
from app.fault_text import fault_text
from app.i18n import duration, joined, stage_text
from app.palette import Entry, Palette
from app.theme import THEMES, Theme, icon, set_role, ui_font

BAR = 48
RAIL = 72
STATUS = 28
PATIENCE = 1000  # milliseconds of work that need no way to stop it


def gigabytes(used: int, total: int) -> str:
    """Memory in use, as "1.2 of 23 GB"."""
    if total <= 0:
        return ""
    text = QCoreApplication.translate("Memory", "{0} of {1} GB")
    return text.format(f"{used / 2**30:.1f}", f"{total / 2**30:.0f}")


def task_facts(task: Task, *, front: bool = False) -> str:
    """How far a task is, in a few words: stage or epoch, count, figure, time left. front: it waits for no other."""
    progress = task.progress
    if progress is None:
        if task.state != "waiting":
            return ""
        starting, waiting = (
            QCoreApplication.translate("Task", "starting"),
            QCoreApplication.translate("Task", "waiting"),
        )
        return starting if front else waiting
    facts = []
    if task.epoch:
        facts.append(QCoreApplication.translate("Task", "epoch {0} of {1}").format(task.epoch, task.epochs or "?"))
    if progress.stage not in ("Training", "Epoch done"):
        stage = stage_text(progress.stage)
        facts.append(f"{stage} {progress.done:,} / {progress.total:,}" if progress.total > 1 else stage)
    if task.ndcg:
        rising = len(task.ndcg) > 1 and task.ndcg[-1] >= task.ndcg[-2]
        arrow = "" if len(task.ndcg) < 2 else " ▲" if rising else " ▼"
        facts.append(f"NDCG@10 {task.ndcg[-1]:.3f}{arrow}")
    if task.state == "paused":
        facts.append(QCoreApplication.translate("Task", "paused"))
    elif task.state == "stopping":
        facts.append(QCoreApplication.translate("Task", "stopping"))
    elif task.seconds_left is not None:
        facts.append(duration(task.seconds_left))
    return joined(facts)


class TopBar(QFrame):
    """Wordmark, what is open, and the field that finds everything."""

    dataset_chosen = Signal(str)
    run_chosen = Signal(str)
    method_chosen = Signal(str)

    def __init__(self, theme: Theme, window: QWidget, find: Callable[[str], list[Entry]]) -> None:
        super().__init__()
        set_role(self, "bar")
        self.setFixedHeight(BAR)
        own = THEMES[theme.name].pushes_up.name()  # whatever the colours of heat
        mark = QLabel(f'heed<span style="color:{own}">map</span>')
        mark.setFont(ui_font(15, QFont.Weight.Bold))
        mark.setAccessibleName("Heedmap")
        self.dataset = Chooser(self.tr("Dataset"), self.tr("The shop's data"))
        self.run = Chooser(self.tr("Run"), self.tr("The trained model"))
        self.method = Chooser(self.tr("Method"), self.tr("How the score is explained"))
        self.grade = GradeChip(theme)
        self.method.add(self.grade)
        for chooser, signal in (
            (self.dataset, self.dataset_chosen),
            (self.run, self.run_chosen),
            (self.method, self.method_chosen),
        ):
            chooser.box.activated.connect(lambda _, c=chooser, s=signal: s.emit(c.box.currentData()))
            chooser.hide()
        self.palette_field = Palette(theme, window, find)
        self.palette_field.setMinimumWidth(180)
        self.palette_field.setMaximumWidth(330)
        self.palette_field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(10)
        row.addWidget(mark)
        row.addSpacing(10)
        for chooser in (self.dataset, self.run, self.method):
            row.addWidget(chooser)
        row.addStretch(1)
        row.addWidget(self.palette_field, 2)


class Rail(QFrame):
    """The views, one below the other, and the menu at the foot."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, views: list[tuple[str, str, str, str]], menu: QMenu, tip: str) -> None:
        super().__init__()
        set_role(self, "side")
        self.setFixedWidth(RAIL)
        column = QVBoxLayout(self)
        column.setContentsMargins(5, 10, 5, 8)
        column.setSpacing(6)
        self._theme = theme
        self._icons = {name: which for name, _, which, _ in views}
        self._buttons: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        for name, text, _, hint in views:
            button = QToolButton()
            set_role(button, "rail")
            button.setText(text)
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(20, 20))
            button.setFixedSize(RAIL - 11, 50)
            button.setToolTip(hint)
            button.setAccessibleName(text)
            button.clicked.connect(lambda _, n=name: self.chosen.emit(n))
            group.addButton(button)
            self._buttons[name] = button
            column.addWidget(button)
        column.addStretch(1)
        more = QToolButton()
        set_role(more, "rail")
        more.setIcon(icon("menu", theme.muted))
        more.setIconSize(QSize(20, 20))
        more.setFixedSize(RAIL - 11, 40)
        more.setToolTip(tip)
        more.setAccessibleName(tip)
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more = more
        column.addWidget(more)

    def show_current(self, name: str) -> None:
        for key, button in self._buttons.items():
            color = self._theme.accent if key == name else self._theme.muted
            button.setIcon(icon(self._icons[key], color))
            button.setChecked(key == name)


class Banner(QFrame):
    """An error or a remark above the views: what, how to mend it, and a way to put it away."""

    retry = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        set_role(self, "banner")
        mark = QLabel()
        mark.setPixmap(icon("warning", theme.error).pixmap(18, 18))
        self._message = QLabel()
        set_role(self._message, "strong")
        self._hint = QLabel()
        set_role(self._hint, "muted")
        for label in (self._message, self._hint):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._message)
        words.addWidget(self._hint)
        self._again = QPushButton(self.tr("Try again"))
        self._again.clicked.connect(self._retry)
        away = QPushButton(icon("close", theme.muted), "")
        set_role(away, "quiet")
        away.setToolTip(self.tr("Dismiss"))
        away.setAccessibleName(self.tr("Dismiss"))
        away.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(12)
        row.addWidget(mark)
        row.addLayout(words, 1)
        row.addWidget(self._again)
        row.addWidget(away)
        self.hide()

    @property
    def message(self) -> str:
        return self._message.text()

    def say(self, message: str, hint: str, *, again: bool = False) -> None:
        message, hint = fault_text(message), fault_text(hint)
        self._message.setText(message)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._again.setVisible(again)
        self.setAccessibleName(f"{message} {hint}")
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # the first frame does without them

        said = QAccessibleAnnouncementEvent(self, f"{message} {hint}".strip())
        said.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(said)
        self.show()

    def _retry(self) -> None:
        self.hide()
        self.retry.emit()


class StatusBar(QFrame):
    """What the engine does on the left; the machine, the network and the language on the right."""

    task_clicked = Signal()
    stop_asked = Signal()
    rules_asked = Signal()

    def __init__(self, theme: Theme, languages: QMenu, language: str) -> None:
        super().__init__()
        self._theme = theme
        set_role(self, "status")
        self.setFixedHeight(STATUS)
        self._dot = Dot(theme.muted)
        self._what = QLabel()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(170)
        self._bar.setRange(0, 1000)
        self._facts = QLabel()
        self._device = QLabel()
        offline = QLabel(self.tr("offline"))
        offline.setToolTip(self.tr("Heedmap never opens a network connection"))
        tongue = QToolButton()
        set_role(tongue, "status")
        tongue.setText(language)
        tongue.setMenu(languages)
        tongue.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        tongue.setToolTip(self.tr("Language"))
        tongue.setAccessibleName(self.tr("Language"))
        self._answer = QLabel()
        self.stop = QToolButton()
        set_role(self.stop, "status")
        self.stop.setText(self.tr("Stop"))
        self.stop.setToolTip(self.tr("Stop this work; what is shown stays"))
        self.stop.clicked.connect(self.stop_asked)
        self.stop.hide()
        self.rules = QToolButton()
        set_role(self.rules, "chip")
        self.rules.setToolTip(
            self.tr(
                "What shoppers are shown is under business rules: in Explore, What-if, Compare, Segments and the map of"
                " reasons. Audits and figures of runs are of the model's own ranking"
            )
        )
        self.rules.clicked.connect(self.rules_asked)
        self.rules.hide()
        self.read_only = QLabel(self.tr("Read-only"))
        set_role(self.read_only, "chip")
        self.read_only.setToolTip(
            self.tr("This workspace is open read-only: nothing is written inside it; notes are kept elsewhere, signed")
        )
        self.read_only.hide()
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE)
        self._patience.timeout.connect(self.stop.show)
        for label in (self._what, self._facts, self._answer, self._device, offline):
            set_role(label, "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(12)
        row.addWidget(self._dot)
        row.addWidget(self._what)
        row.addWidget(self._bar)
        row.addWidget(self._facts)
        row.addWidget(self._answer)
        row.addWidget(self.stop)
        row.addStretch(1)
        row.addWidget(self.read_only)
        row.addWidget(self.rules)
        row.addWidget(self._device)
        row.addWidget(offline)
        row.addWidget(tongue)
        self.show_work(None, "")

    def show_work(self, task: Task | None, waiting: str) -> None:
        """The batch task at the front, else what the interactive engine is busy with."""
        self._dot.set_color(self._theme.accent if waiting or (task and task.state == "running") else self._theme.muted)
        self._bar.setVisible(task is not None)
        self._facts.setVisible(task is not None)
        self._answer.setVisible(task is not None and bool(waiting))
        self._answer.setText(f"{waiting}…")
        if not waiting:
            self._patience.stop()
            self.stop.hide()
        elif self.stop.isHidden() and not self._patience.isActive():
            self._patience.start()
        if task is None:
            self._what.setText(f"{waiting}…" if waiting else self.tr("Ready"))
            return
        self._what.setText(task.title)
        self._facts.setText(task_facts(task, front=True))
        share = task.share
        self._bar.setRange(0, 0 if share is None and task.state == "running" else 1000)
        self._bar.setValue(round(1000 * (share or 0)))

    def show_rules(self, text: str) -> None:
        """Say that business rules are in force; "" for none."""
        self.rules.setText(text)
        self.rules.setVisible(bool(text))

    @property
    def device(self) -> str:
        """The device that computes and its memory, as it is shown; "" before the engine has told."""
        return self._device.text()

    def show_machine(self, device: str, used: int, total: int) -> None:
        self._device.setText(joined([device, gigabytes(used, total)]))
        self._device.setToolTip(self.tr("The device that computes, and the memory in use"))
