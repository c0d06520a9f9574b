"""Photos and tiles of them that load while you look: decoded once for all views of a window, and bounded."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Collection
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap

from app.photo_loader import Photo, PhotoLoader
from app.theme import ThemeSource, ui_font

V = TypeVar("V")

_KEPT_PHOTOS, _PHOTO_BYTES = 600, 32 << 20
_KEPT_TILES, _TILE_BYTES = 1_200, 12 << 20
_ASKED = 400  # photos that a view waits for: what was asked for before these is scrolled past


class Kept(Generic[V]):
    """What was used last: at most `most` things and `most_bytes` bytes, but always the newest."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._held: OrderedDict[tuple[object, ...], tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def __contains__(self, key: tuple[object, ...]) -> bool:
        return key in self._held

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: tuple[object, ...]) -> V | None:
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def put(self, key: tuple[object, ...], value: V, size: int) -> None:
        self.bytes += size - self._held.pop(key, (value, 0))[1]
        self._held[key] = value, size
        while len(self._held) > self._most or (self.bytes > self._most_bytes and len(self._held) > 1):
            self.bytes -= self._held.popitem(last=False)[1][1]

    def clear(self, *_: object) -> None:
        self._held.clear()
        self.bytes = 0


class _Store(QObject):
    """What the views of one window hold of photos together, by file and size."""

    arrived = Signal(object)  # the (file, side) of photos that came in together: views then paint once for them

    def __init__(self, themes: ThemeSource) -> None:
        super().__init__(themes)
        self.tiles: Kept[QPixmap] = Kept(_KEPT_TILES, _TILE_BYTES)
        self._photos: Kept[Photo | None] = Kept(_KEPT_PHOTOS, _PHOTO_BYTES)  # None: on its way
        self._news: dict[tuple[str, int], None] = {}  # what came in and was not announced yet
        self._loader = PhotoLoader()
        self._loader.arrived.connect(self._arrived)
        self.destroyed.connect(self._loader.stop)
        for kept in (self._photos, self.tiles):  # what Python holds of a window that is gone, it may hold for long
            self.destroyed.connect(kept.clear)

    @staticmethod
    def of(themes: ThemeSource) -> _Store:
        """The one of the window that has this theme."""
        found = themes.findChild(_Store)
        return found if isinstance(found, _Store) else _Store(themes)

    def photo(self, file: str, side: int) -> Photo | None:
        found = self._photos.get((file, side))
        if found is None:
            self._photos.put((file, side), None, 0)
            self._loader.want(file, side)
        return found

    def _arrived(self, file: str, side: int, photo: Photo) -> None:
        self._loader.take(file, side)
        if (file, side) in self._photos:
            self._photos.put((file, side), photo, photo.image.sizeInBytes() if photo.image is not None else 0)
            if not self._news:
                QTimer.singleShot(0, self, self._tell)
            self._news[file, side] = None

    def _tell(self) -> None:
        news, self._news = self._news, {}
        self.arrived.emit(news.keys())


class Thumbnails(QObject):
    """A view's photos of a dataset by path and size, and tiles of them with round corners.

    What is not there yet is asked for and announced by `arrived`; until then a tile is blank.
    """

    arrived = Signal(str)  # the photo's path

    def __init__(self, themes: ThemeSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._root = ""
        self._asked: dict[tuple[str, int], str] = {}  # file and side -> path, the oldest wish first
        self._store = _Store.of(themes)
        self._store.arrived.connect(self._tell)

    def open(self, folder: str) -> None:
        """Take photos from this dataset folder from now on."""
        if self._root != folder:
            self._root = folder
            self._asked.clear()

    def photo(self, path: str, side: int) -> Photo | None:
        """The photo at `path`, its longer side at most `side` pixels; None while it is on its way."""
        if not self._root:
            return Photo(None)
        file = os.path.join(self._root, path)
        found = self._store.photo(file, side)
        if found is None:
            self._asked[file, side] = path
            if len(self._asked) > _ASKED:
                del self._asked[next(iter(self._asked))]
        return found

    def _tell(self, news: Collection[tuple[str, int]]) -> None:
        for key in [key for key in news if key in self._asked]:
            self.arrived.emit(self._asked.pop(key))

    def tile(self, path: str | None, title: str, size: QSize, ratio: float) -> QPixmap:
        """A tile of `size` logical pixels: the photo, or a drawing that says why there is none."""
        look = (size.width(), size.height(), ratio, self._themes.theme.name)
        key: tuple[object, ...] = (self._root, path, *look) if path else (title, *look)
        tiles = self._store.tiles
        made = tiles.get(key)
        if made is not None:
            return made
        photo = self.photo(path, _step(max(size.width(), size.height()) * ratio)) if path else None
        if path and photo is None:  # blank tiles are all alike
            key = look
            made = tiles.get(key)
            if made is not None:
                return made
        pixmap = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._draw(painter, QRectF(0, 0, size.width(), size.height()), photo, path, title)
        painter.end()
        if photo is None or photo.image is not None:  # the other says in words that it cannot be read
            tiles.put(key, pixmap, 4 * pixmap.width() * pixmap.height())
        return pixmap

    def _draw(self, painter: QPainter, box: QRectF, photo: Photo | None, path: str | None, title: str) -> None:
        theme = self._themes.theme
        frame = box.adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(frame, 4, 4)
        image = photo.image if photo else None
        ground = photo.ground if photo and photo.ground else theme.chip
        painter.fillPath(outline, ground)
        if image is not None:
            painter.save()
            painter.setClipPath(outline)
            # A scene may lose a margin to fill its tile; a product on a plain ground is shown whole.
            close = 1 / 1.3 < (image.width() / image.height()) / (frame.width() / frame.height()) < 1.3
            covers = ground is theme.chip and close
            painter.drawImage(covering(image, frame) if covers else contained(image, frame), image)
            painter.restore()
        elif not path:
            painter.setPen(theme.muted)
            painter.setFont(ui_font(max(10, round(min(box.width(), box.height()) * 0.34))))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, initials(title))
        elif photo is not None:
            draw_unreadable(painter, frame, theme.muted, self.tr("photo unreadable"))
        painter.setPen(QPen(theme.line, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)


def _step(side: float) -> int:
    """Few sizes, so that one decoded photo serves tiles of nearly one size."""
    return max(64, 64 * -(-round(side) // 64))


def contained(image: QImage, frame: QRectF) -> QRectF:
    """Where `image` lies in `frame`: whole, centred."""
    scale = min(frame.width() / image.width(), frame.height() / image.height())
    width, height = image.width() * scale, image.height() * scale
    return QRectF(frame.center().x() - width / 2, frame.center().y() - height / 2, width, height)


def covering(image: QImage, frame: QRectF) -> QRectF:
    """Where `image` lies to fill `frame`, centred, its margins beyond."""
    scale = max(frame.width() / image.width(), frame.height() / image.height())
    width, height = image.width() * scale, image.height() * scale
    return QRectF(frame.center().x() - width / 2, frame.center().y() - height / 2, width, height)


def initials(title: str) -> str:
    """Two letters for a product without a photo; one character where words are not spelled with letters."""
    words = [word for word in title.split() if word[0].isalnum()]
    if not words:
        return "?"
    if ord(words[0][0]) > 0x2E80:
        return words[0][0]
    return "".join(word[0] for word in words[:2]).upper()


def draw_unreadable(painter: QPainter, frame: QRectF, colour: QColor, text: str) -> None:
    """A struck-through picture frame, with `text` below it where there is room."""
    roomy = frame.width() >= 110
    side = min(frame.width(), frame.height()) * (0.3 if roomy else 0.46)
    centre = frame.center()
    mark = QRectF(centre.x() - side / 2, centre.y() - side * 0.4 - (12 if roomy else 0), side, side * 0.8)
    painter.setPen(QPen(colour, max(1.2, side / 22)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(mark, 2, 2)
    painter.drawLine(mark.bottomLeft(), mark.topRight())
    if roomy:
        painter.setFont(ui_font(12))
        below = QRectF(frame.left() + 8, mark.bottom() + 8, frame.width() - 16, 40)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, text)
