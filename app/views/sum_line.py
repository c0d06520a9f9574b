"""The sum: from the item's bias, part by part, to the score; and how far the map behind it can be trusted."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.actions import Action, first
from app.method_names import method_name
from app.reasons import no_explanation
from app.session import ALL_HEADS, Session
from app.theme import ThemeSource, set_role
from app.views.panel import Panel
from app.views.shown import Shown, digits, number, part_name, signed
from app.views.sum_bars import PAST, past_dominates
from app.views.trust import Trust
from app.views.waterfall import Waterfall

_TRUST = 340  # the width of what is said about the grade, in pixels
_HEIGHT = 172  # of the panel at least


class SumView(Panel):
    """The panel of the sum."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self._session = session
        self._themes = themes
        self.waterfall = Waterfall(session, themes)
        self.back = QPushButton(self.tr("All parts"))
        self.zoom = QPushButton(self.tr("Without past choices"))
        self._make_buttons()
        self.trust = Trust(themes)
        self.trust.setFixedWidth(_TRUST)
        row = QHBoxLayout()
        row.setSpacing(20)
        row.addWidget(self.waterfall, 1)
        row.addWidget(self.trust)
        self.body.setSpacing(4)
        self.body.addLayout(row, 1)
        self.setMinimumHeight(_HEIGHT)
        session.run_changed.connect(self._show)
        session.explanation_changed.connect(self._show)
        session.head_changed.connect(self._show)
        self._show()

    def _make_buttons(self) -> None:
        for button in (self.back, self.zoom):
            set_role(button, "small-link")
            button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.back.setToolTip(self.tr("Back to all parts of the score (Esc)"))
        self.back.clicked.connect(lambda: self.waterfall.open(""))
        self.zoom.setCheckable(True)
        self.zoom.setToolTip(
            self.tr("Leave out what past choices add directly, so that the other parts can be read (Z)")
        )
        self.zoom.toggled.connect(self._leave_out)
        self.top.insertWidget(1, self.back)
        self.top.insertWidget(2, self.zoom)
        self.waterfall.opened.connect(self._show)

    def offers(self) -> list[Action]:
        """What the panel offers to the menu and the palette."""
        return [
            Action(
                "sum-without-past", self.tr("Sum without past choices"), self.zoom.toggle, "Z", "explore", "sum",
                self.zoom.isChecked, first(no_explanation(self._session), self._past_is_no_more),
            )
        ]  # fmt: skip

    def _past_is_no_more(self) -> str:
        return "" if self.zoom.isVisible() else self.tr("Past choices do not outweigh the other parts here.")

    def _leave_out(self, on: bool) -> None:
        self.waterfall.leave_out_past(on)
        self._show()

    def _make_room(self) -> None:
        """Nothing that is said of the grade is cut. What was as tall once stays so: the panels keep still."""
        edges = self.body.contentsMargins()
        frame = self.height() - self.contentsRect().height()
        others = frame + edges.top() + edges.bottom() + self.body.spacing() + self.top.sizeHint().height()
        self.setMinimumHeight(max(self.minimumHeight(), others + self.trust.heightForWidth(_TRUST)))

    def _show(self, *_: object) -> None:
        found = self._session.explanation
        self.back.setVisible(found is not None and bool(self.waterfall.part))
        self.zoom.hide()
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
        self._make_room()
        part = self.waterfall.part
        adds = found.sums_to_score and not shown.attention
        self.back.setVisible(bool(part))
        self.zoom.setVisible(adds and not part and (past_dominates(shown) or self.zoom.isChecked()))
        if part:
            amount = shown.amount(float(shown.values[shown.indices[part]].sum()))
            self.heading.say(self.tr("{part}: {amount}").format(part=part_name(part), amount=amount))
            self.note.setText(self.tr("its largest pieces, summing to it") if adds else self.tr("its largest pieces"))
            return
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
            partial = self.zoom.isChecked() and PAST in shown.parts
            self.note.setText(
                self.tr("without past choices' {part}").format(part=signed(shown.parts[PAST], digits(found.score)))
                if partial
                else self.tr("every part, summing exactly")
            )
