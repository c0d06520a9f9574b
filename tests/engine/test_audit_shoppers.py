"""Gaps between groups of shoppers: figures as fairlearn and worked by hand, planted gaps found, small groups hidden."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audit.check import Measured, NotRun, Threshold, judged
from engine.audit.checks.shoppers import CHECKS, Served, extremes, group_figures
from engine.audit.checks.shoppers_groups import JUDGED, OTHERS, SHOWN, Grouping, made, profile_groupings
from engine.audit.draws import normal, normal_ratio, redrawn
from engine.audit.lists import floor, relisted, variety
from engine.audit.plan import Plan, preset
from engine.audit.subject import K, Subject
from engine.jobs import finish
from engine.metrics.bootstrap import interval
from engine.recommend import Recommender

Opened = Callable[..., Recommender]
_ASKED = next(one for one in CHECKS if one.name == "shoppers.profile").thresholds


def _served(shoppers: int, targets: int, worse: bool, seed: int = 0) -> tuple[Served, Grouping]:
    """Shoppers in turn of groups a, b, c; where `worse`, those of c are served as if at random."""
    random = np.random.default_rng(seed)
    user = np.repeat(np.arange(shoppers), targets).astype(np.int32)
    group = user % 3
    place = random.beta(1, 4, len(user))
    if worse:
        place = np.where(group == 2, random.random(len(user)), place)
    ndcg = np.where(place < 0.05, 1 / np.log2(2 + np.floor(place * 200)), 0.0)
    return Served(user, ndcg, place), Grouping("letter", ("a", "b", "c"), np.arange(shoppers) % 3)


def test_figures_of_groups_are_as_worked_by_hand() -> None:
    user = np.array([0, 0, 1, 2, 3, 3], np.int32)
    one = Served(user, np.array([1.0, 0.0, 0.5, 0.25, 0.0, 0.0]), np.array([0.0, 0.5, 0.1, 0.2, 0.9, 0.7]))
    grouping = Grouping("letter", ("a", "b"), np.array([0, 0, 1, 1]))
    a, b = group_figures(one, grouping, 1, 4)
    assert (a.shoppers, b.shoppers) == (2, 2)
    assert a.ndcg[0] == pytest.approx(0.5)
    assert b.ndcg[0] == pytest.approx(0.25 / 3)
    assert b.ratio[0] == pytest.approx(1 / 6)
    assert b.behind[0] == pytest.approx(0.6 - 0.2)
    gap, ratio = extremes(one, grouping, 1)
    assert gap[0] == pytest.approx(0.5 - 0.25 / 3)
    assert ratio[0] == pytest.approx(1 / 6)


def test_gaps_are_those_of_fairlearn() -> None:
    metrics = pytest.importorskip("fairlearn.metrics")
    one, grouping = _served(150, 4, worse=True)
    frame = metrics.MetricFrame(
        metrics=lambda truth, predicted: float(np.mean(predicted)),
        y_true=np.zeros(len(one.ndcg)),
        y_pred=one.ndcg,
        sensitive_features=grouping.place[one.user],
    )
    gap, ratio = extremes(one, grouping, 1)
    assert gap[0] == pytest.approx(frame.difference(), abs=1e-9)
    assert ratio[0] == pytest.approx(frame.ratio(), abs=1e-9)
    found = [figures.ndcg[0] for figures in group_figures(one, grouping, 1, 6)]
    np.testing.assert_allclose(found, frame.by_group.to_numpy(float), atol=1e-9)


def test_a_group_that_is_served_worse_fails_and_equal_ones_do_not() -> None:
    def verdict(one: Served, grouping: Grouping) -> str:
        from engine.audit.check import Figure

        figures = [
            Figure(name, *getattr(found, name).tolist())
            for found in group_figures(one, grouping, 1, 6)
            for name in ("ratio", "behind")
        ]
        return judged("shoppers.profile", Measured(tuple(figures)), _ASKED, 1, 0, 0.0).verdict

    assert verdict(*_served(150, 4, worse=True)) == "fail"
    assert [verdict(*_served(150, 4, worse=False, seed=seed)) for seed in range(10)].count("fail") == 0


def test_intervals_are_those_of_the_cluster_bootstrap_and_widen_with_many_figures() -> None:
    one, _ = _served(120, 5, worse=False)
    drawn = redrawn(np.stack([one.ndcg, np.ones(len(one.ndcg))], axis=1), one.user, 3)
    low, high = normal(float(one.ndcg.mean()), drawn[:, 0] / drawn[:, 1])
    known = interval(one.ndcg, one.user)
    assert low == pytest.approx(known.low, abs=0.006)
    assert high == pytest.approx(known.high, abs=0.006)
    wider = normal(float(one.ndcg.mean()), drawn[:, 0] / drawn[:, 1], figures=20)
    assert wider[0] < low < high < wider[1]
    again = redrawn(np.stack([one.ndcg, np.ones(len(one.ndcg))], axis=1), one.user, 3)
    np.testing.assert_array_equal(again, drawn)
    top = np.exp(np.random.default_rng(1).normal(0, 0.1, 20_000))
    assert normal_ratio(2.0, 2 * top, np.ones(20_000)) == pytest.approx(
        (2 * np.exp(-0.196), 2 * np.exp(0.196)), rel=0.02
    )


def test_small_groups_are_merged_and_those_of_few_never_shown() -> None:
    labels = ["m"] * 60 + ["f"] * 40 + ["x"] * 3 + ["y"] * 4
    users = np.arange(len(labels), dtype=np.int32)
    grouping = made("gender", labels, users)
    assert grouping.names == ("f", "m", OTHERS)
    assert (grouping.place[100:] == 2).all()
    few = made("gender", [*labels[:100], "x"], users[:101])
    assert few.names == ("f", "m")  # the one of whom a figure would tell all
    assert few.place[100] == -1
    assert (JUDGED, SHOWN) == (30, 5)


def test_attributes_are_paired_banded_and_taken_from_the_plan(opened: Opened) -> None:
    subject = Subject(opened(), preset("quick"))
    random, users = np.random.default_rng(0), np.arange(len(subject.run.data.users), dtype=np.int32)
    ages = np.array([str(one) for one in random.permutation(40)[: len(users)] + 20], dtype=object)
    subject.__dict__["profiles"] = {"gender": np.array(list("mf" * (len(users) // 2)), object), "age": ages}
    assert [one.name for one in profile_groupings(subject, users)] == ["age", "gender", "age + gender"]
    subject.plan = Plan(groups=(("gender", "age"), ("size",)))
    assert [one.name for one in profile_groupings(subject, users)] == ["gender + age"]


def test_too_few_shoppers_are_a_reason_in_a_sentence(opened: Opened) -> None:
    subject = Subject(opened(), preset("quick"))
    with pytest.raises(NotRun) as reason:
        finish(CHECKS[0].measure(subject))
    assert reason.value.note.key == "no_profiles"
    for check in CHECKS[1:]:
        with pytest.raises(NotRun) as reason:
            finish(check.measure(subject))
        assert reason.value.note.key == "small_groups"


def test_gaps_causes_and_repairs_of_a_run(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """With groups allowed to be small, all four checks measure, and measure alike twice."""
    for module in ("engine.audit.checks.shoppers", "engine.audit.checks.shoppers_groups"):
        monkeypatch.setattr(f"{module}.JUDGED", 2)
    monkeypatch.setattr("engine.audit.checks.shoppers_groups.SHOWN", 2)

    def subject() -> Subject:
        made = Subject(opened(), preset("quick"))
        made.__dict__["profiles"] = {"gender": np.array(list("mf" * 5), object)}
        return made

    shared = subject()
    for check in CHECKS:
        found: Measured = finish(check.measure(shared))
        assert found == finish(check.measure(subject()))
        assert all(one.low is not None and one.low <= one.value <= one.high for one in found.figures if one.high)
    parts = {one.of["without"] for one in finish(CHECKS[2].measure(shared)).figures if "without" in one.of}
    assert {"text", "image", "identity"} <= parts
    assert Threshold("ratio", at_least=0.8) in _ASKED


def test_lists_without_a_rule_are_the_runs_own_and_a_floor_is_kept(opened: Opened) -> None:
    subject = Subject(opened(), preset("quick"))
    outcome = finish(subject.outcome())
    mask = np.zeros(len(subject.run.data.items), bool)
    mask[-3:] = True
    found = finish(relisted(subject, {"none": (), "floor": floor("few", 1), "one": variety(1.0)}, {"few": mask}))
    for name in ("none", "one"):
        np.testing.assert_array_equal(found[name].ranks, outcome.ranks)
        np.testing.assert_array_equal(found[name].lists, outcome.lists)
    had = [set(subject.run.past(subject.run.data.users[user]).history.items.tolist()) for user in subject.ground.users]
    for row, items in enumerate(found["floor"].lists):
        assert mask[items[:K]].any() or not (set(np.flatnonzero(mask).tolist()) - had[row])
