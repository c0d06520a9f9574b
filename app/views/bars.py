"""Attributes and links as signed bars about one zero, the strongest first; those that were removed last."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import Theme, ThemeSource, faded, mix, modality_color, sign_color, ui_font
from app.views import brush
from app.views.heat import distrust
from app.views.panel import RIGHT, FocusRing, Tip, follow
from app.views.shown import Shown, digits, percent, signed, token_name

ROW = 22
_HOLLOW = 28.0  # the length of a removed row's bar
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
        self._gone: list[int] = []
        self.rows: list[int] = []  # tokens, and ~place of removed ones
        self._everything = False
        self._at = -1
        self._anchor = 0  # where Shift and the arrows began
        self._look: tuple[str | None, frozenset[int], frozenset[int]] = (None, brush.NOBODY, brush.NOBODY)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Attributes and links"))
        self.setAccessibleDescription(
            self.tr(
                "A click brushes a row, with Ctrl or Shift one more. The up and down arrows go from row to row, Space "
                "brushes one, Shift and arrows brush several, Delete removes them."
            )
        )
        session.pointed_changed.connect(self._repaint)
        session.brush_changed.connect(self._repaint)
        follow(themes, self)

    def fill(self, shown: Shown | None) -> None:
        self._shown = shown
        self._all, self._gone = [], []
        if shown is not None:
            rows = [*shown.indices["attribute"], *shown.indices["link"]]
            self._all = sorted((int(row) for row in rows), key=lambda row: -abs(float(shown.values[row])))
            gone = enumerate(shown.removed)
            self._gone = [~place for place, token in gone if token.modality in ("attribute", "link")]
        self._take()

    def show_everything(self, on: bool) -> None:
        self._everything = on
        self._take()

    def more(self) -> int:
        """How many rows wait to be asked for."""
        return max(0, len(self._all) + len(self._gone) - len(self.rows))

    def _take(self) -> None:
        # One more row costs less than a button that says there is one more.
        few = self._all if self._everything or len(self._all) <= FEW + 1 else self._all[:FEW]
        self.rows = [*few, *self._gone]
        self._at = min(self._at, len(self.rows) - 1)
        self._repaint()
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

    def row_rect(self, place: int) -> QRectF:
        """Where a row is drawn."""
        return QRectF(0, place * ROW, self.width(), ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        shown = self._shown
        if shown is None or not self.rows:
            return
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        values = [float(shown.values[row]) if row >= 0 else 0.0 for row in self.rows]
        most, least = max(0.0, *values), max(0.0, *(-value for value in values))
        start, end, numbers = self._columns()
        start += 8
        scale = (end - start) / (most + least) if most + least > 0 else 0.0
        zero = start + least * scale
        pointed = self._session.pointed
        for place, (row, value) in enumerate(zip(self.rows, values, strict=True)):
            token = shown.part(row)
            painter.setOpacity(0.35 if pointed.part and pointed.part != token.modality else 1.0)
            box = self.row_rect(place)
            self._paint_ground(painter, theme, box, row, place)
            painter.setFont(self._font)
            painter.setPen(theme.text if row >= 0 else theme.muted)
            label = painter.fontMetrics().elidedText(token_name(token), Qt.TextElideMode.ElideRight, int(start - 16))
            painter.drawText(box.adjusted(6, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, label)
            where = QRectF(box.right() - numbers - 4, box.top(), numbers, ROW)
            if row < 0:
                left = zero if zero + _HOLLOW < where.left() else zero - _HOLLOW
                bar = QRectF(left, box.center().y() - 4, _HOLLOW, 8)
                self._paint_removed(painter, theme, box, bar, where, label)
                continue
            length = max(1.0, abs(value) * scale)
            bar = QRectF(zero if value >= 0 else zero - length, box.center().y() - 4, length, 8)
            color = modality_color(theme, token.modality) if shown.attention else sign_color(theme, value)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(distrust(shown, theme) or color)
            painter.drawRoundedRect(bar, min(2.0, length / 2), 2)
            painter.setFont(self._small)
            painter.setPen(theme.muted)
            text = percent(value) if shown.attention else signed(value, digits(max(most, least)))
            painter.drawText(where, RIGHT, text)
        painter.setOpacity(1.0)
        if least > 0 and most > 0:
            painter.setPen(QPen(theme.line, 1))
            painter.drawLine(QPointF(zero - 0.5, 3), QPointF(zero - 0.5, self.height() - 3))
        if self.ring.on and not pointed.tokens:
            painter.setPen(QPen(theme.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_ground(self, painter: QPainter, theme: Theme, box: QRectF, row: int, place: int) -> None:
        """What lies behind a row that is brushed, pointed at, or holds the keyboard."""
        box = box.adjusted(0.75, 0.75, -0.75, -0.75)
        if row in self._look[2]:
            painter.setPen(QPen(theme.accent, 1.5))
            painter.setBrush(faded(theme.accent, 0.22))
            painter.drawRoundedRect(box, 4, 4)
        if row >= 0 and row in self._look[1]:
            painter.setPen(QPen(theme.accent, 1.5))
            painter.setBrush(
                mix(theme.selected, theme.panel, 0.7) if row not in self._look[2] else Qt.BrushStyle.NoBrush
            )
            painter.drawRoundedRect(box, 4, 4)
        elif self.ring.on and place == self._at:
            painter.setPen(QPen(faded(theme.accent, 0.7), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 4, 4)

    def _paint_removed(
        self, painter: QPainter, theme: Theme, box: QRectF, bar: QRectF, where: QRectF, label: str
    ) -> None:
        """A removed row: its name struck through, a hollow bar, a word instead of a number."""
        middle = box.center().y() + 1
        width = painter.fontMetrics().horizontalAdvance(label)
        painter.setPen(QPen(theme.text, 1.2))
        painter.drawLine(QPointF(box.left() + 6, middle), QPointF(box.left() + 6 + width, middle))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.muted, 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setFont(self._small)
        painter.setPen(theme.muted)
        text = painter.fontMetrics().elidedText(self.tr("removed"), Qt.TextElideMode.ElideRight, int(where.width()))
        painter.drawText(where, RIGHT, text)

    def brushed_area(self) -> QRect:
        """Where the brushed rows lie that are in sight; empty when there are none."""
        area = QRectF()
        for place, row in enumerate(self.rows):
            if row in self._look[2]:
                area = area.united(self.row_rect(place))
        return area.toAlignedRect().intersected(self.visibleRegion().boundingRect())

    def _point(self, place: int) -> None:
        if self._shown is None or not 0 <= place < len(self.rows):
            if self._session.pointed != NOTHING:
                self._session.point(NOTHING)
            Tip.of(self).hide()
            return
        token = self.rows[place]
        near = self.row_rect(place).adjusted(self._columns()[0], 0, 0, 0).toAlignedRect()
        if token < 0:
            Tip.of(self).say(self._themes, near, self, self._shown.name(token), brush.removed_lines())
            self._session.point(NOTHING)
            return
        label, lines = self._shown.tip(token)
        Tip.of(self).say(self._themes, near, self, label, lines)
        self._session.point(Pointed(tokens=self._shown.counterparts(token)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(int(event.position().y() // ROW))

    def leaveEvent(self, event: object) -> None:
        self._point(-1)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = int(event.position().y() // ROW)
        if event.button() == Qt.MouseButton.LeftButton and 0 <= place < len(self.rows):
            self._at = self._anchor = place
            self._brush(place, event.modifiers(), event.position().toPoint())
        super().mousePressEvent(event)

    def _brush(self, place: int, keys: Qt.KeyboardModifier, at: QPoint) -> None:
        """Brush a row, or offer to bring a removed one back."""
        token = self.rows[place]
        if token >= 0:
            self._session.brush_over(brush.click(self._session.brush, token, keys))
        elif self._shown is not None:
            brush.offer_back(self._session, self._shown, token, self, at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Space and 0 <= self._at < len(self.rows):
            self._brush(self._at, Qt.KeyboardModifier.ControlModifier, self.row_rect(self._at).center().toPoint())
        elif step is None or not self.rows:
            super().keyPressEvent(event)
        else:
            self._at = min(max(self._at + step, 0), len(self.rows) - 1)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                first, last = sorted((self._anchor, self._at))
                self._session.brush_over(frozenset(row for row in self.rows[first : last + 1] if row >= 0))
            else:
                self._anchor = self._at
            self._point(self._at)
            self.update()

    def _repaint(self, *_: object) -> None:
        pointed, brushed = self._session.pointed.tokens, self._session.brush
        rows = frozenset(self.rows)
        look = (self._session.pointed.part, rows & pointed, rows & brushed)
        if look != self._look:
            self._look = look
            self.update()
