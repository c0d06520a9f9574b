"""Products that are changed: ranks after are those of the what-if, bounds are kept, attacks do raise, gaps are told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.audit.check import NotRun
from engine.audit.checks import robustness, robustness_attacks
from engine.audit.checks.robustness import CHECKS, misspelt
from engine.audit.checks.robustness_moves import Moves, changed_score, pair
from engine.audit.photos import Photos
from engine.audit.plan import Plan, preset
from engine.audit.subject import Subject
from engine.jobs import Progress, finish
from engine.recommend import Recommender
from engine.scenario import ItemEdit
from engine.whatif import edited

Opened = Callable[..., Recommender]


@pytest.mark.parametrize("fusion", ["weighted", "cross"])
def test_a_changed_product_ranks_as_the_what_if_says(opened: Opened, fusion: str) -> None:
    run = opened(fusion=fusion)
    one = pair(run, "u0", int(np.flatnonzero(np.isfinite(pair(run, "u0", 0).scores))[0]))
    page = robustness._no_photo(run, one.item, np.random.default_rng(0))
    assert page is not None
    other = finish(edited(run, (ItemEdit(run.data.items[one.item], photo=""),)))
    _, scores = other.running(other.past("u0"))
    assert changed_score(run, one, page) == pytest.approx(float(scores[one.item]), abs=1e-4)
    assert one.rank_at(changed_score(run, one, page)) == pair(other, "u0", one.item).rank


def test_figures_of_moves_are_as_worked_by_hand() -> None:
    moves = Moves(["a", "b", "c", "d"], ["i"] * 4, before=[1, 5, 10, 3], after=[1, 25, 11, 2])
    found = {one.name: one for one in moves.figures(1, {})}
    assert found["moved"].value == pytest.approx((0 + 20 + 1 + 1) / 4)
    assert (found["far"].value, found["left"].value) == (0.25, 0.5)
    attack = Moves(["a", "b"], ["i", "i"], before=[30, 12], after=[32, 9])
    found = {one.name: one for one in attack.figures(1, {}, attack=True)}
    assert (found["raised"].value, found["entered"].value, found["far"].value) == (0.5, 0.5, 0.0)
    assert found["far"].high == pytest.approx(1.0)  # three over two
    assert [one.user for one in moves.examples("moved")] == ["b", "c", "d"]


def test_typing_mistakes_are_one_word_of_ten() -> None:
    random = np.random.default_rng(0)
    text = " ".join(f"word{'abcdefghij'[at % 10]}" for at in range(40))
    for _ in range(20):
        wrong = sum(a != b for a, b in zip(text.split(), misspelt(text, random).split(), strict=True))
        assert wrong == 4
    assert misspelt("a 12", random) == "a 12"


def test_pixels_stay_within_the_bound_and_raise_the_score(opened: Opened) -> None:
    subject = Subject(opened(), preset("quick"))
    photos, run = Photos(subject), subject.run
    one, photo = pair(run, "u1", 3), photos.pixels(3)
    assert photos.step is not None

    def score(pixels: torch.Tensor) -> float:
        with torch.no_grad():
            return float(photos.vectors(np.array([3]), photos.cells(pixels[None]))[0] @ one.shopper)

    attacked = finish(robustness_attacks._attacked(photos, one, photo, Progress("")))
    levels = (attacked - photo).abs() / photos.step
    assert float(levels.max()) <= robustness_attacks.LEVELS + 1e-3
    assert float(((attacked - photos.black) / photos.step).min()) >= -1e-2
    assert score(attacked) >= score(photo)


def test_all_checks_of_a_run_measure_alike_twice(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "FEWEST", 1)
    monkeypatch.setattr("engine.audit.checks.robustness_moves.K", 2)
    plan = Plan(sample={check.name: 3 for check in CHECKS})
    for check in CHECKS:
        found = finish(check.measure(Subject(opened(), plan)))
        assert found.figures, check.name
        assert found == finish(check.measure(Subject(opened(), plan)))
        assert all(one.low <= one.value <= one.high for one in found.figures), check.name


def test_words_that_are_chosen_never_lower_a_product(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "FEWEST", 1)
    monkeypatch.setattr("engine.audit.checks.robustness_moves.K", 2)
    found = finish(robustness.words(Subject(opened(), Plan(sample={"robustness.words": 4}))))
    assert next(one.value for one in found.figures if one.name == "raised") >= 0


def test_what_a_run_does_not_read_is_a_reason(opened: Opened) -> None:
    subject = Subject(opened(modalities=("attribute",)), preset("quick"))
    said = {}
    for check in CHECKS:
        try:
            finish(check.measure(subject))
        except NotRun as reason:
            said[check.name.split(".")[1]] = reason.note.key
    assert {said[name] for name in ("typos", "words", "spam")} == {"no_texts"}
    assert said["pixels"] == "no_photos"
