"""The command palette: one field that finds commands, runs, shoppers and products."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QIcon, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.theme import Theme, icon, set_role, ui_font
from app.views.panel import focus_again

ROW = 32
SHOWN = 10
PER_KIND = 6
_ON = Qt.ItemDataRole.UserRole + 1

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Entry:
    """Something to find: `kind` names its icon, `note` stands on the right. One that is not `on` is grey: it can do
    nothing now, and its note says why."""

    text: str
    note: str
    kind: str
    run: Callable[[], None]
    on: bool = True


@dataclass(frozen=True)
class Column:
    """Many things of one kind, searched without making an Entry of each. `open` takes the position in `texts`."""

    kind: str
    note: str
    texts: Sequence[str]
    open: Callable[[int], None]


def matches(query: str, text: str) -> int | None:
    """How badly a text matches (0 best), or None: the start, the start of a word, inside, letters in order."""
    query, text = query.lower(), text.lower()
    if text.startswith(query):
        return 0
    place = text.find(query)
    if place >= 0:
        return 1 if not text[place - 1].isalnum() else 2
    letters = iter(text)
    return 3 if len(query) > 2 and all(letter in letters for letter in query) else None


def search(query: str, commands: Iterable[Entry], columns: Iterable[Column]) -> list[Entry]:
    """The best of each kind; without a query the commands alone."""
    query = query.strip()
    if not query:
        return list(commands)
    scored = [(score, entry) for entry in commands if (score := matches(query, entry.text)) is not None]
    found = [entry for _, entry in sorted(scored, key=lambda pair: pair[0])]
    lowered = query.lower()
    for column in columns:
        hits = [place for place, text in enumerate(column.texts) if lowered in text.lower()]
        hits.sort(key=lambda place, texts=column.texts: (not texts[place].lower().startswith(lowered), place))  # type: ignore[misc]
        for place in hits[:PER_KIND]:
            found.append(Entry(column.texts[place], column.note, column.kind, lambda p=place, c=column: c.open(p)))  # type: ignore[misc]
    return found


def again(recent: Iterable[tuple[str, str]], commands: list[Entry], columns: Sequence[Column]) -> list[Entry]:
    """What was chosen lately (kind, text) and is still there, then the other commands."""
    first: list[Entry] = []
    for kind, text in recent:
        first += [one for one in commands if (one.kind, one.text) == (kind, text)]
        for column in columns:
            if column.kind == kind and text in column.texts:
                place = column.texts.index(text)
                first.append(Entry(text, column.note, kind, lambda p=place, c=column: c.open(p)))  # type: ignore[misc]
    return [*first, *(one for one in commands if one not in first)]


class _Entries(QAbstractListModel):
    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icons: dict[str, QIcon] = {}
        self.entries: list[Entry] = []

    def put(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.text
        if role == Qt.ItemDataRole.UserRole:
            return entry.note
        if role == _ON:
            return entry.on
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return "" if entry.on else entry.note
        if role == Qt.ItemDataRole.DecorationRole:
            if entry.kind not in self._icons:
                self._icons[entry.kind] = icon(entry.kind, self._theme.muted)
            return self._icons[entry.kind]
        return None


class _Row(QStyledItemDelegate):
    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.selected)
            painter.drawRoundedRect(rect.adjusted(4, 0, -4, 0), 6, 6)
        index.data(Qt.ItemDataRole.DecorationRole).paint(painter, rect.left() + 12, rect.top() + 8, 16, 16)
        painter.setFont(ui_font())
        whole = painter.fontMetrics().horizontalAdvance(index.data()) + 12
        painter.setFont(ui_font(12))
        painter.setPen(self._theme.muted)
        free = max(rect.width() - 70 - whole, 40)  # a long reason gives way to what it is of
        note = painter.fontMetrics().elidedText(index.data(Qt.ItemDataRole.UserRole), Qt.TextElideMode.ElideRight, free)
        room = painter.fontMetrics().horizontalAdvance(note) + 16
        painter.drawText(
            rect.adjusted(0, 0, -16, 0), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), note
        )
        painter.setFont(ui_font())
        painter.setPen(self._theme.text if index.data(_ON) else self._theme.muted)
        place = rect.adjusted(38, 0, -16 - room, 0)
        text = painter.fontMetrics().elidedText(index.data(), Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
        painter.restore()


class Palette(QLineEdit):
    """The field in the top bar. Its answers hang below it, over the window, until one is chosen or Escape."""

    opened = Signal()
    chosen = Signal(str, str)  # kind and text of the answer
    left = Signal()  # and the keyboard has nowhere to go back to

    def __init__(self, theme: Theme, window: QWidget, find: Callable[[str], list[Entry]]) -> None:
        super().__init__()
        self._find = find
        self._before: QWidget | None = None  # had the keyboard
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # Ctrl+K comes here; Tab goes through the views
        self.setPlaceholderText(self.tr("Search or type a command"))
        self.setAccessibleName(self.tr("Search or type a command"))
        self.setToolTip(self.tr("Find a command, a run, a shopper or a product"))
        mark = self.addAction(icon("search", theme.muted), QLineEdit.ActionPosition.LeadingPosition)
        mark.setText(self.tr("Search or type a command"))
        self._key = QLabel("Ctrl K", self)
        set_role(self._key, "key")
        self.setTextMargins(0, 0, 52, 0)  # the text ends before the key
        self._popup = QFrame(window)
        set_role(self._popup, "popup")
        self._popup.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list = QListView()
        set_role(self._list, "plain")
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setAccessibleName(self.tr("Answers"))
        self._list.setUniformItemSizes(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._model = _Entries(theme, self._list)
        self._list.setModel(self._model)
        self._list.setItemDelegate(_Row(theme, self._list))
        self._list.clicked.connect(lambda index: self._choose(index.row()))
        self._nothing = QLabel(self.tr("Nothing found"))
        set_role(self._nothing, "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        box = QVBoxLayout(self._popup)
        box.setContentsMargins(1, 6, 1, 6)
        box.addWidget(self._list)
        box.addWidget(self._nothing)
        self._popup.hide()
        window.installEventFilter(self)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._keyboard_moved)
        self.destroyed.connect(self._popup.deleteLater)
        self.textChanged.connect(lambda _: self._show() if self.hasFocus() else None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self._popup.isVisible():
            self._place()
        return False

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._key.adjustSize()
        self._key.move(self.width() - self._key.width() - 7, (self.height() - self._key.height()) // 2)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.ActiveWindowFocusReason:
            self.selectAll()
            self._show()

    def _keyboard_moved(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is self and before is not None and before.window() is self.window():
            self._before = before

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._popup.hide()

    def mousePressEvent(self, event: Any) -> None:
        super().mousePressEvent(event)
        if not self._popup.isVisible():
            self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 6, Qt.Key.Key_PageUp: -6}
        if event.key() in steps:
            if not self._popup.isVisible():
                self._show()
            row = self._list.currentIndex().row() + steps[Qt.Key(event.key())]
            self._list.setCurrentIndex(self._model.index(min(max(row, 0), self._model.rowCount() - 1)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self._list.currentIndex().row())
        elif event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)

    @property
    def answers(self) -> list[Entry]:
        return self._model.entries

    @property
    def showing(self) -> bool:
        return self._popup.isVisible()

    def _show(self) -> None:
        self._model.put(self._find(self.text()))
        self._list.setCurrentIndex(self._model.index(0))
        self._list.setVisible(bool(self._model.entries))
        self._nothing.setVisible(not self._model.entries)
        self._place()
        self._popup.show()
        self._popup.raise_()
        self.opened.emit()

    def _place(self) -> None:
        window = self._popup.parentWidget()
        if window is None:
            return
        rows = min(max(len(self._model.entries), 1), SHOWN)
        width = max(self.width(), 420)
        corner = self.mapTo(window, QPoint(self.width() - width, self.height() + 5))
        self._popup.setGeometry(max(corner.x(), 8), corner.y(), width, rows * ROW + 16)

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._model.entries) and self._popup.isVisible():
            entry = self._model.entries[row]
            self._leave()
            self.chosen.emit(entry.kind, entry.text)
            entry.run()

    def _leave(self) -> None:
        """Put the answers away; the keyboard goes on where it was."""
        self._popup.hide()
        self.clear()
        self.clearFocus()
        before, self._before = self._before, None
        if not focus_again(before):
            self.left.emit()
