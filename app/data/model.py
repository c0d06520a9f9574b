"""A table of a dataset as a Qt model: pages come from the engine when they are looked at, and are kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from app.data import cells
from app.questions import Questions
from engine.dataset.tables import Cell, Column, Page, Query

PAGE = 200  # rows
KEPT = 60  # pages
WAITING = 3  # pages wished for: more were scrolled past
PREFETCHED = 2  # pages ahead of the scrolling
Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


class _Kept:
    """A page and its cells as text, written out when first painted."""

    def __init__(self, page: Page, columns: Sequence[Column]) -> None:
        self.page = page
        self._columns = columns
        self._texts: list[list[str | None]] = [[None] * len(page.rows) for _ in columns]

    def text(self, row: int, column: int) -> str:
        found = self._texts[column][row]
        if found is None:
            found = cells.shown(self._columns[column], self.page.cells[column][row]).replace("\n", " ")
            self._texts[column][row] = found
        return found


class TableModel(QAbstractTableModel):
    """Rows that a query finds, in an order. What is not there yet reads as nothing and is asked for."""

    found = Signal(int)  # rows of a new question; until it comes, the old ones stay
    arrived = Signal()  # a page came

    def __init__(self, questions: Questions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._questions = questions
        self._pages: OrderedDict[int, _Kept] = OrderedDict()
        self._wanted: OrderedDict[int, None] = OrderedDict()
        self._blank: set[int] = set()  # pages that were looked at before they were there
        self._asked: int | None = None  # the page on its way
        self._last = 0  # the page that was looked at last
        self._ahead = 1
        self._next: tuple[str, str, tuple[Column, ...], Query, str, bool] | None = None  # asked for, not yet here
        self.folder, self.table = "", ""
        self.columns: tuple[Column, ...] = ()
        self.query = Query()
        self.sorted_by, self.descending = "", False
        self.total = 0
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._ask)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def show_rows(
        self, folder: str, table: str, columns: Sequence[Column], query: Query, sort: str, descending: bool
    ) -> None:
        """Ask for rows anew. The rows shown stay until the answer is there, unless they are of another table."""
        if (folder, table) != (self.folder, self.table):
            self._put(folder, table, tuple(columns), query, sort, descending, 0)
        self._next = (folder, table, tuple(columns), query, sort, descending)
        self._wanted.clear()
        self._asked = None
        self._questions.ask("browse", self._first_came, "page", offset=0, limit=PAGE, **self._question(*self._next))

    def clear(self) -> None:
        self._questions.drop("browse", "page")
        self._next = self._asked = None
        self._put("", "", (), Query(), "", False, 0)

    @property
    def waiting(self) -> bool:
        """Whether a new question has no answer yet."""
        return self._next is not None

    def _put(
        self,
        folder: str,
        table: str,
        columns: tuple[Column, ...],
        query: Query,
        sort: str,
        descending: bool,
        total: int,
    ) -> None:
        self.beginResetModel()
        self.folder, self.table, self.columns, self.query = folder, table, columns, query
        self.sorted_by, self.descending, self.total = sort, descending, total
        self._pages.clear()
        self._wanted.clear()
        self._blank.clear()
        self._last = 0
        self.endResetModel()

    def _first_came(self, page: Page) -> None:
        if self._next is None:
            return
        asked, self._next = self._next, None
        kept = _Kept(page, asked[2])
        self.beginResetModel()
        self.folder, self.table, self.columns, self.query, self.sorted_by, self.descending = asked
        self.total = page.total
        self._pages.clear()
        self._pages[0] = kept
        self._wanted.clear()
        self._blank.clear()
        self._last = 0
        self.endResetModel()
        self.found.emit(page.total)
        self.arrived.emit()

    # --- pages ------------------------------------------------------------------------------------------------------

    def _question(
        self, folder: str, table: str, columns: tuple[Column, ...], query: Query, sort: str, descending: bool
    ) -> dict[str, Any]:
        names = tuple(column.name for column in columns)
        return {
            "dataset": folder, "table": table, "query": query, "columns": names, "sort": sort, "descending": descending,
        }  # fmt: skip

    def _kept(self, row: int) -> _Kept | None:
        number = row // PAGE
        found = self._pages.get(number)
        if number != self._last:
            self._ahead = 1 if number > self._last else -1
            self._last = number
            if found is not None:
                self._pages.move_to_end(number)
                self._soon.start()  # what lies ahead
        if found is None:
            self._blank.add(number)
            self._wanted[number] = None
            self._wanted.move_to_end(number)
            while len(self._wanted) > WAITING:
                self._wanted.popitem(last=False)
            if self._asked is None and not self._soon.isActive():
                self._soon.start()
        return found

    def _ask(self) -> None:
        """Ask for the page wished for last, or for one ahead of the scrolling."""
        if self._asked is not None or self._next is not None or not self.total:
            return
        number = self._wanted.popitem()[0] if self._wanted else self._page_ahead()
        if number is None or number in self._pages:
            return
        self._asked = number
        self._questions.ask(
            "browse", self._came, "page", offset=number * PAGE, limit=PAGE,
            **self._question(self.folder, self.table, self.columns, self.query, self.sorted_by, self.descending),
        )  # fmt: skip

    def _page_ahead(self) -> int | None:
        last = (self.total - 1) // PAGE
        for step in range(1, PREFETCHED + 1):
            number = self._last + step * self._ahead
            if 0 <= number <= last and number not in self._pages:
                return number
        return None

    def _came(self, page: Page) -> None:
        self._asked = None
        number = page.offset // PAGE
        self._pages[number] = _Kept(page, self.columns)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)
        if page.rows and number in self._blank:  # one that was asked for ahead is painted when it comes in sight
            self._blank.discard(number)
            last = page.offset + len(page.rows) - 1
            self.dataChanged.emit(self.index(page.offset, 0), self.index(last, len(self.columns) - 1))
        self.arrived.emit()
        self._ask()

    def failed(self) -> None:
        """The question was not answered, or given up: what is asked next starts afresh."""
        self._asked = self._next = None
        self._wanted.clear()

    def loaded(self) -> list[Page]:
        """The pages at hand, in order."""
        return [self._pages[number].page for number in sorted(self._pages)]

    # --- cells ------------------------------------------------------------------------------------------------------

    def row_number(self, row: int) -> int | None:
        """The number of a shown row in the table's file; None while it is on its way."""
        kept = self._kept(row)
        return kept.page.rows[row % PAGE] if kept is not None and row % PAGE < len(kept.page.rows) else None

    def text(self, row: int, column: int) -> str | None:
        """A cell as text; None while it is on its way."""
        kept = self._kept(row)
        if kept is None or row % PAGE >= len(kept.page.rows):
            return None
        return kept.text(row % PAGE, column)

    def cell(self, row: int, column: int) -> Cell:
        kept = self._kept(row)
        if kept is None or row % PAGE >= len(kept.page.rows):
            return None
        return kept.page.cells[column][row % PAGE]

    def value(self, row: int, name: str) -> Cell:
        """The cell of a column by its name; None where the column is not among those shown."""
        for place, column in enumerate(self.columns):
            if column.name == name:
                return self.cell(row, place)
        return None

    def has_photos(self, column: int) -> bool:
        """Whether cells of a column show a photo."""
        one = self.columns[column]
        return one.kind in ("photo", "product") or (self.table == "links" and one.name in ("head", "tail"))

    def product(self, row: int, column: int) -> tuple[str, str | None] | None:
        """Title and photo of the product that a cell names: that of an event or a review, or an end of a link."""
        kept = self._kept(row)
        if kept is None or row % PAGE >= len(kept.page.rows):
            return None
        inside, name, page = row % PAGE, self.columns[column].name, kept.page
        if name == "product":
            return page.products.get(page.items[inside])
        if self.table == "links" and name in ("head", "tail"):
            return page.products.get(str(page.cells[column][inside]))
        return None

    def item(self, row: int) -> str:
        """The key of the product that a row is of, or ""."""
        kept = self._kept(row)
        return kept.page.items[row % PAGE] if kept is not None and kept.page.items else ""

    def user(self, row: int) -> str:
        """The shopper that a row is of, or ""."""
        kept = self._kept(row)
        return (kept.page.users[row % PAGE] or "") if kept is not None and kept.page.users else ""

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else self.total

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.ToolTipRole and index.isValid() and self.columns[index.column()].kind == "time":
            moment = self.cell(index.row(), index.column())
            return None if moment is None else cells.own_time(float(moment))  # type: ignore[arg-type]  # it is a time
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        text = self.text(index.row(), index.column())
        if text is None:
            return "…"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            name = cells.column_name(self.table, self.columns[index.column()])
            return f"{name}: {text or self.tr('missing')}"
        return text

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return cells.heading(self.table, self.columns[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self.columns[section].kind == "number" else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            text = self.tr("Click or Enter sorts, a drag moves; the menu key for more")
            of_time = self.columns[section].kind == "time"
            return f"{text}\n{self.tr('Times are UTC; a cell tells them by your clock')}" if of_time else text
        return None
