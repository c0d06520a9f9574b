"""How the values of a column lie: bars to look at and to click, drawn by hand."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.data import cells
from app.theme import ThemeSource, faded, mix, ui_font
from app.views.panel import FocusRing, Tip, follow
from engine.dataset.tables import Column, Distribution, Filter

_TALL = 94
_LINE = 26
_FOOT = 20


class Chart(QWidget):
    """A histogram of numbers or times; for texts one bar per value, the commonest first. A click makes a filter."""

    filter_asked = Signal(object)  # Filter

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._shown: Distribution | None = None
        self._column: Column | None = None
        self._current = -1
        self._hovered = -1
        self._font, self._small = ui_font(12), ui_font(11)
        self._ring = FocusRing(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Distribution"))
        follow(themes, self)

    def put(self, column: Column | None, shown: Distribution | None) -> None:
        self._column, self._shown = column, shown
        self._current = self._hovered = -1
        self._tell()
        self.updateGeometry()
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    @property
    def bars(self) -> int:
        if self._shown is None:
            return 0
        return len(self._shown.counts) or len(self._shown.top)

    def sizeHint(self) -> QSize:
        if self._shown is None or not self.bars:
            return QSize(220, 0)
        return QSize(220, _TALL + _FOOT if self._shown.counts else _LINE * len(self._shown.top))

    def label(self, bar: int) -> str:
        """What a bar stands for."""
        assert self._shown is not None
        if not self._shown.counts:
            return self._shown.top[bar][0]
        low, high = self._shown.edges[bar], self._shown.edges[bar + 1]
        return self._edge(low) if self._shown.single else f"{self._edge(low)} – {self._edge(high)}"

    def count(self, bar: int) -> int:
        assert self._shown is not None
        return self._shown.counts[bar] if self._shown.counts else self._shown.top[bar][1]

    def filter_of(self, bar: int) -> Filter:
        """The condition that keeps what a bar counts."""
        assert self._shown is not None
        if not self._shown.counts:
            return Filter(self._shown.column, "is", self._shown.top[bar][0])
        low, high = self._shown.edges[bar], self._shown.edges[bar + 1]
        last = bar == len(self._shown.counts) - 1
        beyond = 1.0 if self._shown.kind == "time" else (high - low) * 1e-6
        return Filter(self._shown.column, "between", low, high + beyond if last else high)

    def _edge(self, value: float) -> str:
        assert self._column is not None
        if self._column.kind == "time":
            return cells.moment(value, True)
        return cells.figure(value, grouped=not self._column.attribute)

    def bar_box(self, bar: int) -> QRectF:
        """Where a bar can be pointed at: the whole height of a histogram's, the whole line of a value's."""
        if self._shown is not None and self._shown.counts:
            wide = self.width() / self.bars
            return QRectF(bar * wide, 0, wide, _TALL)
        return QRectF(0, bar * _LINE, self.width(), _LINE)

    def _bar_at(self, point: QPointF) -> int:
        return next((bar for bar in range(self.bars) if self.bar_box(bar).contains(point)), -1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._shown is not None and self.bars:
            self._draw_bars(painter)
        if self._ring.on:
            current = 0 <= self._current < self.bars
            box = self.bar_box(self._current) if current else QRectF(self.rect())
            painter.setPen(QPen(self._themes.theme.accent, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def _draw_bars(self, painter: QPainter) -> None:
        assert self._shown is not None
        tallest = max(self.count(bar) for bar in range(self.bars)) or 1
        for bar in range(self.bars):
            if self._shown.counts:
                self._draw_tall(painter, bar, tallest)
            else:
                self._draw_line(painter, bar, tallest)
        if self._shown.counts:
            self._draw_foot(painter)

    def _draw_tall(self, painter: QPainter, bar: int, tallest: int) -> None:
        theme, box = self._themes.theme, self.bar_box(bar)
        if bar == self._hovered:
            painter.fillRect(box, mix(theme.text, theme.panel, 0.05))
        height = (_TALL - 8) * self.count(bar) / tallest
        height = max(height, 1.5) if self.count(bar) else 0
        gap = 1.0 if box.width() > 5 else 0.25
        place = QRectF(box.left() + gap, _TALL - height, box.width() - 2 * gap, height)
        painter.fillRect(place, theme.accent if bar == self._hovered else faded(theme.accent, 0.65))

    def _draw_line(self, painter: QPainter, bar: int, tallest: int) -> None:
        theme, box = self._themes.theme, self.bar_box(bar).adjusted(0, 1, 0, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(theme.accent, 0.32 if bar == self._hovered else 0.18))
        painter.drawRoundedRect(
            QRectF(box.left(), box.top(), max(box.width() * self.count(bar) / tallest, 3), box.height()), 4, 4
        )
        painter.setFont(self._font)
        number = cells.count(self.count(bar))
        wide = painter.fontMetrics().horizontalAdvance(number)
        painter.setPen(theme.muted)
        painter.drawText(box.adjusted(0, 0, -6, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        painter.setPen(theme.text)
        room = int(box.width() - wide - 24)
        cut = painter.fontMetrics().elidedText(self.label(bar).replace("\n", " "), Qt.TextElideMode.ElideRight, room)
        painter.drawText(box.adjusted(8, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, cut)

    def _draw_foot(self, painter: QPainter) -> None:
        theme = self._themes.theme
        assert self._shown is not None
        painter.setPen(theme.line)
        painter.drawLine(QPointF(0, _TALL + 0.5), QPointF(self.width(), _TALL + 0.5))
        painter.setFont(self._small)
        painter.setPen(theme.muted)
        foot = QRectF(0, _TALL + 3, self.width(), _FOOT - 3)
        if self.bars == 1 and self._shown.single:
            painter.drawText(foot, Qt.AlignmentFlag.AlignHCenter, self.label(0))
            return
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, self._edge(self._shown.edges[0]))
        last = self._shown.edges[-2 if self._shown.single else -1]
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, self._edge(last))

    # --- mouse and keys ---------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._bar_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._point(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        bar = self._bar_at(event.position())
        if bar >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._current = bar
            self._point(-1)
            self.filter_asked.emit(self.filter_of(bar))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {
            Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1,
        }.get(Qt.Key(event.key()), 0)  # fmt: skip
        if step and self.bars:
            self._current = min(max(self._current + step, 0), self.bars - 1)
            self._point(self._current)
            self._tell()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and 0 <= self._current < self.bars:
            self.filter_asked.emit(self.filter_of(self._current))
        else:
            super().keyPressEvent(event)

    def _tell(self) -> None:
        if 0 <= self._current < self.bars:
            self.setAccessibleDescription(f"{self.label(self._current)}: {cells.count(self.count(self._current))}")

    def _point(self, bar: int) -> None:
        if bar == self._hovered:
            return
        self._hovered = bar
        self.update()
        tip = Tip.of(self)
        if bar < 0 or self._shown is None:
            tip.hide()
            return
        lines = [cells.count(self.count(bar)), self.tr("Click to keep only these")]
        box = self.bar_box(bar).toRect()
        tip.say(
            self._themes, QRect(box.left(), box.top(), box.width(), box.height()), self, self.label(bar)[:80], lines
        )
