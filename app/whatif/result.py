"""What becomes of the product under the scenario: rank, score, parts, maps, words and the list, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.i18n import joined
from app.rule_words import note_text
from app.session import NOTHING, Pointed, Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import PAD, Empty, Heading, Panel, Tip, scrolling
from app.views.photo import HeatPhoto
from app.views.shown import Shown, digits, number, place_text, signed
from app.views.words import Block, WordsView
from app.whatif.before import Before
from app.whatif.neighbours import Neighbours
from app.whatif.parts import PartBars, part_changes, score_places, unchanged
from engine.explain.types import Explanation, ItemText

MAPS, WORDS, LIST = 0, 1, 2


@dataclass(frozen=True)
class Beside(Shown):
    """An explanation shown beside another: full heat is the larger of both, so that the two can be compared."""

    other: Shown | None = None

    @cached_property
    def scales(self) -> dict[str, float]:
        own = {name: self.full_heat(self.values[rows]) if len(rows) else 0.0 for name, rows in self.indices.items()}
        theirs = self.other.scales if self.other is not None else {}
        return {name: max(scale, theirs.get(name, 0.0)) for name, scale in own.items()}


class ResultPanel(Panel):
    """Follows the session and what was before."""

    def __init__(
        self,
        session: Session,
        before: Before,
        themes: ThemeSource,
        thumbnails: Thumbnails,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self._before = before
        self._old_session = Session(session.engine, self)  # what is pointed at in the old explanation; asks nothing
        self._carrying = False
        self._mapped = ""  # the product whose maps are shown
        self.rank = QLabel()
        self.score = Heading("muted")
        self.score.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.parts = PartBars(themes)
        self.tabs = QTabBar()
        self.old_photo = HeatPhoto(self._old_session, themes, thumbnails)
        self.new_photo = HeatPhoto(session, themes, thumbnails)
        self.old_words = WordsView(self._old_session, themes, self.tr("Words before"))
        self.new_words = WordsView(session, themes, self.tr("Words after"))
        self.neighbours = Neighbours(session, themes, thumbnails)
        self.hint = Empty()
        self.empty = Empty()
        self.error = QLabel()
        self.notes = QLabel()  # what must be said of an edit, such as a value that the model never met
        self.undo = QPushButton(self.tr("Undo this step"))
        self._lay_out()
        before.changed.connect(self.show_result)
        session.explanation_changed.connect(self._answered)
        session.head_changed.connect(self.show_result)
        session.ranking_changed.connect(self.show_result)
        session.run_changed.connect(self._cleared)
        session.scenario_changed.connect(self._cleared)
        session.failed.connect(self.say_fault)
        before.questions.failed.connect(self.say_fault)
        session.pointed_changed.connect(self._point_old)
        self._old_session.pointed_changed.connect(self._point_new)
        themes.changed.connect(self.show_result)
        self.undo.clicked.connect(session.undo.undo)
        self.old_photo.moved.connect(self._look_as_old)
        self.new_photo.moved.connect(self._look_as_new)
        self.show_result()

    def _lay_out(self) -> None:
        for label, role in ((self.rank, "figure"), (self.error, "error")):
            set_role(label, role)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_role(self.notes, "small")
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self.error, self.notes):
            label.setWordWrap(True)
        self.fault = QWidget()
        fault = QHBoxLayout(self.fault)
        fault.setContentsMargins(0, 0, 0, 0)
        fault.addWidget(self.error, 1)
        fault.addWidget(self.undo, 0, Qt.AlignmentFlag.AlignTop)
        self.fault.hide()
        self._figures = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._figures.addWidget(self.rank)
        self._figures.addWidget(self.score, 1)
        self.score.said.connect(self._place_figures)
        self.score.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self.score.setContentsMargins(0, 0, 0, 1)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(self.tr("What to compare"))
        for text in (self.tr("Maps"), self.tr("Words"), self.tr("The list")):
            self.tabs.addTab(text)
        self.pages = QStackedWidget()
        self.pages.addWidget(self._pair(self.old_photo, self.new_photo))
        self.pages.addWidget(self._words())
        self.pages.addWidget(self.neighbours)
        self.tabs.currentChanged.connect(self.pages.setCurrentIndex)
        self.stage = QWidget()
        column = QVBoxLayout(self.stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._figures)
        column.addWidget(self.notes)
        column.addWidget(self.parts)
        column.addWidget(self.tabs)
        column.addWidget(self.pages, 1)
        self.body.addWidget(self.fault)
        self.body.addWidget(self.stage, 1)
        self.body.addWidget(self.empty, 1)

    def _place_figures(self) -> None:
        """The score stands beside the rank, or below it where it would be cut."""
        gap = 16
        beside = self.rank.sizeHint().width() + gap + self.score.wanted() <= self.width() - 2 * PAD
        ways = QBoxLayout.Direction
        self._figures.setDirection(ways.LeftToRight if beside else ways.TopToBottom)
        self._figures.setSpacing(gap if beside else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_figures()

    def _pair(self, old: HeatPhoto, new: HeatPhoto) -> QWidget:
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._map_names = (QLabel(self.tr("before")), QLabel(self.tr("after")))
        self._maps = (QWidget(), QWidget())
        for photo, name, place in zip((old, new), self._map_names, self._maps, strict=True):
            set_role(name, "small")
            photo.lack = self.tr("no photo")
            column = QVBoxLayout(place)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(4)
            name.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(name)
            column.addWidget(photo, 1)
            row.addWidget(place, 1)
        row.addWidget(self.hint, 1)
        return both

    def _words(self) -> QScrollArea:
        content = QWidget()
        set_role(content, "content")
        row = QHBoxLayout(content)
        row.setContentsMargins(0, 0, 6, 0)
        row.setSpacing(16)
        self._word_names = (QLabel(self.tr("before")), QLabel(self.tr("after")))
        for words, name in zip((self.old_words, self.new_words), self._word_names, strict=True):
            set_role(name, "small")
            column = QVBoxLayout()
            column.setSpacing(4)
            column.addWidget(name)
            column.addWidget(words)
            column.addStretch(1)
            row.addLayout(column, 1)
        return scrolling(content)

    # --- what is shown ----------------------------------------------------------------------------------------------

    @property
    def after(self) -> Explanation | None:
        """The explanation of the chosen product for the chosen shopper, under the scenario."""
        found, session = self._session.explanation, self._session
        fits = found is not None and (found.user, found.item) == (session.user, session.item)
        return found if fits or (found is not None and not session.user) else None

    @property
    def compared(self) -> Explanation | None:
        """What it is compared with, of the same method."""
        old, new = self._before.explanation, self.after
        return old if old is not None and new is not None and old.method == new.method else None

    def show_result(self, *_: object) -> None:
        """Show what is known now."""
        new, old = self.after, self.compared
        self.heading.say(self.tr("What becomes of it"))
        there = new is not None or self._session.explanation is not None
        self.stage.setVisible(there and self._session.run is not None)
        self.empty.setVisible(self.stage.isHidden())
        if new is None:
            self.empty.setText(
                self.tr("No run is open.")
                if self._session.run is None
                else self.tr("Choose a product above, then edit its page on the left.")
            )
            return  # on its way: what is shown stays
        self._say_figures(old, new)
        notes = [note_text(one) for one in new.notes]
        self.notes.setText("\n".join(notes[:2]))
        self.notes.setToolTip("\n".join(notes))
        self.notes.setVisible(bool(new.notes))
        self.parts.setVisible(new.sums_to_score)
        if new.sums_to_score:
            self.parts.fill(part_changes(old, new), old is not None)
        self._show_maps(old, new)
        self.neighbours.fill((self._before.ranking, self._session.ranking), (old, new))

    def _say_figures(self, old: Explanation | None, new: Explanation) -> None:
        whole = self.tr("of {n}").format(n=f"{new.catalogue:,}")
        places = max(2, digits(new.score))
        if old is None:
            self.rank.setText(self.tr("Rank {rank}").format(rank=place_text(new)))
            self.score.say(joined([whole, self.tr("score {score}").format(score=number(new.score, places))]))
            return
        self.rank.setText(self.tr("Rank {old} → {new}").format(old=place_text(old), new=place_text(new)))
        moved = old.place - new.place if old.place and new.place else 0
        way = self.tr("▲ %n place(s) up", "", moved) if moved > 0 else self.tr("▼ %n place(s) down", "", -moved)
        places = score_places(old.score, new.score)
        if unchanged(old.score, new.score):
            score = self.tr("score {score} as before").format(score=number(new.score, places))
        else:
            score = self.tr("score {old} → {new} ({change})").format(
                old=number(old.score, places),
                new=number(new.score, places),
                change=signed(new.score - old.score, places),
            )
        same = self.tr("the same place") if old.place == new.place else ""
        self.score.say(joined([way if moved else same, score, whole]))

    def _show_maps(self, old: Explanation | None, new: Explanation) -> None:
        head = self._session.head
        plain_new = Shown(new, head)
        shown_old = Beside(old, head, plain_new) if old is not None else None
        shown_new = Beside(new, head, Shown(old, head)) if old is not None else plain_new
        self._old_session.explanation = old
        pairs = ((self.old_photo, shown_old, old), (self.new_photo, shown_new, new))
        beside = old is not None and bool(old.images or new.images)
        for photo, shown, found in pairs:
            path = found.images[0] if found is not None and found.images else None
            look = (photo.zoom, photo.middle.x(), photo.middle.y())
            photo.show_cells(shown if found is not None and len(plain_of(found)) else None, path, new.title)
            if look[0] > 1.0 and found is not None and found.item == self._mapped:  # an edit leaves the view as it is
                photo.look_again(*look)
            photo.setVisible(path is not None or beside)
        self._mapped = new.item
        self._maps[0].setVisible(beside)
        self._maps[1].setVisible(not self.new_photo.isHidden())
        for name in self._map_names:
            name.setVisible(beside)
        self.hint.setVisible(not beside)
        self.hint.setText(self._hint(bool(new.images)))
        self.new_words.fill(shown_new, blocks(new))
        self.old_words.fill(shown_old, blocks(old) if old is not None else [])
        for name in self._word_names:
            name.setVisible(old is not None)

    def _hint(self, photo: bool) -> str:
        scenario = self._session.scenario
        none = "" if photo else self.tr("This product has no photo, so there is no map of it.") + " "
        if self.compared is not None:
            return none.strip()
        if not scenario.changes:
            return none + self.tr("Edit the page or the past, and before and after stand here side by side.")
        if scenario.past_of(self._session.user).invented:
            return self.tr("A shopper who is made up has no list before. Edit the page to compare.")
        return ""

    def _answered(self, found: Explanation | None) -> None:
        if found is not None:
            self.fault.hide()
        if self.isVisible():  # what the note beside the pointer told was of another answer
            Tip.of(self).hide()
        self.show_result()

    def _cleared(self, *_: object) -> None:
        self.fault.hide()
        self.show_result()

    def say_fault(self, message: str, hint: str) -> None:
        """Say what went wrong and what to do, above the figures, which stay."""
        self.error.setText(f"{message} {hint}".strip())
        self.undo.setVisible(self._session.undo.canUndo() and bool(self._session.scenario.changes))
        self.fault.show()

    # --- pointing at one lights the same in the other ---------------------------------------------------------------

    def _look_as_old(self) -> None:
        self._look_alike(self.old_photo, self.new_photo)

    def _look_as_new(self) -> None:
        self._look_alike(self.new_photo, self.old_photo)

    def _look_alike(self, moved: HeatPhoto, other: HeatPhoto) -> None:
        """Enlarge and move both maps together, so that the same part is seen before and after."""
        if not self._carrying and not moved.original and (moved.zoom, moved.middle) != (other.zoom, other.middle):
            self._carrying = True
            other.look_again(moved.zoom, moved.middle.x(), moved.middle.y())
            self._carrying = False

    def _point_old(self, pointed: Pointed) -> None:
        if not self._carrying:
            self._carrying = True
            self._old_session.point(_carried(pointed, self.after, self.compared))
            self._carrying = False

    def _point_new(self, pointed: Pointed) -> None:
        if not self._carrying:
            self._carrying = True
            self._session.point(_carried(pointed, self.compared, self.after))
            self._carrying = False

    def numbers(self) -> dict[str, dict[str, list[object]]]:
        """Parts and list, before and after, as tables."""
        new, old = self.after, self.compared
        if new is None:
            return {}
        rows = part_changes(old, new) if new.sums_to_score else []
        listed = self._session.ranking.items if self._session.ranking is not None else ()
        places = {one.item: one.rank for one in self._before.ranking.items} if self._before.ranking else {}
        return {
            "parts": {
                "part": [row.part for row in rows],
                "before": [row.before for row in rows],
                "after": [row.after for row in rows],
            },
            "product": {
                "item": [new.item],
                "rank before": [old.place if old else new.place],
                "rank after": [new.place],
                "score before": [old.score if old else new.score],
                "score after": [new.score],
            },
            "list": {
                "item": [one.item for one in listed],
                "title": [one.title for one in listed],
                "rank": [one.rank for one in listed],
                "rank before": [places.get(one.item) for one in listed],
                "score": [one.score for one in listed],
            },
        }


def plain_of(found: Explanation) -> list[int]:
    """The tokens that are cells of the photo."""
    return [row for row, token in enumerate(found.tokens) if token.modality == "image"]


def _carried(pointed: Pointed, here: Explanation | None, there: Explanation | None) -> Pointed:
    """The same tokens in another explanation of the same product."""
    if pointed.part is not None:
        return pointed
    if here is None or there is None or not pointed.tokens:
        return NOTHING if pointed.history is None else pointed
    meant = {
        (one.modality, one.field if one.modality != "image" else "", one.label, one.box)
        for one in (here.tokens[row] for row in pointed.tokens if row < len(here.tokens))
    }
    found = frozenset(
        row
        for row, one in enumerate(there.tokens)
        if (one.modality, one.field if one.modality != "image" else "", one.label, one.box) in meant
    )
    return Pointed(tokens=found) if found else NOTHING


def blocks(found: Explanation) -> list[Block]:
    """The texts that the model read, as the product panel shows them."""
    made = []
    for text in found.texts:
        if text.heeded and text.text.strip():
            made.append(Block(text.field, text.text, _label(text), True, strong=text.field == "title"))
    return made


def _label(text: ItemText) -> str:
    return "★ " + QLocale().toString(text.rating) if text.rating is not None else ""
