"""What a workspace calls a dataset, where its name alone would not tell it from another one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.files import way

INSIDE = "datasets"  # of a workspace: the folder of its own datasets
_LETTERS = 8  # of the mark by which datasets of one name are told apart


def is_inside(workspace: Path, dataset: Path | str) -> bool:
    """Whether a dataset's folder is one of the workspace's own: no two of these have one name."""
    return Path(dataset).resolve().parent == workspace.resolve() / INSIDE


def marked_name(workspace: Path, dataset: Path | str) -> str:
    """A dataset's folder's name and a mark of where it lies, seen from the workspace: moved together they keep it."""
    mark = hashlib.sha256(way(workspace, Path(dataset)).encode()).hexdigest()[:_LETTERS]
    return f"{Path(dataset).resolve().name}-{mark}"


def own_name(workspace: Path, dataset: Path | str) -> str:
    """A name that no other dataset has, and that none has whose folder's name stands alone: "datasets/shop" for one of
    the workspace, "shop-1a2b3c4d" for one elsewhere."""
    inside = is_inside(workspace, dataset)
    return f"{INSIDE}/{Path(dataset).resolve().name}" if inside else marked_name(workspace, dataset)
