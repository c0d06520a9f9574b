"""Mean shares over many shoppers: bars with their intervals, and heat over the grid of the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import ThemeSource, modality_color, sign_color, ui_font
from app.thumbnails import Thumbnails, contained
from app.views.heat import greyed, heat_image
from app.views.panel import Tip, follow
from app.views.shown import digits, part_name, signed
from engine.explain.cohort_types import Cohort, CohortRow

_ROW = 24
_LEAST = 180  # pixels that a line takes at least: its name gives way first
_NAMES, _ROOM = 220, 84  # the most that names take, and the least that bars are given
MOST = 14  # words and attributes that are shown


@dataclass(frozen=True)
class Line:
    """A bar: its name, its modality, and the row of the cohort; None where this cohort has no such part."""

    name: str
    modality: str
    row: CohortRow | None


def key_of(row: CohortRow) -> tuple[str, str, str]:
    """What a row stands for, whoever is asked."""
    label = row.label.casefold() if row.modality == "text" else row.label
    return row.modality, "" if row.modality in ("identity", "history") else row.field, label


def told(row: CohortRow) -> bool:
    """Whether a row is a word, an attribute or a link that says something."""
    return row.modality in ("text", "attribute", "link") and any(map(str.isalnum, row.label))


def row_name(row: CohortRow) -> str:
    return f"{row.field.replace('_', ' ')}: {row.label}" if row.modality in ("attribute", "link") else row.label


def lines_of(found: Cohort, other: Cohort | None) -> tuple[list[Line], list[Line], list[Line], list[Line]]:
    """The parts and the strongest words of two cohorts, the same lines for both: those that weigh most in either.

    Returns parts and words of `found`, then of `other`.
    """
    both = [one for one in (found, other) if one is not None]
    parts = list(dict.fromkeys(row.modality for one in both for row in one.parts))
    rows = [{key_of(row): row for row in one.rows if told(row)} for one in both]
    names = {key: row for one in reversed(rows) for key, row in one.items()}
    weight = {key: max(abs(one[key].mean) if key in one else 0.0 for one in rows) for key in names}
    strongest = sorted(weight, key=lambda key: -weight[key])[:MOST]
    strongest.sort(key=lambda key: -(rows[0][key].mean if key in rows[0] else 0.0))
    made: list[list[Line]] = []
    for one, own in zip(both, rows, strict=True):
        of_part = {row.modality: row for row in one.parts}
        made.append([Line(part_name(part), part, of_part.get(part)) for part in parts])
        made.append([Line(row_name(names[key]), key[0], own.get(key)) for key in strongest])
    return made[0], made[1], *(made[2:] or ([], []))


Ends = tuple[float, float]  # the lowest and the highest that bars and their intervals reach; zero lies between


def ends_of(*lists: list[Line]) -> Ends:
    """The ends of all these lines, for one scale."""
    rows = [line.row for one in lists for line in one if line.row is not None]
    low = min((min(row.low, row.mean) for row in rows), default=0.0)
    high = max((max(row.high, row.mean) for row in rows), default=0.0)
    return (min(low, 0.0), max(high, 0.0)) if high > 0 or low < 0 else (0.0, 1.0)


class Bars(QWidget):
    """One line each: name, a bar from zero with the interval over it, the mean."""

    def __init__(self, themes: ThemeSource, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.lines: list[Line] = []
        self._ends: Ends = (0.0, 1.0)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(_LEAST)
        self.setAccessibleName(name)
        follow(themes, self)

    def show_lines(self, lines: list[Line], ends: Ends) -> None:
        self.lines, self._ends = lines, ends
        self.setFixedHeight(max(1, len(lines)) * _ROW)
        self.setAccessibleDescription("; ".join(f"{one.name} {self._value(one)}" for one in lines))
        self.update()

    @property
    def _places(self) -> int:
        return digits(max(-self._ends[0], self._ends[1]))

    def _value(self, line: Line) -> str:
        return signed(line.row.mean, self._places) if line.row is not None else "–"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row = int(event.position().y() // _ROW)
        if not 0 <= row < len(self.lines):
            Tip.of(self).hide()
            return
        line = self.lines[row]
        said = [self.tr("not there")]
        if line.row is not None:
            places = self._places
            low, high = signed(line.row.low, places), signed(line.row.high, places)
            said = [signed(line.row.mean, places), self.tr("95 % of draws: {low} to {high}").format(low=low, high=high)]
        near = QRect(0, row * _ROW, self.width(), _ROW)
        Tip.of(self).say(self._themes, near, self, line.name, said)

    def leaveEvent(self, event: object) -> None:
        Tip.of(self).hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._themes.theme
        painter.setFont(ui_font(13))
        figures = max((painter.fontMetrics().horizontalAdvance(self._value(one)) for one in self.lines), default=0)
        names = 18 + max((painter.fontMetrics().horizontalAdvance(one.name) for one in self.lines), default=0)
        right = self.width() - figures - 14
        label = max(min(names, _NAMES, right - 12 - _ROOM), 0)
        left, (low, high) = label + 12, self._ends
        unit = (right - left) / (high - low)
        zero = left - low * unit
        for place, line in enumerate(self.lines):
            top = place * _ROW
            middle = top + _ROW / 2
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(modality_color(theme, line.modality))
            painter.drawRoundedRect(QRectF(0, middle - 4, 8, 8), 2, 2)
            painter.setPen(theme.text if line.row is not None else theme.muted)
            name = painter.fontMetrics().elidedText(line.name, Qt.TextElideMode.ElideRight, int(label - 16))
            painter.drawText(QRectF(16, top, label - 16, _ROW), Qt.AlignmentFlag.AlignVCenter, name)
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(right, top, self.width() - right - 2, _ROW), side, self._value(line))
            painter.setPen(QPen(theme.line, 1))
            painter.drawLine(QPointF(zero, top), QPointF(zero, top + _ROW))
            if line.row is None:
                continue
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(sign_color(theme, line.row.mean))
            bar = QRectF(QPointF(zero, middle - 5), QPointF(zero + line.row.mean * unit, middle + 5)).normalized()
            painter.drawRoundedRect(bar, 1.5, 1.5)
            painter.setPen(QPen(theme.text, 1))
            span = (zero + line.row.low * unit, zero + line.row.high * unit)
            painter.drawLine(QPointF(span[0], middle), QPointF(span[1], middle))
            for end in span:
                painter.drawLine(QPointF(end, middle - 3), QPointF(end, middle + 3))


def cells_of(found: Cohort) -> NDArray[np.float64] | None:
    """Mean shares of the cells of the photo, float64[rows, columns]; None where no photo was read."""
    height, width = found.grid
    boxes = [row for row in found.rows if row.modality == "image" and row.box is not None]
    if not boxes or height * width == 0:
        return None
    cells = np.zeros((height, width))
    for row in boxes:
        assert row.box is not None
        cells[round(row.box[1] * height), round(row.box[0] * width)] += row.mean
    return cells


class CohortHeat(QWidget):
    """Where the photo speaks for a product, in the mean over shoppers; of several products, over a plain ground."""

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self._thumbnails = themes, thumbnails
        self._cells: NDArray[np.float64] | None = None
        self._scale, self._photo = 1.0, ""
        self.setFixedSize(QSize(184, 184))
        self.setAccessibleName(self.tr("Mean heat on the photo"))
        follow(themes, self)
        thumbnails.arrived.connect(lambda _: self.update())

    def show_heat(self, cells: NDArray[np.float64] | None, scale: float, photo: str) -> None:
        """cells: float64[rows, columns]; full colour at `scale`; photo: "" for a plain ground."""
        self._cells, self._scale, self._photo = cells, scale, photo
        self.setVisible(cells is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._cells is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        theme, frame = self._themes.theme, QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(frame, 6, 6)
        painter.setClipPath(outline)
        painter.fillRect(frame, theme.chip)
        image = self._image()
        place = frame
        if image is not None:
            place = contained(image, frame)
            ratio = self.devicePixelRatioF()
            pixmap: QPixmap = greyed(image, (place.size() * ratio).toSize(), 1.0)
            painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
        painter.drawImage(place, heat_image(self._cells, self._scale, colours_of=self._themes.heat))
        if image is None:
            painter.setPen(QPen(theme.line, 1))
            height, width = self._cells.shape
            for row in range(1, height):
                y = place.top() + place.height() * row / height
                painter.drawLine(QPointF(place.left(), y), QPointF(place.right(), y))
            for column in range(1, width):
                x = place.left() + place.width() * column / width
                painter.drawLine(QPointF(x, place.top()), QPointF(x, place.bottom()))
        painter.setClipping(False)
        painter.setPen(QPen(theme.line, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)

    def _image(self) -> QImage | None:
        photo = self._thumbnails.photo(self._photo, 448) if self._photo else None
        return photo.image if photo is not None else None
