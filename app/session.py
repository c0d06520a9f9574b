"""The one shared state of the window: run, shopper, product, method, head, what the pointer lights.

Views read it, ask it for changes and follow its signals; they never talk to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from app.i18n import stage_text
from engine.answers import Ranking, RunSummary
from engine.desk import RunLog
from engine.explain.types import Explanation

ALL_HEADS = -1
RANKED = 100  # products asked for in a ranked list


@dataclass(frozen=True)
class Pointed:
    """What the pointer is on: tokens of the shown explanation (by index), or a past purchase (by index), or a part."""

    tokens: frozenset[int] = frozenset()
    history: int | None = None
    part: str | None = None  # a modality, "identity" or "bias": a bar of the sum


NOTHING = Pointed()


class Engine(Protocol):
    """What the session needs of an engine lane. Newest wins: asking for a job by the same name drops the older one."""

    finished: Any  # Signal(int, object): job, answer
    failed: Any  # Signal(int, str, str): job, message, hint
    progressed: Any  # Signal(int, object): job, Progress

    def submit(self, name: str, /, **arguments: Any) -> int: ...


class Session(QObject):
    """Selections go in through the `choose_...` methods; answers come out as signals, old answers are dropped."""

    run_changed = Signal(object)  # RunSummary | None
    user_changed = Signal(str)
    ranking_changed = Signal(object)  # Ranking | None: None while it is on its way
    item_changed = Signal(str)
    explanation_changed = Signal(object)  # Explanation | None: None while it is on its way
    method_changed = Signal(str)
    head_changed = Signal(int)  # ALL_HEADS or 0..heads-1
    pointed_changed = Signal(object)  # Pointed
    waiting_changed = Signal(str)  # what the engine is busy with, or ""
    log_read = Signal(object)  # RunLog
    failed = Signal(str, str)  # message, hint

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._jobs: dict[str, int] = {}  # job name -> the newest job asked for
        self._questions: dict[str, dict[str, Any]] = {}  # job name -> its arguments
        self._lost: tuple[str, dict[str, Any]] | None = None  # the question that failed last
        self.run: RunSummary | None = None
        self.user = ""
        self.item = ""
        self.method = "contribution"
        self.head = ALL_HEADS
        self.ranking: Ranking | None = None
        self.explanation: Explanation | None = None
        self.pointed = NOTHING
        engine.finished.connect(self._finished)
        engine.failed.connect(self._failed)
        engine.progressed.connect(self._progressed)

    @property
    def idle(self) -> bool:
        """Whether nothing is asked that has no answer yet."""
        return not self._jobs

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
        self._jobs.clear()
        self._announce()
        self.run, self.user, self.item = None, "", ""
        self.ranking, self.explanation = None, None
        self.point(NOTHING)
        self.run_changed.emit(None)
        self.ranking_changed.emit(None)
        self.explanation_changed.emit(None)

    def choose_user(self, user: str) -> None:
        if self.run is None or user == self.user:
            return
        self.user = user
        self.ranking = None
        self.user_changed.emit(user)
        self.ranking_changed.emit(None)
        self._ask("rank", run=self.run.folder, user=user, k=RANKED)

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

    def point(self, pointed: Pointed) -> None:
        if pointed != self.pointed:
            self.pointed = pointed
            self.pointed_changed.emit(pointed)

    def _explain(self) -> None:
        self.point(NOTHING)
        if self.run is None or not (self.user and self.item):
            return
        self._ask("explain", run=self.run.folder, user=self.user, item=self.item, method=self.method)

    def _ask(self, name: str, **arguments: Any) -> None:
        self._questions[name] = arguments
        self._lost = None
        self._jobs[name] = self._engine.submit(name, **arguments)
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
        del self._jobs[name]
        self._announce()
        if isinstance(answer, RunSummary):
            self._opened(answer)
        elif isinstance(answer, Ranking):
            self.ranking = answer
            self.ranking_changed.emit(answer)
            listed = {ranked.item for ranked in answer.items}
            if self.item in listed:
                self._explain()
            elif answer.items:
                self.choose_item(answer.items[0].item)
        elif isinstance(answer, RunLog):
            self.log_read.emit(answer)
        elif isinstance(answer, Explanation):
            self.explanation = answer
            self.explanation_changed.emit(answer)

    def _opened(self, run: RunSummary) -> None:
        kept = self.user if self.user in run.shoppers.user else ""
        self.run, self.user, self.item = run, "", ""
        self.ranking, self.explanation = None, None
        self.head = ALL_HEADS
        if self.method not in run.methods:
            self.method = "contribution"
        self.run_changed.emit(run)
        self.explanation_changed.emit(None)
        first = kept or (run.shoppers.user[0] if len(run.shoppers) else "")
        if first:
            self.choose_user(first)

    def _failed(self, job: int, message: str, hint: str) -> None:
        name = self._name_of(job)
        if name is not None:
            del self._jobs[name]
            self._lost = (name, self._questions[name])
            self._announce()
            self.failed.emit(message, hint)

    def _progressed(self, job: int, progress: Any) -> None:
        if self._name_of(job) is not None:
            self.waiting_changed.emit(stage_text(progress.stage))
