"""The strip of past choices that can be removed and put in another order."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.tables import KEY_ROLE, NO_INDEX, AnyIndex
from app.theme import ThemeSource, set_role, sign_color, ui_font
from app.thumbnails import Thumbnails
from app.views.history_rows import day, paint_change
from app.views.panel import FocusRing, Tip, follow, paint_ground
from app.views.shown import digits, signed, tr
from engine.explain.types import HistoryEvent
from engine.scenario import PastEdit

_PHOTO = QSize(72, 60)
_STEP, _HEIGHT = 86, 88
_FAR = 8  # pixels that a press has to go to be a drag


class PastModel(QAbstractListModel):
    """Past events, newest first; `number_of` gives an event's place in the order of time."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.events: tuple[HistoryEvent, ...] = ()
        self.past = PastEdit("")
        self.scale = 0.0

    def fill(self, history: tuple[HistoryEvent, ...], past: PastEdit) -> None:
        """Show events, given oldest first, as `past` made them."""
        self.past = past
        events = history[::-1]
        same = [event.item for event in events] == [event.item for event in self.events]
        if not same:
            self.beginResetModel()
        self.events = events
        self.scale = max((abs(event.contribution or 0.0) for event in events), default=0.0)
        if not same:
            self.endResetModel()
        elif events:
            self.dataChanged.emit(self.index(0), self.index(len(events) - 1))

    def state(self, row: int) -> str:
        """What the scenario did to an event; "" where it let it be, and of a past that it made up as a whole."""
        item = self.events[row].item
        if self.past.invented or all(event.item != item for event in self.past.added):
            return ""
        return tr("moved") if item in self.past.removed else tr("added")

    def number_of(self, row: int) -> int:
        return len(self.events) - 1 - row

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.events)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        event = self.events[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return event.title
        if role == KEY_ROLE:
            return event.item
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            part = "" if event.contribution is None else signed(event.contribution, digits(self.scale))
            return ", ".join(word for word in (event.title, day(event.time), part, self.state(index.row())) if word)
        return None


class _Delegate(QStyledItemDelegate):
    """Draws a photo and below it the part of the score, with its sign's colour, or the day."""

    def __init__(self, model: PastModel, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._themes = themes
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(_STEP, _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme = self._themes.theme
        event = self._model.events[index.row()]
        box = QRectF(option.rect).adjusted(0, 0, -4, 0)
        view = self.parent()
        focused = isinstance(view, PastStrip) and view.ring.on and view.currentIndex() == index
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, box, theme, chosen, over, focused)
        tile = self._thumbnails.tile(event.image, event.title, _PHOTO, painter.device().devicePixelRatioF())
        painter.drawPixmap(QPointF(box.left() + 5, box.top() + 5), tile)
        changed = self._model.state(index.row())
        if changed:
            photo = QRectF(box.left() + 5, box.top() + 5, _PHOTO.width(), _PHOTO.height())
            paint_change(painter, photo, theme, changed)
        place = QRectF(box.left() + 5, box.top() + _PHOTO.height() + 7, _PHOTO.width(), 18)
        painter.setFont(ui_font(11))
        if event.contribution is None or self._model.scale <= 0:
            painter.setPen(theme.muted)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, day(event.time))
        else:
            painter.setPen(theme.text)
            painter.drawText(place, _LEFT, signed(event.contribution, digits(self._model.scale)))
            room = place.width() - 44
            length = max(1.0, abs(event.contribution) / self._model.scale * room)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(sign_color(theme, event.contribution))
            painter.drawRoundedRect(QRectF(place.right() - room, place.center().y() - 3, length, 6), 2, 2)
        painter.restore()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class PastStrip(QListView):
    """Delete removes the chosen one, Alt with an arrow or a drag moves it."""

    remove_asked = Signal(str)  # product
    move_asked = Signal(int, int)  # from, to: places as shown, newest first

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.ring = FocusRing(self)
        set_role(self, "plain")
        self.rows = PastModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(_Delegate(self.rows, themes, thumbnails, self))
        self._from: tuple[int, QPointF] | None = None
        self.gap = -1  # where a dragged one would be put
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.horizontalScrollBar().rangeChanged.connect(self._fit)
        self.setAccessibleName(self.tr("Past choices to edit"))
        self.setAccessibleDescription(
            self.tr("Delete removes a past choice. Alt with the left or right arrow moves it.")
        )
        thumbnails.arrived.connect(lambda _: self.viewport().update())
        follow(themes, self)

    def _fit(self, least: int, most: int) -> None:
        self.setFixedHeight(_HEIGHT + (12 if most > least else 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().row()
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if row >= 0 and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_asked.emit(str(self.currentIndex().data(KEY_ROLE)))
        elif row >= 0 and step is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            if 0 <= row + step < self.rows.rowCount():
                self.move_asked.emit(row, row + step)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - (event.pixelDelta().y() or event.pixelDelta().x() or turned.y() or turned.x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self._from = (index.row(), event.position())
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is None:
            super().mouseMoveEvent(event)
        elif (event.position() - self._from[1]).manhattanLength() >= _FAR:
            Tip.of(self).hide()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.gap = self._gap_at(event.position())
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        begun, gap = self._from, self.gap
        self._forget_drag()
        super().mouseReleaseEvent(event)
        if begun is not None and gap >= 0:
            to = gap - (gap > begun[0])
            if to != begun[0]:
                self.move_asked.emit(begun[0], to)

    def hideEvent(self, event: QEvent) -> None:
        self._forget_drag()
        super().hideEvent(event)  # type: ignore[arg-type]  # the stubs name a narrower event

    def _forget_drag(self) -> None:
        self._from, self.gap = None, -1
        self.unsetCursor()
        self.viewport().update()

    def _gap_at(self, position: QPointF) -> int:
        for row in range(self.rows.rowCount()):
            if position.x() < self.visualRect(self.rows.index(row)).center().x():
                return row
        return self.rows.rowCount()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.gap < 0 or not self.rows.rowCount():
            return
        last = self.gap >= self.rows.rowCount()
        box = self.visualRect(self.rows.index(self.gap - last))
        x = max(1.0, box.right() - 1.0 if last else box.left() - 2.0)
        painter = QPainter(self.viewport())
        painter.setPen(QPen(self._themes.theme.accent, 2))
        painter.drawLine(QPointF(x, box.top() + 2), QPointF(x, box.bottom() - 2))
        painter.end()
