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
from engine.own_name import own_name


class Notebook(QObject):
    """Notes by dataset, kind and key. Reading never waits; what is written is on the disk after `flush`.

    Datasets of one name each have their own. Those of an older version, which knew the name alone, are shown with each
    of them, until one has written its own in their place.

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
        self._named: dict[str, tuple[str, str]] = {}  # by a dataset's folder: its own name, and the one without a place
        self._notes: dict[tuple[str, str, str], Note] = {}
        self._others: dict[tuple[str, str, str], Note] = {}  # shown, never written
        self._unwritten: dict[tuple[Path, str, Kind, str], tuple[Note, bool]] = {}  # touched beside the Qt thread alone
        self._disk = DiskThread()
        self._listed.connect(self._take)

    def open(self, workspace: Path) -> None:
        """Take up the notes of a workspace; `changed` tells when they are here."""
        if workspace != self._workspace:
            self._workspace = workspace
            self._named, self._notes, self._others = {}, {}, {}
            self.changed.emit("", "")
            self._disk.start(partial(self._list, workspace))

    def note(self, dataset: str, kind: Kind, key: str) -> Note | None:
        """dataset: its folder."""
        for notes in (self._notes, self._others):
            for name in self._names(dataset):
                if (found := notes.get((name, kind, key))) is not None:
                    if found.text:
                        return found
                    break  # the older one is gone
        return None

    def of(self, dataset: str) -> list[Note]:
        """Every note of a dataset, the newest first."""
        names = self._names(dataset)
        every = self._others | self._notes
        places = {(note.kind, note.key) for (name, _, _), note in every.items() if name in names}
        found = (self.note(dataset, kind, key) for kind, key in places)
        return sorted((note for note in found if note is not None), key=lambda note: (-note.changed, note.key))

    def _names(self, dataset: str) -> tuple[str, str]:
        if dataset not in self._named:
            name = Path(dataset).name
            self._named[dataset] = (own_name(self._workspace, dataset) if self._workspace is not None else name, name)
        return self._named[dataset]

    def texts(self, dataset: str, *, product: str, shopper: str) -> tuple[str, ...]:
        """What is noted of a product and of a shopper."""
        found = (self.note(dataset, "product", product), self.note(dataset, "shopper", shopper))
        return tuple(note.text.strip() for note in found if note is not None)

    def write(self, dataset: str, kind: Kind, key: str, text: str) -> None:
        """Keep a note; without any text there is none."""
        if self._workspace is None:
            return
        name, older = self._names(dataset)
        note = Note(name, kind, key, text.strip() and text, round(time.time() * 1000))
        blank = (older, kind, key) in self._notes
        if note.text or blank:
            self._notes[name, kind, key] = note
        else:
            self._notes.pop((name, kind, key), None)
        self.changed.emit(kind, key)
        self._disk.start(partial(self._write, self._workspace, note, blank))

    def flush(self) -> None:
        """Wait until everything is on the disk, also what could not be written before, as on a full one."""
        self._disk.start(self._write_again)
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

    def _write(self, workspace: Path, note: Note, blank: bool) -> None:
        self._unwritten[workspace, note.dataset, note.kind, note.key] = (note, blank)
        self._write_again()

    def _write_again(self) -> None:
        """Write what is not on the disk yet, the older first; of those that cannot be, the first is told."""
        told = False
        for place, (note, blank) in list(self._unwritten.items()):
            try:
                self._put(place[0], note, blank)
                del self._unwritten[place]
            except HeedmapError as error:
                if not told:
                    self.failed.emit(error.message, error.hint)
                told = True

    def _put(self, workspace: Path, note: Note, blank: bool) -> None:
        if is_read_only(workspace):
            self._sign(workspace, note, blank)
        else:
            write_note(workspace, note.dataset, note.kind, note.key, note.text, note.changed, blank=blank)

    def signed_file(self, workspace: Path) -> Path:
        """Where the auditor's notes lie while the workspace is open read-only."""
        return self._signed or audit_notes(workspace)

    def _sign(self, workspace: Path, note: Note, blank: bool) -> None:
        """Keep one more note in the signed file; one that was changed since it was signed is not written over."""
        from engine.signed_notes import read_signed_notes, write_signed_notes

        file = self.signed_file(workspace)
        kept = _by_place(read_signed_notes(file))
        place = (note.dataset, note.kind, note.key)
        kept.pop(place, None)
        if note.text or blank:
            kept[place] = note
        write_signed_notes(file, workspace.resolve().name, list(kept.values()))


def _by_place(notes: tuple[Note, ...]) -> dict[tuple[str, str, str], Note]:
    return {(note.dataset, note.kind, note.key): note for note in notes}
