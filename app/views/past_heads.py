"""Every head of the shopper's sequence over past choices: which ones it reads now, on one scale."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource, modality_color
from app.thumbnails import Thumbnails
from app.views.panel import Tip
from app.views.shown import percent
from app.views.tile_grid import BY_FOCUS, BY_SHARE, HEADER, IN_ORDER, PAD, TileGrid, spread
from engine.answers import PastAttention
from engine.explain.types import HistoryEvent


class PastHeads(TileGrid):
    """Which past choices each head of each layer of the shopper's sequence reads now; newest on the left."""

    least = QSize(236, 190)
    most = 330

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, themes, parent)
        self._thumbnails = thumbnails
        self._found: PastAttention | None = None
        self._events: tuple[HistoryEvent, ...] = ()
        self._at = 0
        self._order: list[tuple[int, int]] = []
        self._spread: dict[tuple[int, int], float] = {}
        self.setAccessibleName(self.tr("Heads over past choices"))
        self._keys = self.tr(
            "The arrow keys go from head to head and light what it reads most; Enter opens that product."
        )
        self.setAccessibleDescription(self._keys)
        session.pointed_changed.connect(self._pointed)
        thumbnails.arrived.connect(lambda _: self.update())

    def fill(self, found: PastAttention | None, events: tuple[HistoryEvent, ...], order: str) -> None:
        """Show what each head reads; events: of the shown explanation, oldest first, as `found.items` are."""
        self._found, self._events, self.order = found, events, order
        self._order, self._at = [], 0
        if found is not None and len(events):
            layers, heads = found.profile.shape
            self._order = [(layer, head) for layer in range(layers) for head in range(heads)]
            self._spread = {key: spread(np.append(found.attention[key], found.profile[key])) for key in self._order}
            if order == BY_SHARE:
                self._order.sort(key=lambda key: -float(found.attention[key].max()))
            elif order == BY_FOCUS:
                self._order.sort(key=lambda key: self._spread[key])
        self.updateGeometry()
        self.update()

    def count(self) -> int:
        return len(self._order)

    def columns_in(self, width: int) -> int:
        """In their order, a row for each layer."""
        fit = super().columns_in(width)
        heads = self._found.profile.shape[1] if self._found is not None and self.order == IN_ORDER else fit
        return heads if 0 < heads <= fit else fit

    def cursor_at(self) -> int:
        return self._at

    def go_to(self, place: int) -> None:
        self._at = place
        best = self.strongest(place)[0]
        layer, head = self._order[place]
        title = self.tr("Layer {layer} · head {head}").format(layer=layer + 1, head=head + 1)
        self.setAccessibleDescription(f"{title}: {self._events[best].title}. {self._keys}")
        self.session.point(Pointed(history=best))
        self.moved.emit()
        self.update()

    def strongest(self, place: int) -> list[int]:
        """The events that a tile's head reads most, strongest first."""
        assert self._found is not None
        return [int(row) for row in np.argsort(-self._found.attention[self._order[place]], kind="stable")]

    def scale(self) -> float:
        """The attention that fills a bar of any tile."""
        found = self._found
        return max(float(found.attention.max()), float(found.profile.max())) if found is not None else 0.0

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.count():
            self.session.choose_item(self._events[self.strongest(self._at)[0]].item)
            return
        super().keyPressEvent(event)

    def _chart(self, place: int) -> QRectF:
        box = self.tile_rect(place)
        return QRectF(box.left() + PAD, box.top() + 8 + HEADER + 22, box.width() - 2 * PAD, box.height() - 128)

    def bar_rect(self, place: int, event: int) -> QRectF:
        """Where the bar of an event stands in a tile; -1 is the shopper's own token, on the right."""
        assert self._found is not None
        chart = self._chart(place)
        count = len(self._events)
        step = (chart.width() - 14) / max(1, count)
        value = (
            self._found.profile[self._order[place]] if event < 0 else self._found.attention[self._order[place]][event]
        )
        high = max(1.0, float(value) / (self.scale() or 1.0) * chart.height())
        left = chart.right() - 8 if event < 0 else chart.left() + (count - 1 - event) * step
        wide = 8.0 if event < 0 else max(1.0, min(step - 1, 14))
        return QRectF(left, chart.bottom() - high, wide, high)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._found is None:
            return
        theme = self.themes.theme
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        lit = self.session.pointed.history
        for place, key in enumerate(self._order):
            box = self.tile_rect(place)
            if not box.intersects(QRectF(event.rect())):
                continue
            title = self.tr("Layer {layer} · head {head}").format(layer=key[0] + 1, head=key[1] + 1)
            room = self.paint_card(painter, box, place == self._at, title, "")
            focus = self.tr("reads about {n} of {all} choices").format(
                n=round(self._spread[key]), all=len(self._events)
            )
            self.paint_note(painter, room, focus)
            chart = self._chart(place)
            painter.setPen(QPen(theme.line, 1))
            painter.drawLine(QPointF(chart.left(), chart.bottom() + 0.5), QPointF(chart.right(), chart.bottom() + 0.5))
            painter.setPen(Qt.PenStyle.NoPen)
            for row in range(len(self._events)):
                painter.setBrush(theme.accent if row == lit else modality_color(theme, "history"))
                painter.drawRect(self.bar_rect(place, row))
            painter.setBrush(theme.identity)
            painter.drawRect(self.bar_rect(place, -1))
            self._paint_top(painter, place, chart.bottom() + 10)
        painter.end()

    def _paint_top(self, painter: QPainter, place: int, top: float) -> None:
        assert self._found is not None
        box = self.tile_rect(place)
        left = box.left() + PAD
        ratio = self.devicePixelRatioF()
        for row in self.strongest(place)[:3]:
            past = self._events[row]
            tile = self._thumbnails.tile(past.image, past.title, QSize(44, 44), ratio)
            painter.drawPixmap(QPointF(left, top), tile)
            if row == self.session.pointed.history:
                painter.setPen(QPen(self.themes.theme.accent, 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(left, top, 44, 44).adjusted(1, 1, -1, -1), 4, 4)
            painter.setFont(self._small)
            painter.setPen(self.themes.theme.muted)
            share = percent(float(self._found.attention[self._order[place]][row]))
            painter.drawText(QRectF(left + 47, top, 32, 44), Qt.AlignmentFlag.AlignVCenter, share)
            left += (box.width() - 2 * PAD) / 3

    def _event_at(self, position: QPointF) -> tuple[int, int] | None:
        """The tile and the event (-1: the shopper's own token) under a position."""
        place = self.tile_at(position)
        if place < 0:
            return None
        chart = self._chart(place)
        if not chart.adjusted(0, -2, 0, 6).contains(position):
            best = self.strongest(place)[:3]
            step = (self.tile_rect(place).width() - 2 * PAD) / 3
            at = int((position.x() - chart.left()) // step)
            below = position.y() > chart.bottom() + 8
            return (place, best[at]) if below and 0 <= at < len(best) else None
        count = len(self._events)
        if position.x() >= chart.right() - 10:
            return place, -1
        step = (chart.width() - 14) / max(1, count)
        event = count - 1 - int((position.x() - chart.left()) // step)
        return (place, event) if 0 <= event < count else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._event_at(event.position())
        if found is None or self._found is None:
            self.leaveEvent(event)
            return
        place, row = found
        key = self._order[place]
        near = self.bar_rect(place, row).toAlignedRect()
        where = self.tr("of what layer {layer}, head {head} reads").format(layer=key[0] + 1, head=key[1] + 1)
        if row < 0:
            share = percent(float(self._found.profile[key]))
            Tip.of(self).say(self.themes, near, self, self.tr("the shopper's own token"), [f"{share} {where}"])
            self.session.point(NOTHING)
            return
        share = percent(float(self._found.attention[key][row]))
        Tip.of(self).say(self.themes, near, self, self._events[row].title, [f"{share} {where}"])
        self.session.point(Pointed(history=row))

    def leaveEvent(self, event: object) -> None:
        Tip.of(self).hide()
        if self.session.pointed.history is not None:
            self.session.point(NOTHING)

    def _pointed(self, _pointed: Pointed) -> None:
        self.update()
