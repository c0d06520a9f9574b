"""A workspace folder: datasets and runs that belong together and move together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.files import make_folder, read_json, write_json

WORKSPACE_VERSION = 1


@dataclass(frozen=True)
class RunEntry:
    """A run in the list. `state` is "running", "paused" or "done" as its folder says; `metric` is test NDCG@10."""

    name: str
    folder: str
    dataset: str
    state: str
    epoch: int
    metric: float | None
    epochs: tuple[int, ...] = ()  # those whose weights are kept


@dataclass(frozen=True)
class DatasetEntry:
    name: str
    folder: str
    synthetic: bool
    counts: dict[str, int]


@dataclass(frozen=True)
class WorkspaceSummary:
    """What a workspace holds. `faults` are sentences about folders that could not be read."""

    folder: str
    datasets: tuple[DatasetEntry, ...]
    runs: tuple[RunEntry, ...]
    faults: tuple[str, ...]


def epoch_file(run: Path, epoch: int) -> Path:
    """Where a run keeps the weights of one of its epochs, from 1."""
    return run / "epochs" / f"{epoch:05d}.safetensors"


def kept_epochs(run: Path, card: Mapping[str, Any]) -> tuple[int, ...]:
    """The epochs whose weights a run has kept, in their order. card: the content of its run.json.

    None once its encoders were tuned: the features that those weights read are no more.
    """
    if "tuned" in card:
        return ()
    named = (path.stem for path in run.glob("epochs/*.safetensors"))
    return tuple(sorted(int(name) for name in named if name.isdecimal()))


def create(folder: Path) -> None:
    """Make an empty workspace, or leave the one that is there."""
    make_folder(folder / "datasets")
    make_folder(folder / "runs")
    if not (folder / "workspace.json").is_file():
        write_json(folder / "workspace.json", {"version": WORKSPACE_VERSION})


def summarise(folder: Path) -> WorkspaceSummary:
    """List datasets and runs, newest run first. A damaged one becomes a fault, not an error."""
    if not folder.is_dir():
        raise HeedmapError(f"There is no workspace at {folder}.", "Check the path, or make one.")
    faults: list[str] = []
    datasets: list[DatasetEntry] = []
    for path in sorted(folder.glob("datasets/*/dataset.json")):
        try:
            content = read_json(path)
            datasets.append(DatasetEntry(content["name"], str(path.parent), content["synthetic"], content["counts"]))
        except (HeedmapError, KeyError, TypeError) as error:
            faults.append(f"{path.parent}: {error}")
    runs: list[tuple[float, RunEntry]] = []
    for path in folder.glob("runs/*/run.json"):
        try:
            content = read_json(path)
            entry = RunEntry(
                path.parent.name,
                str(path.parent),
                content["dataset"]["name"],
                content["state"],
                content["epoch"],
                content["metrics"].get("test ndcg@10"),
                kept_epochs(path.parent, content),
            )
            runs.append((path.stat().st_mtime, entry))
        except (HeedmapError, KeyError, TypeError) as error:
            faults.append(f"{path.parent}: {error}")
    newest = tuple(entry for _, entry in sorted(runs, key=lambda pair: -pair[0]))
    return WorkspaceSummary(str(folder), tuple(datasets), newest, tuple(faults))
