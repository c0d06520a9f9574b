"""How far a map can be trusted: its grade, and in sentences what was measured for it."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.theme import ThemeSource, grade_color, set_role, ui_font
from app.views.panel import follow
from app.views.shown import Shown, digits, number, power_of_ten, signed
from engine.explain.sentences import removal_sentences, sentences


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
        if shown.explanation.shown_rank is not None:
            fine.append(self.tr("the model's score, without rules"))
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
        places = digits(shown.explanation.score)
        falls = [number(fall, places) for fall in (measured.drop, measured.random_drop)]
        if not any(fall.startswith("−") for fall in falls):
            text = self.tr("Deleting the top 20 % lowers the score by {n}; random order lowers it by {m} ({k} tries).")
            return start + text.format(n=falls[0], m=falls[1], k=tries)
        changes = [signed(-fall, places) for fall in (measured.drop, measured.random_drop)]
        text = self.tr("Deleting the top 20 % changes the score by {n}; random order changes it by {m} ({k} tries).")
        return start + text.format(n=changes[0], m=changes[1], k=tries)
