"""Data: a dataset's tables, found, filtered and sorted as you type; beside them how values lie, and a row whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
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
from app.data.health import HealthPage
from app.data.model import TableModel
from app.data.numbers import numbers, rows_name
from app.data.open_table import OpenTable
from app.data.sheet import Sheet
from app.questions import Questions
from app.session import Session
from app.theme import ThemeSource
from app.thumbnails import Thumbnails
from app.views.panel import Note
from app.views.view import Numbers, View, Whole
from app.views.working import Working
from app.workspace import Workspace
from engine.dataset.tables import TABLE_NAMES, Tables

HEALTH = "health"


class DataView(View):
    """Shows the dataset of the open run, or the one chosen in the workspace. Nothing of it is held but what is seen."""

    explore_asked = Signal(str, str)  # shopper, product

    def __init__(
        self, session: Session, workspace: Workspace, themes: ThemeSource, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._workspace, self._themes = session, workspace, themes
        self._questions = Questions(session.engine, "data", self)
        self._health = Questions(session.study, "data-health", self)
        self.thumbnails = Thumbnails(themes, self)
        self.model = TableModel(self._questions, self)
        self.sheet = Sheet(self.model, themes, self.thumbnails)
        self.opened = OpenTable(session, self._questions, self.sheet, themes, self)
        self.health = HealthPage(self._health, themes, self.thumbnails)
        self.tabs, self.named = QTabBar(), Note()
        self._pages = QStackedWidget()
        self._lay_out()
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
        working.stop.clicked.connect(self.opened.give_up)
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
        self.opened.explore_asked.connect(self.explore_asked)
        self.health.products_asked.connect(self._show_products)
        self._health.failed.connect(lambda message, hint: self.opened.say(f"{message} {hint}"))
        self._health.changed.connect(lambda: None if self._health.busy else self.health.stopped())
        self._session.run_changed.connect(self._follow_dataset)
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
        elif self.opened.folder not in folders:
            self.choose_dataset(folders[0] if folders else "")

    def choose_dataset(self, folder: str) -> None:
        if folder == self.opened.folder and (self.opened.tables is not None or self._questions.busy):
            return
        self.opened.leave(folder)
        self.thumbnails.open(folder)
        self.health.open(folder)
        if folder:
            self._questions.ask("browse_columns", self._came, dataset=folder)
        self.opened.tell_empty()

    def _came(self, tables: Tables) -> None:
        self.opened.take(tables)
        run = self._session.run
        other = run is not None and run.dataset.folder != tables.folder
        self.named.setText(self.tr("{0}: not the data of the open run").format(tables.name) if other else "")
        for place in range(self.tabs.count()):
            self.tabs.setTabText(place, self._tab_text(str(self.tabs.tabData(place))))
        self._open(str(self.tabs.tabData(self.tabs.currentIndex())))

    def _tab_text(self, table: str) -> str:
        if table == HEALTH:
            return self.tr("Health")
        name, tables = cells.table_name(table), self.opened.tables
        return f"{name}  {cells.count(tables.counts[table])}" if tables is not None else name

    # --- which table ------------------------------------------------------------------------------------------------

    def _open(self, table: str) -> None:
        self._pages.setCurrentIndex(int(table == HEALTH))
        if table != HEALTH:
            self.opened.open(table)
        elif self.opened.tables is not None:
            self.health.look_at()

    def _show_products(self, text: str, keys: Sequence[str]) -> None:
        """Show what a finding is about in the table of products."""
        self.opened.show_products(text, keys)
        if self.tabs.currentIndex() == 0:
            self._open("items")
        else:
            self.tabs.setCurrentIndex(0)

    def ask_again(self) -> None:
        """Ask once more for what is not shown yet."""
        if self.opened.tables is None:
            self.choose_dataset(self.opened.folder)
        else:
            self.opened.ask()

    def focus_search(self) -> None:
        if self.tabs.tabData(self.tabs.currentIndex()) == HEALTH:
            self.tabs.setCurrentIndex(0)
        self.sheet.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.sheet.search.selectAll()

    def turn(self, step: int) -> None:
        """To the next table, or the one before."""
        self.tabs.setCurrentIndex((self.tabs.currentIndex() + step) % self.tabs.count())

    def look_for_duplicates(self) -> None:
        self.tabs.setCurrentIndex(self.tabs.count() - 1)
        self.health.find_duplicates()

    # --- the window's view ------------------------------------------------------------------------------------------

    def offers(self) -> list[Action]:
        return menus.offered(self)

    def state(self) -> dict[str, Any]:
        return {
            "tab": str(self.tabs.tabData(self.tabs.currentIndex())),
            "split": self.sheet.split.sizes(),
            "side": self.sheet.side.sizes(),
            "tables": self.opened.to_json(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        if isinstance(tables := state.get("tables"), Mapping):
            self.opened.restore(tables)
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
        return self._questions.busy or self._health.busy or self.opened.busy

    def whole(self) -> Mapping[str, Whole]:
        """The open table as it is asked for, all its rows."""
        pages = self.model.loaded()
        if not pages:
            return {}
        asks = {"dataset": self.opened.folder, **self.opened.question}
        return {rows_name(self.opened.table, pages): Whole(self.opened.table, pages[-1].total, asks)}

    def numbers(self) -> Numbers:
        """The rows at hand, all of them where there are few; how the chosen column lies; what Health found."""
        return {
            **self.health.tables(),
            **numbers(self.opened.table, self.model.loaded(), self.opened.distribution),
        }
