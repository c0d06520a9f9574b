"""Copies of files of a workspace as they were before a newer version of the program changed them.

A backup is a folder WORKSPACE/backups/KIND-vVERSION-DATE with the files that change, in their places: copied back, they
are the workspace as it was. Its backup.json is written last and says that it is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine import versions
from engine.files import make_folder, write_bytes, write_json

BACKUPS = "backups"


def back_up(workspace: Path, kind: str, version: int, files: Sequence[Path]) -> Path:
    """Copy files of the workspace as they are, and return the folder of the backup.

    HeedmapError where the disk is full or may not be written.
    """
    name = f"{kind}-v{version}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder, number = workspace / BACKUPS / name, 1
    while folder.exists():
        folder, number = workspace / BACKUPS / f"{name}-{number + 1}", number + 1
    make_folder(folder)
    places = [file.relative_to(workspace) for file in files]
    for place in places:
        write_bytes(folder / place, (workspace / place).read_bytes())
    about = {"kind": kind, "version": version, "before": versions.program_version()}
    write_json(folder / "backup.json", {**about, "files": [place.as_posix() for place in places]})
    return folder
