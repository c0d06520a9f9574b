"""The checks of an audit as a table: worst first, each verdict as a word and a mark."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from app.audit.words import MARKS, check_title, family_name, figure_name, shown, verdict_name
from app.tables import NO_INDEX, AnyIndex
from app.theme import Theme, ThemeSource, set_role
from engine.audit.check import FAMILIES, WORST, Result, Verdict


def verdict_colour(theme: Theme, verdict: Verdict) -> QColor:
    return {"fail": theme.error, "unsure": theme.fair, "pass": theme.good}.get(verdict, theme.muted)


class ChecksModel(QAbstractTableModel):
    """Failed checks first, then those that are unsure; within a verdict family by family."""

    def __init__(self, themes: ThemeSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.results: tuple[Result, ...] = ()
        self.heads = (self.tr("Verdict"), self.tr("Check"), self.tr("About"))

    def put(self, results: tuple[Result, ...]) -> None:
        order = {name: place for place, name in enumerate(FAMILIES)}
        self.beginResetModel()
        self.results = tuple(
            sorted(results, key=lambda one: (WORST.index(one.verdict), order.get(one.family, len(order))))
        )
        self.endResetModel()

    def row_of(self, check: str) -> int:
        return next((row for row, one in enumerate(self.results) if one.check == check), -1)

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.results)

    def columnCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.heads[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        result = self.results[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(result, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.main_figure(result)
        if role == Qt.ItemDataRole.ForegroundRole:
            theme = self._themes.theme
            return (verdict_colour(theme, result.verdict), theme.text, theme.muted)[index.column()]
        return None

    def text(self, result: Result, column: int) -> str:
        if column == 0:
            return f"{MARKS[result.verdict]}  {verdict_name(result.verdict)}"
        if column == 1:
            return check_title(result.check)
        return family_name(result.family)

    def main_figure(self, result: Result) -> str:
        """The figure that decides, in words."""
        place = next((at for at, one in enumerate(result.verdicts) if one == result.verdict), None)
        if place is None:
            return ""
        figure = result.figures[place]
        return f"{figure_name(result.check, figure)}: {shown(figure)}"


def checks_table(model: ChecksModel) -> QTableView:
    view = QTableView()
    set_role(view, "plain")
    view.setModel(model)
    view.setAccessibleName(view.tr("Checks"))
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setShowGrid(False)
    view.setTabKeyNavigation(False)
    view.setTextElideMode(Qt.TextElideMode.ElideRight)
    view.setWordWrap(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(30)
    head = view.horizontalHeader()
    head.setHighlightSections(False)
    for column in (0, 2):
        head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    head.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
    return view
