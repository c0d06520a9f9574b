"""Small multiples: the same photo under each attention head, to choose one; and the product's other photos."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.session import ALL_HEADS, Session
from app.theme import Theme, ThemeSource, faded, mix, set_role, ui_font
from app.thumbnails import Thumbnails, contained
from app.views.heat import distrust, greyed, heat_image, place_of, within
from app.views.panel import FocusRing, follow
from app.views.shown import Shown
from engine.explain.types import Explanation

TILE = 46
SMALL = 128  # pixels of the longer side that the photo behind a head is decoded to
_GAP = 8.0
_LABEL = 18.0
_CHIP = 24.0


class TileRow(QWidget):
    """A label and a row of tiles, one of them chosen: by the pointer, or by the arrow keys."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.themes = themes
        self._small = ui_font(11)
        self.label = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow(themes, self)

    def count(self) -> int:
        return 0

    def chosen(self) -> int:
        return 0

    def choose(self, place: int) -> None:
        """Choose the tile at `place`."""

    def tile_size(self) -> QSize:
        return QSize(TILE, TILE)

    def wanted_height(self) -> int:
        return round(_LABEL) + self.tile_size().height() + 2

    def tile_rect(self, place: int) -> QRectF:
        size = self.tile_size()
        return QRectF(place * (size.width() + _GAP) + 1, _LABEL + 1, size.width(), size.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for place in range(self.count()):
            if self.tile_rect(place).contains(event.position()):
                self.choose(place)
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        elif 0 <= self.chosen() + step < self.count():
            self.choose(self.chosen() + step)

    def paint_label(self, painter: QPainter) -> None:
        painter.setFont(self._small)
        painter.setPen(self.themes.theme.muted)
        cut = painter.fontMetrics().elidedText(self.label, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(QRectF(0, 0, self.width(), _LABEL - 2), Qt.AlignmentFlag.AlignVCenter, cut)

    def paint_frame(self, painter: QPainter, place: int, box: QRectF) -> None:
        theme = self.themes.theme
        chosen = place == self.chosen()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if chosen and self.ring.on:
            painter.setPen(QPen(faded(theme.accent, 0.35), 4))
            painter.drawRoundedRect(box, 5, 5)
        painter.setPen(QPen(theme.accent, 2) if chosen else QPen(theme.line, 1))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)


class HeadChooser(TileRow):
    """All heads together, then each alone. With a photo each tile shows that head's heat; without, a chip."""

    all_asked = Signal()  # all heads side by side are wished for

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self._thumbnails = thumbnails
        self._font = ui_font(12, QFont.Weight.DemiBold)
        self._heads = 0
        self._path: str | None = None
        self._maps: list[QImage] = []
        self._made_of: tuple[Explanation | None, str | None, Theme] | None = None
        self._ground: tuple[tuple[int, QSize], QPixmap] | None = None  # the greyed photo that all tiles share
        self._tiles: dict[int, QPixmap] = {}  # each head's picture as it was painted
        self._tiles_of: tuple[object, ...] = ()  # and what they were painted from
        self._covered = QRectF(0, 0, 1, 1)
        self.tall = True  # False: chips, where there is no room for pictures
        self.side = TILE  # the longer side of a picture
        self.aspect = 1.0  # width / height of a picture
        self.label = self.tr("Attention heads")
        self.setAccessibleName(self.label)
        self.setToolTip(self.tr("Show one attention head's part, or all together ([ and ])"))
        self.more = QPushButton(self.tr("All heads"), self)
        set_role(self.more, "small-link")
        self.more.setToolTip(self.tr("Every head side by side, over this product and over past choices (H)"))
        self.more.setCursor(Qt.CursorShape.PointingHandCursor)
        self.more.clicked.connect(self.all_asked)
        session.head_changed.connect(self._repaint)
        thumbnails.arrived.connect(self._photo_arrived)

    def why_not(self) -> str:
        """Why no head can be chosen, in a sentence; "" where one can."""
        return "" if self.count() else self.tr("The model of this run has one head.")

    def is_first(self) -> str:
        return "" if self.chosen() else self.tr("All heads are shown together.")

    def is_last(self) -> str:
        return self.tr("This is the last head.") if self.chosen() + 1 >= self.count() else ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = self.more.sizeHint()
        self.more.setGeometry(self.width() - size.width(), 0, size.width(), round(_LABEL))

    def fill(self, shown: Shown | None, path: str | None) -> None:
        """Show the heads of an explanation; `path` is the photo given to the model, or None."""
        self._path = path
        self._heads = shown.heads if shown is not None else 0
        made_of = (None if shown is None else shown.explanation, path, self.themes.theme)
        if self._made_of is None or any(one is not other for one, other in zip(made_of, self._made_of, strict=True)):
            self._made_of = made_of  # another head of the same explanation changes no picture
            self._maps = self._draw_maps(shown) if shown is not None and path and len(shown.cells) else []
            self._tiles = {}
        self.setVisible(self.count() > 0)
        self.updateGeometry()
        self.update()

    def _draw_maps(self, shown: Shown) -> list[QImage]:
        """The heat of all heads together, then of each, these on one scale."""
        found, rows = shown.explanation, shown.cells
        heads = found.attention if shown.attention else found.contribution_by_head
        total = Shown(found).values
        grey = distrust(shown, self.themes.theme)
        scale = shown.full_heat(heads[rows])
        self._covered = place_of(shown.covered)
        columns = [(total, shown.full_heat(total[rows])), *((heads[:, h], scale) for h in range(self._heads))]
        return [heat_image(shown.on_grid(one), full, grey, 6, self.themes.heat) for one, full in columns]

    def pictured(self) -> bool:
        return bool(self._maps) and self.tall

    def count(self) -> int:
        return self._heads + 1 if self._heads > 1 else 0

    def chosen(self) -> int:
        return self._session.head + 1 if self._session.head != ALL_HEADS else 0

    def choose(self, place: int) -> None:
        self._session.choose_head(ALL_HEADS if place == 0 else place - 1)

    def tile_size(self) -> QSize:
        room = int((self.width() - 2 - _GAP * (self.count() - 1)) / max(1, self.count()))
        if not self.pictured():
            return QSize(max(18, min(36, room)), int(_CHIP))
        wide = max(18, min(round(self.side * min(1.0, self.aspect)), room))
        return QSize(wide, round(wide / min(1.0, self.aspect)))

    def _name(self, place: int) -> str:
        return self.tr("All") if place == 0 else str(place)

    def wanted_height(self) -> int:
        return 0 if not self.count() else super().wanted_height() + (14 if self.pictured() else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        theme = self.themes.theme
        self.paint_label(painter)
        photo = self._thumbnails.photo(self._path, SMALL) if self._path and self.pictured() else None
        for place in range(self.count()):
            box = self.tile_rect(place)
            chosen = place == self.chosen()
            if self.pictured():
                painter.drawPixmap(box.topLeft(), self._tile(place, box.size(), photo.image if photo else None))
                self.paint_frame(painter, place, box)
                painter.setFont(self._small)
                painter.setPen(theme.accent if chosen else theme.muted)
                below = QRectF(box.left() - 4, box.bottom() + 1, box.width() + 8, 14)
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._name(place))
            else:
                painter.setPen(QPen(theme.accent, 1.5) if chosen and self.ring.on else Qt.PenStyle.NoPen)
                painter.setBrush(theme.selected if chosen else theme.chip)
                painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
                painter.setFont(self._font if chosen else ui_font(12))
                painter.setPen(theme.accent if chosen else theme.muted)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._name(place))
        painter.end()

    def _tile(self, place: int, size: QSizeF, image: QImage | None) -> QPixmap:
        ratio = self.devicePixelRatioF()
        made_of = (size, ratio, self.themes.theme, image.cacheKey() if image is not None else 0)
        if made_of != self._tiles_of:
            self._tiles, self._tiles_of = {}, made_of
        if place not in self._tiles:
            tile = QPixmap((size * ratio).toSize())
            tile.setDevicePixelRatio(ratio)
            tile.fill(Qt.GlobalColor.transparent)
            painter = QPainter(tile)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            self._paint_map(painter, place, QRectF(QPointF(), size), image)
            painter.end()
            self._tiles[place] = tile
        return self._tiles[place]

    def _paint_map(self, painter: QPainter, place: int, box: QRectF, image: QImage | None) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(box, mix(self.themes.theme.chip, self.themes.theme.panel, 0.6))
        lies = box
        if image is not None:
            lies = contained(image, box)
            ratio = self.devicePixelRatioF()
            size = QSize(max(1, round(lies.width() * ratio)), max(1, round(lies.height() * ratio)))
            if self._ground is None or self._ground[0] != (image.cacheKey(), size):
                self._ground = ((image.cacheKey(), size), greyed(image, size, 1.0))
            painter.drawPixmap(lies, self._ground[1], QRectF(self._ground[1].rect()))
        painter.setOpacity(0.85)
        painter.drawImage(within(lies, self._covered), self._maps[place])
        painter.restore()

    def _photo_arrived(self, path: str) -> None:
        if path == self._path:
            self.update()

    def _repaint(self, _head: int) -> None:
        self.update()


class OtherPhotos(TileRow):
    """The product's photos: the first was given to the model, the others can be looked at. Where they do not all fit,
    the row moves along with the chosen one."""

    picked = Signal(int)

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self._thumbnails = thumbnails
        self._paths: tuple[str, ...] = ()
        self._title = ""
        self._at = 0
        self.setToolTip(self.tr("The first photo was given to the model; choose another to look at it"))
        thumbnails.arrived.connect(self._arrived)

    def fill(self, paths: tuple[str, ...], title: str) -> None:
        self._paths, self._title = paths, title
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if self.count() else Qt.FocusPolicy.NoFocus)  # nothing to choose
        self._say(0)

    def _say(self, at: int) -> None:
        self._at = at
        state = self.tr("given to the model") if at == 0 else self.tr("not given to the model")
        self.label = self.tr("Photo {n} of {all}: {state}").format(n=at + 1, all=len(self._paths), state=state)
        self.setAccessibleName(self.label)
        self.update()

    def count(self) -> int:
        return len(self._paths) if len(self._paths) > 1 else 0

    def first(self) -> int:
        """The first photo that is in sight."""
        most = max(1, int((self.width() + _GAP) // (TILE + _GAP)))
        return min(max(0, self._at - most // 2), max(0, len(self._paths) - most))

    def tile_rect(self, place: int) -> QRectF:
        box = super().tile_rect(place - self.first())
        return box if box.left() >= 0 and box.right() <= self.width() else QRectF()

    def chosen(self) -> int:
        return self._at

    def choose(self, place: int) -> None:
        self._say(place)
        self.picked.emit(place)

    def wanted_height(self) -> int:
        return super().wanted_height() if len(self._paths) > 1 else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_label(painter)
        for place in range(self.count()):
            box = self.tile_rect(place)
            if box.isEmpty():
                continue
            tile = self._thumbnails.tile(self._paths[place], self._title, QSize(TILE, TILE), self.devicePixelRatioF())
            painter.drawPixmap(QPointF(box.topLeft()), tile)
            self.paint_frame(painter, place, box)
            if place == 0:  # the model's own, told by more than its place
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self.themes.theme.accent)
                painter.drawEllipse(box.bottomRight() - QPointF(8, 8), 3.5, 3.5)
        painter.end()

    def _arrived(self, path: str) -> None:
        if path in self._paths:
            self.update()
