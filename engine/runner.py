"""Runs an engine's jobs one at a time and tells what happens as events; the same inside and outside a process."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import platformdirs

from engine.errors import HeedmapError
from engine.files import of_machine
from engine.jobs import Job, Progress

PROGRESS_SECONDS = 0.05  # between two reports of one stage: what an eye can see
LOG_BYTES = 1_000_000

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True)
class Ready:
    pid: int


@dataclass(frozen=True)
class Beat:
    """A sign of life, with the bytes of memory in use: of the graphics card where there is one, else of the process."""

    device: str
    used: int
    total: int


@dataclass(frozen=True)
class Progressed:
    job: int
    progress: Progress


@dataclass(frozen=True)
class Answered:
    job: int
    answer: Any


@dataclass(frozen=True)
class Failed:
    job: int
    message: str
    hint: str


@dataclass(frozen=True)
class Cancelled:
    job: int


@dataclass(frozen=True)
class Died:
    """The child is gone without being asked to: its exit code (negative: the signal), or None when it was hanging."""

    code: int | None


Event = Ready | Beat | Progressed | Answered | Failed | Cancelled | Died


class HasJobs(Protocol):
    def job(self, name: str, arguments: dict[str, Any]) -> Job: ...


class JobRunner:
    """Runs jobs one at a time, one step between two looks at the commands. A paused job holds its place."""

    def __init__(self, desk: HasJobs, emit: Callable[[Event], None], log: Path | None = None) -> None:
        self._desk = desk
        self._emit = emit
        self._log = log
        self._waiting: deque[tuple[int, str, dict[str, Any]]] = deque()
        self._running: tuple[int, Job] | None = None
        self._paused: set[int] = set()
        self._told: dict[str, float] = {}  # stage -> when it was last reported
        self.ended = False

    @property
    def runnable(self) -> bool:
        """Whether `step` would do anything."""
        if self._running is not None:
            return self._running[0] not in self._paused
        return bool(self._waiting)

    def command(self, what: str, *arguments: Any) -> None:
        """Obey ("submit", job, name, arguments), ("cancel", job), ("pause", job), ("resume", job) or ("quit",)."""
        if what == "submit":
            self._waiting.append((arguments[0], arguments[1], arguments[2]))
        elif what == "cancel":
            self._cancel(arguments[0])
        elif what == "pause":
            self._paused.add(arguments[0])
        elif what == "resume":
            self._paused.discard(arguments[0])
        elif what == "quit":
            self._waiting.clear()
            if self._running is not None:
                self._cancel(self._running[0])
            self.ended = True

    def step(self) -> None:
        """Run the current job to its next yield, or start the next one."""
        if self._running is None:
            job, name, arguments = self._waiting.popleft()
            self._told.clear()
            self._guard(job, lambda: self._begin(job, name, arguments))
        elif self._running[0] not in self._paused:
            job, steps = self._running
            self._guard(job, lambda: self._advance(job, steps))

    def _begin(self, job: int, name: str, arguments: dict[str, Any]) -> None:
        self._running = (job, self._desk.job(name, arguments))

    def _advance(self, job: int, steps: Job) -> None:
        try:
            progress = next(steps)
        except StopIteration as end:
            self._end(job)
            self._emit(Answered(job, end.value))
        else:
            self._report(job, progress)

    def _report(self, job: int, progress: Progress) -> None:
        now = time.monotonic()
        due = now - self._told.get(progress.stage, 0.0) >= PROGRESS_SECONDS
        if due or progress.data or progress.done == progress.total:
            self._told[progress.stage] = now
            self._emit(Progressed(job, progress))

    def _cancel(self, job: int) -> None:
        if self._running is not None and self._running[0] == job:
            steps = self._running[1]
            self._guard(job, lambda: self._close(job, steps))
            return
        kept = [entry for entry in self._waiting if entry[0] != job]
        if len(kept) < len(self._waiting):
            self._waiting = deque(kept)
            self._end(job)
            self._emit(Cancelled(job))

    def _close(self, job: int, steps: Job) -> None:
        steps.close()
        self._end(job)
        self._emit(Cancelled(job))

    def _end(self, job: int) -> None:
        self._paused.discard(job)
        if self._running is not None and self._running[0] == job:
            self._running = None

    def _guard(self, job: int, action: Callable[[], None]) -> None:
        try:
            action()
        except HeedmapError as error:
            self._end(job)
            self._emit(Failed(job, error.message, error.hint))
        except (BrokenPipeError, ConnectionError):
            raise  # the parent is gone
        except Exception as error:
            self._end(job)
            told = of_machine(error)
            self._emit(self._fault(job, error) if told is None else Failed(job, told.message, told.hint))

    def _fault(self, job: int, error: Exception) -> Failed:
        """Anything but a HeedmapError is a bug: say so, and keep the traceback for a report."""
        text = "".join(traceback.format_exception(error))
        said = f"A fault in Heedmap: {type(error).__name__}: {error}".strip().splitlines()[0]
        if self._log is None:
            print(text, file=sys.stderr)
            return Failed(job, said, "")
        place = self._log / "engine.log"
        try:
            self._log.mkdir(parents=True, exist_ok=True)
            if place.exists() and place.stat().st_size > LOG_BYTES:
                place.replace(place.with_suffix(".log.1"))
            with place.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}\n")
        except OSError:
            print(text, file=sys.stderr)
            return Failed(job, said, "")
        return Failed(job, said, f"The details are in {place}.")


def load_desk(path: str) -> HasJobs:
    """Make the desk that "module:class" names."""
    module, _, name = path.partition(":")
    desk: HasJobs = getattr(importlib.import_module(module), name)()
    return desk


def set_environment() -> None:
    """No network, and torch on all cores but one. To be called before a heavy import; what is set already stays."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = str(max(1, cores - 1))
    for name, value in _OFFLINE.items():
        os.environ[name] = value
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, threads)
    keep_caches_at_home()


def keep_caches_at_home() -> None:
    """Let torch make its folder for compiled code, as its import does, among the user's caches and not in the folder of
    temporary files, where it would stay. Where there cannot be one, torch's own choice stands."""
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
        folder = Path(platformdirs.user_cache_dir("heedmap", appauthor=False)) / "torch"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)


def vitals() -> Beat:
    """The device in use and its memory. Torch is asked only when something else has loaded it."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is not None and hasattr(cuda, "is_initialized") and cuda.is_initialized():
        free, total = cuda.mem_get_info()
        return Beat(cuda.get_device_name(), total - free, total)
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        used = int(Path("/proc/self/statm").read_text().split()[1]) * page
        return Beat("CPU", used, os.sysconf("SC_PHYS_PAGES") * page)
    except (OSError, ValueError, AttributeError):
        return Beat("CPU", 0, 0)  # not told by this system
