"""The sum: from the item's bias, part by part, to the score; and how far the map behind it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLocale, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.method_names import method_name
from app.session import ALL_HEADS, NOTHING, Pointed, Session
from app.theme import ThemeSource, faded, grade_color, modality_color, set_role, ui_font
from app.views.panel import FocusRing, Panel, Tip, follow
from app.views.shown import PARTS, Shown, digits, number, part_name, percent, power_of_ten, signed, tr
from engine.explain.sentences import removal_sentences, sentences

_STEP = 128.0
_BAR = 60.0
_TOP = 18.0
_BOTTOM = 20.0
_ORDER = ("bias", *(part for part in PARTS if part != "bias"))


@dataclass(frozen=True)
class Bar:
    """One bar of the sum, from `start` to `end` on the scale of scores."""

    part: str  # "" for the total
    caption: str
    text: str
    start: float
    end: float
    value: float
    detail: str = ""  # a second line below the caption


def bars_of(shown: Shown) -> list[Bar]:
    """The bars from left to right: each begins where the last one ended, and the total stands on zero."""
    parts = shown.parts
    found = shown.explanation
    if shown.attention or not found.sums_to_score:
        return _side_by_side(shown)
    places = digits(found.score)
    bars: list[Bar] = []
    at = 0.0
    for part in _ORDER:
        if part not in parts:
            continue
        value = parts[part]
        text = number(value, places) if not bars else signed(value, places)
        bars.append(Bar(part, part_name(part), text, at, at + value, value))
        at += value
    whole = shown.head == ALL_HEADS
    caption = part_name("score") if whole else shown.head_name()
    bars.append(Bar("", caption, number(at, places), 0.0, at, at))
    return bars


def _side_by_side(shown: Shown) -> list[Bar]:
    """Numbers that do not add up stand side by side, each on zero, without a total."""
    bars = []
    for part in _ORDER:
        if part not in shown.parts or part == "bias" or (shown.attention and part == "identity"):
            continue
        value = shown.parts[part]
        caption = part_name(part)
        text = percent(value) if shown.attention else signed(value, digits(value))
        detail = ""
        if shown.attention:
            few, many = shown.spread(part)
            detail = tr("half on {few} of {many}").format(few=few, many=many)
        bars.append(Bar(part, caption, text, 0.0, value, value, detail))
    return bars


class Waterfall(QWidget):
    """Draws the bars; pointing at one lights its part in every view."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._font = ui_font(12)
        self._strong = ui_font(12, QFont.Weight.DemiBold)
        self._shown: Shown | None = None
        self.bars: list[Bar] = []
        self._at = -1
        self._look: tuple[str | None, frozenset[str]] = (None, frozenset())  # what the pointer lights here
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
        self.bars = bars_of(shown) if shown is not None else []
        self._at = -1
        self.setAccessibleDescription(", ".join(f"{bar.caption} {bar.text}" for bar in self.bars))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(640, 110)

    def rects(self) -> list[QRectF]:
        """Where each bar is drawn."""
        if not self.bars:
            return []
        step = min(_STEP, self.width() / len(self.bars))
        wide = min(_BAR, step - 10)
        zero, scale = self._scale()
        found = []
        for place, bar in enumerate(self.bars):
            top = zero - max(bar.start, bar.end) * scale
            high = max(2.0, abs(bar.end - bar.start) * scale)
            found.append(QRectF(place * step + (step - wide) / 2, top, wide, high))
        return found

    def _scale(self) -> tuple[float, float]:
        """The height of zero, and pixels per unit of score."""
        high = max(0.0, *(max(bar.start, bar.end) for bar in self.bars))
        low = min(0.0, *(min(bar.start, bar.end) for bar in self.bars))
        room = self.height() - _TOP - self._bottom() - (4 if low < 0 else 0)
        scale = room / (high - low) if high > low else 0.0
        return _TOP + high * scale, scale

    def _bottom(self) -> float:
        return _BOTTOM + (15 if any(bar.detail for bar in self.bars) else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.bars or self._shown is None:
            return
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pointed = self._session.pointed
        lit = self._shown.lit_parts(pointed)
        zero, _ = self._scale()
        painter.setPen(QPen(theme.line, 1))
        painter.drawLine(QPointF(0, round(zero) + 0.5), QPointF(self.width(), round(zero) + 0.5))
        step = min(_STEP, self.width() / len(self.bars))
        for place, (bar, rect) in enumerate(zip(self.bars, self.rects(), strict=True)):
            dimmed = bool(pointed.part) and bar.part not in lit and bool(bar.part)
            painter.setOpacity(0.3 if dimmed else 1.0)
            color = theme.accent if not bar.part else modality_color(theme, bar.part)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.muted if self._shown.unfaithful and bar.part else color)
            painter.drawRoundedRect(rect, min(2.0, rect.height() / 2), min(2.0, rect.height() / 2))
            if bar.part and bar.part in lit:
                painter.setPen(QPen(theme.accent, 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(rect.adjusted(-2.5, -2.5, 2.5, 2.5), 4, 4)
            painter.setFont(self._font)
            painter.setPen(theme.text)
            above = QRectF(place * step, rect.top() - 19, step, 15)
            painter.drawText(above, Qt.AlignmentFlag.AlignCenter, bar.text)
            painter.setPen(theme.muted)
            for line, words in enumerate((bar.caption, bar.detail)):
                below = QRectF(place * step + 2, self.height() - self._bottom() + 3 + 15 * line, step - 4, 17)
                cut = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(step - 4))
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, cut)
        painter.setOpacity(1.0)
        if self.ring.on:
            painter.setPen(QPen(faded(theme.accent, 0.7), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _point(self, place: int) -> None:
        if self._shown is None or not 0 <= place < len(self.bars) or not self.bars[place].part:
            if self._session.pointed != NOTHING:
                self._session.point(NOTHING)
            Tip.of(self).hide()
            return
        bar = self.bars[place]
        lines = [self._shown.amount(bar.value)]
        if self._shown.attention:
            few, many = self._shown.spread(bar.part)
            lines.append(self.tr("half of it on {few} of {many}").format(few=few, many=many))
        Tip.of(self).say(self._themes, self.rects()[place].toAlignedRect(), self, bar.caption, lines)
        self._session.point(Pointed(part=bar.part))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        step = min(_STEP, self.width() / max(1, len(self.bars)))
        self._point(int(event.position().x() // step))

    def leaveEvent(self, event: object) -> None:
        self._point(-1)
        super().leaveEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self.bars:
            super().keyPressEvent(event)
            return
        self._at = min(max(self._at + step, 0), len(self.bars) - 1)
        self._point(self._at)

    def _repaint(self, pointed: Pointed) -> None:
        lit = self._shown.lit_parts(pointed) if self._shown is not None else frozenset()
        if (pointed.part, lit) != self._look:
            self._look = (pointed.part, lit)
            self.update()


class GradeChip(QWidget):
    """A letter on its colour."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.grade = ""
        self.setFixedSize(23, 22)
        follow(themes, self)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._themes.theme
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(grade_color(theme, self.grade) if self.grade else theme.chip)
        painter.drawRoundedRect(QRectF(self.rect()), 5, 5)
        painter.setFont(ui_font(12, QFont.Weight.Bold))
        painter.setPen(Qt.GlobalColor.white if self.grade else theme.muted)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.grade or "–")
        painter.end()


class Trust(QWidget):
    """The grade of the map, and in sentences what was measured for it."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chip = GradeChip(themes)
        self.title = QLabel()
        set_role(self.title, "strong")
        self.measured = QLabel()
        self.moved = QLabel()
        self.fine = QLabel()
        set_role(self.fine, "muted")
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.chip)
        top.addWidget(self.title, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(top)
        for label in (self.moved, self.measured, self.fine):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        column.addStretch(1)

    def fill(self, shown: Shown) -> None:
        measured = shown.explanation.faithfulness
        self.chip.grade = measured.grade if measured else ""
        self.chip.update()
        self.title.setText(self._title(self.chip.grade))
        self.chip.setAccessibleName(self.title.text())
        language = "zh" if QLocale().language() == QLocale.Language.Chinese else "en"
        moved = removal_sentences(shown.explanation, language)
        self.moved.setText("".join(moved[:1]))
        self.moved.setVisible(bool(moved))
        self.moved.setToolTip("\n".join((*sentences(shown.explanation, language), *shown.explanation.notes)))
        self.measured.setText(self._measured(shown))
        self.measured.setVisible(bool(self.measured.text()))
        fine = []
        if shown.explanation.sums_to_score and not shown.attention:
            gap = power_of_ten(abs(shown.explanation.completeness_gap))
            fine.append(self.tr("Sum gap {gap}").format(gap=gap))
        else:
            fine.append(self.tr("These numbers do not sum to the score"))
        self.fine.setText(" · ".join(fine))
        self.setToolTip(self._definition(shown))

    def _definition(self, shown: Shown) -> str:
        """What the grade means and rests on, on hover."""
        measured = shown.explanation.faithfulness
        if measured is None:
            return ""
        places = digits(shown.explanation.score)
        tries = len(measured.random)
        lines = [
            self.tr("Each part is removed, then only kept, in the map's order and in {k} random orders.").format(
                k=tries
            ),
            self.tr("Better than random order by {z} standard deviations.").format(z=number(measured.z, 1)),
            self.tr("Without the top 20 % the score falls by {n}; at random by {m}.").format(
                n=number(measured.drop, places), m=number(measured.random_drop, places)
            ),
            self.tr(
                "A: at least 4 and better than all of them. B: at least 2.5 and better than all. C: at least 1.64."
            ),
            self.tr("D: better than their mean. F: no better; the map is greyed out."),
        ]
        return "\n".join(lines)

    def _title(self, grade: str) -> str:
        titles = {
            "A": self.tr("Trust: high"),
            "B": self.tr("Trust: good"),
            "C": self.tr("Trust: fair"),
            "D": self.tr("Trust: low"),
            "F": self.tr("No trust: loses to random order"),
        }
        return titles.get(grade, self.tr("Trust: not measured"))

    def _measured(self, shown: Shown) -> str:
        measured = shown.explanation.faithfulness
        if measured is None:
            return self.tr("This method was not put to the test for this product.")
        start = self.tr("Its map is greyed out.") + " " if measured.grade == "F" else ""
        rank = shown.explanation.rank
        tries = len(measured.random)
        fall, random_fall = measured.rank_after - rank, measured.random_rank_after - rank
        if fall > 0 and random_fall >= 0:
            text = self.tr("Deleting the top 20 % drops the rank by {n}; random order drops it by {m} ({k} tries).")
            return start + text.format(n=f"{fall:,}", m=f"{random_fall:,}", k=tries)
        text = self.tr("Deleting the top 20 % lowers the score by {n}; random order lowers it by {m} ({k} tries).")
        places = digits(shown.explanation.score)
        return start + text.format(n=number(measured.drop, places), m=number(measured.random_drop, places), k=tries)


class SumView(Panel):
    """The panel of the sum."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self._session = session
        self.waterfall = Waterfall(session, themes)
        self.trust = Trust(themes)
        self.trust.setFixedWidth(340)
        row = QHBoxLayout()
        row.setSpacing(20)
        row.addWidget(self.waterfall, 1)
        row.addWidget(self.trust)
        self.body.setSpacing(4)
        self.body.addLayout(row, 1)
        self.setMinimumHeight(172)
        session.run_changed.connect(self._show)
        session.explanation_changed.connect(self._show)
        session.head_changed.connect(self._show)
        self._show()

    def _show(self, *_: object) -> None:
        found = self._session.explanation
        self.trust.setVisible(found is not None)
        if found is None:
            self.heading.say(self.tr("Why this score"))
            self.note.setText("")
            self.waterfall.fill(None)
            return
        shown = Shown(found, self._session.head)
        score = number(found.score, digits(found.score))
        self.waterfall.fill(shown)
        self.trust.fill(shown)
        if shown.attention:
            self.heading.say(self.tr("Where attention goes ({head})").format(head=shown.head_name()))
            self.note.setText(self.tr("attention shares: they do not sum to the score"))
        elif not found.sums_to_score:
            self.heading.say(self.tr("What counts by {method}").format(method=method_name(found.method)))
            self.note.setText(self.tr("these numbers do not sum to the score"))
        elif shown.head != ALL_HEADS:
            part = number(shown.total, digits(found.score))
            self.heading.say(self.tr("Head {n}: {part} of {score}").format(n=shown.head + 1, part=part, score=score))
            self.note.setText(self.tr("all heads and the item bias sum to the score"))
        else:
            self.heading.say(self.tr("Why {score}").format(score=score))
            self.note.setText(self.tr("every part, summing exactly"))
