"""The batch lane's work as the window shows it: what runs, how far it is, how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from app.fault_text import fault_text
from app.questions import Pace
from engine.jobs import Progress


class Lane(Protocol):
    """What is needed of a lane; `EngineLane` is one."""

    finished: Any
    failed: Any
    progressed: Any
    cancelled: Any
    beat: Any

    def submit(self, name: str, /, **arguments: Any) -> int: ...
    def cancel(self, job: int) -> None: ...
    def pause(self, job: int) -> None: ...
    def resume(self, job: int) -> None: ...


TRAININGS = ("train", "update")  # kinds of tasks that make a run


@dataclass(frozen=True)
class Task:
    """A job that was asked for. `state` is "waiting", "running", "paused" or "stopping"."""

    job: int
    kind: str  # the desk's name of it: "sample", "import_dataset", "train", "update"
    title: str
    folder: str  # what it makes
    arguments: dict[str, Any] = field(repr=False, default_factory=dict)
    state: str = "waiting"
    progress: Progress | None = None
    seconds_left: float | None = None
    epoch: int = 0  # of a training: the one that runs
    epochs: int = 0
    ndcg: tuple[float, ...] = ()  # on validation, of the epochs seen

    @property
    def share(self) -> float | None:
        """How much is done, 0..1; None while it is unknown."""
        if self.progress is None or not self.progress.total:
            return None if not self.epochs or not self.epoch else max(self.epoch - 1, 0) / self.epochs
        within = min(self.progress.done / self.progress.total, 1.0)
        if not self.epochs or not self.epoch:
            return within
        if self.progress.stage == "Epoch done":
            return within
        return (self.epoch - 1 + (within if self.progress.stage == "Training" else 1.0)) / self.epochs


class Batch(QObject):
    """Follows the jobs of the batch lane. `done` comes with each task's end; the views follow `changed`."""

    changed = Signal()  # tasks came, went, advanced or changed state
    advanced = Signal(object, object)  # Task, Progress
    done = Signal(object, object)  # Task, answer
    failed = Signal(object, str, str)  # Task, message, hint
    cancelled = Signal(object)  # Task
    beat = Signal(object)  # engine.runner.Beat: device and memory

    def __init__(self, lane: Lane, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._clock = clock
        self._pace = Pace(clock)
        self.tasks: dict[int, Task] = {}
        lane.progressed.connect(self._progressed)
        lane.finished.connect(self._finished)
        lane.failed.connect(self._failed)
        lane.cancelled.connect(self._cancelled)
        lane.beat.connect(self.beat)

    @property
    def current(self) -> Task | None:
        """The task at the front: running, paused or about to."""
        return next(iter(self.tasks.values()), None)

    def submit(self, kind: str, title: str, folder: str, /, *, epochs: int = 0, **arguments: Any) -> Task:
        job = self._lane.submit(kind, **arguments)
        task = Task(job, kind, title, folder, arguments, epochs=epochs)
        self.tasks[job] = task
        self.changed.emit()
        return task

    def pause(self, job: int) -> None:
        if job in self.tasks:
            self._lane.pause(job)
            self._put(replace(self.tasks[job], state="paused", seconds_left=None))

    def resume(self, job: int) -> None:
        if job in self.tasks:
            self._pace = Pace(self._clock)
            self._lane.resume(job)
            self._put(replace(self.tasks[job], state="running"))

    def cancel(self, job: int) -> None:
        if job in self.tasks:
            self._put(replace(self.tasks[job], state="stopping", seconds_left=None))
            self._lane.cancel(job)

    def _put(self, task: Task) -> None:
        self.tasks[task.job] = task
        self.changed.emit()

    def _progressed(self, job: int, progress: Progress) -> None:
        task = self.tasks.get(job)
        if task is None:
            return
        if task.kind == "update" and progress.stage == "Training":  # it counts its steps anew in each epoch
            before = task.progress
            again = before is None or before.stage != "Training" or progress.done <= before.done
            task = replace(task, epoch=task.epoch + again)
        task = replace(task, progress=progress, state="running" if task.state == "waiting" else task.state)
        if task.kind == "train" and "epoch" in progress.data:
            task = replace(task, epoch=int(progress.data["epoch"]))
            if "ndcg@10" in progress.data:
                task = replace(task, ndcg=(*task.ndcg, progress.data["ndcg@10"]), epochs=progress.total or task.epochs)
        task = replace(task, seconds_left=self._left(task) if task.state == "running" else None)
        self.advanced.emit(task, progress)
        self._put(task)

    def _left(self, task: Task) -> float | None:
        """Seconds to the end at the pace so far, of a training over its epochs, else of the stage; None for a guess."""
        share = task.share
        if share is None or task.progress is None:
            return None
        stage = "Training" if task.epochs and task.epoch else task.progress.stage
        return self._pace.left(f"{task.job} {stage}", share)

    def _finished(self, job: int, answer: object) -> None:
        task = self.tasks.pop(job, None)
        if task is not None:
            self.changed.emit()
            self.done.emit(task, answer)

    def _failed(self, job: int, message: str, hint: str) -> None:
        task = self.tasks.pop(job, None)
        if task is not None:
            self.changed.emit()
            self.failed.emit(task, fault_text(message), fault_text(hint))

    def _cancelled(self, job: int) -> None:
        task = self.tasks.pop(job, None)
        if task is not None:
            self.changed.emit()
            self.cancelled.emit(task)
