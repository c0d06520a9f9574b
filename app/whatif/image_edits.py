"""Edits of a photo: each takes a picture and returns another. No widget is needed, so that they run on any thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QBuffer, QIODevice, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from app.photo_loader import pixels, read_photo
from engine.errors import HeedmapError
from engine.files import sha256, write_bytes

MOST_PIXELS = 1024  # of the longer side: no encoder looks closer, and each step is painted at once
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


def read_image(file: Path) -> QImage:
    """A photo as it is edited. HeedmapError when there is none that can be read."""
    found = read_photo(file, MOST_PIXELS).image
    if found is None:
        raise HeedmapError(f"{file.name} is not a photo that can be read.", "Choose a PNG, JPEG or WebP file.")
    return found


def save_image(image: QImage, folder: Path) -> Path:
    """Write a picture under the name of its content; what is there already is not written again."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]  # the stubs want bytes, Qt wants text
        raise HeedmapError("The edited photo could not be written.", "Free some memory and try again.")
    content = bytes(buffer.data().data())
    file = folder / f"{sha256(content)[:20]}.png"
    if not file.is_file():
        write_bytes(file, content)
    return file


def whole(image: QImage, box: QRectF) -> QRect:
    """The pixels of a rectangle given in 0..1, at least one of them."""
    width, height = image.width(), image.height()
    left, top = round(box.left() * width), round(box.top() * height)
    made = QRect(left, top, max(1, round(box.right() * width) - left), max(1, round(box.bottom() * height) - top))
    return made.intersected(image.rect())


def mean_colour(image: QImage) -> QColor:
    """The average colour of a picture."""
    blue, green, red = pixels(image.scaled(64, 64)).reshape(-1, 3).mean(axis=0)
    return QColor(round(float(np.clip(red, 0, 255))), round(float(green)), round(float(blue)))


def paint_out(image: QImage, points: Sequence[QPointF], size: float, colour: QColor) -> QImage:
    """Draw over a stroke. points: in 0..1; size: of the brush, as a share of the longer side."""
    made = image.copy()
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_stroke(painter, QRectF(made.rect()), points, size, colour)
    painter.end()
    return made


def draw_stroke(painter: QPainter, place: QRectF, points: Sequence[QPointF], size: float, colour: QColor) -> None:
    """Draw a stroke where the photo lies in `place`."""
    width = size * max(place.width(), place.height())
    pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    at = [QPointF(place.left() + p.x() * place.width(), place.top() + p.y() * place.height()) for p in points]
    if len(at) == 1:
        painter.drawPoint(at[0])
    elif at:
        painter.drawPolyline(at)


def fill(image: QImage, box: QRectF, colour: QColor) -> QImage:
    """One colour in place of a region."""
    made = image.copy()
    painter = QPainter(made)
    painter.fillRect(whole(image, box), colour)
    painter.end()
    return made


def blur(image: QImage, box: QRectF) -> QImage:
    """A region so unsharp that nothing in it can be told: an eighth of its size, drawn large again, twice."""
    region = whole(image, box)
    part = image.copy(region)
    smooth = Qt.TransformationMode.SmoothTransformation
    for share in (8, 6):
        few = part.scaled(
            max(2, region.width() // max(region.width() // share, 1)),
            max(2, region.height() // max(region.height() // share, 1)),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            smooth,
        )
        part = few.scaled(region.size(), Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    return paste(image, box, part)


def paste(image: QImage, box: QRectF, other: QImage) -> QImage:
    """Another picture in place of a region, squeezed into it."""
    made = image.copy()
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(whole(image, box), other)
    painter.end()
    return made


def crop(image: QImage, box: QRectF) -> QImage:
    """Only a region."""
    return image.copy(whole(image, box))
