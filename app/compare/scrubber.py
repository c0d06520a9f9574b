"""A scrubber over the epochs that a run has kept: a slider, the validation figure of each under it, play and pause."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QVBoxLayout, QWidget

from app.compare.choice import FINISHED
from app.theme import ThemeSource, icon, set_role
from app.views.panel import follow
from app.views.shown import number

BEAT = 900  # milliseconds between two epochs while playing
_HANDLE = 12  # pixels, as the style sheet has it


class Slider(QSlider):
    """Arrows, Home and End move it; Space plays."""

    play_asked = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.play_asked.emit()
            return
        super().keyPressEvent(event)


class Curve(QWidget):
    """The validation figure of each epoch, under the slider's places."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._figures: list[float | None] = []
        self._at = 0
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow(themes, self)

    def show_figures(self, figures: list[float | None], at: int) -> None:
        self._figures, self._at = figures, at
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        known = [one for one in self._figures if one is not None]
        if len(known) < 2:
            return
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        least, most = min(known), max(known)
        room = QRectF(self.rect()).adjusted(_HANDLE / 2, 4, -_HANDLE / 2, -4)
        steps = max(1, len(self._figures) - 1)

        def lies(place: int, figure: float) -> QPointF:
            share = (figure - least) / (most - least) if most > least else 0.5
            return QPointF(room.left() + room.width() * place / steps, room.bottom() - share * room.height())

        points = [lies(place, one) for place, one in enumerate(self._figures) if one is not None]
        painter.setPen(QPen(theme.muted, 1.2))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.muted)
        for point in points:
            painter.drawEllipse(point, 1.8, 1.8)
        here = self._figures[self._at] if self._at < len(self._figures) else None
        if here is not None:
            painter.setBrush(theme.accent)
            painter.drawEllipse(lies(self._at, here), 3.5, 3.5)
        painter.end()


class EpochScrubber(QWidget):
    """`chosen` tells an epoch, FINISHED for the finished run. `ready` says whether the last answer is there: playing
    waits for it."""

    chosen = Signal(int)

    def __init__(self, themes: ThemeSource, side: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._epochs: tuple[int, ...] = ()
        self._figures: dict[int, float] = {}
        self.ready = True
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Epoch, {side}").format(side=side))
        self.slider.setToolTip(self.tr("Arrow keys go from epoch to epoch, Space plays"))
        self.slider.setPageStep(1)
        self.curve = Curve(themes)
        self.play = QToolButton()
        self.play.setAccessibleName(self.tr("Play the epochs, {side}").format(side=side))
        self.play.setToolTip(self.tr("Play the epochs one after the other (Space)"))
        self.play.setCheckable(True)
        self.label = QLabel()
        set_role(self.label, "small")
        self.label.setMinimumWidth(150)
        self.label.setToolTip(
            self.tr(
                "An epoch is the network alone, as it was validated. What comes after training, the linear term, new "
                "products and the last epochs on all events, is in the finished run only."
            )
        )
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.slider)
        column.addWidget(self.curve)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addLayout(column, 1)
        row.addWidget(self.label)
        self._beat = QTimer(self, interval=BEAT)
        self._beat.timeout.connect(self._step)
        self.slider.valueChanged.connect(self._moved)
        self.slider.play_asked.connect(self.play.toggle)
        self.play.toggled.connect(self._play)
        themes.changed.connect(self._dress)
        self._dress()

    def fill(self, epochs: tuple[int, ...], at: int | None) -> None:
        """Offer these epochs, `at` chosen; nothing is told."""
        self._epochs = epochs
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(epochs) - 1))
        self.slider.setValue(epochs.index(at) if at in epochs else 0)
        self.slider.blockSignals(False)
        self._say()

    def show_figures(self, figures: dict[int, float]) -> None:
        """figures: validation NDCG@10 of each epoch."""
        self._figures = figures
        self._say()

    @property
    def playing(self) -> bool:
        return self.play.isChecked()

    def stop(self) -> None:
        self.play.setChecked(False)

    def _moved(self, _place: int) -> None:
        self._say()
        if self._epochs:
            self.chosen.emit(self._epochs[self.slider.value()])

    def _say(self) -> None:
        place = self.slider.value()
        if place >= len(self._epochs):
            self.label.setText("")
            return
        epoch = self._epochs[place]
        name = self.tr("finished run") if epoch == FINISHED else self.tr("epoch {n}").format(n=epoch)
        figure = self._figures.get(epoch)
        if figure is not None:
            name += "\n" + self.tr("validation NDCG@10 {figure}").format(figure=number(figure, 3))
        elif epoch == FINISHED:
            name += "\n" + self.tr("with all that follows training")
        self.label.setText(name)
        self.slider.setAccessibleDescription(name.replace("\n", ", "))
        self.curve.show_figures([self._figures.get(one) for one in self._epochs], place)

    def _play(self, on: bool) -> None:
        if on and self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._beat.start() if on else self._beat.stop()
        self._dress()

    def _step(self) -> None:
        if not self.ready:
            return
        if self.slider.value() >= self.slider.maximum():
            self.stop()
        else:
            self.slider.setValue(self.slider.value() + 1)

    def hideEvent(self, event: object) -> None:
        self.stop()
        super().hideEvent(event)  # type: ignore[arg-type]

    def _dress(self, *_: object) -> None:
        self.play.setIcon(icon("pause" if self.playing else "play", self._themes.theme.text))
