"""Notes on products and shoppers: WORKSPACE/notes.sqlite, which moves with the workspace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine import versions
from engine.errors import HeedmapError
from engine.files import is_read_only, refuse_read_only

if TYPE_CHECKING:
    import sqlite3

Kind = Literal["product", "shopper"]

_TABLE = """
CREATE TABLE IF NOT EXISTS notes (
    dataset TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, changed INTEGER NOT NULL,
    PRIMARY KEY (dataset, kind, key)
) WITHOUT ROWID
"""
_COLUMNS = "SELECT dataset, kind, key, text, changed FROM notes"


@dataclass(frozen=True)
class Note:
    """dataset: the name of its folder in the workspace; key: the product's or shopper's; changed: ms since 1970."""

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


def write_note(workspace: Path, dataset: str, kind: Kind, key: str, text: str, now: int | None = None) -> Note | None:
    """Keep a note, in place of the one before; without any text there is none. Returns what is kept.

    HeedmapError when the file is damaged, of a newer version, or cannot be written.
    """
    note = Note(dataset, kind, key, text, round(time.time() * 1000) if now is None else now)
    with _opened(workspace, write=True) as base:
        assert base is not None
        if text.strip():
            row = (note.dataset, note.kind, note.key, note.text, note.changed)
            base.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?)", row)
        else:
            base.execute("DELETE FROM notes WHERE dataset = ? AND kind = ? AND key = ?", (dataset, kind, key))
        base.commit()
    return note if text.strip() else None


@contextmanager
def _opened(workspace: Path, *, write: bool = False) -> Iterator[sqlite3.Connection | None]:
    """The notes' file; None where there is none to read.

    It keeps a rollback journal: all that is committed lies in the one file, however the workspace is copied.
    """
    import sqlite3  # in the thread that reads, not while the window starts

    place = workspace / "notes.sqlite"
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
            if version < versions.current("notes") and mode != "ro":
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
