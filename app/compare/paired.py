"""Paired bars: what each of a few things is worth on the left and on the right, and the difference on its own scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.compare.told import amount, plain
from app.theme import ThemeSource, faded, mix, modality_color, sign_color, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import FocusRing, Tip, follow

ROW = 30
PHOTO_ROW = 38
TITLE = 26
CAPTION = 18  # the line above the rows that says what the difference is
_TILE = QSize(30, 30)


@dataclass(frozen=True)
class Pair:
    """One row. part: gives its colour; left, right: None where that side lacks it; image: "" for a tile of initials,
    None for no tile at all. A row with only a label is a heading."""

    label: str
    part: str = ""
    left: float | None = None
    right: float | None = None
    image: str | None = None
    tile: bool = False
    note: str = ""  # a line of its tooltip

    @property
    def heading(self) -> bool:
        return not self.part

    @property
    def difference(self) -> float:
        return (self.left or 0.0) - (self.right or 0.0)


class PairedBars(QWidget):
    """The upper bar of a row is the left side, the lower the right; at the end their difference. Each group under a
    heading has a scale of its own for both."""

    def __init__(
        self, themes: ThemeSource, name: str, thumbnails: Thumbnails | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._themes, self._thumbnails = themes, thumbnails
        self._font, self._small, self._bold = ui_font(13), ui_font(11), ui_font(12, QFont.Weight.DemiBold)
        self.rows: tuple[Pair, ...] = ()
        self._unit = "score"
        self._ends = ("", "")
        self._over = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        follow(themes, self)
        if thumbnails is not None:
            thumbnails.arrived.connect(lambda _: self.update())

    def fill(self, rows: Sequence[Pair], unit: str, ends: tuple[str, str]) -> None:
        """ends: what stands for the left and the right side, a letter or two."""
        self.rows, self._unit, self._ends = tuple(rows), unit, ends
        self._over = -1
        self._fit()
        told = [f"{row.label}: {self._figures(row)}" for row in self.rows[:40] if not row.heading]
        self.setAccessibleDescription("; ".join(told))
        self.update()

    def _fit(self) -> None:
        rows = sum(self._height(row) for row in self.rows)
        self.setFixedHeight(max(1, rows + (0 if self._narrow or not rows else CAPTION)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    @property
    def caption(self) -> str:
        """What the difference is, over its column."""
        return self.tr("{left} less {right}").format(left=self._ends[0], right=self._ends[1])

    def _height(self, row: Pair) -> int:
        return TITLE if row.heading else PHOTO_ROW if row.tile else ROW

    def _figures(self, row: Pair) -> str:
        text = self.tr("left {left}, right {right}, difference {difference}")
        size = self._size(row)
        return text.format(
            left=plain(row.left or 0.0, self._unit, size),
            right=plain(row.right or 0.0, self._unit, size),
            difference=amount(row.difference, self._unit, size),
        )

    @staticmethod
    def _size(row: Pair) -> float:
        return max(abs(row.left or 0.0), abs(row.right or 0.0))

    def _places(self) -> list[QRectF]:
        top, places = 0.0 if self._narrow else float(CAPTION), []
        for row in self.rows:
            places.append(QRectF(0, top, self.width(), self._height(row)))
            top += self._height(row)
        return places

    def _columns(self) -> tuple[float, float, float]:
        """Where the bars begin, where the difference begins, where it ends."""
        width = float(self.width())
        if self._narrow:
            return width * 0.4, width * 0.4, width
        label = min(max(width * 0.32, 96.0), 260.0)
        return label, label + (width - label) * 0.58, width

    @property
    def _narrow(self) -> bool:
        """Whether there is room for the difference alone; a tooltip tells both sides."""
        return self.width() < 300

    def _groups(self) -> list[tuple[float, float, float]]:
        """For each row: the most and the least of its group's bars, and the largest difference."""
        found: list[tuple[float, float, float]] = []
        start = 0
        for end in range(len(self.rows) + 1):
            if end == len(self.rows) or (self.rows[end].heading and end > start):
                group = [row for row in self.rows[start:end] if not row.heading]
                values = [value for row in group for value in (row.left, row.right) if value is not None]
                scales = (
                    max(0.0, *values) if values else 0.0,
                    max(0.0, *(-value for value in values)) if values else 0.0,
                    max((abs(row.difference) for row in group), default=0.0),
                )
                found += [scales] * (end - start)
                start = end
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._themes.theme
        if self.rows and not self._narrow:
            painter.setFont(self._small)
            painter.setPen(theme.muted)
            over = QRectF(self._columns()[1], 0, self.width() - self._columns()[1] - 2, CAPTION)
            painter.drawText(over, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.caption)
        for number, (row, box, scales) in enumerate(zip(self.rows, self._places(), self._groups(), strict=True)):
            if not box.intersects(QRectF(event.rect())):
                continue
            if row.heading:
                painter.setFont(self._bold)
                painter.setPen(theme.muted)
                painter.drawText(box.adjusted(2, 4, 0, 0), Qt.AlignmentFlag.AlignVCenter, row.label)
                continue
            if number == self._over:
                painter.setPen(QPen(theme.accent, 1) if self.ring.on else Qt.PenStyle.NoPen)
                painter.setBrush(mix(theme.text, theme.panel, 0.05))
                painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
            self._paint_label(painter, row, box)
            if not self._narrow:
                self._paint_bars(painter, row, box, scales)
            self._paint_difference(painter, row, box, scales[2])
        if self.ring.on and self._over < 0:
            painter.setPen(QPen(theme.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_label(self, painter: QPainter, row: Pair, box: QRectF) -> None:
        left = 4.0
        if row.tile and self._thumbnails is not None:
            tile = self._thumbnails.tile(row.image or None, row.label, _TILE, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, box.center().y() - _TILE.height() / 2), tile)
            left += _TILE.width() + 8
        painter.setFont(self._font)
        painter.setPen(self._themes.theme.text)
        room = int(self._columns()[0] - left - 10)
        text = painter.fontMetrics().elidedText(row.label, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(left, box.top(), room + 4, box.height()), Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_bars(self, painter: QPainter, row: Pair, box: QRectF, scales: tuple[float, float, float]) -> None:
        theme = self._themes.theme
        start, end, _ = self._columns()
        start, end = start + 18, end - 56
        most, least, _ = scales
        scale = (end - start) / (most + least) if most + least > 0 else 0.0
        zero = start + least * scale
        color = modality_color(theme, row.part)
        painter.setFont(self._small)
        for place, value in enumerate((row.left, row.right)):
            middle = box.center().y() + (-6.5 if place == 0 else 6.5)
            painter.setPen(theme.muted)
            line = QRectF(start - 18, middle - 7, 14, 14)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, self._ends[place])
            number = QRectF(end + 6, middle - 7, 50, 14)
            text = "–" if value is None else plain(value, self._unit, self._size(row))
            painter.drawText(number, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            if value is not None:
                self._bar(painter, zero, value * scale, middle, 7, color if place == 0 else faded(color, 0.5))
        painter.setPen(QPen(theme.line, 1))
        painter.drawLine(QPointF(zero, box.top() + 3), QPointF(zero, box.bottom() - 3))

    def _paint_difference(self, painter: QPainter, row: Pair, box: QRectF, most: float) -> None:
        theme = self._themes.theme
        _, start, end = self._columns()
        start, end = start + 6, end - 58
        zero = (start + end) / 2
        value = row.difference
        length = value / most * (end - start) / 2 if most > 0 else 0.0
        self._bar(painter, zero, -length, box.center().y(), 9, sign_color(theme, value))  # the left side lies left
        painter.setPen(QPen(theme.line, 1))
        painter.drawLine(QPointF(zero, box.top() + 3), QPointF(zero, box.bottom() - 3))
        painter.setFont(self._small)
        painter.setPen(theme.text)
        place = QRectF(end + 2, box.top(), 54, box.height())
        text = amount(value, self._unit, self._size(row))
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    @staticmethod
    def _bar(painter: QPainter, zero: float, length: float, middle: float, high: float, color: QColor) -> None:
        size = max(1.0, abs(length))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        left = zero if length >= 0 else zero - size
        painter.drawRoundedRect(QRectF(left, middle - high / 2, size, high), min(2.0, size / 2), 2)

    def _point(self, number: int) -> None:
        if not 0 <= number < len(self.rows) or self.rows[number].heading:
            number = -1
        if number != self._over:
            self._over = number
            self.update()
        if number < 0:
            Tip.of(self).hide()
            return
        row = self.rows[number]
        lines = [self._figures(row), *([row.note] if row.note else [])]
        near = self._places()[number].adjusted(self._columns()[0], 0, 0, 0).toAlignedRect()
        Tip.of(self).say(self._themes, near, self, row.label, lines)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        places = self._places()
        self._point(next((n for n, box in enumerate(places) if box.contains(event.position())), -1))

    def leaveEvent(self, event: object) -> None:
        self._point(-1)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        places = [number for number, row in enumerate(self.rows) if not row.heading]
        if step is None or not places:
            super().keyPressEvent(event)
            return
        at = places.index(self._over) + step if self._over in places else 0
        self._point(places[min(max(at, 0), len(places) - 1)])
