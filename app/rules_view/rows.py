"""The rows of the rule list: grouped by kind in the order in which they act, each with its switch."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QAbstractListModel, QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.rule_words import kind_name, rule_sentence
from app.tables import KEY_ROLE, NO_INDEX, AnyIndex
from app.theme import ThemeSource, mix, set_role, ui_font
from app.views.panel import FocusRing, paint_ground
from engine.rule_book import RuleBook, RuleReach

ROW, _CAPTION, _BOX = 50, 24, 15
_LEFT = 38  # where the words begin
_TICK = ((0.24, 0.52), (0.43, 0.71), (0.77, 0.31))  # in a box of 1 by 1


class RulesModel(QAbstractListModel):
    """The rules of a book, what each does, and how many products of the catalogue it is about."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.book = RuleBook()
        self.titles: Mapping[str, str] = {}
        self._counts: dict[str, int] = {}
        self._faults: dict[str, str] = {}

    def put(self, book: RuleBook) -> None:
        """Show a book. As long as it has as many rules, the rows stay."""
        if len(book.rules) == len(self.book.rules) and book.rules:
            self.book = book
            self.dataChanged.emit(self.index(0, 0), self.index(len(book.rules) - 1, 0))
        else:
            self.beginResetModel()
            self.book = book
            self.endResetModel()

    def tell(self, book: RuleBook, reach: RuleReach) -> None:
        """What the catalogue says to the rules of a book."""
        names = [one.name for one in book.rules]
        self._counts = dict(zip(names, reach.counts, strict=True))
        self._faults = dict(zip(names, reach.faults, strict=True))
        if self.book.rules:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.book.rules) - 1, 0))

    def row_of(self, name: str) -> int:
        return next((row for row, one in enumerate(self.book.rules) if one.name == name), -1)

    def first_of_kind(self, row: int) -> bool:
        """Whether the name of its kind stands above a row."""
        rules = self.book.rules
        return row == 0 or rules[row - 1].kind != rules[row].kind

    def works(self, row: int) -> bool:
        return self.book.on and self.book.rules[row].on

    def count(self, row: int) -> int | None:
        """How many products a rule with a condition is about; None for the others, and while it is unknown."""
        rule = self.book.rules[row]
        return self._counts.get(rule.name) if rule.where is not None else None

    def fault(self, row: int) -> str:
        """Why a rule cannot act in this catalogue, or ""."""
        return self._faults.get(self.book.rules[row].name, "")

    def says(self, row: int) -> str:
        return rule_sentence(self.book.rules[row], self.titles)

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.book.rules)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = index.row()
        rule = self.book.rules[row]
        if role == Qt.ItemDataRole.DisplayRole:
            return rule.name
        if role == KEY_ROLE:
            return rule.name
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if rule.on else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.fault(row) or self.says(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            state = self.tr("in force") if self.works(row) else self.tr("off")
            return ", ".join(filter(None, (kind_name(rule.kind), rule.name, self.says(row), state, self.fault(row))))
        return None


class RuleDelegate(QStyledItemDelegate):
    """Draws a rule's switch, name, what it does, and its number of products; above the first of a kind, its kind."""

    def __init__(self, model: RulesModel, themes: ThemeSource, ring: FocusRing, view: QListView) -> None:
        super().__init__(view)
        self._model, self._themes, self._ring, self._view = model, themes, ring, view
        self._font, self._small = ui_font(13), ui_font(11)
        self._bold = ui_font(13, QFont.Weight.DemiBold)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(220, ROW + (_CAPTION if self._model.first_of_kind(index.row()) else 0))

    def box(self, row: int, rect: QRectF) -> QRectF:
        """Where a row's switch is."""
        top = rect.top() + (_CAPTION if self._model.first_of_kind(row) else 0)
        return QRectF(rect.left() + 12, top + (ROW - _BOX) / 2, _BOX, _BOX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme, model, row = self._themes.theme, self._model, index.row()
        rule = model.book.rules[row]
        whole = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if model.first_of_kind(row):
            painter.setFont(self._small)
            painter.setPen(theme.muted)
            caption = QRectF(whole.left() + 12, whole.top() + 4, whole.width() - 24, _CAPTION - 6)
            painter.drawText(caption, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, kind_name(rule.kind))
            whole.setTop(whole.top() + _CAPTION)
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        current = self._ring.on and self._view.currentIndex() == index
        paint_ground(painter, whole, theme, chosen, bool(state & QStyle.StateFlag.State_MouseOver), current)
        self._paint_box(painter, QRectF(whole.left() + 12, whole.top() + (ROW - _BOX) / 2, _BOX, _BOX), rule.on)
        works, count, fault = model.works(row), model.count(row), model.fault(row)
        right = whole.right() - 12
        painter.setFont(self._small)
        said = model.tr("cannot act") if fault else "" if count is None else f"{count:,}"
        if said:
            painter.setPen(theme.error if fault or count == 0 else theme.muted)
            wide = painter.fontMetrics().horizontalAdvance(said)
            place = QRectF(right - wide, whole.top() + 7, wide, 18)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)
            right -= wide + 8
        quiet = mix(theme.muted, theme.panel, 0.8)
        for font, text, top, color, edge in (
            (self._bold, rule.name, 7, theme.text if works else quiet, right),
            (self._small, model.says(row), 26, theme.muted if works else quiet, whole.right() - 12),
        ):
            painter.setFont(font)
            painter.setPen(color)
            room = QRectF(whole.left() + _LEFT, whole.top() + top, edge - whole.left() - _LEFT, 18)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, cut)
        painter.restore()

    def _paint_box(self, painter: QPainter, box: QRectF, on: bool) -> None:
        theme = self._themes.theme
        works = on and self._model.book.on
        fill = theme.accent if works else theme.muted if on else theme.panel
        painter.setPen(QPen(fill if on else theme.muted, 1))
        painter.setBrush(fill)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if on:
            tick = [QPointF(box.left() + x * _BOX, box.top() + y * _BOX) for x, y in _TICK]
            painter.setPen(QPen(theme.panel, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(tick)


class RulesList(QListView):
    """Arrows choose a rule, Space or its box switches it, Alt with an arrow moves it among its kind."""

    switched = Signal(str)  # name
    shifted = Signal(int)  # the chosen rule, up (-1) or down (1)

    def __init__(self, model: RulesModel, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ring = FocusRing(self)
        set_role(self, "plain")
        self.setAccessibleName(self.tr("Business rules, in the order in which they act"))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.setModel(model)
        self.painter = RuleDelegate(model, themes, self.ring, self)
        self.setItemDelegate(self.painter)

    def show_row(self, row: int) -> None:
        """Select a row, or none, without choosing it."""
        chooser = self.selectionModel()
        blocked = chooser.blockSignals(True)
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(self.model().index(-1, 0))
        else:
            self.setCurrentIndex(self.model().index(row, 0))
            self.scrollTo(self.currentIndex())
        chooser.blockSignals(blocked)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if event.key() == Qt.Key.Key_Space and index.isValid():
            self.switched.emit(str(index.data(KEY_ROLE)))
        elif alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and index.isValid():
            self.shifted.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            box = self.painter.box(index.row(), QRectF(self.visualRect(index)))
            if box.adjusted(-8, -8, 8, 8).contains(event.position()):
                self.setCurrentIndex(index)
                self.switched.emit(str(index.data(KEY_ROLE)))
                return
        super().mousePressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.viewport().update()
        return super().viewportEvent(event)
