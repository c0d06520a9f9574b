"""What an engine process keeps at hand between jobs: opened runs, runs as a what-if has them, tables of a dataset."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import HeedmapError
from engine.jobs import Progress
from engine.scenario import ItemEdit, Scenario

if TYPE_CHECKING:
    from engine.columns import Columns
    from engine.dataset.browse import Browser
    from engine.opening import Run
    from engine.shop import Shop

UNCHANGED = Scenario()
KEPT_EDITS = 4  # what-ifs of the opened runs: ranking and explaining under one scenario read its pages once
KEPT_RUNS = 2  # opened at a time: a catalogue's tokens are large, and two runs are compared
KEPT_EPOCHS = 2  # beside them: they share their run's tokens, but each has product vectors of its own


class AtHand:
    """Opens what a job asks for, unless it is open still and unchanged on the disk."""

    def __init__(self) -> None:
        self._opened: dict[Path, tuple[float, Run]] = {}
        self._edited: dict[Any, tuple[Run, Run]] = {}  # a what-if -> the run it is of, and as it is then
        self._tables: tuple[Path, float, Browser] | None = None  # a dataset that is looked through
        self._columns: dict[tuple[str, str], tuple[Shop, Columns]] = {}  # (run, kind) -> of which shop, columns
        self._epochs: dict[tuple[Path, int], tuple[Run, Run]] = {}  # the run it is of, and as it was then

    def close(self) -> None:
        """Let go of the tables that are open."""
        if self._tables is not None:
            self._tables[2].close()
            self._tables = None

    def run(self, run: str, scenario: Scenario = UNCHANGED, epoch: int | None = None) -> Any:
        """The run opened, or as it was after an epoch, its products as a scenario has them. The last few stay open."""
        from engine.opening import open_run

        folder = Path(run).resolve()
        changed = (folder / "run.json").stat().st_mtime if (folder / "run.json").is_file() else 0.0
        kept = self._opened.pop(folder, None)
        if kept is None or kept[0] != changed:
            while len(self._opened) >= KEPT_RUNS:
                del self._opened[next(iter(self._opened))]
            kept = (changed, (yield from open_run(folder)))
        self._opened[folder] = kept  # the newest is last
        opened = kept[1] if epoch is None else self._at_epoch(folder, kept[1], epoch)
        return opened if not scenario.edits else (yield from self._with_edits(folder, epoch, opened, scenario.edits))

    def inside(self, run: str) -> Any:
        """The run opened, where it shows its inside. HeedmapError where it was made elsewhere."""
        from engine.foreign.run import ForeignRun

        recommender = yield from self.run(run)
        if isinstance(recommender, ForeignRun):
            raise HeedmapError(
                f"{recommender.folder.name} was made elsewhere and shows nothing of its inside.",
                "Open a run that was trained here.",
            )
        return recommender

    def columns(self, run: str, kind: str) -> Any:
        """The columns of a run, read once while it stays open."""
        from engine.matching import columns

        recommender = yield from self.run(run)
        kept = self._columns.get((run, kind))
        if kept is None or kept[0] is not recommender.shop:
            yield Progress("Reading the columns")
            kept = (recommender.shop, columns(recommender.shop, kind))
            while len(self._columns) >= 2 * KEPT_RUNS:
                del self._columns[next(iter(self._columns))]
            self._columns[run, kind] = kept
        return kept[1]

    def browser(self, dataset: str) -> Generator[Progress, None, Browser]:
        """The tables of a dataset, opened. Those of the last dataset stay open until it changes."""
        from engine.aside import aside
        from engine.dataset.browse import Browser
        from engine.dataset.store import Dataset

        yield Progress("Reading the tables")

        folder = Path(dataset).resolve()
        changed = (folder / "dataset.json").stat().st_mtime if (folder / "dataset.json").is_file() else 0.0
        if self._tables is None or self._tables[:2] != (folder, changed):
            self.close()
            found = Dataset.open(folder)
            try:
                browser = yield from aside("Reading the tables", lambda: Browser(found), found.interrupt)
            except BaseException:
                found.close()
                raise
            self._tables = (folder, changed, browser)
        return self._tables[2]

    def _with_edits(self, folder: Path, epoch: int | None, opened: Run, edits: tuple[ItemEdit, ...]) -> Any:
        """An opened run with products as they are edited; the last few stay at hand."""
        from engine.whatif import edited, stamps

        key = (folder, epoch, edits, stamps(edits))
        found = self._edited.pop(key, None)
        if found is None or found[0] is not opened:
            found = (opened, (yield from edited(opened, edits)))
        runs = [run for _, run in self._opened.values()] + [run for _, run in self._epochs.values()]
        kept = {other: one for other, one in self._edited.items() if any(one[0] is run for run in runs)}
        self._edited = dict(list(kept.items())[1 - KEPT_EDITS :]) | {key: found}
        return found[1]

    def _at_epoch(self, folder: Path, opened: Run, epoch: int) -> Run:
        from engine.opening import at_epoch

        then = self._epochs.pop((folder, epoch), None)
        if then is None or then[0] is not opened:
            then = (opened, at_epoch(opened, epoch))
        open_runs = [run for _, run in self._opened.values()]
        kept = {key: one for key, one in self._epochs.items() if any(one[0] is run for run in open_runs)}
        self._epochs = dict(list(kept.items())[1 - KEPT_EPOCHS :]) | {(folder, epoch): then}
        return then[1]
