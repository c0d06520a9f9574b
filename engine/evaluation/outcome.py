"""Rank every target for one ranker, a model or a baseline, and keep what figures are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions
from engine.jobs import Job, Progress
from engine.metrics.beyond_accuracy import top_lists
from engine.metrics.ranking import rank_of_target
from engine.model.baselines.choose import batches
from engine.model.baselines.contract import Ranker, without_history
from engine.model.recommender import Model
from engine.model.scoring import live_history, running_scores
from engine.model.tokens import TokenSource

# Targets (rows of the interactions), their live histories, and scores of the whole catalogue: float32[n, items].
Batch = tuple[NDArray[np.int64], list[NDArray[np.int32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Outcome:
    """ranks: int64[targets], in the catalogue without what the shopper had. cold_ranks: int64[targets], the same among
    cold products only, 0 where the target is not cold. lists: int64[targets, k], the best products, -1 behind the end.
    """

    ranks: NDArray[np.int64]
    cold_ranks: NDArray[np.int64]
    lists: NDArray[np.int64]


def model_batches(model: Model, tokens: TokenSource, data: Interactions, targets: NDArray[np.int64]) -> Iterator[Batch]:
    """Scores as the model ranks by them: under `cross` fusion its best products are ranked anew."""
    for chunk, histories, scores in running_scores(model, tokens, data, targets):
        yield chunk, [history.items for history in histories], scores


def ranker_batches(ranker: Ranker, data: Interactions, targets: NDArray[np.int64]) -> Iterator[Batch]:
    for chunk in batches(targets, len(data.items)):
        histories = [live_history(data, int(target)) for target in chunk]
        yield chunk, histories, ranker.scores(data.user[chunk], histories)


def observe(
    batches: Iterator[Batch], data: Interactions, cold: NDArray[np.bool_], k: int, total: int, stage: str
) -> Job:
    """Return the Outcome of all batches. cold: bool[items], those without a known event."""
    ranks, cold_ranks, lists = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], []
    done = 0
    for chunk, histories, scores in batches:
        item = data.item[chunk].astype(np.int64)
        without_history(scores, histories)
        ranks.append(rank_of_target(scores, item))
        lists.append(top_lists(scores, k))
        among = np.zeros(len(chunk), np.int64)
        rows = np.flatnonzero(cold[item])
        if len(rows):
            among[rows] = _rank_among(cold, scores[rows], item[rows])
        cold_ranks.append(among)
        done += len(chunk)
        yield Progress(stage, done, total)
    return Outcome(
        np.concatenate(ranks),
        np.concatenate(cold_ranks),
        np.concatenate(lists) if lists else np.zeros((0, k), np.int64),
    )


def _rank_among(cold: NDArray[np.bool_], scores: NDArray[np.float32], item: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks among cold products, ties in an order drawn once: to most baselines all cold products are alike."""
    order = np.random.default_rng(0).permutation(np.flatnonzero(cold))
    place = np.zeros(len(cold), np.int64)
    place[order] = np.arange(len(order))
    return rank_of_target(scores[:, order], place[item])
