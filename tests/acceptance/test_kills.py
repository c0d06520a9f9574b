"""SIGKILL at a few moments of a session in the real program: a short version of `tests.bench.kills`."""

from __future__ import annotations

import pytest

from engine.jobs import finish
from engine.training.config import Config
from engine.training.loop import train
from engine.workspace import create
from tests.bench.driving import Program
from tests.bench.kills import DATASET, RUN, Bench
from tests.engine.conftest import TINY, make_tiny_shop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Without a screen, on a tiny shop, without trainings: a training that is killed has a test of its own."""
    made = Bench(tmp_path_factory.mktemp("kills"), "", "", longest=5.0, trains=False)
    create(made.base)
    make_tiny_shop(made.base / "datasets" / DATASET)
    settings = Config.from_settings({**TINY, "epochs": 1})
    finish(train(made.base / "datasets" / DATASET, made.base / "runs" / RUN, settings))
    made.look()
    return made


@pytest.mark.parametrize("number", [1, 2, 3])  # odd: the window; even: an engine
def test_nothing_is_lost(bench: Bench, number: int) -> None:
    found = bench.moment(number, seed=5)
    assert found.faults == []


def test_a_window_says_what_it_cannot_write_and_lives_on(bench: Bench) -> None:
    place = bench.fresh(9)
    (place / "workspace" / "sessions").write_text("in the way")
    program: Program = bench.start(place)
    said = place / "config" / "said.txt"
    try:
        from tests.bench.driving import wait_for

        assert wait_for(lambda: "could not be saved" in said.read_text(encoding="utf-8", errors="replace"))
        assert program.alive
    finally:
        assert program.close() == 0
