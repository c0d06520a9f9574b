"""A product's texts with the weight of every word behind it, drawn so that many words stay fast."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource, faded, sign_color, ui_font
from app.views.heat import distrust
from app.views.panel import FocusRing, Tip, follow
from app.views.shown import Shown

LINE = 23.0
_MARK = 18.0  # height of the ground behind a word
_BASELINE = 16.0
_GAP = 8.0
_LABEL = 18.0


@dataclass
class Block:
    """One text: a small label above it (or none), whether it was given to the model, and where its words lie."""

    name: str  # an `ItemText.field`
    text: str
    label: str = ""
    heeded: bool = True
    strong: bool = False
    top: float = 0.0
    bottom: float = 0.0
    layout: QTextLayout | None = None
    words: list[tuple[int, int, int]] = field(default_factory=list)  # token, start, end
    lines: list[float] = field(default_factory=list)  # where each line begins
    found: list[tuple[int, QRectF]] | None = None

    def key(self) -> tuple[str, str, str, bool]:
        """What makes a block look as it does, apart from weights."""
        return self.name, self.text, self.label, self.heeded

    @property
    def marks(self) -> list[tuple[int, QRectF]]:
        """Each word's token and where it is drawn; worked out when a block is first looked at."""
        if self.found is None:
            self.found = list(self._find()) if self.layout is not None else []
        return self.found

    def _find(self) -> Iterator[tuple[int, QRectF]]:
        assert self.layout is not None
        lines = [self.layout.lineAt(row) for row in range(self.layout.lineCount())]
        starts = [line.textStart() for line in lines]
        ends = [start + line.textLength() for start, line in zip(starts, lines, strict=True)]
        offsets = utf16_offsets(self.text)
        for token, start, end in self.words:
            first, last = offsets[min(start, len(offsets) - 1)], offsets[min(end, len(offsets) - 1)]
            at = max(0, bisect_right(starts, first) - 1)
            while at < len(lines) and starts[at] < last:
                begin, stop = max(first, starts[at]), min(last, ends[at])
                if stop > begin:
                    left, right = _x(lines[at], begin), _x(lines[at], stop)
                    top = self.lines[at] + (LINE - _MARK) / 2
                    yield token, QRectF(left + 1, top, right - left + 2, _MARK)
                at += 1


def utf16_offsets(text: str) -> Sequence[int]:
    """Where each character of a text begins in UTF-16, as Qt counts; one more for the end."""
    if text.isascii() or max(map(ord, text)) <= 0xFFFF:
        return range(len(text) + 1)
    return [0, *accumulate(2 if ord(letter) > 0xFFFF else 1 for letter in text)]


class WordsView(QWidget):
    """Texts one below the other. Pointing at a word lights it everywhere and says its share."""

    def __init__(self, session: Session, themes: ThemeSource, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._font = ui_font(13)
        self._strong = ui_font(13, QFont.Weight.DemiBold)
        self._small = ui_font(11)
        self._shown: Shown | None = None
        self._blocks: list[Block] = []
        self._tokens: dict[str, list[tuple[int, int, int]]] = {}
        self._width = -1
        self._height = 0.0
        self._lit = NOTHING
        self._at = -1  # the word that the keyboard is on
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setAccessibleName(name)
        self.setAccessibleDescription(self.tr("The left and right arrows go from word to word."))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        session.pointed_changed.connect(self._repaint)
        follow(themes, self)

    def fill(self, shown: Shown | None, blocks: list[Block]) -> None:
        """Show texts with the weights of `shown`. Texts that stay as they are are not laid out again."""
        spans = shown.spans if shown is not None else {}
        same = spans == self._tokens and [block.key() for block in blocks] == [block.key() for block in self._blocks]
        self._shown, self._tokens = shown, spans
        if same and blocks:
            self.update()
            return
        self._blocks = blocks
        self._width = self._at = -1
        self.setVisible(bool(blocks))
        self.updateGeometry()
        self.update()

    def blocks(self) -> list[Block]:
        return self._blocks

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        self._lay_out(width)
        return round(self._height)

    def sizeHint(self) -> QSize:
        width = max(self.width(), 120)  # asking for another would lay the texts out for nothing
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 24)

    def _lay_out(self, width: int) -> None:
        if width == self._width or width <= 0:
            return
        self._width = width
        top = 0.0
        for block in self._blocks:
            block.top = top
            if block.label:
                top += _LABEL
            top = self._lay_out_block(block, top, width)
            block.bottom = top
            top += _GAP
        self._height = max(0.0, top - _GAP)

    def _lay_out_block(self, block: Block, top: float, width: int) -> float:
        layout = QTextLayout(block.text.replace("\n", "\u2028"), self._strong if block.strong else self._font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        block.lines = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width - 4)
            # Every line is as high as the next, whatever fonts its letters come from.
            line.setPosition(QPointF(2, top + _BASELINE - line.ascent()))
            block.lines.append(top)
            top += LINE
        layout.endLayout()
        block.layout, block.found = layout, None
        block.words = self._tokens.get(block.name, [])
        return top

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._themes.theme
        self._lay_out(self.width())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pointed = self._session.pointed
        if pointed.part and pointed.part != "text":
            painter.setOpacity(0.35)
        grey = distrust(self._shown, theme) if self._shown is not None else None
        clip = QRectF(event.rect())
        for block in self._blocks:
            if block.bottom < clip.top() or block.top > clip.bottom() or block.layout is None:
                continue
            if block.label:
                painter.setFont(self._small)
                painter.setPen(theme.muted)
                place = QRectF(2, block.top, self.width() - 4, _LABEL)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, block.label)
            self._paint_marks(painter, block, clip, grey)
            painter.setPen(theme.text if block.heeded else theme.muted)
            block.layout.draw(painter, QPointF(0, 0))
        if self.ring.on and not pointed.tokens:
            painter.setPen(QPen(faded(theme.accent, 0.7), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_marks(self, painter: QPainter, block: Block, clip: QRectF, grey: QColor | None) -> None:
        if self._shown is None:
            return
        theme = self._themes.theme
        outlined = self._session.pointed.tokens
        painter.setPen(Qt.PenStyle.NoPen)
        lit = []
        for token, mark in block.marks:
            if not mark.intersects(clip):
                continue
            strength = self._shown.strength(token)
            if abs(strength) > 0.03:
                opacity = 0.06 + 0.54 * abs(strength)
                painter.setBrush(faded(grey or sign_color(theme, strength), opacity))
                painter.drawRoundedRect(mark, 3, 3)
            if token in outlined:
                lit.append(mark)
        if lit:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.accent, 2))
            for mark in lit:
                painter.drawRoundedRect(mark.adjusted(-0.5, -0.5, 0.5, 0.5), 4, 4)

    def word_at(self, position: QPointF) -> tuple[int, QRectF] | None:
        """The token under a position and where it is drawn."""
        for block in self._blocks:
            if block.top <= position.y() <= block.bottom:
                for token, mark in block.marks:
                    if mark.contains(position):
                        return token, mark
        return None

    def _point(self, found: tuple[int, QRectF] | None) -> None:
        if found is None or self._shown is None:
            if self._session.pointed != NOTHING:
                self._session.point(NOTHING)
            Tip.of(self).hide()
            return
        token, mark = found
        label, lines = self._shown.tip(token)
        Tip.of(self).say(self._themes, mark.toAlignedRect(), self, label, lines)
        self._session.point(Pointed(tokens=self._shown.counterparts(token)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self.word_at(event.position()))

    def leaveEvent(self, event: object) -> None:
        self._point(None)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        marks = [mark for block in self._blocks for mark in block.marks]
        if step is None or not marks:
            super().keyPressEvent(event)
            return
        self._at = min(max(self._at + step, 0), len(marks) - 1)
        self._point(marks[self._at])

    def _repaint(self, pointed: Pointed) -> None:
        """Repaint only the words that are lit now or were lit before, unless a part spreads its light."""
        before, self._lit = self._lit, pointed
        if (pointed.part or "text") != (before.part or "text"):
            self.update()
        changed = before.tokens ^ pointed.tokens
        if changed:
            for block in self._blocks:
                for token, mark in block.found or ():
                    if token in changed:
                        self.update(mark.toAlignedRect().adjusted(-3, -3, 3, 3))


def _x(line: object, at: int) -> float:
    """Where a character begins on its line."""
    found = line.cursorToX(at)  # type: ignore[attr-defined]
    return float(found[0] if isinstance(found, tuple) else found)
