"""Points in a plane as a picture: where they fall on the screen, and the pixels of many thousand of them at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPolygonF

from app.map.colours import OTHER, stamp

_MARGIN = 0.06  # of the room, left free around the points
_CLOSEST, _FARTHEST = 4000.0, 0.25  # how far one may zoom, against the whole in sight


@dataclass(frozen=True)
class Camera:
    """What of the plane is in sight: its middle, and pixels per unit; `whole` is the scale at which all is in sight."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    whole: float = 1.0

    @staticmethod
    def over(place: NDArray[np.float32], size: QSizeF) -> Camera:
        """All points in sight, of `size` logical pixels."""
        if not len(place):
            return Camera()
        low, high = place.min(axis=0).astype(float), place.max(axis=0).astype(float)
        room = np.maximum([size.width(), size.height()], 1.0) * (1 - 2 * _MARGIN)
        scale = float((room / np.maximum(high - low, 1e-9)).min())
        middle = (low + high) / 2
        return Camera(float(middle[0]), float(middle[1]), scale, scale)

    def moved(self, right: float, down: float) -> Camera:
        """The points moved by so many pixels."""
        return replace(self, x=self.x - right / self.scale, y=self.y + down / self.scale)

    def zoomed(self, factor: float, right: float, down: float) -> Camera:
        """Nearer by a factor; the place (right, down) pixels from the middle stays where it is."""
        scale = float(np.clip(self.scale * factor, self.whole * _FARTHEST, self.whole * _CLOSEST))
        shift = 1 / self.scale - 1 / scale
        return replace(self, x=self.x + right * shift, y=self.y - down * shift, scale=scale)

    def onto(self, place: NDArray[np.float32], size: QSizeF) -> NDArray[np.float32]:
        """Where points lie on the screen, in logical pixels: float32[2, n], right and down."""
        found = np.empty((2, len(place)), np.float32)
        np.multiply(place[:, 0], np.float32(self.scale), out=found[0])
        found[0] += np.float32(size.width() / 2 - self.x * self.scale)
        np.multiply(place[:, 1], np.float32(-self.scale), out=found[1])
        found[1] += np.float32(size.height() / 2 + self.y * self.scale)
        return found


@dataclass
class Cloud:
    """n points. place: float32[n, 2]; shape: uint8[n]; pixel: uint32[n], opaque colours; faint: bool[n], those that
    stand back, drawn first. What is drawn last lies above: "other" below the named categories."""

    place: NDArray[np.float32]
    shape: NDArray[np.uint8]
    pixel: NDArray[np.uint32]
    faint: NDArray[np.bool_]
    rank: NDArray[np.int64] = field(init=False)  # how far up each point lies: int64[n]
    _runs: list[tuple[int, int, int]] = field(init=False)  # shape, first, end within the order
    _canvas: NDArray[np.uint32] = field(init=False)  # the last picture with a margin around it
    _key: tuple[float, ...] = field(init=False, default=())
    _camera: Camera = field(init=False, default_factory=Camera)

    def __post_init__(self) -> None:
        rank = np.where(self.shape == OTHER, -1, self.shape.astype(np.int64)) - 100 * self.faint
        order = np.argsort(rank, kind="stable")
        self.rank = np.empty(len(order), np.int64)
        self.rank[order] = np.arange(len(order))
        self.place = np.asfortranarray(self.place)  # each axis in one piece
        self._drawn = np.asfortranarray(self.place[order])
        self._pixels = self.pixel[order]
        self._canvas = np.zeros((0, 0), np.uint32)
        ranked = rank[order]
        edges = [0, *(np.flatnonzero(np.diff(ranked)) + 1).tolist(), len(ranked)]
        self._runs = [(int(self.shape[order[begin]]), begin, end) for begin, end in pairwise(edges) if end > begin]

    def __len__(self) -> int:
        return len(self.place)

    def picture(self, camera: Camera, size: QSizeF, ratio: float, ground: int, point: int) -> QImage:
        """All points on a plain ground, `point` device pixels wide each; good until the next call.

        A picture that was only moved is shifted, and no more than its new edges are drawn: that is what lets 100,000
        points follow the hand.
        """
        width, height = max(1, round(size.width() * ratio)), max(1, round(size.height() * ratio))
        reach = point // 2 + 1  # a point just out of sight is seen in part
        pad = 2 * reach
        shape = (height + 2 * pad, width + 2 * pad)
        right, down = camera.onto(self._drawn, size) * np.float32(ratio)
        key: tuple[float, ...] = (camera.scale, size.width(), size.height(), ratio, ground, point)
        shift = self._shift(camera, ratio) if key == self._key and self._canvas.shape == shape else None
        seen = (right >= -reach) & (right < width + reach) & (down >= -reach) & (down < height + reach)
        if shift is None:
            if self._canvas.shape != shape:
                self._canvas = np.empty(shape, np.uint32)
            self._canvas.fill(ground)
        elif shift != (0, 0):
            _scroll(self._canvas, *shift, ground)
            seen &= _edges(right, down, width, height, *shift, pad)
        self._key, self._camera = key, camera
        if shift != (0, 0):
            self._stamp(right, down, seen, point, pad)
        wide = shape[1]
        inner = self._canvas.reshape(-1)[pad * wide + pad : (pad + height) * wide - pad]
        image = QImage(inner.data, width, height, wide * 4, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        return image

    def _shift(self, camera: Camera, ratio: float) -> tuple[int, int] | None:
        """By how many device pixels the last picture has moved; None where not by whole ones."""
        moved = np.array([self._camera.x - camera.x, camera.y - self._camera.y]) * camera.scale * ratio
        whole = moved.round()
        near = np.abs(moved - whole).max() < 0.02 and (np.abs(whole) < np.array(self._canvas.shape[::-1])).all()
        return (int(whole[0]), int(whole[1])) if near else None

    def _stamp(
        self,
        right: NDArray[np.float32],
        down: NDArray[np.float32],
        seen: NDArray[np.bool_],
        point: int,
        pad: int,
    ) -> None:
        flat, wide = self._canvas.reshape(-1), self._canvas.shape[1]
        for shape, begin, end in self._runs:
            rows = begin + np.flatnonzero(seen[begin:end])
            if not len(rows):
                continue
            # Shifted before they are cut to whole numbers, so that both sides of zero are cut the same way.
            at = (down[rows] + np.float32(pad)).astype(np.int64) * wide + (right[rows] + np.float32(pad)).astype(
                np.int64
            )
            colours = self._pixels[rows]
            for x, y in stamp(shape, point):
                flat[at + (y * wide + x)] = colours

    def in_sight(self, camera: Camera, size: QSizeF) -> NDArray[np.int64]:
        """The points on the screen."""
        right, down = camera.onto(self.place, size)
        return np.flatnonzero((right >= 0) & (right < size.width()) & (down >= 0) & (down < size.height()))

    def nearest(self, camera: Camera, size: QSizeF, at: QPointF, within: float) -> int:
        """The point nearest to a place on the screen, at most `within` pixels away; -1 for none."""
        if not len(self):
            return -1
        right, down = camera.onto(self.place, size)
        away = (right - np.float32(at.x())) ** 2 + (down - np.float32(at.y())) ** 2
        away[self.faint] += np.float32(16.0)  # what stands in front is meant
        found = int(away.argmin())
        return found if away[found] <= within**2 else -1

    def within(self, camera: Camera, size: QSizeF, outline: QPolygonF) -> NDArray[np.int64]:
        """The points inside an outline drawn on the screen, which may cross itself."""
        box = outline.boundingRect().intersected(QRectF(QPointF(0, 0), size))
        if box.isEmpty():
            return np.zeros(0, np.int64)
        mask = QImage(round(size.width()) + 1, round(size.height()) + 1, QImage.Format.Format_Grayscale8)
        mask.fill(0)
        painter = QPainter(mask)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(Qt.GlobalColor.white)
        painter.drawPolygon(outline, Qt.FillRule.WindingFill)
        painter.end()
        filled = np.frombuffer(mask.constBits(), np.uint8).reshape(mask.height(), mask.bytesPerLine())
        seen = self.in_sight(camera, size)
        right, down = camera.onto(self.place[seen], size).astype(np.int64)
        return seen[filled[down, right] > 127]


def _scroll(canvas: NDArray[np.uint32], right: int, down: int, ground: int) -> None:
    """Move a picture's content in place; what comes into sight is ground."""
    flat, by = canvas.reshape(-1), down * canvas.shape[1] + right
    # In one piece, which needs no second picture: what runs over from row to row lies in the edges that are cleared.
    flat[max(0, by) : len(flat) + min(0, by)] = flat[max(0, -by) : len(flat) - max(0, by)]
    height, width = canvas.shape
    if right:
        canvas[:, : max(0, right)] = ground
        canvas[:, width + min(0, right) :] = ground
    if down:
        canvas[: max(0, down)] = ground
        canvas[height + min(0, down) :] = ground


def _edges(
    right: NDArray[np.float32], down: NDArray[np.float32], width: int, height: int, x: int, y: int, margin: int
) -> NDArray[np.bool_]:
    """The points in the strips that a move by (x, y) brings into sight."""
    met = np.zeros(len(right), bool)
    if x:
        met |= right < x + margin if x > 0 else right > width + x - margin
    if y:
        met |= down < y + margin if y > 0 else down > height + y - margin
    return met
