"""Shortcuts in photos: a mark is suspected and confirmed, what belongs to the product is not, painting is as said."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from engine.audit.check import Measured, NotRun, judged
from engine.audit.checks import shortcuts
from engine.audit.checks.shortcuts import CARRIED, CHECKS, Effects, Mark, background, suspected
from engine.audit.checks.shortcuts_exchange import Exchange
from engine.audit.photos import Photos, filled
from engine.audit.plan import preset
from engine.audit.subject import Subject
from engine.jobs import Job, Progress, finish
from engine.recommend import Recommender

Opened = Callable[..., Recommender]


def _shop(marked: bool, products: int = 120, seed: int = 0) -> SimpleNamespace:
    """Cells of photos: a look of each category in the middle, plain edges, and a mark on every fifth product."""
    random = np.random.default_rng(seed)
    category = [f"c{one % 6}" for one in range(products)]
    cells = random.normal(0, 0.3, (products, 7, 7, 16))
    look = random.normal(0, 3, (6, 16))
    cells[:, 1:6, 1:6] += look[np.arange(products) % 6][:, None, None]
    if marked:
        cells[::5, 5:, 5:] = random.normal(0, 0.3, (len(cells[::5]), 2, 2, 16)) + random.normal(0, 3, 16)
    catalogue = SimpleNamespace(
        image=cells.reshape(-1, 16).astype(np.float16), image_start=np.arange(products + 1) * 49, grid=(7, 7)
    )
    return SimpleNamespace(run=SimpleNamespace(catalogue=catalogue, texts=SimpleNamespace(category=tuple(category))))


def _even_shares(run: Any) -> Job:
    yield Progress("shares")
    return np.zeros(len(run.catalogue.image)), np.ones(len(run.catalogue.image))


def test_a_mark_in_one_place_of_many_categories_is_suspected_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "cell_shares", _even_shares)
    (found,) = finish(suspected(_shop(marked=True)))  # type: ignore[arg-type]
    assert found.box == (5, 5, 7, 7)
    np.testing.assert_array_equal(found.items, np.arange(0, 120, 5))
    assert not finish(suspected(_shop(marked=False)))  # type: ignore[arg-type]


def test_what_acts_alike_on_all_photos_is_told_from_what_differs() -> None:
    random = np.random.default_rng(1)
    own = random.normal(0, 1, (24, 2, 30))  # of random places: each photo's own
    alike = random.normal(0, 0.5, 30) + random.normal(0, 0.2, (24, 30))
    value, low, high = Effects(alike, own).over(5)
    assert low > 1.5 < value < high
    value, low, high = Effects(random.normal(0, 1, (24, 30)), own).over(5)
    assert low < 1 < high
    # Worked by hand: means of 1 over all photos, and of 0 and 2 in turn, which come to 1; random ones cancel to 0.5.
    place, other = np.ones((2, 1)), np.array([[[1.0]], [[0.0]]])
    assert Effects(place, other).over(1)[0] == pytest.approx(2.0)


def test_places_are_painted_in_the_colour_of_the_rest_and_moved_as_they_are() -> None:
    pixels = torch.zeros(3, 8, 8)
    pixels[:, 2:4, 2:4] = 5.0
    mask = pixels[0] > 0
    painted = filled(pixels, [mask])
    assert painted.shape == (1, 3, 8, 8)
    assert float(painted.abs().max()) == 0.0
    other = shortcuts._elsewhere(mask, np.random.default_rng(0))
    assert int(other.sum()) == 4
    frame = torch.ones(32, 32, dtype=torch.bool)
    frame[4:-4, 4:-4] = False
    area = [int(shortcuts._elsewhere(frame, np.random.default_rng(one)).sum()) for one in range(20)]
    assert np.mean(area) == pytest.approx(int(frame.sum()), rel=0.05)


def test_a_background_is_what_joins_the_edge() -> None:
    pixels = torch.zeros(3, 20, 20)
    pixels[:, 5:15, 5:15] = 1.0
    pixels[:, 8:12, 8:12] = 0.0  # a hole in the product, in the colour of the background
    found = background(pixels)
    assert found is not None
    assert int(found.sum()) == 400 - 100
    assert background(torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(1))) is None


def test_what_a_mark_does_to_all_is_told_from_chance() -> None:
    """By hand: three changes of one shopper, 1, 2 and 3: their products 2, 3 and 6 have the mean 11/3, and without one
    after the other they are 6, 3 and 2."""
    found = Exchange(np.array([[1.0], [2.0], [3.0]]), np.arange(3))
    square, error = 11 / 3, np.sqrt(2 / 3 * np.square(np.array([6.0, 3.0, 2.0]) - 11 / 3).sum())
    value, low, high = found.alike()
    assert value == pytest.approx(np.sqrt(square))
    assert low == 0.0
    assert high == pytest.approx(np.sqrt(square + stats.t.ppf(0.975, 2) * error))
    random = np.random.default_rng(5)
    for size in (0.0, 0.1):
        squares, held = [], []
        for _ in range(300):
            mark = size * random.choice([-1.0, 1.0], 40)
            some = Exchange(mark + random.normal(0, 0.2, (16, 40)), np.arange(16))
            value, low, high = some.alike()
            held.append(low <= size <= high)
            products = some.change @ some.change.T / 40
            squares.append((products.sum() - np.trace(products)) / (16 * 15))
        assert np.mean(squares) == pytest.approx(size**2, abs=4e-4)  # by a plain mean of squares 0.0025 more
        assert np.mean(held) >= 0.93


@pytest.mark.parametrize(("watched", "verdict"), [("corner", "fail"), ("product", "pass")])
def test_a_mark_that_scores_hang_on_fails_and_one_that_is_ignored_passes(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, watched: str, verdict: str
) -> None:
    """The scores are made of pixels: of the marked corner alone, the same for all, or of every product's own middle."""
    subject = Subject(opened(), preset("quick"))
    items = np.arange(6, dtype=np.int64)

    def known(subject: Subject) -> Job:
        yield Progress("looking")
        return (Mark((5, 5, 7, 7), items, 2.0),)

    taste = np.random.default_rng(3).normal(size=(14, 16))

    def pixels(self: Photos, item: int) -> torch.Tensor:
        made = torch.from_numpy(np.random.default_rng(item).random((3, 28, 28), np.float32))
        made[:, 20:, 20:] = 4.0 if item in items else 0.5
        return made

    def scores(self: Photos, items: Any, cells: torch.Tensor, shoppers: torch.Tensor) -> Any:
        corner, middle = cells[:, :, 20:, 20:].mean(dim=(1, 2, 3)), cells[:, :, 8:20, 8:20].std(dim=(1, 2, 3))
        if watched == "corner":
            return 0.1 * corner.numpy()[:, None] * taste[0]
        return middle.numpy()[:, None] * taste[items] + 1e-3 * corner.numpy()[:, None]

    monkeypatch.setattr(shortcuts, "FEWEST", 4)
    monkeypatch.setattr(shortcuts, "suspected", known)
    monkeypatch.setattr(Photos, "pixels", pixels)
    monkeypatch.setattr(Photos, "cells", lambda self, pixels: pixels)
    monkeypatch.setattr(Photos, "scores", scores)
    monkeypatch.setattr(Photos, "spread", lambda self, shoppers: np.ones(16))
    found: Measured = finish(shortcuts.marks(subject))
    assert judged("shortcuts.marks", found, CHECKS[0].thresholds, 1, 0, 0.0).verdict == verdict
    assert bool(found.examples) == (verdict == "fail")
    # Nothing of the photos that the corner was put into, nor of the patch itself, is left in the figure.
    wanted = 0.1 * 3.5 * np.sqrt(np.square(taste[0]).mean()) if watched == "corner" else 3.5e-3
    figure = next(one for one in found.figures if one.name == "alike")
    assert figure.value == pytest.approx(wanted, rel=1e-4)
    assert (figure.value > CARRIED) == (verdict == "fail")


def test_a_mark_that_nearly_all_bear_is_not_compared(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def known(subject: Subject) -> Job:
        yield Progress("looking")
        return (Mark((5, 5, 7, 7), np.arange(10, dtype=np.int64), 2.0),)

    monkeypatch.setattr(shortcuts, "suspected", known)
    found: Measured = finish(shortcuts.marks(Subject(opened(), preset("quick"))))
    assert [one.key for one in found.notes] == ["everywhere"]
    assert found.notes[0].values["n"] == 3  # of 13 photos
    assert {one.name: one.value for one in found.figures} == {
        "suspected": 1.0,
        "part": pytest.approx(10 / 13),
        "confirmed": 0.0,
    }


def test_both_checks_measure_a_run_alike_twice(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "_PART", 0.0)
    monkeypatch.setattr(shortcuts, "FEWEST", 3)
    for check in CHECKS:
        subject = Subject(opened(), preset("quick"))
        subject.plan = type(subject.plan)(sample={"shortcuts.places": 4})
        found = finish(check.measure(subject))
        assert found.figures
        assert found == finish(check.measure(subject))


def test_a_run_without_photos_says_so(opened: Opened) -> None:
    subject = Subject(opened(modalities=("text", "attribute")), preset("quick"))
    for check in CHECKS:
        with pytest.raises(NotRun) as reason:
            finish(check.measure(subject))
        assert reason.value.note.key == "no_photos"
