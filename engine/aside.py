"""Work that hears nobody, as a job: it runs on a thread beside, and is interrupted when the job is given up.

A query is one long call into a library: nobody could be heard while it lasts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from engine.jobs import Progress

T = TypeVar("T")
_LOOK_SECONDS = 0.02  # between two looks at whether the work is done, or no longer wanted


def aside(stage: str, work: Callable[[], T], interrupt: Callable[[], None]) -> Generator[Progress, None, T]:
    """Do `work` and return what it returns, or raise what it raises. interrupt: makes the work end soon, from another
    thread; called until it has."""
    ended = threading.Event()
    found: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as fault:  # it is raised where the job is
            faults.append(fault)
        finally:
            ended.set()

    thread = threading.Thread(target=run, name=stage, daemon=True)
    thread.start()
    try:
        while not ended.wait(_LOOK_SECONDS):
            yield Progress(stage)
    finally:
        while not ended.is_set():
            interrupt()
            ended.wait(_LOOK_SECONDS)
        thread.join()
    if faults:
        raise faults[0]
    return found[0]
