"""A photo under its heat in a frame: zoomed, moved, or as it is. What the pointer lights on it, an heir paints."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from app.photo_loader import Photo
from app.session import Session
from app.theme import ThemeSource, faded, icon
from app.thumbnails import Thumbnails, contained, draw_unreadable
from app.views.cells import Cells
from app.views.heat import distrust, greyed, heat_image, within
from app.views.panel import FocusRing, follow
from app.views.photo_paint import paint_note, paint_removed
from app.views.shown import HOLE, Shown, number

SIDE = 768  # pixels of the longer side that a photo is decoded to
FULL = 2048  # the same for one that is looked at in its own size
LEAST_ZOOM, MOST_ZOOM = 1.0, 8.0  # the whole photo, and as near as it gets
_BUTTON = 28


class PhotoCanvas(QWidget):
    """Shows `Shown`'s image cells over the photo, or another photo of the product without heat. The wheel zooms,
    `take_hold` and `drag` move. One layer holds all that neither pointer nor brush changes."""

    aspect_changed = Signal(float)  # width / height of the photo now shown
    moved = Signal()  # cells lie elsewhere than before: zoom, move, size

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._thumbnails = thumbnails
        self._shown: Shown | None = None
        self.cells = Cells(None)
        self._path: str | None = None
        self._pending = False  # the photo asked for is not here yet
        self._photo: Photo | None = None
        self._full: Photo | None = None  # the photo in its own size, once that was asked for
        self._heat: QImage | None = None
        self._ground: tuple[tuple[int, int, float, int], QPixmap] | None = None  # the greyed photo as last scaled
        self._layer: tuple[tuple[float, str], QPixmap] | None = None
        self.lack = ""  # said in the frame where there is no photo
        self.opacity = 0.65
        self.original = False  # without heat, a pixel of the photo on a pixel of the screen
        self.zoom = 1.0
        self.middle = QPointF(0.5, 0.5)  # the point of the photo, in 0..1, at the middle of the frame
        self._again: tuple[float, float, float] | None = None  # a zoom and middle for the first photo
        self._grabbed: tuple[QPointF, QPointF] | None = None
        self.ring = FocusRing(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.button = QToolButton(self)
        self._make_button()
        thumbnails.arrived.connect(self._arrived)
        themes.changed.connect(self._dress)
        follow(themes, self)

    def _make_button(self) -> None:
        self.button.setCheckable(True)
        self.button.setFixedSize(_BUTTON, _BUTTON)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setAccessibleName(self.tr("Original photo"))
        self.button.setToolTip(self.tr("The photo as it is, without heat and in its own size (O)"))
        self.button.clicked.connect(self.show_original)
        self.button.hide()
        self._dress()

    def _dress(self, *_: object) -> None:
        theme = self._themes.theme
        self.button.setIcon(icon("original", theme.accent if self.original else theme.text))

    def show_cells(self, shown: Shown | None, path: str | None, title: str) -> None:
        """Show the photo at `path` under the heat of `shown`; without heat when `shown` is None."""
        self._shown = shown
        self.setAccessibleName(self.tr("Photo with heatmap") + (f": {title}" if title else ""))
        if path != self._path:
            self._path, self._full = path, None
            self.zoom, self.middle = 1.0, QPointF(0.5, 0.5)
            photo = self._thumbnails.photo(path, SIDE) if path else None
            self._pending = bool(path) and photo is None
            if not self._pending:
                self._take(photo)
            if path and self._again is not None:
                again, self._again = self._again, None
                self.look_again(*again)
        if not self._pending:  # otherwise the old photo stays, under its old heat, until the new one is here
            self._warm()
        self.renew()

    def show_original(self, on: bool) -> None:
        """Show the photo without heat in its own size, or under its heat in the frame."""
        if on != self.original:
            self.original = on
            self.zoom, self.middle = 1.0, QPointF(0.5, 0.5)
            self.button.setChecked(on)
            self._dress()
            self._own_size()
            self.renew()

    def switch_original(self) -> None:
        self.show_original(not self.original)

    def enlarge(self, times: float) -> None:
        """Enlarge the photo that many times more; 0 shows the whole."""
        self.show_original(self.original and times > 0)
        self.set_zoom(self.zoom * times)

    def _own_size(self) -> None:
        """Ask for the whole photo, and enlarge it until a pixel of it covers one of the screen."""
        if not self.original or not self._path:
            return
        self._full = self._full or self._thumbnails.photo(self._path, FULL)
        image = self.image()
        if image is not None and self._full is not None:
            self.zoom = image.width() / self.devicePixelRatioF() / max(1.0, self.frame().width())
            self.move_to(self.middle)

    def set_opacity(self, opacity: float) -> None:
        self.opacity = opacity
        self.renew()

    def renew(self) -> None:
        """Paint everything anew, the photo too."""
        self._layer = None
        self._place_button()
        self.update()
        self.moved.emit()

    def image(self) -> QImage | None:
        """The photo as it is drawn, once it is here and when it can be read."""
        photo = self._full if self.original and self._full is not None and self._full.image else self._photo
        return photo.image if photo is not None else None

    def aspect(self) -> float:
        image = self._photo.image if self._photo else None
        return image.width() / image.height() if image is not None else 1.0

    def _take(self, photo: Photo | None) -> None:
        before = self.aspect()
        self._photo, self._ground = photo, None
        self._own_size()
        if abs(self.aspect() - before) > 1e-3:
            self.aspect_changed.emit(self.aspect())

    def _warm(self) -> None:
        self._heat = None
        self.cells = Cells(self._shown)
        if self._shown is not None and len(self._shown.cells):
            grey = distrust(self._shown, self._themes.theme)
            cells, scale = self._shown.on_grid(self._shown.values), self._shown.scales["image"]
            self._heat = heat_image(cells, scale, grey, colours_of=self._themes.heat)

    def _arrived(self, path: str) -> None:
        if path != self._path:
            return
        photo = self._thumbnails.photo(path, SIDE)
        if photo is not None and photo is not self._photo:
            self._pending = False
            self._take(photo)
            self._warm()
            self.renew()
        elif self.original and self._full is None:
            self._own_size()
            self.renew()

    # Geometry: `frame` is the window on the photo, `place` where the whole photo would lie.

    def frame(self) -> QRectF:
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        image = self._photo.image if self._photo else None
        return contained(image, box) if image is not None else box

    def place(self) -> QRectF:
        frame = self.frame()
        width, height = frame.width() * self.zoom, frame.height() * self.zoom
        return QRectF(
            frame.center().x() - self.middle.x() * width, frame.center().y() - self.middle.y() * height, width, height
        )

    def _share(self, position: QPointF) -> QPointF:
        """A position as a point of the photo, in 0..1."""
        place = self.place()
        return QPointF((position.x() - place.left()) / place.width(), (position.y() - place.top()) / place.height())

    def cell_at(self, position: QPointF) -> int:
        """The token of the cell under a position, ~place of a removed one, or HOLE."""
        return self.cells.at(self._share(position)) if self.frame().contains(position) else HOLE

    def cell_rect(self, cell: int) -> QRectF:
        box = self.cells.box(cell)
        return box if box.isEmpty() else within(self.place(), box)

    def area(self) -> QRect:
        """The frame in whole pixels."""
        return self.frame().toAlignedRect()

    # Painting: a layer that only a new answer, zoom or size changes, and over it what the pointer and the brush light.

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._pending and self._path:  # a wish may have been dropped among many
            self._thumbnails.photo(self._path, SIDE)
        theme = self._themes.theme
        key = (self.devicePixelRatioF(), theme.name)
        if self._layer is None or self._layer[0] != key:
            self._layer = (key, self._paint_layer())
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(0, 0, self._layer[1])
        frame = self.frame()
        outline = self._outline()
        pointed = self._session.pointed
        if pointed.part and pointed.part != "image":
            painter.fillPath(outline, faded(theme.panel, 0.65))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.accent, 1.5) if self.ring.on or pointed.part == "image" else QPen(theme.line, 1))
        painter.drawPath(outline)
        self.paint_over(painter, outline)
        note = self._note()
        if note:
            paint_note(painter, theme, frame, note)
        if not self.button.isHidden():
            painter.setPen(QPen(theme.accent if self.original else theme.line, 1))
            painter.setBrush(faded(theme.panel, 0.9))
            painter.drawRoundedRect(QRectF(self.button.geometry()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()

    def _outline(self) -> QPainterPath:
        outline = QPainterPath()
        outline.addRoundedRect(self.frame(), 8, 8)
        return outline

    def _paint_layer(self) -> QPixmap:
        theme = self._themes.theme
        ratio = self.devicePixelRatioF()
        layer = QPixmap(self.size() * ratio)
        layer.setDevicePixelRatio(ratio)
        layer.fill(Qt.GlobalColor.transparent)
        painter = QPainter(layer)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setClipPath(self._outline())
        image = self.image()
        if image is None or self.zoom < 1.0:
            painter.fillPath(self._outline(), theme.chip)
        if not self._path and self.lack:
            draw_unreadable(painter, self.frame(), theme.muted, self.lack)
        elif image is None and self._photo is not None:
            draw_unreadable(painter, self.frame(), theme.muted, self.tr("photo unreadable"))
        elif image is not None:
            self._paint_photo(painter, image)
        painter.end()
        return layer

    def _paint_photo(self, painter: QPainter, image: QImage) -> None:
        place = self.place()
        if self.original:
            painter.drawImage(place, image)
            return
        share = min(1.0, self.opacity * 1.4) if self._heat is not None else 0.0
        ratio = self.devicePixelRatioF()
        fits = QSize(round(place.width() * ratio), round(place.height() * ratio))
        size = fits if self.zoom == 1.0 else image.size()
        key = (size.width(), size.height(), share, image.cacheKey())
        if self._ground is None or self._ground[0] != key:
            self._ground = (key, greyed(image, size, share))
        pixmap = self._ground[1]
        painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
        if self._heat is not None:
            painter.setOpacity(self.opacity)
            painter.drawImage(within(place, self.cells.covered), self._heat)
            painter.setOpacity(1.0)
        gone = self.cells.removed
        paint_removed(painter, self._themes.theme, self.boxes_about(gone), self.lines_about(gone))

    def paint_over(self, painter: QPainter, outline: QPainterPath) -> None:
        """Paint what the pointer and the brush light."""

    def boxes_about(self, cells: Collection[int]) -> list[QRectF]:
        """The area of several cells together, where it is drawn."""
        place = self.place()
        return [within(place, box) for box in self.cells.boxes(cells)]

    def lines_about(self, cells: Collection[int]) -> list[QLineF]:
        """The outline of several cells together, where it is drawn."""
        place = self.place()

        def lies(point: QPointF) -> QPointF:
            return QPointF(place.left() + point.x() * place.width(), place.top() + point.y() * place.height())

        return [QLineF(lies(line.p1()), lies(line.p2())) for line in self.cells.outline(cells)]

    def _note(self) -> str:
        if self.image() is None:
            return ""
        if self._shown is None:
            return self.tr("not given to the model")
        if self.original:
            return self.tr("original photo")
        if self.zoom > 1.0:
            return self.tr("{zoom}× · Space and drag moves").format(zoom=number(self.zoom, 1))
        return self.tr("loses to random order") if self._shown.unfaithful and self._heat is not None else ""

    def _place_button(self) -> None:
        frame = self.area()
        self.button.move(frame.right() - _BUTTON - 6, frame.top() + 8)
        # Over a small photo it would cover too much of the heat; its key works there too.
        self.button.setVisible(self.image() is not None and frame.width() > 5 * _BUTTON)

    # Zoom and move.

    def take_hold(self, position: QPointF) -> None:
        """Take hold of the photo at a position; `drag` moves it along, `let_go` ends that."""
        self._grabbed = (position, QPointF(self.middle))
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def drag(self, position: QPointF) -> bool:
        """Move the photo to where it is dragged; False when it is not held."""
        if self._grabbed is None:
            return False
        start, middle = self._grabbed
        place = self.place()
        moved = position - start
        self.move_to(QPointF(middle.x() - moved.x() / place.width(), middle.y() - moved.y() / place.height()))
        return True

    def let_go(self) -> bool:
        """End a move; False when the photo was not held."""
        held, self._grabbed = self._grabbed is not None, None
        if held:
            self.unsetCursor()
        return held

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if turned and self._photo is not None:
            self.set_zoom(self.zoom * 1.25 ** (turned / 120), event.position())
        event.accept()

    def look_again(self, zoom: float, x: float, y: float) -> None:
        """Look at the same part of the photo as once before; of the next photo, if it is still on its way."""
        if self._path is None:
            self._again = (zoom, x, y)
        elif not self.original:
            self.zoom = min(max(zoom, LEAST_ZOOM), MOST_ZOOM)
            self.move_to(QPointF(x, y))

    def set_zoom(self, zoom: float, around: QPointF | None = None) -> None:
        """Enlarge 1 to 8 times; the point of the photo under `around` stays where it is."""
        zoom = min(max(zoom, LEAST_ZOOM), MOST_ZOOM)
        frame = self.frame()
        around = frame.center() if around is None else around
        share = self._share(around)
        self.zoom = zoom
        width, height = frame.width() * zoom, frame.height() * zoom
        away = around - frame.center()
        self.move_to(QPointF(share.x() - away.x() / width, share.y() - away.y() / height))

    def move_to(self, middle: QPointF) -> None:
        """Bring a point of the photo, in 0..1, to the middle of the frame, as far as the photo reaches."""
        edge = 0.5 / max(1.0, self.zoom)  # never beyond the photo
        self.middle = QPointF(min(max(middle.x(), edge), 1 - edge), min(max(middle.y(), edge), 1 - edge))
        self.renew()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._ground = None
        self._own_size()
        self.renew()
        super().resizeEvent(event)
