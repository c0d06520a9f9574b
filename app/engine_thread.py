"""A lane to the engine: a worker thread that owns an engine process and turns its events into signals."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal

from engine.process import (
    PATIENCE_SECONDS,
    Engine,
    EngineHere,
    EngineProcess,
    Setup,
)
from engine.runner import Answered, Beat, Cancelled, Died, Event, Failed, Progressed, Ready

CANCEL_SECONDS = 10.0  # a cancelled job that goes on longer is hanging: its process is replaced
STARTS = 3  # of an engine in a row that never says "ready"; after that it waits for the next command
POLL_SECONDS = 1.0


class EngineThread(QThread):
    """Passes commands to an engine and its events back, and replaces an engine that died. It decides nothing else."""

    arrived = Signal(object)  # list[Event], in order

    def __init__(self, make_engine: Callable[[], Engine], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make_engine = make_engine
        self._commands: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        self._heard, self._call = multiprocessing.Pipe(duplex=False)

    def send(self, *command: Any) -> None:
        """From any thread: a command of `JobRunner.command`, or ("replace",), ("rest",) or ("stop",)."""
        self._commands.put(command)
        with contextlib.suppress(OSError):  # the thread is ending
            self._call.send_bytes(b"!")

    def run(self) -> None:
        engine = self._make_engine()
        if not engine.alive:
            self._start(engine)
        left = STARTS  # one that cannot start is not started again for ever
        while self._obey(engine):
            events = engine.poll(POLL_SECONDS, self._heard)
            while self._heard.poll():
                self._heard.recv_bytes()
            if events:
                self.arrived.emit(events)
            for event in events:
                if isinstance(event, Ready):
                    left = STARTS
                elif isinstance(event, Died) and left > 1:
                    left -= 1
                    self._start(engine)
        engine.stop()
        self._heard.close()
        self._call.close()

    def _start(self, engine: Engine) -> None:
        try:
            engine.start()
        except OSError:  # no process to be had: out of memory or of processes
            self.arrived.emit([Died(1)])

    def _obey(self, engine: Engine) -> bool:
        """Carry out the commands that wait; False when one of them is to stop."""
        with contextlib.suppress(Empty):
            while True:
                command = self._commands.get_nowait()
                if command[0] == "stop":
                    return False
                if command[0] == "rest":
                    engine.stop()
                    continue
                if command[0] == "replace":
                    engine.kill()
                if not engine.alive:
                    self._start(engine)
                if command[0] != "replace":
                    engine.send(*command)
        return True


@dataclass
class _Asked:
    job: int
    name: str
    arguments: dict[str, Any] = field(repr=False)
    channel: str = ""
    cancelled: bool = False
    again: bool = False  # it was asked once more, of a new engine


class EngineLane(QObject):
    """Jobs of one engine, one at a time. Every signal is emitted in the thread that the lane was made in.

    `newest_wins`: a job drops the older ones of its name and channel, waiting or running, and one whose engine died is
    asked once more (the interactive lane); otherwise jobs queue (the batch lane). `in_process` runs the jobs in the
    worker thread itself. The engine starts with the first job, or by `start`. `engine`: one that was started before, to
    be used and ended by this lane. `rest`: seconds without a job after which the engine ends and its memory is free;
    the next job starts another one. None: it stays.
    """

    started = Signal(int)
    finished = Signal(int, object)  # job, answer
    failed = Signal(int, str, str)  # job, message, hint
    progressed = Signal(int, object)  # job, Progress
    cancelled = Signal(int)
    beat = Signal(object)  # Beat: device and memory
    restarted = Signal()  # the engine died and was replaced

    def __init__(
        self,
        setup: Setup | None = None,
        *,
        newest_wins: bool = False,
        in_process: bool = False,
        patience: float = PATIENCE_SECONDS,
        engine: Engine | None = None,
        rest: float | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._newest_wins = newest_wins
        self._jobs = 0
        self._waiting: deque[_Asked] = deque()
        self._running: _Asked | None = None
        self._died = False
        self._stopped = False

        def make_engine() -> Engine:
            if engine is not None:
                return engine
            return EngineHere(setup) if in_process else EngineProcess(setup, patience)

        self._thread = EngineThread(make_engine, self)
        self._thread.arrived.connect(self._arrived, Qt.ConnectionType.QueuedConnection)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.setInterval(round(CANCEL_SECONDS * 1000))
        self._grace.timeout.connect(self._replace)
        self._rests = rest is not None
        self._resting = False
        self._idle = QTimer(self, singleShot=True, interval=round((rest or 0.0) * 1000))
        self._idle.timeout.connect(self._take_rest)
        self._heart: Beat | None = None  # its last sign of life

    @property
    def busy(self) -> bool:
        return self._running is not None or bool(self._waiting)

    @property
    def running(self) -> int | None:
        """The job that the engine works on now."""
        return self._running.job if self._running is not None else None

    def start(self) -> None:
        """Start the engine ahead of its first job."""
        if not self._stopped and not self._thread.isRunning():
            self._thread.start()

    def submit(self, name: str, /, channel: str = "", **arguments: Any) -> int:
        """Ask for a job of the desk; its number comes back at once and with every signal about it."""
        self._jobs += 1
        asked = _Asked(self._jobs, name, arguments, channel)
        if self._stopped:
            return asked.job
        self.start()
        if self._newest_wins:
            for older in [one for one in self._waiting if (one.name, one.channel) == (name, channel)]:
                self._waiting.remove(older)
                self.cancelled.emit(older.job)
            if self._running is not None and (self._running.name, self._running.channel) == (name, channel):
                self.cancel(self._running.job)
        self._waiting.append(asked)
        self._next()
        return asked.job

    def cancel(self, job: int) -> None:
        if self._running is not None and self._running.job == job:
            if not self._running.cancelled:
                self._running.cancelled = True
                self._thread.send("cancel", job)
                self._grace.start()
            return
        for asked in [one for one in self._waiting if one.job == job]:
            self._waiting.remove(asked)
            self.cancelled.emit(job)

    def pause(self, job: int) -> None:
        """Hold the running job between two of its steps; the lane waits with it."""
        self._thread.send("pause", job)

    def resume(self, job: int) -> None:
        self._thread.send("resume", job)

    def stop(self) -> None:
        """End the thread and its process. Nothing is emitted afterwards."""
        if self._stopped:
            return
        self._stopped = True
        self._waiting.clear()
        self._running = None
        self._grace.stop()
        self._idle.stop()
        if self._thread.isRunning():
            self._thread.send("stop")
            self._thread.wait()

    def _next(self) -> None:
        if self._running is None and self._waiting:
            self._running = self._waiting.popleft()
            self._thread.send("submit", self._running.job, self._running.name, self._running.arguments)
            self.started.emit(self._running.job)
        if self._running is not None:
            self._resting = False
            self._idle.stop()
        elif self._rests and not self._resting and not self._idle.isActive():
            self._idle.start()

    def _take_rest(self) -> None:
        """Nothing was asked for a while: let the engine end."""
        self._resting = True
        self._thread.send("rest")
        if self._heart is not None:
            self.beat.emit(replace(self._heart, used=0))

    def _end(self) -> None:
        self._running = None
        self._grace.stop()

    def _replace(self) -> None:
        """A cancelled job did not stop: take its process away."""
        if self._running is not None and self._running.cancelled:
            job = self._running.job
            self._thread.send("replace")
            self._end()
            self._died = True
            self.cancelled.emit(job)
            self._next()

    def _arrived(self, events: list[Event]) -> None:
        for event in events:
            if not self._stopped:
                self._handle(event)
        if not self._stopped:
            self._next()

    def _handle(self, event: Event) -> None:
        if isinstance(event, Ready):
            if self._died:
                self._died = False
                self.restarted.emit()
        elif isinstance(event, Beat):
            self._heart = event
            if not self._resting:
                self.beat.emit(event)
        elif isinstance(event, Died):
            self._lost(event)
        elif self._running is None or event.job != self._running.job:
            return  # late news of a job that was given up
        elif isinstance(event, Progressed):
            self.progressed.emit(event.job, event.progress)
        else:
            self._end()
            if isinstance(event, Answered):
                self.finished.emit(event.job, event.answer)
            elif isinstance(event, Failed):
                self.failed.emit(event.job, event.message, event.hint)
            elif isinstance(event, Cancelled):
                self.cancelled.emit(event.job)

    def _lost(self, event: Died) -> None:
        self._died = True
        lost = self._running
        self._end()
        if lost is None:
            return
        if lost.cancelled:
            self.cancelled.emit(lost.job)
            return
        if self._newest_wins and event.code is not None and not lost.again:
            lost.again = True
            self._waiting.appendleft(lost)
            return
        if event.code is None:
            message = self.tr("The engine stopped answering and was replaced.")
        elif event.code < 0:
            message = self.tr("The engine was ended by the system (signal {0}) and was replaced.").format(-event.code)
        else:
            message = self.tr("The engine ended unexpectedly (code {0}) and was replaced.").format(event.code)
        self.failed.emit(
            lost.job, message, self.tr("What was written is safe. Try again; close other programs if memory is short.")
        )
