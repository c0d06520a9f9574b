"""Contrasts, cohorts and shortcuts: sums that hold, intervals that mean something, and a planted watermark found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import HeedmapError
from engine.explain.cohort import sells, sells_this
from engine.explain.contrast import products, runs, segment
from engine.explain.methods import explain
from engine.explain.shortcuts import shortcuts
from engine.jobs import finish
from engine.rules import rules_from
from tests.engine.conftest import TINY

FUSIONS = ("weighted", "concat", "gated", "attention", "cross")


@pytest.mark.parametrize("fusion", FUSIONS)
def test_why_one_product_above_another_sums_exactly(opened: Any, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    best = recommender.rank("u1", 4).items
    one, two = (explain(recommender, "u1", row.item) for row in (best[0], best[3]))
    found = products(recommender, "u1", best[0].item, best[3].item)
    assert found.score_left - found.score_right == pytest.approx(one.score - two.score, abs=1e-6)
    assert abs(found.gap) < 1e-4
    assert found.rank_left == 1 and found.rank_right == 4 if fusion != "cross" else True
    assert sum(row.left for row in found.rows) == pytest.approx(one.contribution.sum(), abs=1e-9)
    words = [row for row in found.rows if row.modality == "text" and row.label.casefold() == "waterproof"]
    assert len(words) == 1  # the same word of both pages is one row
    assert words[0].left
    assert words[0].right
    sizes = [abs(row.difference) for row in found.rows]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("fusion", ["weighted", "cross"])
def test_why_this_shopper_and_not_a_segment_sums_exactly(opened: Any, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    item = recommender.rank("u1", 1).items[0].item
    others = ["u2", "u3", "u4", "u1"]
    found = segment(recommender, "u1", item, others)
    scores = [explain(recommender, name, item).score for name in others[:3]]
    assert found.score_right == pytest.approx(np.mean(scores), abs=1e-6)
    assert abs(found.gap) < 1e-4
    with pytest.raises(HeedmapError, match="no other shopper"):
        segment(recommender, "u1", item, ["u1"])


def test_what_changed_between_two_runs_sums_exactly(opened: Any) -> None:
    one, two = opened(), opened(seed=2)
    item = one.rank("u1", 1).items[0].item
    found = runs(one, two, "u1", item)
    assert abs(found.gap) < 1e-4
    assert found.score_left == pytest.approx(explain(one, "u1", item).score)
    same = runs(one, one, "u1", item)
    assert not any(row.difference for row in same.rows)


def test_an_item_is_not_compared_with_itself(opened: Any) -> None:
    with pytest.raises(HeedmapError, match="itself"):
        products(opened(), "u1", "i1", "i1")


def test_what_sells_a_product_is_the_mean_over_shoppers(opened: Any) -> None:
    recommender = opened()
    users = ["u1", "u2", "u3", "u4", "u5"]
    found = finish(sells_this(recommender, "i3", users))
    each = [explain(recommender, name, "i3") for name in users]
    assert found.score == pytest.approx(np.mean([one.score for one in each]), abs=1e-6)
    assert abs(found.gap) < 1e-4
    colour = next(row for row in found.rows if row.modality == "attribute" and row.field == "colour")
    shares = []
    for one in each:
        place = next(k for k, token in enumerate(one.tokens) if token.field == "colour")
        shares.append(one.contribution[place])
    assert colour.mean == pytest.approx(np.mean(shares), abs=1e-9)
    assert min(shares) <= colour.low <= colour.mean <= colour.high <= max(shares)
    word = next(row for row in found.rows if row.label.casefold() == "waterproof")
    assert word.places == sum(t.modality == "text" and t.label.casefold() == "waterproof" for t in each[0].tokens)
    with pytest.raises(HeedmapError, match="no shopper"):
        finish(sells_this(recommender, "i3", []))
    with pytest.raises(HeedmapError, match="nobody"):
        finish(sells_this(recommender, "i3", ["nobody"]))


def test_what_sells_at_all_counts_products_that_hold_it(opened: Any) -> None:
    found = finish(sells(opened(), ["u1", "u2", "u3"]))
    colours = {row.label for row in found.rows if row.field == "colour"}
    assert colours <= {"red", "blue"}
    assert found.rows[0].mean == max(row.mean for row in found.rows)
    assert all(row.low <= row.mean <= row.high for row in found.rows)


def test_what_sells_under_rules_looks_at_what_is_shown(opened: Any) -> None:
    recommender, users = opened(), ["u1", "u2", "u3"]
    rules = rules_from({"rules": [{"name": "r", "rule": "boost", "by": 9, "where": {"field": "colour", "is": "red"}}]})
    found = finish(sells(recommender, users, rules))
    lists = [recommender.rank(user, 10, rules=rules).items for user in users]
    assert (found.listed, found.rules) == (sum(map(len, lists)), 1)
    assert found.risen == sum(one.model_rank > 10 for items in lists for one in items)
    assert found.score == pytest.approx(np.mean([one.score for items in lists for one in items]), abs=1e-5)
    plain = finish(sells(recommender, users))
    assert (plain.rules, plain.risen) == (0, 0)


def test_a_planted_watermark_is_found_first(opened: Any) -> None:
    recommender = opened()
    assert TINY["components"] == recommender.catalogue.image.shape[1]
    cells = np.array(recommender.catalogue.image, np.float32)
    random = np.random.default_rng(1)
    start = np.asarray(recommender.catalogue.image_start)
    cells[:] = random.normal(size=cells.shape)
    bearers = [0, 2, 5, 7, 9, 11]
    shoppers = recommender.shopper_vectors([recommender.past(f"u{user}").history for user in range(10)])
    with torch.inference_mode():
        values = recommender.model.tower.token_values("image", torch.eye(cells.shape[1])).sum(dim=1)
    heeded = (values @ shoppers.mean(dim=0)).numpy()  # the features that shoppers' scores rest on
    mark = 6 * heeded / np.linalg.norm(heeded)
    for item in bearers:
        cells[start[item]] = mark + random.normal(size=cells.shape[1]) * 0.1  # the top left cell
    recommender.catalogue = replace(recommender.catalogue, image=cells.astype(np.float16))
    for item in range(len(start) - 1):
        if start[item + 1] > start[item]:
            part = torch.from_numpy(cells[start[item] : start[item + 1]])
            recommender.tokens.put("image", torch.tensor([item]), [part])
    found = finish(shortcuts(recommender))
    assert found[0].alike > 0.99 > max((one.alike for one in found[1:]), default=0.0)
    assert found[0].place == (0, 0)
    assert found[0].placed == 1.0
    assert found[0].part == pytest.approx(len(bearers) / 13)  # one product has no photo
    assert {name for name, *_ in found[0].examples} == {f"i{item}" for item in bearers}


def test_a_run_without_photos_has_no_shortcuts_to_look_for(opened: Any) -> None:
    with pytest.raises(HeedmapError, match="reads no photos"):
        finish(shortcuts(opened(modalities="text")))
