"""The linear term and the start of identity embeddings, against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.dataset.split import Interactions, interactions, split
from engine.dataset.store import Dataset
from engine.model.linear import Linear, LinearShape, ease, nearest, neighbours, transitions
from engine.model.spectral import STD, spectral_embedding


@pytest.fixture
def data(tiny_shop: Path) -> Interactions:
    return interactions(Dataset.open(tiny_shop))


def test_ease_is_the_ridge_regression_of_each_product_on_the_others(data: Interactions) -> None:
    seen = split("temporal", data).train
    had = np.zeros((len(data.users), len(data.items)))
    had[data.user[seen], data.item[seen]] = 1.0
    matrix = ease(data, seen, ridge=2.0)
    for item in range(len(data.items)):
        others = np.delete(np.arange(len(data.items)), item)
        x = had[:, others]
        weights = np.linalg.solve(x.T @ x + 2.0 * np.eye(len(others)), x.T @ had[:, item])
        assert np.allclose(matrix[others, item], weights, atol=1e-5)
        assert matrix[item, item] == 0


def test_transitions_are_the_ridge_regression_of_what_comes_next(data: Interactions) -> None:
    seen = np.ones(len(data.item), bool)
    past, after = [], []
    for user in range(len(data.users)):
        items = data.item[data.events_of(user)]
        for place in range(len(items)):
            row = np.zeros(len(data.items))
            for age, item in enumerate(items[:place][::-1]):
                row[item] += 0.5 ** (age / 5.0)
            past.append(row)
            after.append(np.eye(len(data.items))[items[place]])
    x, y = np.array(past), np.array(after)
    expected = np.linalg.solve(x.T @ x + 3.0 * np.eye(x.shape[1]), x.T @ y)
    assert np.allclose(transitions(data, seen, ridge=3.0), expected, atol=1e-5)


def test_a_weighted_shopper_counts_as_so_many_who_did_the_same(data: Interactions) -> None:
    """Integer weights against the regressions written out with each row as often as its shopper counts."""
    seen = split("temporal", data).train
    weights = np.array([1.0, 3.0] * 5)
    had = np.zeros((len(data.users), len(data.items)))
    had[data.user[seen], data.item[seen]] = 1.0
    often = np.repeat(had, weights.astype(int), axis=0)
    matrix = ease(data, seen, 2.0, weights)
    for item in range(len(data.items)):
        x = np.delete(often, item, axis=1)
        expected = np.linalg.solve(x.T @ x + 2.0 * np.eye(x.shape[1]), x.T @ often[:, item])
        assert np.allclose(np.delete(matrix[:, item], item), expected, atol=1e-5)
    gram = often.T @ often
    cosine = gram / np.sqrt(np.outer(gram.diagonal(), gram.diagonal()) + 1e-12) * gram / (gram + 20.0)
    np.fill_diagonal(cosine, 0.0)
    near, weight = neighbours(data, seen, len(data.items), weights)
    found = np.zeros_like(cosine)
    np.add.at(found, (np.arange(len(found))[:, None], near), weight)
    assert np.allclose(found, cosine, atol=1e-5)
    once = np.ones(len(data.users))
    for solved in (ease, transitions):
        assert np.allclose(solved(data, seen, 3.0, once), solved(data, seen, 3.0), atol=1e-6)
        assert not np.allclose(solved(data, seen, 3.0, weights), solved(data, seen, 3.0), atol=1e-3)
        # All shoppers twice, and twice the ridge, is the same regression.
        assert np.allclose(solved(data, seen, 6.0, 2 * once), solved(data, seen, 3.0), atol=1e-5)


def test_shares_of_past_events_sum_to_the_term_and_halve_with_age() -> None:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(9, 9)).astype(np.float32)
    term = Linear(LinearShape(9, 9))
    term.put(*nearest(matrix, 9), level=2.0, half_life=3.0)
    history = np.array([4, 1, 7, 7, 0], dtype=np.int32)
    scores = term.scores([history, history[:0]]).numpy()
    by_hand = 2.0 * sum(0.5 ** ((4 - place) / 3.0) * matrix[item] for place, item in enumerate(history))
    assert np.allclose(scores[0], by_hand, atol=1e-5)
    assert not scores[1].any()
    for item in range(9):
        shares = term.shares(history, item)
        assert shares.sum() == pytest.approx(scores[0, item], abs=1e-5)
        assert shares[2] == pytest.approx(shares[3] * 0.5 ** (1 / 3.0), abs=1e-6)


def test_only_the_largest_entries_are_kept() -> None:
    matrix = np.array([[0.0, -3.0, 1.0, 2.0]], dtype=np.float32)
    near, weight = nearest(matrix, 2)
    assert dict(zip(near[0].tolist(), weight[0].tolist(), strict=True)) == {1: -3.0, 3: 2.0}


def test_neighbours_are_products_of_the_same_shoppers(data: Interactions) -> None:
    near, weight = neighbours(data, np.ones(len(data.item), bool), 5)
    had = np.zeros((len(data.users), len(data.items)))
    had[data.user, data.item] = 1.0
    together = had.T @ had
    cosine = together / np.sqrt(np.outer(np.diag(together), np.diag(together))) * together / (together + 20.0)
    np.fill_diagonal(cosine, 0.0)
    for item in range(len(data.items)):
        assert weight[item] == pytest.approx(np.sort(cosine[item])[::-1][:5], abs=1e-6)
        assert cosine[item, near[item]] == pytest.approx(weight[item], abs=1e-6)


def test_identity_starts_with_like_products_alike(data: Interactions) -> None:
    start = spectral_embedding(data, np.ones(len(data.item), bool), 6, seed=1)
    assert start.std() == pytest.approx(STD, rel=1e-3)
    assert np.array_equal(start, spectral_embedding(data, np.ones(len(data.item), bool), 6, seed=1))
    # All directions but the first, rotated: inner products are those of the singular vectors, scaled.
    had = np.zeros((len(data.users), len(data.items)))
    had[data.user, data.item] = 1.0
    _, values, directions = np.linalg.svd(had / np.sqrt(had.sum(axis=0) + 20.0))
    kept = directions[1:7].T * np.sqrt(values[1:7])
    expected = kept @ kept.T
    assert np.corrcoef((start @ start.T).ravel(), expected.ravel())[0, 1] > 0.999


def test_totals_are_the_sums_of_shares() -> None:
    random = np.random.default_rng(4)
    term = Linear(LinearShape(30, 5))
    term.put(random.integers(0, 30, (30, 5)).astype(np.int32), random.normal(size=(30, 5)).astype(np.float32), 2.0, 3.0)
    histories = [random.integers(0, 30, length).astype(np.int32) for length in (0, 1, 7, 60)]
    expected = [term.shares(history, 4).sum() for history in histories]
    assert np.allclose(term.totals(histories, 4), expected, atol=1e-5)
    assert np.allclose(term.totals(histories, 4), term.scores(histories)[:, 4].numpy(), atol=1e-5)
