"""List models over columnar data that are found as you type, and photos that load while you look."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    QStringListModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap

from app.photo_loader import Photo, PhotoLoader
from app.theme import ThemeSource, ui_font

V = TypeVar("V")
AnyIndex = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()
KEY_ROLE = Qt.ItemDataRole.UserRole + 1  # what a row stands for: a shopper, a product

_KEPT_PHOTOS, _PHOTO_BYTES = 200, 48 << 20
_KEPT_TILES, _TILE_BYTES = 400, 16 << 20


class FoundModel(QStringListModel):
    """Rows of a catalogue, narrowed by a text. Holds the columns as they are; a row is a number into them.

    How many rows there are is Qt's own knowledge (a list of empty strings): a list view asks it for every row whenever
    it lays itself out, and would otherwise be answered by Python each time.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys: Sequence[str] = ()
        self._words: list[str] | None = None
        self._columns: tuple[Sequence[str], ...] = ()
        self._rows: Sequence[int] = ()
        self._text = ""

    def fill(self, keys: Sequence[str], columns: tuple[Sequence[str], ...]) -> None:
        """Show the rows called `keys`. A text is looked for in `columns`, the first of which is the name shown."""
        self._keys, self._columns, self._words = keys, columns, None
        self._text = ""
        self._show(range(len(keys)))

    def find(self, text: str) -> None:
        """Keep the rows in which every word of `text` occurs, in the order of the catalogue."""
        wanted = text.casefold().strip()
        if wanted == self._text:
            return
        if self._words is None:
            self._words = [" ".join(parts).casefold() for parts in zip(*self._columns, strict=True)]
        # Typing on can only narrow what was found.
        rows = self._rows if self._text and wanted.startswith(self._text) else range(len(self._keys))
        for word in wanted.split():
            rows = [row for row in rows if word in self._words[row]]
        self._text = wanted
        self._show(rows)

    def _show(self, rows: Sequence[int]) -> None:
        """Show these rows and no others: a reset of the model."""
        self._rows = rows
        self.setStringList([""] * len(rows))

    def row_of(self, key: str) -> int:
        """The row now showing `key`, or -1."""
        try:
            source = self._keys.index(key)
        except ValueError:
            return -1
        if isinstance(self._rows, range):
            return source
        position = int(np.searchsorted(np.asarray(self._rows), source))
        return position if position < len(self._rows) and self._rows[position] == source else -1

    def source(self, row: int) -> int:
        """The number of a shown row in the whole catalogue."""
        return self._rows[row]

    def whole(self) -> int:
        """How many rows there are without a search."""
        return len(self._keys)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        chosen = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        return chosen if index.isValid() else Qt.ItemFlag.NoItemFlags

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[0][row]
        if role == KEY_ROLE:
            return self._keys[row]
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self.spoken(row)
        return None

    def spoken(self, row: int) -> str:
        """What a screen reader says of a row of the whole catalogue."""
        return self._columns[0][row]


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


class Thumbnails(QObject):
    """Photos of a dataset by path and size, and tiles of them with round corners.

    What is not there yet is asked for and announced by `arrived`; until then a tile is blank.
    """

    arrived = Signal(str)  # the photo's path

    def __init__(self, themes: ThemeSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._root: Path | None = None
        self._photos: Kept[Photo | None] = Kept(_KEPT_PHOTOS, _PHOTO_BYTES)  # None: on its way
        self._tiles: Kept[QPixmap] = Kept(_KEPT_TILES, _TILE_BYTES)
        self._news: dict[str, None] = {}  # photos that came in and were not announced yet
        self._messenger = QTimer(self, singleShot=True, interval=0)
        self._messenger.timeout.connect(self._tell)
        self._loader = PhotoLoader()
        self._loader.mailbox.arrived.connect(self._arrived)
        self.destroyed.connect(self._loader.stop)
        for kept in (self._photos, self._tiles):  # what Python holds of a view that is gone, it may hold for long
            self.destroyed.connect(kept.clear)

    def open(self, folder: str) -> None:
        """Take photos from this dataset folder from now on."""
        if self._root != Path(folder):
            self._loader.stop()
            self._root = Path(folder)
            self._photos.clear()
            self._tiles.clear()
            self._news.clear()

    def photo(self, path: str, side: int) -> Photo | None:
        """The photo at `path`, its longer side at most `side` pixels; None while it is on its way."""
        key = (path, side)
        found = self._photos.get(key)
        if found is not None:
            return found
        if self._root is None:
            return Photo(None)
        self._photos.put(key, None, 0)
        self._loader.want(path, side, self._root / path)
        return None

    def tile(self, path: str | None, title: str, size: QSize, ratio: float) -> QPixmap:
        """A tile of `size` logical pixels: the photo, or a drawing that says why there is none."""
        look = (size.width(), size.height(), ratio, self._themes.theme.name)
        key: tuple[object, ...] = (path or title, *look, path is None)
        made = self._tiles.get(key)
        if made is not None:
            return made
        photo = self.photo(path, _step(max(size.width(), size.height()) * ratio)) if path else None
        if path and photo is None:  # blank tiles are all alike
            key = look
            made = self._tiles.get(key)
            if made is not None:
                return made
        pixmap = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._draw(painter, QRectF(0, 0, size.width(), size.height()), photo, path, title)
        painter.end()
        self._tiles.put(key, pixmap, 4 * pixmap.width() * pixmap.height())
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

    def _arrived(self, path: str, side: int, photo: Photo) -> None:
        if (path, side) in self._photos:
            self._photos.put((path, side), photo, photo.image.sizeInBytes() if photo.image is not None else 0)
            self._news[path] = None
            self._messenger.start()

    def _tell(self) -> None:
        """Announce all photos that came in together: views then paint once for them."""
        news, self._news = self._news, {}
        for path in news:
            self.arrived.emit(path)


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
