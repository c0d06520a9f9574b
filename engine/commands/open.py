"""Open the window on a workspace; with --read-only nothing is written inside it, and notes go to a signed file."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.files import READ_ONLY, refuse_read_only


def add(parser: ArgumentParser) -> None:
    parser.add_argument("workspace", type=Path, nargs="?", metavar="WORKSPACE", help="without it: the one open last")
    parser.add_argument("--read-only", action="store_true", help="look at everything, write nothing inside")
    parser.add_argument(
        "--notes", type=Path, metavar="FILE", help="with --read-only: the signed file of your notes, outside of it"
    )


def run(parsed: Namespace) -> Any:
    """Returns when the window is closed. HeedmapError where the folder is missing, or the notes would lie inside."""
    if parsed.window is None:
        raise HeedmapError("The window needs its packages.", "Install heedmap with PySide6.")
    folder: Path | None = parsed.workspace.resolve() if parsed.workspace is not None else None
    if folder is not None and not folder.is_dir():
        raise HeedmapError(f"There is no folder at {folder}.", "Check the path.")
    if parsed.read_only and folder is None:
        raise HeedmapError("--read-only is for a workspace that is named.", "Write: heedmap open WORKSPACE --read-only")
    if parsed.notes is not None and not parsed.read_only:
        raise HeedmapError("--notes is for --read-only.", "Without it, notes are kept in the workspace.")
    notes: Path | None = parsed.notes.resolve() if parsed.notes is not None else None
    if parsed.read_only:
        os.environ[READ_ONLY] = str(folder)  # the processes of the engine inherit it
    if notes is not None:
        refuse_read_only(notes)
    parsed.window(str(folder or ""), notes=notes)
    return {"workspace": str(folder or ""), "read_only": parsed.read_only}
