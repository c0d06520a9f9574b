"""Runs one function in a process of its own, so that its death is a sentence and not ours."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError

_TICK = 0.2  # seconds between two looks
_SAID = "window.log"  # what the process writes where a terminal would be
_NAME = "heedmap: "  # how a sentence for the user begins there


def apart(
    function: Callable[..., Any], arguments: tuple[Any, ...], log: Path, most: float
) -> Generator[None, None, Any]:
    """Call a function of a module with plain values, in a new process; return its answer.

    Yields while it runs, so that the caller can close this and with it the process. The function gets `began`, the
    time (`time.time()`) at which its process was asked for, as a last argument. HeedmapError as the function raises
    it, where it faults, dies, or takes longer than `most` seconds; `log` is a folder for its last words.
    """
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(
        target=_child, args=(theirs, function, (*arguments, time.time()), str(log)), name="heedmap self-test"
    )
    try:
        process.start()
    except OSError as error:
        raise HeedmapError(f"No process could be started ({error.strerror}).", "Close other programs.") from error
    theirs.close()
    try:
        answer = yield from _listen(mine, process, time.monotonic() + most, most)
    except HeedmapError as error:
        raise HeedmapError(_last_words(log) or error.message, error.hint) from error
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        process.close()
        mine.close()
    return answer


def _listen(mine: Connection, process: Any, until: float, most: float) -> Generator[None, None, Any]:
    while True:
        yield
        wait([mine, process.sentinel], _TICK)
        kind, *told = _told(mine)
        if kind == "answer":
            process.join(10.0)  # it still has to end well
            if process.exitcode:
                raise HeedmapError(f"It did its work, and then {_end(process.exitcode)}.")
            return told[0]
        if kind == "error":
            raise HeedmapError(told[0], told[1])
        if not process.is_alive():
            raise HeedmapError(f"Its process {_end(process.exitcode)}.")
        if time.monotonic() > until:
            raise HeedmapError(f"It was not done after {most:.0f} s.", "Try again on an idle computer.")


def _last_words(log: Path) -> str:
    """What the process said to a user before it ended by itself; "" where it said nothing."""
    try:
        lines = (log / _SAID).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    said = [line.removeprefix(_NAME) for line in lines if line.startswith(_NAME)]
    return said[-1][:1].upper() + said[-1][1:] if said else ""


def _told(mine: Connection) -> tuple[Any, ...]:
    try:
        return mine.recv() if mine.poll() else ("",)
    except (EOFError, OSError):
        return ("",)


def _end(code: int | None) -> str:
    return ended(code) if code else "ended without an answer"


def ended(code: int) -> str:
    """How a process ended, from its exit code."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        return f"was ended by the system (signal {-code}, {name})"
    return f"ended with code {code}"


def _child(connection: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], log: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which ends this process
    threading.Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    Path(log).mkdir(parents=True, exist_ok=True)
    said = (Path(log) / _SAID).open("a", encoding="utf-8", buffering=1)
    with (Path(log) / "crash.log").open("a", encoding="utf-8") as crashes, said:
        faulthandler.enable(crashes)
        sys.stderr = said
        with contextlib.suppress(OSError):
            os.dup2(said.fileno(), 2)  # what libraries write past Python is not for the user's terminal either
        answer: tuple[Any, ...]
        try:
            answer = ("answer", function(*arguments))
        except HeedmapError as error:
            answer = ("error", error.message, error.hint)
        except Exception as error:
            said.write(traceback.format_exc())
            answer = ("error", f"A fault in Heedmap: {type(error).__name__}: {error}", "")
        with contextlib.suppress(OSError):
            connection.send(answer)
        connection.close()
        faulthandler.disable()
        sys.stderr = sys.__stderr__


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
