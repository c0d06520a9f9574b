"""The menus of the Data view: of a cell with its row, and of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from app.data import cells
from app.data.model import TableModel
from engine.dataset.tables import Column, Filter

if TYPE_CHECKING:
    from app.data.view import DataView


def tr(text: str) -> str:
    return QCoreApplication.translate("DataMenus", text)


def row_menu(view: DataView, at: QPoint) -> None:
    """What can be done with the chosen cell and its row."""
    index = view.rows.currentIndex()
    if not index.isValid():
        return
    row, column = index.row(), view.model.columns[index.column()]
    item, user = view.model.item(row), view.model.user(row)
    menu = _menu(view)
    for key, text in (
        (item, tr("Open the product in Explore")),
        (user, tr("Open the shopper in Explore")),
    ):
        if key:
            action = menu.addAction(text)
            action.setEnabled(not view.no_explore(row))
            pair = ("", key) if key == item else (key, "")
            action.triggered.connect(lambda _=False, pair=pair: view.explore(*pair))
    menu.addSeparator()
    one = filter_of(view.model, row, column)
    if one is not None:
        text = tr("Only rows where {0}").format(cells.condition(view.table, column, one)[:60])
        menu.addAction(text).triggered.connect(lambda: view.add_filter(one))
    menu.addAction(tr("Copy\tCtrl+C")).triggered.connect(view.rows.copy)
    menu.addSeparator()
    menu.addAction(tr("Save as segment")).triggered.connect(view.save_segment)
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


def column_menu(view: DataView, place: int, at: QPoint) -> None:
    """What can be done with a column; place: its number among the shown."""
    if not 0 <= place < len(view.model.columns):
        return
    name = view.model.columns[place].name
    menu = _menu(view)
    for text, act in (
        (tr("Sort up"), lambda: view.sort_by(name, False)),
        (tr("Sort down"), lambda: view.sort_by(name, True)),
        (tr("Show its values"), lambda: view.count_values(name)),
        (tr("Filter …"), lambda: view.build_filter(name)),
        (tr("Hide this column"), lambda: view.hide_column(name)),
        (tr("Columns …"), view.choose_columns),
    ):
        menu.addAction(text).triggered.connect(lambda _=False, act=act: act())
    menu.popup(at)


def _menu(parent: QWidget) -> QMenu:
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return menu
