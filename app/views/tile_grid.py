"""Small multiples in a grid: tiles of one size, one of which holds the cursor."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import Session
from app.theme import ThemeSource, faded, mix, ui_font
from app.views.panel import FocusRing, follow

IN_ORDER, BY_SHARE, BY_FOCUS = "order", "share", "focus"
GAP = 12.0
PAD = 10.0
HEADER = 22.0
LINE = 20.0


def spread(values: NDArray[np.float64]) -> float:
    """On about how many things attention lies: e to the power of its entropy; 0 where there is none."""
    total = float(values.sum())
    if total <= 0:
        return 0.0
    share = values[values > 0] / total
    return math.exp(-float((share * np.log(share)).sum()))


class TileGrid(QWidget):
    """Tiles in rows that fill the width. One of them holds the cursor; what that means is the subclass's to say."""

    moved = Signal()  # the cursor is on another tile

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.themes = themes
        self.order = IN_ORDER
        self._small = ui_font(11)
        self._font = ui_font(12)
        self._strong = ui_font(12, QFont.Weight.DemiBold)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.ring = FocusRing(self)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        follow(themes, self)

    least = QSize(176, 200)  # a tile's least width and height
    most = 320  # its greatest height
    room = 0  # the height that there is to fill

    def set_room(self, height: int) -> None:
        """Fill this height where there are few tiles."""
        self.room = height
        self.updateGeometry()
        self.update()

    def count(self) -> int:
        return 0

    def cursor_at(self) -> int:
        """The tile that holds the cursor, by its place on the screen."""
        return 0

    def go_to(self, place: int) -> None:
        """Put the cursor on a tile."""

    def columns(self) -> int:
        return self.columns_in(self.width())

    def columns_in(self, width: int) -> int:
        """How many tiles stand side by side in a width."""
        return max(1, min(int((width + GAP) // (self.least.width() + GAP)), self.count()))

    def tile_rect(self, place: int) -> QRectF:
        columns = self.columns()
        wide = min((self.width() - 1 - GAP * (columns - 1)) / columns, self.least.width() * 2.1)
        row, column = divmod(place, columns)
        high = self.high(columns)
        return QRectF(column * (wide + GAP), row * (high + GAP), wide, high)

    def high(self, columns: int) -> float:
        """A tile's height, when there are so many side by side."""
        rows = max(1, -(-self.count() // columns))
        return float(min(max(self.least.height(), (self.room - 2 - GAP * (rows - 1)) / rows), self.most))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        columns = self.columns_in(width)
        rows = max(1, -(-self.count() // columns))
        return round(rows * (self.high(columns) + GAP) - GAP)

    def sizeHint(self) -> QSize:
        return QSize(760, self.heightForWidth(max(self.width(), 760)))

    def tile_at(self, position: QPointF) -> int:
        return next((place for place in range(self.count()) if self.tile_rect(place).contains(position)), -1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.tile_at(event.position())
        if place >= 0:
            self.go_to(place)
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self.columns(),
            Qt.Key.Key_Down: self.columns(),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        elif 0 <= self.cursor_at() + step < self.count():
            self.go_to(self.cursor_at() + step)

    def paint_card(self, painter: QPainter, box: QRectF, chosen: bool, title: str, figure: str) -> QRectF:
        """The ground of a tile and its first line; what is left of it."""
        theme = self.themes.theme
        if chosen and self.ring.on:
            painter.setPen(QPen(faded(theme.accent, 0.35), 5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 7, 7)
        painter.setPen(QPen(theme.accent, 2) if chosen else QPen(theme.line, 1))
        painter.setBrush(mix(theme.selected, theme.panel, 0.55) if chosen else theme.panel)
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 7, 7)
        inner = box.adjusted(PAD, 8, -PAD, -8)
        line = QRectF(inner.left(), inner.top(), inner.width(), HEADER)
        painter.setFont(self._strong)
        painter.setPen(theme.text)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(self._font)
        painter.setPen(theme.muted)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figure)
        return inner.adjusted(0, HEADER, 0, 0)

    def paint_note(self, painter: QPainter, room: QRectF, text: str) -> QRectF:
        """A small line; what is left of the room below it."""
        painter.setFont(self._small)
        painter.setPen(self.themes.theme.muted)
        line = QRectF(room.left(), room.top(), room.width(), 16)
        cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, cut)
        return room.adjusted(0, 18, 0, 0)
