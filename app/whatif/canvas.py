"""The photo as a canvas: a brush that paints out, a rectangle to drag; by mouse or by keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import ThemeSource, faded, ui_font
from app.thumbnails import contained
from app.views.heat import within
from app.views.panel import FocusRing, follow
from app.whatif.image_edits import SUFFIXES, draw_stroke

_STEP, _FINE = 0.05, 0.0125  # how far an arrow key goes, in 0..1; with Shift
_LEAST = 0.01  # sides of a rectangle that is meant


class EditCanvas(QWidget):
    """Shows a photo and turns the pointer's way on it into strokes and rectangles, in 0..1 of the photo."""

    stroked = Signal(object)  # list[QPointF]
    boxed = Signal(object)  # QRectF
    dropped = Signal(object)  # Path of an image file

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.image: QImage | None = None
        self._scaled: tuple[tuple[int, int, int], QPixmap] | None = None
        self.note = ""  # said in the middle while there is no photo
        self.brush = True  # a brush, or else a rectangle
        self.size_of_brush = 0.12  # of the photo's longer side
        self.colour = QColor(Qt.GlobalColor.white)
        self._stroke: list[QPointF] = []
        self._box: QRectF | None = None
        self._anchor: QPointF | None = None
        self._left: Callable[[QPainter, QRectF], None] | None = None  # what was drawn last, until its photo is here
        self._at = QPointF(0.5, 0.5)
        self._hover: QPointF | None = None
        self._taking = False  # a file is being dragged over
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(120)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Photo to edit"))
        self.setAccessibleDescription(
            self.tr(
                "Arrow keys move the mark, with Shift in small steps. Space paints, or begins and ends a rectangle."
                " Escape gives up."
            )
        )
        follow(themes, self)

    def show_image(self, image: QImage | None, note: str = "") -> None:
        """Show a photo; without one, say why."""
        self.image, self.note, self._scaled, self._left = image, note, None, None
        self.update()

    def choose(self, *, brush: bool) -> None:
        """Work with a brush, or with a rectangle."""
        self.brush = brush
        self._give_up()

    def place(self) -> QRectF:
        """Where the photo lies."""
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        return contained(self.image, box) if self.image is not None else box

    def _share(self, position: QPointF) -> QPointF:
        place = self.place()
        x = (position.x() - place.left()) / place.width()
        y = (position.y() - place.top()) / place.height()
        return QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))

    # --- drawing ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        place = self.place()
        outline = QPainterPath()
        outline.addRoundedRect(place, 6, 6)
        painter.save()
        painter.setClipPath(outline)
        if self.image is None:
            painter.fillPath(outline, theme.chip)
            painter.setPen(theme.muted)
            painter.setFont(ui_font(13))
            painter.drawText(place.adjusted(16, 16, -16, -16), _MIDDLE, self.note)
        else:
            painter.drawPixmap(place, self._pixmap(place, self.image), QRectF())
            self._paint_work(painter, place)
        painter.restore()
        busy = self._taking or self.ring.on
        painter.setPen(QPen(theme.accent, 2) if busy else QPen(theme.line, 1))
        painter.setBrush(faded(theme.accent, 0.12) if self._taking else Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)
        painter.end()

    def _pixmap(self, place: QRectF, image: QImage) -> QPixmap:
        ratio = self.devicePixelRatioF()
        wide, high = round(place.width() * ratio), round(place.height() * ratio)
        key = (wide, high, image.cacheKey())
        if self._scaled is None or self._scaled[0] != key:
            scaled = image.scaled(
                wide, high, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            self._scaled = (key, QPixmap.fromImage(scaled))
        return self._scaled[1]

    def _paint_work(self, painter: QPainter, place: QRectF) -> None:
        if self._left is not None:
            self._left(painter, place)
        if self._stroke:
            draw_stroke(painter, place, self._stroke, self.size_of_brush, self.colour)
        if self._box is not None:
            self._paint_box(painter, within(place, self._box))
        at = self._hover if self._hover is not None else self._at if self.ring.on else None
        if at is None or self._box is not None:
            return
        spot = QPointF(place.left() + at.x() * place.width(), place.top() + at.y() * place.height())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(Qt.GlobalColor.white), 3.0), (self._themes.theme.accent, 1.5)):
            painter.setPen(QPen(colour, width))
            if self.brush:
                radius = self.size_of_brush * max(place.width(), place.height()) / 2
                painter.drawEllipse(spot, radius, radius)
            elif self.ring.on:
                painter.drawLine(spot - QPointF(8, 0), spot + QPointF(8, 0))
                painter.drawLine(spot - QPointF(0, 8), spot + QPointF(0, 8))

    def _paint_box(self, painter: QPainter, box: QRectF) -> None:
        painter.setBrush(faded(self._themes.theme.accent, 0.15))
        painter.setPen(QPen(QColor(Qt.GlobalColor.white), 3))
        painter.drawRect(box)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._themes.theme.accent, 1.5))
        painter.drawRect(box)

    # --- the pointer ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self.image is None:
            return
        at = self._share(event.position())
        self._at = at
        if self.brush:
            self._stroke = [at]
        elif self.place().contains(event.position()):
            self._anchor = at
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._share(event.position())
        self._hover = at if self.place().contains(event.position()) else None
        self.setCursor(Qt.CursorShape.CrossCursor if self.image is not None else Qt.CursorShape.ArrowCursor)
        if self._stroke:
            self._stroke.append(at)
        elif self._anchor is not None:
            self._box = QRectF(self._anchor, at).normalized()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._stroke:
            self._end_stroke()
        elif self._anchor is not None:
            self._end_box(self._share(event.position()))

    def leaveEvent(self, event: object) -> None:
        self._hover = None
        self.update()
        super().leaveEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
        ways = {
            Qt.Key.Key_Left: (-step, 0.0), Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, -step), Qt.Key.Key_Down: (0.0, step),
        }  # fmt: skip
        way = ways.get(Qt.Key(event.key()))
        if self.image is None:
            super().keyPressEvent(event)
        elif way is not None:
            self._hover = None
            self._at = QPointF(min(max(self._at.x() + way[0], 0), 1), min(max(self._at.y() + way[1], 0), 1))
            if self._anchor is not None:
                self._box = QRectF(self._anchor, self._at).normalized()
            self.update()
        elif event.key() == Qt.Key.Key_Space:
            self._stamp()
        elif event.key() == Qt.Key.Key_Escape and (self._anchor is not None or self._stroke):
            self._give_up()
        else:
            super().keyPressEvent(event)

    def _stamp(self) -> None:
        """The space bar: a dot of the brush, or a corner of the rectangle."""
        if self.brush:
            self._stroke = [self._at]
            self._end_stroke()
        elif self._anchor is None:
            self._anchor, self._box = self._at, QRectF(self._at, self._at)
            self.update()
        else:
            self._end_box(self._at)

    def _end_stroke(self) -> None:
        points, size, colour = list(self._stroke), self.size_of_brush, QColor(self.colour)
        self._stroke = []
        before = self._left

        def draw(painter: QPainter, place: QRectF) -> None:
            if before is not None:
                before(painter, place)
            draw_stroke(painter, place, points, size, colour)

        self._left = draw
        self.stroked.emit(points)
        self.update()

    def _end_box(self, to: QPointF) -> None:
        assert self._anchor is not None
        box = QRectF(self._anchor, to).normalized()
        self._give_up()
        if min(box.width(), box.height()) >= _LEAST:
            self.boxed.emit(box)

    def _give_up(self) -> None:
        self._stroke, self._box, self._anchor = [], None, None
        self.update()

    # --- a file dragged in ------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _file(event) is not None:
            self._taking = True
            event.acceptProposedAction()
            self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._taking = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._taking = False
        self.update()
        file = _file(event)
        if file is not None:
            event.acceptProposedAction()
            self.dropped.emit(file)


_MIDDLE = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap


def _file(event: QDropEvent) -> Path | None:
    """The first image file that is dragged."""
    files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return next((file for file in files if file.suffix.lower() in SUFFIXES), None)
