"""Ranks and metrics against ir-measures."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest

from engine.metrics.ranking import ndcg, rank_of_target, recall


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
