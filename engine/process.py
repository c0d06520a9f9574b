"""The engine process: commands in by a pipe, jobs run one at a time, events out. It dies with its parent.

Child side: `serve`. Parent side: `EngineProcess`. Without a process: `EngineHere`, the same in the caller's thread.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from engine import without_data
from engine.memory import Rest
from engine.runner import Answered, Died, Event, JobRunner, Ready, load_desk, set_environment, vitals

DESK = "engine.desk:Desk"
AHEAD = ("torch",)  # what takes longest to load before a run can be opened
BEAT_SECONDS = 2.0  # a sign of life from the child
REST_SECONDS = 3.0  # without a command, after which a child gives back memory that it does not need
PAUSE_SECONDS = 0.1  # the same, where that is very much
PATIENCE_SECONDS = 120.0  # without a sign of life before a child counts as hanging


@dataclass(frozen=True)
class Setup:
    """How a child is set up. `desk` is "module:class"; `nice` lowers its priority; `log` is the folder for faults;
    `ahead` names modules that load while the first commands are on their way, and that the first answers wait for."""

    desk: str = DESK
    nice: int = 0
    log: str = ""
    ahead: tuple[str, ...] = ()


class Engine(Protocol):
    """What both kinds of engine do for their owner; `poll` waits for at most `seconds` and returns what happened."""

    @property
    def alive(self) -> bool: ...

    def start(self) -> None: ...
    def send(self, *command: Any) -> None: ...
    def poll(self, seconds: float, wake: Connection | None = None) -> list[Event]: ...
    def stop(self, seconds: float = 3.0) -> None: ...
    def kill(self) -> None: ...


def serve(connection: Connection, setup: Setup) -> None:
    """The child's whole life: read commands, run jobs, write events, until told to quit or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent; it tells this process to quit
    threading.Thread(target=_die_with_parent, name="parent watch", daemon=True).start()
    set_environment()
    if setup.nice and hasattr(os, "nice"):
        os.nice(setup.nice)
    if setup.ahead:
        without_data.postpone()
    loading = threading.Thread(target=_load, args=(setup.ahead,), name="ahead", daemon=True)
    loading.start()
    log = Path(setup.log) if setup.log else None
    crashes = _watch_crashes(log)
    lock = threading.Lock()

    def emit(event: Event) -> None:
        with lock:
            connection.send(event)

    threading.Thread(target=_beat, args=(emit,), name="beat", daemon=True).start()
    runner = JobRunner(load_desk(setup.desk), emit, log)
    rest = Rest()
    emit(Ready(os.getpid()))
    try:
        while not runner.ended:
            while not runner.ended and connection.poll(_pause(runner, rest)):
                runner.command(*connection.recv())
            if runner.runnable and not runner.ended:
                runner.step()
            else:
                rest.take()
    except (EOFError, OSError):
        pass  # the parent closed the pipe
    finally:
        if crashes is not None:
            faulthandler.disable()
            crashes.close()
        connection.close()
    if loading.is_alive():
        os._exit(0)  # a library cannot be taken apart while it loads


def _pause(runner: JobRunner, rest: Rest) -> float:
    """Seconds without a command after which there is something else to do."""
    if runner.runnable:
        return 0.0
    return PAUSE_SECONDS if rest.due else REST_SECONDS


def _load(modules: Sequence[str]) -> None:
    """Import modules. One that fails is left to the job that needs it, which says so."""
    gc.disable()  # nothing of a library that loads is garbage, and looking for some takes a tenth of the time
    for name in modules:
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module(name)
    gc.freeze()  # it stays as long as the process: looked through again, it would hold an answer up
    gc.enable()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)  # at once: the main thread may be deep in a long calculation


def _watch_crashes(log: Path | None) -> Any:
    """Let a segmentation fault leave a trace in the log folder."""
    if log is None:
        return None
    try:
        log.mkdir(parents=True, exist_ok=True)
        file = (log / "crash.log").open("a", encoding="utf-8")
    except OSError:
        return None
    faulthandler.enable(file)
    return file


def _beat(emit: Callable[[Event], None]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while True:
            emit(vitals())
            time.sleep(BEAT_SECONDS)


class EngineProcess:
    """The parent's end of one engine process. Use it from one thread; it knows no Qt."""

    def __init__(self, setup: Setup | None = None, patience: float = PATIENCE_SECONDS) -> None:
        self._setup = setup or Setup()
        self._patience = patience
        self._process: Any = None
        self._connection: Connection | None = None
        self._silence = 0.0  # seconds of this thread's own waiting without a sign of life
        self._told = False  # whether its death was reported

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start a child in place of the one that is gone."""
        self._release()
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._setup), name="heedmap engine", daemon=True)
        self._process.start()
        theirs.close()
        self._connection = mine
        self._silence = 0.0
        self._told = False

    def send(self, *command: Any) -> None:
        """Send a command of `JobRunner.command`. To a dead child it is lost: `poll` will say that it died."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.send(command)

    def poll(self, seconds: float, wake: Connection | None = None) -> list[Event]:
        """Wait until something happens, `wake` becomes readable or `seconds` pass; return what happened, in order."""
        if self._connection is None or self._told:
            if wake is not None:
                wait([wake], seconds)
            return []
        watched: list[Any] = [self._connection, self._process.sentinel]
        started = time.monotonic()
        wait(watched if wake is None else [*watched, wake], seconds)
        events = self._drain()
        if events:
            self._silence = 0.0
        else:  # counted in small steps, so that a suspended computer does not look like a hanging child
            self._silence += min(time.monotonic() - started, 1.0)
        if not self._process.is_alive():
            events += self._drain()
            return [*events, self._died(self._process.exitcode)]
        if self._silence > self._patience:
            return [*events, self._died(None)]
        return events

    def stop(self, seconds: float = 3.0) -> None:
        """Ask the child to quit, and make it after `seconds`. What it had written is whole."""
        if self.alive:
            self.send("quit")
            deadline = time.monotonic() + seconds
            while self._process.is_alive() and time.monotonic() < deadline:
                self._drain()  # a child that is blocked writing to a full pipe could not read "quit"
                self._process.join(0.02)
        self._release()

    def kill(self) -> None:
        """End the child now."""
        self._release()

    def _died(self, code: int | None) -> Died:
        self._told = True
        self._release()
        return Died(code)

    def _drain(self) -> list[Event]:
        events: list[Event] = []
        assert self._connection is not None
        try:
            while self._connection.poll():
                events.append(self._connection.recv())
        except (EOFError, OSError):
            pass  # closed by a dying child
        return events

    def _release(self) -> None:
        if self._process is not None:
            if self._process.is_alive():
                self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class EngineHere:
    """The same engine without a process: `poll` runs the jobs in the calling thread. For tests and debugging."""

    def __init__(self, setup: Setup | None = None) -> None:
        self._setup = setup or Setup()
        self._events: list[Event] = []
        self._runner: JobRunner | None = None

    @property
    def alive(self) -> bool:
        return self._runner is not None

    def start(self) -> None:
        set_environment()
        log = Path(self._setup.log) if self._setup.log else None
        self._runner = JobRunner(load_desk(self._setup.desk), self._events.append, log)
        self._events.append(Ready(os.getpid()))
        self._events.append(vitals())

    def send(self, *command: Any) -> None:
        if self._runner is not None:
            self._runner.command(*command)

    def poll(self, seconds: float, wake: Connection | None = None) -> list[Event]:
        if self._runner is not None and self._runner.runnable:
            self._runner.step()
        elif not self._events and wake is not None:
            wait([wake], seconds)
        events, self._events[:] = self._events[:], []
        return [*events, vitals()] if any(isinstance(event, Answered) for event in events) else events

    def stop(self, seconds: float = 3.0) -> None:
        self.send("quit")
        self.kill()

    def kill(self) -> None:
        self._runner = None
