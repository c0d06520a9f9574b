"""Segments: the list of them, how one is made, whom it holds, and what sells to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.actions import Action, Reason, first
from app.read_only import enable
from app.reasons import no_run
from app.segments import Segment
from app.segments_view.builder import Builder
from app.segments_view.findings import Findings
from app.segments_view.nothing import NothingPage
from app.session import Session
from app.tables import KEY_ROLE, AnyIndex
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Empty, Heading, Panel, follow
from app.views.shoppers import CatalogueModel, FoundList, ProductsModel, RowDelegate, ShoppersModel
from app.views.view import Numbers, View
from engine.answers import RunSummary
from engine.columns import Selection

_NOTHING, _DETAIL, _BUILDER = range(3)
_LEAST, _LEFT, _SHARE = 230, 290, 0.245  # the width of the lists: at least, at most, and of the whole view


class SegmentsModel(CatalogueModel):
    """The segments by name, with how many they hold and how they were made."""

    kind = "users"

    def open(self, run: RunSummary | None) -> None:
        self.show_segments(())

    def show_segments(self, segments: tuple[Segment, ...]) -> None:
        self._segments = segments
        names = tuple(one.name for one in segments)
        self.fill(names, (names,))

    def name(self, row: int) -> str:
        return self._columns[0][row]

    def detail(self, row: int) -> str:
        one = self._segments[row]
        count = len(one.members)
        held = self.tr("%n shopper(s)", "", count) if one.kind == "users" else self.tr("%n product(s)", "", count)
        return f"{held} · {one.rule}" if one.rule else held


class SegmentsView(View):
    """Left the segments and the members of the chosen one; right what is known of it, or how a new one is made."""

    map_asked = Signal()

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._themes = session, themes
        self.chosen: Segment | None = None
        self.thumbnails = Thumbnails(themes, self)
        self.builder = Builder(session, themes)
        self.findings = Findings(session, themes, self.thumbnails)
        self._moved = False  # the handle between lists and findings, by hand
        self._late = False  # the findings wait until somebody looks
        self._lay_out()
        self._connect()
        self._run_changed(session.run)

    # --- how it is built --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.pages = QStackedWidget()
        self.nothing = NothingPage()
        self.pages.addWidget(self.nothing)
        self.pages.addWidget(self._detail())
        self.pages.addWidget(self.builder)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(12)
        self.splitter.setChildrenCollapsible(False)
        self.left = self._left()
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(self.pages)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([_LEFT, 900])
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 14)
        column.addWidget(self.splitter)

    def resizeEvent(self, event: Any) -> None:
        """In a small window the lists give way to the findings first, until a hand has moved the handle."""
        super().resizeEvent(event)
        if not self._moved:
            left = min(max(round(self.width() * _SHARE), _LEAST), _LEFT)
            self.splitter.setSizes([left, self.width() - left])

    def _left(self) -> QWidget:
        self.model = SegmentsModel(self)
        self.model.open(None)
        self.list = self._list(self.model, self.tr("Segments"), None)
        self.new = self._button(self.tr("New segment…"), self.tr("Make a segment by conditions (Ctrl+N)"), self.begin)
        set_role(self.new, "primary")
        self.undo = self._button(
            self.tr("Undo"), self.tr("Take back the last change of the segments (Ctrl+Z)"), self._undo
        )
        self.box = Panel(self._themes)
        self.box.heading.say(self.tr("Segments"))
        self.box.body.addWidget(self.list, 1)
        self.box.body.addLayout(_row(self.new, self.undo))
        self.members = {"users": ShoppersModel(self), "items": ProductsModel(self)}
        self.people = {
            kind: self._list(model, self.tr("Members"), self.thumbnails if kind == "items" else None)
            for kind, model in self.members.items()
        }
        self.held = Panel(self._themes)
        self.held.heading.say(self.tr("Members"))
        self.unknown = Empty()
        self.unknown.setText(self.tr("The open run knows none of them."))
        for widget in (*self.people.values(), self.unknown):
            self.held.body.addWidget(widget, 1)
        left = QWidget()
        left.setMinimumWidth(_LEAST)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.box, 1)
        column.addWidget(self.held, 1)
        return left

    def _list(self, model: CatalogueModel, name: str, thumbnails: Thumbnails | None) -> FoundList:
        listed = FoundList(name)
        model.open(None)
        listed.setModel(model)
        listed.setItemDelegate(RowDelegate(model, self._themes, thumbnails, listed))
        follow(self._themes, listed)
        return listed

    def _detail(self) -> QWidget:
        page = QWidget()
        self.title = Heading("title")
        self.rule = Heading("muted")
        for line in (self.title, self.rule):
            line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # they give way to the buttons
        self.use = self._button(self.tr("Use in every view"), "", self._use)
        self.use.setCheckable(True)
        self.rename = self._button(self.tr("Rename…"), self.tr("Give the segment another name (F2)"), self.ask_name)
        self.delete = self._button(
            self.tr("Delete"), self.tr("Delete the segment; Ctrl+Z brings it back (Delete)"), self.remove
        )
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.rule)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addLayout(words, 1)
        for button in (self.use, self.rename, self.delete):
            top.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(top)
        column.addWidget(self.findings, 1)
        return page

    def _button(self, text: str, tip: str, act: Any) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda _=False: act())
        return button

    def _connect(self) -> None:
        session = self._session
        session.run_changed.connect(self._run_changed)
        session.rules.changed.connect(self._rules_changed)
        session.segments.changed.connect(self._listed)
        session.undo.indexChanged.connect(self._say)
        session.segment_changed.connect(self._say)
        session.user_changed.connect(self._mark)
        session.item_changed.connect(self._mark)
        self.list.selectionModel().currentChanged.connect(self._picked)
        self.people["users"].selectionModel().currentChanged.connect(self._user_picked)
        self.people["items"].selectionModel().currentChanged.connect(self._item_picked)
        self.thumbnails.arrived.connect(lambda _: self.people["items"].viewport().update())
        self.builder.saved.connect(self._save)
        self.splitter.splitterMoved.connect(self._hand_moved)
        self.builder.cancelled.connect(lambda: self.show_segment(self.chosen))
        self.nothing.new_asked.connect(self.begin)
        self.nothing.map_asked.connect(self.map_asked)
        self.nothing.undo_asked.connect(self._undo)

    def _hand_moved(self, _at: int, _handle: int) -> None:
        self._moved = True

    # --- what happens -----------------------------------------------------------------------------------------------

    def _run_changed(self, run: RunSummary | None) -> None:
        if run is not None:
            self.thumbnails.open(run.dataset.folder)
        for kind, model in self.members.items():
            chooser = self.people[kind].selectionModel()
            blocked = chooser.blockSignals(True)
            model.open(run)
            chooser.blockSignals(blocked)
        self.chosen = None  # what is known of it is another run's
        self._listed()

    def _listed(self) -> None:
        """The segments are others than before."""
        segments = self._session.segments
        chooser = self.list.selectionModel()
        blocked = chooser.blockSignals(True)
        self.model.show_segments(segments.all)
        chooser.blockSignals(blocked)
        mine = self.chosen
        same = None
        if mine is not None:
            same = next((one for one in segments.all if (one.kind, one.members) == (mine.kind, mine.members)), None)
        if same is not None and mine is not None and same.name != mine.name:
            self.chosen = same  # only its name is another: what is shown of it stays
            self.list.show_row(self.model.row_of(same.name))
            self._say()
        else:
            self.show_segment(same or (segments.all[-1] if segments.all else None))

    def show_segment(self, segment: Segment | None) -> None:
        """Look into a segment."""
        fresh = segment != self.chosen
        self.chosen = segment
        self.pages.setCurrentIndex(_NOTHING if segment is None else _DETAIL)
        self.list.show_row(self.model.row_of(segment.name) if segment is not None else -1)
        if segment is not None:
            self.members[segment.kind].narrow(segment.keys)
            self._mark()
        if fresh:
            self._late = not self.isVisible()
            self.findings.open(segment if self._session.run is not None else None, ask=not self._late)
        self._say()

    def _rules_changed(self) -> None:
        """What is shown to shoppers is under the rules; no other finding depends on them."""
        if self.findings.of_lists:
            self._late = not self.isVisible()
            if not self._late:
                self.findings.ask()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self._late:
            self._late = False
            self.findings.ask()

    def _say(self, _: object = None) -> None:
        one, session = self.chosen, self._session
        some = bool(session.segments.all)
        self.left.setVisible(some)
        self.nothing.say(session.run is not None, session.segments.changed_last)
        self.held.setVisible(one is not None)
        self.undo.setVisible(session.segments.changed_last)
        for button in (self.new, self.nothing.new):
            enable(button, session.run is not None, session.segments.place)
        for button in (self.rename, self.delete, self.undo):
            enable(button, True, session.segments.place)
        if one is None:
            return
        for kind, listed in self.people.items():
            listed.setVisible(kind == one.kind and listed.model().rowCount() > 0)
        self.unknown.setVisible(self.people[one.kind].isHidden())
        self.title.say(one.name)
        self.rule.say(self.model.detail(session.segments.all.index(one)) if one in session.segments.all else one.rule)
        self.held.note.setText(f"{len(one.members):,}")
        used = session.segment == one
        self.use.setChecked(used)
        self.use.setText(self.tr("Used in every view") if used else self.tr("Use in every view"))
        self.use.setToolTip(
            self.tr("Every view is narrowed to this segment; press again to show all (Ctrl+U)")
            if used
            else self.tr("Narrow every view to this segment (Ctrl+U)")
        )

    def _mark(self, _: str = "") -> None:
        """Mark the members that the session has chosen."""
        for kind, key in (("users", self._session.user), ("items", self._session.item)):
            self.people[kind].show_row(self.members[kind].row_of(key))

    def _picked(self, current: AnyIndex, _previous: AnyIndex) -> None:
        if current.isValid():
            self.show_segment(self._session.segments.named(str(current.data(KEY_ROLE))))

    def _user_picked(self, current: AnyIndex, _previous: AnyIndex) -> None:
        if current.isValid():
            self._session.choose_user(str(current.data(KEY_ROLE)))

    def _item_picked(self, current: AnyIndex, _previous: AnyIndex) -> None:
        if current.isValid():
            self._session.choose_item(str(current.data(KEY_ROLE)))

    # --- what can be done -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Make a new segment by conditions."""
        if self._session.run is not None:
            self.pages.setCurrentIndex(_BUILDER)
            self.builder.begin()

    def _save(self, name: str, found: Selection, rule: str) -> None:
        made = self._session.segments.add(name, "items" if found.kind == "items" else "users", found.keys, rule)
        self.show_segment(made)

    def _use(self) -> None:
        use = self._session.segment != self.chosen
        self._session.choose_segment(self.chosen if use else None)
        self._say()

    def ask_name(self) -> None:
        if self.chosen is None:
            return
        title, prompt = self.tr("Rename segment"), self.tr("Name of the segment:")
        name, given = QInputDialog.getText(self, title, prompt, text=self.chosen.name)
        if given:
            self._session.segments.rename(self.chosen.name, name)

    def remove(self) -> None:
        """Delete the chosen segment; undo brings it back."""
        if self.chosen is not None and self.pages.currentIndex() == _DETAIL:
            self._session.segments.remove(self.chosen.name)

    def _undo(self) -> None:
        if self._session.segments.changed_last:
            self._session.undo.undo()

    def _save_built(self) -> None:
        if self.pages.currentIndex() == _BUILDER:
            self.builder.save.click()

    # --- what the window asks of a view -----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self.findings.busy or (self.pages.currentIndex() == _BUILDER and self.builder.busy)

    def offers(self) -> list[Action]:
        closed = no_run(self._session)

        def act(name: str, text: str, run: Callable[[], None], keys: str, why_not: Reason) -> Action:
            return Action(name, text, run, keys, group="segment", why_not=why_not)

        return [
            act("segment_new", self.tr("New segment…"), self.begin, "Ctrl+N", closed),
            act("segment_save", self.tr("Save segment"), self._save_built, "Ctrl+S", self._no_save),
            act("segment_more", self.tr("Add a condition"), lambda: self.builder.add.click(), "Ctrl+Return",
                self._no_condition),
            act("segment_use", self.tr("Use in every view"), self._use, "Ctrl+U", first(closed, self._no_segment)),
            act("segment_name", self.tr("Rename segment…"), self.ask_name, "F2", self._no_segment),
            act("segment_drop", self.tr("Delete segment"), self.remove, "Delete", self._no_segment),
        ]  # fmt: skip

    def _no_segment(self) -> str:
        if self.chosen is None:
            return self.tr("There is no segment yet: make one first.")
        return self.tr("Save the new segment, or cancel it, first.") if self.builder.isVisible() else ""

    def _no_builder(self) -> str:
        return "" if self.builder.isVisible() else self.tr("Begin a new segment first (Ctrl+N).")

    def _no_condition(self) -> str:
        return self._no_builder() or ("" if self.builder.rows else self.tr("The columns are being read."))

    def _no_save(self) -> str:
        if (reason := self._no_builder()) or self.builder.save.isEnabled():
            return reason
        if self.builder.busy:
            return self.tr("It is still being counted who meets the conditions.")
        return self.tr("Nobody meets these conditions: widen one.")

    def state(self) -> dict[str, Any]:
        name = self.chosen.name if self.chosen is not None else ""
        sizes = {"sizes": self.splitter.sizes()} if self._moved else {}
        return {"segment": name, **sizes, **self.findings.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        sizes = state.get("sizes")
        if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(one, int) for one in sizes):
            self._moved = True
            self.splitter.setSizes(sizes)
        found = self._session.segments.named(str(state.get("segment", "")))
        if found is not None:
            self.show_segment(found)
            self.findings.choose(str(state.get("subject", "")), str(state.get("against", "")))
            if self.isVisible():
                self.findings.ask()

    def numbers(self) -> Numbers:
        return self.findings.numbers()


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(widgets[0], 1)
    for widget in widgets[1:]:
        row.addWidget(widget)
    return row
