"""The notes of the open workspace, at hand for the views: read once, written beside the Qt thread."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.disk_thread import DiskThread
from app.settings import audit_notes
from engine.errors import HeedmapError
from engine.files import is_read_only
from engine.notes import Kind, Note, list_notes, write_note


class Notebook(QObject):
    """Notes by dataset folder, kind and key. Reading never waits; what is written is on the disk after `flush`.

    On a workspace that is open read-only, notes are the auditor's own, in a signed file outside of it; those of the
    workspace are shown where there is none.
    """

    changed = Signal(str, str)  # kind and key of a note; "" for all of them
    failed = Signal(str, str)  # message, hint
    _listed = Signal(object, object, object)  # workspace, its notes, those only shown

    def __init__(self, parent: QObject | None = None, signed: Path | None = None) -> None:
        """signed: the file for an auditor's notes, else one named after the workspace."""
        super().__init__(parent)
        self._signed = signed
        self._workspace: Path | None = None
        self._notes: dict[tuple[str, str, str], Note] = {}
        self._others: dict[tuple[str, str, str], Note] = {}  # shown, never written
        self._disk = DiskThread()
        self._listed.connect(self._take)

    def open(self, workspace: Path) -> None:
        """Take up the notes of a workspace; `changed` tells when they are here."""
        if workspace != self._workspace:
            self._workspace = workspace
            self._notes, self._others = {}, {}
            self.changed.emit("", "")
            self._disk.start(partial(self._list, workspace))

    def note(self, dataset: str, kind: Kind, key: str) -> Note | None:
        """dataset: its folder."""
        place = (Path(dataset).name, kind, key)
        return self._notes.get(place) or self._others.get(place)

    def of(self, dataset: str) -> list[Note]:
        """Every note of a dataset, the newest first."""
        mine = [note for note in (self._others | self._notes).values() if note.dataset == Path(dataset).name]
        return sorted(mine, key=lambda note: -note.changed)

    def texts(self, dataset: str, *, product: str, shopper: str) -> tuple[str, ...]:
        """What is noted of a product and of a shopper."""
        found = (self.note(dataset, "product", product), self.note(dataset, "shopper", shopper))
        return tuple(note.text.strip() for note in found if note is not None)

    def write(self, dataset: str, kind: Kind, key: str, text: str) -> None:
        """Keep a note; without any text there is none."""
        if self._workspace is None:
            return
        name = Path(dataset).name
        now = round(time.time() * 1000)
        if text.strip():
            self._notes[(name, kind, key)] = Note(name, kind, key, text, now)
        else:
            self._notes.pop((name, kind, key), None)
        self.changed.emit(kind, key)
        self._disk.start(partial(self._write, self._workspace, name, kind, key, text, now))

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        self._disk.wait()

    def _list(self, workspace: Path) -> None:
        try:
            notes: tuple[Note, ...] = list_notes(workspace)
            others: tuple[Note, ...] = ()
            if is_read_only(workspace):
                from engine.signed_notes import read_signed_notes  # with cryptography: only for an auditor

                notes, others = read_signed_notes(self.signed_file(workspace)), notes
            self._listed.emit(workspace, notes, others)
        except HeedmapError as error:
            self.failed.emit(error.message, error.hint)

    def _take(self, workspace: Path, notes: tuple[Note, ...], others: tuple[Note, ...]) -> None:
        if workspace == self._workspace:  # what was written in the meantime is newer
            self._notes = _by_place(notes) | self._notes
            self._others = _by_place(others)
            self.changed.emit("", "")

    def _write(self, workspace: Path, dataset: str, kind: Kind, key: str, text: str, now: int) -> None:
        try:
            if is_read_only(workspace):
                self._sign(workspace, Note(dataset, kind, key, text, now))
            else:
                write_note(workspace, dataset, kind, key, text, now)
        except HeedmapError as error:
            self.failed.emit(error.message, error.hint)

    def signed_file(self, workspace: Path) -> Path:
        """Where the auditor's notes lie while the workspace is open read-only."""
        return self._signed or audit_notes(workspace)

    def _sign(self, workspace: Path, note: Note) -> None:
        """Keep one more note in the signed file; one that was changed since it was signed is not written over."""
        from engine.signed_notes import read_signed_notes, write_signed_notes

        file = self.signed_file(workspace)
        kept = _by_place(read_signed_notes(file))
        place = (note.dataset, note.kind, note.key)
        kept.pop(place, None)
        if note.text.strip():
            kept[place] = note
        write_signed_notes(file, workspace.resolve().name, list(kept.values()))


def _by_place(notes: tuple[Note, ...]) -> dict[tuple[str, str, str], Note]:
    return {(note.dataset, note.kind, note.key): note for note in notes}
