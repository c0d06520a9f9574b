"""The points of the map as one picture, drawn anew only where they or the camera changed: what points at them, marks
them or encloses them is drawn over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, QSizeF
from PySide6.QtGui import QImage, QPainter, QPixmap

from app.map.cloud import Camera, Cloud
from app.map.colours import sprite
from app.thumbnails import Thumbnails

SMOOTH = 2500  # points in sight that are drawn one by one, smooth
PHOTOS = 90  # points in sight that show their photo
TILE = 48


@dataclass(frozen=True)
class Look:
    """From where the points are seen, and how. room: logical pixels; ground: a packed colour."""

    camera: Camera
    room: QSizeF
    ratio: float
    ground: int
    images: tuple[str | None, ...]  # of each point; none where points have no photo


class Layer:
    """The picture of a cloud. `titled` gives the name of a point, for the tile of one without a photo."""

    def __init__(self, thumbnails: Thumbnails, titled: Callable[[int], str]) -> None:
        self._thumbnails, self._titled = thumbnails, titled
        self._cloud: Cloud | None = None
        self._look: Look | None = None
        self._image = QImage()
        self.pictured = False  # whether photos are shown

    def forget(self) -> None:
        """Photos came: what is shown is no longer right."""
        self._look = None

    def picture(self, cloud: Cloud, look: Look) -> QImage:
        """The points as they are seen so; good until the next call."""
        if cloud is self._cloud and look == self._look:
            return self._image
        self._cloud, self._look = cloud, look
        seen = cloud.in_sight(look.camera, look.room)
        if len(seen) > SMOOTH:
            wide = 3 if len(seen) > 40_000 else 5 if len(seen) > 8_000 else 7
            point = wide if look.ratio < 1.5 else 2 * wide - 1
            self._image = cloud.picture(look.camera, look.room, look.ratio, look.ground, point)
            self.pictured = False
            return self._image
        size = QSize(round(look.room.width() * look.ratio), round(look.room.height() * look.ratio))
        image = QImage(size, QImage.Format.Format_RGB32)
        image.fill(look.ground)
        seen = seen[np.argsort(cloud.rank[seen])]
        self.pictured = bool(look.images) and int(np.count_nonzero(~cloud.faint[seen])) <= PHOTOS
        painter = QPainter(image)
        self._draw(painter, cloud, seen, look)
        painter.end()
        image.setDevicePixelRatio(look.ratio)
        self._image = image
        return image

    def _draw(self, painter: QPainter, cloud: Cloud, seen: NDArray[np.int64], look: Look) -> None:
        """The points one above the other, in pixels of the device: whole numbers and few sprites make it fast."""
        places = cloud.place[seen]
        right, down = look.camera.onto(places, look.room) * np.float32(look.ratio)
        pixmaps, which = self._sprites(cloud, seen, look)
        half = pixmaps[0].width() / 2 if pixmaps else 0.0
        tile = round(TILE * look.ratio) / 2
        aside = tile - half - 3 * look.ratio  # the sprite lies in the tile's upper right corner
        with_photo = ~cloud.faint[seen] if self.pictured else np.zeros(len(seen), bool)
        x = np.where(with_photo, right + np.float32(aside), right) - np.float32(half)
        y = np.where(with_photo, down - np.float32(aside), down) - np.float32(half)
        draw = painter.drawPixmap
        if not self.pictured:
            for left, top, kind in zip(
                x.round().astype(int).tolist(), y.round().astype(int).tolist(), which, strict=True
            ):
                draw(left, top, pixmaps[kind])
            return
        rows = zip(seen.tolist(), x.tolist(), y.tolist(), which, right.tolist(), down.tolist(), strict=True)
        for point, left, top, kind, across, below in rows:
            if not cloud.faint[point]:
                draw(round(across - tile), round(below - tile), self._tile(point, look))
            draw(round(left), round(top), pixmaps[kind])

    def _tile(self, point: int, look: Look) -> QPixmap:
        photo = self._thumbnails.tile(look.images[point], self._titled(point), QSize(TILE, TILE), look.ratio)
        return _plain(photo)

    @staticmethod
    def _sprites(cloud: Cloud, seen: NDArray[np.int64], look: Look) -> tuple[list[QPixmap], Sequence[int]]:
        """The sprites that there are among the points, and which of them each point has."""
        size = 8.0 if len(seen) > 600 else 10.0
        kinds, which = np.unique(cloud.shape[seen].astype(np.uint64) << 32 | cloud.pixel[seen], return_inverse=True)
        made = [_plain(sprite(kind >> 32, kind & 0xFFFFFFFF, look.ground, size, look.ratio)) for kind in kinds.tolist()]
        return made, which.tolist()


def _plain(pixmap: QPixmap) -> QPixmap:
    """The same, one of its pixels for one of the picture's."""
    made = QPixmap(pixmap)
    made.setDevicePixelRatio(1.0)
    return made
