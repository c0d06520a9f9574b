"""The product's photo: cells that can be pointed at, and brushed by a drag over them.

The wheel zooms; the middle button, or a drag while Space is held, moves the enlarged photo.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QApplication, QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource
from app.thumbnails import Thumbnails
from app.views import brush
from app.views.canvas import PhotoCanvas
from app.views.panel import Tip
from app.views.photo_paint import paint_brush, paint_rubber
from app.views.shown import HOLE, Shown

_EDGE = 4  # pixels that the lines about cells reach beyond them
_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


@dataclass
class Stroke:
    """A drag over the cells: from where to where, the brush before it, the keys that were held."""

    start: QPointF
    end: QPointF
    before: frozenset[int]
    keys: Qt.KeyboardModifier
    moved: bool = False


class HeatPhoto(PhotoCanvas):
    """The canvas with a pointer and a brush, by mouse and by keys."""

    stroked = Signal(bool)  # a stroke of the brush begins or ends

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, themes, thumbnails, parent)
        self._look: tuple[str | None, frozenset[int], frozenset[int]] = (None, brush.NOBODY, brush.NOBODY)
        self._stroke: Stroke | None = None
        self._before_click = brush.NOBODY  # a double click takes back what its first click did
        self._space: bool | None = None  # held: True until it has moved the photo, then False
        self._cell: tuple[int, int] | None = None  # row and column of the cell that the keyboard is on
        self._anchor = (0, 0)  # where Shift and the arrows began
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Photo with heatmap"))
        self.setAccessibleDescription(
            self.tr(
                "Drag over cells to brush them: Shift adds, Alt takes away, Ctrl turns over. Arrow keys go from cell "
                "to cell, Space brushes one, Shift and arrows brush several, Delete removes them. The wheel zooms; "
                "the middle button, or Space and a drag, moves; a double click resets."
            )
        )
        session.pointed_changed.connect(self._repaint)
        session.brush_changed.connect(self._repaint)

    def show_cells(self, shown: Shown | None, path: str | None, title: str) -> None:
        if path != self._path:
            self._cell, self._stroke = None, None
        super().show_cells(shown, path, title)
        self._repaint()

    def _repaint(self, *_: object) -> None:
        pointed, brushed = self._session.pointed, self._session.brush
        cells = frozenset(row for row in pointed.tokens if row in self.cells)
        look = (pointed.part, cells, frozenset(row for row in brushed if row in self.cells))
        before, self._look = self._look, look
        if (look[0] == "image") != (before[0] == "image") or bool(look[0]) != bool(before[0]):
            self.update()
        elif look != before:
            self._update_cells((look[1] ^ before[1]) | (look[2] ^ before[2]))

    def _update_cells(self, cells: frozenset[int]) -> None:
        """Paint some cells anew, and what lies close about them."""
        area = QRectF()
        for cell in cells:
            area = area.united(self.cell_rect(cell))
        self.update(area.toAlignedRect().adjusted(-_EDGE, -_EDGE, _EDGE, _EDGE))

    def brushed_area(self) -> QRect:
        """Where the brushed cells in sight lie; empty when there are none."""
        area = QRectF()
        for row in self._look[2]:
            area = area.united(self.cell_rect(row))
        return area.intersected(self.frame()).toAlignedRect() if not area.isEmpty() else QRect()

    def paint_over(self, painter: QPainter, outline: QPainterPath) -> None:
        theme = self._themes.theme
        _, lit, brushed = self._look
        painter.save()
        painter.setClipRect(outline.boundingRect())  # round corners would cost much and show little
        if brushed:
            paint_brush(painter, theme, self.boxes_about(brushed), self.lines_about(brushed))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.accent, 2))
        for row in lit:
            painter.drawRoundedRect(self.cell_rect(row), 2, 2)
        if self._cell is not None and self.ring.on:
            painter.drawRoundedRect(self.cell_rect(self.cells.in_row(*self._cell)), 2, 2)
        if self._stroke is not None and self._stroke.moved:
            paint_rubber(painter, theme, QRectF(self._stroke.start, self._stroke.end).normalized())
        painter.restore()

    def _point(self, cell: int) -> None:
        if self._shown is None or cell == HOLE:
            if self._session.pointed != NOTHING:
                self._session.point(NOTHING)
            Tip.of(self).hide()
            return
        near = self.cell_rect(cell).intersected(self.frame()).toAlignedRect()
        if cell < 0:
            Tip.of(self).say(self._themes, near, self, self._shown.name(cell), brush.removed_lines())
            self._session.point(NOTHING)
            return
        label, lines = self._shown.tip(cell)
        Tip.of(self).say(self._themes, near, self, label, lines)
        self._session.point(Pointed(tokens=self._shown.counterparts(cell)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.drag(event.position()):
            return
        if self._stroke is not None:
            self._draw(event.position())
        else:
            self._point(self.cell_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._space is not None):
            self.take_hold(event.position())
            self._space = None if self._space is None else False
        elif left and len(self.cells) and self.frame().contains(event.position()):
            at = event.position()
            self._before_click = self._session.brush
            self._stroke = Stroke(at, at, self._session.brush, event.modifiers())
        super().mousePressEvent(event)

    def _draw(self, position: QPointF) -> None:
        """Go on with a stroke: the brush takes every cell that its rectangle touches."""
        stroke = self._stroke
        assert stroke is not None
        far = (position - stroke.start).manhattanLength() >= QApplication.startDragDistance()
        if not stroke.moved and not far:
            return
        if not stroke.moved:
            stroke.moved = True
            self._point(HOLE)
            self.stroked.emit(True)
        frame, before = self.frame(), QRectF(stroke.start, stroke.end).normalized()
        stroke.end = QPointF(
            min(max(position.x(), frame.left()), frame.right()), min(max(position.y(), frame.top()), frame.bottom())
        )
        found = self.cells.within(QRectF(self._share(stroke.start), self._share(stroke.end)))
        self._session.brush_over(brush.stroke(stroke.before, found, stroke.keys))
        area = before.united(QRectF(stroke.start, stroke.end).normalized())
        self.update(area.toAlignedRect().adjusted(-_EDGE, -_EDGE, _EDGE, _EDGE))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        stroke, self._stroke = self._stroke, None
        if not self.let_go() and stroke is not None:
            if stroke.moved:
                self.stroked.emit(False)
                self.update()
            else:
                self._click(self.cell_at(stroke.start), stroke)
        super().mouseReleaseEvent(event)

    def _click(self, cell: int, stroke: Stroke) -> None:
        if cell >= 0:
            self._cell = self._anchor = self.cells.row_of(cell)
            self._session.brush_over(brush.click(stroke.before, cell, stroke.keys))
        elif cell != HOLE and self._shown is not None:
            brush.offer_back(self._session, self._shown, cell, self, stroke.start.toPoint())
        elif not stroke.keys:
            self._session.brush_over(brush.NOBODY)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._session.brush_over(self._before_click)
        self.show_original(False)
        self.set_zoom(1.0)

    def leaveEvent(self, event: object) -> None:
        self._point(HOLE)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_zoom(self.zoom * 1.25)
        elif key == Qt.Key.Key_Minus:
            self.set_zoom(self.zoom / 1.25)
        elif key == Qt.Key.Key_0:
            self.set_zoom(1.0)
        elif key in _ARROWS and len(self.cells):
            self._walk(*_ARROWS[key], bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space = True
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            super().keyReleaseEvent(event)
            return
        alone, self._space = self._space, None
        cell = self.cells.in_row(*self._cell) if self._cell is not None else HOLE
        if alone and cell >= 0:
            self._session.brush_over(self._session.brush ^ {cell})
        elif alone and cell != HOLE and self._shown is not None:
            at = self.cell_rect(cell).center().toPoint()
            brush.offer_back(self._session, self._shown, cell, self, at)

    def _walk(self, down: int, across: int, brushing: bool) -> None:
        """Go to the next cell; with Shift the brush takes all cells between where it began and here."""
        if self._cell is None:
            self._cell = self._anchor = (0, 0)
        else:
            moved = (self._cell[0] + down, self._cell[1] + across)
            self._cell = moved if self.cells.in_row(*moved) != HOLE else self._cell
        if brushing:
            self._session.brush_over(self.cells.between(self._anchor, self._cell))
        else:
            self._anchor = self._cell
        cell = self.cells.in_row(*self._cell)
        if self.zoom > 1.0 and not self.frame().contains(self.cell_rect(cell)):
            self.move_to(self.cells.box(cell).center())
        self._point(cell)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space = None
        super().focusOutEvent(event)
