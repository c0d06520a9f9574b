"""The figures of a check, each as a dot with its interval against what is asked of it, and in words."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.audit.checks import verdict_colour
from app.audit.words import MARKS, figure_name, shown
from app.theme import ThemeSource, ui_font
from app.views.panel import LEFT, RIGHT
from engine.audit.check import Figure, Result

ROW, MOST = 48, 60  # pixels of a row; figures drawn
_LINE = 20  # pixels of a row's name, above its drawing
_SAID = 0.62  # share of the width that the number takes beside the drawing


class FiguresView(QWidget):
    """One row per figure, on one scale for all figures of a name, since different ones have different units."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._result: Result | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Figures of the check"))
        themes.changed.connect(self._repaint)

    def show_result(self, result: Result | None) -> None:
        self._result = result
        self.setAccessibleDescription("; ".join(self.lines()))
        self.updateGeometry()
        self.update()

    def figures(self) -> list[tuple[int, Figure]]:
        """Those that are drawn, with their places in the result."""
        return list(enumerate(self._result.figures))[:MOST] if self._result is not None else []

    def lines(self) -> list[str]:
        """The rows in words."""
        if self._result is None:
            return []
        return [f"{figure_name(self._result.check, figure)}: {shown(figure)}" for _, figure in self.figures()]

    def sizeHint(self) -> QSize:
        return QSize(420, ROW * len(self.figures()))

    def minimumSizeHint(self) -> QSize:
        return QSize(300, self.sizeHint().height())

    def _repaint(self, *_: object) -> None:
        self.update()

    def _scale(self, name: str) -> tuple[float, float]:
        assert self._result is not None
        values = [0.0] if name not in ("auc", "region_auc", "word_auc") else [0.5]
        for figure in self._result.figures:
            if figure.name == name:
                values += [value for value in (figure.value, figure.low, figure.high) if value is not None]
        asked_of = next((one for one in self._result.thresholds if one.figure == name), None)
        if asked_of is not None:
            values += [value for value in (asked_of.at_least, asked_of.at_most) if value is not None]
        low, high = min(values), max(values)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def paintEvent(self, event: QPaintEvent) -> None:
        result, theme = self._result, self._themes.theme
        if result is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(ui_font())
        metrics = painter.fontMetrics()
        for row, (place, figure) in enumerate(self.figures()):
            top = row * ROW
            if not event.rect().intersects(QRectF(0, top, self.width(), ROW).toRect()):
                continue
            verdict = result.verdicts[place]
            judged = verdict in ("fail", "unsure", "pass")
            said = shown(figure)
            name = f"{MARKS[verdict]} " * judged + figure_name(result.check, figure)
            line = QRectF(0, top, self.width(), _LINE)
            painter.setPen(verdict_colour(theme, verdict) if judged else theme.text)
            painter.drawText(line, LEFT, metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, self.width()))
            painter.setPen(theme.text)
            below = QRectF(0, top + _LINE, self.width(), ROW - _LINE - 6)
            painter.drawText(below, RIGHT, said)
            self._draw(painter, result, figure, below.adjusted(0, 1, -_SAID * self.width(), -1))
        painter.end()

    def _draw(self, painter: QPainter, result: Result, figure: Figure, area: QRectF) -> None:
        theme = self._themes.theme
        low, high = self._scale(figure.name)
        inner = area.adjusted(6, 0, -6, 0)

        def x(value: float) -> float:
            return inner.left() + (value - low) / (high - low) * inner.width()

        middle = area.center().y()
        painter.setPen(QPen(theme.line, 1))
        painter.drawLine(QPointF(inner.left(), middle), QPointF(inner.right(), middle))
        if low < 0 < high:  # of differences: whether an interval holds it is what they say
            painter.setPen(QPen(theme.muted, 1))
            painter.drawLine(QPointF(x(0), area.top() + 3), QPointF(x(0), area.bottom() - 3))
        threshold = result.threshold(figure)
        for bound in (threshold.at_least, threshold.at_most) if threshold is not None else ():
            if bound is not None:
                painter.setPen(QPen(theme.muted, 1.5, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(x(bound), area.top()), QPointF(x(bound), area.bottom()))
        painter.setPen(QPen(theme.text, 2))
        if figure.low is not None and figure.high is not None:
            painter.drawLine(QPointF(x(figure.low), middle), QPointF(x(figure.high), middle))
        painter.setBrush(theme.text)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(x(figure.value), middle), 4, 4)
