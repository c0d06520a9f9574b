"""The parts of a score before and after, as pairs of bars with their difference."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import ThemeSource, faded, modality_color, sign_color, ui_font
from app.views.panel import follow
from app.views.shown import PARTS, digits, number, part_name, signed
from engine.explain.types import Explanation

_ROW, _HEAD = 20.0, 16.0
_NAME, _NUMBER, _CHANGE = 84.0, 48.0, 134.0
_SMALL = 0.05  # a change from which on two decimal places tell it
_LARGE = 0.5  # and one from which on they do so beside two scores, whatever is rounded away
_NOTHING = 5e-5  # of a score: as much again is not seen in four decimal places


@dataclass(frozen=True)
class PartChange:
    """One part of the score, before and after."""

    part: str
    before: float
    after: float


def part_changes(before: Explanation | None, after: Explanation) -> list[PartChange]:
    """The parts that either has, in the order of the sum; before is as after where nothing was changed."""
    new = after.parts()
    old = before.parts() if before is not None else new
    return [
        PartChange(part, old.get(part, 0.0), new.get(part, 0.0))
        for part in PARTS
        if old.get(part, 0.0) or new.get(part, 0.0)
    ]


def unchanged(before: float, after: float) -> bool:
    """Whether no change between two scores can be seen."""
    return abs(after - before) < _NOTHING


def score_places(before: float, after: float) -> int:
    """The decimal places, four at most, in which two scores are as far apart as the change between them that is told
    beside them, and that is not told as 0.00. Of a large change nobody misses a hundredth."""
    change = after - before
    least = max(2, digits(after))
    if abs(change) >= _LARGE:
        return least
    for places in range(least, 4):
        told = round(change, places)
        near = abs(told - change) <= abs(change) / 4
        if told and near and abs(round(after, places) - round(before, places) - told) < 0.5 * 10**-places:
            return places
    return least if unchanged(before, after) else max(least, 3) if abs(change) >= _SMALL else 4


def change_texts(rows: list[PartChange]) -> list[str]:
    """By how much each part changed, in as many places as the largest change needs; "" for nothing to be seen."""
    most = max((abs(row.after - row.before) for row in rows), default=0.0)
    texts = [signed(row.after - row.before, 2 if most >= _SMALL else digits(most)) for row in rows]
    return [text if text.strip("+−0.,") else "" for text in texts]


class PartBars(QWidget):
    """Draws the changes, one row each: pale as it was, full as it is now."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.rows: list[PartChange] = []
        self.changes: list[str] = []  # of each row
        self._compared = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Parts of the score, before and after"))
        follow(themes, self)

    def fill(self, rows: list[PartChange], compared: bool) -> None:
        """compared: whether there is a before that differs."""
        self.rows, self._compared, self.changes = rows, compared, change_texts(rows)
        self.setAccessibleDescription(
            ", ".join(f"{part_name(row.part)} {number(row.before)} → {number(row.after)}" for row in rows)
        )
        self.setFixedHeight(round(self._height()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, round(self._height()))

    def _height(self) -> float:
        return max(1.0, _ROW * len(self.rows) + (_HEAD if self._compared else 0.0))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.rows:
            return
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        values = [value for row in self.rows for value in (row.before, row.after)]
        most, least = max(0.0, *values), min(0.0, *values)
        left, right = _NAME + 8, self.width() - 12 - (_NUMBER + _CHANGE if self._compared else _NUMBER)
        scale = (right - left) / (most - least) if most > least else 0.0
        zero = left - least * scale
        top = _HEAD if self._compared else 0.0
        painter.setPen(QPen(theme.line, 1))
        painter.drawLine(QPointF(round(zero) + 0.5, top + 2), QPointF(round(zero) + 0.5, self.height() - 2))
        places = digits(max(most, -least))
        if self._compared:
            self._heads(painter, right - left)
        for at, row in enumerate(self.rows):
            box = QRectF(0, at * _ROW + top, self.width(), _ROW)
            colour = modality_color(theme, row.part)
            if self._compared:
                self._bar(painter, zero, row.before * scale, box.top() + 4, faded(colour, 0.4))
            self._bar(painter, zero, row.after * scale, box.top() + (10 if self._compared else 7), colour)
            painter.setFont(ui_font(12))
            painter.setPen(theme.text)
            name = painter.fontMetrics().elidedText(part_name(row.part), Qt.TextElideMode.ElideRight, int(_NAME))
            painter.drawText(QRectF(0, box.top(), _NAME, _ROW), _LEFT, name)
            painter.setPen(theme.muted)
            number_at = right + 12
            painter.drawText(QRectF(number_at, box.top(), _NUMBER, _ROW), _RIGHT, number(row.after, places))
            if self._compared:
                self._change(painter, at, QRectF(number_at + _NUMBER, box.top(), _CHANGE, _ROW))
        painter.end()

    def _heads(self, painter: QPainter, bars: float) -> None:
        painter.setFont(ui_font(11))
        painter.setPen(self._themes.theme.muted)
        painter.drawText(QRectF(_NAME + 8, 0, bars, _HEAD), _LEFT, self.tr("pale: before, full: after"))
        at = _NAME + 8 + bars + 12
        painter.drawText(QRectF(at, 0, _NUMBER, _HEAD), _RIGHT, self.tr("after"))
        painter.drawText(QRectF(at + _NUMBER, 0, _CHANGE, _HEAD), _RIGHT, self.tr("change"))

    def _bar(self, painter: QPainter, zero: float, length: float, top: float, colour: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        wide = max(1.0, abs(length))
        painter.drawRoundedRect(QRectF(zero if length >= 0 else zero - wide, top, wide, 5), min(2.0, wide / 2), 2)

    def _change(self, painter: QPainter, at: int, place: QRectF) -> None:
        """The difference as a bar of its own scale, and as a number."""
        theme = self._themes.theme
        difference, text = self.rows[at].after - self.rows[at].before, self.changes[at]
        moved = bool(text)
        most = max(abs(one.after - one.before) for one in self.rows)
        middle = place.left() + 16 + (_CHANGE - 74) / 2
        if moved:
            length = difference / most * (_CHANGE - 74) / 2
            self._bar(painter, middle, length, place.center().y() - 2.5, sign_color(theme, difference))
        painter.setPen(theme.text if moved else theme.muted)
        painter.setFont(ui_font(12, QFont.Weight.DemiBold if moved else QFont.Weight.Normal))
        painter.drawText(place, _RIGHT, text or "–")


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
