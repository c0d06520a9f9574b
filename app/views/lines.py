"""Lines from past choices to the parts of the product they speak for, drawn over Explore.

What a line says: by how much less a part of the product would count, had the past choice not been (`PastPairs`). They
are drawn for the past choice that is pointed at or selected, or from all past choices to the part that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app.actions import Action
from app.questions import Questions
from app.reasons import no_explanation
from app.session import Session
from app.theme import ThemeSource, faded, sign_color, ui_font
from app.views.history import HistoryView
from app.views.panel import follow
from app.views.product import ProductView
from app.views.shown import digits, signed, token_name
from app.views.sum_line import SumView
from app.views.view import Numbers
from app.views.words import WordsView
from engine.answers import PastPairs
from engine.explain.types import Explanation

MOST = 12  # lines at a time
_NUMBERED = 5  # of them that carry their number
_THIN, _THICK = 1.0, 3.5
_DASH, _SPACE = 7.0, 5.0  # pixels
_MARGIN = 40  # beyond the ends, for curves and numbers


@dataclass(frozen=True)
class Line:
    """One line as it is drawn; seen: whether its end is in sight, not at the edge behind which it lies."""

    event: int
    token: int
    value: float
    start: QPointF
    end: QPointF
    seen: bool


class Lines(QWidget):
    """Lies over Explore and lets the pointer through."""

    def __init__(
        self,
        session: Session,
        themes: ThemeSource,
        history: HistoryView,
        product: ProductView,
        total: SumView,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._view = parent
        self._session, self._themes = session, themes
        self._history, self._product, self._total = history, product, total
        self._questions = Questions(session.engine, "lines", self)
        self._pairs: tuple[Explanation, PastPairs] | None = None  # and what they are of
        self._fault = ""
        self._font = ui_font(11)
        self.on = False
        self.drawn: list[Line] = []
        self._area = QRect()
        self._picture: QPixmap | None = None  # of the lines, as long as they stay as they are
        self._look = ("", 0.0)  # the theme and the pixel ratio that it was painted for
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        self._questions.failed.connect(self._failed)
        session.explanation_changed.connect(self._explained)
        session.pointed_changed.connect(self.refresh)
        history.strip.selectionModel().currentChanged.connect(self.refresh)
        history.lines.toggled.connect(self.show_lines)
        total.waterfall.opened.connect(self.refresh)
        product.photo.aspect_changed.connect(self.refresh)
        product.texts.verticalScrollBar().valueChanged.connect(self.refresh)
        history.strip.horizontalScrollBar().valueChanged.connect(self.refresh)
        for moved in (parent, product.stage):
            moved.installEventFilter(self)
        follow(themes, self)

    def offers(self) -> list[Action]:
        """What the lines offer to the menu and the palette."""
        return [
            Action(
                "lines", self.tr("Lines from past choices to the product"), self._history.lines.toggle, "L", "lines",
                "look", lambda: self.on, no_explanation(self._session),
            )
        ]  # fmt: skip

    @property
    def busy(self) -> bool:
        """Whether an answer is still on its way."""
        return self._questions.busy

    def numbers(self) -> Numbers:
        """What the lines are drawn from: a row for each past choice and each part of the product."""
        pairs, found = self.pairs(), self._session.explanation
        if not self.on or pairs is None or found is None:
            return {}
        names = [token_name(token) for token in found.tokens]
        return {
            "lines": {
                "past item": [item for item in pairs.items for _ in names],
                "part": [token.modality for _ in pairs.items for token in found.tokens],
                "name": [name for _ in pairs.items for name in names],
                "value": [float(value) for value in pairs.share.ravel()],
            }
        }

    def show_lines(self, on: bool) -> None:
        if on != self.on:
            self.on = on
            self._history.lines.setChecked(on)
            self._ask()
            self.refresh()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.on:
            self.refresh()
        return False

    def _explained(self, _found: Explanation | None) -> None:
        self._ask()
        self.refresh()

    def _ask(self) -> None:
        found, run = self._session.explanation, self._session.run
        if not self.on or found is None or run is None or (self._pairs is not None and self._pairs[0] is found):
            return
        self._fault = ""

        def take(pairs: PastPairs) -> None:
            if self._session.explanation is found:
                self._pairs = (found, pairs)
                self.refresh()

        self._questions.ask(
            "pairs", take, run=run.folder, user=found.user, item=found.item, scenario=self._session.scenario
        )

    def _failed(self, message: str, hint: str) -> None:
        self._fault = f"{message} {hint}".strip()
        self.refresh()

    def pairs(self) -> PastPairs | None:
        """The pairs of the shown explanation, once they are here."""
        found = self._session.explanation
        if self._pairs is None or self._pairs[0] is not found or found is None:
            return None
        pairs = self._pairs[1]
        fits = pairs.share.shape == (len(found.history), len(found.tokens))
        return pairs if fits else None

    def _selected(self) -> int | None:
        """The past choice that is pointed at, or else selected in the strip."""
        if self._session.pointed.history is not None:
            return self._session.pointed.history
        index = self._history.strip.currentIndex()
        if index.isValid() and not self._session.pointed.tokens:
            return self._history.strip.rows.number_of(index.row())
        return None

    def refresh(self, *_: object) -> None:
        """Draw anew what is to be drawn now."""
        before, self.drawn = self.drawn, self._find() if self.on and self._view.isVisible() else []
        self._history.say_lines(self._say() if self.on else "")
        if self.drawn and self.drawn == before and self.isVisible() and self.geometry() == self._view.rect():
            return  # what is pointed at is another, what is drawn is not
        self._picture = None
        area = self._area
        self._area = self._around()
        if not self.drawn:
            self.hide()
            return
        if self.geometry() != self._view.rect():
            self.setGeometry(self._view.rect())
        if self.isHidden():
            self.show()
            self.raise_()
        self.update(area.united(self._area))

    def _around(self) -> QRect:
        area = QRectF()
        for line in self.drawn:
            area = area.united(QRectF(line.start, line.end).normalized())
        return area.toAlignedRect().adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN) if self.drawn else QRect()

    def _find(self) -> list[Line]:
        pairs, found = self.pairs(), self._session.explanation
        if pairs is None or found is None:
            return []
        event = self._selected()
        content = np.array([token.modality != "history" for token in found.tokens], dtype=bool)
        wished: list[tuple[int, int, float]]
        if event is not None and event < len(pairs.share):
            share = np.where(content, pairs.share[event], 0.0)
            wished = [(event, token, float(share[token])) for token in _largest(share)]
        else:
            tokens = sorted(row for row in self._session.pointed.tokens if row < len(content) and content[row])
            if not tokens:
                return []
            share = pairs.share[:, tokens].sum(axis=1)
            wished = [(row, tokens[0], float(share[row])) for row in _largest(share)]
        lines = []
        starts = {row: self._event_at(row) for row in {row for row, _, _ in wished}}
        ends = {token: self._token_at(token) for token in {token for _, token, _ in wished}}
        for row, token, value in wished:
            start, end = starts[row], ends[token]
            if start is not None and end is not None:
                lines.append(Line(row, token, value, start[0], end[0], start[1] and end[1]))
        return lines

    # Where things lie, in the coordinates of Explore; each with whether it is in sight.

    def _event_at(self, number: int) -> tuple[QPointF, bool] | None:
        strip = self._history.strip
        row = strip.rows.row_of(number)
        if row is None or not strip.isVisible():
            return None
        box = QRectF(strip.photo_rect(strip.rows.index(row)))
        return self._within(QPointF(box.center().x(), box.bottom()), strip.viewport())

    def _token_at(self, token: int) -> tuple[QPointF, bool] | None:
        product, found = self._product, self._session.explanation
        assert found is not None
        modality = found.tokens[token].modality
        if modality == "image" and product.photo.isVisible():
            cell = product.photo.cell_rect(token)
            if not cell.isEmpty():
                return self._within(cell.center(), product.photo)
        if modality == "text":
            for words in (product.words, product.reviews):
                place = self._word_at(words, token)
                if place is not None:
                    return place
        if modality in ("attribute", "link") and product.bars.isVisible():
            rows = product.bars.rows
            if token in rows:
                box = product.bars.row_rect(rows.index(token))
                return self._within(QPointF(box.left() + 3, box.center().y()), product.bars, self._texts())
            return self._within(QPointF(3, product.bars.height()), product.bars, self._texts())
        return self._bar_at(modality)

    def _word_at(self, words: WordsView, token: int) -> tuple[QPointF, bool] | None:
        for block in words.blocks():
            for one, mark in block.marks:
                if one == token:
                    return self._within(QPointF(mark.center().x(), mark.top()), words, self._texts())
        return None

    def _bar_at(self, part: str) -> tuple[QPointF, bool] | None:
        """A part without a place of its own on the page: its bar in the sum."""
        waterfall = self._total.waterfall
        for bar, rect in zip(waterfall.bars, waterfall.rects(), strict=True):
            if bar.part == part and not waterfall.part:
                return self._within(QPointF(rect.center().x(), rect.top() - 20), waterfall)
        return None

    def _texts(self) -> QWidget:
        return self._product.texts.viewport()

    def _within(self, point: QPointF, origin: QWidget, frame: QWidget | None = None) -> tuple[QPointF, bool]:
        """A point of `origin`, brought to the nearest edge of its frame when it lies beyond."""
        frame = frame or origin
        parent = self._view
        box = QRectF(QPointF(frame.mapTo(parent, frame.rect().topLeft())), frame.size().toSizeF())
        at = QPointF(origin.mapTo(parent, point.toPoint()))
        seen = box.adjusted(-1, -1, 1, 1).contains(at)
        return QPointF(min(max(at.x(), box.left()), box.right()), min(max(at.y(), box.top()), box.bottom())), seen

    def _say(self) -> str:
        """What is drawn, for the note of the history panel."""
        pairs, found = self.pairs(), self._session.explanation
        if self._fault:
            return self._fault
        if found is None or not found.history:
            return ""
        if pairs is None:
            return self.tr("working out the lines…")
        if not self.drawn:
            return self.tr("point at a past choice, a word or a cell to see its lines")
        event = self._selected()
        if event is None or event >= len(pairs.fall):
            return self.tr("how past choices speak for it: solid raises it, dashed lowers it")
        content = sum(
            float(share) for token, share in zip(found.tokens, pairs.share[event], strict=True)
            if token.modality != "history"
        )  # fmt: skip
        fall, elsewhere = float(pairs.fall[event]), float(pairs.elsewhere[event])
        places = digits(fall)
        said = {"all": signed(-fall, places), "parts": signed(-content, max(places, digits(content)))}
        if abs(elsewhere) > 0.01 * abs(fall):  # the product's attention depends on who asks
            text = self.tr("without it the score changes by {all}: {parts} through these parts, {other} by attention")
            return text.format(other=signed(-elsewhere, max(places, digits(elsewhere))), **said)
        text = self.tr("without it the score changes by {all}: {parts} through these parts, the rest directly")
        return text.format(**said)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.drawn:
            return
        look = (self._themes.theme.name, self.devicePixelRatioF())
        if self._picture is None or self._look != look:
            self._picture, self._look = self._paint_all(look[1]), look
        painter = QPainter(self)
        painter.drawPixmap(self._area.topLeft(), self._picture)
        painter.end()

    def _paint_all(self, ratio: float) -> QPixmap:
        """The lines as one picture of their area: it is painted again whenever something below it is."""
        picture = QPixmap(self._area.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.translate(-self._area.topLeft())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        most = max(abs(line.value) for line in self.drawn) or 1.0
        for line in reversed(self.drawn):
            self._paint_line(painter, line, (abs(line.value) / most) ** 0.5)  # the eye reads areas
        taken: list[QRectF] = []
        for line in self.drawn[:_NUMBERED]:
            self._paint_number(painter, line, taken, digits(most))
        painter.end()
        return picture

    def _paint_line(self, painter: QPainter, line: Line, strength: float) -> None:
        color = sign_color(self._themes.theme, line.value)
        color = faded(color, (0.35 + 0.55 * strength) * (1.0 if line.seen else 0.5))
        width = _THIN + (_THICK - _THIN) * strength
        pen = QPen(color, width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)  # drawn twice as fast; the dots are the ends
        if line.value < 0:
            pen.setStyle(Qt.PenStyle.CustomDashLine)
            pen.setDashPattern([_DASH / width, _SPACE / width])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(curve(line))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        for end in (line.start, line.end):
            painter.drawEllipse(end, 2.0 + 1.5 * strength, 2.0 + 1.5 * strength)

    def _paint_number(self, painter: QPainter, line: Line, taken: list[QRectF], places: int) -> None:
        theme = self._themes.theme
        text = signed(line.value, places)
        fan = self.drawn[0].event == self.drawn[-1].event  # numbers stand where the lines lie apart
        at = curve(line).pointAtPercent(0.86 if fan else 0.2)
        box = QRectF(0, 0, painter.fontMetrics().horizontalAdvance(text) + 10, 16)
        box.moveCenter(at)
        if not line.seen or any(box.intersects(other) for other in taken):
            return
        taken.append(box)
        painter.setPen(QPen(theme.line, 1))
        painter.setBrush(theme.panel)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(theme.text)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def curve(line: Line) -> QPainterPath:
    """Out of the photo downwards, into the part from above."""
    path = QPainterPath(line.start)
    down = (line.end.y() - line.start.y()) * 0.5
    path.cubicTo(line.start + QPointF(0, down), line.end - QPointF(0, down), line.end)
    return path


def _largest(values: NDArray[np.float64]) -> list[int]:
    """Places of the `MOST` largest by magnitude, the largest first; what is nothing is left out."""
    order = np.argsort(-np.abs(values), kind="stable")[:MOST]
    least = 1e-9 + 0.01 * float(np.abs(values).max()) if len(values) else 0.0
    return [int(row) for row in order if abs(values[row]) > least]
