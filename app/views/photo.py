"""The product's photo under its heat: smooth, with cells that can be pointed at; the wheel zooms, a drag moves."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import NOTHING, Pointed, Session
from app.tables import Photo, Thumbnails, contained, draw_unreadable
from app.theme import ThemeSource, faded, ui_font
from app.views.heat import distrust, greyed, heat_image, place_of, within
from app.views.panel import FocusRing, Tip, follow
from app.views.shown import Shown

SIDE = 768  # pixels of the longer side that a photo is decoded to
_MOST = 8.0  # zoom


class HeatPhoto(QWidget):
    """Shows `Shown`'s image cells over the photo, or another photo of the product without heat."""

    aspect_changed = Signal(float)  # width / height of the photo now shown

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._thumbnails = thumbnails
        self._shown: Shown | None = None
        self._path: str | None = None
        self._pending = False  # the photo asked for is not here yet
        self._photo: Photo | None = None
        self._heat: QImage | None = None
        self._cells: frozenset[int] = frozenset()
        self._look: tuple[str | None, frozenset[int]] = (None, frozenset())  # what the pointer lights here
        self._ground: tuple[tuple[int, int, float, int], QPixmap] | None = None  # the greyed photo as last scaled
        self.opacity = 0.65
        self.zoom = 1.0
        self._middle = QPointF(0.5, 0.5)  # the point of the photo, in 0..1, at the middle of the frame
        self._grabbed: tuple[QPointF, QPointF] | None = None
        self._cell = -1  # the cell that the keyboard is on
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Photo with heatmap"))
        self.setAccessibleDescription(
            self.tr("The wheel zooms, a drag moves, a double click resets. Arrow keys go from cell to cell.")
        )
        session.pointed_changed.connect(self._repaint)
        thumbnails.arrived.connect(self._arrived)
        follow(themes, self)

    def show_cells(self, shown: Shown | None, path: str | None, title: str) -> None:
        """Show the photo at `path` under the heat of `shown`; without heat when `shown` is None."""
        self._shown = shown
        self.setAccessibleName(self.tr("Photo with heatmap") + (f": {title}" if title else ""))
        if path != self._path:
            self._path = path
            self.zoom, self._middle, self._cell = 1.0, QPointF(0.5, 0.5), -1
            photo = self._thumbnails.photo(path, SIDE) if path else None
            self._pending = bool(path) and photo is None
            if not self._pending:
                self._take(photo)
        if not self._pending:  # otherwise the old photo stays, under its old heat, until the new one is here
            self._warm()
        self.update()

    def set_opacity(self, opacity: float) -> None:
        self.opacity = opacity
        self.update()

    def aspect(self) -> float:
        image = self._photo.image if self._photo else None
        return image.width() / image.height() if image is not None else 1.0

    def _take(self, photo: Photo | None) -> None:
        before = self.aspect()
        self._photo, self._ground = photo, None
        if abs(self.aspect() - before) > 1e-3:
            self.aspect_changed.emit(self.aspect())

    def _warm(self) -> None:
        self._heat = None
        self._cells = frozenset()
        if self._shown is not None:
            rows = self._shown.cells
            self._cells = frozenset(int(row) for row in rows)
            if len(rows):
                cells = self._shown.values[rows].reshape(self._shown.explanation.grid)
                grey = distrust(self._shown, self._themes.theme)
                self._heat = heat_image(cells, self._shown.scales["image"], grey)

    def _arrived(self, path: str) -> None:
        if path == self._path:
            photo = self._thumbnails.photo(path, SIDE)
            if photo is not None and photo is not self._photo:
                self._pending = False
                self._take(photo)
                self._warm()
                self.update()

    def _repaint(self, pointed: Pointed) -> None:
        cells = frozenset(row for row in pointed.tokens if row in self._cells)
        look = (pointed.part, cells)
        if look != self._look:
            self._look = look
            self.update()

    # Geometry: `frame` is the window on the photo, `place` where the whole photo would lie.

    def frame(self) -> QRectF:
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        image = self._photo.image if self._photo else None
        return contained(image, box) if image is not None else box

    def place(self) -> QRectF:
        frame = self.frame()
        width, height = frame.width() * self.zoom, frame.height() * self.zoom
        return QRectF(
            frame.center().x() - self._middle.x() * width, frame.center().y() - self._middle.y() * height, width, height
        )

    def cell_at(self, position: QPointF) -> int:
        """The token of the cell under a position, or -1."""
        if self._shown is None or self._heat is None or not self.frame().contains(position):
            return -1
        place = self.place()
        x = (position.x() - place.left()) / place.width()
        y = (position.y() - place.top()) / place.height()
        for row in self._shown.indices["image"]:
            box = self._shown.explanation.tokens[row].box
            if box and box[0] <= x < box[2] and box[1] <= y < box[3]:
                return int(row)
        return -1

    def cell_rect(self, token: int) -> QRectF:
        box = self._shown.explanation.tokens[token].box if self._shown else None
        if box is None:
            return QRectF()
        return within(self.place(), place_of(box))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._pending and self._path:  # a wish may have been dropped among many
            self._thumbnails.photo(self._path, SIDE)
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = self.frame()
        outline = QPainterPath()
        outline.addRoundedRect(frame, 8, 8)
        image = self._photo.image if self._photo else None
        painter.save()
        painter.setClipPath(outline)
        if image is None:
            painter.fillPath(outline, theme.chip)
            if self._photo is not None:
                draw_unreadable(painter, frame, theme.muted, self.tr("photo unreadable"))
        else:
            self._paint_photo(painter, image)
        painter.restore()
        pointed = self._session.pointed
        if pointed.part and pointed.part != "image":
            painter.fillPath(outline, faded(theme.panel, 0.65))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.accent, 1.5) if self.ring.on or pointed.part == "image" else QPen(theme.line, 1))
        painter.drawPath(outline)
        self._paint_cells(painter, outline, pointed)
        if self._shown is None and image is not None:
            self._paint_note(painter, frame, self.tr("not given to the model"))
        elif self._shown is not None and self._shown.unfaithful and self._heat is not None:
            self._paint_note(painter, frame, self.tr("loses to random order"))
        painter.end()

    def _paint_photo(self, painter: QPainter, image: QImage) -> None:
        place = self.place()
        share = min(1.0, self.opacity * 1.4) if self._heat is not None else 0.0
        ratio = self.devicePixelRatioF()
        fits = QSize(round(place.width() * ratio), round(place.height() * ratio))
        size = fits if self.zoom == 1.0 else image.size()
        key = (size.width(), size.height(), share, image.cacheKey())
        if self._ground is None or self._ground[0] != key:
            self._ground = (key, greyed(image, size, share))
        pixmap = self._ground[1]
        painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
        if self._heat is not None and self._shown is not None:
            painter.setOpacity(self.opacity)
            painter.drawImage(within(place, place_of(self._shown.covered)), self._heat)
            painter.setOpacity(1.0)

    def _paint_cells(self, painter: QPainter, outline: QPainterPath, pointed: Pointed) -> None:
        if self._shown is None or self._heat is None:
            return
        tokens = self._shown.explanation.tokens
        lit = [row for row in pointed.tokens if row < len(tokens) and tokens[row].modality == "image"]
        painter.save()
        painter.setClipPath(outline)
        painter.setPen(QPen(self._themes.theme.accent, 2))
        for row in lit:
            painter.drawRoundedRect(self.cell_rect(row), 2, 2)
        painter.restore()

    def _paint_note(self, painter: QPainter, frame: QRectF, text: str) -> None:
        painter.setFont(ui_font(11))
        width = painter.fontMetrics().horizontalAdvance(text) + 16
        place = QRectF(frame.left() + 8, frame.bottom() - 30, width, 22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(self._themes.theme.tip, 0.9))
        painter.drawRoundedRect(place, 6, 6)
        painter.setPen(Qt.GlobalColor.white)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _point(self, token: int) -> None:
        if self._shown is None or token < 0:
            if self._session.pointed != NOTHING:
                self._session.point(NOTHING)
            Tip.of(self).hide()
            return
        label, lines = self._shown.tip(token)
        near = self.cell_rect(token).intersected(self.frame()).toAlignedRect()
        Tip.of(self).say(self._themes, near, self, label, lines)
        self._session.point(Pointed(tokens=self._shown.counterparts(token)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is not None:
            start, middle = self._grabbed
            place = self.place()
            moved = event.position() - start
            self._move_to(QPointF(middle.x() - moved.x() / place.width(), middle.y() - moved.y() / place.height()))
            return
        self._point(self.cell_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.zoom > 1.0:
            self._grabbed = (event.position(), QPointF(self._middle))
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed = None
        self.unsetCursor()
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.set_zoom(1.0)

    def leaveEvent(self, event: object) -> None:
        self._point(-1)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if turned and self._photo is not None:
            self.set_zoom(self.zoom * 1.25 ** (turned / 120), event.position())
        event.accept()

    def set_zoom(self, zoom: float, around: QPointF | None = None) -> None:
        """Enlarge 1 to 8 times; the point of the photo under `around` stays where it is."""
        zoom = min(max(zoom, 1.0), _MOST)
        frame = self.frame()
        around = frame.center() if around is None else around
        place = self.place()
        x = (around.x() - place.left()) / place.width()
        y = (around.y() - place.top()) / place.height()
        self.zoom = zoom
        width, height = frame.width() * zoom, frame.height() * zoom
        self._move_to(
            QPointF(x - (around.x() - frame.center().x()) / width, y - (around.y() - frame.center().y()) / height)
        )

    def _move_to(self, middle: QPointF) -> None:
        edge = 0.5 / self.zoom  # never beyond the photo
        self._middle = QPointF(min(max(middle.x(), edge), 1 - edge), min(max(middle.y(), edge), 1 - edge))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 0, Qt.Key.Key_Down: 0}
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_zoom(self.zoom * 1.25)
        elif event.key() == Qt.Key.Key_Minus:
            self.set_zoom(self.zoom / 1.25)
        elif event.key() == Qt.Key.Key_0:
            self.set_zoom(1.0)
        elif event.key() in steps and self._shown is not None and self._heat is not None:
            columns = self._shown.explanation.grid[1]
            step = {Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}.get(Qt.Key(event.key()))
            rows = self._shown.cells
            moved = self._cell + (steps[Qt.Key(event.key())] if step is None else step)
            self._cell = 0 if self._cell < 0 else moved if 0 <= moved < len(rows) else self._cell
            self._point(int(rows[self._cell]))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._ground = None
        super().resizeEvent(event)

    def area(self) -> QRect:
        """The frame in whole pixels."""
        return self.frame().toAlignedRect()
