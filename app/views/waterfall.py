"""The waterfall from the item's bias to the score; any part opens into its largest pieces."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource, faded, modality_color, sign_color, ui_font
from app.views.bar_labels import GAP, LINE, Label, figures, on_one_line
from app.views.panel import FocusRing, Tip, follow
from app.views.shown import Shown, number, part_name
from app.views.sum_bars import Bar, bars_of, bars_within, opens

_STEP = 128.0
_BAR = 60.0
_TOP = 18.0
_BOTTOM = 20.0
_ARROW = 12.0  # beside the name of a part that opens
_LEAST = 4  # letters of a name that was cut, its ellipsis counted: fewer say nothing
_WORDS = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip  # their places have their very width
_EXACT = 6  # decimal places of a number told in full


class Waterfall(QWidget):
    """Draws the bars; pointing at one lights what it stands for in every view, a click or Enter opens it."""

    opened = Signal(str)  # the part that is open, or ""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._font = ui_font(12)
        self._small = ui_font(11)
        self._figure_font = self._caption_font = self._font
        self._shown: Shown | None = None
        self.bars: list[Bar] = []
        self.part = ""  # the part that is open
        self.without_past = False
        self._at = -1
        self._look: tuple[Pointed, frozenset[str]] = (NOTHING, frozenset())  # what the pointer lights here
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(260, 84)
        self.setAccessibleName(self.tr("The sum of the parts of the score"))
        session.pointed_changed.connect(self._repaint)
        follow(themes, self)

    def fill(self, shown: Shown | None) -> None:
        self._shown = shown
        if shown is None or not opens(shown, self.part):
            self.part = ""  # this product has no such part
        if shown is None:
            self.bars = []
        elif self.part:
            self.bars = bars_within(shown, self.part)
        else:
            self.bars = bars_of(shown, without_past=self.without_past)
        self._at = min(self._at, len(self.bars) - 1)
        words = ", ".join(f"{bar.caption} {bar.text}" for bar in self.bars)
        self.setAccessibleDescription(f"{words}. {self.tr('Enter opens a part, Escape closes it.')}")
        self.updateGeometry()
        self.update()

    def open(self, part: str) -> None:
        """Show the pieces of a part; all parts again with ""."""
        if self._shown is not None and part != self.part and (not part or opens(self._shown, part)):
            self.part, self._at = part, -1
            Tip.of(self).hide()
            self._session.point(NOTHING)
            self.fill(self._shown)
            self.opened.emit(self.part)

    def leave_out_past(self, on: bool) -> None:
        """Draw the sum without what past choices add directly, so that the other parts can be read."""
        self.without_past = on
        self.fill(self._shown)

    def sizeHint(self) -> QSize:
        return QSize(640, 110)

    def rects(self) -> list[QRectF]:
        """Where each bar is drawn."""
        if not self.bars:
            return []
        step = self._step()
        wide = min(_BAR, step - 10)
        zero, scale = self._scale()
        found = []
        for place, bar in enumerate(self.bars):
            top = zero - max(bar.start, bar.end) * scale
            high = max(2.0, abs(bar.end - bar.start) * scale)
            found.append(QRectF(place * step + (step - wide) / 2, top, wide, high))
        return found

    def _step(self) -> float:
        return min(_STEP, self.width() / max(1, len(self.bars)))

    def _scale(self) -> tuple[float, float]:
        """The height of zero, and pixels per unit of score."""
        high = max(0.0, *(max(bar.start, bar.end) for bar in self.bars))
        low = min(0.0, *(min(bar.start, bar.end) for bar in self.bars))
        room = self.height() - _TOP - self._bottom() - (4 if low < 0 else 0)
        scale = room / (high - low) if high > low else 0.0
        return _TOP + high * scale, scale

    def _bottom(self) -> float:
        return _BOTTOM + (LINE if self._detailed or self._in_turn else 0)

    @property
    def _detailed(self) -> bool:
        return any(bar.detail for bar in self.bars)

    @property
    def _in_turn(self) -> bool:
        """Whether captions stand on two lines in turn, as they do not fit on one."""
        return any(self._lines()) and not self._detailed

    def _on_one_line(self, font: QFont) -> bool:
        wide = QFontMetricsF(font).horizontalAdvance
        names = [wide(bar.caption) + (_ARROW if bar.opens else 0.0) for bar in self.bars]
        details = [wide(bar.detail) for bar in self.bars]
        return on_one_line(names, self._step()) and on_one_line(details, self._step())

    def _lines(self) -> list[int]:
        """The line of each name: all on the first where they fit there, else on two in turn."""
        one = self._detailed or self._on_one_line(self._small)
        return [0 if one else at % 2 for at in range(len(self.bars))]

    def figures(self) -> list[Label]:
        """What is written above each bar, and where."""
        rects = self.rects()
        step = self._step()
        fits = all(QFontMetricsF(self._font).horizontalAdvance(bar.text) + GAP <= step for bar in self.bars)
        self._figure_font = self._font if fits else self._small
        wide = QFontMetricsF(self._figure_font).horizontalAdvance
        return figures(self.bars, rects, wide, QRectF(self.rect()), self._at if self.ring.on else -1)

    def captions(self) -> list[tuple[Label, Label, float]]:
        """What is written below each bar and where: its name, its detail, and where its arrow is; 0 without one."""
        step, lines = self._step(), self._lines()
        rows = 2 if any(lines) else 1
        self._caption_font = self._font if self._on_one_line(self._font) else self._small
        whole = self._on_one_line(self._caption_font)
        metrics = QFontMetricsF(self._caption_font)
        found = []
        for at, bar in enumerate(self.bars):
            center, arrow = (at + 0.5) * step, _ARROW if bar.opens else 0.0
            half = (rows * step - GAP) / 2  # to either side; one at the edge moves inwards
            room = self.width() if whole else min(2 * half, center + half, self.width() - center + half)
            placed: list[Label] = []
            for line, words in ((lines[at], bar.caption), (1, bar.detail)):
                more = 0.0 if placed else arrow
                cut = metrics.elidedText(words, Qt.TextElideMode.ElideRight, max(room - more, 0.0))
                wide = metrics.horizontalAdvance(cut)
                left = min(max(center - (wide + more) / 2, 0.0), self.width() - wide - more)
                top = self.height() - self._bottom() + 4 + LINE * line
                says = cut == words or len(cut) >= _LEAST
                placed.append(Label(cut if says else "", QRectF(left, top, wide, LINE)))
            found.append((placed[0], placed[1], placed[0].rect.right() + 7 if arrow else 0.0))
        return found

    def _lit(self, bar: Bar) -> bool:
        """Whether what the pointer is on is what a bar stands for."""
        if self._shown is None or not bar.part:
            return False
        pointed = self._session.pointed
        if bar.history is not None and bar.history == pointed.history:
            return True
        if bar.tokens:
            return bool(bar.tokens & pointed.tokens)
        return bar.part in self._shown.lit_parts(pointed)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.bars or self._shown is None:
            return
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        zero, _ = self._scale()
        painter.setPen(QPen(theme.line, 1))
        painter.drawLine(QPointF(0, round(zero) + 0.5), QPointF(self.width(), round(zero) + 0.5))
        above, below = self.figures(), self.captions()
        for place, rect in enumerate(self.rects()):
            self._paint_bar(painter, place, rect)
            self._paint_words(painter, above[place], *below[place])
        painter.setOpacity(1.0)
        if self.ring.on:
            painter.setPen(QPen(faded(theme.accent, 0.7), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_bar(self, painter: QPainter, place: int, rect: QRectF) -> None:
        assert self._shown is not None
        theme, bar, lit = self._themes.theme, self.bars[place], self._lit(self.bars[place])
        painter.setOpacity(0.3 if self._session.pointed.part and bar.part and not lit else 1.0)
        color = theme.accent if not bar.part else modality_color(theme, bar.part)
        if self.part and bar.part and not self._shown.attention:
            color = sign_color(theme, bar.value)
        elif self.part:
            color = modality_color(theme, self.part)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.muted if self._shown.unfaithful and bar.part else color)
        painter.drawRoundedRect(rect, min(2.0, rect.height() / 2), min(2.0, rect.height() / 2))
        if lit or (place == self._at and self.ring.on):
            painter.setPen(QPen(theme.accent, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(-2.5, -2.5, 2.5, 2.5), 4, 4)

    def _paint_words(self, painter: QPainter, figure: Label, name: Label, detail: Label, arrow: float) -> None:
        theme = self._themes.theme
        painter.setFont(self._figure_font)
        painter.setPen(theme.text)
        painter.drawText(figure.rect, _WORDS, figure.text)
        painter.setFont(self._caption_font)
        painter.setPen(theme.muted)
        for one in (name, detail):
            painter.drawText(one.rect, _WORDS, one.text)
        if arrow:  # a part that opens says so
            _paint_arrow(painter, QPointF(arrow, name.rect.center().y() + 1))

    def _point(self, place: int) -> None:
        if self._shown is None or not 0 <= place < len(self.bars) or not self.bars[place].part:
            if self._session.pointed != NOTHING:
                self._session.point(NOTHING)
            Tip.of(self).hide()
            return
        bar = self.bars[place]
        Tip.of(self).say(self._themes, self.rects()[place].toAlignedRect(), self, self._name(bar), self._tip(bar))
        if not bar.tokens:
            self._session.point(Pointed(part=bar.part))
        else:
            tokens = self._shown.counterparts(min(bar.tokens)) if len(bar.tokens) == 1 else bar.tokens
            self._session.point(Pointed(tokens=tokens, history=bar.history))

    def _name(self, bar: Bar) -> str:
        assert self._shown is not None
        if len(bar.tokens) == 1:
            return self._shown.name(min(bar.tokens))
        return bar.caption

    def _tip(self, bar: Bar) -> list[str]:
        assert self._shown is not None
        shown = self._shown
        lines = [shown.amount(bar.value)]
        if self.part:
            whole = float(shown.values[shown.indices[self.part]].sum())
            if abs(whole) > 1e-9:
                share = number(bar.value / whole * 100, 0)
                lines.append(self.tr("{share} % of {part}").format(share=share, part=part_name(self.part)))
        if shown.attention and not bar.tokens:
            few, many = shown.spread(bar.part)
            lines.append(self.tr("half of it on {few} of {many}").format(few=few, many=many))
        if not shown.attention:
            lines.append(self.tr("exactly {value}").format(value=number(bar.value, _EXACT)))
        if bar.opens:
            lines.append(self.tr("Click, or Enter: its largest pieces"))
        return lines

    def _bar_at(self, position: QPointF) -> int:
        return int(position.x() // self._step()) if self.bars else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._bar_at(event.position())
        acts = 0 <= place < len(self.bars) and (self.bars[place].opens or (self.part and not self.bars[place].part))
        self.setCursor(Qt.CursorShape.PointingHandCursor if acts else Qt.CursorShape.ArrowCursor)
        self._point(place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._act(self._bar_at(event.position()))
        super().mouseReleaseEvent(event)

    def _act(self, place: int) -> None:
        """Open a part; the total of an open part leads back."""
        if 0 <= place < len(self.bars):
            bar = self.bars[place]
            if bar.opens:
                self.open(bar.part)
            elif self.part and not bar.part:
                self.open("")

    def leaveEvent(self, event: object) -> None:
        self._point(-1)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def event(self, event: QEvent) -> bool:
        """Escape closes an open part before it means anything to the rest of the view."""
        key = event.key() if isinstance(event, QKeyEvent) else None
        early = event.type() == QEvent.Type.ShortcutOverride and bool(self.part)
        if early and key in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._at >= 0:
            self._act(self._at)
        elif event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace) and self.part:
            self.open("")
        elif step is not None and self.bars:
            self._at = min(max(self._at + step, 0), len(self.bars) - 1)
            self._point(self._at)
            self.update()
        else:
            super().keyPressEvent(event)

    def _repaint(self, pointed: Pointed) -> None:
        lit = self._shown.lit_parts(pointed) if self._shown is not None else frozenset()
        look = (pointed if self.part else Pointed(part=pointed.part), lit)
        if look != self._look:
            self._look = look
            self.update()


def _paint_arrow(painter: QPainter, at: QPointF) -> None:
    painter.save()
    painter.setBrush(painter.pen().color())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([at + QPointF(-2.5, -3.5), at + QPointF(2.5, 0), at + QPointF(-2.5, 3.5)]))
    painter.restore()
