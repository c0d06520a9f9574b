"""What the window asks of the batch lane: imports, the sample, trainings, and what follows when they are done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.batch import Batch, Task
from app.unfinished import GOES_ON, Unfinished
from app.workspace import Workspace
from engine.jobs import Progress

SAMPLE = ("sample", "first")  # names of the sample's dataset and of its run
SAMPLE_SETTINGS = {"checkpoints": "some"}  # its epochs can be compared


class Tasks(QObject):
    """Starts tasks for a workspace; its lists are read again when one ends."""

    opened = Signal(str)  # folder of a run that is there now, to be looked at
    failed = Signal(str, str, object)  # message, hint, what tries it again (or None)

    def __init__(self, batch: Batch, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._batch, self._workspace = batch, workspace
        self._chain: dict[int, Callable[[], None]] = {}  # job -> what follows when it is done
        batch.advanced.connect(self._advanced)
        batch.done.connect(lambda task, _: self._ended(task, follow=True))
        batch.failed.connect(self._failed)
        batch.cancelled.connect(lambda task: self._ended(task))

    def import_sources(self, sources: list[Path]) -> None:
        """Import a folder, or files that belong together; the first names the dataset."""
        first = sources[0]
        out = self._workspace.new_dataset_folder(first.name if first.is_dir() else first.name.partition(".")[0])
        self._batch.submit(
            "import_dataset", self.tr("Importing {0}").format(first.name), str(out),
            kind="auto", sources=[str(source) for source in sources], out=str(out),
        )  # fmt: skip

    def make_sample(self) -> None:
        """Draw the sample, train on it, open the run; what is there already is not made again."""
        dataset, run = self._sample()
        known = self._workspace.run(str(run))
        if known is not None and known.state == "done":
            self.opened.emit(known.folder)
        elif any(Path(one.folder) == dataset for one in self._workspace.datasets):
            settings = None if known is not None else SAMPLE_SETTINGS
            self.train(str(dataset), str(run), settings, resume=known is not None, follow=True)
        else:
            task = self._batch.submit("sample", self.tr("Drawing the sample"), str(dataset), out=str(dataset))
            self._chain[task.job] = self.train_sample

    def train_sample(self) -> None:
        """Train on the sample that was drawn, and open the run."""
        dataset, run = self._sample()
        self.train(str(dataset), str(run), SAMPLE_SETTINGS, follow=True)

    def _sample(self) -> tuple[Path, Path]:
        """Where the sample's dataset and run lie."""
        return self._workspace.folder / "datasets" / SAMPLE[0], self._workspace.folder / "runs" / SAMPLE[1]

    def train(
        self, dataset: str, run: str, settings: dict[str, Any] | None, *, resume: bool = False, follow: bool = False
    ) -> None:
        """Start or go on with a training; with `follow` its run is opened at the end."""
        task = self._batch.submit(
            "train", self.tr("Training {0}").format(Path(run).name), run, epochs=int((settings or {}).get("epochs", 0)),
            dataset=dataset, run=run, settings=settings, resume=resume,
        )  # fmt: skip
        if follow:
            self._chain[task.job] = lambda: self.opened.emit(run)

    def go_on(self, task: Unfinished, after: Callable[[], None] | None = None) -> None:
        """Ask for a task again: a training goes on from its last finished epoch, anything else starts anew. after:
        what follows when it is done."""
        arguments = dict(task.arguments)
        if task.kind == "train" and (Path(task.folder) / "run.json").is_file():
            arguments |= {"settings": None, "resume": True}
        made = self._batch.submit(task.kind, task.title, task.folder, epochs=task.epochs, **arguments)
        if after is not None:
            self._chain[made.job] = after

    def take_up(self, tasks: tuple[Unfinished, ...]) -> None:
        """Go on with those of the window before; after a sample comes its training."""
        for task in tasks:
            if task.kind == "sample" and (Path(task.folder) / "dataset.json").is_file():
                self.train_sample()
            else:
                self.go_on(task, self.train_sample if task.kind == "sample" else None)

    def _advanced(self, _task: Task, progress: Progress) -> None:
        """A run's figures in the lists change with each epoch."""
        if progress.stage == "Epoch done":
            self._workspace.refresh()

    def _failed(self, task: Task, message: str, hint: str) -> None:
        again = partial(self.go_on, Unfinished.of(task), self._chain.get(task.job))
        self.failed.emit(message, hint, again if task.kind in GOES_ON else None)
        self._ended(task)

    def _ended(self, task: Task, follow: bool = False) -> None:
        after = self._chain.pop(task.job, None)
        self._workspace.refresh()
        if follow and after is not None:
            after()
