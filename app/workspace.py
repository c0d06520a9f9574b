"""The open workspace as the window knows it: its datasets and runs, names for new ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.fault_text import fault_text
from app.questions import Engine
from engine.files import is_read_only, open_read_only

if TYPE_CHECKING:
    from engine.answers import RunSummary
    from engine.workspace import DatasetEntry, RunEntry, WorkspaceSummary


class Workspace(QObject):
    """Asks the interactive lane for what a workspace folder holds; `changed` brings each answer."""

    changed = Signal(object)  # WorkspaceSummary
    failed = Signal(str, str)  # message, hint
    dataset_chosen = Signal(str)  # its folder
    dataset_beside = Signal()  # the open run's dataset is one of `datasets` now though it lies elsewhere, or no more

    def __init__(self, engine: Engine, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._job = 0
        self.folder = folder
        self.summary: WorkspaceSummary | None = None
        self.dataset = ""  # the folder of the dataset chosen last, with a run or without
        self._beside: DatasetEntry | None = None  # the open run's
        engine.finished.connect(self._finished)
        engine.failed.connect(self._failed)

    def open(self, folder: Path) -> None:
        """Change to another folder; an empty one becomes a workspace. From one that is open read-only, the other is so
        too."""
        if is_read_only(self.folder) and not is_read_only(folder):
            open_read_only(folder)
        self.folder = folder
        self.refresh(create=True)

    def refresh(self, create: bool = False) -> None:
        arguments: dict[str, Any] = {"workspace": str(self.folder)}
        if create and not is_read_only(self.folder):
            arguments["create"] = True
        self._job = self._engine.submit("list_workspace", **arguments)

    def choose_dataset(self, folder: str) -> None:
        """Look at a dataset, also one that has no run yet."""
        self.dataset = folder
        self.dataset_chosen.emit(folder)

    def run_opened(self, run: RunSummary | None) -> None:
        """The dataset of an open run can be trained on and looked at wherever it lies."""
        from engine.workspace import DatasetEntry  # as below

        of = run.dataset if run is not None else None
        beside = DatasetEntry(of.name, of.folder, of.synthetic, dict(of.counts)) if of is not None else None
        if beside != self._beside:
            self._beside = beside
            self.dataset_beside.emit()

    @property
    def datasets(self) -> tuple[DatasetEntry, ...]:
        """Those of the workspace, and the open run's where it is none of them."""
        own = self.summary.datasets if self.summary is not None else ()
        beside = self._beside
        there = beside is None or any(Path(one.folder) == Path(beside.folder) for one in own)
        return own if beside is None or there else (*own, beside)

    @property
    def runs(self) -> tuple[RunEntry, ...]:
        return self.summary.runs if self.summary is not None else ()

    @property
    def openable(self) -> tuple[RunEntry, ...]:
        """Runs with weights to look at, newest first."""
        return tuple(run for run in self.runs if run.state == "done" or run.epoch > 0)

    def run(self, folder: str) -> RunEntry | None:
        return next((run for run in self.runs if Path(run.folder) == Path(folder)), None)

    def new_run_name(self, fusion: str) -> str:
        """The next free name of a run, such as "weighted-03"."""
        taken = {run.name for run in self.runs}
        number = 1
        while f"{fusion}-{number:02d}" in taken or (self.folder / "runs" / f"{fusion}-{number:02d}").exists():
            number += 1
        return f"{fusion}-{number:02d}"

    def new_dataset_folder(self, name: str) -> Path:
        """A free folder for a dataset called `name`."""
        clean = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.") or "dataset"
        number, folder = 1, self.folder / "datasets" / clean
        while folder.exists():
            number += 1
            folder = self.folder / "datasets" / f"{clean}-{number}"
        return folder

    def _finished(self, job: int, answer: object) -> None:
        from engine.workspace import WorkspaceSummary  # loaded by an answer: the first frame of the window precedes it

        if job == self._job and isinstance(answer, WorkspaceSummary):
            self.summary = answer
            self.changed.emit(answer)

    def _failed(self, job: int, message: str, hint: str) -> None:
        if job == self._job:
            self.failed.emit(fault_text(message), fault_text(hint))
