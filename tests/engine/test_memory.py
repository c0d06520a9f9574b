"""An engine process gives back memory that it no longer needs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from engine.memory import Rest, resident
from engine.process import EngineProcess, Setup
from engine.runner import Answered, Beat, Event

# Freed, but between things that stay: the C library keeps it.
SWISS_CHEESE = """
from engine.memory import Rest, resident
rest = Rest()
rest.take()
before = resident()
held = [bytes(20_000) for _ in range(10_000)]
del held[::2]
kept = held[::100]
del held
full = resident()
rest.take()
print(before >> 20, full >> 20, resident() >> 20, len(kept))
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems give back by themselves")


@linux
def test_memory_that_is_free_goes_back_to_the_system() -> None:
    said = subprocess.run([sys.executable, "-c", SWISS_CHEESE], capture_output=True, text=True, check=True).stdout
    before, full, after, _ = map(int, said.split())
    assert full > before + 64
    assert after < before + 32


def test_nothing_is_looked_for_when_little_was_taken() -> None:
    rest = Rest(worth=1 << 50)
    rest.take()
    assert resident() >= 0
    assert rest._held == 0


@linux
def test_an_engine_that_rests_gives_back() -> None:
    engine = EngineProcess(Setup("tests.engine.greedy_desk:GreedyDesk"))
    engine.start()

    def until(right: Callable[[Event], bool]) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if any(right(event) for event in engine.poll(0.1)):
                return
        raise AssertionError("waited in vain")

    try:
        engine.send("submit", 1, "take", {"megabytes": 300})
        until(lambda event: isinstance(event, Answered) and event.answer > 200 << 20)
        until(lambda event: isinstance(event, Beat) and 0 < event.used < 150 << 20)
    finally:
        engine.stop()
