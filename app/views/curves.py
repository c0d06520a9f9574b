"""Live curves of a training: the loss, and what it is worth on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.theme import Theme, ThemeSource, set_role, ui_font
from app.views.panel import follow

TURN = 30  # milliseconds between the two plots, so that the window answers between them
_WIDEST = "0.0000"  # figure beside an axis; one that grows with its figures has the plot painted twice
LONGEST = 2000  # steps kept; beyond, every other one goes
# Runs that are laid over each other: told apart by colour and by dashes.
_TOKENS = ("accent", "photo", "words", "past", "attributes", "identity")
_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
MOST_RUNS = len(_TOKENS)


class EpochAxis(pg.AxisItem):
    """Ticks on whole epochs only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        return [level for level in super().tickSpacing(low, high, size) if level[0] >= 1] or [(1.0, 0.0)]


class Plot(QWidget):
    """One plot with its title and the newest figures in the colours of their lines."""

    def __init__(self, title: str, themes: ThemeSource) -> None:
        super().__init__()
        self._themes = themes
        self.plot = pg.PlotWidget(axisItems={"bottom": EpochAxis("bottom")})
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(False, False)
        self.plot.hideButtons()
        menu = self.plot.getPlotItem().ctrlMenu
        menu.setParent(self, menu.windowFlags())  # made without a parent, it would outlive the plot
        self.plot.setAccessibleName(title)
        self._lines: dict[str, tuple[pg.PlotDataItem, str, QLabel]] = {}
        self._runs: list[pg.PlotDataItem] = []
        self.title = QLabel(title)
        set_role(self.title, "heading")
        self._head = QHBoxLayout()
        self._head.setSpacing(14)
        self._head.addWidget(self.title)
        self._head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._head)
        column.addWidget(self.plot, 1)
        themes.changed.connect(self.restyle)

    def add(self, name: str, token: str, *, dots: bool = True, labelled: bool = True) -> None:
        """A line in the colour of a theme token. Without a label it is the fine line behind another."""
        line = self.plot.plot([], [], antialias=True)
        label = QLabel(self)
        label.setVisible(labelled)
        label.setProperty("line", name if labelled else "")
        if labelled:
            self._head.addWidget(label)
        self._lines[name] = (line, token, label)
        line.setData(symbol="o" if dots else None, symbolSize=5)

    def restyle(self, _: object = None) -> None:
        theme: Theme = self._themes.theme
        self.plot.setBackground(theme.panel)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.line))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setTickFont(ui_font(11))
            axis.setStyle(tickLength=0, tickTextOffset=6)
        self.plot.getAxis("left").setWidth(QFontMetrics(ui_font(11)).horizontalAdvance(_WIDEST) + 12)
        self.plot.showGrid(x=False, y=True, alpha=0.12 if theme.dark else 0.1)
        for line, token, label in self._lines.values():
            color = getattr(theme, token)
            faint = not label.property("line")
            line.setPen(pg.mkPen(theme.line if faint else color, width=1 if faint else 2))
            line.setSymbolBrush(pg.mkBrush(color))
            line.setSymbolPen(None)
            label.setStyleSheet(f"color: {color.name()}")
        self._restyle_runs(theme)

    def show_runs(self, runs: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> None:
        """Lay these lines over each other in place of the plot's own; none brings those back."""
        for line in self._runs:
            self.plot.removeItem(line)
        self._runs = [
            self.plot.plot(list(x), list(y), antialias=True, symbol="o", symbolSize=5) for x, y in runs.values()
        ]
        for line, _, label in self._lines.values():
            line.setVisible(not runs)
            label.setVisible(not runs and bool(label.property("line")))
        self.restyle()

    def _restyle_runs(self, theme: Theme) -> None:
        for place, line in enumerate(self._runs):
            colour = getattr(theme, _TOKENS[place])
            line.setPen(pg.mkPen(colour, width=2, style=_DASHES[place % len(_DASHES)]))
            line.setSymbolBrush(pg.mkBrush(colour))
            line.setSymbolPen(None)

    def show_line(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        line, _, label = self._lines[name]
        line.setData(list(x), list(y))
        if label.property("line"):
            label.setText(f"{name} {y[-1]:.3f}" if len(y) else "")

    def show_epochs(self, first: float, last: float) -> None:
        """What the axis below spans, whatever of it has a value yet."""
        self.plot.setXRange(first, last, padding=0.04)

    def settle(self) -> None:
        """Fit the axes to what was changed now. Left to the painting, that has all of it painted a second time."""
        self.plot.scene().prepareForPaint()


class Legend(QWidget):
    """Which line is which run."""

    def __init__(self, themes: ThemeSource) -> None:
        super().__init__()
        self._themes = themes
        self.names: tuple[str, ...] = ()
        self.setFixedHeight(20)
        follow(themes, self)

    def show_names(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.setAccessibleName(", ".join(names))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, measure = self._themes.theme, self.fontMetrics()
        room = max(60, self.width() // max(1, len(self.names)) - 44)
        x, middle = 0, self.height() / 2
        for place, name in enumerate(self.names):
            painter.setPen(QPen(getattr(theme, _TOKENS[place]), 2, _DASHES[place % len(_DASHES)]))
            painter.drawLine(QPointF(x, middle), QPointF(x + 24, middle))
            painter.setPen(theme.text)
            text = measure.elidedText(name, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QPointF(x + 30, middle + measure.ascent() / 2 - 1), text)
            x += 30 + measure.horizontalAdvance(text) + 16


class Curves(QWidget):
    """Both plots side by side; `show_rows` draws a run's history, `step` and `epoch` add to it as it goes."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss = Plot(self.tr("Loss"), themes)
        self._loss.add("steps", "line", dots=False, labelled=False)
        self._mean = self.tr("mean")  # asked once: the language may change while this view is on its way out
        self._loss.add(self._mean, "accent")
        self._worth = Plot(self.tr("On validation"), themes)
        self._worth.add("NDCG@10", "words")
        self._worth.add("Recall@10", "attributes")
        for plot in (self._loss, self._worth):
            plot.restyle()
            plot.plot.setLabel("bottom", "")
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(20)
        row.addWidget(self._loss, 1)
        row.addWidget(self._worth, 1)
        empty = QLabel(self.tr("The loss and the figures on validation are drawn here while a model trains."))
        set_role(empty, "muted")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.legend = Legend(themes)
        self.legend.hide()
        plots = QWidget()
        column = QVBoxLayout(plots)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(both, 1)
        column.addWidget(self.legend)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(empty)
        self._stack.addWidget(plots)
        self.compared: dict[str, list[dict[str, float]]] = {}  # runs laid over each other: name -> rows
        self.rows: list[dict[str, float]] = []
        self._steps: list[tuple[float, float]] = []
        self._planned = 0  # epochs of the training under way: there is room for all of them from its first step on
        self._late = False  # something came while another view was in front
        self._turn = QTimer(self, singleShot=True, interval=TURN)
        self._turn.timeout.connect(self._draw_worth)

    def show_rows(self, rows: Sequence[dict[str, float]]) -> None:
        """Show these epochs and nothing else."""
        self.rows = list(rows)
        self._steps = []
        self._draw()

    def compare(self, runs: Mapping[str, Sequence[dict[str, float]]]) -> None:
        """Lay the courses of several runs over each other; fewer than two show the one run again."""
        self.compared = {name: list(rows) for name, rows in list(runs.items())[:MOST_RUNS]} if len(runs) > 1 else {}

        def line(figure: str) -> dict[str, tuple[list[float], list[float]]]:
            return {
                name: ([row["epoch"] for row in rows if figure in row], [row[figure] for row in rows if figure in row])
                for name, rows in self.compared.items()
            }

        self._loss.show_runs(line("loss"))
        self._worth.show_runs(line("ndcg@10"))
        whole = self.tr("NDCG@10 on validation") if self.compared else self.tr("On validation")
        self._worth.title.setText(whole)
        self.legend.show_names(tuple(self.compared))
        self.legend.setVisible(bool(self.compared))
        self._draw()

    def step(self, epoch: float, share: float, loss: float) -> None:
        """One step of an epoch: `share` 0..1 of it is done."""
        self._steps.append((epoch - 1 + share, loss))
        if len(self._steps) > LONGEST:
            self._steps = self._steps[::2]

    def epoch(self, row: dict[str, float]) -> None:
        self.rows = [one for one in self.rows if one["epoch"] < row["epoch"]] + [row]
        if not self._waits():
            self._draw_loss()
            self._turn.start()

    def plan(self, epochs: int) -> None:
        """Keep room for as many epochs as a training under way shall have; 0 when it is over, perhaps before them."""
        if epochs != self._planned:
            self._planned = epochs
            self._draw()

    def draw_steps(self) -> None:
        """Draw the steps that came since the last frame."""
        if self._waits():
            return
        self._stack.setCurrentIndex(1 if self.rows or self._steps or self.compared else 0)
        self._loss.show_line("steps", [x for x, _ in self._steps], [y for _, y in self._steps])
        self._loss.show_epochs(0.0 if self._steps and not self.compared else 1.0, self._last())
        self._loss.settle()

    def _last(self) -> float:
        """The epoch at the right end of both plots."""
        courses = self.compared.values() if self.compared else [self.rows]
        known = [row["epoch"] for rows in courses for row in rows]
        return max(2.0, *known, 0.0 if self.compared else float(self._planned))

    def _waits(self) -> bool:
        """Whether to draw when this is in sight again: a training goes on behind the other views."""
        self._late = not self.isVisible() and self.window().isVisible()
        return self._late

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._late:
            self._draw()

    def _draw(self) -> None:
        if self._waits():
            return
        self._draw_loss()
        self._draw_worth()

    def _draw_loss(self) -> None:
        self._loss.show_line(self._mean, [row["epoch"] for row in self.rows], [row["loss"] for row in self.rows])
        self.draw_steps()

    def _draw_worth(self) -> None:
        self._turn.stop()
        x = [row["epoch"] for row in self.rows]
        self._worth.show_line("NDCG@10", x, [row["ndcg@10"] for row in self.rows])
        self._worth.show_line("Recall@10", x, [row["recall@10"] for row in self.rows])
        top = max((row["recall@10"] for row in self.rows), default=0.0)
        if self.compared:
            shown = [row["ndcg@10"] for rows in self.compared.values() for row in rows if "ndcg@10" in row]
            top = max(shown, default=0.0)
        self._worth.plot.setYRange(0.0, max(top, 1e-3) * 1.08, padding=0)
        self._worth.show_epochs(1.0, self._last())
        self._worth.settle()
