"""The business rules of a shop: kept in the workspace, changed with undo, in force in every ranked list."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.disk_thread import DiskThread
from app.own_file import own_file
from engine.errors import HeedmapError
from engine.files import is_read_only, read_json, write_json
from engine.rule_book import RuleBook
from engine.rules import Rule
from engine.versions import NewerError

FOLDER = "rules"  # of a workspace
_LARGEST = 2**20  # bytes of a file that is read: no rule book is longer
_MERGED = 7  # commands of one kind may become one; any number but -1


class _Change(QUndoCommand):
    """One step: from a book to the next. Edits that go on with the one before (`merge` is the same) are one step."""

    def __init__(self, rules: Rules, text: str, before: RuleBook, after: RuleBook, merge: str) -> None:
        super().__init__(text)
        self._rules, self._before, self._after, self._merge = rules, before, after, merge

    def redo(self) -> None:
        self._rules.take(self._after)

    def undo(self) -> None:
        self._rules.take(self._before)

    def id(self) -> int:
        return _MERGED if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or other._merge != self._merge:
            return False
        self._after = other._after
        self.setText(other.text())
        return True


class Rules(QObject):
    """The rule book of a dataset in a workspace; every change goes onto the window's undo stack.

    It is kept in WORKSPACE/rules/<dataset>.json (see `own_file`), as `heedmap recommend --rules` reads it, written
    beside the window's thread; before `open`, in memory alone. There is no file until a rule is made.
    """

    changed = Signal()
    failed = Signal(str, str)  # message, hint: a file could not be read or written
    _refused = Signal(str, str)  # the same, from the writing thread

    def __init__(self, undo: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._undo = undo
        self._place: Path | None = None
        self._writer = DiskThread()
        self._refused.connect(self.failed)
        self.book = RuleBook()

    @property
    def active(self) -> tuple[Rule, ...]:
        """The rules in force."""
        return self.book.active

    def open(self, workspace: Path, dataset: Path | str) -> None:
        """Take the rules of a dataset, by its folder; what is open already stays."""
        place, older = own_file(workspace, dataset, f"{FOLDER}/{{}}.json")
        if place == self._place:
            return
        self.flush()
        self._place = place
        self.book = self._read(older or place)
        if older is not None and self.book.rules and self._place is not None and not is_read_only(place):
            self._writer.start(partial(self._write, place, self.book.to_json()))
        self.changed.emit()

    def close(self) -> None:
        """Back to none: nothing is open that they could be of."""
        self.flush()
        self._place, self.book = None, RuleBook()
        self.changed.emit()

    def change(self, book: RuleBook, text: str, merge: str = "") -> None:
        """Make a step; `text` names it in the undo list. merge: what is edited, where more edits of it may follow."""
        if book != self.book:
            self._undo.push(_Change(self, text, self.book, book, merge))

    def switch(self) -> None:
        """Switch all rules on or off at once; each keeps its own switch. Without a rule there is nothing to switch."""
        if not self.book.rules:
            return
        text = self.tr("Switch the business rules off") if self.book.on else self.tr("Switch the business rules on")
        self.change(replace(self.book, on=not self.book.on), text)

    def take(self, book: RuleBook) -> None:
        """Put a book in force without a step of its own: the undo stack does."""
        self.book = book
        if self._place is not None:
            self._writer.start(partial(self._write, self._place, book.to_json()))
        self.changed.emit()

    def read_from(self, file: Path) -> RuleBook:
        """The book of a file of the user's. HeedmapError says what is wrong with it."""
        if file.is_file() and file.stat().st_size > _LARGEST:
            raise HeedmapError(f"{file.name} is too large for a file of rules.", "Choose a file of rules.")
        return RuleBook.from_json(read_json(file), file.name)

    def write_to(self, file: Path) -> None:
        """Write the book to a file of the user's, beside the window's thread."""
        self._writer.start(partial(self._write, file, self.book.to_json()))

    @property
    def place(self) -> Path | None:
        """The file they are kept in."""
        return self._place

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        self._writer.wait()

    def _write(self, place: Path, content: dict[str, Any]) -> None:
        try:
            write_json(place, content)
        except HeedmapError as error:
            self._refused.emit(error.message, error.hint)
        except OSError as error:
            self._refused.emit(f"{place}: {error}", "")

    def _read(self, place: Path) -> RuleBook:
        if not place.is_file():
            return RuleBook()
        try:
            return self.read_from(place)
        except NewerError as error:
            self._place = None  # it stays as it is: what is made now is in memory alone
            self.failed.emit(error.message, error.hint)
            return RuleBook()
        except HeedmapError as error:
            aside = place.with_suffix(".damaged.json")  # never written over
            if is_read_only(place):
                self.failed.emit(error.message, error.hint)
                return RuleBook()
            place.replace(aside)
            self.failed.emit(error.message, self.tr("The file was kept as {0}.").format(aside.name))
            return RuleBook()
