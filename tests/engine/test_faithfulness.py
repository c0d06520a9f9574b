"""Grades: what earns one, what cannot, and that every sentence's number is what the model answers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from engine.explain.case import Case
from engine.explain.methods import METHODS, explain
from engine.explain.sentences import LANGUAGES, sentences
from engine.faithfulness.choice import automatic
from engine.faithfulness.orders import GRADES, faithfulness, grade
from engine.faithfulness.sanity import (
    agreement,
    cascade,
    infidelity,
    knows_nothing,
    max_sensitivity,
    randomised,
    uniform_swap,
)
from engine.faithfulness.table import measure_methods, pairs
from engine.jobs import finish
from engine.live import Session

FAST = tuple(name for name, method in METHODS.items() if not method.deep and name not in ("shapley", "lime"))


def _case(recommender: Any, **settings: Any) -> Case:
    return Case(recommender, "u1", recommender.rank("u1", 3).items[1].item)


def test_grades_follow_their_definition() -> None:
    random = np.linspace(-1.0, 1.0, 10)
    spread = random.std(ddof=1)

    def graded(z: float) -> str:
        return grade(np.array([-z * spread, *random]), np.array([z * spread, *random]))

    assert [graded(z) for z in (4.1, 2.6, 1.7, 0.5, -0.5)] == list(GRADES)
    # Far better by deletion, worse than the mean by insertion: not among the good ones.
    assert grade(np.array([-9 * spread, *random]), np.array([-1 * spread, *random])) == "C"


def test_the_best_possible_map_beats_random_and_its_reverse_loses(opened: Any) -> None:
    case = _case(opened())
    rows = case.removable
    alone = np.eye(rows, len(case.shown.tokens), dtype=bool)
    falls = case.score - case.scores_without(alone)
    best, worst = faithfulness(case, falls), faithfulness(case, -falls)
    assert best is not None
    assert worst is not None
    assert best.z > 0 > worst.z
    assert worst.grade == "F"
    assert best.deletion < np.mean(best.random)
    assert best.insertion > np.mean(best.random_insertion)
    assert best.comprehensiveness > best.random_comprehensiveness
    assert best.sufficiency < best.random_sufficiency


def test_the_curves_are_what_the_model_answers(opened: Any) -> None:
    case = _case(opened())
    share = np.random.default_rng(3).random(len(case.shown.tokens))
    found = faithfulness(case, share)
    assert found is not None
    rows = case.removable
    order = np.argsort(-share[:rows], kind="stable")
    counts = np.unique(np.ceil(np.linspace(0, rows, 11)[1:]).astype(int))
    without, only = [], []
    for count in counts:
        removed = np.zeros(len(case.shown.tokens), bool)
        removed[order[:count]] = True
        without.append(float(case.scores_without(removed[None])[0]))
        removed[:rows] = ~removed[:rows]
        only.append(float(case.scores_without(removed[None])[0]))
    assert found.deletion == pytest.approx(np.mean(without) - case.score, abs=1e-6)
    assert found.insertion == pytest.approx(np.mean(only) - case.score, abs=1e-6)
    assert only[-1] == pytest.approx(case.score, abs=1e-5)  # everything is kept


def test_maps_of_random_weights_earn_no_good_grade(opened: Any) -> None:
    """Over many maps and several draws no method, fed by a model of random weights, is graded above D in the real one;
    and a model that ranks no better than chance gets none above D for its own maps either."""
    recommender = opened()
    drawn = pairs(recommender, 12, 1)
    for name in FAST:
        standing = []
        for seed in range(3):
            other = randomised(recommender, seed=seed)
            for pair in drawn:
                measured = faithfulness(Case(recommender, *pair), METHODS[name].attribute(Case(other, *pair)).share)
                assert measured is not None
                standing.append(measured.z)
        error = np.std(standing) / np.sqrt(len(standing))
        assert np.mean(standing) - 2 * error < 1.64, name


def test_a_model_that_knows_nothing_gets_no_good_grade(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recommender = opened()
    monkeypatch.setattr("engine.recommend.FEWEST", 2)
    # A shop of 14 products is too small to tell chance from luck: say that as many as in a real shop agree.
    other = randomised(recommender)
    measured = other.percentile
    assert measured is not None
    other.__dict__["percentile"] = (max(measured[0], 0.45), 100)  # a lucky draw would rank well here
    assert knows_nothing(other)
    recommender.__dict__["percentile"] = (0.2, 100)
    assert not knows_nothing(recommender)
    for user, item in pairs(other, 6, 2):
        for name in FAST:
            graded = explain(other, user, item, name).faithfulness
            assert graded is not None
            assert graded.grade in "DF"


def test_random_weights_change_maps_and_nothing_else(opened: Any) -> None:
    recommender = opened()
    before = recommender.rank("u2", 5)
    found = cascade(
        recommender, pairs(recommender, 3, 1), lambda case: METHODS["contribution"].attribute(case).share, 1
    )
    assert list(found)[-1] == "embeddings"
    assert found["linear term and bias"] == pytest.approx(1.0)  # words do not hang on them
    assert found["embeddings"].mean() < 0.8
    assert recommender.rank("u2", 5).items == before.items
    assert np.isclose(
        randomised(recommender, seed=1).matrix.numpy(), randomised(recommender, seed=1).matrix.numpy()
    ).all()


def test_small_measures(opened: Any) -> None:
    case = _case(opened())
    exact = METHODS["contribution"].attribute(case).share
    assert 0 <= infidelity(case, exact) < 1
    assert infidelity(case, np.zeros_like(exact)) == pytest.approx(1)
    assert 0 < max_sensitivity(case, lambda one: METHODS["contribution"].attribute(one).share) < 5
    assert 0 < max_sensitivity(case, lambda one: METHODS["gradient_x_input"].attribute(one).share) < 5
    tau = agreement({"one": np.arange(5.0), "two": np.arange(5.0), "three": -np.arange(5.0)})
    assert tau["one", "two"] == pytest.approx(1)
    assert tau["one", "three"] == pytest.approx(-1)


@pytest.mark.parametrize("fusion", ["weighted", "concat"])
def test_swapping_in_uniform_attention_is_nothing_where_it_is_uniform_already(opened: Any, fusion: str) -> None:
    case = _case(opened(fusion=fusion, attention_epochs=0))
    score, rank = uniform_swap(case)
    assert score == pytest.approx(case.score, abs=1e-5)
    assert rank == case.rank_of(case.score)


def test_the_table_is_kept_and_auto_takes_its_best(trained: Any, opened: Any) -> None:
    recommender = opened(seed=5)
    assert "not compared" in automatic(recommender.folder)[1]
    table = finish(measure_methods(recommender, ("attention", "contribution"), 4, 1))
    assert set(table["methods"]) == {"contribution", "attention"}
    best = max(table["methods"], key=lambda name: table["methods"][name]["z"]["mean"])
    shown = explain(recommender, "u1", recommender.rank("u1", 1).items[0].item, "auto")
    assert shown.method == best
    assert any("measured most faithful" in note for note in shown.notes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_say_only_what_the_model_answers(opened: Any, language: str) -> None:
    recommender = opened()
    for user, item in pairs(recommender, 8, 4):
        one = explain(recommender, user, item)
        said = sentences(one, language)
        assert 2 <= len(said) <= 4
        case = Case(recommender, user, item)
        for removal in one.removals:
            if removal.kind == "word":
                label = removal.label.casefold()
                gone = [t.modality == "text" and t.label.casefold() == label for t in case.shown.tokens]
                score = float(case.scores_without(np.array([gone]))[0])
                assert removal.score == pytest.approx(score, abs=1e-6)
                assert removal.rank == case.rank_of(score)
        numbers = {int(text.replace(",", "")) for text in re.findall(r"(?<![\d.+-])\d[\d,]*(?![\d.])", " ".join(said))}
        known = {one.rank, one.catalogue, 20, *(removal.rank for removal in one.removals)}
        assert one.faithfulness is not None
        known |= {one.faithfulness.rank_after, one.faithfulness.random_rank_after}
        in_names = {int(text) for removal in one.removals for text in re.findall(r"\d+", removal.label)}
        assert numbers <= known | in_names


def test_a_past_purchase_is_removed_by_ranking_everything_anew(opened: Any) -> None:
    recommender = opened()
    case = Case(recommender, "u3", recommender.rank("u3", 3).items[2].item)
    score, rank = case.ranked_without([1])
    past = recommender.past("u3").history
    history = recommender.past("u3", Session(removed=(recommender.data.items[past.items[1]],))).history
    scores = recommender.scores(recommender.shopper_vectors([history]), [history])[0]
    running = [item for item in range(len(scores)) if item not in past.items]
    order = sorted(running, key=lambda item: -scores[item])
    assert score == pytest.approx(float(scores[case.item]), abs=1e-6)
    assert order.index(case.item) + 1 == rank
