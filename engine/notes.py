"""Notes on products and shoppers: WORKSPACE/notes.sqlite, which moves with the workspace.

Each is of one dataset, by its `own_name`. Version 1 had the name of the dataset's folder, which another dataset may
have too: those notes stay as they are, and every dataset of that name shows them until it has its own in their place.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine import versions
from engine.backups import back_up
from engine.errors import HeedmapError
from engine.files import is_read_only, refuse_read_only

if TYPE_CHECKING:
    import sqlite3

Kind = Literal["product", "shopper"]

_FILE = "notes.sqlite"
_TABLE = """
CREATE TABLE IF NOT EXISTS notes (
    dataset TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, changed INTEGER NOT NULL,
    PRIMARY KEY (dataset, kind, key)
) WITHOUT ROWID
"""
_COLUMNS = "SELECT dataset, kind, key, text, changed FROM notes"


@dataclass(frozen=True)
class Note:
    """dataset: see `engine.own_name`; in version 1 the name of its folder; key: the product's or shopper's; changed: ms
    since 1970. Without text it says that an older one in its place is gone."""

    dataset: str
    kind: Kind
    key: str
    text: str
    changed: int


def read_note(workspace: Path, dataset: str, kind: Kind, key: str) -> Note | None:
    """The note on one product or shopper."""
    with _opened(workspace) as base:
        place = "WHERE dataset = ? AND kind = ? AND key = ?"
        row = base.execute(f"{_COLUMNS} {place}", (dataset, kind, key)).fetchone() if base is not None else None
    return Note(*row) if row is not None else None


def list_notes(workspace: Path, dataset: str = "") -> tuple[Note, ...]:
    """The notes of a dataset, or of all; the newest first. A workspace without notes is not written to."""
    with _opened(workspace) as base:
        if base is None:
            return ()
        where, given = ("WHERE dataset = ?", (dataset,)) if dataset else ("", ())
        return tuple(Note(*row) for row in base.execute(f"{_COLUMNS} {where} ORDER BY changed DESC, key", given))


def search_notes(workspace: Path, text: str, dataset: str = "") -> tuple[Note, ...]:
    """The notes in which every word of `text` occurs, in any case; the newest first."""
    words = text.casefold().split()
    return tuple(note for note in list_notes(workspace, dataset) if all(word in note.text.casefold() for word in words))


def write_note(
    workspace: Path, dataset: str, kind: Kind, key: str, text: str, now: int | None = None, *, blank: bool = False
) -> Note | None:
    """Keep a note, in place of the one before; without any text there is none, or with `blank` one that says that an
    older one is gone. Returns what is kept.

    HeedmapError when the file is damaged, of a newer version, or cannot be written.
    """
    note = Note(dataset, kind, key, text.strip() and text, round(time.time() * 1000) if now is None else now)
    bring_forward(workspace)
    with _opened(workspace, write=True) as base:
        assert base is not None
        if note.text or blank:
            row = (note.dataset, note.kind, note.key, note.text, note.changed)
            base.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?)", row)
        else:
            base.execute("DELETE FROM notes WHERE dataset = ? AND kind = ? AND key = ?", (dataset, kind, key))
        base.commit()
    return note if note.text or blank else None


def kept_version(workspace: Path) -> int:
    """The version of the notes' file; today's where there is none."""
    with _opened(workspace) as base:
        return versions.current("notes") if base is None else int(base.execute("PRAGMA user_version").fetchone()[0])


def bring_forward(workspace: Path) -> Path | None:
    """Make a file of version 1 one of today's and return the backup that was made; None where it is of today."""
    version = kept_version(workspace)
    if version >= versions.current("notes"):
        return None
    refuse_read_only(workspace / _FILE)
    backup = back_up(workspace, "notes", version, (workspace / _FILE,))
    with _opened(workspace, write=True) as base:
        assert base is not None
        base.execute(f"PRAGMA user_version = {versions.current('notes')}")
        base.commit()
    return backup


@contextmanager
def _opened(workspace: Path, *, write: bool = False) -> Iterator[sqlite3.Connection | None]:
    """The notes' file; None where there is none to read.

    It keeps a rollback journal: all that is committed lies in the one file, however the workspace is copied.
    """
    import sqlite3  # in the thread that reads, not while the window starts

    place = workspace / _FILE
    if not write and not place.is_file():
        yield None
        return
    try:
        if write:
            refuse_read_only(place)
            workspace.mkdir(parents=True, exist_ok=True)
        mode = "rwc" if write else "rw"
        if is_read_only(place):
            mode = "ro"
        with closing(sqlite3.connect(f"{place.resolve().as_uri()}?mode={mode}", timeout=5.0, uri=True)) as base:
            version = base.execute("PRAGMA user_version").fetchone()[0]
            versions.refuse_version("notes", version, place)
            if write:
                base.execute("PRAGMA journal_mode = DELETE")
                base.execute("PRAGMA synchronous = FULL")
            if version == 0 and mode != "ro":  # made just now
                base.execute(_TABLE)
                base.execute(f"PRAGMA user_version = {versions.current('notes')}")
                base.commit()
            yield base
    except sqlite3.OperationalError as error:
        raise HeedmapError(
            f"The notes in {place} cannot be reached ({error}).",
            "Check the free space and the permissions, then try again.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise HeedmapError(
            f"{place} is not a file of notes ({error}).", "Restore it from a copy, or move it away."
        ) from error
    except OSError as error:
        raise HeedmapError(
            f"The notes in {place} cannot be reached ({error.strerror}).", "Check the permissions."
        ) from error
