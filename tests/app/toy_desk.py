"""A desk of small jobs for tests of the engine process: counts, fails, crashes, hangs."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.jobs import Job, Progress


class ToyDesk:
    def job(self, name: str, arguments: dict[str, Any]) -> Job:
        method = getattr(self, name, None)
        if method is None:
            raise HeedmapError(f"There is no job called {name!r}.")
        return method(**arguments)

    def add(self, a: int, b: int) -> Job:
        yield Progress("Adding", 1, 1)
        return a + b

    def pid(self) -> Job:
        yield Progress("Looking")
        return os.getpid()

    def environment(self, names: list[str]) -> Job:
        yield Progress("Looking")
        return {name: os.environ.get(name) for name in names}

    def refuse(self) -> Job:
        yield Progress("Reading")
        raise HeedmapError("items.csv, row 3: the price 'five' is not a number.", "Write it in figures.")

    def fault(self) -> Job:
        yield Progress("Reading")
        raise ZeroDivisionError("division by nothing")

    def count_until(self, stop: str, trace: str = "") -> Job:
        """Count until a file appears; a trace file says how the job ended."""
        done = 0
        try:
            while not Path(stop).exists():
                done += 1
                yield Progress("Counting", done, data={"loss": float(done)})
                time.sleep(0.002)
        except GeneratorExit:
            if trace:
                Path(trace).write_text("closed", encoding="utf-8")
            raise
        return done

    def chatter(self, steps: int) -> Job:
        for done in range(1, steps + 1):
            yield Progress("Chatting", done, steps)
        return steps

    def hang(self) -> Job:
        """A job that never comes to its next yield, and does not let itself be closed."""
        try:
            yield Progress("Hanging")
        finally:
            time.sleep(3600)

    def calculate(self) -> Job:
        """One long numpy call."""
        import numpy as np

        yield Progress("Calculating", data={"pid": float(os.getpid())})
        while True:
            np.linalg.svd(np.ones((4000, 4000)))

    def crash(self) -> Job:
        yield Progress("Crashing")
        os.abort()
