"""Business rules: read with clear faults, applied so that each change of rank can be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli import main
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.recommend import Recommender
from engine.rules import Condition, rules_from
from engine.ruling import Ruled, apply, mmr

BRAND = {"field": "brand", "is": "Acme"}
ITEMS = {f"i{index}": index for index in range(6)}
VALUES = {
    "brand": [("Acme",), ("Apex",), (), ("Apex",), ("Acme",), ("Acme",)],
    "stock": [("0",), ("5",), ("2.5",), ("many",), (), ("1",)],
    "category": [("shoes", "boots"), ("shoes",), (), ("hats",), (), ()],
}
SCORES = np.array([6, 5, 4, 3, 2, 1], np.float32)


def _meets(condition: Condition) -> Any:
    return np.array([condition.holds(one) for one in VALUES[condition.field]])


def _apply(*rules: dict[str, Any], scores: Any = SCORES, vectors: Any = None) -> Ruled:
    named = [{"name": f"r{place}", **rule} for place, rule in enumerate(rules)]
    return apply(rules_from({"rules": named}), scores, ITEMS, _meets, lambda over, items: vectors[items])


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"field": "brand", "is": "Acme"}, [0, 4, 5]),
        ({"field": "brand", "is": ["Acme", "Apex"]}, [0, 1, 3, 4, 5]),
        ({"field": "brand", "is_not": "Acme"}, [1, 2, 3]),
        ({"field": "brand", "present": False}, [2]),
        ({"field": "stock", "at_least": 1}, [1, 2, 5]),
        ({"field": "stock", "at_least": 1, "at_most": 2.5}, [2, 5]),
        ({"field": "category", "is": "shoes"}, [0, 1]),
    ],
)
def test_a_filter_keeps_what_meets_its_condition(where: dict[str, Any], kept: list[int]) -> None:
    assert _apply({"rule": "filter", "where": where}).order.tolist() == kept


def test_a_boost_is_a_term_of_its_own_and_moves_by_score() -> None:
    ruled = _apply({"rule": "boost", "by": 2.5, "where": BRAND})
    assert ruled.order.tolist() == [0, 1, 4, 2, 5, 3]  # 8.5, 5, 4.5, 4, 3.5, 3
    assert ruled.boost.tolist() == [2.5, 0, 0, 0, 2.5, 2.5]
    (effect,) = ruled.effects(4)
    assert (effect.rank_before, effect.rank_after, effect.score_change) == (5, 3, 2.5)
    assert ruled.effects(1) == ()


def test_the_effects_of_all_rules_lead_from_the_models_rank_to_the_one_shown() -> None:
    scores = SCORES.copy()
    scores[1] = -np.inf  # the shopper has it
    ruled = _apply(
        {"rule": "pin", "item": "i5", "position": 2},
        {"rule": "exposure", "where": BRAND, "at_least": 2, "within": 3},
        {"rule": "exclude", "items": ["i0"]},
        {"rule": "boost", "by": 1.5, "where": {"field": "stock", "is": "many"}},
        scores=scores,
    )
    assert ruled.before.tolist() == [0, 2, 3, 4, 5]
    assert ruled.order.tolist() == [3, 5, 4, 2]  # without i0: 3 2 4 5; two of Acme in three: 3 4 5 2; i5 pinned
    for item in range(6):
        effects, place = ruled.effects(item), 1 + ruled.before.tolist().index(item) if item != 1 else 0
        for effect in effects:
            assert effect.rank_before == place
            place = effect.rank_after
        assert place == ruled.rank(item)
    assert [one.kind for one in ruled.effects(5)] == ["exclude", "exposure", "pin"]
    assert ruled.rank(0) == 0


def test_a_floor_lifts_the_best_of_the_group_and_lets_the_last_others_make_room() -> None:
    rule = {"rule": "exposure", "where": BRAND, "at_least": 2, "within": 3}
    assert _apply(rule).order.tolist() == [0, 1, 4, 2, 3, 5]
    ruled = _apply({**rule, "where": {"field": "stock", "is": "many"}})
    assert ruled.order.tolist() == [0, 1, 3, 2, 4, 5]
    assert ruled.notes == ["r0: only 1 of 2 stand in the first 3."]


def test_what_was_taken_out_cannot_be_pinned() -> None:
    ruled = _apply({"rule": "pin", "item": "i0", "position": 1}, {"rule": "exclude", "items": ["i0"]})
    assert ruled.order.tolist() == [1, 2, 3, 4, 5]
    assert "r0: i0 is not in the list" in ruled.notes[0]


def test_many_ties_break_by_the_catalogues_order_with_rules_and_without() -> None:
    random = np.random.default_rng(3)
    scores = random.integers(0, 4, 500).astype(np.float32)
    scores[random.random(500) < 0.2] = -np.inf
    raised, items = random.random(500) < 0.5, {f"i{index}": index for index in range(500)}
    expected = np.argsort(-scores, kind="stable")[: int(np.isfinite(scores).sum())]
    assert apply((), scores, items, _meets, _nothing, places=30).order.tolist() == expected[:30].tolist()
    boost = rules_from({"rules": [{"name": "b", "rule": "boost", "by": 1, "where": {"field": "new", "is": "yes"}}]})
    ruled = apply(boost, scores, items, lambda _: raised, _nothing, places=30)
    assert ruled.before.tolist() == expected.tolist()
    assert ruled.order.tolist() == np.argsort(-(scores + raised), kind="stable")[: len(expected)].tolist()
    for place, item in enumerate(expected.tolist(), start=1):
        assert ruled.model_rank(item) == place
        after = 1 + ruled.order.tolist().index(item)
        assert ruled.rank(item) == after
        assert [one.rank_after for one in ruled.effects(item)] == ([after] if raised[item] or after != place else [])


def _nothing(*asked: Any) -> Any:
    raise AssertionError(f"no rule asks for {asked}")


def test_maximal_marginal_relevance_by_hand() -> None:
    """Relevance 1, .9, 0 and likeness of the first two 1: at lambda 1/2 the third goes second (0 against .45 - .5)."""
    vectors = np.array([[1, 0], [2, 0], [0, 1]], np.float32)
    relevance = np.array([10.0, 9.0, 0.0])
    assert mmr(relevance, vectors, 0.5).tolist() == [0, 2, 1]
    assert mmr(relevance, vectors, 1.0).tolist() == [0, 1, 2]
    vectors = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    assert (
        _naive_mmr(SCORES, vectors, 0.3)
        == _apply({"rule": "diversity", "lambda": 0.3, "within": 6}, vectors=vectors).order.tolist()
    )


def _naive_mmr(scores: Any, vectors: Any, weight: float) -> list[int]:
    relevance = (scores - scores.min()) / (scores.max() - scores.min())
    chosen: list[int] = []
    while len(chosen) < len(scores):

        def gain(item: int) -> float:
            likeness = [
                vectors[item] @ vectors[one] / np.linalg.norm(vectors[item]) / np.linalg.norm(vectors[one])
                for one in chosen
            ]
            return float(weight * relevance[item] - (1 - weight) * max(likeness, default=0.0))

        chosen.append(max((one for one in range(len(scores)) if one not in chosen), key=gain))
    return chosen


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"rule": "boots", "where": BRAND}, r"rule 1 \(a\): rule cannot be 'boots'"),
        ({"rule": "boost", "where": BRAND}, r"rule 1 \(a\): by is missing"),
        ({"rule": "boost", "where": BRAND, "by": "much"}, r"\(a\): by cannot be 'much'"),
        ({"rule": "boost", "where": BRAND, "by": 1, "weight": 2}, "there is no field 'weight'"),
        ({"rule": "filter", "where": {"brand": "Acme"}}, r"\(a\): where names no field"),
        ({"rule": "filter", "where": {"field": "brand"}}, r"\(a\): where tests nothing"),
        ({"rule": "filter", "where": {"field": "brand", "like": "A"}}, "where: there is no field 'like'"),
        ({"rule": "diversity", "lambda": 1.5}, r"lambda=1.5 is out of range"),
        ({"rule": "diversity", "lambda": 0.5, "over": "words"}, "over cannot be 'words'"),
        ({"rule": "pin", "item": "i0", "position": 0}, "position cannot be 0"),
        ({"rule": "pin", "item": 3, "position": 1}, "a product is not a text"),
        ({"rule": "exposure", "where": BRAND, "at_least": 2, "within": True}, "within cannot be True"),
    ],
)
def test_a_wrong_rule_is_named_with_its_field(rule: dict[str, Any], fault: str) -> None:
    with pytest.raises(HeedmapError, match=fault):
        rules_from({"rules": [{"name": "a", **rule}]})


def test_wrong_files_are_refused() -> None:
    pin = {"rule": "pin", "item": "i0", "position": 1}
    for content, fault in (
        ([], "holds no rules"),
        ({"rules": [pin]}, "rule 1 has no name"),
        ({"rules": [{"name": "a", **pin}, {"name": "a", **pin}]}, "two rules with the name a"),
        ({"rules": [{"name": "a", **pin}, {"name": "b", **pin}]}, "two rules with the position 1"),
    ):
        with pytest.raises(HeedmapError, match=fault):
            rules_from(content)
    with pytest.raises(HeedmapError, match="r0 names an unknown product 'x'"):
        _apply({"rule": "exclude", "items": ["x"]})


RULES = {
    "rules": [
        {"name": "reds", "rule": "boost", "by": 0.25, "where": {"field": "colour", "is": "red"}},
        {"name": "affordable", "rule": "filter", "where": {"field": "price", "at_most": 21}},
        {"name": "variety", "rule": "diversity", "lambda": 0.6, "over": "content"},
        {"name": "campaign", "rule": "pin", "item": "i12", "position": 3},
    ]
}


@pytest.mark.parametrize("fusion", ["weighted", "cross"])
def test_a_list_and_its_explanations_tell_the_same_of_rules(opened: Callable[..., Recommender], fusion: str) -> None:
    recommender, rules = opened(fusion=fusion), rules_from(RULES)
    plain = {one.item: one for one in recommender.rank("u9", 20).items}
    ranking = recommender.rank("u9", 20, rules=rules)
    assert len(ranking.items) == len([item for item in plain if int(item[1:]) <= 11])
    assert any(one.rank != one.model_rank for one in ranking.items)
    for one in ranking.items:
        assert one.model_rank == plain[one.item].rank
        assert one.score == pytest.approx(plain[one.item].score, abs=1e-6)
        assert sum(one.parts.values()) == pytest.approx(one.score, abs=1e-4)  # no boost among the parts
        why = explain(recommender, "u9", one.item, rules=rules)
        assert (why.rank, why.shown_rank, why.effects) == (one.model_rank, one.rank, one.effects)
        assert why.contribution.sum() + why.bias == pytest.approx(why.score, abs=1e-4)
    out = explain(recommender, "u9", "i12", rules=rules) if "i12" in plain else None
    if out is not None:
        assert out.shown_rank == 0
        assert any("campaign: i12 is not in the list" in note for note in out.notes)


def test_the_command_line_shows_what_rules_did(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES))
    run = str(trained())
    assert main(["recommend", run, "--user", "u9", "--rules", str(file), "--json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    moved = next(one for one in items if any(effect["score_change"] for effect in one["effects"]))
    page = tmp_path / "why.html"
    arguments = ["explain", run, "--user", "u9", "--item", moved["item"], "--rules", str(file)]
    assert main([*arguments, "--out", str(page)]) == 0
    said = capsys.readouterr().out
    assert "reds (boost): +0.250, rank" in said
    assert f"Under the rules it is shown at rank {moved['rank']}; the model's rank is {moved['model_rank']}." in said
    assert "reds (boost)" in page.read_text(encoding="utf-8")
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["effects"] == moved["effects"]
    file.write_text('{"rules": [{"name": "x", "rule": "filter", "where": {"field": "colr", "is": "red"}}]}')
    assert main(["recommend", run, "--rules", str(file)]) == 2
    assert "colour" in capsys.readouterr().err
