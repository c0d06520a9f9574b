"""The trainings that run and wait: their order, and what is taken out of it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.batch import TRAININGS, Batch, Task
from app.chrome import task_facts
from app.i18n import joined
from app.theme import set_role


class TrainQueue(QWidget):
    """The batch lane's tasks in their order; those that wait can be moved and removed."""

    def __init__(self, batch: Batch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._batch = batch
        self.list = QListWidget()
        set_role(self.list, "plain")
        self.list.setAccessibleName(self.tr("Queue of trainings"))
        self.up = self._button(self.tr("Earlier"), self.tr("Train this one earlier (Alt+Up)"), "Alt+Up")
        self.down = self._button(self.tr("Later"), self.tr("Train this one later (Alt+Down)"), "Alt+Down")
        self.remove = self._button(self.tr("Remove"), self.tr("Take it out of the queue; a running one stops"), "")
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.remove.clicked.connect(self._remove)
        self._empty = QLabel(self.tr("Nothing waits. Start another training while one runs, and it queues here."))
        set_role(self._empty, "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.up, self.down, self.remove):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.list, 1)
        column.addWidget(self._empty, 1)
        column.addLayout(buttons)
        self.list.currentRowChanged.connect(lambda _: self._offer())
        batch.changed.connect(self._fill)
        self._fill()

    def _button(self, text: str, tip: str, shortcut: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setShortcut(shortcut)
        return button

    @property
    def tasks(self) -> list[Task]:
        return list(self._batch.tasks.values())

    @property
    def current(self) -> Task | None:
        item = self.list.currentItem()
        return None if item is None else self._batch.tasks.get(item.data(Qt.ItemDataRole.UserRole))

    def _fill(self) -> None:
        tasks, kept = self.tasks, self.current
        if [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())] != [
            task.job for task in tasks
        ]:
            self.list.clear()
            for task in tasks:
                item = QListWidgetItem(self.list)
                item.setData(Qt.ItemDataRole.UserRole, task.job)
                item.setSizeHint(QSize(0, 30))
        for row, task in enumerate(tasks):
            facts = task_facts(task, front=task == self._batch.current)
            self.list.item(row).setText(joined([f"{row + 1}.  {task.title}", facts]))
        if tasks and self.list.currentRow() < 0:
            same = [row for row, task in enumerate(tasks) if kept is not None and task.folder == kept.folder]
            self.list.setCurrentRow(same[0] if same else 0)
        self.list.setVisible(bool(tasks))
        self._empty.setVisible(not tasks)
        self._offer()

    def _offer(self) -> None:
        task = self.current
        row = self.list.currentRow()
        self.up.setEnabled(task is not None and self._movable(row - 1))
        self.down.setEnabled(task is not None and self._movable(row) and row + 1 < len(self.tasks))
        self.remove.setEnabled(task is not None and task.state != "stopping")

    def _movable(self, row: int) -> bool:
        """Whether everything from this row on is a training that waits: those behind it are asked for anew."""
        return row >= 0 and all(task.kind in TRAININGS and task.state == "waiting" for task in self.tasks[row:])

    def _move(self, by: int) -> None:
        """Swap two neighbours: what waits from the first of them on leaves the lane and joins it again in order."""
        row, task = self.list.currentRow(), self.current
        first = min(row, row + by)
        if task is None or not self._movable(first) or row + by >= len(self.tasks):
            return
        order = self.tasks[first:]
        order[0], order[1] = order[1], order[0]
        for one in order:
            self._batch.cancel(one.job)
        for one in order:
            self._batch.submit(one.kind, one.title, one.folder, epochs=one.epochs, **one.arguments)
        self.list.setCurrentRow(next(at for at, one in enumerate(self.tasks) if one.folder == task.folder))

    def _remove(self) -> None:
        if self.current is not None:
            self._batch.cancel(self.current.job)
