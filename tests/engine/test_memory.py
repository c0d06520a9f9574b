"""An engine process gives back memory that it no longer needs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from engine.memory import Rest, resident
from engine.process import REST_SECONDS, EngineProcess, Setup
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
# Every heap of a thread begins at a multiple of 64 MB.
HEAPS = """
import sys, threading
from engine.memory import one_heap
done = one_heap() if sys.argv[1] == "one" else None
threads = [threading.Thread(target=lambda: [bytes(20_000) for _ in range(2_000)]) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
starts = [int(line.split("-")[0], 16) for line in open("/proc/self/maps") if "rw-p 00000000 00:00 0" in line]
print(done, sum(start % (64 << 20) == 0 for start in starts))
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems give back by themselves")


@linux
def test_threads_share_one_heap() -> None:
    def heaps(how: str) -> list[str]:
        command = [sys.executable, "-c", HEAPS, how]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    own, shared = heaps("own"), heaps("one")
    if own[1] != "0":  # another C library has none
        assert shared == ["True", "0"]


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
        engine.send("submit", 2, "take", {"megabytes": 300})
        until(lambda event: isinstance(event, Answered) and event.answer > 200 << 20)
        job, seen = 3, 1 << 50
        while seen > 150 << 20:  # it is never left alone for long, and gives back all the same
            assert job < 100
            engine.send("submit", job, "look", {})
            end = time.monotonic() + REST_SECONDS / 10
            while time.monotonic() < end:
                for event in engine.poll(end - time.monotonic()):
                    seen = event.answer if isinstance(event, Answered) else seen
            job += 1
    finally:
        engine.stop()
