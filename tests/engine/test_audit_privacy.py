"""The attack on a run is scored as its definition says, and its control counts only others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audit.check import NotRun
from engine.audit.checks.privacy.membership import CHECK, control_scores, trained_on
from engine.audit.plan import Plan
from engine.audit.run import remeasured
from engine.audit.subject import Subject
from engine.jobs import finish
from engine.metrics.separation import auc, found_at, weighted_aucs
from engine.recommend import Recommender

Opened = Callable[..., Recommender]


def _pairwise(score: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> float:
    """The definition, pair by pair."""
    won = total = 0.0
    for i in np.flatnonzero(positive):
        for j in np.flatnonzero(~positive):
            both = weight[i] * weight[j]
            won += both * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
            total += both
    return won / total


@pytest.mark.parametrize("seed", range(5))
def test_the_auc_is_the_mann_whitney_statistic(seed: int) -> None:
    random = np.random.default_rng(seed)
    score = random.integers(0, 12, 60).astype(float)  # with ties
    positive, weight = random.random(60) < 0.4, random.integers(0, 4, 60).astype(float)
    assert auc(score, positive) == pytest.approx(_pairwise(score, positive, np.ones(60)), abs=1e-12)
    draws = np.stack([weight, np.ones(60), weight[::-1]])
    for found, one in zip(weighted_aucs(score, positive, draws), draws, strict=True):
        assert found == pytest.approx(_pairwise(score, positive, one), abs=1e-12)


def test_the_auc_agrees_with_scipy_and_needs_both_groups() -> None:
    from scipy.stats import mannwhitneyu

    random = np.random.default_rng(1)
    members, others = random.normal(0.5, 1, 40), random.normal(0, 1, 55)
    score, positive = np.concatenate([members, others]), np.arange(95) < 40
    assert auc(score, positive) == pytest.approx(mannwhitneyu(members, others).statistic / (40 * 55))
    assert np.isnan(auc(score, np.ones(95, bool)))


def test_what_is_found_at_few_alarms_is_read_off_by_hand() -> None:
    score = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0])
    positive = np.array([True, True, False, True, False, False, True, False])
    one = np.ones((1, 8))
    assert found_at(score, positive, one, 0.0)[0] == pytest.approx(2 / 4)
    assert found_at(score, positive, one, 0.25)[0] == pytest.approx(3 / 4)
    assert found_at(score, positive, one, 1.0)[0] == 1.0
    tied = np.array([9.0, 9.0, 7.0, 6.0])
    assert found_at(tied, np.array([True, False, True, True]), np.ones((1, 4)), 0.0)[0] == 0.0


def test_the_control_counts_only_other_shoppers(opened: Opened) -> None:
    run = opened()
    data, trained = run.data, trained_on(Subject(run, Plan()))
    events = np.flatnonzero(np.arange(len(data.item)) > data.start[data.user])
    found = finish(control_scores(data, trained, events))
    for event, score in zip(events.tolist(), found.tolist(), strict=True):
        user, past = data.user[event], data.item[data.start[data.user[event]] : event]
        others = trained & (data.user != user)
        bought = {int(one): set(data.item[others & (data.user == one)].tolist()) for one in np.unique(data.user)}
        share = (data.item[others] == data.item[event]).sum() / others.sum()
        terms = []
        for item in past.tolist():
            together = sum({item, int(data.item[event])} <= one for one in bought.values())
            terms.append((together + 10 * share) / (sum(item in one for one in bought.values()) + 10))
        assert score == pytest.approx(np.log(np.mean(terms) + 1e-9), abs=1e-5)


def test_a_shop_too_small_to_attack_says_so(opened: Opened) -> None:
    result, found = finish(remeasured(Subject(opened(), Plan()), CHECK))
    assert result.verdict == "not run"
    assert result.notes[0].key == "too_few_events"
    assert found is None
    assert NotRun(result.notes[0]).note.values["least"] == 100
