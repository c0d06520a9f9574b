"""Reports of faults: one small text file each, kept on this computer, shown in the window, never sent.

`Crashes.watch` listens for what Python, its threads and Qt report; what kills the window outright leaves its last words
in a file that the next start turns into a report. A report holds no data of a shop: quoted texts are left out of
messages, and the user's own folder is written as "~". Imports nothing heavy: it runs before the first paint.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from engine.errors import HeedmapError

if sys.platform != "win32":
    import fcntl

MOST = 20  # reports that are kept
LINES = 50  # of what went on before
_LONGEST = 300  # letters of a message
_QUOTED = re.compile(r"'[^'\n]*'|(?<!File )\"[^\"\n]*\"")  # a traceback names its files
_LAST_WORDS = "window-*.fault"


@dataclass(frozen=True)
class Report:
    """path: of its file, None where the disk refused it; text: what it says."""

    path: Path | None
    text: str


def plain(text: str) -> str:
    """`text` without what a person or a shop wrote: quoted parts are dropped, the home folder is "~"."""
    return without_home(_QUOTED.sub("'…'", text))


def without_home(text: str) -> str:
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


@dataclass
class Crashes:
    """The reports of one window. folder: the log folder; said: takes each new Report, in the thread of the fault."""

    folder: Path
    said: Callable[[Report], None] = lambda _: None
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))
    made: list[Report] = field(default_factory=list)  # of this session
    _told: set[str] = field(default_factory=set)  # faults of this session: the same one in every paint is one report
    _words: IO[str] | None = None
    _before: tuple[Any, Any, Any] | None = None
    _qt: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- listening --------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """From now on every unhandled fault becomes a report, and the end by a signal leaves last words."""
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._raised
        threading.excepthook = self._raised_in_thread
        sys.unraisablehook = self._unraisable
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"window-{os.getpid()}-{time.time():.0f}.fault"  # a number alone comes again
            self._words = path.open("w", encoding="utf-8")
            _hold(self._words)
            faulthandler.enable(self._words)

    def watch_qt(self) -> None:
        """Also listen to what Qt says; a fatal message is reported before Qt ends the program."""
        from PySide6.QtCore import qInstallMessageHandler

        self._qt = qInstallMessageHandler(self._qt_said)

    def end(self) -> None:
        """The window ended as it should: nothing is left to be found by the next start."""
        if self._before is not None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
            self._before = None
        if self._qt is not None or "PySide6.QtCore" in sys.modules:
            from PySide6.QtCore import qInstallMessageHandler

            qInstallMessageHandler(None)
        if self._words is not None:
            faulthandler.disable()
            self._words.close()
            with contextlib.suppress(OSError):
                Path(self._words.name).unlink()
            self._words = None

    def note(self, line: str) -> None:
        """Remember a line of what goes on, for the next report; no data of a shop."""
        self.recent.append(f"{time.strftime('%H:%M:%S')} {plain(line)}")

    # --- what is heard ----------------------------------------------------------------------------------------------

    def _raised(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            self._fault("The window met a fault", kind, error, trace)
        if self._before is not None:
            self._before[0](kind, error, trace)

    def _raised_in_thread(self, arguments: Any) -> None:
        if not issubclass(arguments.exc_type, SystemExit):
            name = arguments.thread.name if arguments.thread is not None else "unknown"
            what = f"A thread of the window ({name}) met a fault"
            self._fault(what, arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        if self._before is not None:
            self._before[1](arguments)

    def _unraisable(self, arguments: Any) -> None:
        self._fault(
            "The window met a fault that it could not pass on",
            arguments.exc_type, arguments.exc_value, arguments.exc_traceback,
        )  # fmt: skip
        if self._before is not None:
            self._before[2](arguments)

    def _fault(
        self, what: str, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):  # a fault here would hide the one that is to be told
            self.report(what, described(kind, error, trace))

    def _qt_said(self, kind: Any, context: Any, message: str | None) -> None:
        from PySide6.QtCore import QtMsgType

        text = message or ""
        self.note(f"Qt: {text}")
        if sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                print(text, file=sys.stderr)
        if kind == QtMsgType.QtFatalMsg:
            self.report("Qt ended the window", plain(text))

    # --- reporting --------------------------------------------------------------------------------------------------

    def report(self, what: str, trace: str) -> Report | None:
        """Write a report and pass it to `said`; None for a fault that this session has reported already."""
        with self._lock:
            key = f"{what}\n{trace}"
            if key in self._told or len(self._told) >= MOST:
                return None
            self._told.add(key)
            made = self._write(what, trace)
            self.made.append(made)
        self.said(made)
        return made

    def _write(self, what: str, trace: str) -> Report:
        text = "\n".join(
            [
                f"Heedmap {_version()}: {what}",
                time.strftime("%Y-%m-%d %H:%M:%S %z"),
                f"{platform.platform()}, Python {platform.python_version()}{', frozen' if _frozen() else ''}",
                "",
                trace.strip(),
                "",
                "Before that:",
                *(self.recent or ["(nothing)"]),
                "",
            ]
        )
        from engine.files import write_bytes

        try:
            path = self._new_path()
            write_bytes(path, text.encode())
            self._keep_few(path)
        except (OSError, HeedmapError):
            return Report(None, text)
        return Report(path, text)

    def _new_path(self) -> Path:
        begin = time.strftime("crash-%Y%m%d-%H%M%S")
        names = [f"{begin}.txt", *(f"{begin}-{number}.txt" for number in range(2, MOST + 2))]
        return next(self.folder / name for name in names if not (self.folder / name).exists())

    def _keep_few(self, made: Path) -> None:
        """Those of the latest dates and the one just made, whose date may be before theirs: a clock may be wrong."""
        others = [one for one in self.folder.glob("crash-*.txt") if one != made]
        others.sort(key=lambda one: (one.stat().st_mtime, one.name))
        for one in others[: 1 - MOST]:
            one.unlink(missing_ok=True)

    # --- the start before -------------------------------------------------------------------------------------------

    def fallen(self) -> Report | None:
        """The report of a window that was ended outright before this start, with its last words; None if there was
        none, or it was killed from outside and could say nothing. To be asked once."""
        words = ""
        for path in sorted(self.folder.glob(_LAST_WORDS)):
            if self._words is not None and path == Path(self._words.name):
                continue
            words = _take(path) or words
        if not words.strip():
            return None
        return self._write("The window ended outright", plain(words))

    def engine_fault(self, message: str) -> None:
        """Report a fault of the engine, with the end of its log."""
        self.report("The engine met a fault", f"{plain(message)}\n\n{tail(self.folder / 'engine.log')}")

    def engine_fell(self) -> None:
        """Report the end of an engine process, where it left last words."""
        words = tail(self.folder / "crash.log")
        if words:
            self.report("An engine process ended outright", words)


def described(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> str:
    """A traceback with its causes, without data: of each message what is not quoted, and not more than a line."""
    import traceback

    whole = traceback.TracebackException(kind, error or kind(), trace)
    parts: list[str] = []
    one: traceback.TracebackException | None = whole
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        said = "".join(one.format_exception_only()).strip().splitlines() or [kind.__name__]
        parts.append("".join(one.stack.format()) + plain(said[0])[:_LONGEST])
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return without_home("\n\nafter:\n".join(parts))


def tail(log: Path, lines: int = LINES) -> str:
    """The last lines of a log, without data; "" where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 200 * lines))
            found = file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return ""
    return plain("\n".join(found)).strip()


def _hold(file: IO[str]) -> None:
    """Mark a file as that of a living window; the mark goes with the process, however it ends."""
    if sys.platform != "win32":  # there an open file cannot be removed, which is mark enough
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _take(path: Path) -> str:
    """The last words of a window that is gone, removed; "" for those of a living one."""
    try:
        with path.open("r", encoding="utf-8", errors="replace") as file:
            _hold(file)
            words = file.read()
        path.unlink()
    except OSError:
        return ""
    return words


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("heedmap")
    except PackageNotFoundError:
        return "?"


def _frozen() -> bool:
    return bool(getattr(sys, "frozen", False))
