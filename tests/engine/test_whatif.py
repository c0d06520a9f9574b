"""What-ifs: a run whose products are edited answers as one that had been given these pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from engine.desk import Desk
from engine.explain.case import Case
from engine.explain.methods import METHODS, explain
from engine.explain.types import Token
from engine.jobs import finish
from engine.recommend import EditedItem, Recommender
from engine.scenario import ItemEdit, Scenario
from engine.training.config import FUSIONS
from engine.whatif import edited

Opened = Callable[..., Recommender]


def part(case: Case, seed: int = 0) -> np.ndarray:
    """bool[rows]: a part of each modality, never identity or past events."""
    rows = np.zeros(len(case.shown.tokens), dtype=bool)
    rows[: case.removable] = np.random.default_rng(seed).random(case.removable) < 0.4
    return rows


def dropping(case: Case, rows: np.ndarray) -> ItemEdit:
    names = [token for token, gone in zip(case.shown.tokens, rows, strict=True) if gone]
    return ItemEdit(case.recommender.data.items[case.item], tuple(names))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_dropped_parts_are_gone_for_scores_ranks_and_names(opened: Opened, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    before = recommender.matrix.clone()
    for user in recommender.data.users[:3]:
        item = recommender.rank(user, 3).items[1].item
        case = Case(recommender, user, item)
        rows = part(case)
        changed = finish(edited(recommender, (dropping(case, rows),)))
        anew = Case(changed, user, item)
        expected = float(case.scores_without(rows[None])[0])
        assert anew.score == pytest.approx(expected, abs=1e-5)
        left = [token for token, gone in zip(case.shown.tokens, rows, strict=True) if not gone]
        assert list(anew.shown.tokens) == left
        # The rank that a list shows is that of the score among all others.
        scores = recommender.running(case.past)[1].astype(np.float64)
        scores[case.item] = expected
        place = 1 + int((scores > expected).sum())
        listed = {one.item: one for one in changed.rank(user, len(recommender.data.items)).items}
        assert listed[item].rank == place == anew.rank_of(anew.score)
        assert listed[item].score == pytest.approx(expected, abs=1e-5)
        assert sum(listed[item].parts.values()) == pytest.approx(expected, abs=1e-4)
    assert (recommender.matrix == before).all()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_page_with_nothing_left_is_identity_and_bias(opened: Opened, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    user = recommender.data.users[0]
    item = recommender.rank(user, 1).items[0].item
    case = Case(recommender, user, item)
    everything = np.arange(len(case.shown.tokens)) < case.removable
    changed = finish(edited(recommender, (dropping(case, everything),)))
    assert Case(changed, user, item).score == pytest.approx(float(case.scores_without(everything[None])[0]), abs=1e-5)
    for method in METHODS:
        if not METHODS[method].deep:
            found = explain(changed, user, item, method)
            assert {token.modality for token in found.tokens} <= {"identity", "history"}
            assert found.contribution.sum() + found.bias == pytest.approx(found.score, abs=1e-4)


def test_a_part_that_is_not_there_is_not_removed(opened: Opened) -> None:
    recommender = opened()
    user, item = recommender.data.users[0], recommender.rank(recommender.data.users[0], 1).items[0].item
    changed = finish(edited(recommender, (ItemEdit(item, (Token("text", "no such", "title", (0, 7)),)),)))
    assert Case(changed, user, item).removed == ()
    assert Case(changed, user, item).score == pytest.approx(Case(recommender, user, item).score, abs=1e-6)


def test_a_dropped_part_of_a_past_product_moves_the_shopper(opened: Opened) -> None:
    """The page of a product in the past is part of who the shopper is; by the vectors that this test puts together."""
    recommender = opened()
    user = recommender.data.users[0]
    past = recommender.past(user)
    item = int(past.history.items[-1])
    case = Case(recommender, user, recommender.data.items[item])
    rows = part(case, 2)
    changed = finish(edited(recommender, (dropping(case, rows),)))
    by_hand = recommender.matrix.clone()
    by_hand[item] = changed.matrix[item]
    assert (by_hand == changed.matrix).all()
    assert not np.allclose(by_hand[item], recommender.matrix[item])
    moved = changed.shopper_vectors([past.history])[0] - recommender.shopper_vectors([past.history])[0]
    assert float(moved.abs().max()) > 1e-6


def test_the_desk_ranks_and_explains_under_one_scenario(trained: Callable[..., Path], opened: Opened) -> None:
    run, desk = str(trained()), Desk()
    user = opened().data.users[1]
    item = opened().rank(user, 2).items[1].item
    case = Case(opened(), user, item)
    scenario = Scenario().with_edit(dropping(case, part(case)))
    scenario = Scenario.from_json(scenario.to_json())
    ranking = finish(desk.job("rank", {"run": run, "user": user, "k": 20, "scenario": scenario}))
    found = finish(desk.job("explain", {"run": run, "user": user, "item": item, "scenario": scenario}))
    listed = next(one for one in ranking.items if one.item == item)
    assert (listed.rank, listed.score) == (found.rank, pytest.approx(found.score, abs=1e-5))
    assert found.removed
    assert found.score != pytest.approx(case.score, abs=1e-6)


def test_ranking_and_explaining_under_one_scenario_read_its_pages_once(
    trained: Callable[..., Path], opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, desk = str(trained()), Desk()
    item = "i3"
    word = Case(opened(), "u0", item).shown.tokens[0]
    scenario = Scenario().with_edit(ItemEdit(item, (word,)))
    readings: list[int] = []
    once = Recommender.with_items

    def counted(recommender: Recommender, items: Mapping[int, EditedItem]) -> Recommender:
        readings.append(1)
        return once(recommender, items)

    monkeypatch.setattr(Recommender, "with_items", counted)
    first = finish(desk.job("rank", {"run": run, "user": "u0", "scenario": scenario}))
    finish(desk.job("explain", {"run": run, "user": "u0", "item": item, "scenario": scenario}))
    assert readings == [1]
    for _ in range(6):  # others come and go, then this one again
        word = Case(opened(), "u0", "i4").shown.tokens[len(readings)]
        other = Scenario().with_edit(ItemEdit("i4", (word,)))
        finish(desk.job("rank", {"run": run, "user": "u0", "scenario": other}))
    assert len(readings) == 7
    again = finish(desk.job("rank", {"run": run, "user": "u0", "scenario": scenario}))
    assert len(readings) == 8
    assert [one.score for one in again.items] == [one.score for one in first.items]


def test_the_page_to_edit_and_the_values_to_choose_from(trained: Callable[..., Path]) -> None:
    run, desk = str(trained()), Desk()
    page = finish(desk.job("page", {"run": run, "item": "i3"}))
    assert (page.item, page.title, page.editable) == ("i3", "Product 3", True)
    assert page.attributes == (("colour", "blue"), ("price", "13.0"))
    assert [one.field for one in page.texts][:2] == ["title", "description"]
    values = finish(desk.job("values", {"run": run}))
    assert [one.name for one in values] == ["colour", "price"]
