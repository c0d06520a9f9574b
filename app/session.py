"""The one shared state of the window: run, shopper, product, method, head, what the pointer lights, the brush, and
the what-if scenario with its undo stack.

Views read it, ask it for changes and follow its signals; they never talk to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.fault_text import fault_text
from app.i18n import duration, joined, stage_text
from app.questions import Engine, Pace, Questions
from app.rules import Rules
from app.segments import Segment, Segments
from engine.rules import Rule
from engine.scenario import ItemEdit, PastEdit, Scenario

if TYPE_CHECKING:
    from engine.answers import Ranking, RunSummary
    from engine.explain.types import Explanation, Token

T = TypeVar("T")
ALL_HEADS = -1
RANKED = 100  # products asked for in a ranked list


@dataclass(frozen=True)
class Pointed:
    """What the pointer is on: tokens of the shown explanation (by index), or a past purchase (by index), or a part."""

    tokens: frozenset[int] = frozenset()
    history: int | None = None
    part: str | None = None  # a modality, "identity" or "bias": a bar of the sum


NOTHING = Pointed()


@dataclass(frozen=True)
class Step:
    """A step of the what-if under the name that the undo list shows."""

    text: str
    before: Scenario
    after: Scenario


@dataclass(frozen=True)
class Chosen:
    """What was chosen in a run when the window was left: `done` of `steps` were in force, from `base` on."""

    run: str  # its folder
    user: str
    item: str
    method: str
    head: int
    brush: frozenset[int]
    base: Scenario = field(default_factory=Scenario)
    steps: tuple[Step, ...] = ()
    done: int = 0


class _Change(QUndoCommand):
    """A step of the scenario: from one to the next."""

    def __init__(self, session: Session, step: Step) -> None:
        super().__init__(step.text)
        self._session, self.step = session, step
        self._again = False  # the first time a user sees what they do

    def redo(self) -> None:
        self._session.take_scenario(self.step.after)
        if self._again:
            self._session.go_where(self.step)
        self._again = True

    def undo(self) -> None:
        self._session.take_scenario(self.step.before)
        self._session.go_where(self.step)


class Session(QObject):
    """Selections go in through the `choose_...` methods; answers come out as signals, old answers are dropped."""

    run_changed = Signal(object)  # RunSummary | None
    user_changed = Signal(str)
    ranking_changed = Signal(object)  # Ranking | None: None while it is on its way
    unchanged_changed = Signal(object)  # Ranking | None: the same shopper's list without the scenario
    item_changed = Signal(str)
    explanation_changed = Signal(object)  # Explanation | None: None while it is on its way
    method_changed = Signal(str)
    head_changed = Signal(int)  # ALL_HEADS or 0..heads-1
    pointed_changed = Signal(object)  # Pointed
    brush_changed = Signal(object)  # frozenset[int]: tokens of the shown explanation that are brushed
    scenario_changed = Signal(object)  # Scenario
    segment_changed = Signal(object)  # app.segments.Segment | None: what every view is narrowed to
    waiting_changed = Signal(str)  # what the engine is busy with, or ""
    log_read = Signal(object)  # RunLog
    failed = Signal(str, str)  # message, hint

    def __init__(self, engine: Engine, parent: QObject | None = None, *, study: Engine | None = None) -> None:
        """engine answers at once; study, another lane (the same where there is none), works on what takes longer."""
        super().__init__(parent)
        self.engine = engine
        self.study = study or engine
        self._pace = Pace()
        self._jobs: dict[str, int] = {}  # job name -> the newest job asked for
        self._questions: dict[str, dict[str, Any]] = {}  # job name -> its arguments
        self._lost: tuple[str, dict[str, Any]] | None = None  # the question that failed last
        self.run: RunSummary | None = None
        self.user = ""
        self.item = ""
        self.method = "contribution"
        self.head = ALL_HEADS
        self.ranking: Ranking | None = None
        self.unchanged: Ranking | None = None  # the same shopper's list without the scenario
        self.explanation: Explanation | None = None
        self.pointed = NOTHING
        self.brush: frozenset[int] = frozenset()
        self.scenario = Scenario()
        self.undo = QUndoStack(self)
        self.rules = Rules(self.undo, self)
        self.rules.changed.connect(self._rules_changed)
        self._ruled: tuple[Rule, ...] = ()  # the rules that the list shown, or on its way, is under
        self.segments = Segments(self.undo, self)
        self.segment: Segment | None = None  # what every view is narrowed to
        self.segments.changed.connect(self._segments_changed)
        self._before = Questions(engine, "unchanged", self)
        self._new_user = False  # the list on its way is of another shopper than the one before
        self._left: Chosen | None = None  # what comes back as soon as its run is open
        self._left_brush: Chosen | None = None  # whose brush comes back with its explanation
        engine.finished.connect(self._finished)
        engine.failed.connect(self._failed)
        engine.progressed.connect(self._progressed)

    @property
    def idle(self) -> bool:
        """Whether nothing is asked that has no answer yet."""
        return not self._jobs

    def waits_for(self, name: str) -> bool:
        """Whether a job of that name, "rank" or "explain", is asked that has no answer yet."""
        return name in self._jobs

    def announce(self) -> None:
        """Say the whole state again, for views that were made anew."""
        self.run_changed.emit(self.run)
        if self.run is not None:
            self.method_changed.emit(self.method)
            self.head_changed.emit(self.head)
            self.user_changed.emit(self.user)
            self.ranking_changed.emit(self.ranking)
            self.item_changed.emit(self.item)
            self.explanation_changed.emit(self.explanation)
            self.segment_changed.emit(self.segment)

    def retry(self) -> None:
        """Ask the question that failed last once more."""
        if self._lost is not None:
            name, arguments = self._lost
            self._ask(name, **arguments)

    def open_run(self, folder: str) -> None:
        """Open a run; its first shopper is chosen when it arrives, unless the chosen one exists in it too."""
        self._ask("open_run", run=folder)

    def ask_log(self, folder: str) -> None:
        """Read how a run was set up and how it went; `log_read` brings it."""
        self._ask("history", run=folder)

    def close_run(self) -> None:
        """Back to nothing open."""
        self._left = self._left_brush = None
        self._jobs.clear()
        self._announce()
        self._keep_unchanged(None)
        self.run, self.user, self.item = None, "", ""
        self.ranking, self.explanation = None, None
        self.point(NOTHING)
        self._forget_scenario()
        self.choose_segment(None)
        self.rules.close()
        self.run_changed.emit(None)
        self.ranking_changed.emit(None)
        self.explanation_changed.emit(None)

    def end(self) -> None:
        """The window closes: nothing is told any more. A QUndoStack speaks while it is taken apart, to views that
        would ask it what is no longer there."""
        self.undo.blockSignals(True)

    def choose_user(self, user: str) -> None:
        if self.run is None or user == self.user:
            return
        self.user = user
        self.ranking = None
        self._before.drop_all()  # the list of the shopper before
        self._keep_unchanged(None)
        self.user_changed.emit(user)
        self.ranking_changed.emit(None)
        self._new_user = True
        self._rank()

    def choose_item(self, item: str) -> None:
        """Choose a product, of the ranked list or any other of the catalogue."""
        if self.run is None or item == self.item:
            return
        self.item = item
        self.item_changed.emit(item)
        self._explain()

    def choose_method(self, method: str) -> None:
        if method != self.method:
            self.method = method
            self.method_changed.emit(method)
            self._explain()

    def choose_head(self, head: int) -> None:
        """Show one attention head's part, or ALL_HEADS. The explanation holds them all: nothing is asked for."""
        if head != self.head:
            self.head = head
            self.head_changed.emit(head)

    def choose_segment(self, segment: Segment | None) -> None:
        """Narrow every view to a segment of shoppers or products; None for all."""
        if segment != self.segment:
            self.segment = segment
            self.segment_changed.emit(segment)

    def _segments_changed(self) -> None:
        """The chosen segment may have another name, or be gone."""
        mine = self.segment
        if mine is not None and mine not in self.segments.all:
            same = (one for one in self.segments.all if (one.kind, one.members) == (mine.kind, mine.members))
            self.choose_segment(next(same, None))

    def point(self, pointed: Pointed) -> None:
        if pointed != self.pointed:
            self.pointed = pointed
            self.pointed_changed.emit(pointed)

    def brush_over(self, tokens: frozenset[int]) -> None:
        """Brush tokens of the shown explanation; none puts the brush away."""
        if tokens != self.brush:
            self.brush = tokens
            self.brush_changed.emit(tokens)

    def remove_brushed(self, text: str) -> None:
        """Take what is brushed away from the product in the model, as a step that can be undone; `text` names it."""
        found = self.explanation
        if found is None or not self.brush:
            return
        taken = tuple(found.tokens[row] for row in sorted(self.brush) if _part_of_page(found.tokens[row]))
        edit = self.scenario.edit_of(found.item)
        self.change(self.scenario.with_edit(replace(edit, dropped=(*edit.dropped, *taken))), text)

    def change(self, scenario: Scenario, text: str) -> None:
        """Make a step of the what-if; `text` names it in the undo list."""
        if scenario != self.scenario and self.run is not None:
            self.undo.push(_Change(self, Step(text, self.scenario, scenario)))

    def take_scenario(self, scenario: Scenario) -> None:
        """Put a scenario in force without a step of its own: the undo stack does, and the opening of a saved one."""
        self.scenario = scenario
        self.brush_over(frozenset())
        self.scenario_changed.emit(scenario)
        self._rank()

    def go_where(self, step: Step) -> None:
        """Choose what a step that was undone, or done again, is about, where none of it is chosen: no step comes or
        goes unseen."""
        if self.run is None or self.signalsBlocked():
            return
        known = set(self.run.items.item)
        items = [one for one in _differing(step.before.edits, step.after.edits, _item_of) if one in known]
        users = _differing(step.before.pasts, step.after.pasts, _user_of)
        if self.item in items or self.user in users:
            return
        there = [one for one in users if one in self.run.shoppers.user or self.scenario.past_of(one).invented]
        if items:
            self.choose_item(items[-1])
        elif there:
            self.choose_user(there[-1])

    def steps(self) -> tuple[tuple[Step, ...], int]:
        """The steps of the undo list, oldest first, and how many of them are in force."""
        commands = [self.undo.command(place) for place in range(self.undo.count())]
        mine = [(place, one.step) for place, one in enumerate(commands) if isinstance(one, _Change)]
        return tuple(step for _, step in mine), sum(place < self.undo.index() for place, _ in mine)

    def bring_back(self, chosen: Chosen) -> None:
        """Choose all this once its run is opened by `open_run`."""
        self._left = chosen

    @property
    def coming_back(self) -> bool:
        """Whether something of `bring_back` is still on its way."""
        return self._left is not None or self._left_brush is not None

    def _put_steps(self, left: Chosen) -> None:
        self.blockSignals(True)  # one word for all steps
        self.scenario = left.base
        for step in left.steps:
            self.undo.push(_Change(self, step))
        self.undo.setIndex(left.done)
        self.blockSignals(False)
        self.scenario_changed.emit(self.scenario)

    def _forget_scenario(self) -> None:
        self.undo.clear()
        self.scenario = Scenario()
        self.brush_over(frozenset())
        self.scenario_changed.emit(self.scenario)

    def under_rules(self) -> dict[str, Any]:
        """The business rules in force, as an argument of "rank" and "explain"; none where none acts."""
        return {"rules": self.rules.active} if self.rules.active else {}

    def _rules_changed(self) -> None:
        """Rank anew where other rules act than before; the list without the scenario is under them too."""
        if self.run is not None and self.rules.active != self._ruled:
            self._before.drop_all()
            self._keep_unchanged(None)
            self._rank()

    def _rank(self) -> None:
        if self.run is None or not self.user:
            return
        self._ruled = self.rules.active
        asked: dict[str, Any] = {"run": self.run.folder, "user": self.user, "k": RANKED, **self.under_rules()}
        self._ask("rank", **asked, **self._what_if())
        if self.scenario.changes and self.unchanged is None and not self.scenario.past_of(self.user).invented:
            self._before.ask("rank", self._keep_unchanged, **asked)

    def _ranked(self, ranking: Ranking) -> None:
        """The explanation is asked for before any view hears of the list: the engine works while they fill."""
        stays = bool(self.item) and (not self._new_user or any(one.item == self.item for one in ranking.items))
        moves = not stays and bool(ranking.items)
        self._new_user = False
        self.ranking = ranking
        if moves:
            self.item = ranking.items[0].item
        if stays or moves:
            self._explain()
        if not self.scenario.changes:
            self._keep_unchanged(ranking)
        self.ranking_changed.emit(ranking)
        if moves:
            self.item_changed.emit(self.item)

    def _keep_unchanged(self, ranking: Ranking | None) -> None:
        if ranking is not self.unchanged:
            self.unchanged = ranking
            self.unchanged_changed.emit(ranking)

    def _explain(self) -> None:
        self.point(NOTHING)
        self.brush_over(frozenset())
        if self.run is None or not (self.user and self.item):
            return
        asked = {"run": self.run.folder, "user": self.user, "item": self.item, "method": self.method}
        self._ask("explain", **asked, **self.under_rules(), **self._what_if())

    def _what_if(self) -> dict[str, Scenario]:
        return {"scenario": self.scenario} if self.scenario.changes else {}

    def _ask(self, name: str, **arguments: Any) -> None:
        self._questions[name] = arguments
        self._lost = None
        self._jobs[name] = self.engine.submit(name, **arguments)
        self._announce()

    def _announce(self) -> None:
        names = {"open_run": self.tr("Opening"), "rank": self.tr("Ranking"), "explain": self.tr("Explaining")}
        self.waiting_changed.emit(next((names[name] for name in names if name in self._jobs), ""))

    def _name_of(self, job: int) -> str | None:
        return next((name for name, newest in self._jobs.items() if newest == job), None)

    def _finished(self, job: int, answer: object) -> None:
        name = self._name_of(job)
        if name is None:
            return  # a late answer to an old question
        from engine.answers import Ranking, RunSummary  # loaded by an answer: the first frame of the window precedes it
        from engine.desk import RunLog
        from engine.explain.types import Explanation

        del self._jobs[name]
        self._announce()
        if isinstance(answer, RunSummary):
            self._opened(answer)
        elif isinstance(answer, Ranking):
            self._ranked(answer)
        elif isinstance(answer, RunLog):
            self.log_read.emit(answer)
        elif isinstance(answer, Explanation):
            self.explanation = answer
            self.explanation_changed.emit(answer)
            left, self._left_brush = self._left_brush, None
            if left is not None and (left.user, left.item, left.method) == (answer.user, answer.item, answer.method):
                self.brush_over(frozenset(row for row in left.brush if row < len(answer.tokens)))

    def _opened(self, run: RunSummary) -> None:
        kept = self.user if self.user in run.shoppers.user else ""
        left, self._left = self._left, None
        if left is not None and Path(left.run) != Path(run.folder):
            left = None
        self.run, self.user, self.item = run, "", ""
        self.ranking, self.explanation = None, None
        self._keep_unchanged(None)
        self.head = ALL_HEADS
        self._forget_scenario()
        if left is not None:
            self.method = left.method
            self.head = left.head if left.head < run.heads else ALL_HEADS
            self._put_steps(left)
            if left.user in run.shoppers.user or self.scenario.past_of(left.user).invented:
                kept = left.user
        if self.method not in run.methods:
            self.method = "contribution"
        self.run_changed.emit(run)
        self.explanation_changed.emit(None)
        first = kept or (run.shoppers.user[0] if len(run.shoppers) else "")
        if first:
            self.choose_user(first)
        if left is not None and left.user == first and left.item in run.items.item:
            self._left_brush = left
            self.item = left.item  # explained when the list is there, as any that stays
            self._new_user = False
            self.item_changed.emit(left.item)

    def _failed(self, job: int, message: str, hint: str) -> None:
        name = self._name_of(job)
        if name is not None:
            del self._jobs[name]
            self._lost = (name, self._questions[name])
            self._announce()
            self.failed.emit(fault_text(message), fault_text(hint))

    def _progressed(self, job: int, progress: Any) -> None:
        if self._name_of(job) is not None:
            share = min(progress.done / progress.total, 1.0) if progress.total else None
            left = self._pace.left(f"{job} {progress.stage}", share)
            text = stage_text(progress.stage)
            self.waiting_changed.emit(text if left is None else joined([text, duration(left)]))

    def stop(self) -> None:
        """Give up what is asked and not answered yet; what is shown stays, and is what is chosen again."""
        for job in self._jobs.values():
            self.engine.cancel(job)
        self._jobs.clear()
        self._announce()
        found = self.explanation
        if found is not None and self.item != found.item:
            self.item = found.item
            self.item_changed.emit(found.item)


def _part_of_page(token: Token) -> bool:
    return token.modality not in ("identity", "history")


def _item_of(edit: ItemEdit) -> str:
    return edit.item


def _user_of(past: PastEdit) -> str:
    return past.user


def _differing(before: Sequence[T], after: Sequence[T], key: Callable[[T], str]) -> list[str]:
    """The keys of what only one of two has so, the last ones last."""
    return list(dict.fromkeys(key(one) for one in (*before, *after) if (one in before) != (one in after)))
