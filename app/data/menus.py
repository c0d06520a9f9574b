"""What the Data view offers to do: its actions, the menus of a cell with its row and of a column."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from app.actions import Action, Reason
from app.data import cells
from app.data.model import TableModel
from app.data.sheet import Sheet
from engine.dataset.tables import Column, Filter

if TYPE_CHECKING:
    from app.data.open_table import OpenTable


class Shown(Protocol):
    """What is needed of the view; `app.data.view.DataView` is one."""

    opened: OpenTable
    sheet: Sheet

    @property
    def busy(self) -> bool: ...
    @property
    def has_data(self) -> bool: ...
    @property
    def comparing_photos(self) -> bool: ...

    def ask_again(self) -> None: ...
    def focus_search(self) -> None: ...
    def turn(self, step: int) -> None: ...
    def look_for_duplicates(self) -> None: ...


def tr(text: str) -> str:
    return QCoreApplication.translate("DataMenus", text)


def offered(view: Shown) -> list[Action]:
    """What the Data view can do."""
    table = view.opened

    def no_table() -> str:
        if not table.columns:
            return tr("The tables are being read.") if view.busy else tr("There is no dataset yet: import one.")
        return "" if view.sheet.isVisible() else tr("Go to a table first (Ctrl+PgDown).")

    def no_cell() -> str:
        return no_table() or ("" if view.sheet.rows.currentIndex().isValid() else tr("Choose a cell first."))

    def not_narrowed() -> str:
        narrowed = table.query.text or table.query.filters or table.query.keys
        return no_table() or ("" if narrowed else tr("All rows are shown."))

    def no_segment() -> str:
        offered = view.sheet.segment_button.isEnabled()
        return no_table() or ("" if offered else tr("Rows of this table name no product and no shopper."))

    def no_dataset() -> str:
        return "" if view.has_data else tr("There is no dataset yet: import one.")

    def reading() -> str:
        return no_dataset() or (tr("The tables are being read.") if view.busy and not table.columns else "")

    def comparing() -> str:
        return no_dataset() or (tr("Photos are being compared.") if view.comparing_photos else "")

    def act(
        name: str, text: str, run: Callable[[], None], keys: str, group: str, why_not: Reason, drawn: str = "data"
    ) -> Action:
        return Action(name, text, run, keys, drawn, group, why_not=why_not)

    return [
        Action("data-find", tr("Search these rows"), view.focus_search, "Ctrl+F", "search", "search"),
        act("data-filter", tr("Filter rows"), table.build_filter, "Ctrl+Shift+F", "search", no_table),
        act("data-clear", tr("Show all rows again"), table.clear, "Ctrl+Shift+X", "search", not_narrowed),
        act("data-columns", tr("Choose columns"), table.choose_columns, "Ctrl+Shift+L", "columns", no_table),
        act("data-sort", tr("Sort by this column"), table.sort_here, "Ctrl+Shift+Y", "columns", no_cell),
        act("data-again", tr("Ask for these rows again"), view.ask_again, "Ctrl+Shift+R", "search", reading, "refresh"),
        act("data-copy", tr("Copy the chosen cells"), view.sheet.rows.copy, "Ctrl+C", "columns", no_cell),
        act("data-segment", tr("Save these rows as a segment"), table.save_segment, "Ctrl+S", "more", no_segment),
        Action("data-next", tr("Next table"), lambda: view.turn(1), "Ctrl+PgDown", "data", "more"),
        Action("data-before", tr("Table before"), lambda: view.turn(-1), "Ctrl+PgUp", "data", "more"),
        act("data-duplicates", tr("Look for duplicate photos"), view.look_for_duplicates, "", "more", comparing),
    ]


def row_menu(table: OpenTable, at: QPoint) -> None:
    """What can be done with the chosen cell and its row."""
    index = table.sheet.rows.currentIndex()
    if not index.isValid():
        return
    row, column = index.row(), table.model.columns[index.column()]
    item, user = table.model.item(row), table.model.user(row)
    menu = _menu(table.sheet)
    for key, text in (
        (item, tr("Open the product in Explore")),
        (user, tr("Open the shopper in Explore")),
    ):
        if key:
            action = menu.addAction(text)
            action.setEnabled(not table.no_explore(row))
            pair = ("", key) if key == item else (key, "")
            action.triggered.connect(lambda _=False, pair=pair: table.explore(*pair))
    menu.addSeparator()
    one = filter_of(table.model, row, column)
    if one is not None:
        text = tr("Only rows where {0}").format(cells.condition(table.table, column, one)[:60])
        menu.addAction(text).triggered.connect(lambda: table.add_filter(one))
    menu.addAction(tr("Copy\tCtrl+C")).triggered.connect(table.sheet.rows.copy)
    menu.addSeparator()
    menu.addAction(tr("Save as segment")).triggered.connect(table.save_segment)
    menu.popup(at)


def filter_of(model: TableModel, row: int, column: Column) -> Filter | None:
    """The condition that keeps rows like this one."""
    value = model.value(row, column.name)
    if value is None:
        return Filter(column.name, "missing")
    if column.kind == "photo":
        return Filter(column.name, "present")
    if column.kind == "time":
        day = float(value) // 86_400_000 * 86_400_000  # type: ignore[arg-type]  # a time is a number
        return Filter(column.name, "between", day, day + 86_400_000)
    if column.kind == "number":
        return Filter(column.name, "=", float(value))  # type: ignore[arg-type]
    text = str(value)
    if column.attribute or column.kind == "list":
        return Filter(column.name, "contains", text.split(" › ")[-1].split(", ")[0])
    return None if text.endswith("…") else Filter(column.name, "is", text)


def column_menu(table: OpenTable, place: int, at: QPoint) -> None:
    """What can be done with a column; place: its number among the shown."""
    if not 0 <= place < len(table.model.columns):
        return
    name = table.model.columns[place].name
    menu = _menu(table.sheet)
    for text, act in (
        (tr("Sort up"), lambda: table.sort_by(name, False)),
        (tr("Sort down"), lambda: table.sort_by(name, True)),
        (tr("Show its values"), lambda: table.count_values(name)),
        (tr("Filter…"), lambda: table.build_filter(name)),
        (tr("Hide this column"), lambda: table.hide_column(name)),
        (tr("Columns…"), table.choose_columns),
    ):
        menu.addAction(text).triggered.connect(lambda _=False, act=act: act())
    menu.popup(at)


def _menu(parent: QWidget) -> QMenu:
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return menu
