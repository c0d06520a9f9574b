"""Ranks and metrics against ir-measures."""

from __future__ import annotations

from dataclasses import asdict

import ir_measures
import numpy as np
import pytest

from engine.errors import HeedmapError
from engine.metrics.beyond_accuracy import coverage, diversity, exposure_gini, novelty, popularity_lift, top_lists
from engine.metrics.bootstrap import compare, interval
from engine.metrics.ranking import measures, ndcg, rank_of_target, ranks_of_relevant, recall
from engine.metrics.ratings import Verdicts, mae, rmse, verdicts


def test_metrics_agree_with_ir_measures_on_random_rankings() -> None:
    random = np.random.default_rng(3)
    scores = random.normal(size=(60, 40)).astype(np.float32)
    target = random.integers(0, 40, 60)
    ranks = rank_of_target(scores, target)
    run = [
        ir_measures.ScoredDoc(str(row), str(column), float(scores[row, column]))
        for row in range(60)
        for column in range(40)
    ]
    truth = [ir_measures.Qrel(str(row), str(one), 1) for row, one in enumerate(target)]
    measured = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.R @ 10], truth, run)
    assert ndcg(ranks) == pytest.approx(measured[ir_measures.nDCG @ 10], abs=1e-9)
    assert recall(ranks) == pytest.approx(measured[ir_measures.R @ 10], abs=1e-9)


def test_ties_break_by_the_order_of_the_catalogue() -> None:
    scores = np.array([[1.0, 2.0, 2.0, 2.0, -np.inf]], dtype=np.float32)
    assert [int(rank_of_target(scores, np.array([item]))[0]) for item in (1, 2, 3, 0)] == [1, 2, 3, 4]


def test_no_targets_measure_zero() -> None:
    assert ndcg(np.zeros(0, np.int64)) == recall(np.zeros(0, np.int64)) == 0.0


def test_measures_agree_with_ir_measures_for_one_and_for_several_relevant_items() -> None:
    random = np.random.default_rng(4)
    scores = random.normal(size=(50, 30)).astype(np.float32)
    scores[:, ::3] = scores[:, ::3].round(1)  # some ties, which trec_eval breaks otherwise: kept out of the truth
    for relevant in (random.random((50, 30)) < 0.25, np.eye(50, 30, dtype=bool)):
        relevant[:, ::3] = False
        relevant = relevant[relevant.any(axis=1)]
        rows = scores[: len(relevant)] + 1e-6 * random.random((len(relevant), 30)).astype(np.float32)
        run = [ir_measures.ScoredDoc(str(r), str(c), float(rows[r, c])) for r in range(len(rows)) for c in range(30)]
        truth = [ir_measures.Qrel(str(r), str(c), 1) for r, c in zip(*np.nonzero(relevant), strict=True)]
        ranks, query = ranks_of_relevant(rows, relevant)
        for k in (1, 5, 10, 25):
            oracle = {
                "ndcg": ir_measures.nDCG @ k,
                "recall": ir_measures.R @ k,
                "precision": ir_measures.P @ k,
                "hit rate": ir_measures.Success @ k,
                "mrr": ir_measures.RR @ k,
                "map": ir_measures.AP @ k,
            }
            measured = ir_measures.calc_aggregate(list(oracle.values()), truth, run)
            found = measures(ranks, k, query)
            assert {name: float(values.mean()) for name, values in found.items()} == pytest.approx(
                {name: measured[one] for name, one in oracle.items()}, abs=1e-9
            )


def test_rolling_targets_are_queries_of_their_own() -> None:
    ranks = np.array([1, 11, 3])
    found = measures(ranks, 10)
    assert found["ndcg"].tolist() == pytest.approx([1, 0, 0.5])
    assert found["map"].tolist() == found["mrr"].tolist() == pytest.approx([1, 0, 1 / 3])
    assert found["ndcg"].mean() == pytest.approx(ndcg(ranks))
    assert all(len(values) == 0 for values in measures(np.zeros(0, np.int64)).values())


def test_top_lists_are_the_best_in_order_without_what_is_out_of_the_running() -> None:
    scores = np.array([[1, 3, 2, 3, -np.inf], [-np.inf, -np.inf, 0, -np.inf, -np.inf]], np.float32)
    assert top_lists(scores, 3).tolist() == [[1, 3, 2], [2, -1, -1]]
    random = np.random.default_rng(0).normal(size=(20, 50)).astype(np.float32)
    assert np.array_equal(top_lists(random, 7), np.argsort(-random, axis=1, kind="stable")[:, :7])


def test_beyond_accuracy_by_hand() -> None:
    lists = np.array([[0, 1], [0, -1]])
    popularity = np.array([4.0, 1.0, 2.0, 0.0])
    assert coverage(lists, 4) == 0.5
    # Shown 2, 1, 0, 0 times: the mean absolute difference of all pairs, over twice the mean.
    assert exposure_gini(lists, 4) == pytest.approx(np.abs(np.subtract.outer([2, 1, 0, 0], [2, 1, 0, 0])).mean() / 1.5)
    assert novelty(lists, popularity, users=8) == pytest.approx((1 + 3 + 1) / 3)
    histories = [np.array([2, 3], np.int32), np.array([], np.int32)]
    assert popularity_lift(lists, histories, popularity) == pytest.approx(2.5 / 1.0 - 1)
    colour = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], np.float32)
    shape = np.array([[1, 0], [0, 1], [0, 1], [0, 0]], np.float32)
    assert diversity(np.array([[0, 1], [2, 3]]), [colour, shape]) == pytest.approx(0.5)
    assert diversity(np.array([[3, -1]]), [colour]) == 0.0


def test_ratings_by_hand() -> None:
    predicted, rating = np.array([4.0, 3.0, 5.0, 2.0]), np.array([5.0, 4.0, 4.0, 1.0])
    assert rmse(predicted, rating) == mae(predicted, rating) == 1.0
    assert asdict(verdicts(predicted, rating, 4.0)) == pytest.approx(
        {"precision": 1.0, "recall": 2 / 3, "f1": 0.8, "accuracy": 0.75}
    )
    assert verdicts(predicted, rating, 6.0) == Verdicts(0.0, 0.0, 0.0, 1.0)


def test_intervals_draw_whole_shoppers() -> None:
    random = np.random.default_rng(6)
    # 100 shoppers of 20 equal targets each: only 100 independent values.
    per_user = random.random(100)
    user, values = np.repeat(np.arange(100, dtype=np.int32), 20), np.repeat(per_user, 20)
    found = interval(values, user, draws=2000)
    error = per_user.std() / 10
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found == interval(values, user, draws=2000)
    assert found != interval(values, user, draws=2000, seed=2)


def test_the_paired_test_tells_a_small_steady_gain_and_stays_calm_without_one() -> None:
    random = np.random.default_rng(7)
    user = np.repeat(np.arange(80, dtype=np.int32), 5)
    ours = random.random(400)
    better = compare(ours + 0.02 + 0.02 * random.random(400), ours, user)
    assert better.low > 0.0 < better.difference == pytest.approx(0.03, abs=0.002)
    assert better.p == pytest.approx(1 / 1001)
    assert compare(ours, ours, user).p == 1.0
    p = [
        compare(random.random(60), random.random(60), np.arange(60, dtype=np.int32), draws=200, seed=one).p
        for one in range(200)
    ]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.06)  # right as often as it says
    with pytest.raises(HeedmapError, match="other targets"):
        compare(ours, ours[:-1], user)
