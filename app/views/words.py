"""A product's texts with the weight of every word behind it, drawn so that many words stay fast."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
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
from PySide6.QtWidgets import QApplication, QScrollArea, QSizePolicy, QWidget

from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource, faded, sign_color, ui_font
from app.views import brush
from app.views.heat import distrust
from app.views.panel import FocusRing, Tip, follow
from app.views.shown import Shown
from app.views.text_blocks import LINE, MARK, Block, joined

_BASELINE = 16.0
__all__ = ["Block", "WordsView"]  # a view of words is filled with blocks

_GAP = 8.0
_LABEL = 18.0
_WIDTHS = 6  # at which the texts are kept laid out: while a panel finds its measure, it asks for the same few in turn
_NARROW = 3.5  # pixels: letters are not narrower than that in the mean


@dataclass
class Stroke:
    """A drag over the words: the word it began at (its place among the marks, or -1), where, the brush before it."""

    first: int
    start: QPointF
    before: frozenset[int]
    keys: Qt.KeyboardModifier
    moved: bool = False


class WordsView(QWidget):
    """Texts one below the other. Pointing at a word lights it everywhere and says its share; a drag brushes words."""

    stroked = Signal(bool)  # a stroke of the brush begins or ends

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
        self._laid: dict[int, tuple[list[Block], float]] = {}  # by width: the blocks as laid out, and their height
        self._lit = NOTHING
        self._brushed: frozenset[int] = frozenset()
        self._stroke: Stroke | None = None
        self._at = -1  # the word that the keyboard is on
        self._anchor = 0  # where Shift and the arrows began
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setAccessibleName(name)
        self.setAccessibleDescription(
            self.tr(
                "Drag over words to brush them: Shift adds, Alt takes away, Ctrl turns over. The left and right arrows "
                "go from word to word, Space brushes one, Shift and arrows brush several, Delete removes them."
            )
        )
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        session.pointed_changed.connect(self._repaint)
        session.brush_changed.connect(self._brush)
        follow(themes, self)

    def fill(self, shown: Shown | None, blocks: list[Block]) -> None:
        """Show texts with the weights of `shown`. Texts that stay as they are are not laid out again."""
        spans = _with_removed(shown) if shown is not None else {}
        same = [block.key() for block in blocks] == [block.key() for block in self._blocks]
        if same and blocks and spans == self._tokens:
            self._shown = shown
            self.update()
            return
        self._shown, self._tokens = shown, spans
        self._blocks = blocks
        self._laid.clear()
        self._width, self._stroke = -1, None
        self._at = self._at if same else -1
        self.setVisible(bool(blocks))
        self.updateGeometry()
        self.update()

    def blocks(self) -> list[Block]:
        return self._blocks

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if self._width < 0:
            self._lay_out(width)
        return round(self._laid_at(width)[1])

    def least_height(self, width: int) -> float:
        """No more than `heightForWidth`, told without laying anything out."""
        letters = sum(len(block.text) for block in self._blocks)
        return letters * _NARROW / max(1, width) * LINE

    def sizeHint(self) -> QSize:
        width = max(self.width(), 120)  # asking for another would lay the texts out for nothing
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 24)

    def _lay_out(self, width: int) -> None:
        """Show the texts at a width."""
        if width != self._width and width > 0:
            self._width = width
            self._blocks = self._laid_at(width)[0]

    def _laid_at(self, width: int) -> tuple[list[Block], float]:
        width = max(width, 8)
        if width not in self._laid:
            while len(self._laid) >= _WIDTHS:
                del self._laid[next(iter(self._laid))]
            self._laid[width] = self._laid_out(width)
        return self._laid[width]

    def _laid_out(self, width: int) -> tuple[list[Block], float]:
        top = 0.0
        blocks = [replace(block) for block in self._blocks]
        for block in blocks:
            block.top = top
            if block.label:
                top += _LABEL
            top = self._lay_out_block(block, top, width)
            block.bottom = top
            top += _GAP
        return blocks, max(0.0, top - _GAP)

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
            self._strike(painter, block, clip)
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
        lit, brushed = [], []
        above, below = clip.top() - MARK, clip.bottom()
        for token, mark in block.marks:
            if token < 0 or not above < mark.top() < below:
                continue
            if token in self._brushed:
                brushed.append(mark)
            strength = self._shown.strength(token)
            if abs(strength) > 0.03:
                opacity = 0.06 + 0.54 * abs(strength)
                painter.setBrush(faded(grey or sign_color(theme, strength), opacity))
                painter.drawRoundedRect(mark, 3, 3)
            if token in outlined:
                lit.append(mark)
        if brushed:
            painter.setPen(QPen(theme.accent, 1.5))
            painter.setBrush(faded(theme.accent, 0.22))
            for mark in joined(brushed):
                painter.drawRoundedRect(mark.adjusted(-0.5, -0.5, 0.5, 0.5), 3, 3)
        if lit:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.accent, 2))
            for mark in lit:
                painter.drawRoundedRect(mark.adjusted(-0.5, -0.5, 0.5, 0.5), 4, 4)

    def _strike(self, painter: QPainter, block: Block, clip: QRectF) -> None:
        """Words that were removed: pale, with a line through them."""
        theme = self._themes.theme
        for token, mark in block.marks:
            if token < 0 and mark.intersects(clip):
                painter.fillRect(mark, faded(theme.panel, 0.5))
                painter.setPen(QPen(theme.text, 1.2))
                painter.drawLine(
                    QPointF(mark.left(), mark.center().y() + 1), QPointF(mark.right() - 2, mark.center().y() + 1)
                )

    def brushed_area(self) -> QRect:
        """Where the brushed words lie that are in sight; empty when there are none."""
        area = QRectF()
        for block in self._blocks:
            for token, mark in block.found or ():
                if token in self._brushed:
                    area = area.united(mark)
        return area.toAlignedRect().intersected(self.visibleRegion().boundingRect())

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
        if token < 0:
            Tip.of(self).say(self._themes, mark.toAlignedRect(), self, self._shown.name(token), brush.removed_lines())
            self._session.point(NOTHING)
            return
        label, lines = self._shown.tip(token)
        Tip.of(self).say(self._themes, mark.toAlignedRect(), self, label, lines)
        self._session.point(Pointed(tokens=self._shown.counterparts(token)))

    def _marks(self) -> list[tuple[int, QRectF]]:
        """The words of all texts in the order of reading."""
        return [mark for block in self._blocks for mark in block.marks]

    def _nearest(self, position: QPointF) -> int:
        """The place of the word nearest to a position, on its line where there is one; -1 without words."""

        def distance(place: int) -> tuple[float, float]:
            mark = marks[place][1]
            above, left = mark.top() - position.y(), mark.left() - position.x()
            below, right = position.y() - mark.bottom(), position.x() - mark.right()
            return max(above, below, 0.0), max(left, right, 0.0)

        marks = self._marks()
        return min(range(len(marks)), key=distance, default=-1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        stroke = self._stroke
        if stroke is None:
            self._point(self.word_at(event.position()))
            return
        far = (event.position() - stroke.start).manhattanLength() >= QApplication.startDragDistance()
        if not stroke.moved and far and stroke.first >= 0:
            stroke.moved = True
            self._point(None)
            self.stroked.emit(True)
        if stroke.moved:
            found = self._between(stroke.first, self._nearest(event.position()))
            self._session.brush_over(brush.stroke(stroke.before, found, stroke.keys))
            self._keep_in_sight(QRectF(event.position(), event.position()))

    def _between(self, one: int, other: int) -> frozenset[int]:
        first, last = sorted((one, other))
        return frozenset(token for token, _ in self._marks()[first : last + 1] if token >= 0)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._shown is not None:
            first = self._nearest(event.position())
            self._stroke = Stroke(first, event.position(), self._session.brush, event.modifiers())
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        stroke, self._stroke = self._stroke, None
        if stroke is not None and stroke.moved:
            self.stroked.emit(False)
        elif stroke is not None:
            found = self.word_at(stroke.start)
            if found is not None:
                self._at = self._anchor = stroke.first
                self._take(found[0], stroke.before, stroke.keys, stroke.start)
            elif not stroke.keys:
                self._session.brush_over(brush.NOBODY)
        super().mouseReleaseEvent(event)

    def _take(self, token: int, before: frozenset[int], keys: Qt.KeyboardModifier, at: QPointF) -> None:
        """Brush one word, or offer to bring a removed one back."""
        if token >= 0:
            self._session.brush_over(brush.click(before, token, keys))
        elif self._shown is not None:
            brush.offer_back(self._session, self._shown, token, self, at.toPoint())

    def leaveEvent(self, event: object) -> None:
        self._point(None)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        marks = self._marks()
        if event.key() == Qt.Key.Key_Space and 0 <= self._at < len(marks):
            token, mark = marks[self._at]
            self._take(token, self._session.brush, Qt.KeyboardModifier.ControlModifier, mark.center())
        elif step is None or not marks:
            super().keyPressEvent(event)
        else:
            self._at = min(max(self._at + step, 0), len(marks) - 1)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._session.brush_over(self._between(self._anchor, self._at))
            else:
                self._anchor = self._at
            self._keep_in_sight(marks[self._at][1])
            self._point(marks[self._at])

    def _keep_in_sight(self, mark: QRectF) -> None:
        """Scroll what these texts lie in, so that a word can be seen."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        content = area.widget() if area is not None else None
        if area is not None and content is not None:
            at = self.mapTo(content, mark.center().toPoint())
            area.ensureVisible(at.x(), at.y(), 0, round(LINE))

    def _brush(self, brushed: frozenset[int]) -> None:
        """Repaint only the lines on which the brush has changed."""
        changed, self._brushed = self._brushed ^ brushed, brushed
        if changed:
            for block in self._blocks:
                for token, mark in block.found or ():
                    if token in changed:
                        self.update(QRect(0, int(mark.top()) - 3, self.width(), int(MARK) + 6))

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


def _with_removed(shown: Shown) -> dict[str, list[tuple[int, int, int]]]:
    """The words of each text, those that stay and those that were removed, in the order of reading."""
    fields = {**shown.spans, **shown.struck}
    found = {name: [*shown.spans.get(name, ()), *shown.struck.get(name, ())] for name in fields}
    return {name: sorted(words, key=lambda word: word[1:]) for name, words in found.items()}
