"""The fast orders give what a full stable sort gives, ties included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.metrics.beyond_accuracy import top_lists
from engine.metrics.order import best, ordered


def _stable(scores: Any) -> list[int]:
    order: list[int] = np.argsort(-scores, kind="stable")[: int(np.isfinite(scores).sum())].tolist()
    return order


def _drawn(seed: int) -> Any:
    """Scores of a random catalogue: from all alike to all different, some out of the running, a zero of each sign."""
    random = np.random.default_rng(seed)
    items, values = int(random.integers(1, 400)), int(random.choice([1, 2, 3, 20, 100_000]))
    scores = (random.integers(-values, values + 1, items) / 7).astype(np.float64 if random.integers(2) else np.float32)
    scores[random.random(items) < random.choice([0.0, 0.1, 0.9, 1.0])] = -np.inf
    scores[random.random(items) < 0.05] = -0.0
    return scores


@pytest.mark.parametrize("seed", range(300))
def test_ties_break_by_the_catalogues_order(seed: int) -> None:
    scores = _drawn(seed)
    kept, expected = scores.copy(), _stable(scores)
    assert ordered(scores).tolist() == expected
    for k in (0, 1, 2, len(scores) // 2, len(expected), len(scores), len(scores) + 5):
        assert best(scores, k).tolist() == expected[:k]
    assert np.array_equal(scores, kept)


def test_a_score_that_is_no_number_is_out_of_the_running() -> None:
    scores = np.array([np.nan, 1.0, 2.0, np.nan, 2.0, -np.inf], np.float32)
    assert ordered(scores).tolist() == best(scores, 6).tolist() == [2, 4, 1]


def test_lists_of_many_rows_break_ties_alike() -> None:
    """More tie at the last place than there is room for: the first of them in the catalogue are listed."""
    scores = np.random.default_rng(0).integers(0, 3, (20, 60)).astype(np.float32)
    scores[:, ::4] = -np.inf
    scores[3, 5:] = -np.inf
    for k in (1, 7, 60):
        for row, found in zip(scores, top_lists(scores, k).tolist(), strict=True):
            expected = _stable(row)[:k]
            assert found == expected + [-1] * (k - len(expected))
