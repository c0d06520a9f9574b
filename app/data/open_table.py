"""The open table of the Data view: what is asked of it, what came, and what can be done with its rows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.data import cells, menus
from app.data.asked import Asked, first_counted, knows
from app.data.popups import ColumnChooser, FilterBuilder
from app.data.sheet import Sheet
from app.questions import Questions
from app.read_only import enable
from app.session import Session
from app.theme import ThemeSource
from engine.dataset.tables import TABLE_NAMES, Column, Distribution, Filter, Query, Record, Tables

_TYPING = 150  # milliseconds of rest before a search begins


class OpenTable(QObject):
    """Drives a sheet. Each table of the dataset keeps what was asked of it while another one is open."""

    explore_asked = Signal(str, str)  # shopper, product

    def __init__(
        self, session: Session, questions: Questions, sheet: Sheet, themes: ThemeSource, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._questions = session, questions
        self.sheet, self.model = sheet, sheet.model
        self.tables: Tables | None = None
        self.folder = ""  # of the dataset
        self._stopped = False  # the last question was given up
        self._asked: dict[str, Asked] = {table: Asked() for table in TABLE_NAMES}
        self.table = TABLE_NAMES[0]
        self.distribution: Distribution | None = None
        self._typing = QTimer(self, singleShot=True, interval=_TYPING)
        self._count_soon = QTimer(self, singleShot=True, interval=_TYPING)
        self._read_soon = QTimer(self, singleShot=True, interval=60)
        self._connect(themes)

    def _connect(self, themes: ThemeSource) -> None:
        sheet, rows = self.sheet, self.sheet.rows
        sheet.search.textEdited.connect(lambda _: self._typing.start())
        sheet.search.textChanged.connect(lambda text: self._typing.start() if not text else None)
        self._typing.timeout.connect(self._typed)
        sheet.search.returnPressed.connect(lambda: rows.setFocus(Qt.FocusReason.ShortcutFocusReason))
        sheet.filter_button.clicked.connect(lambda: self.build_filter())
        sheet.columns_button.clicked.connect(self.choose_columns)
        sheet.segment_button.clicked.connect(self.save_segment)
        rows.header.sort_asked.connect(self._heading_clicked)
        rows.header.menu_asked.connect(lambda place, at: menus.column_menu(self, place, at))
        rows.header.sectionMoved.connect(self._moved)
        rows.header.sectionResized.connect(self._resized)
        rows.opened.connect(self._open_row)
        rows.menu_asked.connect(lambda at: menus.row_menu(self, at))
        rows.copied.connect(lambda n: self.say(self.tr("%n cell(s) copied", "", n)))
        rows.selectionModel().currentRowChanged.connect(lambda *_: self._read_soon.start())
        self.model.found.connect(self._found)
        self._read_soon.timeout.connect(self._read_row)
        self._count_soon.timeout.connect(self._count_values)
        sheet.side.values.column_asked.connect(self.count_values)
        sheet.side.values.filter_asked.connect(self.add_filter)
        sheet.side.row.explore_asked.connect(lambda: self._open_row(rows.currentIndex().row()))
        self._questions.failed.connect(self._failed)
        themes.changed.connect(self._show_chips)
        self._session.segment_changed.connect(self.ask)

    # --- which table ------------------------------------------------------------------------------------------------

    def leave(self, folder: str) -> None:
        """Another dataset; its tables come with `take`."""
        self.folder, self.tables, self._stopped = folder, None, False
        self._questions.drop_all()
        self.model.clear()
        self.sheet.side.row.put(None, {}, "")

    def take(self, tables: Tables) -> None:
        """What the dataset holds."""
        self.tables = tables
        for table in TABLE_NAMES:
            self._asked[table].fit(tables.columns[table])

    def open(self, table: str) -> None:
        """Show a table as it was left."""
        self.table = table
        self._typing.stop()
        self.sheet.search.blockSignals(True)
        self.sheet.search.setText(self.asked.text)
        self.sheet.search.blockSignals(False)
        self.sheet.side.row.put(None, {}, "")
        self.sheet.rows.set_slim(table in ("users", "problems"))
        if self.tables is not None:
            known = self.tables.columns[table]
            if self.asked.counted not in self.columns:
                self.asked.counted = first_counted(known)
            self.sheet.side.values.offer(table, known, self.asked.counted)
            self.ask()

    @property
    def columns(self) -> dict[str, Column]:
        """Every column of the open table."""
        known = self.tables.columns[self.table] if self.tables is not None else ()
        return {column.name: column for column in known}

    @property
    def asked(self) -> Asked:
        return self._asked[self.table]

    def to_json(self) -> dict[str, Any]:
        """What was asked of each table, in plain JSON values."""
        return {table: asked.to_json() for table, asked in self._asked.items()}

    def restore(self, tables: Mapping[str, Any]) -> None:
        """Ask again what `to_json` told, as far as it fits."""
        for table in TABLE_NAMES:
            kept = tables.get(table)
            if isinstance(kept, Mapping):
                self._asked[table] = Asked.from_json(kept)
                if self.tables is not None:
                    self._asked[table].fit(self.tables.columns[table])

    @property
    def busy(self) -> bool:
        return any(timer.isActive() for timer in (self._typing, self._count_soon, self._read_soon))

    # --- what is asked ----------------------------------------------------------------------------------------------

    @property
    def query(self) -> Query:
        """What the user asked of the open table, the segment in force included."""
        asked = self.asked
        keys, keys_of = asked.keys, "items" if asked.keys else ""
        segment = self._session.segment
        if segment is not None and not keys and knows(self.table, segment.kind):
            keys, keys_of = segment.members, segment.kind
        return Query(asked.text, asked.filters, keys, keys_of)

    @property
    def question(self) -> dict[str, Any]:
        """The rows that are shown, as arguments of a job."""
        columns = tuple(column.name for column in self.model.columns)
        asked = self.asked
        return {
            "table": self.table, "query": self.query, "columns": columns,
            "sort": asked.sort, "descending": asked.descending,
        }  # fmt: skip

    def ask(self, *_: object) -> None:
        """Ask for the rows anew, and for how the chosen column lies in them."""
        if self.tables is None:
            return
        self._stopped = False
        shown = self.asked.shown(self.tables.columns[self.table])
        self.model.show_rows(self.folder, self.table, shown, self.query, self.asked.sort, self.asked.descending)
        self._show_chips()
        self._count_soon.start()
        told = self.table in ("items", "users", "events", "reviews")
        enable(self.sheet.segment_button, told, self._session.segments.place)

    def _typed(self) -> None:
        self._typing.stop()
        if self.sheet.search.text() != self.asked.text:
            self.asked.text = self.sheet.search.text()
            self.ask()

    def _show_chips(self, *_: object) -> None:
        chips = []
        asked, columns = self.asked, self.columns
        if asked.keys:
            chips.append((asked.keys_text, self._forget_keys))
        segment = self._session.segment
        if segment is not None and self.query.keys_of == segment.kind and not asked.keys:
            text = self.tr("Segment: {0}").format(segment.name)
            chips.append((text, lambda: self._session.choose_segment(None)))
        for one in (one for one in asked.filters if one.column in columns):
            text = cells.condition(self.table, columns[one.column], one)
            chips.append((text, lambda one=one: self.remove_filter(one)))  # type: ignore[misc]
        if len(chips) > 1:
            chips.append((self.tr("Clear all"), self.clear))
        self.sheet.chips.put(chips)

    def add_filter(self, one: Filter) -> None:
        """Keep only the rows that fit; a further condition of the same kind on a column takes the place of the old."""
        kept = tuple(f for f in self.asked.filters if (f.column, f.op) != (one.column, one.op))
        self.asked.filters = (*kept, one)
        self.ask()

    def remove_filter(self, one: Filter) -> None:
        self.asked.filters = tuple(kept for kept in self.asked.filters if kept != one)
        self.ask()

    def clear(self) -> None:
        """All rows again: no search, no filter, no finding, no segment."""
        asked = self.asked
        asked.text, asked.filters, asked.keys, asked.keys_text = "", (), (), ""
        self.sheet.search.setText("")
        self._typing.stop()
        if self._session.segment is not None and knows(self.table, self._session.segment.kind):
            self._session.choose_segment(None)
        else:
            self.ask()

    def _forget_keys(self) -> None:
        self.asked.keys, self.asked.keys_text = (), ""
        self.ask()

    def show_products(self, text: str, keys: Sequence[str]) -> None:
        """Narrow the table of products to what a finding is about; it is shown with `open`."""
        self._asked["items"] = replace(self._asked["items"], text="", filters=(), keys=tuple(keys), keys_text=text)

    def sort_by(self, name: str, descending: bool) -> None:
        self.asked.sort, self.asked.descending = name, descending
        self.ask()

    def _heading_clicked(self, place: int) -> None:
        """Up, down, then as the file has it; and the values of this column beside the table."""
        name = self.model.columns[place].name
        asked = self.asked
        if asked.sort != name:
            self.sort_by(name, False)
        elif not asked.descending:
            self.sort_by(name, True)
        else:
            self.sort_by("", False)
        self.count_values(name)

    def sort_here(self) -> None:
        """Sort by the column of the chosen cell: up, down, as the file has it."""
        rows = self.sheet.rows
        place = rows.header.current if rows.header.hasFocus() else rows.currentIndex().column()
        if 0 <= place < len(self.model.columns):
            self._heading_clicked(place)

    # --- what came --------------------------------------------------------------------------------------------------

    def _found(self, total: int) -> None:
        whole = self.tables.counts[self.table] if self.tables is not None else 0
        text = self.tr("{n} of {all} rows").format(n=cells.count(total), all=cells.count(whole))
        self.sheet.count.setText(text if total != whole else self.tr("%n row(s)", "", whole))
        self.sheet.rows.arrange(self.model.columns, self.asked)
        self.say("")
        self.tell_empty()
        if total and not self.sheet.rows.currentIndex().isValid():
            self.sheet.rows.setCurrentIndex(self.model.index(0, 0))
        elif not total:
            self.sheet.side.row.put(None, {}, "")

    def tell_empty(self) -> None:
        """In place of an empty table, why it is empty."""
        self.sheet.show_rows(self.model.total > 0)
        if not self.folder:
            self.sheet.none.setText(self.tr("No dataset yet. Import one, or make the sample: Explore shows how."))
        elif self._stopped:
            self.sheet.none.setText(self.tr("Stopped. Ctrl+Shift+R asks again."))
        elif self.tables is None or self.model.waiting:
            self.sheet.none.setText(self.tr("Reading…"))
        elif self.tables.counts[self.table]:
            self.sheet.none.setText(self.tr("No row fits. Take a condition away, or search for less."))
        elif self.table == "problems":
            self.sheet.none.setText(self.tr("No problems: every row of the source was taken in."))
        else:
            self.sheet.none.setText(self.tr("This dataset has none."))

    def _failed(self, message: str, hint: str) -> None:
        self.model.failed()
        self.sheet.none.setText(f"{message}\n{hint}")
        self.say(f"{message} {hint}")
        if not self.model.total:
            self.sheet.show_rows(False)

    def give_up(self) -> None:
        """Stop was pressed: what is shown is of an earlier question."""
        self._stopped = True
        self.model.failed()
        self.sheet.side.values.dim(False)
        if self.model.total:
            self.say(self.tr("Stopped: what is shown is of an earlier question (Ctrl+Shift+R asks again)"))
        self.tell_empty()

    def say(self, text: str) -> None:
        self.sheet.said.setText(text)

    def count_values(self, name: str) -> None:
        """Show how the values of a column lie."""
        if name in self.columns:
            self.asked.counted = name
            self._count_soon.start()

    def _count_values(self) -> None:
        if self.tables is None or self.asked.counted not in self.columns:
            return
        self.sheet.side.values.dim(True)
        self._questions.ask(
            "browse_distribution", self._counted, dataset=self.folder, table=self.table, column=self.asked.counted,
            query=self.query,
        )  # fmt: skip

    def _counted(self, found: Distribution) -> None:
        column = self.columns.get(found.column)
        if column is not None:
            self.distribution = found
            self.sheet.side.values.put(column, found)

    def _read_row(self) -> None:
        row = self.sheet.rows.currentIndex().row()
        number = self.model.row_number(row) if row >= 0 else None
        if number is not None:
            self._questions.ask("browse_row", self._row_came, dataset=self.folder, table=self.table, row=number)
        elif row >= 0:
            self._read_soon.start()  # its page is on the way

    def _row_came(self, record: Record) -> None:
        if record.table == self.table:
            self.sheet.side.row.put(record, self.columns, self.no_explore(self.sheet.rows.currentIndex().row()))

    # --- a row, a column --------------------------------------------------------------------------------------------

    def no_explore(self, row: int) -> str:
        """Why a row cannot be opened in Explore: "" when it can, "-" when it names neither product nor shopper."""
        item, user = self.model.item(row), self.model.user(row)
        run = self._session.run
        if not (item or user):
            return "-"
        if run is None or run.dataset.folder != self.folder:
            return self.tr("Open a run of this dataset first")
        if item in run.items.item or user in run.shoppers.user:
            return ""
        return self.tr("The open run does not know it")

    def _open_row(self, row: int) -> None:
        """The row's product and shopper, in Explore."""
        if row >= 0 and not self.no_explore(row):
            self.explore(self.model.user(row), self.model.item(row))

    def explore(self, user: str, item: str) -> None:
        run = self._session.run
        assert run is not None
        known = (user if user in run.shoppers.user else "", item if item in run.items.item else "")
        self.explore_asked.emit(*known)

    def build_filter(self, column: str = "") -> None:
        """Open the builder of a filter, at a column."""
        if self.tables is not None:
            names = [one.name for one in self.model.columns]
            at = self.sheet.rows.currentIndex().column()
            start = column or (names[at] if 0 <= at < len(names) else self.asked.counted)
            builder = FilterBuilder(self.table, tuple(self.columns.values()), start, self.sheet)
            builder.made.connect(self.add_filter)
            builder.open_below(self.sheet.filter_button)

    def choose_columns(self) -> None:
        if self.tables is not None:
            known = tuple(self.columns.values())
            names = [column.name for column in self.asked.shown(known)]
            chooser = ColumnChooser(self.table, known, names, self.sheet)
            chooser.chosen.connect(self.show_columns)
            chooser.reset.connect(self._usual_columns)
            chooser.open_below(self.sheet.columns_button)

    def show_columns(self, names: tuple[str, ...]) -> None:
        self.asked.columns = names
        self.ask()

    def _usual_columns(self) -> None:
        self.asked.columns, self.asked.widths = (), {}
        self.ask()

    def hide_column(self, name: str) -> None:
        left = tuple(column.name for column in self.model.columns if column.name != name)
        if left:
            self.show_columns(left)

    def _moved(self, *_: int) -> None:
        header = self.sheet.rows.header
        self.show_columns(tuple(self.model.columns[header.logicalIndex(n)].name for n in range(header.count())))

    def _resized(self, place: int, _old: int, wide: int) -> None:
        if place < len(self.model.columns) and wide > 0:
            self.asked.widths[self.model.columns[place].name] = wide

    # --- segments ---------------------------------------------------------------------------------------------------

    def save_segment(self) -> None:
        """Keep the products or the shoppers of the rows found as a segment; events and reviews give their shoppers."""
        if self.tables is None or not self.sheet.segment_button.isEnabled():
            return
        kind = "items" if self.table == "items" else "users"
        name = cells.in_words(self.table, self.columns, self.query)
        if self.asked.keys:
            name = self.asked.keys_text
        self._questions.ask(
            "browse_keys", lambda keys: self._keep_segment(name, kind, keys), dataset=self.folder, table=self.table,
            query=self.query, of=kind,
        )  # fmt: skip

    def _keep_segment(self, name: str, kind: str, keys: tuple[str, ...]) -> None:
        if not keys:
            self.say(self.tr("There is nothing to keep: no row is of a known shopper or product."))
            return
        made = self._session.segments.add(name[:60], "items" if kind == "items" else "users", keys, name)
        text = self.tr("%n product(s) kept as the segment “{0}”.", "", len(keys))
        if kind == "users":
            text = self.tr("%n shopper(s) kept as the segment “{0}”.", "", len(keys))
        self.say(text.format(made.name))
