"""Questions that one view asks of an engine lane: newest wins, late answers are dropped, progress is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from app.fault_text import fault_text
from engine.jobs import Progress


class Engine(Protocol):
    """What is needed of an engine lane. Newest wins: asking for a job by the same name and channel drops the older
    one."""

    finished: Any  # Signal(int, object): job, answer
    failed: Any  # Signal(int, str, str): job, message, hint
    progressed: Any  # Signal(int, object): job, Progress

    def submit(self, name: str, /, channel: str = "", **arguments: Any) -> int: ...
    def cancel(self, job: int) -> None: ...


class Pace:
    """How long something still takes at the pace so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage, self._began, self._first = "", 0.0, 0.0

    def left(self, stage: str, share: float | None) -> float | None:
        """Seconds to the end of a stage of which `share` in 0..1 is done; None while that would be a guess."""
        if share is None:
            return None
        now = self._clock()
        if stage != self._stage or share < self._first:
            self._stage, self._began, self._first = stage, now, share
        if share - self._first <= 0.001 or now - self._began < 2.0:
            return None
        return (now - self._began) / (share - self._first) * (1 - share)


@dataclass(frozen=True)
class Step:
    """How far a question's work is: its stage, how much of it in 0..1 (None while unknown), seconds left (or None)."""

    stage: str
    share: float | None
    seconds_left: float | None


@dataclass
class _Asked:
    job: int
    then: Callable[[Any], None]
    pace: Pace


class Questions(QObject):
    """One view's channel to a lane. A question replaces the one of its name that is under way."""

    changed = Signal()  # a question was asked, answered, failed or dropped
    stepped = Signal(object)  # Step
    failed = Signal(str, str)  # message, hint

    def __init__(self, engine: Engine, channel: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._channel = channel
        self._asked: dict[str, _Asked] = {}
        engine.finished.connect(self._finished)
        engine.failed.connect(self._failed)
        engine.progressed.connect(self._progressed)

    @property
    def busy(self) -> bool:
        """Whether a question has no answer yet."""
        return bool(self._asked)

    def ask(self, name: str, then: Callable[[Any], None], /, slot: str = "", **arguments: Any) -> None:
        """Ask for a job of the desk; `then` takes its answer. slot: tells questions of one name apart, so that several
        of them can be under way."""
        key = f"{name} {slot}"
        self.drop(name, slot)
        job = self._engine.submit(name, channel=f"{self._channel} {slot}", **arguments)
        self._asked[key] = _Asked(job, then, Pace())
        self.changed.emit()

    def drop(self, name: str, slot: str = "") -> None:
        """Forget a question that is under way; its work is cancelled."""
        asked = self._asked.pop(f"{name} {slot}", None)
        if asked is not None:
            self._engine.cancel(asked.job)
            self.changed.emit()

    def drop_all(self) -> None:
        """Forget every question that is under way."""
        for asked in list(self._asked.values()):
            self._engine.cancel(asked.job)
        if self._asked:
            self._asked.clear()
            self.changed.emit()

    def _take(self, job: int) -> _Asked | None:
        key = next((key for key, asked in self._asked.items() if asked.job == job), None)
        return None if key is None else self._asked.pop(key)

    def _finished(self, job: int, answer: object) -> None:
        asked = self._take(job)
        if asked is not None:
            asked.then(answer)
            self.changed.emit()

    def _failed(self, job: int, message: str, hint: str) -> None:
        if self._take(job) is not None:
            self.failed.emit(fault_text(message), fault_text(hint))
            self.changed.emit()

    def _progressed(self, job: int, progress: Progress) -> None:
        asked = next((asked for asked in self._asked.values() if asked.job == job), None)
        if asked is not None:
            share = min(progress.done / progress.total, 1.0) if progress.total else None
            self.stepped.emit(Step(progress.stage, share, asked.pace.left(progress.stage, share)))
