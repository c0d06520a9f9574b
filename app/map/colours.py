"""What the points of a map are coloured by: ten categories with a shape each, or a scale from low to high.

Both keep apart for every common kind of colour blindness, and a shape says what a colour says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPixmap

from app.theme import Theme, mix
from engine.columns import Column

LIMIT = 10  # categories with a colour of their own; the rest are "other"
OTHER = LIMIT
_LEVELS = 64  # steps of a scale
_HUES = (
    "#4477aa", "#ee7733", "#228833", "#aa3377", "#b89b14",
    "#33a6cc", "#cc3311", "#d16aa0", "#7a5195", "#009988",
)  # fmt: skip
_SCALE_LIGHT = ((0, 34, 78), (53, 80, 125), (105, 110, 116), (165, 143, 84), (222, 176, 24))
_SCALE_DARK = ((92, 128, 200), (128, 146, 184), (165, 165, 160), (210, 192, 116), (254, 232, 86))


@dataclass(frozen=True)
class Entry:
    """A line of the legend. name: the value as the engine has it, "" for all other and unknown ones."""

    code: int
    name: str
    count: int


@dataclass(frozen=True)
class Colouring:
    """The colour of n points. code: int16[n], 0..OTHER; entries: what the codes mean, most frequent first.

    On a scale, `level`, float32[n] in 0..1, is each point's place among all values (NaN where unknown), so that a few
    large ones do not wash out the rest; `ticks` are the values at 0, 25, 50, 75 and 100 % of the points.
    """

    column: Column | None
    code: NDArray[np.int16]
    entries: tuple[Entry, ...] = ()
    level: NDArray[np.float32] | None = None
    ticks: tuple[float, ...] = ()


def colouring(column: Column | None, count: int) -> Colouring:
    """How `count` points are coloured by a column; None: all alike."""
    if column is None:
        return Colouring(None, np.zeros(count, np.int16))
    if column.kind in ("number", "date"):
        return _scale(column)
    first = column.first
    counts = np.bincount(first[first >= 0], minlength=len(column.names))
    top = np.argsort(-counts, kind="stable")[:LIMIT]
    top = top[counts[top] > 0]
    place = np.full(len(column.names) + 1, OTHER, np.int16)  # the last is for rows without a value
    place[top] = np.arange(len(top))
    code = place[first]
    entries = [Entry(at, column.names[name], int(counts[name])) for at, name in enumerate(top)]
    rest = int((code == OTHER).sum())
    if rest:
        entries.append(Entry(OTHER, "", rest))
    return Colouring(column, code, tuple(entries))


def _scale(column: Column) -> Colouring:
    known = np.isfinite(column.values)
    level = np.full(len(known), np.nan, np.float32)
    values = column.values[known]
    if len(values):
        ranked = np.sort(values)
        low, high = np.searchsorted(ranked, values, "left"), np.searchsorted(ranked, values, "right") - 1
        level[known] = (low + high) / 2 / max(len(values) - 1, 1)
        ticks = tuple(float(ranked[round(share * (len(ranked) - 1))]) for share in (0, 0.25, 0.5, 0.75, 1))
    else:
        ticks = ()
    code = np.where(known, 0, OTHER).astype(np.int16)
    return Colouring(column, code, (), level, ticks)


def hue(theme: Theme, code: int) -> QColor:
    """The colour of a category."""
    if code == OTHER:
        return mix(theme.muted, theme.panel, 0.75)
    color = QColor(_HUES[code])
    return mix(QColor(Qt.GlobalColor.white), color, 0.28) if theme.dark else color


def scale_colours(theme: Theme) -> NDArray[np.uint8]:
    """The scale from low to high, uint8[levels, 3]: red, green, blue."""
    anchors = np.array(_SCALE_DARK if theme.dark else _SCALE_LIGHT, float)
    at = np.linspace(0, len(anchors) - 1, _LEVELS)
    columns = [np.interp(at, np.arange(len(anchors)), anchors[:, one]) for one in range(3)]
    return np.column_stack(columns).round().astype(np.uint8)


def packed(color: QColor) -> int:
    """A colour as a 32 bit pixel, opaque."""
    return 0xFF000000 | color.red() << 16 | color.green() << 8 | color.blue()


def point_colours(found: Colouring, theme: Theme) -> NDArray[np.uint32]:
    """The pixel of each point: uint32[n]."""
    hues = np.array([packed(hue(theme, code)) for code in range(LIMIT + 1)], np.uint32)
    if found.column is None:
        return np.full(len(found.code), packed(theme.accent), np.uint32)
    colours = hues[found.code]
    if found.level is not None:
        rgb = scale_colours(theme).astype(np.uint32)
        steps = 0xFF000000 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]
        known = np.isfinite(found.level)
        colours[known] = steps[(found.level[known] * (_LEVELS - 1)).round().astype(np.int64)]
    return colours


def inside(shape: int, u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether places (u to the right, v down, -1..1) lie in the shape of a category."""
    away, tall = np.abs(u), np.abs(v)
    ball = np.hypot(u, v)
    met: NDArray[np.bool_] = (
        ball <= 0.9,
        np.maximum(away, tall) <= 0.78,
        (away <= (v + 0.95) / 1.8) & (v <= 0.8),
        away + tall <= 1.0,
        (np.minimum(away, tall) <= 0.3) & (np.maximum(away, tall) <= 0.95),
        (away <= (0.95 - v) / 1.8) & (v >= -0.8),
        (np.abs(away - tall) <= 0.36) & (np.maximum(away, tall) <= 0.85),
        (ball <= 0.98) & (ball >= 0.5),
        (tall <= 0.42) & (away <= 0.95),
        (away <= 0.42) & (tall <= 0.95),
        ball <= 0.6,
    )[shape]
    return met


@lru_cache(maxsize=64)
def stamp(shape: int, size: int) -> tuple[tuple[int, int], ...]:
    """The pixels of a shape `size` pixels wide: (right, down) from its middle."""
    if size <= 3:  # too small to tell shapes apart
        return (((0, 0),), ((0, 0), (1, 0), (0, 1), (1, 1)), ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)))[size - 1]
    half = size // 2
    steps = np.arange(size) - half
    u, v = np.meshgrid(steps / (size / 2), steps / (size / 2))
    rows, columns = np.nonzero(inside(shape, u, v))
    return tuple((int(x) - half, int(y) - half) for y, x in zip(rows, columns, strict=True)) or ((0, 0),)


@lru_cache(maxsize=1024)
def sprite(shape: int, pixel: int, ground: int, size: float, ratio: float) -> QPixmap:
    """A smooth picture of a shape, `size` logical pixels wide, in one colour, with a thin rim of the ground."""
    side, fine = round((size + 2) * ratio), 4
    at = (np.arange(side * fine) + 0.5) / (side * fine) * 2 - 1
    u, v = np.meshgrid(at, at)
    grow = (size + 2) / size
    solid = inside(shape, u * grow, v * grow)
    rim = inside(shape, u * grow * 0.8, v * grow * 0.8) if size >= 7 else solid
    cover, halo = (one.reshape(side, fine, side, fine).mean(axis=(1, 3)) for one in (solid, rim))
    alpha = np.maximum(cover, halo * 0.85)
    shade = np.divide(cover, alpha, out=np.zeros_like(cover), where=alpha > 0)
    image = np.empty((side, side, 4), np.uint8)
    for place, shift in enumerate((0, 8, 16)):  # blue, green, red in memory
        ink, paper = (pixel >> shift) & 255, (ground >> shift) & 255
        image[..., place] = (ink * shade + paper * (1 - shade)) * alpha
    image[..., 3] = alpha * 255
    made = QImage(image.data, side, side, side * 4, QImage.Format.Format_ARGB32_Premultiplied)
    pixmap = QPixmap.fromImage(made.copy())
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
