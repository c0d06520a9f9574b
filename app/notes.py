"""The notes of the open workspace, at hand for the views: read once, written beside the Qt thread."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal

from engine.errors import HeedmapError
from engine.notes import Kind, Note, list_notes, write_note


class Notebook(QObject):
    """Notes by dataset folder, kind and key. Reading never waits; what is written is on the disk after `flush`."""

    changed = Signal(str, str)  # kind and key of a note; "" for all of them
    failed = Signal(str, str)  # message, hint
    _listed = Signal(object, object)  # workspace, its notes

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace: Path | None = None
        self._notes: dict[tuple[str, str, str], Note] = {}
        self._disk = QThreadPool(self)
        self._disk.setMaxThreadCount(1)  # in order
        self._listed.connect(self._take)

    def open(self, workspace: Path) -> None:
        """Take up the notes of a workspace; `changed` tells when they are here."""
        if workspace != self._workspace:
            self._workspace = workspace
            self._notes = {}
            self.changed.emit("", "")
            self._disk.start(partial(self._list, workspace))

    def note(self, dataset: str, kind: Kind, key: str) -> Note | None:
        """dataset: its folder."""
        return self._notes.get((Path(dataset).name, kind, key))

    def of(self, dataset: str) -> list[Note]:
        """Every note of a dataset, the newest first."""
        mine = [note for note in self._notes.values() if note.dataset == Path(dataset).name]
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
        self._disk.waitForDone()

    def _list(self, workspace: Path) -> None:
        try:
            self._listed.emit(workspace, list_notes(workspace))
        except HeedmapError as error:
            self.failed.emit(error.message, error.hint)

    def _take(self, workspace: Path, notes: tuple[Note, ...]) -> None:
        if workspace == self._workspace:  # what was written in the meantime is newer
            self._notes = {(note.dataset, note.kind, note.key): note for note in notes} | self._notes
            self.changed.emit("", "")

    def _write(self, workspace: Path, dataset: str, kind: Kind, key: str, text: str, now: int) -> None:
        try:
            write_note(workspace, dataset, kind, key, text, now)
        except HeedmapError as error:
            self.failed.emit(error.message, error.hint)
