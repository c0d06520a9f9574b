"""A job is a generator of Progress: it can be watched, paused and cancelled between two yields."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Progress:
    """One step of a job. `total` is 0 while it is unknown; `data` carries figures such as a loss, for a live curve."""

    stage: str
    done: int = 0
    total: int = 0
    message: str = ""
    data: dict[str, float] = field(default_factory=dict)


Job = Generator[Progress, None, Any]


def finish(job: Job, watch: Callable[[Progress], None] | None = None) -> Any:
    """Run a job to its end in this thread and return its result. Closing it midway is the caller's to do."""
    while True:
        try:
            progress = next(job)
        except StopIteration as end:
            return end.value
        if watch is not None:
            watch(progress)


def retold(job: Job, tell: Callable[[Progress], Progress]) -> Job:
    """The same job, each of its steps told as `tell` has it."""
    try:
        while True:
            try:
                step = next(job)
            except StopIteration as end:
                return end.value
            yield tell(step)
    finally:
        job.close()


def every(stage: str, rows: Iterable[Any], total: int, seconds: float = 0.1) -> Iterator[tuple[Any, Progress | None]]:
    """Go through `rows`, with a Progress at most once per `seconds` and None in between."""
    last = 0.0
    for done, row in enumerate(rows, start=1):
        now = time.monotonic()
        if now - last >= seconds or done == total:
            last = now
            yield row, Progress(stage, done, total)
        else:
            yield row, None
