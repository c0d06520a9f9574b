"""A desk whose jobs take much memory, for tests."""

from __future__ import annotations

from typing import Any

from engine.jobs import Job, Progress
from engine.memory import resident


class GreedyDesk:
    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def job(self, name: str, arguments: dict[str, Any]) -> Job:
        job: Job = getattr(self, name)(**arguments)
        return job

    def take(self, megabytes: int) -> Job:
        """Take memory and free all of it but crumbs; return the bytes that the process then holds."""
        yield Progress("Taking")
        held = [bytes(20_000) for _ in range(megabytes * 50)]
        self._kept = held[::100]
        del held
        return resident()

    def look(self) -> Job:
        """Return the bytes that the process holds."""
        yield Progress("Looking")
        return resident()
