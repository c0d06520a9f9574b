"""Attributes and links as signed bars about one zero, the strongest first."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource, mix, modality_color, sign_color, ui_font
from app.views.heat import distrust
from app.views.panel import FocusRing, Tip, follow
from app.views.shown import Shown, digits, percent, signed, token_name

ROW = 22
FEW = 8  # rows shown until more are asked for


class BarsView(QWidget):
    """One row per attribute or link: its label, its bar, its number."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._font = ui_font(13)
        self._small = ui_font(12)
        self._shown: Shown | None = None
        self._all: list[int] = []
        self.rows: list[int] = []
        self._everything = False
        self._at = -1
        self._look: tuple[str | None, frozenset[int]] = (None, frozenset())  # what the pointer lights here
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Attributes and links"))
        self.setAccessibleDescription(self.tr("The up and down arrows go from row to row."))
        session.pointed_changed.connect(self._repaint)
        follow(themes, self)

    def fill(self, shown: Shown | None) -> None:
        self._shown = shown
        self._all = []
        if shown is not None:
            rows = [*shown.indices["attribute"], *shown.indices["link"]]
            self._all = sorted((int(row) for row in rows), key=lambda row: -abs(float(shown.values[row])))
        self._take()

    def show_everything(self, on: bool) -> None:
        self._everything = on
        self._take()

    def more(self) -> int:
        """How many rows there are beyond the first few."""
        return max(0, len(self._all) - FEW)

    def _take(self) -> None:
        # One more row costs less than a button that says there is one more.
        self.rows = self._all if self._everything or len(self._all) <= FEW + 1 else self._all[:FEW]
        self._at = -1
        self.setVisible(bool(self.rows))
        self.setFixedHeight(max(1, ROW * len(self.rows)))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, max(1, ROW * len(self.rows)))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, ROW)

    def _columns(self) -> tuple[float, float, float]:
        """The right edge of the labels, where bars end, the width of the numbers."""
        width = float(self.width())
        numbers = 58.0
        return min(width * 0.46, 210.0), width - numbers - 8, numbers

    def _row_rect(self, place: int) -> QRectF:
        return QRectF(0, place * ROW, self.width(), ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        shown = self._shown
        if shown is None or not self.rows:
            return
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        values = [float(shown.values[row]) for row in self.rows]
        most, least = max(0.0, *values), max(0.0, *(-value for value in values))
        start, end, numbers = self._columns()
        start += 8
        scale = (end - start) / (most + least) if most + least > 0 else 0.0
        zero = start + least * scale
        pointed = self._session.pointed
        for place, (row, value) in enumerate(zip(self.rows, values, strict=True)):
            token = shown.explanation.tokens[row]
            painter.setOpacity(0.35 if pointed.part and pointed.part != token.modality else 1.0)
            box = self._row_rect(place)
            if row in pointed.tokens:
                painter.setPen(QPen(theme.accent, 1.5))
                painter.setBrush(mix(theme.selected, theme.panel, 0.7))
                painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
            painter.setFont(self._font)
            painter.setPen(theme.text)
            label = painter.fontMetrics().elidedText(token_name(token), Qt.TextElideMode.ElideRight, int(start - 16))
            painter.drawText(box.adjusted(2, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, label)
            length = max(1.0, abs(value) * scale)
            bar = QRectF(zero if value >= 0 else zero - length, box.center().y() - 4, length, 8)
            color = modality_color(theme, token.modality) if shown.attention else sign_color(theme, value)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(distrust(shown, theme) or color)
            painter.drawRoundedRect(bar, min(2.0, length / 2), 2)
            painter.setFont(self._small)
            painter.setPen(theme.muted)
            text = percent(value) if shown.attention else signed(value, digits(max(most, least)))
            where = QRectF(box.right() - numbers - 4, box.top(), numbers, ROW)
            painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setOpacity(1.0)
        if least > 0 and most > 0:
            painter.setPen(QPen(theme.line, 1))
            painter.drawLine(QPointF(zero - 0.5, 3), QPointF(zero - 0.5, self.height() - 3))
        if self.ring.on and not pointed.tokens:
            painter.setPen(QPen(theme.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _point(self, place: int) -> None:
        if self._shown is None or not 0 <= place < len(self.rows):
            if self._session.pointed != NOTHING:
                self._session.point(NOTHING)
            Tip.of(self).hide()
            return
        token = self.rows[place]
        label, lines = self._shown.tip(token)
        near = self._row_rect(place).adjusted(self._columns()[0], 0, 0, 0).toAlignedRect()
        Tip.of(self).say(self._themes, near, self, label, lines)
        self._session.point(Pointed(tokens=self._shown.counterparts(token)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(int(event.position().y() // ROW))

    def leaveEvent(self, event: object) -> None:
        self._point(-1)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None or not self.rows:
            super().keyPressEvent(event)
            return
        self._at = min(max(self._at + step, 0), len(self.rows) - 1)
        self._point(self._at)

    def _repaint(self, pointed: Pointed) -> None:
        look = (pointed.part, frozenset(row for row in self.rows if row in pointed.tokens))
        if look != self._look:
            self._look = look
            self.update()
