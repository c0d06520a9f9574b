"""Whether a workspace is whole: every file parses, nothing half written stays for ever, nothing confirmed is gone."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.leftovers import DAY


def files(workspace: Path) -> Iterator[Path]:
    """Every file but photos."""
    for parent, folders, names in os.walk(workspace):
        folders[:] = [name for name in folders if name != "media"]
        yield from (Path(parent) / name for name in names)


def damaged(workspace: Path) -> list[str]:
    """The files that do not parse; half-written ones have names of their own and do not count."""
    faults = []
    for path in files(workspace):
        if any(part.startswith(".") for part in path.relative_to(workspace).parts):
            continue
        if "damaged" in path.name:
            faults.append(f"{path.name} was put aside as damaged")
        try:
            _parse(path)
        except Exception as error:  # whatever a reader thinks of it
            faults.append(f"{path.relative_to(workspace)}: {error!r}"[:200])
    return faults


def _parse(path: Path) -> None:
    if path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.read_table(path)
    elif path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(str(path), framework="np") as file:
            for name in file.keys():  # noqa: SIM118
                file.get_slice(name).get_shape()
    elif path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as base:
            said = base.execute("PRAGMA integrity_check").fetchone()[0]
        if said != "ok":
            raise ValueError(said)
    elif path.suffix == ".npy":
        import numpy as np

        np.load(path, mmap_mode="r", allow_pickle=False)


def half_written(workspace: Path) -> list[Path]:
    """Temporary files and folders, and locks."""
    found = [path for path in files(workspace) if path.name.startswith(".")]
    return [*found, *(path for path in workspace.glob("*/.*") if path.is_dir())]


def make_old(paths: list[Path]) -> None:
    """As if two days had passed."""
    moment = time.time() - 2 * DAY
    for path in paths:
        if path.is_file():
            os.utime(path, (moment, moment))


def old(paths: list[Path]) -> list[Path]:
    """Those that `make_old` was given and that are still there."""
    moment = time.time() - DAY
    found = []
    for path in paths:
        try:
            if path.is_file() and path.stat().st_mtime < moment:
                found.append(path)
        except OSError:
            continue  # it went just now
    return found


def notes(workspace: Path) -> set[str]:
    """The texts of all notes."""
    place = workspace / "notes.sqlite"
    if not place.is_file():
        return set()
    with closing(sqlite3.connect(place)) as base:
        return {row[0] for row in base.execute("SELECT text FROM notes")}


def json_of(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
