"""The past of the shopper as an editor: add, remove, put in another order, make a shopper up."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.i18n import joined
from app.session import Session
from app.tables import KEY_ROLE
from app.theme import ThemeSource
from app.thumbnails import Thumbnails
from app.views.history_rows import changes_in
from app.views.panel import Empty, Panel
from app.whatif.edits import added, invented, new_shopper, removed, reordered
from app.whatif.past_strip import PastStrip
from app.whatif.picker import Picker
from engine.answers import Ranking
from engine.explain.types import Explanation, HistoryEvent
from engine.scenario import PastEdit


class PastEditor(Panel):
    """The panel: the strip and its buttons. Every edit is one step of the session."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self._of = ""  # whose past is shown
        self.strip = PastStrip(themes, thumbnails)
        self.empty = Empty()
        self.add = QPushButton(self.tr("Add a product…"))
        self.add.setToolTip(self.tr("Add a product to this past, as the newest choice"))
        self.remove = QPushButton(self.tr("Remove"))
        self.remove.setToolTip(self.tr("Remove the chosen past choice (Delete)"))
        self.invent = QPushButton(self.tr("Invent a shopper"))
        self.invent.setToolTip(self.tr("A shopper without any past, to be filled by hand"))
        self._picker = Picker(themes, thumbnails, self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._lay_out()
        self.add.clicked.connect(self.ask_product)
        self.remove.clicked.connect(self.remove_chosen)
        self.invent.clicked.connect(self.invent_shopper)
        self._picker.picked.connect(self.add_product)
        self.strip.remove_asked.connect(self.remove_product)
        self.strip.move_asked.connect(self._move)
        self.strip.selectionModel().currentChanged.connect(lambda *_: self._offer())
        for signal in (session.run_changed, session.explanation_changed, session.user_changed):
            signal.connect(self._show)
        session.ranking_changed.connect(self._ranked)
        self._show()

    def _lay_out(self) -> None:
        head = self.body.itemAt(0)
        top = head.layout() if head is not None else None
        assert isinstance(top, QHBoxLayout)
        top.setSpacing(8)
        for button in (self.add, self.remove, self.invent):
            button.setAccessibleName(button.text())
            top.addWidget(button)
        self.body.setSpacing(8)
        self.empty.setFixedHeight(88)  # of the strip, so that nothing jumps
        self.body.addWidget(self.strip)
        self.body.addWidget(self.empty)

    @property
    def history(self) -> tuple[HistoryEvent, ...]:
        """The past as the scenario has it, oldest first, as far as the model reads it."""
        ranking = self._session.ranking
        return ranking.history if ranking is not None and ranking.user == self._session.user else ()

    def _ranked(self, ranking: Ranking | None) -> None:
        if ranking is not None:
            self._show()

    def _show(self, *_: object) -> None:
        found: Explanation | None = self._session.explanation
        user, ranking = self._session.user, self._session.ranking
        history = self.history
        if found is not None and found.user == user and _same(found.history, history):
            history = found.history  # the same events with their shares
        if user and ranking is None:
            return  # on its way: the old strip stays
        chosen, at = str(self.strip.currentIndex().data(KEY_ROLE) or ""), self.strip.currentIndex().row()
        same, self._of = user == self._of, user
        self.strip.rows.fill(history, self._past())
        events = self.strip.rows.events
        row = next((row for row, event in enumerate(events) if event.item == chosen), -1)
        if row < 0 and chosen and same:
            row = min(at, len(events) - 1)  # it was taken away: the keyboard goes on where it was
        if row >= 0:
            self.strip.setCurrentIndex(self.strip.rows.index(row))
        self.strip.setVisible(bool(history))
        self.empty.setVisible(not history)
        made_up = user in invented(self._session.scenario)
        self.empty.setText(
            ""
            if self._session.run is None
            else self.tr("{user} has no past yet: add products, and the list follows.").format(user=user)
            if made_up
            else self.tr("No past choices: ranked by profile alone. Add a product, and the list follows.")
        )
        past_of = self.tr("Past of {user}") if made_up else self.tr("Past of shopper {user}")
        self.heading.say(past_of.format(user=user) if user else self.tr("Past"))
        notes = [one for one in ranking.notes if one not in ranking.rule_notes] if ranking is not None else []
        changed = [] if made_up else changes_in(self._past())
        self.note.setText(notes[0] if notes else joined([*changed, self.tr("newest first")]))
        self._offer()

    def _offer(self) -> None:
        there = self._session.run is not None and bool(self._session.user)
        self.add.setEnabled(there)
        self.invent.setEnabled(self._session.run is not None)
        self.remove.setEnabled(there and self.strip.currentIndex().isValid())

    def ask_product(self) -> None:
        """Open the finder of products."""
        self._picker.open_under(self.add, self._session.run)

    def add_product(self, item: str) -> None:
        """Put a product at the end of the past, as a step."""
        if any(event.item == item for event in self.history):
            self.note.setText(self.tr("“{title}” is in this past already.").format(title=self._title(item)))
            return
        self._change(added(self._past(), item), self.tr("Past with “{title}”").format(title=self._title(item)))

    def remove_product(self, item: str) -> None:
        """Take a product out of the past, as a step."""
        self._change(removed(self._past(), item), self.tr("Past without “{title}”").format(title=self._title(item)))

    def remove_chosen(self) -> None:
        """Take the chosen past choice away."""
        if self.strip.currentIndex().isValid():
            self.remove_product(str(self.strip.currentIndex().data(KEY_ROLE)))

    def _move(self, at: int, to: int) -> None:
        rows = self.strip.rows
        if [event.item for event in rows.events[::-1]] != [event.item for event in self.history]:
            return  # another past is on its way
        moved = rows.events[at]
        text = self.tr("Past: moved “{title}”").format(title=moved.title)
        self._change(reordered(self._past(), self.history, rows.number_of(at), rows.number_of(to)), text)

    def invent_shopper(self) -> None:
        """Make up a shopper without a past, as a step; the studio chooses them."""
        run = self._session.run
        if run is not None:
            name = new_shopper(self.tr("new shopper {n}"), run, self._session.scenario)
            self._change(PastEdit(name, invented=True), self.tr("“{user}” invented").format(user=name))

    def _past(self) -> PastEdit:
        return self._session.scenario.past_of(self._session.user)

    def _title(self, item: str) -> str:
        run = self._session.run
        return run.items.title[run.items.item.index(item)] if run and item in run.items.item else item

    def _change(self, past: PastEdit, text: str) -> None:
        self._session.change(self._session.scenario.with_past(past), text)


def _same(one: tuple[HistoryEvent, ...], other: tuple[HistoryEvent, ...]) -> bool:
    return [event.item for event in one] == [event.item for event in other]
