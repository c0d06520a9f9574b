"""Which colour is which part of a score; pointing at one lights it everywhere."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource, faded, modality_color, ui_font
from app.views.panel import follow
from app.views.shown import Shown, part_name

_LINE = 20


class Legend(QWidget):
    """Which colour is which part; pointing at one lights it everywhere."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._font = ui_font(12)
        self._parts: tuple[str, ...] = ()
        self._lit: frozenset[str] = frozenset()
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Colours of the parts of a score"))
        session.pointed_changed.connect(self._repaint)
        follow(themes, self)

    def fill(self, parts: tuple[str, ...]) -> None:
        self._parts = parts
        self._fit()
        self.update()

    def _repaint(self, pointed: Pointed) -> None:
        found = self._session.explanation
        lit = frozenset((pointed.part,)) if pointed.part else frozenset()
        if not lit and found is not None:
            lit = Shown(found).lit_parts(pointed)
        if lit != self._lit:
            self._lit = lit
            self.update()

    def _places(self) -> list[tuple[str, QRectF]]:
        """Where each name stands; a narrow panel breaks them over lines."""
        found = []
        x, y = 8.0, 0.0
        self.setFont(self._font)
        for part in self._parts:
            width = 16.0 + self.fontMetrics().horizontalAdvance(part_name(part))
            if x + width > self.width() and x > 8:
                x, y = 8.0, y + _LINE
            found.append((part, QRectF(x, y, width, _LINE)))
            x += width + 12
        return found

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        places = self._places()
        self.setFixedHeight(round(places[-1][1].bottom()) if places else _LINE)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._themes.theme
        painter.setFont(self._font)
        for part, box in self._places():
            dimmed = bool(self._lit) and part not in self._lit
            painter.setPen(Qt.PenStyle.NoPen)
            color = modality_color(theme, part)
            painter.setBrush(faded(color, 0.25) if dimmed else color)
            painter.drawRoundedRect(QRectF(box.left(), box.center().y() - 4.5, 9, 9), 2, 2)
            painter.setPen(faded(theme.muted, 0.4) if dimmed else theme.muted)
            painter.drawText(box.adjusted(15, 0, 4, 0), Qt.AlignmentFlag.AlignVCenter, part_name(part))
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = next((part for part, box in self._places() if box.contains(event.position())), None)
        self._session.point(Pointed(part=over) if over else NOTHING)

    def leaveEvent(self, event: object) -> None:
        self._session.point(NOTHING)
        super().leaveEvent(event)  # type: ignore[arg-type]
