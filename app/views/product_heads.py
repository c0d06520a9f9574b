"""Every attention head over the shown product: its photo heat and its top words, on one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from app.session import ALL_HEADS, Session
from app.theme import ThemeSource, faded, sign_color
from app.thumbnails import Thumbnails, contained
from app.views.heat import distrust, greyed, heat_image, place_of, within
from app.views.shown import Shown, digits, percent, signed, token_name
from app.views.tile_grid import BY_FOCUS, BY_SHARE, LINE, TileGrid, spread

_NO_HEADS = ("identity", "history")  # spread evenly over the heads: they say nothing of any
_WORDS = 3, 12  # shown at least and at most, as the height allows


@dataclass(frozen=True)
class HeadTile:
    """One head over a product: its share through the page (None under attention), how far it spreads, its heat, its
    top words."""

    head: int
    share: float | None
    spread: float
    parts: int
    heat: QImage | None
    words: tuple[tuple[str, float, float], ...]  # label, number, strength in -1..1


class ProductHeads(TileGrid):
    """Every head of the product's fusion attention; the cursor is the head that all views show."""

    least = QSize(176, 290)

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, themes, parent)
        self._thumbnails = thumbnails
        self._shown: Shown | None = None
        self._path: str | None = None
        self.tiles: list[HeadTile] = []
        self._covered = QRectF(0, 0, 1, 1)
        self._ground: tuple[tuple[int, int, int], QPixmap] | None = None  # the greyed photo as last scaled
        self.setAccessibleName(self.tr("Heads over this product"))
        self._keys = self.tr("The arrow keys go from head to head and choose it in every view.")
        self.setAccessibleDescription(self._keys)
        session.head_changed.connect(self._head_changed)
        thumbnails.arrived.connect(self._arrived)

    def fill(self, shown: Shown | None, order: str) -> None:
        """Show the heads of an explanation, the mean of all first."""
        self.order, self._shown = order, shown
        self.tiles = []
        if shown is not None and shown.heads > 1:
            self._path = shown.explanation.images[0] if shown.explanation.images else None
            self._covered = place_of(shown.covered)
            made = [self._tile(shown, head) for head in range(shown.heads)]
            if order == BY_SHARE:
                made.sort(key=lambda tile: -abs(tile.share or 0.0))
            elif order == BY_FOCUS:
                made.sort(key=lambda tile: tile.spread)
            self.tiles = [self._tile(shown, ALL_HEADS), *made]
        self.least = QSize(176, 290 if self.pictured() else 150)
        self.most = 560 if self.pictured() else 330
        self._describe()
        self.updateGeometry()
        self.update()

    def _describe(self) -> None:
        """Say the tile of the cursor to those who do not see it."""
        if not self.tiles:
            return
        tile = self.tiles[self.cursor_at()]
        words = ", ".join(label for label, _, _ in tile.words[: _WORDS[0]])
        share = "" if tile.share is None else signed(tile.share, digits(tile.share))
        self.setAccessibleDescription(f"{self.title(tile)} {share}: {words}. {self._keys}")

    def pictured(self) -> bool:
        return any(tile.heat is not None for tile in self.tiles)

    def scale(self, modality: str) -> float:
        """Full heat of every head's tile: the largest number of any head. The mean of all has its own."""
        shown = self._shown
        if shown is None or not len(shown.indices[modality]):
            return 0.0
        return shown.full_heat(_by_head(shown)[shown.indices[modality]])

    def _tile(self, shown: Shown, head: int) -> HeadTile:
        one = Shown(shown.explanation, head)
        numbers = one.values if head == ALL_HEADS else _by_head(shown)[:, head]
        heat = None
        if len(shown.cells) and self._path:
            full = one.full_heat(numbers[shown.cells]) if head == ALL_HEADS else self.scale("image")
            grey = distrust(shown, self.themes.theme)
            heat = heat_image(one.on_grid(numbers), full, grey, 10, self.themes.heat)
        rows = shown.indices["text"]
        if not len(rows):
            rows = np.concatenate([shown.indices["attribute"], shown.indices["link"]])
        modality = "text" if len(shown.indices["text"]) else "attribute"
        full = one.full_heat(numbers[rows]) if head == ALL_HEADS and len(rows) else self.scale(modality)
        best = rows[np.argsort(-np.abs(numbers[rows]), kind="stable")]
        words: dict[str, tuple[str, float, float]] = {}
        for row in best:  # a word that stands in several places is named once
            label = token_name(shown.explanation.tokens[row])
            if label.casefold() not in words and len(words) < _WORDS[1]:
                strength = float(numbers[row]) / full if full > 0 else 0.0
                words[label.casefold()] = (label, float(numbers[row]), max(-1.0, min(1.0, strength)))
        heeded = one.heeded
        page = [row for row, token in enumerate(shown.explanation.tokens) if token.modality not in _NO_HEADS]
        share = None if shown.attention else float(numbers[page].sum())
        return HeadTile(head, share, spread(heeded), int((heeded > 0).sum()), heat, tuple(words.values()))

    def count(self) -> int:
        return len(self.tiles)

    def cursor_at(self) -> int:
        chosen = self._shown.head if self._shown is not None else ALL_HEADS
        return next((place for place, tile in enumerate(self.tiles) if tile.head == chosen), 0)

    def go_to(self, place: int) -> None:
        self.session.choose_head(self.tiles[place].head)
        self.moved.emit()

    def title(self, tile: HeadTile) -> str:
        return self.tr("All together") if tile.head == ALL_HEADS else self.tr("Head {n}").format(n=tile.head + 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        photo = self._thumbnails.photo(self._path, 256) if self._path and self.pictured() else None
        for place, tile in enumerate(self.tiles):
            box = self.tile_rect(place)
            if not box.intersects(QRectF(event.rect())):
                continue
            figure = "" if tile.share is None else signed(tile.share, digits(tile.share))
            room = self.paint_card(painter, box, place == self.cursor_at(), self.title(tile), figure)
            if self.pictured():
                high = max(150.0, min(room.width(), room.height() - 18 - _WORDS[0] * LINE - 6))
                side = QRectF(room.left(), room.top(), room.width(), high)
                self._paint_photo(painter, side, tile, photo.image if photo else None)
                room = room.adjusted(0, high + 6, 0, 0)
            focus = self.tr("looks at about {n} of {all} parts").format(n=round(tile.spread), all=tile.parts)
            room = self.paint_note(painter, room, focus)
            for word in tile.words[: max(_WORDS[0], int(room.height() // LINE))]:
                self._paint_word(painter, QRectF(room.left(), room.top(), room.width(), LINE), *word)
                room = room.adjusted(0, LINE, 0, 0)
        painter.end()

    def _paint_photo(self, painter: QPainter, box: QRectF, tile: HeadTile, image: QImage | None) -> None:
        lies = contained(image, box) if image is not None else box
        outline = QPainterPath()
        outline.addRoundedRect(lies, 5, 5)
        painter.save()
        painter.setClipPath(outline)
        painter.fillPath(outline, self.themes.theme.chip)
        if image is not None:
            ratio = self.devicePixelRatioF()
            size = QSize(max(1, round(lies.width() * ratio)), max(1, round(lies.height() * ratio)))
            key = (image.cacheKey(), size.width(), size.height())
            if self._ground is None or self._ground[0] != key:  # all tiles share it
                self._ground = (key, greyed(image, size, 1.0))
            painter.drawPixmap(lies, self._ground[1], QRectF(self._ground[1].rect()))
        if tile.heat is not None:
            painter.setOpacity(0.85)
            painter.drawImage(within(lies, self._covered), tile.heat)
        painter.restore()

    def _paint_word(self, painter: QPainter, line: QRectF, label: str, value: float, strength: float) -> None:
        theme = self.themes.theme
        painter.setFont(self._font)
        number = percent(value) if self._shown is not None and self._shown.attention else signed(value, digits(value))
        figures = painter.fontMetrics().horizontalAdvance(number) + 8
        room = line.width() - figures
        cut = painter.fontMetrics().elidedText(label, Qt.TextElideMode.ElideRight, int(room - 10))
        mark = QRectF(line.left(), line.top() + 2, painter.fontMetrics().horizontalAdvance(cut) + 10, line.height() - 4)
        painter.setPen(Qt.PenStyle.NoPen)
        grey = distrust(self._shown, theme) if self._shown is not None else None
        painter.setBrush(faded(grey or sign_color(theme, strength), 0.06 + 0.54 * abs(strength)))
        painter.drawRoundedRect(mark, 3, 3)
        painter.setPen(theme.text)
        painter.drawText(mark.adjusted(5, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, cut)
        painter.setPen(theme.muted)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)

    def _head_changed(self, _head: int) -> None:
        if self._shown is not None:
            self._shown = Shown(self._shown.explanation, self.session.head)
            self._describe()
            self.update()

    def _arrived(self, path: str) -> None:
        if path == self._path:
            self.update()


def _by_head(shown: Shown) -> NDArray[np.float64]:
    found = shown.explanation
    return found.attention if shown.attention else found.contribution_by_head
