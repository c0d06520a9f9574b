"""A past purchase's share, split into that product's own parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.methods import METHODS
from engine.explain.past import split
from engine.explain.sequence_flow import SequenceFlow


@pytest.mark.parametrize("fusion", ["weighted", "concat", "gated", "attention", "cross"])
def test_the_parts_of_a_past_product_sum_to_its_share(opened: Any, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    case = Case(recommender, "u1", recommender.rank("u1", 2).items[1].item)
    history = METHODS["integrated_gradients"].attribute(case).history
    assert history is not None
    read = case.history.items[len(case.history) - len(history) :]
    for place, number in enumerate(read.tolist()):
        found = split(case, recommender.data.items[number])
        assert found.by_sequence == pytest.approx(history[place], abs=1e-9)
        assert abs(found.gap) < 1e-5
        assert found.share.sum() == pytest.approx(history[place], abs=1e-5)
        first = len(case.history) - len(read)
        assert found.direct == pytest.approx(case.direct[first + place])


def test_a_word_of_a_past_product_is_worth_what_the_slope_says(opened: Any) -> None:
    """Against finite differences: the past product's vector moved a little along one attribute's part of it."""
    recommender = opened()
    case = Case(recommender, "u2", recommender.rank("u2", 1).items[0].item)
    flow = SequenceFlow.of(case)
    assert flow is not None
    found = split(case, recommender.data.items[int(case.history.items[-1])])
    colour = next(place for place, token in enumerate(found.tokens) if token.field == "colour")
    past = Case(recommender, "u2", found.item)
    tower, batch = case.model.tower, past.tokens["attribute"]
    row = [token.modality for token in past.shown.tokens].index("attribute")
    place = colour - row
    with torch.no_grad():
        alpha = tower.attention(past.tokens)["attribute"][0, :, place].double()
        part = (alpha[:, None] * tower.token_values("attribute", batch.x[0, place : place + 1])[0].double()).sum(dim=0)
    steps = (np.polynomial.legendre.leggauss(32)[0] + 1) / 2
    weights = np.polynomial.legendre.leggauss(32)[1] / 2
    total = 0.0
    for step, weight in zip(steps, weights, strict=True):
        up, down = (flow.vectors * step for _ in range(2))
        up[-1] += 1e-4 * part
        down[-1] -= 1e-4 * part
        total += weight * float(flow.scores(up[None])[0] - flow.scores(down[None])[0]) / 2e-4
    assert found.share[colour] == pytest.approx(total, rel=1e-3, abs=1e-6)


def test_what_was_not_read_is_said(opened: Any) -> None:
    recommender = opened()
    case = Case(recommender, "u1", recommender.rank("u1", 1).items[0].item)
    with pytest.raises(HeedmapError, match="read no past purchase"):
        split(case, case.recommender.data.items[case.item])
