"""Figures of an outcome: metrics with intervals, slices, and what the lists are like. All JSON-able."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions
from engine.evaluation.outcome import Outcome
from engine.evaluation.slices import slices
from engine.metrics.beyond_accuracy import coverage, diversity, exposure_gini, novelty, popularity_lift
from engine.metrics.bootstrap import Comparison, Interval, compare, interval
from engine.metrics.ranking import measures
from engine.model.scoring import live_history

MOST_LISTS = 1_000  # lists whose diversity is measured
COLD_ONLY = "cold products among cold ones"


@dataclass(frozen=True)
class SliceFigures:
    """Of the targets of one slice, or of all."""

    targets: int
    ndcg: Interval
    recall: Interval


@dataclass(frozen=True)
class Figures:
    """Of one ranker. metrics: name -> mean over targets with its interval; all at k."""

    name: str
    setting: dict[str, Any]
    metrics: dict[str, Interval]
    slices: dict[str, SliceFigures]
    beyond: dict[str, float]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Ground:
    """What all rankers are measured on. known: bool[n], events before all targets; content: features, for diversity."""

    data: Interactions
    targets: NDArray[np.int64]
    known: NDArray[np.bool_]
    k: int
    seed: int
    parts: Mapping[str, NDArray[np.bool_]]
    content: tuple[Any, ...]

    @property
    def users(self) -> NDArray[np.int32]:
        return self.data.user[self.targets]

    @property
    def popularity(self) -> NDArray[np.float64]:
        return np.bincount(self.data.item[self.known], minlength=len(self.data.items)).astype(np.float64)

    def ndcg(self, outcome: Outcome) -> NDArray[np.float64]:
        return measures(outcome.ranks, self.k)["ndcg"]

    def compare(self, ours: Outcome, theirs: Outcome) -> Comparison:
        """Ours less theirs by NDCG@k, paired."""
        return compare(self.ndcg(ours), self.ndcg(theirs), self.users, seed=self.seed)


def ground(
    data: Interactions,
    targets: NDArray[np.int64],
    known: NDArray[np.bool_],
    k: int,
    content: tuple[Any, ...] = (),
    category: tuple[str, ...] = (),
    seed: int = 1,
) -> Ground:
    """Lay the ground; see Ground and `slices`."""
    return Ground(data, targets, known, k, seed, slices(data, targets, known, category), content)


def figures(name: str, setting: Mapping[str, Any], outcome: Outcome, on: Ground, seconds: float) -> Figures:
    """All figures of one ranker."""
    found = measures(outcome.ranks, on.k)
    metrics = {metric: interval(values, on.users, seed=on.seed) for metric, values in found.items()}
    parts = {part: _of_slice(outcome.ranks[there], on.users[there], on) for part, there in on.parts.items()}
    cold = outcome.cold_ranks > 0
    parts[COLD_ONLY] = _of_slice(outcome.cold_ranks[cold], on.users[cold], on)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in setting.items()}
    return Figures(name, plain, metrics, parts, _beyond(outcome, on), seconds)


def _of_slice(ranks: NDArray[np.int64], users: NDArray[np.int32], on: Ground) -> SliceFigures:
    found = measures(ranks, on.k)
    return SliceFigures(
        len(ranks),
        interval(found["ndcg"], users, seed=on.seed),
        interval(found["recall"], users, seed=on.seed),
    )


def _beyond(outcome: Outcome, on: Ground) -> dict[str, float]:
    items, popularity = len(on.data.items), on.popularity
    shoppers = len(np.unique(on.data.user[on.known]))
    histories = [live_history(on.data, int(target)) for target in on.targets]
    some = np.random.default_rng(on.seed).permutation(len(outcome.lists))[:MOST_LISTS]
    found = {
        "coverage": coverage(outcome.lists, items),
        "gini": exposure_gini(outcome.lists, items),
        "novelty": novelty(outcome.lists, popularity, shoppers),
        "popularity lift": popularity_lift(outcome.lists, histories, popularity),
    }
    if on.content:
        found["diversity"] = diversity(outcome.lists[np.sort(some)], list(on.content))
    return found
