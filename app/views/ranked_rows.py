"""The rows of the ranked list: their scale, how far a what-if moved them, how each is drawn."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QObject, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPen, QRegion
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.tables import KEY_ROLE, NO_INDEX, AnyIndex
from app.theme import Theme, ThemeSource, faded, modality_color, sign_color, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import LEFT, RIGHT, FocusRing, paint_ground
from app.views.shown import PARTS, digits, number
from engine.answers import RankedItem, Ranking

ROW = 54
_THUMB = 44
_LEFT = 92  # where titles and bars begin
_BAR = 6
_NARROW = 260  # a row's width below which its title takes the whole line, and the score stands beside the bar
_FIRST = 12  # rows whose bars decide the scale to the left of zero


class RankedModel(QAbstractListModel):
    """The products of one ranking, and the scale that their bars share."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: tuple[RankedItem, ...] = ()
        self.most = 1.0  # the longest bar to the right of zero
        self.least = 0.0  # the longest bar to its left
        self.places = 2
        self.before: dict[str, int] | None = None  # ranks without the what-if, while one is in force
        self.marks: tuple[str, ...] = ()  # of each row, how business rules moved it, in words; "" where none did

    def moved(self, row: int) -> int | None:
        """How many ranks up (above 0) or down a what-if moved a product; None for one that was not listed."""
        if self.before is None:
            return 0
        ranked = self.items[row]
        return self.before[ranked.item] - ranked.rank if ranked.item in self.before else None

    def movement(self, row: int) -> str:
        """The same in words."""
        moved = self.moved(row)
        if moved is None:
            return self.tr("new")
        if moved == 0:
            return ""
        words = self.tr("up {n}") if moved > 0 else self.tr("down {n}")
        return words.format(n=abs(moved))

    def fill(self, ranking: Ranking | None) -> None:
        self.beginResetModel()
        self.items = ranking.items if ranking else ()
        self.most = max((sum(v for v in item.parts.values() if v > 0) for item in self.items), default=1.0)
        # Far down the list parts may pull down so much that the first bars would have no room: those are cut.
        pulled = [sum(-v for v in item.parts.values() if v < 0) for item in self.items]
        self.least = max(pulled[:_FIRST], default=0.0)
        if max(pulled, default=0.0) > self.least:
            self.least = max(self.least, 0.08 * self.most)
        self.places = digits(self.items[0].score) if self.items else 2
        self.marks = _marks(self.items)
        self.endResetModel()

    def row_of(self, item: str) -> int:
        return next((row for row, ranked in enumerate(self.items) if ranked.item == item), -1)

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        ranked = self.items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return ranked.title
        if role == KEY_ROLE:
            return ranked.item
        if role == Qt.ItemDataRole.AccessibleTextRole:
            score = number(ranked.score, self.places)
            text = self.tr("{rank}. {title}, score {score}").format(rank=ranked.rank, title=ranked.title, score=score)
            return ", ".join(filter(None, (text, self.marks[index.row()], self.movement(index.row()))))
        return None


def _marks(items: tuple[RankedItem, ...]) -> tuple[str, ...]:
    if not any(one.effects for one in items):
        return ("",) * len(items)
    from app.rule_words import moved_by  # few shops have rules

    return tuple(moved_by(one) for one in items)


class RankedDelegate(QStyledItemDelegate):
    """Draws rank, photo, title, the bar of parts and the score."""

    def __init__(
        self, model: RankedModel, themes: ThemeSource, thumbnails: Thumbnails, ring: FocusRing, view: QListView
    ) -> None:
        super().__init__(view)
        self._view = view
        self._ring = ring
        self._model = model
        self._themes = themes
        self._thumbnails = thumbnails
        self._font = ui_font(13)
        self._small = ui_font(11)
        self._score = ui_font(13, QFont.Weight.DemiBold)
        self.lit: frozenset[str] = frozenset()  # parts that the pointer lights
        self.dirty: QRegion | None = None  # what is being painted of the viewport; None: all
        self.outlined = ""  # the product whose lit parts are outlined; "" dims the other parts of every product

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(240, ROW)

    def segments(self, row: int, box: QRectF) -> list[tuple[str, QRectF]]:
        """Where each part of a row's score is drawn: from zero to the right, or to the left where it pulls down."""
        model = self._model
        width = self._bar_width(box)
        span = model.most + model.least
        if span <= 0 or width <= 0:
            return []
        scale = width / span
        right = left = box.left() + _LEFT + model.least * scale
        top = box.top() + 32 - self._lift(row)
        found = []
        for part in PARTS:
            value = model.items[row].parts.get(part, 0.0)
            length = abs(value) * scale
            if value > 0:
                found.append((part, QRectF(right, top, length, _BAR)))
                right += length
            elif value < 0:
                left -= length
                found.append((part, QRectF(left, top, length, _BAR)))
        room = QRectF(box.left() + _LEFT, top, width, _BAR)
        cut = [(part, rect.intersected(room)) for part, rect in found]
        return [(part, rect) for part, rect in cut if rect.width() > 0]

    def _lift(self, row: int) -> float:
        """How much higher title and bar stand, to make room for what rules did."""
        return 6.0 if self._model.marks[row] else 0.0

    def mark_place(self, row: int, box: QRectF) -> QRectF:
        """Where a row says how rules moved it: under the score too, unless a what-if's move stands there."""
        taken = self._score_width() + 16 if self._model.movement(row) else 8
        return QRectF(box.left() + _LEFT, box.top() + 36, box.width() - _LEFT - taken, 15)

    def _bar_width(self, box: QRectF) -> float:
        return box.width() - _LEFT - self._score_width() - 16

    def _score_width(self) -> float:
        return 46.0

    @staticmethod
    def photo_place(row: QRect) -> QRect:
        """Where the photo of a row lies."""
        return QRect(row.left() + 36, row.top() + (ROW - _THUMB) // 2, _THUMB, _THUMB)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        if self.dirty is not None and not self.dirty.intersects(option.rect):
            return
        photo_place = self.photo_place(option.rect)
        # A photo that has arrived changes nothing else of its row.
        photo_alone = self.dirty is not None and self.dirty.intersected(option.rect).subtracted(photo_place).isEmpty()
        theme = self._themes.theme
        ranked = self._model.items[index.row()]
        box = QRectF(option.rect)
        state = option.state
        current = self._ring.on and self._view.currentIndex() == index
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        paint_ground(painter, box, theme, selected, bool(state & QStyle.StateFlag.State_MouseOver), current)
        ratio = painter.device().devicePixelRatioF()
        tile = self._thumbnails.tile(ranked.image, ranked.title, QSize(_THUMB, _THUMB), ratio)
        painter.drawPixmap(photo_place.topLeft(), tile)
        if photo_alone:
            painter.restore()
            return
        painter.setFont(self._small)
        painter.setPen(theme.muted)
        painter.drawText(QRectF(box.left(), box.top(), 32, ROW), Qt.AlignmentFlag.AlignCenter, str(ranked.rank))
        painter.setFont(self._score)
        painter.setPen(theme.text)
        score = number(ranked.score, self._model.places)
        place = QRectF(box.right() - 8 - self._score_width(), box.top(), self._score_width(), ROW)
        narrow = box.width() < _NARROW and self._model.moved(index.row()) == 0
        if self._model.moved(index.row()) != 0:
            self._paint_movement(painter, theme, index.row(), place.adjusted(-20, 26, 0, -8))
            place = place.adjusted(0, 8, 0, -26)
            painter.setFont(self._score)
            painter.setPen(theme.text)
        elif narrow:
            place = QRectF(place.left(), box.top() + 24 - self._lift(index.row()), place.width(), 22)
        painter.drawText(place, RIGHT, score)
        painter.setFont(self._font)
        width = box.width() - _LEFT - 8 if narrow else self._bar_width(box)
        room = QRectF(box.left() + _LEFT, box.top() + 8 - self._lift(index.row()), width, 20)
        metrics = painter.fontMetrics()
        title = metrics.elidedText(ranked.title, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, LEFT, title)
        self._paint_bar(painter, theme, index.row(), box)
        if mark := self._model.marks[index.row()]:
            painter.setFont(self._small)
            painter.setPen(theme.muted)
            room = self.mark_place(index.row(), box)
            words = painter.fontMetrics().elidedText(mark, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room, LEFT, words)
        painter.restore()

    def _paint_movement(self, painter: QPainter, theme: Theme, row: int, place: QRectF) -> None:
        """An arrow and by how many ranks, or that the product is new in the list."""
        moved = self._model.moved(row)
        text = self._model.movement(row) if moved is None else ("↑ " if moved > 0 else "↓ ") + f"{abs(moved):,}"
        painter.setFont(self._small)
        painter.setPen(theme.accent if moved is None else sign_color(theme, moved))
        painter.drawText(place, RIGHT, text)

    def _paint_bar(self, painter: QPainter, theme: Theme, row: int, box: QRectF) -> None:
        segments = self.segments(row, box)
        chosen = self._model.items[row].item == self.outlined
        bounds = QRectF()
        for _, rect in segments:
            bounds = bounds.united(rect)
        painter.setPen(Qt.PenStyle.NoPen)
        for part, rect in segments:
            dimmed = bool(self.lit) and part not in self.lit and (chosen or not self.outlined)
            color = modality_color(theme, part)
            gap = 1.0 if rect.width() > 3 else 0.0
            inner = rect.adjusted(0, 0, -gap, 0)
            fill = faded(color, 0.25) if dimmed else color
            if rect.left() == bounds.left() or rect.right() == bounds.right():  # a clip to round ends would be slow
                painter.setBrush(fill)
                painter.drawRoundedRect(inner, min(2.0, inner.width() / 2), 2)
            else:
                painter.fillRect(inner, fill)
        pulled = sum(-value for value in self._model.items[row].parts.values() if value < 0)
        if pulled > self._model.least + 1e-9:  # the bar goes on beyond its room
            painter.setPen(QPen(theme.muted, 1, Qt.PenStyle.DotLine))
            edge = box.left() + _LEFT - 2.5
            painter.drawLine(QPointF(edge, bounds.top() - 1), QPointF(edge, bounds.bottom() + 2))
        if self._model.least > 0.01 * self._model.most:
            zero = (
                box.left() + _LEFT + self._model.least * self._bar_width(box) / (self._model.most + self._model.least)
            )
            painter.setPen(QPen(theme.muted, 1))
            painter.drawLine(QPointF(zero - 0.5, bounds.top() - 2), QPointF(zero - 0.5, bounds.bottom() + 2))
