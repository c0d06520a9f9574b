"""A workspace folder: datasets and runs that belong together and move together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import versions
from engine.errors import HeedmapError
from engine.files import make_folder, read_json, write_json

MARKER = "workspace.heedmap"  # by its name a desktop knows what opens it
MARKER_BEFORE = "workspace.json"  # of version 1


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
    """What a workspace holds. `faults` are sentences about folders that could not be read.

    backups: folders with the files of an older version as they were, where it was just brought forward; not_forward:
    why it was not, a sentence: it can be used as it is.
    """

    folder: str
    datasets: tuple[DatasetEntry, ...]
    runs: tuple[RunEntry, ...]
    faults: tuple[str, ...]
    backups: tuple[str, ...] = ()
    not_forward: str = ""


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


def read_card(run: Path) -> dict[str, Any]:
    """The content of a run's run.json, also where its weights are too old to be used. NewerError; HeedmapError where it
    is missing or damaged."""
    content = read_json(run / "run.json")
    versions.refuse_newer("run", content, run)
    return dict(content)


def marker_of(folder: Path) -> Path:
    """The file that makes a folder a workspace, also of an older version; where there is none, where it would be."""
    marker, before = folder / MARKER, folder / MARKER_BEFORE
    return before if not marker.is_file() and is_marker_before(before) else marker


def is_marker_before(file: Path) -> bool:
    """Whether a workspace.json is a marker of version 1: other programs have files of that name too."""
    try:
        return file.is_file() and read_json(file) == {"version": 1}
    except (HeedmapError, OSError):
        return False


def is_marked(folder: Path) -> bool:
    """Whether a folder was made a workspace, by any version."""
    return marker_of(folder).is_file()


def is_workspace(folder: Path) -> bool:
    """Whether a folder is one by its marker, or by what it holds."""
    return is_marked(folder) or ((folder / "datasets").is_dir() and (folder / "runs").is_dir())


def read_marker(folder: Path) -> dict[str, Any]:
    """What the marker says; nothing where there is none, or it is damaged: then the folder's content speaks."""
    try:
        content = read_json(marker_of(folder))
        versions.version_of("workspace", content, folder)
    except (HeedmapError, OSError):
        return {}
    return dict(content)


def refuse_newer(path: Path) -> None:
    """NewerError where a folder, or what lies in one of its datasets, runs or the like, is of a newer workspace."""
    for folder in (path, *path.parents[:2]):
        if os.path.isfile(folder / MARKER):  # is silent about a text that can be no path
            versions.refuse_newer("workspace", read_marker(folder), folder)


def workspace_of(path: Path) -> Path:
    """The folder of a workspace, given that folder or its marker. HeedmapError where it is neither; NewerError."""
    path = path.absolute()
    if not path.exists():
        raise HeedmapError(f"There is no workspace at {path}.", "Check the path.")
    folder = path if path.is_dir() else path.parent
    if path != folder and (path != marker_of(folder) or not read_marker(folder)):
        raise HeedmapError(f"{path.name} is no workspace.", f"Give its folder, or the file {MARKER} inside.")
    refuse_newer(folder)
    return folder


def create(folder: Path) -> None:
    """Make an empty workspace, or leave the one that is there. NewerError, and HeedmapError for a full disk."""
    refuse_newer(folder)
    make_folder(folder / "datasets")
    make_folder(folder / "runs")
    if not is_marked(folder):
        write_marker(folder, versions.forward("workspace", {}, folder))


def write_marker(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the marker of today's version. content: what it is to say beside the program's version."""
    write_json(folder / MARKER, {**content, "made_by": versions.program_version()})


def summarise(folder: Path) -> WorkspaceSummary:
    """List datasets and runs, newest run first. A damaged one becomes a fault, not an error. NewerError."""
    if not folder.is_dir():
        raise HeedmapError(f"There is no workspace at {folder}.", "Check the path, or make one.")
    refuse_newer(folder)
    faults: list[str] = []
    datasets: list[DatasetEntry] = []
    for path in sorted(folder.glob("datasets/*/dataset.json")):
        try:
            content = read_json(path)
            versions.refuse_newer("dataset", content, path.parent)
            datasets.append(DatasetEntry(content["name"], str(path.parent), content["synthetic"], content["counts"]))
        except (HeedmapError, KeyError, TypeError) as error:
            faults.append(_fault(path.parent, error))
    runs: list[tuple[float, RunEntry]] = []
    for path in folder.glob("runs/*/run.json"):
        try:
            content = read_card(path.parent)
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
            faults.append(_fault(path.parent, error))
    newest = tuple(entry for _, entry in sorted(runs, key=lambda pair: -pair[0]))
    return WorkspaceSummary(str(folder), tuple(datasets), newest, tuple(faults))


def _fault(folder: Path, error: Exception) -> str:
    """A sentence that names the folder; those of our own do."""
    return str(error) if str(folder) in str(error) else f"{folder}: {error}"
