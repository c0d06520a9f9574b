"""Leads through the self-test: each step in a process beside this one, whatever becomes of the others."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.files import make_folder
from engine.jobs import Progress
from engine.process import EngineProcess, Setup
from engine.runner import Answered, Died, Failed, Progressed
from engine.selftest.apart import apart, ended
from engine.selftest.found import Found
from engine.selftest.steps import CLEAN, NETWORK, STEPS, WINDOW, Step

DESK = "engine.selftest.desk:SelftestDesk"
OK, FAILED, SKIPPED = "ok", "failed", "skipped"
_TICK = 0.2


@dataclass(frozen=True)
class Outcome:
    """How a step ended. why, hint: of a failure; trace: what was written of it, for whom it is sent to."""

    step: Step
    state: str
    seconds: float
    found: Found | None = None
    why: str = ""
    hint: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Advanced:
    """A step is under way; progress: of its work, where something is known."""

    step: Step
    progress: Progress | None = None


@dataclass(frozen=True)
class Report:
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def ready(self) -> bool:
        return all(one.state == OK for one in self.outcomes)

    @property
    def values(self) -> dict[str, Any]:
        """The figures of all steps, as {step: {name: value}}."""
        return {one.step.name: one.found.values for one in self.outcomes if one.found is not None}


@dataclass(frozen=True)
class Wanted:
    """seconds: of training. keep: a folder to work in, which stays; without it a temporary one goes. look: draws the
    window in a process of its own, `look(run, folder, began)` returning (Found, sockets); None leaves it out. steps:
    names of those to be done, all where empty."""

    seconds: float = 60.0
    keep: Path | None = None
    look: Callable[..., Any] | None = None
    steps: tuple[str, ...] = ()
    desk: str = DESK


Running = Generator[Advanced, None, Any]


def selftest(wanted: Wanted) -> Generator[Advanced | Outcome, None, Report]:
    """Yield what happens, return the Report. Closed on the way, it ends its processes and leaves nothing behind.

    HeedmapError where the folder to be kept is in use, or none can be made.
    """
    test = _Selftest(wanted, _folder(wanted.keep))
    began = time.monotonic()
    outcomes: list[Outcome] = []
    try:
        for step in STEPS:
            if (step.name == WINDOW and wanted.look is None) or (wanted.steps and step.name not in wanted.steps):
                continue
            outcomes.append((yield from test.outcome(step, outcomes)))
            yield outcomes[-1]
    finally:
        test.close()
    return Report(tuple(outcomes), time.monotonic() - began)


def _folder(keep: Path | None) -> Path:
    if keep is None:
        try:
            return Path(tempfile.mkdtemp(prefix="heedmap-selftest-"))
        except OSError as error:
            raise HeedmapError(
                f"No temporary folder can be made ({error.strerror}).", "Use --keep FOLDER on a disk with room."
            ) from error
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise HeedmapError(f"{keep} is not an empty folder.", "Name a new one.")
    return make_folder(keep).absolute()


@dataclass
class _Selftest:
    """The engine process, the folder, and what was seen so far."""

    wanted: Wanted
    folder: Path
    sockets: list[str] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    _asked: int = 0
    _read: int = 0  # characters of the logs that were told already

    def __post_init__(self) -> None:
        self.log = self.folder / "log"
        self.engine = EngineProcess(Setup(desk=self.wanted.desk, log=str(self.log)))

    def outcome(self, step: Step, before: list[Outcome]) -> Running:
        """Do a step; return its Outcome."""
        missing = [one.step.title for one in before if one.step.name in step.needs and one.state != OK]
        if missing:
            return Outcome(step, SKIPPED, 0.0, why=f"not tried without: {missing[0]}")
        began = time.monotonic()
        yield Advanced(step)
        special = {WINDOW: self._window, NETWORK: self._network, CLEAN: self._clean}
        try:
            found: Found = yield from (special.get(step.name) or self._asked_of_engine)(step)
        except HeedmapError as error:
            hint = error.hint if error.hint and not error.hint.startswith("The details are in") else step.hint
            return Outcome(step, FAILED, time.monotonic() - began, None, error.message, hint, self._trace())
        return Outcome(step, OK, time.monotonic() - began, found)

    def _asked_of_engine(self, step: Step) -> Running:
        if not self.engine.alive:
            try:
                self.engine.start()
            except OSError as error:
                raise HeedmapError(
                    f"No process could be started ({error.strerror}).", "Close other programs."
                ) from error
            if self.engine.pid is not None:
                self.pids.add(self.engine.pid)
        self._asked += 1
        arguments = {"name": step.name, "folder": str(self.folder), "seconds": self.wanted.seconds}
        self.engine.send("submit", self._asked, "step", arguments)
        most = step.most + (self.wanted.seconds if step.name == "training" else 0.0)
        until = time.monotonic() + most
        while True:
            progress = None
            for event in self.engine.poll(_TICK):
                if isinstance(event, Answered):
                    found, sockets = event.answer
                    self.sockets += [one for one in sockets if one not in self.sockets]
                    return found
                if isinstance(event, Failed):
                    raise HeedmapError(event.message, event.hint)
                if isinstance(event, Died):
                    how = "stopped answering" if event.code is None else ended(event.code)
                    raise HeedmapError(f"The engine process {how}.")
                if isinstance(event, Progressed):
                    progress = event.progress
            yield Advanced(step, progress)
            if time.monotonic() > until:
                self.engine.kill()
                raise HeedmapError(f"It was not done after {most:.0f} s.", "Try again on an idle computer.")

    def _window(self, step: Step) -> Running:
        from engine.selftest.shop import RUN

        self.engine.stop()  # its memory is wanted
        assert self.wanted.look is not None
        job = apart(self.wanted.look, (str(self.folder / RUN), str(self.folder)), self.log, step.most)
        try:
            while True:
                try:
                    next(job)
                except StopIteration as end:
                    found, sockets = end.value
                    self.sockets += sockets
                    return found
                yield Advanced(step)
        finally:
            job.close()

    def _network(self, step: Step) -> Running:
        yield Advanced(step)
        if self.sockets:
            raise HeedmapError(f"Of Heedmap's processes, {self.sockets[0]}.", "It must never do so: send this report.")
        return Found("no socket was opened and no name looked up", {})

    def _clean(self, step: Step) -> Running:
        """End the engine; nothing of the test may still run, and its folder must go."""
        yield Advanced(step)
        self.close()
        running = [str(one.pid) for one in multiprocessing.active_children() if one.pid in self.pids]
        running += [str(pid) for pid in self.pids if _alive(pid)]
        if running:
            raise HeedmapError(f"Process {running[0]} of the self-test still runs.")
        if self.wanted.keep is not None:
            return Found("no process runs on; {folder} was kept", {"folder": str(self.folder)})
        if self.folder.exists():
            raise HeedmapError(f"{self.folder} could not be removed.")
        return Found("no process, no file", {})

    def _trace(self) -> str:
        """What the processes wrote into their logs since it was last asked."""
        logs = sorted(self.log.glob("*.log")) if self.log.is_dir() else []
        whole = "".join(one.read_text(encoding="utf-8", errors="replace") for one in logs)
        new, self._read = whole[self._read :], len(whole)
        return new.strip()

    def close(self) -> None:
        self.engine.stop()
        if self.wanted.keep is None:
            shutil.rmtree(self.folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    """Whether a process of ours still runs; it was waited for, so that its number is nobody's."""
    if os.name != "posix":
        return False  # there `os.kill` would end it; the engine's owner waits for its end anyway
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
