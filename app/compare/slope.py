"""Two ranked lists side by side, lines joining the same product: what rises, what falls, what only one list holds."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.compare.choice import LEFT, RIGHT
from app.theme import ThemeSource, faded, mix, ui_font
from app.views.panel import FocusRing, Tip, follow
from app.views.shown import digits, number
from engine.answers import RankedItem, Ranking

ROW = 24
RIGHT_MIDDLE = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TITLE = 130  # pixels that a title has at least before the rank in the model is told beside it
_MIDDLE = 0.16  # of the width, for the lines


class SlopeChart(QWidget):
    """A click makes a product A, a click with Shift makes it B: why A above B is told of them. `picked`: list, product,
    whether it is to be B."""

    picked = Signal(int, str, bool)
    shown_asked = Signal(str)  # a double click: show this product in both pictures

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._font, self._bold, self._small = ui_font(12), ui_font(12, QFont.Weight.DemiBold), ui_font(11)
        self.lists: tuple[tuple[RankedItem, ...], tuple[RankedItem, ...]] = ((), ())
        self._places: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self._explained = ("", "")
        self._marks: dict[tuple[int, str], str] = {}
        self._at: tuple[int, int] | None = None  # list and row under the pointer or the keyboard
        self.keep_in_sight: Callable[[QRectF], None] = lambda _: None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.ring = FocusRing(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Both ranked lists"))
        self.setAccessibleDescription(
            self.tr("Arrow keys go through both lists; Enter makes a product A, Shift and Enter makes it B.")
        )
        follow(themes, self)

    def fill(self, left: Ranking | None, right: Ranking | None, explained: tuple[str, str]) -> None:
        """explained: the products of the pictures."""
        self.lists = (() if left is None else left.items, () if right is None else right.items)
        self._places = tuple(  # type: ignore[assignment]  # two of them
            {one.item: row for row, one in enumerate(rows)} for rows in self.lists
        )
        self._explained, self._at = explained, None
        self.setFixedHeight(max(1, ROW * max(len(rows) for rows in self.lists)))
        self.update()

    def mark(self, which: int, a: str, b: str) -> None:
        """Show which products of a list are A and B."""
        self._marks = {(which, a): "A", (which, b): "B"}
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(380, max(ROW, self.height()))

    def _columns(self) -> tuple[float, float]:
        """Where the lines begin and end."""
        width = self.width()
        gap = max(56.0, width * _MIDDLE)
        return (width - gap) / 2, (width + gap) / 2

    def row_rect(self, which: int, row: int) -> QRectF:
        first, second = self._columns()
        return QRectF(0 if which == LEFT else second, row * ROW, first if which == LEFT else self.width() - second, ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        clip = QRectF(event.rect())
        pointed = self.lists[self._at[0]][self._at[1]].item if self._at is not None else ""
        for item in self._places[LEFT].keys() & self._places[RIGHT].keys():
            if item != pointed:
                self._paint_line(painter, item, clip, bool(pointed))
        if pointed in self._places[LEFT] and pointed in self._places[RIGHT]:
            self._paint_line(painter, pointed, clip, False, strong=True)
        for which, rows in enumerate(self.lists):
            first = max(0, int(clip.top() // ROW))
            for row in range(first, min(len(rows), int(clip.bottom() // ROW) + 1)):
                self._paint_row(painter, which, row, rows[row], pointed)
        painter.end()

    def _paint_line(self, painter: QPainter, item: str, clip: QRectF, pale: bool, strong: bool = False) -> None:
        theme = self._themes.theme
        start, end = (self._places[which][item] for which in (LEFT, RIGHT))
        first, second = self._columns()
        one, two = QPointF(first + 4, (start + 0.5) * ROW), QPointF(second - 4, (end + 0.5) * ROW)
        if max(one.y(), two.y()) < clip.top() or min(one.y(), two.y()) > clip.bottom():
            return
        color = theme.muted if start == end else theme.pushes_up if end < start else theme.pulls_down
        path = QPainterPath(one)
        middle = (one.x() + two.x()) / 2
        path.cubicTo(QPointF(middle, one.y()), QPointF(middle, two.y()), two)
        painter.setPen(QPen(faded(color, 1.0 if strong else 0.18 if pale else 0.6), 2.4 if strong else 1.3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _paint_row(self, painter: QPainter, which: int, row: int, one: RankedItem, pointed: str) -> None:
        theme = self._themes.theme
        box = self.row_rect(which, row)
        shared = one.item in self._places[1 - which]
        mark = self._marks.get((which, one.item), "")
        here = self._at == (which, row)
        explained = one.item == self._explained[which]
        if explained or here or one.item == pointed:
            painter.setPen(QPen(theme.accent, 1.2) if here and self.ring.on else Qt.PenStyle.NoPen)
            painter.setBrush(theme.selected if explained else mix(theme.text, theme.panel, 0.06))
            painter.drawRoundedRect(box.adjusted(0.5, 1, -0.5, -1), 5, 5)
        left, right = box.left() + 4, box.right() - 4
        painter.setFont(self._small)
        painter.setPen(theme.muted)
        rank = QRectF(left, box.top(), 22, ROW)
        painter.drawText(rank, RIGHT_MIDDLE, f"{one.rank:,}")
        left += 30
        if mark:
            badge = QRectF(right - 18, box.center().y() - 8, 16, 16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.accent)
            painter.drawRoundedRect(badge, 4, 4)
            painter.setPen(theme.panel)
            painter.setFont(self._bold)
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, mark)
            right -= 22
        elif not shared:
            ring = QPointF(box.right() - 8, box.center().y())
            painter.setPen(QPen(theme.muted, 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(ring, 3, 3)
            right -= 14
        if one.effects and one.model_rank not in (0, one.rank):
            painter.setFont(self._small)
            painter.setPen(theme.muted)
            was = self._was(one, right - left)
            painter.drawText(QRectF(left, box.top(), right - left, ROW), RIGHT_MIDDLE, was)
            right -= painter.fontMetrics().horizontalAdvance(was) + 6
        painter.setFont(self._bold if explained else self._font)
        painter.setPen(theme.text if shared else theme.muted)
        title = painter.fontMetrics().elidedText(one.title, Qt.TextElideMode.ElideRight, int(right - left))
        painter.drawText(QRectF(left, box.top(), right - left, ROW), Qt.AlignmentFlag.AlignVCenter, title)

    def _was(self, one: RankedItem, room: float) -> str:
        """Where the model has a product that a rule moved; where its title needs the room, only which way it went."""
        text = self.tr("was {rank}").format(rank=f"{one.model_rank:,}")
        wide = QFontMetricsF(self._small).horizontalAdvance(text)
        return text if room - wide >= _TITLE else "↑" if one.rank < one.model_rank else "↓"

    def _found(self, position: QPointF) -> tuple[int, int] | None:
        first, second = self._columns()
        which = LEFT if position.x() < first else RIGHT if position.x() >= second else None
        row = int(position.y() // ROW)
        return None if which is None or not 0 <= row < len(self.lists[which]) else (which, row)

    def _point(self, at: tuple[int, int] | None) -> None:
        if at != self._at:
            self._at = at
            self.update()
        if at is None:
            Tip.of(self).hide()
            return
        one = self.lists[at[0]][at[1]]
        lines = [line for which in (LEFT, RIGHT) for line in self._told(which, one.item)]
        Tip.of(self).say(self._themes, self.row_rect(*at).toAlignedRect(), self, one.title, lines)

    def _told(self, which: int, item: str) -> list[str]:
        """Where a list has a product, and which business rules moved it there."""
        place = self._places[which].get(item)
        name = self.tr("left") if which == LEFT else self.tr("right")
        if place is None:
            return [self.tr("{side}: below the {n} shown").format(side=name, n=len(self.lists[which]))]
        one = self.lists[which][place]
        score = number(one.score, digits(one.score))
        said = [self.tr("{side}: rank {rank}, score {score}").format(side=name, rank=f"{one.rank:,}", score=score)]
        if one.effects:
            from app.rule_words import effect_sentence  # few shops have rules

            said += [effect_sentence(effect) for effect in one.effects]
        return said

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._found(event.position()))

    def leaveEvent(self, event: object) -> None:
        self._point(None)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self._found(event.position())
        if at is not None and event.button() == Qt.MouseButton.LeftButton:
            self._take(at, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = self._found(event.position())
        if at is not None:
            self.shown_asked.emit(self.lists[at[0]][at[1]].item)

    def _take(self, at: tuple[int, int], second: bool) -> None:
        self.picked.emit(at[0], self.lists[at[0]][at[1]].item, second)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1), Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0)}
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._at is not None:
            self._take(self._at, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in steps and any(self.lists):
            which, row = self._at or (LEFT, -1 if key == Qt.Key.Key_Down else 0)
            which = min(max(which + steps[key][0], LEFT), RIGHT)
            if self.lists[which]:
                row = min(max(row + steps[key][1], 0), len(self.lists[which]) - 1)
                self.keep_in_sight(self.row_rect(which, row))
                self._point((which, row))
        else:
            super().keyPressEvent(event)
