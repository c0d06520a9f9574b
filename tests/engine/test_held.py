"""What the engine holds between two explanations changes none of their numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.dataset.store import Dataset
from engine.dataset.written import Written
from engine.explain.case import Case
from engine.explain.history import leave_one_out
from engine.model.scoring import all_scores, item_bias
from engine.model.tower import TokenBatch
from engine.recommend import Recommender

Opened = Callable[..., Recommender]


def test_the_list_and_every_product_of_it_are_read_from_one_shopper(opened: Opened) -> None:
    recommender = opened()
    for user in ("u1", "u4", "u1"):
        past = recommender.past(user)
        _, held = recommender.running(past)
        shopper = recommender.shopper_vectors([past.history])
        anew = all_scores(recommender.model, recommender.matrix, shopper, [past.history], item_bias(recommender.model))
        there = np.isfinite(held)
        assert held[there] == pytest.approx(anew[0].cpu().numpy()[there], abs=1e-5)
        assert not there[past.history.items].any()
        assert np.isfinite(recommender.read(past.history)[1]).all()  # whoever takes them may write into them


def test_a_past_choice_left_out_counts_as_if_it_had_never_been(opened: Opened) -> None:
    recommender = opened(context="kind,gap")
    for user, item in (("u1", 3), ("u1", 7), ("u4", 3)):
        case = Case(recommender, user, recommender.data.items[item])
        found = leave_one_out(case)
        for place, fall in enumerate(found, start=len(case.history) - len(found)):
            kept = np.arange(len(case.history)) != place
            assert fall == pytest.approx(case.score - case.scores_of([case.history_of(kept)])[0], abs=1e-5)


@pytest.mark.parametrize("fusion", ["weighted", "concat", "gated", "attention", "cross"])
def test_parts_left_out_of_one_product_are_left_out_of_a_copy_each(opened: Opened, fusion: str) -> None:
    """The tower reads a product once for all that is left out of it: as if each had its own features."""
    case = Case(recommender := opened(fusion=fusion), "u1", opened(fusion=fusion).data.items[5])
    removed = np.random.default_rng(3).random((6, len(case.shown.tokens))) < 0.4
    removed[:, case.removable :] = False
    raw = torch.from_numpy(removed[:, case.shown.row_of])
    batches, start = {}, 0
    for name, count in case.counts.items():
        x = case.tokens[name].x[:, :count].repeat(len(removed), 1, 1)
        batches[name] = TokenBatch(x, ~raw[:, start : start + count])
        start += count
    asking = None if case.asking is None else case.asking.repeat(len(removed), 1)
    with torch.inference_mode():
        vectors = sum(recommender.model.tower.content(batches, asking).values()) + recommender.model.identity(
            case.index
        )
        expected = (vectors @ case.shopper).cpu().numpy() + case.bias + case.direct.sum()
    assert case.scores_without(removed) == pytest.approx(expected, abs=1e-5)


def test_texts_are_the_same_one_by_one_and_read_whole(tiny_shop: Path) -> None:
    dataset = Dataset.open(tiny_shop)
    items = [str(row[0]) for row in dataset.rows("SELECT item FROM items")]
    whole = Written(dataset)
    for item in items:
        texts = Written(dataset).of(item)
        assert texts == whole.of(item)
        assert texts[0].field == "title"
    assert any(len(whole.of(item)) > 2 for item in items)
    assert whole.of("nobody sells this") == []
    dataset.close()
