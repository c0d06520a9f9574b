"""What sells to a segment: everything, a product or a category; beside it the same for another segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.chips import Chooser
from app.map.controls import Problem
from app.questions import Questions
from app.segments import Segment
from app.segments_view.shares import Bars, CohortHeat, Ends, Line, cells_of, ends_of, lines_of
from app.session import Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Empty, Panel
from app.views.shown import digits, signed
from app.views.working import Working
from engine.explain.cohort_types import Cohort
from engine.rules import Rule

ALL = "@all"  # every shopper
NOBODY = ""
Key = tuple[str, tuple[str, ...], tuple[str, ...] | None, tuple[Rule, ...]]  # run, products, shoppers, rules

_KEPT = 12  # answers that need not be worked out again
LEFT, RIGHT = "left", "right"


class Side(Panel):
    """The findings of one group of shoppers."""

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self.heat = CohortHeat(themes, thumbnails)
        self.parts = Bars(themes, self.tr("Parts of the score"))
        self.words = Bars(themes, self.tr("Words, attributes and links"))
        self.about = QLabel()
        set_role(self.about, "small")
        self.about.setWordWrap(True)
        self._titles = [self._title(self.tr("Parts of the score")), self._title(self.tr("Words, attributes, links"))]
        self.empty = Empty()
        holder = QWidget()
        holder.setProperty("role", "content")
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        column.addWidget(self.heat, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.about)
        column.addWidget(self._titles[0])
        column.addWidget(self.parts)
        column.addWidget(self._titles[1])
        column.addWidget(self.words)
        column.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidget(holder)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setAccessibleName(self.tr("Findings"))
        self.body.addWidget(self.empty, 1)
        self.body.addWidget(self.area, 1)
        self.say("")

    def _title(self, text: str) -> QLabel:
        label = QLabel(text)
        set_role(label, "strong")
        return label

    def say(self, text: str) -> None:
        """A word in place of findings."""
        self.empty.setText(text)
        self.empty.show()
        self.area.hide()

    def show_cohort(
        self, found: Cohort, parts: list[Line], words: list[Line], ends: tuple[Ends, Ends], heat: float, photo: str
    ) -> None:
        self.empty.hide()
        self.area.show()
        self.heat.show_heat(cells_of(found), heat, photo)
        self.parts.show_lines(parts, ends[0])
        self.words.show_lines(words, ends[1])
        self._titles[0].setVisible(bool(parts))
        self.parts.setVisible(bool(parts))
        score = signed(found.score, digits(found.score))
        asked = self.tr("%n shopper(s) asked", "", found.shoppers)
        said = [self.tr("{asked} · mean score {score}").format(asked=asked, score=score)]
        if len(found.products) > 1:
            said.append(self.tr("Mean over %n product(s), those chosen most.", "", len(found.products)))
        elif not found.products:
            said.append(self.tr("What it adds to a product of the first ten that holds it, in the mean."))
            if found.rules:
                from app.rule_words import active_text  # few shops have rules

                text = self.tr("{rules}: they brought {n} of the {all} products shown into the first ten.")
                counts = {"n": f"{found.risen:,}", "all": f"{found.listed:,}"}
                said.append(text.format(rules=active_text(found.rules), **counts))
        self.about.setText("\n".join(said))


class Findings(QWidget):
    """Choosers for the product and for whom to compare with; two sides, worked out in the background."""

    changed = Signal()

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._segment: Segment | None = None
        self._questions = Questions(session.study, "segments", self)
        self._answers: dict[Key, Cohort] = {}
        self._shown: dict[str, Cohort | None] = {LEFT: None, RIGHT: None}
        self._lacks: dict[str, str] = {}  # why there is nobody to ask on a side
        self.subject = Chooser(self.tr("What sells"), self.tr("Of what the reasons are looked at"))
        self.against = Chooser(self.tr("Compare with"), self.tr("Another group of shoppers, side by side"))
        self.again = QPushButton(self.tr("Work it out"))
        self.again.setToolTip(self.tr("Ask the shoppers again after a stop"))
        self.sides = {LEFT: Side(themes, thumbnails), RIGHT: Side(themes, thumbnails)}
        self.problem = Problem()
        choosers = QHBoxLayout()
        choosers.setSpacing(8)
        choosers.addWidget(self.subject)
        choosers.addWidget(self.against)
        choosers.addWidget(self.again)
        choosers.addWidget(Working(self._questions), 1)
        both = QHBoxLayout()
        both.setSpacing(12)
        for side in self.sides.values():
            both.addWidget(side, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(choosers)
        column.addWidget(self.problem)
        column.addLayout(both, 1)
        self.subject.box.activated.connect(lambda _: self.ask())
        self.against.box.activated.connect(lambda _: self.ask())
        self.again.clicked.connect(self.ask)
        self.problem.again.clicked.connect(self.ask)
        self._questions.failed.connect(self.problem.say)
        self._questions.changed.connect(self._say)
        session.item_changed.connect(self._offer)

    @property
    def busy(self) -> bool:
        return self._questions.busy

    def open(self, segment: Segment | None, ask: bool = True) -> None:
        """Look into a segment, at once or when `ask` is called; None puts all away."""
        self._questions.drop_all()
        self._segment = segment
        self._shown, self._lacks = {LEFT: None, RIGHT: None}, {}
        self.problem.hide()
        self._offer()
        if segment is not None and ask:
            self.ask()

    @property
    def of_lists(self) -> bool:
        """Whether it is asked what sells of all that is shown: then business rules count."""
        return self._session.run is not None and self._segment is not None and not self._items()

    def choose(self, subject: str, against: str) -> None:
        """Choose what is asked, as `state` told it."""
        for chooser, value in ((self.subject, subject), (self.against, against)):
            if (at := chooser.box.findData(value)) >= 0:
                chooser.box.setCurrentIndex(at)

    def state(self) -> dict[str, str]:
        return {
            "subject": str(self.subject.box.currentData() or ""),
            "against": str(self.against.box.currentData() or NOBODY),
        }

    def _offer(self, _: str = "") -> None:
        run, segment = self._session.run, self._segment
        if run is None or segment is None:
            return
        subject, against = self.subject.box.currentData(), self.against.box.currentData()
        groups = [(one.name, one.name) for one in self._session.segments.of("users") if one != segment]
        if segment.kind == "items":
            entries = [(self.tr("the products of this segment"), "")]
        else:
            entries = [(self.tr("all that they are shown"), "")]
            item = self._session.item
            if item in run.items.item:
                entries.append((run.items.title[run.items.item.index(item)], f"item:{item}"))
            entries += [(one, f"category:{one}") for one in sorted(set(run.items.category) - {""})]
        self.subject.fill(entries, str(subject or ""))
        everyone = [(self.tr("all shoppers"), ALL)] if segment.kind == "users" else []
        self.against.fill([(self.tr("nobody"), NOBODY), *everyone, *groups], str(against or ""))

    def _items(self) -> tuple[str, ...]:
        """The products in question; none for all that is shown."""
        run, segment = self._session.run, self._segment
        assert run is not None
        assert segment is not None
        if segment.kind == "items":
            known = set(run.items.item)
            return tuple(one for one in segment.members if one in known)
        kind, _, value = str(self.subject.box.currentData() or "").partition(":")
        if kind == "item":
            return (value,)
        rows = zip(run.items.item, run.items.category, strict=True)
        return tuple(item for item, category in rows if category == value) if kind == "category" else ()

    def _users(self, group: str) -> tuple[str, ...] | None:
        """The shoppers of a group, by its name; None for all."""
        run = self._session.run
        assert run is not None
        found = self._session.segments.named(group)
        if found is None:
            return None
        known = {user for user, events in zip(run.shoppers.user, run.shoppers.events, strict=True) if events}
        return tuple(user for user in found.members if user in known)

    def _groups(self) -> dict[str, str]:
        """Who is asked on either side."""
        segment = self._segment
        if segment is None:
            return {}
        own = segment.name if segment.kind == "users" else ALL
        other = str(self.against.box.currentData() or NOBODY)
        return {LEFT: own} if other == NOBODY else {LEFT: own, RIGHT: other}

    def ask(self) -> None:
        """Work out both sides; what was worked out before is at hand."""
        run = self._session.run
        if run is None or self._segment is None:
            return
        self.problem.hide()
        self._questions.drop_all()
        items = self._items()
        under = {} if items else self._session.under_rules()
        self._shown, self._lacks = {LEFT: None, RIGHT: None}, {}
        for side, group in self._groups().items():
            users = self._users(group)
            if self._segment.kind == "items" and not items:
                self._lacks[side] = self.tr("The open run knows none of these products.")
                continue
            if users is not None and not users:
                self._lacks[side] = self.tr("The open run knows nothing that these shoppers chose.")
                continue
            key: Key = (run.folder, items, users, under.get("rules", ()))
            if key in self._answers:
                self._shown[side] = self._answers[key]
                continue

            def keep(found: Cohort, side: str = side, key: Key = key) -> None:
                self._answers[key] = found
                while len(self._answers) > _KEPT:
                    del self._answers[next(iter(self._answers))]
                self._shown[side] = found
                self._say()

            self._questions.ask("cohort", keep, slot=side, run=run.folder, items=items, users=users, **under)
        self._say()

    def _name(self, group: str) -> str:
        return self.tr("All shoppers") if group == ALL else group

    def _say(self) -> None:
        groups = self._groups()
        left, right = self._shown[LEFT], self._shown[RIGHT]
        missing = [side for side in groups if self._shown[side] is None and side not in self._lacks]
        self.again.setVisible(bool(missing) and not self._questions.busy)
        self.sides[RIGHT].setVisible(RIGHT in groups)
        for side, group in groups.items():
            self.sides[side].heading.say(self._name(group))
            if self._shown[side] is None:
                waiting = self.tr("Asking shoppers…") if self._questions.busy else self.tr("Stopped.")
                self.sides[side].say(self._lacks.get(side, waiting))
        first = left or right
        if first is None:
            self.changed.emit()
            return
        listed = lines_of(first, right if left is not None else None)
        ends = (ends_of(listed[0], listed[2]), ends_of(listed[1], listed[3]))
        grids = [cells for one in (left, right) if one is not None and (cells := cells_of(one)) is not None]
        heat = max((float(np.abs(cells).max()) for cells in grids), default=1.0)
        run = self._session.run
        shown = [side for side in (LEFT, RIGHT) if self._shown[side] is not None]
        for at, side in enumerate(shown):
            found = self._shown[side]
            assert found is not None
            photo = ""
            if run is not None and found.item in run.items.item:
                photo = run.items.image[run.items.item.index(found.item)] or ""
            self.sides[side].show_cohort(found, listed[2 * at], listed[2 * at + 1], ends, heat, photo)
        self.changed.emit()

    def numbers(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """Every row of both sides."""
        tables: dict[str, dict[str, Sequence[Any]]] = {}
        for side, group in self._groups().items():
            found = self._shown[side]
            if found is not None:
                rows = (*found.parts, *found.rows)
                tables[self._name(group)] = {
                    "of": ["part"] * len(found.parts) + ["row"] * len(found.rows),
                    "modality": [row.modality for row in rows],
                    "field": [row.field for row in rows],
                    "label": [row.label for row in rows],
                    "mean": [row.mean for row in rows],
                    "low": [row.low for row in rows],
                    "high": [row.high for row in rows],
                }
        return tables
