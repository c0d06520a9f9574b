"""Heat: a grid of signed numbers as a smooth, see-through picture, and a photo greyed so that it can be read."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from app.colour_maps import BLUE_ORANGE, heat_table
from app.theme import Theme
from app.views.shown import Shown

FINE = 16  # pixels of heat per cell: drawing interpolates the rest


@lru_cache(maxsize=32)
def _between(cells: int, pixels: int) -> NDArray[np.float64]:
    """Weights, float64[pixels, cells], of the two cells that a pixel lies between; edges repeat.

    They follow a smooth step and are never negative, so that heat swings past no cell: a cubic would paint a false blue
    rim around every orange spot.
    """
    at = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    first = np.minimum(np.floor(at).astype(int), max(0, cells - 2))
    part = (at - first) ** 2 * (3 - 2 * (at - first))
    weights = np.zeros((pixels, cells))
    weights[np.arange(pixels), first] = 1 - part
    np.add.at(weights, (np.arange(pixels), np.minimum(first + 1, cells - 1)), part)
    return weights


def smooth(cells: NDArray[np.float64], fine: int = FINE) -> NDArray[np.float64]:
    """Interpolate a grid to `fine` pixels per cell, nowhere beyond the cells around. A cell that is NaN stays so, and
    its neighbours go on to its edge as they are."""
    rows, columns = cells.shape
    down, across = _between(rows, rows * fine), _between(columns, columns * fine).T
    known = ~np.isnan(cells)
    if known.all():
        return down @ cells @ across
    weight = down @ known @ across
    mixed = np.divide(down @ np.where(known, cells, 0.0) @ across, weight, out=np.zeros(weight.shape), where=weight > 0)
    return np.where(np.kron(known, np.ones((fine, fine), dtype=bool)), mixed, np.nan)


def heat_image(
    cells: NDArray[np.float64],
    scale: float,
    grey: QColor | None = None,
    fine: int = FINE,
    colours_of: str = BLUE_ORANGE,
) -> QImage:
    """Heat of a grid of cells: full colour at `scale`, transparent at zero and at NaN; all in `grey` when that is
    given."""
    values = np.nan_to_num(smooth(cells, fine))
    level = np.zeros(values.shape) if scale <= 0 else np.clip(values / scale, -1, 1)
    index = np.rint((level + 1) * 127.5).astype(np.intp)
    colours = heat_table(colours_of)[index]
    if grey is not None:
        colours = colours.copy()
        colours[..., :3] = (grey.red(), grey.green(), grey.blue())
    height, width = values.shape
    made = QImage(np.ascontiguousarray(colours).data, width, height, width * 4, QImage.Format.Format_RGBA8888)
    return made.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)  # a copy: the array may go


def place_of(box: tuple[float, float, float, float]) -> QRectF:
    """A rectangle from its left, top, right and bottom."""
    return QRectF(box[0], box[1], box[2] - box[0], box[3] - box[1])


def within(place: QRectF, share: QRectF) -> QRectF:
    """The part `share` (in 0..1) of a rectangle."""
    return QRectF(
        place.left() + share.left() * place.width(),
        place.top() + share.top() * place.height(),
        share.width() * place.width(),
        share.height() * place.height(),
    )


def greyed(image: QImage, size: QSize, share: float) -> QPixmap:
    """The photo at `size` pixels, greyed and lightened as much as `share` in 0..1 says, so that heat reads on it."""
    scaled = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    pixmap = QPixmap.fromImage(scaled)
    if share > 0:
        painter = QPainter(pixmap)
        painter.setOpacity(0.72 * share)
        painter.drawImage(0, 0, scaled.convertToFormat(QImage.Format.Format_Grayscale8))
        painter.setOpacity(0.32 * share)
        painter.fillRect(pixmap.rect(), Qt.GlobalColor.white)
        painter.end()
    return pixmap


def distrust(shown: Shown, theme: Theme) -> QColor | None:
    """The grey of a map that loses to random order, or None for one that may show its colours."""
    return theme.muted if shown.unfaithful else None
