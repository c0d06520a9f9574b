"""Exposure of sellers: as worked by hand, a pushed brand found and an even catalogue passed, repairs that repair."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audit.check import Figure, Measured, NotRun, judged
from engine.audit.checks.sellers import CHECKS, Sellers, discounts, divisions, exposure
from engine.audit.plan import preset
from engine.audit.subject import Subject
from engine.jobs import finish
from engine.recommend import Recommender

Opened = Callable[..., Recommender]


def test_exposure_is_as_worked_by_hand() -> None:
    by = Sellers("brand", ("a", "b"), np.array([0, 0, 1, -1]))
    lists = np.array([[0, 2, 3], [2, 1, -1]])
    found = exposure(lists, np.array([2, 2], np.int32), np.array([0, 1], np.int32), by, seed=1)
    second = 1 / np.log2(3)
    np.testing.assert_allclose(discounts(3), [1.0, second, 0.5])
    np.testing.assert_allclose(
        found.shown[0], [1 + second, second + 1, 2 + 2 * second]
    )  # the fourth product is nobody's
    np.testing.assert_allclose(found.chosen[0], [0.0, 2.0, 2.0])
    np.testing.assert_allclose(found.listed, [2 / 3, 1 / 3])
    assert found.over_merit[0, 1] == pytest.approx(0.5)  # half of the exposure, all of the choices


def _lists(pushed: bool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, Sellers]:
    """100 products of ten brands, chosen alike; where `pushed`, the first brand takes the top of every list."""
    random = np.random.default_rng(seed)
    by = Sellers("brand", tuple("abcdefghij"), np.repeat(np.arange(10), 10))
    user = np.repeat(np.arange(200), 3).astype(np.int32)
    lists = np.stack([random.permutation(100)[:10] for _ in user])
    if pushed:
        lists[:, :4] = random.integers(0, 10, (len(user), 4))
    return lists, random.integers(0, 100, len(user)).astype(np.int32), user, by


def _verdict(pushed: bool, seed: int) -> str:
    lists, chosen, user, by = _lists(pushed, seed)
    found = exposure(lists, chosen, user, by, 1)
    figures = tuple(Figure("over_merit", float(found.over_merit[0, at]), *found.bounds(at, 10)) for at in range(10))
    return judged("sellers.exposure", Measured(figures), CHECKS[0].thresholds, 1, 0, 0.0).verdict


def test_a_pushed_brand_fails_and_an_even_catalogue_does_not() -> None:
    assert [_verdict(True, seed) for seed in range(5)] == ["fail"] * 5
    assert [_verdict(False, seed) for seed in range(5)].count("fail") == 0


def test_a_brand_that_nobody_chose_has_an_interval() -> None:
    lists, chosen, user, by = _lists(True, 0)
    chosen[chosen < 10] = 50
    low, high = exposure(lists, chosen, user, by, 1).bounds(0, 10)
    assert 2 < low < high < np.inf


def test_divisions_are_read_from_the_dataset(opened: Opened) -> None:
    found = {one.name: one for one in divisions(Subject(opened(), preset("quick")))}
    assert found["maker"].names == ("m0", "m1", "m2")
    assert found["maker"].place[4] == 1


def test_a_small_shop_is_told_so(opened: Opened) -> None:
    subject = Subject(opened(), preset("quick"))
    for check in (CHECKS[0], CHECKS[2], CHECKS[3]):
        with pytest.raises(NotRun) as reason:
            finish(check.measure(subject))
        assert reason.value.note.key == "small_sellers"


def test_all_checks_of_a_run_measure_alike_twice(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.audit.checks.sellers.CHOICES", 1)
    monkeypatch.setattr("engine.audit.checks.sellers.PRODUCTS", 1)
    shared = Subject(opened(), preset("quick"))
    for check in CHECKS:
        found: Measured = finish(check.measure(shared))
        assert found == finish(check.measure(Subject(opened(), preset("quick"))))
        assert found.figures
        assert all(one.low <= one.value <= one.high for one in found.figures if one.low is not None and one.high)
    before, after = ({one.of["group"]: one.value for one in found.figures if one.name == name
                      and one.of.get("repair", "floor") == "floor"} for name in ("before", "after"))  # fmt: skip
    least = min(before, key=before.__getitem__)
    assert after[least] >= before[least]  # a place kept for them does not make them rarer


def test_the_long_tail_of_a_run_that_shows_the_popular_alone(opened: Opened) -> None:
    subject = Subject(opened(), preset("quick"))
    outcome = finish(subject.outcome())
    first = int(np.argmax(subject.ground.popularity))
    outcome.lists[:] = first
    figures = {one.name: one for one in finish(CHECKS[1].measure(subject)).figures}
    assert figures["tail_exposure"].value == 0.0
    assert figures["tail_over_merit"].value == 0.0
    assert figures["lift"].value > 0
