"""The surface of the map: draws the points, moves and zooms, tells what is pointed at, takes lassos and rectangles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.map.cloud import Camera, Cloud
from app.map.colours import packed
from app.map.layer import Layer, Look
from app.theme import ThemeSource, faded, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import FocusRing, follow

MOVE, LASSO, RECTANGLE = "move", "lasso", "rectangle"
_STEP = 48  # pixels that an arrow key moves
_CLICK = 4  # pixels that a click may tremble
_REACH = 10  # pixels from a point that still mean it


@dataclass(frozen=True)
class Told:
    """What the card beside the pointer says of a point."""

    title: str
    lines: tuple[str, ...] = ()
    image: str | None = None
    pictured: bool = True  # whether it is a product, with a photo or without


@dataclass(frozen=True)
class Mark:
    """A point that is pointed out: what the session has chosen."""

    point: int
    text: str


class Canvas(QWidget):
    """Points in a plane. `tell` says what a point is when the pointer is on it."""

    hovered = Signal(int)  # -1 for none
    clicked = Signal(int)  # a point; -1 beside all
    picked = Signal(object, bool)  # int64[k]: points inside an outline; whether they are added to those before
    moved = Signal()
    escaped = Signal()

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, tell: Callable[[int], Told]) -> None:
        super().__init__()
        self._themes, self._thumbnails, self._tell = themes, thumbnails, tell
        self.cloud: Cloud | None = None
        self.camera = Camera()
        self.images: tuple[str | None, ...] = ()  # of each point; none where points have no photo
        self.marks: tuple[Mark, ...] = ()
        self.labels: tuple[tuple[str, QPointF], ...] = ()  # of groups of points, at places of the plane
        self.tool = MOVE
        self.pointed = -1
        self._layer = Layer(thumbnails, lambda point: tell(point).title)
        self.fits = True  # all in sight until someone moves
        self._pressed: QPointF | None = None
        self._drawn: QPolygonF | None = None  # the outline under way
        self._dragged = False
        self._mouse = QPointF()
        self.ring = FocusRing(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 240)
        self.setAccessibleName(self.tr("Map"))
        follow(themes, self)
        thumbnails.arrived.connect(self._photo_came)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def show_cloud(self, cloud: Cloud | None, anew: bool) -> None:
        """Show these points; `anew`: they lie elsewhere than those before, so all are brought into sight."""
        self.cloud = cloud
        self.pointed = -1
        if anew:
            self.fit()
        self.update()

    def _photo_came(self, _path: str) -> None:
        if self._layer.pictured:
            self._layer.forget()
        if self._layer.pictured or self.pointed >= 0:
            self.update()

    @property
    def room(self) -> QSizeF:
        return QSizeF(self.size())

    @property
    def zoom(self) -> float:
        """How near: 1 when all is in sight."""
        return self.camera.scale / self.camera.whole

    def fit(self) -> None:
        """Bring all points into sight."""
        self.fits = True
        if self.cloud is not None:
            self._look(Camera.over(self.cloud.place, self.room), fits=True)

    def look(self, x: float, y: float, zoom: float) -> None:
        """Bring a place into the middle, `zoom` times as near as when all is in sight."""
        if self.cloud is not None:
            whole = Camera.over(self.cloud.place, self.room)
            self._look(Camera(x, y, whole.scale, whole.whole).zoomed(zoom, 0, 0))

    def nearer(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom about a place on the screen, or about the middle."""
        away = (at or QPointF(self.rect().center())) - QPointF(self.rect().center())
        self._look(self.camera.zoomed(factor, away.x(), away.y()))

    def in_sight(self) -> NDArray[np.int64]:
        """The points on the screen."""
        return self.cloud.in_sight(self.camera, self.room) if self.cloud is not None else np.zeros(0, np.int64)

    def spot(self, point: int) -> QPointF:
        """Where a point lies on the screen."""
        assert self.cloud is not None
        right, down = self.camera.onto(self.cloud.place[point : point + 1], self.room)
        return QPointF(float(right[0]), float(down[0]))

    def _look(self, camera: Camera, fits: bool = False) -> None:
        self.camera, self.fits = camera, fits
        self._point(-1)
        self.update()
        self.moved.emit()

    def _point(self, point: int) -> None:
        if point != self.pointed:
            self.pointed = point
            self.setCursor(self._shape())
            self.hovered.emit(point)
        self.update()

    def _shape(self) -> Qt.CursorShape:
        if self.tool != MOVE:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.PointingHandCursor if self.pointed >= 0 else Qt.CursorShape.OpenHandCursor

    def choose_tool(self, tool: str) -> None:
        self.tool = tool
        self.setCursor(self._shape())

    # --- mouse and keys ---------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self.cloud is None:
            return
        self._pressed, self._mouse, self._dragged = event.position(), event.position(), False
        outlines = self.tool != MOVE or event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self._drawn = QPolygonF([event.position()]) if outlines else None
        if not outlines:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._pressed is None:
            self._mouse = at
            if self.cloud is not None:
                self._point(self.cloud.nearest(self.camera, self.room, at, _REACH))
            return
        self._dragged |= (at - self._pressed).manhattanLength() > _CLICK
        if self._drawn is None:
            if self._dragged:
                self._look(self.camera.moved(at.x() - self._mouse.x(), at.y() - self._mouse.y()))
                self._mouse = at
        elif self.tool == RECTANGLE:
            self._drawn = QPolygonF(QRectF(self._pressed, at).normalized())
            self.update()
        else:
            self._drawn.append(at)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None or self.cloud is None or event.button() != Qt.MouseButton.LeftButton:
            return
        outline, dragged = self._drawn, self._dragged
        self._pressed, self._drawn = None, None
        self.setCursor(self._shape())
        if outline is not None and dragged:
            adds = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self.picked.emit(self.cloud.within(self.camera, self.room, outline), adds)
        elif not dragged:
            self.clicked.emit(self.cloud.nearest(self.camera, self.room, event.position(), _REACH))
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.cloud is not None and self.cloud.nearest(self.camera, self.room, event.position(), _REACH) < 0:
            self.nearer(2.0, event.position())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.cloud is not None:
            self.nearer(2 ** (event.angleDelta().y() / 240), event.position())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._point(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        steps = {
            Qt.Key.Key_Left: (_STEP, 0),
            Qt.Key.Key_Right: (-_STEP, 0),
            Qt.Key.Key_Up: (0, _STEP),
            Qt.Key.Key_Down: (0, -_STEP),
        }
        if self.cloud is None:
            super().keyPressEvent(event)
        elif key in steps:
            self._look(self.camera.moved(*steps[Qt.Key(key)]))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.nearer(1.5)
        elif key == Qt.Key.Key_Minus:
            self.nearer(1 / 1.5)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.fit()
        elif key == Qt.Key.Key_Escape:
            self._pressed, self._drawn = None, None
            self.escaped.emit()
            self.update()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.cloud is None:
            return
        if self.fits:
            self.fit()
        else:
            whole = Camera.over(self.cloud.place, self.room).whole
            self.camera = Camera(self.camera.x, self.camera.y, self.camera.scale, whole)

    def sizeHint(self) -> QSize:
        return QSize(900, 640)

    # --- paint ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._themes.theme
        painter = QPainter(self)
        if self.cloud is None:
            return
        look = Look(self.camera, self.room, self.devicePixelRatioF(), packed(theme.panel), self.images)
        painter.drawImage(QPoint(0, 0), self._layer.picture(self.cloud, look))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_labels(painter)
        for mark in self.marks:
            self._draw_mark(painter, mark)
        if self._drawn is not None:
            painter.setPen(QPen(theme.accent, 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(faded(theme.accent, 0.12))
            painter.drawPolygon(self._drawn)
        if self.ring.on:
            painter.setPen(QPen(theme.accent, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        if self.pointed >= 0 and self._pressed is None:
            self._draw_card(painter, self.pointed)

    def _draw_labels(self, painter: QPainter) -> None:
        theme = self._themes.theme
        font = ui_font(12, QFont.Weight.DemiBold)
        painter.setFont(font)
        taken: list[QRectF] = []
        for text, place in self.labels:
            right, down = self.camera.onto(np.array([[place.x(), place.y()]], np.float32), self.room)
            middle = QPointF(float(right[0]), float(down[0]))
            wide = painter.fontMetrics().horizontalAdvance(text)
            box = QRectF(middle.x() - wide / 2 - 6, middle.y() - 10, wide + 12, 20)
            if not QRectF(self.rect()).contains(box) or any(box.intersects(one) for one in taken):
                continue
            taken.append(box)
            painter.setPen(QPen(theme.line, 1))
            painter.setBrush(faded(theme.panel, 0.86))
            painter.drawRoundedRect(box, 6, 6)
            painter.setPen(theme.text)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_mark(self, painter: QPainter, mark: Mark) -> None:
        theme, at = self._themes.theme, self.spot(mark.point)
        if not QRectF(self.rect()).contains(at):
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((theme.panel, 5.0), (theme.text, 2.0)):
            painter.setPen(QPen(color, width))
            painter.drawEllipse(at, 9, 9)
        painter.setFont(ui_font(12, QFont.Weight.DemiBold))
        text = painter.fontMetrics().elidedText(mark.text, Qt.TextElideMode.ElideRight, 220)
        path = QPainterPath()
        left = at.x() + 14
        wide = painter.fontMetrics().horizontalAdvance(text)
        if left + wide > self.width() - 4:
            left = at.x() - 14 - wide
        path.addText(left, at.y() + 4, painter.font(), text)
        painter.strokePath(path, QPen(theme.panel, 3.5))
        painter.fillPath(path, theme.text)

    def _draw_card(self, painter: QPainter, point: int) -> None:
        told, at = self._tell(point), self.spot(point)
        painter.setPen(QPen(self._themes.theme.text, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 7, 7)
        bold, plain = ui_font(13, QFont.Weight.DemiBold), ui_font(12)
        painter.setFont(bold)
        tile = 56 if told.pictured else 0
        title = painter.fontMetrics().elidedText(told.title, Qt.TextElideMode.ElideRight, 260)
        wide = painter.fontMetrics().horizontalAdvance(title)
        painter.setFont(plain)
        lines = [painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, 260) for line in told.lines]
        wide = max([wide, *(painter.fontMetrics().horizontalAdvance(line) for line in lines)])
        height = max(20 + 17 * len(lines), tile)
        box = QRectF(at.x() + 14, at.y() + 14, wide + 20 + (tile + 10 if tile else 0), height + 18)
        if box.right() > self.width() - 6:
            box.moveRight(at.x() - 14)
        if box.bottom() > self.height() - 6:
            box.moveBottom(at.y() - 14)
        box.moveLeft(max(6.0, box.left()))
        box.moveTop(max(6.0, box.top()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._themes.theme.tip)
        painter.drawRoundedRect(box, 6, 6)
        left = box.left() + 10
        if tile:
            picture = self._thumbnails.tile(told.image, told.title, QSize(tile, tile), self.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, box.top() + 9), picture)
            left += tile + 10
        top = box.top() + 9 + (height - 20 - 17 * len(lines)) / 2
        painter.setFont(bold)
        painter.setPen(QColor("#f4f5f7"))
        painter.drawText(QRectF(left, top, wide + 4, 20), Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(plain)
        painter.setPen(QColor("#a9b2c1"))
        for row, line in enumerate(lines):
            painter.drawText(QRectF(left, top + 20 + 17 * row, wide + 4, 17), Qt.AlignmentFlag.AlignVCenter, line)
