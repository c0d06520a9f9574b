"""What opens over the Data view: the chooser of columns and the builder of a filter."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QDate, QDateTime, QLocale, QPoint, Qt, QTimeZone, Signal
from PySide6.QtGui import QDoubleValidator, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.data import cells
from app.theme import set_role
from engine.dataset.tables import NO_VALUE, OPERATORS, Column, Filter

_NAME = Qt.ItemDataRole.UserRole


class _Popup(QFrame):
    """A frame over the view, put away by Escape or a click outside."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        set_role(self, "popup")
        self.setAccessibleName(name)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 12, 12, 12)
        self.column.setSpacing(8)
        heading = QLabel(name)
        set_role(heading, "heading")
        self.column.addWidget(heading)

    def open_below(self, widget: QWidget) -> None:
        """Show it below a button, its right edge in line where there is no room on the right."""
        self.adjustSize()
        window = widget.window()
        at = widget.mapToGlobal(QPoint(0, widget.height() + 4))
        right = window.mapToGlobal(QPoint(window.width() - 8, 0)).x()
        self.move(min(at.x(), right - self.width()), at.y())
        self.show()


class ColumnList(QListWidget):
    """Columns with a tick each; dragged, or moved with Alt+Up and Alt+Down."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            row = self.currentRow()
            if 0 <= row + step < self.count():
                item = self.takeItem(row)
                self.insertItem(row + step, item)
                self.setCurrentRow(row + step)
                self.model().rowsMoved.emit(self.rootIndex(), row, row, self.rootIndex(), row + step)
        else:
            super().keyPressEvent(event)


class ColumnChooser(_Popup):
    """Which columns are shown, and in what order. `chosen` brings the names of the shown, in order."""

    chosen = Signal(object)  # tuple[str, ...]
    reset = Signal()

    def __init__(self, table: str, columns: Sequence[Column], shown: Sequence[str], parent: QWidget) -> None:
        super().__init__(self.tr("Columns"), parent)
        self.list = ColumnList()
        self.list.setAccessibleName(self.tr("Columns"))
        self.list.setToolTip(self.tr("Space shows or hides a column; drag, or Alt+Up and Alt+Down, moves it"))
        self.list.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        by_name = {column.name: column for column in columns}
        for name in [*shown, *(one.name for one in columns if one.name not in shown)]:
            item = QListWidgetItem(cells.column_name(table, by_name[name]))
            item.setData(_NAME, name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if name in shown else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.setFixedSize(230, min(max(len(columns) * 26 + 10, 80), 380))
        self.list.setCurrentRow(0)
        self.column.addWidget(self.list)
        usual = QPushButton(self.tr("As at first"))
        usual.setToolTip(self.tr("The columns and widths that a new dataset begins with"))
        usual.clicked.connect(self._reset)
        self.column.addWidget(usual)
        self.list.itemChanged.connect(lambda _: self._tell())
        self.list.model().rowsMoved.connect(lambda *_: self._tell())
        self.list.setFocus()

    def _tell(self) -> None:
        items = [self.list.item(row) for row in range(self.list.count())]
        names = tuple(str(i.data(_NAME)) for i in items if i.checkState() == Qt.CheckState.Checked)
        if names:  # a table without columns is no table
            self.chosen.emit(names)

    def _reset(self) -> None:
        self.reset.emit()
        self.close()


class FilterBuilder(_Popup):
    """A column, a condition, a value. `made` brings the Filter."""

    made = Signal(object)  # Filter

    def __init__(self, table: str, columns: Sequence[Column], start: str, parent: QWidget) -> None:
        super().__init__(self.tr("New filter"), parent)
        self._columns = {column.name: column for column in columns}
        self.which = QComboBox()
        self.which.setAccessibleName(self.tr("Column"))
        for column in columns:
            self.which.addItem(cells.column_name(table, column), column.name)
        self.op = QComboBox()
        self.op.setAccessibleName(self.tr("Condition"))
        self.value, self.upper = QLineEdit(), QLineEdit()
        self.day, self.until = QDateEdit(), QDateEdit()
        for field, name in (
            (self.value, self.tr("Value")),
            (self.upper, self.tr("Up to")),
            (self.day, self.tr("First day")),
            (self.until, self.tr("Day after the last")),
        ):
            field.setAccessibleName(name)
        for day in (self.day, self.until):
            day.setCalendarPopup(True)
            day.setDate(QDate.currentDate())
        self.add = QPushButton(self.tr("Add filter"))
        set_role(self.add, "primary")
        self.add.setToolTip(self.tr("Keep only the rows that fit (Enter)"))
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget in (self.which, self.op, self.value, self.upper, self.day, self.until, self.add):
            row.addWidget(widget)
        self.value.setFixedWidth(130)
        self.upper.setFixedWidth(130)
        self.column.addLayout(row)
        self.which.currentIndexChanged.connect(self._column_changed)
        self.op.currentIndexChanged.connect(self._op_changed)
        self.value.textChanged.connect(self._offer)
        self.upper.textChanged.connect(self._offer)
        self.value.returnPressed.connect(self._make)
        self.upper.returnPressed.connect(self._make)
        self.add.clicked.connect(self._make)
        self.which.setCurrentIndex(max(self.which.findData(start), 0))
        self._column_changed()
        next(one for one in (self.value, self.day, self.op) if one.isVisibleTo(self)).setFocus()

    @property
    def _column(self) -> Column:
        return self._columns[str(self.which.currentData())]

    def _column_changed(self) -> None:
        self.op.blockSignals(True)
        self.op.clear()
        for op in OPERATORS[self._column.kind]:
            self.op.addItem(cells.operator_name(op), op)
        self.op.blockSignals(False)
        self._op_changed()

    def _op_changed(self) -> None:
        op, column = str(self.op.currentData()), self._column
        numeric, day = column.numeric and column.kind != "time", column.kind == "time"
        asks = op not in NO_VALUE
        self.value.setVisible(asks and not day)
        self.upper.setVisible(asks and numeric and op == "between")
        self.day.setVisible(asks and day)
        self.until.setVisible(asks and day and op == "between")
        for field in (self.value, self.upper):
            field.setValidator(QDoubleValidator(self) if numeric else None)  # type: ignore[arg-type]  # None: any text
        self._offer()
        self.adjustSize()

    def filter(self) -> Filter | None:
        """What is set, or None while it is not whole."""
        op, column = str(self.op.currentData()), self._column
        if op in NO_VALUE:
            return Filter(column.name, op)
        if column.kind == "time":
            return Filter(column.name, op, _milliseconds(self.day.date()), _milliseconds(self.until.date()))
        if not column.numeric:
            return Filter(column.name, op, self.value.text().strip()) if self.value.text().strip() else None
        locale = QLocale()
        value, good = locale.toDouble(self.value.text())
        upper, fine = locale.toDouble(self.upper.text()) if op == "between" else (0.0, True)
        return Filter(column.name, op, value, upper) if good and fine else None

    def _offer(self) -> None:
        self.add.setEnabled(self.filter() is not None)

    def _make(self) -> None:
        one = self.filter()
        if one is not None:
            self.made.emit(one)
            self.close()


def _milliseconds(day: QDate) -> float:
    return float(QDateTime(day, day.startOfDay().time(), QTimeZone.utc()).toMSecsSinceEpoch())
