"""Who stands around the product in the list, before and after."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import Session
from app.theme import ThemeSource, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import follow
from app.views.shown import digits, number
from engine.answers import RankedItem, Ranking
from engine.explain.types import Explanation

_ROW, _HEAD, _GAP = 30.0, 20.0, 16.0
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Neighbour:
    """A row of a list. moved: places up since before (down is negative), None where it is not known."""

    item: str
    title: str
    image: str | None
    rank: int
    score: float
    moved: int | None = None


def around(
    ranking: Ranking, item: str, rows: int, found: Explanation | None, before: Ranking | None = None
) -> list[Neighbour]:
    """The rows around a product, itself among them. found: tells the place of one that the list does not reach."""
    places = {one.item: one.rank for one in before.items} if before is not None else {}

    def made(one: RankedItem) -> Neighbour:
        moved = places[one.item] - one.rank if one.item in places else None
        return Neighbour(one.item, one.title, one.image, one.rank, one.score, moved)

    at = next((place for place, one in enumerate(ranking.items) if one.item == item), None)
    if at is not None:
        first = min(max(0, at - rows // 2), max(0, len(ranking.items) - rows))
        return [made(one) for one in ranking.items[first : first + rows]]
    kept = [made(one) for one in ranking.items[: max(0, rows - 1)]]
    if found is not None and found.item == item and found.place:
        image = found.images[0] if found.images else None
        kept.append(Neighbour(item, found.title, image, found.place, found.score))
    return kept


class Neighbours(QWidget):
    """Two short lists side by side; the product is marked in both."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._thumbnails = thumbnails
        self._lists: tuple[Ranking | None, Ranking | None] = (None, None)
        self._found: tuple[Explanation | None, Explanation | None] = (None, None)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)
        self.setAccessibleName(self.tr("The list around the product, before and after"))
        thumbnails.arrived.connect(lambda _: self.update())
        follow(themes, self)

    def fill(
        self, lists: tuple[Ranking | None, Ranking | None], found: tuple[Explanation | None, Explanation | None]
    ) -> None:
        """Lists and explanations, before and after; what is None is not there."""
        self._lists, self._found = lists, found
        told = [f"{row.rank} {row.title}" for row in self.rows(1)]
        self.setAccessibleDescription(", ".join(told))
        self.update()

    def rows(self, side: int) -> list[Neighbour]:
        """What is shown before (0) or after (1)."""
        ranking = self._lists[side]
        if ranking is None:
            return []
        many = max(3, int((self.height() - _HEAD) // _ROW))
        before = self._lists[0] if side == 1 else None
        return around(ranking, self._session.item, many, self._found[side], before)

    def sizeHint(self) -> QSize:
        return QSize(420, 240)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        sides = [side for side in (0, 1) if self._lists[side] is not None]
        wide = (self.width() - _GAP * (len(sides) - 1)) / max(1, len(sides))
        for place, side in enumerate(sides):
            self._paint(painter, QRectF(place * (wide + _GAP), 0, wide, self.height()), side, len(sides) > 1)
        painter.end()

    def _paint(self, painter: QPainter, place: QRectF, side: int, both: bool) -> None:
        theme = self._themes.theme
        painter.setFont(ui_font(11))
        painter.setPen(theme.muted)
        name = (self.tr("before"), self.tr("after"))[side] if both else self.tr("now")
        painter.drawText(QRectF(place.left() + 8, place.top(), place.width(), _HEAD), _LEFT, name)
        last = 0
        for row, one in enumerate(self.rows(side)):
            box = QRectF(place.left(), _HEAD + row * _ROW, place.width(), _ROW)
            if last and one.rank > last + 1:
                painter.setPen(QPen(theme.line, 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(box.left() + 8, box.top()), QPointF(box.right() - 8, box.top()))
            last = one.rank
            self._paint_row(painter, box, one)

    def _paint_row(self, painter: QPainter, box: QRectF, one: Neighbour) -> None:
        theme = self._themes.theme
        own = one.item == self._session.item
        if own:
            painter.setPen(QPen(theme.accent, 1))
            painter.setBrush(theme.selected)
            painter.drawRoundedRect(box.adjusted(0.5, 1.5, -0.5, -1.5), 6, 6)
        painter.setFont(ui_font(12, QFont.Weight.DemiBold if own else QFont.Weight.Normal))
        painter.setPen(theme.text if own else theme.muted)
        painter.drawText(QRectF(box.left() + 4, box.top(), 30, _ROW), _RIGHT, f"{one.rank:,}")
        tile = self._thumbnails.tile(one.image, one.title, _TILE, painter.device().devicePixelRatioF())
        painter.drawPixmap(QPointF(box.left() + 42, box.top() + (_ROW - _TILE.height()) / 2), tile)
        right = box.right() - 8
        moved = one.moved
        if moved:
            painter.setPen(theme.muted)
            painter.setFont(ui_font(11))
            painter.drawText(
                QRectF(right - 40, box.top(), 40, _ROW), _RIGHT, f"{'▲' if moved > 0 else '▼'} {abs(moved)}"
            )
            right -= 44
        elif box.width() > 230:
            painter.setPen(theme.muted)
            painter.setFont(ui_font(11))
            painter.drawText(QRectF(right - 44, box.top(), 44, _ROW), _RIGHT, number(one.score, digits(one.score)))
            right -= 48
        left = box.left() + 42 + _TILE.width() + 8
        painter.setPen(theme.text)
        painter.setFont(ui_font(12, QFont.Weight.DemiBold if own else QFont.Weight.Normal))
        title = painter.fontMetrics().elidedText(one.title, Qt.TextElideMode.ElideRight, int(right - left))
        painter.drawText(QRectF(left, box.top(), right - left, _ROW), _LEFT, title)


_TILE = QSize(24, 24)
