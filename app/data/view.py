"""Data: a dataset's tables, found, filtered and sorted as you type; beside them how values lie, and a row whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.actions import Action
from app.data import cells, menus
from app.data.asked import Asked, first_counted, knows
from app.data.health import HealthPage
from app.data.model import TableModel
from app.data.numbers import numbers
from app.data.popups import ColumnChooser, FilterBuilder
from app.data.sheet import Sheet
from app.questions import Questions
from app.read_only import enable
from app.session import Session
from app.tables import Thumbnails
from app.theme import ThemeSource
from app.views.panel import Note
from app.views.view import Numbers, View
from app.views.working import Working
from app.workspace import Workspace
from engine.dataset.tables import TABLE_NAMES, Column, Distribution, Filter, Query, Record, Tables

HEALTH = "health"
_TYPING = 150  # milliseconds of rest before a search begins
_GAP = 12


class DataView(View):
    """Shows the dataset of the open run, or the one chosen in the workspace. Nothing of it is held but what is seen."""

    explore_asked = Signal(str, str)  # shopper, product

    def __init__(
        self, session: Session, workspace: Workspace, themes: ThemeSource, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._workspace, self._themes = session, workspace, themes
        self._tables: Tables | None = None
        self._folder = ""
        self._stopped = False  # the last question was given up
        self._asked: dict[str, Asked] = {table: Asked() for table in TABLE_NAMES}
        self.table = TABLE_NAMES[0]
        self.distribution: Distribution | None = None
        self._questions = Questions(session.engine, "data", self)
        self._health = Questions(session.study, "data-health", self)
        self.thumbnails = Thumbnails(themes, self)
        self.model = TableModel(self._questions, self)
        self.sheet = Sheet(self.model, themes, self.thumbnails)
        self.health = HealthPage(self._health, themes, self.thumbnails)
        self.tabs, self.named = QTabBar(), Note()
        self._pages = QStackedWidget()
        self._lay_out()
        self._typing = QTimer(self, singleShot=True, interval=_TYPING)
        self._count_soon = QTimer(self, singleShot=True, interval=_TYPING)
        self._read_soon = QTimer(self, singleShot=True, interval=60)
        self._connect()
        self._follow_dataset()

    # --- how it is built --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setMinimumHeight(36)
        self.tabs.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)  # what stands beside gives way
        self.tabs.setAccessibleName(self.tr("Tables of the dataset"))
        for table in (*TABLE_NAMES, HEALTH):
            self.tabs.setTabData(self.tabs.addTab(self._tab_text(table)), table)
        self._pages.addWidget(self.sheet)
        self._pages.addWidget(self.health)
        working = Working(self._questions)
        working.stop.clicked.connect(self._given_up)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.tabs)
        top.addStretch(1)
        top.addWidget(working)
        top.addWidget(self.named)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 8, 14, 14)
        whole.setSpacing(8)
        whole.addLayout(top)
        whole.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(lambda place: self._open(str(self.tabs.tabData(place))))
        self.sheet.search.textEdited.connect(lambda _: self._typing.start())
        self.sheet.search.textChanged.connect(lambda text: self._typing.start() if not text else None)
        self._typing.timeout.connect(self._typed)
        self.sheet.search.returnPressed.connect(lambda: self.sheet.rows.setFocus(Qt.FocusReason.ShortcutFocusReason))
        self.sheet.filter_button.clicked.connect(lambda: self.build_filter())
        self.sheet.columns_button.clicked.connect(self.choose_columns)
        self.sheet.segment_button.clicked.connect(self.save_segment)
        self.sheet.rows.header.sort_asked.connect(self._heading_clicked)
        self.sheet.rows.header.menu_asked.connect(lambda place, at: menus.column_menu(self, place, at))
        self.sheet.rows.header.sectionMoved.connect(self._moved)
        self.sheet.rows.header.sectionResized.connect(self._resized)
        self.sheet.rows.opened.connect(self._open_row)
        self.sheet.rows.menu_asked.connect(lambda at: menus.row_menu(self, at))
        self.sheet.rows.copied.connect(lambda n: self._say(self.tr("%n cell(s) copied", "", n)))
        self.model.found.connect(self._found)
        self.sheet.rows.selectionModel().currentRowChanged.connect(lambda *_: self._read_soon.start())
        self._read_soon.timeout.connect(self._read_row)
        self._count_soon.timeout.connect(self._count_values)
        self.sheet.side.values.column_asked.connect(self.count_values)
        self.sheet.side.values.filter_asked.connect(self.add_filter)
        self.sheet.side.row.explore_asked.connect(lambda: self._open_row(self.sheet.rows.currentIndex().row()))
        self.health.products_asked.connect(self._show_products)
        self._questions.failed.connect(self._failed)
        self._health.failed.connect(lambda message, hint: self._say(f"{message} {hint}"))
        self._health.changed.connect(lambda: None if self._health.busy else self.health.stopped())
        self._themes.changed.connect(self._show_chips)
        self._session.run_changed.connect(self._follow_dataset)
        self._session.segment_changed.connect(self._ask)
        self._workspace.changed.connect(self._follow_dataset)
        self._workspace.dataset_chosen.connect(self.choose_dataset)

    # --- which dataset ----------------------------------------------------------------------------------------------

    def _follow_dataset(self, *_: object) -> None:
        """The run's dataset; without a run, the workspace's chosen or first one."""
        run = self._session.run
        folders = [one.folder for one in self._workspace.datasets]
        if run is not None:
            self.choose_dataset(run.dataset.folder)
        elif self._workspace.dataset in folders:
            self.choose_dataset(self._workspace.dataset)
        elif self._folder not in folders:
            self.choose_dataset(folders[0] if folders else "")

    def choose_dataset(self, folder: str) -> None:
        if folder == self._folder and (self._tables is not None or self._questions.busy):
            return
        self._folder, self._tables, self._stopped = folder, None, False
        self._questions.drop_all()
        self.model.clear()
        self.sheet.side.row.put(None, {}, "")
        self.thumbnails.open(folder)
        self.health.open(folder)
        if folder:
            self._questions.ask("browse_columns", self._opened, dataset=folder)
        self._tell_empty()

    def _opened(self, tables: Tables) -> None:
        self._tables = tables
        run = self._session.run
        other = run is not None and run.dataset.folder != tables.folder
        self.named.setText(self.tr("{0}: not the data of the open run").format(tables.name) if other else "")
        for table in TABLE_NAMES:
            self._asked[table].fit(tables.columns[table])
        for place in range(self.tabs.count()):
            self.tabs.setTabText(place, self._tab_text(str(self.tabs.tabData(place))))
        self._open(str(self.tabs.tabData(self.tabs.currentIndex())))

    def _tab_text(self, table: str) -> str:
        if table == HEALTH:
            return self.tr("Health")
        name = cells.table_name(table)
        return f"{name}  {cells.count(self._tables.counts[table])}" if self._tables is not None else name

    @property
    def columns(self) -> dict[str, Column]:
        """Every column of the open table."""
        known = self._tables.columns[self.table] if self._tables is not None else ()
        return {column.name: column for column in known}

    @property
    def asked(self) -> Asked:
        return self._asked[self.table]

    # --- what is asked ----------------------------------------------------------------------------------------------

    def _open(self, table: str) -> None:
        self._pages.setCurrentIndex(int(table == HEALTH))
        if table == HEALTH:
            if self._tables is not None:
                self.health.look_at()
            return
        self.table = table
        self._typing.stop()
        self.sheet.search.blockSignals(True)
        self.sheet.search.setText(self.asked.text)
        self.sheet.search.blockSignals(False)
        self.sheet.side.row.put(None, {}, "")
        self.sheet.rows.set_slim(table in ("users", "problems"))
        if self._tables is not None:
            known = self._tables.columns[table]
            if self.asked.counted not in self.columns:
                self.asked.counted = first_counted(known)
            self.sheet.side.values.offer(table, known, self.asked.counted)
            self._ask()

    @property
    def query(self) -> Query:
        """What the user asked of the open table, the segment in force included."""
        asked = self.asked
        keys, keys_of = asked.keys, "items" if asked.keys else ""
        segment = self._session.segment
        if segment is not None and not keys and knows(self.table, segment.kind):
            keys, keys_of = segment.members, segment.kind
        return Query(asked.text, asked.filters, keys, keys_of)

    def _ask(self, *_: object) -> None:
        """Ask for the rows anew, and for how the chosen column lies in them."""
        if self._tables is None:
            return
        self._stopped = False
        shown = self.asked.shown(self._tables.columns[self.table])
        self.model.show_rows(self._folder, self.table, shown, self.query, self.asked.sort, self.asked.descending)
        self._show_chips()
        self._count_soon.start()
        told = self.table in ("items", "users", "events", "reviews")
        enable(self.sheet.segment_button, told, self._session.segments.place)

    def _typed(self) -> None:
        self._typing.stop()
        if self.sheet.search.text() != self.asked.text:
            self.asked.text = self.sheet.search.text()
            self._ask()

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
        self._ask()

    def remove_filter(self, one: Filter) -> None:
        self.asked.filters = tuple(kept for kept in self.asked.filters if kept != one)
        self._ask()

    def clear(self) -> None:
        """All rows again: no search, no filter, no finding, no segment."""
        asked = self.asked
        asked.text, asked.filters, asked.keys, asked.keys_text = "", (), (), ""
        self.sheet.search.setText("")
        self._typing.stop()
        if self._session.segment is not None and knows(self.table, self._session.segment.kind):
            self._session.choose_segment(None)
        else:
            self._ask()

    def _forget_keys(self) -> None:
        self.asked.keys, self.asked.keys_text = (), ""
        self._ask()

    def _show_products(self, text: str, keys: Sequence[str]) -> None:
        """Show what a finding is about in the table of products."""
        self._asked["items"] = replace(self._asked["items"], text="", filters=(), keys=tuple(keys), keys_text=text)
        if self.tabs.currentIndex() == 0:
            self._open("items")
        else:
            self.tabs.setCurrentIndex(0)

    def sort_by(self, name: str, descending: bool) -> None:
        self.asked.sort, self.asked.descending = name, descending
        self._ask()

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

    # --- what came --------------------------------------------------------------------------------------------------

    def _found(self, total: int) -> None:
        whole = self._tables.counts[self.table] if self._tables is not None else 0
        text = self.tr("{n} of {all} rows").format(n=cells.count(total), all=cells.count(whole))
        self.sheet.count.setText(
            text if total != whole else self.tr("%n row(s)", "", whole).replace(str(whole), cells.count(whole))
        )
        self.sheet.rows.arrange(self.model.columns, self.asked)
        self._say("")
        self._tell_empty()
        if total and not self.sheet.rows.currentIndex().isValid():
            self.sheet.rows.setCurrentIndex(self.model.index(0, 0))
        elif not total:
            self.sheet.side.row.put(None, {}, "")

    def _tell_empty(self) -> None:
        """In place of an empty table, why it is empty."""
        self.sheet.show_rows(self.model.total > 0)
        if not self._folder:
            self.sheet.none.setText(self.tr("No dataset yet. Import one, or make the sample: Explore shows how."))
        elif self._stopped:
            self.sheet.none.setText(self.tr("Stopped. Ctrl+Shift+R asks again."))
        elif self._tables is None or self.model.waiting:
            self.sheet.none.setText(self.tr("Reading …"))
        elif self._tables.counts[self.table]:
            self.sheet.none.setText(self.tr("No row fits. Take a condition away, or search for less."))
        elif self.table == "problems":
            self.sheet.none.setText(self.tr("No problems: every row of the source was taken in."))
        else:
            self.sheet.none.setText(self.tr("This dataset has none."))

    def _failed(self, message: str, hint: str) -> None:
        self.model.failed()
        self.sheet.none.setText(f"{message}\n{hint}")
        self._say(f"{message} {hint}")
        if not self.model.total:
            self.sheet.show_rows(False)

    def _given_up(self) -> None:
        """Stop was pressed: what is shown is of an earlier question."""
        self._stopped = True
        self.model.failed()
        self.sheet.side.values.dim(False)
        if self.model.total:
            self._say(self.tr("Stopped: what is shown is of an earlier question (Ctrl+Shift+R asks again)"))
        self._tell_empty()

    def ask_again(self) -> None:
        """Ask once more for what is not shown yet."""
        if self._tables is None:
            self.choose_dataset(self._folder)
        else:
            self._ask()

    def sort_here(self) -> None:
        """Sort by the column of the chosen cell: up, down, as the file has it."""
        rows = self.sheet.rows
        place = rows.header.current if rows.header.hasFocus() else rows.currentIndex().column()
        if 0 <= place < len(self.model.columns):
            self._heading_clicked(place)

    def _say(self, text: str) -> None:
        self.sheet.said.setText(text)

    def count_values(self, name: str) -> None:
        """Show how the values of a column lie."""
        if name in self.columns:
            self.asked.counted = name
            self._count_soon.start()

    def _count_values(self) -> None:
        if self._tables is None or self.asked.counted not in self.columns:
            return
        self.sheet.side.values.dim(True)
        self._questions.ask(
            "browse_distribution", self._counted, dataset=self._folder, table=self.table, column=self.asked.counted,
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
            self._questions.ask("browse_row", self._row_came, dataset=self._folder, table=self.table, row=number)
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
        if run is None or run.dataset.folder != self._folder:
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
        if self._tables is not None:
            names = [one.name for one in self.model.columns]
            at = self.sheet.rows.currentIndex().column()
            start = column or (names[at] if 0 <= at < len(names) else self.asked.counted)
            builder = FilterBuilder(self.table, tuple(self.columns.values()), start, self)
            builder.made.connect(self.add_filter)
            builder.open_below(self.sheet.filter_button)

    def choose_columns(self) -> None:
        if self._tables is not None:
            known = tuple(self.columns.values())
            names = [column.name for column in self.asked.shown(known)]
            chooser = ColumnChooser(self.table, known, names, self)
            chooser.chosen.connect(self.show_columns)
            chooser.reset.connect(self._usual_columns)
            chooser.open_below(self.sheet.columns_button)

    def show_columns(self, names: tuple[str, ...]) -> None:
        self.asked.columns = names
        self._ask()

    def _usual_columns(self) -> None:
        self.asked.columns, self.asked.widths = (), {}
        self._ask()

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
        if self._tables is None or not self.sheet.segment_button.isEnabled():
            return
        kind = "items" if self.table == "items" else "users"
        name = cells.in_words(self.table, self.columns, self.query)
        if self.asked.keys:
            name = self.asked.keys_text
        self._questions.ask(
            "browse_keys", lambda keys: self._keep_segment(name, kind, keys), dataset=self._folder, table=self.table,
            query=self.query, of=kind,
        )  # fmt: skip

    def _keep_segment(self, name: str, kind: str, keys: tuple[str, ...]) -> None:
        if not keys:
            self._say(self.tr("There is nothing to keep: no row is of a known shopper or product."))
            return
        made = self._session.segments.add(name[:60], "items" if kind == "items" else "users", keys, name)
        text = self.tr("%n product(s) kept as the segment “{0}”.", "", len(keys))
        if kind == "users":
            text = self.tr("%n shopper(s) kept as the segment “{0}”.", "", len(keys))
        self._say(text.format(made.name))

    # --- the window's view ------------------------------------------------------------------------------------------

    def focus_search(self) -> None:
        if self.tabs.tabData(self.tabs.currentIndex()) == HEALTH:
            self.tabs.setCurrentIndex(0)
        self.sheet.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.sheet.search.selectAll()

    def turn(self, step: int) -> None:
        """To the next table, or the one before."""
        self.tabs.setCurrentIndex((self.tabs.currentIndex() + step) % self.tabs.count())

    def offers(self) -> list[Action]:
        return menus.offered(self)

    def look_for_duplicates(self) -> None:
        self.tabs.setCurrentIndex(self.tabs.count() - 1)
        self.health.find_duplicates()

    def state(self) -> dict[str, Any]:
        return {
            "tab": str(self.tabs.tabData(self.tabs.currentIndex())),
            "split": self.sheet.split.sizes(),
            "side": self.sheet.side.sizes(),
            "tables": {table: asked.to_json() for table, asked in self._asked.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        tables = state.get("tables")
        for table in TABLE_NAMES:
            kept = tables.get(table) if isinstance(tables, Mapping) else None
            if isinstance(kept, Mapping):
                self._asked[table] = Asked.from_json(kept)
                if self._tables is not None:
                    self._asked[table].fit(self._tables.columns[table])
        for splitter, name in ((self.sheet.split, "split"), (self.sheet.side, "side")):
            sizes = state.get(name)
            if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(size, int) for size in sizes):
                splitter.setSizes(sizes)
        tabs = [str(self.tabs.tabData(place)) for place in range(self.tabs.count())]
        place = tabs.index(state["tab"]) if state.get("tab") in tabs else self.tabs.currentIndex()
        if place == self.tabs.currentIndex():
            self._open(tabs[place])
        else:
            self.tabs.setCurrentIndex(place)

    @property
    def has_data(self) -> bool:
        return bool(self._workspace.datasets) or self._session.run is not None

    @property
    def comparing_photos(self) -> bool:
        return self.health.isVisible() and not self.health.look.isEnabled()

    @property
    def busy(self) -> bool:
        timers = (self._typing, self._count_soon, self._read_soon)
        return self._questions.busy or self._health.busy or any(timer.isActive() for timer in timers)

    def numbers(self) -> Numbers:
        """The rows at hand, all of them where there are few; how the chosen column lies; what Health found."""
        return {**self.health.tables(), **numbers(self.table, self.model.loaded(), self.distribution)}
