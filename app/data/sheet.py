"""The Data view's page for a table: search and conditions above the rows; beside them, values and a row whole."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.data.chips_row import ChipsRow
from app.data.model import TableModel
from app.data.side import Side
from app.data.table import DataTable
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Empty, Panel, Search

_GAP = 12


class Sheet(QWidget):
    """Only arranges; what its parts say and do is the view's."""

    def __init__(
        self, model: TableModel, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.model = model
        self.rows = DataTable(model, themes, thumbnails)
        self.side = Side(themes, thumbnails)
        self.search = Search()
        self.chips = ChipsRow(themes)
        self.count, self.said = QLabel(), QLabel()
        self.filter_button = QPushButton(self.tr("Filter…"))
        self.columns_button = QPushButton(self.tr("Columns…"))
        self.segment_button = QPushButton(self.tr("Save as segment"))
        self.none = Empty()
        self._listed = QStackedWidget()
        self.split = QSplitter()
        self._dress()
        self._lay_out(themes)

    def _dress(self) -> None:
        self.search.setClearButtonEnabled(True)
        self.search.setPlaceholderText(self.tr("Search these rows…"))
        self.search.setAccessibleName(self.tr("Search these rows"))
        self.search.setToolTip(self.tr("Rows that hold every word, in any column; Escape clears (Ctrl+F)"))
        self.search.setMaximumWidth(360)
        for button, tip in (
            (self.filter_button, self.tr("Add a condition on a column (Ctrl+Shift+F)")),
            (self.columns_button, self.tr("Choose and order the columns (Ctrl+Shift+L)")),
            (self.segment_button, self.tr("Keep these products or shoppers as a segment for every view (Ctrl+S)")),
        ):
            button.setToolTip(tip)
        set_role(self.count, "muted")
        set_role(self.said, "muted")
        self.said.setTextFormat(Qt.TextFormat.PlainText)

    def _lay_out(self, themes: ThemeSource) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self.search, 1)
        for button in (self.filter_button, self.columns_button, self.segment_button):
            tools.addWidget(button)
        tools.addStretch(1)
        tools.addWidget(self.said)
        tools.addWidget(self.count)
        panel = Panel(themes)
        panel.heading.hide()
        panel.note.hide()
        panel.body.setContentsMargins(1, 1, 1, 1)
        self._listed.addWidget(self.rows)
        self._listed.addWidget(self.none)
        panel.body.addWidget(self._listed, 1)
        self.split.setHandleWidth(_GAP)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(panel)
        self.split.addWidget(self.side)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.split.setSizes([900, 290])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(tools)
        column.addWidget(self.chips)
        column.addWidget(self.split, 1)

    def show_rows(self, there: bool) -> None:
        """The rows, or in their place why there are none (`none` says it)."""
        self._listed.setCurrentIndex(0 if there else 1)
