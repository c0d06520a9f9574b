"""List models over columnar data that are found as you type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QStringListModel,
    Qt,
)

AnyIndex = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()
KEY_ROLE = Qt.ItemDataRole.UserRole + 1  # what a row stands for: a shopper, a product


class FoundModel(QStringListModel):
    """Rows of a catalogue, narrowed by a text. Holds the columns as they are; a row is a number into them.

    How many rows there are is Qt's own knowledge (a list of empty strings): a list view asks it for every row whenever
    it lays itself out, and would otherwise be answered by Python each time.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: Sequence[str] = ()
        self._words: list[str] | None = None
        self._columns: tuple[Sequence[str], ...] = ()
        self._rows: Sequence[int] = ()
        self._text = ""

    def fill(self, keys: Sequence[str], columns: tuple[Sequence[str], ...]) -> None:
        """Show the rows called `keys`. A text is looked for in `columns`, the first of which is the name shown."""
        self._keys, self._columns, self._words = keys, columns, None
        self._text = ""
        self._show(range(len(keys)))

    def find(self, text: str) -> None:
        """Keep the rows in which every word of `text` occurs, in the order of the catalogue."""
        wanted = text.casefold().strip()
        if wanted == self._text:
            return
        if self._words is None:
            self._words = [" ".join(parts).casefold() for parts in zip(*self._columns, strict=True)]
        # Typing on can only narrow what was found.
        rows = self._rows if self._text and wanted.startswith(self._text) else range(len(self._keys))
        for word in wanted.split():
            rows = [row for row in rows if word in self._words[row]]
        self._text = wanted
        self._show(rows)

    def _show(self, rows: Sequence[int]) -> None:
        """Show these rows and no others: a reset of the model."""
        self._rows = rows
        self.setStringList([""] * len(rows))

    def row_of(self, key: str) -> int:
        """The row now showing `key`, or -1."""
        try:
            source = self._keys.index(key)
        except ValueError:
            return -1
        if isinstance(self._rows, range):
            return source
        position = int(np.searchsorted(np.asarray(self._rows), source))
        return position if position < len(self._rows) and self._rows[position] == source else -1

    def source(self, row: int) -> int:
        """The number of a shown row in the whole catalogue."""
        return self._rows[row]

    def whole(self) -> int:
        """How many rows there are without a search."""
        return len(self._keys)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        chosen = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        return chosen if index.isValid() else Qt.ItemFlag.NoItemFlags

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[0][row]
        if role == KEY_ROLE:
            return self._keys[row]
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self.spoken(row)
        return None

    def spoken(self, row: int) -> str:
        """What a screen reader says of a row of the whole catalogue."""
        return self._columns[0][row]
