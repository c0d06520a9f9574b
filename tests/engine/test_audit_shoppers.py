"""Gaps between groups of shoppers: figures as fairlearn and worked by hand, planted gaps found, small groups hidden."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audit.check import Figure, Measured, NotRun, Threshold, judged
from engine.audit.checks.shoppers import CHECKS, Served, extremes, group_figures
from engine.audit.checks.shoppers_earlier import earlier
from engine.audit.checks.shoppers_groups import JUDGED, OTHERS, SHOWN, Grouping, made, profile_groupings
from engine.audit.checks.shoppers_share import Share, chance, fieller, gain, holm, share_of, sums_of, without
from engine.audit.draws import normal, normal_ratio, redrawn
from engine.audit.lists import floor, relisted, variety
from engine.audit.plan import Plan, preset
from engine.audit.subject import K, Subject
from engine.jobs import finish
from engine.metrics.bootstrap import interval
from engine.metrics.ranking import measures
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
    ranks = 1 + np.floor(place * 200).astype(np.int64)
    ndcg = np.where(place < 0.05, 1 / np.log2(1 + ranks), 0.0)
    return Served(user, ndcg, place, gain(ranks, np.full(len(ranks), 200)), np.zeros((len(ranks), 0))), Grouping(
        "letter", ("a", "b", "c"), np.arange(shoppers) % 3
    )


def test_figures_of_groups_are_as_worked_by_hand() -> None:
    user = np.array([0, 0, 1, 2, 3, 3], np.int32)
    ndcg, place = np.array([1.0, 0.0, 0.5, 0.25, 0.0, 0.0]), np.array([0.0, 0.5, 0.1, 0.2, 0.9, 0.7])
    one = Served(user, ndcg, place, np.zeros(6), np.zeros((6, 0)))
    grouping = Grouping("letter", ("a", "b"), np.array([0, 0, 1, 1]))
    a, b = group_figures(one, grouping, 1)
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
    found = [figures.ndcg[0] for figures in group_figures(one, grouping, 1)]
    np.testing.assert_allclose(found, frame.by_group.to_numpy(float), atol=1e-9)


def _shares(one: Served, grouping: Grouping, judged: int = 3, asked: float = 0.8) -> list[Share]:
    sums = sums_of((one.gain, one.gain), one.user, grouping, 1)
    shoppers = np.bincount(grouping.place[np.unique(one.user)])
    found = [share_of(sums, at, shoppers, judged, asked) for at in range(len(grouping.names))]
    assert all(found)
    return [one for one in found if one]


def test_a_group_that_is_served_worse_fails_and_equal_ones_do_not() -> None:
    def verdict(one: Served, grouping: Grouping) -> str:
        figures = [Figure("share", found.share, found.low, found.high) for found in _shares(one, grouping)]
        return judged("shoppers.profile", Measured(tuple(figures)), _ASKED, 1, 0, 0.0).verdict

    assert verdict(*_served(150, 4, worse=True)) == "fail"
    assert [verdict(*_served(150, 4, worse=False, seed=seed)) for seed in range(10)].count("fail") == 0


def test_a_gain_is_what_a_shuffled_list_would_give_less_what_was_got() -> None:
    for products in (1, 7, 40):
        by_lot = np.mean([np.log(rank) for rank in range(1, products + 1)])
        for rank in {1, products}:
            assert gain(np.array([rank]), np.array([products]))[0] == pytest.approx(by_lot - np.log(rank))
        assert gain(np.arange(1, products + 1), np.full(products, products)).sum() == pytest.approx(0, abs=1e-9)


def test_the_interval_of_a_ratio_is_what_cannot_be_told_from_it() -> None:
    """Fieller's roots, against every ratio of a fine grid tried one by one."""
    random = np.random.default_rng(4)
    for _ in range(20):
        root = random.normal(0, 0.05, (2, 2))
        covariance, means = root @ root.T, np.array([random.normal(0.2, 0.3), 0.6])
        grid = np.linspace(-4, 4, 80_001)
        error = np.sqrt(covariance[0, 0] + grid**2 * covariance[1, 1] - 2 * grid * covariance[0, 1])
        inside = grid[np.abs(means[0] - grid * means[1]) <= 2.5 * error]
        assert fieller(means, covariance, 2.5) == pytest.approx((inside.min(), inside.max()), abs=2e-4)
    assert fieller(np.array([0.1, 0.1]), np.eye(2) * 0.01, 2.0) is None
    assert fieller(np.array([0.1, -0.6]), np.eye(2) * 1e-4, 2.0) is None


def test_the_share_that_is_told_as_seen_is_failed_four_times_in_five_and_the_asked_one_hardly_ever() -> None:
    """Shops drawn anew with a group whose true share is the one told, and the one asked."""
    random = np.random.default_rng(2)
    user = np.repeat(np.arange(300), 3).astype(np.int32)
    grouping = Grouping("letter", ("a", "b"), (np.arange(300) < 60).astype(np.int64))
    mine = grouping.place[user] == 1

    def drawn(share: float) -> Share:
        taste = random.normal(0, 0.3, 300)[user]
        gains = np.where(mine, share, 1.0) + taste + random.normal(0, 0.8, len(user))
        return _shares(Served(user, gains, gains, gains, np.zeros((len(user), 0))), grouping, judged=8)[1]

    seen = float(np.mean([drawn(0.8).seen for _ in range(20)]))
    assert 0.3 < seen < 0.7
    failed = [np.mean([drawn(share).high < 0.8 for _ in range(60)]) for share in (0.8, seen)]
    assert failed[0] <= 0.04
    assert failed[1] == pytest.approx(0.8, abs=0.15)
    one = drawn(0.8)
    assert one.needed == pytest.approx(60 * ((0.8 - one.seen) / 0.3) ** 2, abs=1)


def test_what_other_causes_explain_is_taken_off_within_groups() -> None:
    """As least squares with a column for each group."""
    random = np.random.default_rng(3)
    group = random.integers(0, 3, 400)
    causes = random.normal(group[:, None], 1, (400, 2))
    values = 2.0 * (group == 1) + causes @ np.array([0.5, -1.0]) + random.normal(0, 0.1, 400)
    slope = np.linalg.lstsq(np.column_stack([group[:, None] == np.arange(3), causes]), values, rcond=None)[0][3:]
    found = without(values, group, causes)
    np.testing.assert_allclose(found, values - (causes - causes.mean(axis=0)) @ slope, atol=1e-9)
    assert found[group == 1].mean() - found[group == 0].mean() == pytest.approx(2.0, abs=0.05)


def test_the_chance_of_gaps_is_that_of_shoppers_dealt_out_anew() -> None:
    """Wald's test against a permutation test of the same shoppers; and uniform where all are served alike."""
    random = np.random.default_rng(6)
    found = []
    for seed in range(30):
        one, grouping = _served(150, 4, worse=False, seed=seed)
        shoppers = np.bincount(grouping.place)
        found.append(chance(sums_of((one.gain,), one.user, grouping, 1), shoppers))
        if seed < 3:
            totals = np.bincount(one.user, one.gain) / 4
            apart = [np.bincount(random.permutation(grouping.place), totals).var() for _ in range(2000)]
            assert found[-1] == pytest.approx(np.mean(apart >= np.bincount(grouping.place, totals).var()), abs=0.06)
    assert 0.3 < np.mean(found) < 0.7
    assert min(found) > 1e-3
    worse, grouping = _served(150, 4, worse=True)
    assert chance(sums_of((worse.gain,), worse.user, grouping, 1), shoppers) < 1e-6
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_the_validation_period_is_ranked_by_the_run_as_it_was_before_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Subject(opened(), preset("quick"))
    before, written = finish(earlier(subject)), subject.run.card["metrics"]["validation ndcg@10"]
    assert measures(before.ranks, K)["ndcg"].mean() == pytest.approx(written, abs=1e-6)
    now = measures(finish(subject.outcome()).ranks, K)["ndcg"].mean()
    assert now == pytest.approx(subject.run.card["metrics"]["test ndcg@10"], abs=1e-6)  # the run itself is unmoved
    subject.run.card["metrics"]["validation ndcg@10"] += 0.01  # these weights are of another training
    assert finish(earlier(subject)) is None
    monkeypatch.setattr("engine.audit.checks.shoppers_earlier.BEST", "none.safetensors")
    assert finish(earlier(Subject(opened(), preset("quick")))) is None


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
    assert Threshold("share", at_least=0.8) in _ASKED


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
