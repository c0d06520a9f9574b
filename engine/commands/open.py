"""Open the window on a workspace, a run or a bundle; a workspace also so that nothing is written inside it."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.files import READ_ONLY, refuse_read_only
from engine.given_path import Given, given
from engine.versions import NewerError


def add(parser: ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        metavar="PATH",
        help="a workspace, a run or a bundle; by default what was open last",
    )
    parser.add_argument("--read-only", action="store_true", help="look at everything, write nothing inside")
    parser.add_argument(
        "--notes", type=Path, metavar="FILE", help="with --read-only: the signed file of your notes, outside of it"
    )


def run(parsed: Namespace) -> Any:
    """Returns when the window is closed. HeedmapError where there is nothing to open, or the notes would lie inside."""
    if parsed.window is None:
        raise HeedmapError("The window needs its packages.", "Install heedmap with PySide6.")
    what = _given(parsed.path.resolve()) if parsed.path is not None else None
    folder = str(what.path) if what is not None and what.kind == "workspace" else ""
    if parsed.read_only and not folder:
        raise HeedmapError("--read-only is for a workspace that is named.", "Write: heedmap open WORKSPACE --read-only")
    if parsed.notes is not None and not parsed.read_only:
        raise HeedmapError("--notes is for --read-only.", "Without it, notes are kept in the workspace.")
    notes: Path | None = parsed.notes.resolve() if parsed.notes is not None else None
    if parsed.read_only:
        os.environ[READ_ONLY] = folder  # the processes of the engine inherit it
    if notes is not None:
        refuse_read_only(notes)
    parsed.window(folder, notes=notes, what=what)
    return {"opened": str(what.path) if what is not None else "", "read_only": parsed.read_only}


def _given(path: Path) -> Given:
    """A folder of nothing that is known becomes a workspace."""
    try:
        return given(path)
    except NewerError:
        raise
    except HeedmapError:
        if path.is_dir():
            return Given("workspace", path)
        raise
