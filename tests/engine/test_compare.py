"""Comparisons: sums that hold, cells resampled by hand, list figures against brute force, and why A above B."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.compare.align import aligned, past_pairs
from engine.compare.lists import PERSISTENCE, agreement, kendall_tau, rank_biased_overlap
from engine.compare.types import Comparison, Side
from engine.compare.wording import above_sentences
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.explain.contrast import products
from engine.explain.methods import explain
from engine.explain.types import Explanation, HistoryEvent, Token
from engine.jobs import finish
from engine.live import Session
from engine.rules import rules_from
from engine.scenario import PastEdit, Scenario

Trained = Callable[..., Path]
NAMES = [f"p{n}" for n in range(40)]


def _lists(seed: int, depth: int = 25) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    one, two = (list(random.permutation(NAMES)[:depth]) for _ in range(2))
    return one, two


def test_rank_biased_overlap_is_the_endless_sum_of_agreements() -> None:
    """The definition itself, (1 - p) * sum of p^(d-1) * A_d, evaluated far beyond the lists' end."""
    for seed in range(5):
        one, two = _lists(seed)
        agreements = [len(set(one[:d]) & set(two[:d])) / d for d in range(1, 26)]
        agreements += [agreements[-1]] * 2_000
        endless = (1 - PERSISTENCE) * sum(PERSISTENCE**d * a for d, a in enumerate(agreements))
        assert rank_biased_overlap(one, two) == pytest.approx(endless, abs=1e-12)
    assert rank_biased_overlap(NAMES, NAMES) == pytest.approx(1.0)
    assert rank_biased_overlap(NAMES[:20], NAMES[20:]) == 0.0
    assert rank_biased_overlap([], NAMES) == 0.0
    assert 1 - PERSISTENCE**9 + 10 * (1 - PERSISTENCE) / PERSISTENCE * (
        np.log(1 / (1 - PERSISTENCE)) - sum(PERSISTENCE**d / d for d in range(1, 10))
    ) == pytest.approx(0.86, abs=0.005)  # the weight of the first ten places, equation 21 of the paper


def test_kendalls_tau_counts_pairs_in_order() -> None:
    for seed in range(5):
        one, two = _lists(seed)
        shared = [name for name in one if name in two]
        signs = [
            np.sign(two.index(b) - two.index(a)) for place, a in enumerate(shared) for b in shared[place + 1 :]
        ]  # one is in order: a pair agrees where two has it in order too
        assert kendall_tau(one, two) == pytest.approx(np.mean(signs))
    assert kendall_tau(NAMES, NAMES[::-1]) == pytest.approx(-1.0)
    assert kendall_tau(NAMES[:3], NAMES[2:5]) is None
    found = agreement(NAMES[:10], [*NAMES[5:10], *NAMES[20:30]])
    assert (found.depth, found.shared, found.overlap) == (10, 5, 0.5)


def _made(grid: tuple[int, int], values: list[float], item: str = "i1", tokens: tuple[Token, ...] = ()) -> Explanation:
    """An explanation of photo cells, and of other tokens before them."""
    rows, columns = grid
    cells = tuple(
        Token("image", f"{r}{c}", "x.png", box=(c / columns, r / rows, (c + 1) / columns, (r + 1) / rows))
        for r in range(rows)
        for c in range(columns)
    )
    numbers = np.array(values)
    return Explanation(
        "run", "u", item, item, 1, 9, float(numbers.sum()), 0.0, "contribution", (*tokens, *cells), numbers,
        numbers[:, None], numbers[:, None], (), ("x.png",), grid, (), 0.0, None, 0.0,
    )  # fmt: skip


def test_cells_of_two_grids_are_resampled_by_their_area() -> None:
    word = (Token("text", "seam", "title", (0, 4)),)
    coarse = _made((1, 2), [7.0, 4.0, 1.0], tokens=word)
    fine = _made((2, 2), [5.0, 1.0, 2.0, 3.0, 4.0], tokens=word)
    rows = aligned(coarse, fine, coarse.contribution, fine.contribution)
    assert [token.box for token in rows.tokens[1:]] == [
        (0.0, 0.0, 0.5, 0.5),
        (0.5, 0.0, 1.0, 0.5),
        (0.0, 0.5, 0.5, 1.0),
        (0.5, 0.5, 1.0, 1.0),
    ]
    assert rows.left.tolist() == [7.0, 2.0, 0.5, 2.0, 0.5]  # each tall cell halved
    assert rows.right.tolist() == [5.0, 1.0, 2.0, 3.0, 4.0]
    assert rows.left_rows[1:] == ((1,), (2,), (1,), (2,))
    thirds = _made((1, 3), [3.0, 6.0, 9.0])
    halves = _made((1, 2), [1.0, 1.0])
    rows = aligned(thirds, halves, thirds.contribution, halves.contribution)
    assert rows.left.tolist() == [3.0, 6.0, 9.0]
    np.testing.assert_allclose(rows.right, [2 / 3, 2 / 3, 2 / 3])  # the middle third takes a third of each half
    assert rows.right_rows == ((0,), (0, 1), (1,))


def test_words_of_two_products_meet_by_their_spelling_and_of_one_by_their_place() -> None:
    twice = (Token("text", "Seam", "title", (0, 4)), Token("text", "seam", "description", (3, 7)))
    once = (Token("text", "seam", "description", (9, 13)), Token("attribute", "red", "colour"))
    one, two = _made((0, 0), [1.0, 2.0], tokens=twice), _made((0, 0), [5.0, 7.0], "i2", tokens=once)
    rows = aligned(one, two, one.contribution, two.contribution)
    assert [token.label for token in rows.tokens] == ["Seam", "red"]
    assert (rows.left.tolist(), rows.right.tolist()) == ([3.0, 0.0], [5.0, 7.0])
    assert rows.left_rows == ((0, 1), ())
    same = aligned(one, replace(two, item="i1"), one.contribution, two.contribution)
    assert len(same.tokens) == 4


def test_past_events_of_two_shoppers_meet_by_product() -> None:
    def event(item: str, day: int, share: float | None) -> HistoryEvent:
        return HistoryEvent(item, item, f"2025-01-{day:02d}T00:00:00Z", "purchase", None, share)

    pairs = past_pairs([event("a", 1, 0.5), event("a", 3, 0.2)], [event("a", 2, None), event("b", 9, -0.1)])
    assert [(one.item, one.left, one.right) for one in pairs] == [
        ("b", None, -0.1),
        ("a", 0.2, None),
        ("a", 0.5, None),
    ]


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def _exact(found: Comparison) -> None:
    assert found.unit == "score"
    assert abs(found.gap) < 1e-4
    difference = found.left.score - found.right.score
    assert sum(one.left - one.right for one in found.parts) == pytest.approx(difference, abs=1e-4)


def test_the_difference_of_two_runs_sums_to_that_of_their_scores(desk: Desk, trained: Trained) -> None:
    one, two = str(trained()), str(trained(seed=2))
    found = finish(desk.compare(Side(one, "u1", "i3"), Side(two, "u1", "i3")))
    _exact(found)
    assert found.same_product
    assert found.left.score != found.right.score
    page = [row for row, token in enumerate(found.rows.tokens) if token.modality != "history"]
    assert all(found.rows.left_rows[row] and found.rows.right_rows[row] for row in page)  # all have their counterpart
    assert found.grids is None
    assert set(found.left_figures) == {"validation ndcg@10", "test ndcg@10"}
    shared = {row.item for row in found.left_list.items} & {row.item for row in found.right_list.items}
    assert found.agreement.shared == len(shared)
    itself = finish(desk.compare(Side(one, "u1", "i3"), Side(one, "u1", "i3")))
    assert not itself.rows.difference.any()
    assert itself.agreement.rbo == pytest.approx(1.0)


def test_shoppers_products_and_scenarios_are_compared_exactly(desk: Desk, trained: Trained) -> None:
    run = str(trained())
    shoppers = finish(desk.compare(Side(run, "u1", "i3"), Side(run, "u2", "i3")))
    _exact(shoppers)
    assert {one.item for one in shoppers.past} == {
        event.item for side in (shoppers.left, shoppers.right) for event in side.history
    }
    items = finish(desk.compare(Side(run, "u1", "i3"), Side(run, "u1", "i4")))
    _exact(items)
    assert not items.same_product
    words = [row for row, t in enumerate(items.rows.tokens) if t.label.casefold() == "waterproof"]
    assert len(words) == 1
    assert items.rows.left_rows[words[0]]
    assert items.rows.right_rows[words[0]]
    removed = items.left.history[0].item
    scenario = Scenario().with_past(PastEdit("u1", removed=(removed,)))
    changed = finish(desk.compare(Side(run, "u1", "i3"), Side(run, "u1", "i3", scenario=scenario)))
    _exact(changed)
    assert next(one for one in changed.past if one.item == removed).right is None


def test_both_lists_are_under_the_rules_and_a_scenarios_own_take_their_place(
    desk: Desk, trained: Trained, tmp_path: Path
) -> None:
    run = str(trained())
    plain = [one.item for one in finish(desk.rank(run, "u1")).items]
    last, middle = plain[-1], plain[len(plain) // 2]
    window = rules_from({"rules": [{"name": "campaign", "rule": "pin", "item": last, "position": 1}]})
    own = [
        {"name": "first", "rule": "pin", "item": middle, "position": 1},
        {"name": "second", "rule": "pin", "item": last, "position": 2},
    ]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"rules": own}))
    sides = Side(run, "u1", last), Side(run, "u1", last, scenario=Scenario(rules=str(file)))
    found = finish(desk.compare(*sides, rules=window))
    assert found.ruled == (1, 2)
    assert [one.item for one in found.left_list.items][:2] == [last, plain[0]]
    assert [one.item for one in found.right_list.items][:2] == [middle, last]
    assert (found.left.rank, found.left.shown_rank, found.right.shown_rank) == (len(plain), 1, 2)
    assert [one.rule for one in found.left.effects] == ["campaign"]
    assert found.left.score == found.right.score
    _exact(found)


def test_two_methods_are_compared_as_shares_of_their_maps(desk: Desk, trained: Trained) -> None:
    run = str(trained())
    found = finish(desk.compare(Side(run, "u1", "i3"), Side(run, "u1", "i3", "gradient_x_input")))
    assert (found.unit, found.magnitudes) == ("share", False)
    assert np.abs(found.rows.left).sum() == pytest.approx(1.0)
    assert np.abs(found.rows.right).sum() == pytest.approx(1.0)
    assert all(one.part != "bias" for one in found.parts)
    attention = finish(desk.compare(Side(run, "u1", "i3"), Side(run, "u1", "i3", "attention")))
    assert attention.magnitudes
    assert (attention.rows.left >= 0).all()


def test_two_epochs_are_compared_with_the_figures_they_had(desk: Desk, trained: Trained) -> None:
    run = trained(checkpoints="every", epochs=3, modalities="attribute")
    found = finish(desk.compare(Side(str(run), "u1", "i3", epoch=1), Side(str(run), "u1", "i3", epoch=3)))
    _exact(found)
    assert set(found.left_figures) == set(found.right_figures) == {"validation ndcg@10"}
    final = finish(desk.compare(Side(str(run), "u1", "i3", epoch=3), Side(str(run), "u1", "i3")))
    assert "test ndcg@10" in final.right_figures


def test_why_a_product_stands_above_another_sums_exactly(desk: Desk, opened: Any, trained: Trained) -> None:
    recommender = opened()
    best = recommender.rank("u1", 4).items
    side = Side(str(trained()), "u1", best[0].item)
    found = finish(desk.contrast(side, best[3].item))
    whole = products(recommender, "u1", best[0].item, best[3].item)
    assert found.contrast.score_left == pytest.approx(whole.score_left)
    assert sum(one.left for one in found.parts) == pytest.approx(found.contrast.score_left, abs=1e-4)
    assert sum(one.right for one in found.parts) == pytest.approx(found.contrast.score_right, abs=1e-4)
    explained = explain(recommender, "u1", best[3].item)
    assert [one.right for one in reversed(found.past)] == pytest.approx([e.contribution for e in explained.history])
    said = above_sentences(found)
    assert f"{found.left_title} (rank 1) scores" in said[0]
    assert found.right_title in said[0]
    turned = finish(desk.contrast(replace(side, item=best[3].item), best[0].item))
    assert above_sentences(turned)[0] == said[0]  # the higher one comes first, whichever is asked for
    assert above_sentences(found, "zh")[0].startswith(found.left_title)
    with pytest.raises(HeedmapError, match="itself"):
        finish(desk.contrast(side, side.item))


def test_a_live_past_counts_in_why_a_above_b(desk: Desk, opened: Any, trained: Trained) -> None:
    recommender = opened()
    removed = explain(recommender, "u1", "i3").history[0].item
    scenario = Scenario().with_past(PastEdit("u1", removed=(removed,)))
    found = finish(desk.contrast(Side(str(trained()), "u1", "i3", scenario=scenario), "i4"))
    live = explain(recommender, "u1", "i3", session=Session(removed=(removed,)))
    assert found.contrast.score_left == pytest.approx(live.score, abs=1e-5)


def test_a_side_is_kept_as_json() -> None:
    side = Side("runs/a", "u1", "i2", "lime", 4, Scenario(rules="rules.toml"))
    assert Side.from_json(side.to_json()) == side
    with pytest.raises(HeedmapError, match="not a side"):
        Side.from_json({"run": "x"})


def test_an_unknown_shopper_of_the_other_run_is_named(desk: Desk, trained: Trained) -> None:
    run = str(trained())
    with pytest.raises(HeedmapError, match="nobody"):
        finish(desk.compare(Side(run, "u1", "i3"), Side(run, "nobody", "i3")))
