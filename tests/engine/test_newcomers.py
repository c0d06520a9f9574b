"""New products: who lends to them, what the linear term gets, and the bias that validation makes most likely."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
import torch

from engine.explain.case import Case
from engine.features.attributes import Vocabulary
from engine.jobs import finish
from engine.model.lent import ALIKE, LENDERS, Lent, lenders
from engine.model.recommender import Model
from engine.training.checkpoint import load_weights
from engine.training.linear_term import Chosen, solve
from engine.training.newcomers import choose_cold, lend


def _nothing() -> Vocabulary:
    return Vocabulary((), np.zeros(0, np.int32), np.zeros(7, np.int64))


@dataclass
class Content:
    """Six products with one text token each, of two directions."""

    text: Any = field(
        default_factory=lambda: np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [1, 0.05], [0, 0]], np.float16)
    )
    text_start: Any = field(default_factory=lambda: np.array([0, 1, 2, 3, 4, 5, 5]))
    image: Any = field(default_factory=lambda: np.zeros((0, 2), np.float16))
    image_start: Any = field(default_factory=lambda: np.zeros(7, np.int64))
    attribute: Vocabulary = field(default_factory=_nothing)
    link: Vocabulary = field(default_factory=_nothing)


SEEN = np.array([True, True, True, True, False, False])


def test_likely_products_lend_and_one_without_content_gets_nothing() -> None:
    near, share = lenders(Content(), SEEN, np.ones(6, np.int64), ("text",))
    assert near.shape == (6, LENDERS)
    assert share[4].sum() == pytest.approx(1)
    assert set(near[4][share[4] > 0].tolist()) == {0, 1}
    assert share[5].sum() == 0
    assert not share[SEEN].any()
    assert not lenders(Content(), SEEN, np.ones(6, np.int64), ())[1].any()


@pytest.mark.parametrize("kind", ["ease", "neighbours"])
def test_the_linear_term_gives_a_new_product_the_mean_row_and_column(opened: Any, kind: str) -> None:
    recommender = opened()
    data = recommender.data
    items = len(data.items)
    seen = data.item != 3
    chosen = Chosen(kind, 5.0, 0.3 if kind == "ease" else 0.0, 5.0, 1.0)
    lent = Lent(items, 2)
    near, share = np.zeros((items, 2), np.int32), np.zeros((items, 2), np.float32)
    near[3], share[3] = (1, 5), (0.25, 0.75)
    lent.put(near, share)

    def dense(kept: Any) -> Any:
        columns, weight = kept
        rows = np.repeat(np.arange(items), columns.shape[1])
        return sparse.csr_matrix((weight.ravel(), (rows, columns.ravel())), shape=(items, items)).toarray()

    plain, with_lent = dense(solve(data, seen, chosen, items)), dense(solve(data, seen, chosen, items, lent))
    others = np.arange(items) != 3
    assert not plain[:, 3].any()
    assert np.allclose(with_lent[np.ix_(others, others)], plain[np.ix_(others, others)], atol=1e-6)
    assert np.allclose(with_lent[others, 3], 0.25 * plain[others, 1] + 0.75 * plain[others, 5], atol=1e-6)
    assert np.allclose(with_lent[3, others], 0.25 * plain[1, others] + 0.75 * plain[5, others], atol=1e-6)


def _a_product_that_borrows(run: Any) -> int:
    """Let the first product borrow of the second and third, a quarter and three quarters."""
    near, share = run.model.lent.near.numpy().copy(), np.zeros_like(run.model.lent.share.numpy())
    near[0, :2], share[0, :2] = (1, 2), (0.25, 0.75)
    run.model.seen[0] = 0.0
    run.model.lent.put(near, share)
    run.model.linear.level.fill_(2.0)
    return 0


def test_a_lender_in_the_history_counts_for_the_new_product(opened: Any) -> None:
    run = opened()
    item = _a_product_that_borrows(run)
    term, history = run.model.linear, np.array([2, 5, 1, 4], np.int32)
    assert float(run.model.lent.alike) == ALIKE  # a trained run has it
    counted, scores = term.shares(history, item), term.scores([history])[0].numpy()
    assert counted.sum() == pytest.approx(float(scores[item]), abs=1e-4)
    assert term.totals([history, history[:2]], item) == pytest.approx(
        [counted.sum(), term.shares(history[:2], item).sum()], abs=1e-4
    )
    notes = Case(run, run.data.users[0], run.data.items[item]).notes
    assert "borrows identity" in notes[0]
    assert "counts for it by itself" in notes[1]
    run.model.lent.let_count(0.0)
    assert len(Case(run, run.data.users[0], run.data.items[item]).notes) == 1
    # Product 2 is three events old, product 1 one; a lender's worth halves with every two.
    more = ALIKE * np.array([0.75 * 0.5**1.5, 0.0, 0.25 * 0.5**0.5, 0.0])
    assert np.allclose(counted - term.shares(history, item), more, atol=1e-4)
    without = term.scores([history])[0].numpy()
    assert np.allclose((scores - without)[1:], 0.0)
    run.model.lent.let_count()
    term.level.zero_()  # as where the audit or a knock-out takes the term away
    assert not term.scores([history]).any()
    assert not term.shares(history, item).any()


def test_a_run_from_before_gives_the_scores_it_gave(opened: Any) -> None:
    """Its weights say nothing of lenders that count for themselves, so none does."""
    run = opened()
    item = _a_product_that_borrows(run)
    history = np.array([2, 5, 1, 4], np.int32)
    run.model.lent.let_count(0.0)
    expected = run.model.linear.scores([history])
    kept = {
        name: value for name, value in run.model.state_dict().items() if name not in ("lent.alike", "lent.half_life")
    }
    again = Model(run.model.shape)
    load_weights(again, kept)
    assert torch.equal(again.linear.scores([history]), expected)
    assert float(again.linear.scores([history])[0, item]) == pytest.approx(again.linear.shares(history, item).sum())


def test_new_products_get_the_largest_bias_that_costs_little(opened: Any) -> None:
    recommender = opened()
    model, data, parts, config = recommender.model, recommender.data, recommender.parts, recommender.config
    wanted = np.unique(data.item[parts.validation])
    model.seen[wanted] = 0.0  # whatever validation wants is new, so new products deserve all the bias there is
    lend(model, recommender.catalogue, data, parts.train)
    assert model.lent.share[int(wanted[0])].sum() == pytest.approx(1)
    assert finish(choose_cold(model, recommender.tokens, data, parts, config)) == 6.0
    model.seen.fill_(1.0)
    unwanted = next(item for item in range(len(data.items)) if item not in wanted)
    model.seen[unwanted] = 0.0
    assert finish(choose_cold(model, recommender.tokens, data, parts, config)) == 0.0


def _few_wanted(model: Any, data: Any, parts: Any) -> None:
    """Make one product new that validation wants, and four that it does not."""
    wanted = np.unique(data.item[parts.validation])
    model.seen[wanted[:1]] = 0.0
    model.seen[np.setdiff1d(np.arange(len(data.items)), wanted)[:4]] = 0.0


def test_a_larger_price_never_means_a_smaller_bias(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recommender = opened()
    model, data, parts = recommender.model, recommender.data, recommender.parts
    _few_wanted(model, data, parts)
    lend(model, recommender.catalogue, data, parts.train)
    monkeypatch.setattr("engine.training.newcomers.ENOUGH", 1)
    chosen = [
        finish(choose_cold(model, recommender.tokens, data, parts, replace(recommender.config, newcomers=price)))
        for price in (0.0, 0.02, 0.2)
    ]
    assert chosen == sorted(chosen)
    assert chosen[0] < chosen[-1]


def test_a_model_without_content_pays_nothing_for_products_it_cannot_tell_apart(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = opened(modalities=())
    model, data, parts = recommender.model, recommender.data, recommender.parts
    _few_wanted(model, data, parts)
    monkeypatch.setattr("engine.training.newcomers.ENOUGH", 1)
    chosen = {
        finish(choose_cold(model, recommender.tokens, data, parts, replace(recommender.config, newcomers=price)))
        for price in (0.0, 0.5)
    }
    assert len(chosen) == 1
