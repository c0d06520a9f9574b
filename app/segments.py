"""Segments: named groups of shoppers or products, made by filters or by hand, that every view can be narrowed to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.disk_thread import DiskThread
from app.own_file import own_file
from engine.errors import HeedmapError
from engine.files import is_read_only, write_json
from engine.segments import PATTERN, Kind, Segment, read_segments
from engine.versions import NewerError, current

__all__ = ["Kind", "Segment", "Segments"]


class _Change(QUndoCommand):
    def __init__(self, segments: Segments, text: str, before: tuple[Segment, ...], after: tuple[Segment, ...]) -> None:
        super().__init__(text)
        self._segments, self._before, self._after = segments, before, after

    def redo(self) -> None:
        self._segments.take(self._after)

    def undo(self) -> None:
        self._segments.take(self._before)


class Segments(QObject):
    """The segments of a dataset in a workspace, in the order they were made; every change goes onto the window's undo
    stack, or onto one of their own.

    They are kept in WORKSPACE/sessions/segments-<dataset>.json (see `own_file`), written beside the window's thread;
    before `open`, in memory alone.
    """

    changed = Signal()
    failed = Signal(str, str)  # message, hint: the file could not be read or written

    def __init__(self, undo: QUndoStack | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._place: Path | None = None
        self._writer = DiskThread()
        self.all: tuple[Segment, ...] = ()
        self._own = undo is None
        self.undo = undo if undo is not None else QUndoStack(self)

    def open(self, workspace: Path, dataset: Path | str) -> None:
        """Take the segments of a dataset, by its folder; what is open already stays."""
        place, older = own_file(workspace, dataset, PATTERN)
        if place == self._place:
            return
        self.flush()
        self._place = place
        if self._own:
            self.undo.clear()  # the window's is cleared with each run that is opened
        self.all = self._read(older or place)
        if older is not None and self.all and self._place is not None and not is_read_only(place):
            self._keep(place)
        self.changed.emit()

    def named(self, name: str) -> Segment | None:
        return next((one for one in self.all if one.name == name), None)

    def of(self, kind: Kind) -> tuple[Segment, ...]:
        """The segments of products, or those of shoppers."""
        return tuple(one for one in self.all if one.kind == kind)

    def free_name(self, name: str) -> str:
        """`name`, or with the next number behind it where it is taken."""
        clean = " ".join(name.split()) or self.tr("Segment")
        taken = {one.name for one in self.all}
        number, free = 2, clean
        while free in taken:
            number, free = number + 1, f"{clean} {number}"
        return free

    def add(self, name: str, kind: Kind, members: Iterable[str], rule: str = "") -> Segment:
        """Keep a new segment, under a free name; it is returned."""
        made = Segment(self.free_name(name), kind, tuple(members), rule)
        self._change(self.tr("Save segment {0}").format(made.name), (*self.all, made))
        return made

    def rename(self, name: str, new: str) -> None:
        """Give a segment another name, a free one like it where that is taken."""
        if " ".join(new.split()) not in ("", name):
            free = self.free_name(new)
            after = tuple(replace(one, name=free) if one.name == name else one for one in self.all)
            self._change(self.tr("Rename segment {0}").format(name), after)

    def remove(self, name: str) -> None:
        """Take a segment away; `undo` brings it back."""
        after = tuple(one for one in self.all if one.name != name)
        self._change(self.tr("Delete segment {0}").format(name), after)

    def take(self, segments: tuple[Segment, ...]) -> None:
        """Put these segments in force without a step of its own: the undo stack does."""
        self.all = segments
        if self._place is not None:
            self._keep(self._place)
        self.changed.emit()

    def _keep(self, place: Path) -> None:
        content = {"version": current("segments"), "segments": [asdict(one) for one in self.all]}
        self._writer.start(partial(self._write, place, content))

    @property
    def place(self) -> Path | None:
        """The file they are kept in."""
        return self._place

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        self._writer.wait()

    @property
    def changed_last(self) -> bool:
        """Whether the step that undo takes back is one of the segments."""
        return isinstance(self.undo.command(self.undo.index() - 1), _Change)

    def _change(self, text: str, after: tuple[Segment, ...]) -> None:
        if after != self.all:
            self.undo.push(_Change(self, text, self.all, after))

    def _write(self, place: Path, content: dict[str, Any]) -> None:
        try:
            write_json(place, content)
        except HeedmapError as error:
            self.failed.emit(error.message, error.hint)

    def _read(self, place: Path) -> tuple[Segment, ...]:
        try:
            return read_segments(place)
        except NewerError as error:
            self._place = None  # it stays as it is: what is made now is in memory alone
            self.failed.emit(error.message, error.hint)
            return ()
        except HeedmapError as error:
            aside = place.with_suffix(".damaged.json")  # never written over
            if is_read_only(place):
                self.failed.emit(error.message, error.hint)
                return ()
            place.replace(aside)
            self.failed.emit(error.message, self.tr("The file was kept as {0}.").format(aside.name))
            return ()
