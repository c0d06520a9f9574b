"""The first look around: four places of Explore, one after the other, each with a sentence or two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import ThemeSource, faded, set_role
from app.views.panel import focus_again

_GAP = 12
_WIDTH = 320


@dataclass(frozen=True)
class Stop:
    """A place to look at, and what is said of it."""

    place: Callable[[], QWidget | None]
    title: str
    text: str


class Tour(QWidget):
    """Lies over the whole window: all but the place that is spoken of is dimmed. Arrows, Enter and Escape work too."""

    ended = Signal()

    def __init__(self, window: QWidget, themes: ThemeSource, stops: list[Stop]) -> None:
        super().__init__(window)
        self._themes = themes
        self._stops = stops
        self.at = 0
        self._before = QApplication.focusWidget()
        self._over = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.card = QFrame(self)
        set_role(self.card, "panel")
        self._count = QLabel()
        set_role(self._count, "small")
        self.title = QLabel()
        set_role(self.title, "strong")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.skip = QPushButton(self.tr("Skip"))
        set_role(self.skip, "quiet")
        self.back = QPushButton(self.tr("Back"))
        self.next = QPushButton()
        set_role(self.next, "primary")
        self.skip.clicked.connect(self.end)
        self.back.clicked.connect(lambda: self.go(self.at - 1))
        self.next.clicked.connect(lambda: self.go(self.at + 1))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.skip)
        buttons.addStretch(1)
        buttons.addWidget(self.back)
        buttons.addWidget(self.next)
        column = QVBoxLayout(self.card)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(6)
        for widget in (self._count, self.title, self.text):
            column.addWidget(widget)
        column.addSpacing(6)
        column.addLayout(buttons)
        self.card.setFixedWidth(_WIDTH)
        window.installEventFilter(self)
        self.resize(window.size())
        self.show()
        self.raise_()
        self.go(0)

    def go(self, stop: int) -> None:
        """Speak of another place; beyond the last one the tour ends."""
        if stop >= len(self._stops):
            self.end()
            return
        self.at = max(stop, 0)
        here = self._stops[self.at]
        self._count.setText(self.tr("Step {n} of {all}").format(n=self.at + 1, all=len(self._stops)))
        self.title.setText(here.title)
        self.text.setText(here.text)
        self.back.setVisible(self.at > 0)
        last = self.at == len(self._stops) - 1
        self.next.setText(self.tr("Done") if last else self.tr("Next"))
        self.setAccessibleName(here.title)
        self.setAccessibleDescription(here.text)
        self._place()
        self.next.setFocus()
        self.update()

    def end(self) -> None:
        """The keyboard goes back to where it was."""
        if self._over:
            return
        self._over = True
        focus_again(self._before)
        self.hide()
        self.ended.emit()
        self.deleteLater()

    def spot(self) -> QRect:
        """The place that is spoken of, in our own pixels; empty when it is not to be seen."""
        widget = self._stops[self.at].place()
        if widget is None or not widget.isVisible():
            return QRect()
        return QRect(widget.mapTo(self.window(), widget.rect().topLeft()), widget.size()).intersected(self.rect())

    def _place(self) -> None:
        """Put the card where it covers least of the place: right of it, left, below, above, else within."""
        self.card.adjustSize()
        spot, card = self.spot(), self.card.size()
        middle_x = min(max(spot.center().x() - card.width() // 2, _GAP), self.width() - card.width() - _GAP)
        middle_y = min(max(spot.center().y() - card.height() // 2, _GAP), self.height() - card.height() - _GAP)
        places = (
            (spot.right() + _GAP, middle_y),
            (spot.left() - _GAP - card.width(), middle_y),
            (middle_x, spot.bottom() + _GAP),
            (middle_x, spot.top() - _GAP - card.height()),
        )
        room = self.rect().adjusted(4, 4, -4, -4)
        for x, y in places:
            if room.contains(QRect(x, y, card.width(), card.height())):
                self.card.move(x, y)
                return
        self.card.move(middle_x, middle_y)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.window():
            self.resize(self.window().size())
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QPainterPath()
        veil.addRect(QRectF(self.rect()))
        hole = QPainterPath()
        spot = QRectF(self.spot())
        if not spot.isEmpty():
            hole.addRoundedRect(spot.adjusted(-4, -4, 4, 4), 10, 10)
        painter.fillPath(veil.subtracted(hole), faded(QColor("#000000"), 0.45))
        painter.setPen(QPen(self._themes.theme.accent, 2))
        painter.drawPath(hole)
        painter.end()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays with the card, as the mouse does."""
        if self._over:
            return super().focusNextPrevChild(forward)
        stops = [one for one in (self.skip, self.back, self.next) if one.isVisible()]
        here = next((place for place, one in enumerate(stops) if one.hasFocus()), -1)
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        stops[(here + (1 if forward else -1)) % len(stops)].setFocus(reason)
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Nothing beneath is clicked by accident."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.end()
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.go(self.at + 1)
        elif key == Qt.Key.Key_Left:
            self.go(self.at - 1)
        else:
            super().keyPressEvent(event)
