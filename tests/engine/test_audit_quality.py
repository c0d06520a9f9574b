"""Quality, explanations and diversity in the audit: against hand-worked numbers, and on a tiny run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audit.check import Measured, NotRun
from engine.audit.checks import CHECKS
from engine.audit.checks.diversity import alike
from engine.audit.checks.explanation import likeness, rephrased
from engine.audit.checks.quality import calibration_error, softmax
from engine.audit.plan import Plan
from engine.audit.run import remeasured
from engine.audit.subject import K, Subject
from engine.explain.methods import explain
from engine.jobs import finish
from engine.metrics.ranking import ndcg
from engine.model.scoring import target_ranks
from engine.recommend import Recommender

Opened = Callable[..., Recommender]


def measured(run: Recommender, name: str, sample: int = 4) -> Measured:
    subject = Subject(run, Plan(sample={name: sample}))
    found: Measured = finish(CHECKS[name].measure(subject))
    return found


def values(found: Measured) -> dict[str, float]:
    return {one.name: one.value for one in found.figures if not one.of}


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    p = np.array([0.1, 0.1, 0.3, 0.3])
    error, rows = calibration_error(p, np.array([0.0, 0.0, 1.0, 0.0]), bins=2)
    np.testing.assert_allclose(rows, [(0.1, 0.0, 2), (0.3, 0.5, 2)])
    assert error == pytest.approx((0.1 * 2 + 0.2 * 2) / 4)
    chances = softmax(np.array([[0.0, np.log(3.0), -np.inf]], np.float32))
    np.testing.assert_allclose(chances, [[0.25, 0.75, 0.0]], atol=1e-7)


def test_lists_are_alike_by_the_jaccard_index() -> None:
    assert alike(np.array([[0, 1], [1, 2]])) == pytest.approx(1 / 3)
    assert alike(np.array([[0, 1], [1, 0], [0, 1]])) == 1.0
    assert alike(np.array([[0, 1]])) == 0.0


def test_sentences_change_places_and_none_is_lost() -> None:
    random = np.random.default_rng(3)
    assert sorted(rephrased("One. Two. Three.", random)[:-1].split(". ")) == ["One", "Three", "Two"]
    assert sorted(rephrased("一。二。三。", random)[:-1].split("。")) == sorted("一二三")
    assert rephrased("Shoe", random) == "shoe"


def test_a_map_is_like_itself(opened: Opened) -> None:
    run = opened()
    one = explain(run, "u0", "i3", "contribution")
    assert likeness(one, one, "image") == pytest.approx(1.0)
    assert likeness(one, one, "text") == pytest.approx(1.0)


def test_ranking_is_what_ranking_anew_says(opened: Opened) -> None:
    run = opened()
    found = measured(run, "quality.ranking")
    ranks = np.concatenate(list(target_ranks(run.model, run.tokens, run.data, run.parts.test)))
    assert values(found)["ndcg"] == pytest.approx(ndcg(ranks, K))
    best = max(one.value for one in found.figures if one.name == "baseline_ndcg")
    assert values(found)["less_best"] == pytest.approx(values(found)["ndcg"] - best)
    assert not (run.folder / "evaluation.json").exists()  # nothing is written into a run under audit


def test_calibration_sums_over_what_is_shown(opened: Opened) -> None:
    found = values(measured(opened(), "quality.calibration"))
    assert 0 <= found["error"] <= 1
    assert abs(found["hits_less_said"]) <= found["error"] + 1e-9
    with pytest.raises(NotRun):
        measured(opened(objective="bpr"), "quality.calibration")


def test_maps_add_up_and_are_graded(opened: Opened) -> None:
    assert values(measured(opened(), "explanation.completeness"))["gap"] <= 1e-4
    found = measured(opened(), "explanation.faithfulness")
    assert sum(one.value for one in found.figures if one.name == "grade") == pytest.approx(1.0)
    with pytest.raises(NotRun):
        measured(opened(), "explanation.planted-truth")  # no truth was planted in this shop


def test_maps_hardly_change_under_changes_that_mean_nothing(opened: Opened) -> None:
    found = measured(opened(), "explanation.stability")
    kinds = {one.of["change"] for one in found.figures}
    assert kinds == {"text", "crop", "noise"}
    assert all(-1 <= one.value <= 1 for one in found.figures if one.name == "alike")


def test_the_simulation_is_the_same_each_time(opened: Opened) -> None:
    one, two = measured(opened(), "diversity.bubble", 6), measured(opened(), "diversity.bubble", 6)
    assert one == two
    assert len(one.tables["rounds"]["round"]) == 20
    result, _ = finish(remeasured(Subject(opened(), Plan()), CHECKS["diversity.lists"]))
    found = {figure.name: figure for figure in result.figures}
    assert 0 < found["coverage"].value <= 1
    low, high = found["gini"].low, found["gini"].high
    assert low is not None
    assert high is not None
    assert low <= high
