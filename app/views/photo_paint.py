"""What is painted over a photo: the hatching of removed cells, the brush, the rubber band, a note in the corner."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from app.theme import Theme, faded, ui_font

_HATCH = 7.0  # pixels between the lines over a removed cell


def paint_removed(painter: QPainter, theme: Theme, boxes: Sequence[QRectF], lines: Sequence[QLineF]) -> None:
    """Removed cells: greyed out under slanting lines, with one outline about them all."""
    if not boxes:
        return
    region = QPainterPath()
    for box in boxes:
        region.addRect(box)
    around = region.boundingRect()
    painter.save()
    painter.setClipPath(region, Qt.ClipOperation.IntersectClip)
    painter.fillRect(around, faded(theme.panel, 0.72))
    painter.setPen(QPen(faded(theme.muted, 0.8), 1))
    x = around.left() - around.height()
    while x < around.right():
        painter.drawLine(QPointF(x, around.bottom()), QPointF(x + around.height(), around.top()))
        x += _HATCH
    painter.restore()
    painter.setPen(QPen(theme.muted, 1, Qt.PenStyle.DashLine))
    painter.drawLines(list(lines))


def paint_brush(painter: QPainter, theme: Theme, boxes: Sequence[QRectF], lines: Sequence[QLineF]) -> None:
    """Brushed cells: tinted, with a two-coloured outline that reads on every photo."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for box in boxes:
        painter.fillRect(box, faded(theme.accent, 0.22))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for color, width in ((Qt.GlobalColor.white, 4.0), (theme.accent, 2.0)):
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLines(list(lines))


def paint_rubber(painter: QPainter, theme: Theme, area: QRectF) -> None:
    """The rectangle that a drag draws."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(Qt.GlobalColor.white, 1))
    painter.drawRect(area)
    painter.setPen(QPen(theme.accent, 1, Qt.PenStyle.DashLine))
    painter.drawRect(area)


def paint_note(painter: QPainter, theme: Theme, frame: QRectF, text: str) -> None:
    """A few words in the lower left corner."""
    painter.setFont(ui_font(11))
    metrics = painter.fontMetrics()
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(frame.width() - 32))
    place = QRectF(frame.left() + 8, frame.bottom() - 30, metrics.horizontalAdvance(text) + 16, 22)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(theme.tip, 0.9))
    painter.drawRoundedRect(place, 6, 6)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
