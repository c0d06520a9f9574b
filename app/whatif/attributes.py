"""The attributes of a page, price included, as a table that is edited in place with known values at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.tables import NO_INDEX, AnyIndex
from app.theme import ThemeSource, set_role
from app.views.panel import FocusRing
from app.whatif.edits import with_attributes

Pairs = tuple[tuple[str, str], ...]


class AttributesModel(QAbstractTableModel):
    """Rows of name and value; a last row that is begun and not yet complete stays here."""

    def __init__(self, take: Callable[[Pairs, str], None], parent: QObject | None = None) -> None:
        """take: is given all pairs after an edit, and the edit's name."""
        super().__init__(parent)
        self._take = take
        self.pairs: list[tuple[str, str]] = []
        self._begun: tuple[str, str] | None = None

    def fill(self, pairs: Pairs) -> None:
        """Show these pairs."""
        self.beginResetModel()
        self.pairs, self._begun = list(pairs), None
        self.endResetModel()

    def begin(self) -> None:
        """A new row, to be given a name and a value."""
        if self._begun is None:
            row = len(self.pairs)
            self.beginInsertRows(NO_INDEX, row, row)
            self._begun = ("", "")
            self.endInsertRows()

    def name_at(self, row: int) -> str:
        return self._row(row)[0]

    def _row(self, row: int) -> tuple[str, str]:
        return self.pairs[row] if row < len(self.pairs) else self._begun or ("", "")

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.pairs) + (self._begun is not None)

    def columnCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else 2

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (self.tr("Attribute"), self.tr("Value"))[section]
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        name, value = self._row(index.row())
        if role == Qt.ItemDataRole.EditRole:
            return (name, value)[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return (name.replace("_", " "), value)[index.column()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{name}: {value}"
        return None

    def setData(self, index: AnyIndex, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if not index.isValid() or role != Qt.ItemDataRole.EditRole:
            return False
        text, row = str(value).strip(), index.row()
        old = self._row(row)
        new = (text, old[1]) if index.column() == 0 else (old[0], text)
        if new == old:
            return False
        if row < len(self.pairs):
            if not all(new):
                QTimer.singleShot(0, self, lambda: self.remove(row))  # the editor of the row is still open
                return True
            self.pairs[row] = new
            self._take(tuple(self.pairs), self.tr("Attribute “{name}” changed").format(name=new[0]))
        else:
            self._begun = new
            self.dataChanged.emit(index, index)
            if all(new):
                self.pairs.append(new)
                self._begun = None
                self._take(tuple(self.pairs), self.tr("Attribute “{name}” added").format(name=new[0]))
        return True

    def remove(self, row: int) -> None:
        """Take a row away."""
        if row >= len(self.pairs):
            self.beginRemoveRows(NO_INDEX, row, row)
            self._begun = None
            self.endRemoveRows()
            return
        name = self.pairs[row][0]
        kept = tuple(pair for place, pair in enumerate(self.pairs) if place != row)
        self._take(kept, self.tr("Attribute “{name}” removed").format(name=name))


class _Delegate(QStyledItemDelegate):
    """A line to write in, with what is known already."""

    def __init__(self, model: AttributesModel, known: Callable[[], Mapping[str, Sequence[str]]], parent: QWidget):
        super().__init__(parent)
        self._model = model
        self._known = known

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        line = QLineEdit(parent)
        line.setFrame(False)
        known = self._known()
        name = self._model.name_at(index.row())
        column = index.column()
        line.setAccessibleName(
            self.tr("Name of the attribute") if column == 0 else self.tr("Value of {0}").format(name)
        )
        completer = QCompleter(sorted(known) if column == 0 else list(known.get(name, ())), line)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(8)
        line.setCompleter(completer)
        return line

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        assert isinstance(editor, QLineEdit)
        editor.setText(str(index.data(Qt.ItemDataRole.EditRole) or ""))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: AnyIndex) -> None:
        assert isinstance(editor, QLineEdit)
        model.setData(index, editor.text())

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(80, 30)


class AttributesTable(QTableView):
    """The table; Delete removes a row, Enter edits."""

    def __init__(self, model: AttributesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.ring = FocusRing(self)
        self.setModel(model)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(32)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setTabKeyNavigation(False)
        self.setAccessibleName(self.tr("Attributes of the product"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if self.state() == QAbstractItemView.State.EditingState:  # the editor's own Enter comes by here
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Delete and index.isValid():
            self._rows.remove(index.row())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid():
            self.edit(index)
        else:
            super().keyPressEvent(event)


class AttributesEditor(QWidget):
    """The table with its buttons; each edit is a step of the session."""

    def __init__(
        self,
        session: Session,
        themes: ThemeSource,
        known: Callable[[], Mapping[str, Sequence[str]]],
        parent: QWidget | None = None,
    ) -> None:
        """known: the values of each attribute that the dataset has."""
        super().__init__(parent)
        self._session = session
        self._item = ""
        self._written: Pairs = ()
        self.model = AttributesModel(self._take, self)
        self.table = AttributesTable(self.model)
        self.table.setItemDelegate(_Delegate(self.model, known, self.table))
        self.add = QPushButton(self.tr("Add an attribute"))
        self.add.setToolTip(self.tr("A name and a value; known ones are offered while you write"))
        self.remove = QPushButton(self.tr("Remove"))
        self.remove.setToolTip(self.tr("Remove the chosen attribute (Delete)"))
        self.back = QPushButton(self.tr("Put back"))
        self.back.setToolTip(self.tr("The attributes as the dataset has them"))
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.add, self.remove, self.back):
            button.setAccessibleName(button.toolTip())
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table, 1)
        column.addLayout(row)
        set_role(self.table, "plain")
        self.add.clicked.connect(self.begin)
        self.remove.clicked.connect(self._remove)
        self.back.clicked.connect(lambda: self._take(self._written, self.tr("Attributes put back")))
        self.table.selectionModel().currentChanged.connect(lambda *_: self._offer())
        self.model.modelReset.connect(self._offer)

    def show_page(self, item: str, written: Pairs) -> None:
        """Show the attributes of a product as the scenario has them. written: those of the dataset."""
        self._item, self._written = item, written
        edited = self._session.scenario.edit_of(item).attributes
        pairs = written if edited is None else edited
        if list(pairs) != self.model.pairs or not item:
            current = self.table.currentIndex()
            self.model.fill(pairs)
            if current.isValid() and current.row() < len(pairs):
                self.table.setCurrentIndex(self.model.index(current.row(), current.column()))
        self._offer()

    def _offer(self) -> None:
        self.add.setEnabled(bool(self._item))
        self.remove.setEnabled(self.table.currentIndex().isValid())
        self.back.setEnabled(self._session.scenario.edit_of(self._item).attributes is not None)

    def begin(self) -> None:
        """A new row, its name being written."""
        self.model.begin()
        index = self.model.index(self.model.rowCount() - 1, 0)
        self.table.setCurrentIndex(index)
        self.table.scrollTo(index)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        self.table.edit(index)

    def _remove(self) -> None:
        if self.table.currentIndex().isValid():
            self.model.remove(self.table.currentIndex().row())

    def _take(self, pairs: Pairs, text: str) -> None:
        scenario = self._session.scenario
        edit = with_attributes(scenario.edit_of(self._item), self._written, pairs)
        self._session.change(scenario.with_edit(edit), text)
