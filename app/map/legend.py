"""What the colours of the map mean: categories with their shape and count, or a scale with its values."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.map.colours import Colouring, Entry, hue, packed, scale_colours, sprite
from app.map.names import amount, value_name
from app.theme import ThemeSource, mix, ui_font
from app.views.panel import FocusRing, follow

_ROW = 22
_SCALE = 66


class Legend(QWidget):
    """Choosing a line selects its points: by mouse, or by the arrow keys and Enter."""

    chosen = Signal(int)  # a code
    resized = Signal(int)  # its height
    lit = Signal(int)  # how far down the line that the keyboard is on lies

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._found: Colouring | None = None
        self._lit = -1
        self.ring = FocusRing(self)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("What the colours mean"))
        follow(themes, self)

    def show_colouring(self, found: Colouring | None) -> None:
        self._found, self._lit = found, -1
        rows = len(found.entries) if found is not None else 0
        scale = found is not None and found.level is not None
        self.setFixedHeight(_SCALE if scale else rows * _ROW)
        self.resized.emit(self.height())
        self.setVisible(bool(rows or scale))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if rows else Qt.FocusPolicy.NoFocus)
        said = [f"{self._name(entry)}: {entry.count:,}" for entry in self._entries]
        self.setAccessibleDescription("; ".join(said))
        self.update()

    @property
    def _entries(self) -> tuple[Entry, ...]:
        return self._found.entries if self._found is not None else ()

    def _name(self, entry: Entry) -> str:
        assert self._found is not None
        assert self._found.column is not None
        return value_name(self._found.column, entry.name)

    def _row(self, down: float) -> int:
        row = int(down // _ROW)
        return row if 0 <= row < len(self._entries) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._light(self._row(event.position().y()))

    def leaveEvent(self, event: object) -> None:
        self._light(-1)

    def _light(self, row: int) -> None:
        if row != self._lit:
            self._lit = row
            self.setToolTip(self.tr("Select these points") if row >= 0 else "")
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row(event.position().y())
        if row >= 0:
            self.chosen.emit(self._entries[row].code)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self._entries:
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            self._light(max(0, min(len(self._entries) - 1, self._lit + step)))
            self.lit.emit(self._lit * _ROW + _ROW // 2)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._lit >= 0:
            self.chosen.emit(self._entries[self._lit].code)
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(220, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        found = self._found
        if found is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if found.level is not None:
            self._draw_scale(painter, found)
        else:
            self._draw_entries(painter)

    def _draw_entries(self, painter: QPainter) -> None:
        theme = self._themes.theme
        painter.setFont(ui_font(13))
        for row, entry in enumerate(self._entries):
            box = QRectF(0, row * _ROW, self.width(), _ROW)
            if row == self._lit:
                painter.setPen(QPen(theme.accent, 1.5) if self.ring.on else Qt.PenStyle.NoPen)
                painter.setBrush(mix(theme.text, theme.panel, 0.05))
                painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
            color, ground = packed(hue(theme, entry.code)), packed(theme.panel)
            pixmap = sprite(entry.code, color, ground, 11.0, self.devicePixelRatioF())
            half = pixmap.deviceIndependentSize().width() / 2
            painter.drawPixmap(QPointF(12 - half, box.center().y() - half), pixmap)
            count = f"{entry.count:,}"
            wide = painter.fontMetrics().horizontalAdvance(count)
            painter.setPen(theme.muted)
            painter.drawText(
                box.adjusted(0, 0, -6, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, count
            )
            name = painter.fontMetrics().elidedText(
                self._name(entry), Qt.TextElideMode.ElideRight, self.width() - 26 - wide - 16
            )
            painter.setPen(theme.text)
            painter.drawText(
                box.adjusted(26, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name
            )

    def _draw_scale(self, painter: QPainter, found: Colouring) -> None:
        theme, column = self._themes.theme, found.column
        assert column is not None
        bar = QRectF(4, 4, self.width() - 8, 12)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        colours = scale_colours(theme)
        for at, (red, green, blue) in zip(np.linspace(0, 1, len(colours)), colours.tolist(), strict=True):
            gradient.setColorAt(float(at), QColor(red, green, blue))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, 3, 3)
        painter.setFont(ui_font(11))
        painter.setPen(theme.muted)
        shown = {0: Qt.AlignmentFlag.AlignLeft, 2: Qt.AlignmentFlag.AlignHCenter, 4: Qt.AlignmentFlag.AlignRight}
        for tick, side in shown.items():
            if tick < len(found.ticks):
                painter.drawText(QRectF(4, 20, self.width() - 8, 16), side, amount(column, found.ticks[tick]))
        note = self.tr("The colour is the place in the order: the middle is the median.")
        painter.drawText(QRectF(4, 37, self.width() - 8, 30), Qt.TextFlag.TextWordWrap, note)
