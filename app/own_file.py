"""Where a workspace keeps what belongs to one dataset: a file that no other dataset shares, whatever their names."""

from __future__ import annotations

from pathlib import Path

from engine.files import is_read_only
from engine.own_name import INSIDE, is_inside, marked_name


def own_file(workspace: Path, dataset: Path | str, pattern: str) -> tuple[Path, Path | None]:
    """The file of a dataset's folder, and an older one of its name to be read in its stead while it is not there.

    pattern: its path in the workspace, "{}" for the dataset. A dataset of the workspace has its own name; one that
    lies elsewhere may be called the same, so that a mark of where it lies, seen from the workspace, stands behind it.
    Both went by the name alone once: a file of that time whose name no dataset of the workspace has is put aside, and
    those that lie elsewhere and were there when it was written last take it along.
    """
    folder = Path(dataset).resolve()
    named = workspace / pattern.format(folder.name)
    if is_inside(workspace, folder):
        return named, None
    place = workspace / pattern.format(marked_name(workspace, folder))
    if place.is_file():
        return place, None
    older = workspace / pattern.format(f"{folder.name}.older")
    if named.is_file() and not (workspace / INSIDE / folder.name).exists():
        older = _aside(named, older)
    return place, older if _is_older(folder / "dataset.json", older) else None


def _aside(file: Path, older: Path) -> Path:
    """Rename a file, so that a dataset that is called like it later does not take it for its own; where it is now."""
    if is_read_only(file):
        return file
    try:
        return file.replace(older)
    except OSError:
        return file


def _is_older(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_mtime <= other.stat().st_mtime
    except OSError:  # one of them is not there
        return False
