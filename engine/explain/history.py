"""Past purchases removed: one alone, or the fewest that keep a product in a shopper's list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dataset.history import History
from engine.explain.case import Case
from engine.explain.smallest import Search
from engine.model.scoring import place_ahead, reranked

MARGIN = 1e-5  # by which a place must be lost, relative to scores of size 1: beyond what rounding moves


def leave_one_out(case: Case) -> NDArray[np.float64]:
    """score - score without event j, for each event that the model read, oldest first: float64[events].

    The true re-computed effect, not an approximation; such effects need not sum to the score.
    """
    count = min(len(case.history), case.recommender.config.history)
    if not count:
        return np.zeros(0)
    places = np.arange(len(case.history) - count, len(case.history))
    return case.score - case.scores_without_each(places)


def minimal_set(case: Case, k: int = 10, seconds: float = 10.0) -> tuple[int, ...] | None:
    """The smallest set found of past events without which the product stands below rank k: places in `case.history`,
    ascending. None where none is found in time. The whole catalogue is ranked anew to confirm it."""
    past = PastRemoved(case, k)
    search = Search(past.gaps, len(past.events), seconds)
    found = None
    for one in search.run():
        if one is not None:
            events = past.places(one)
            found = events if case.ranked_without(list(events))[1] > k else found
    return found


class PastRemoved:
    """events: int64[things], places in the history of what the sequence reads or what adds directly."""

    def __init__(self, case: Case, k: int) -> None:
        self._case, self._k = case, k
        read = range(max(0, len(case.history) - case.recommender.config.history), len(case.history))
        self.events = np.union1d(np.array(read, dtype=np.int64), case.direct_events)

    def places(self, things: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(int(one) for one in self.events[list(things)])

    def gaps(self, removed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How far the product's score lies above that of the k-th best other product, the catalogue ranked anew for
        each changed past: float64[variants]. Below 0 it has left the first k places. What the shopper had stays out of
        the running. removed: bool[variants, things]."""
        case = self._case
        histories = []
        for row in removed:
            kept = np.ones(len(case.history), dtype=bool)
            kept[self.events[row]] = False
            histories.append(case.history_of(kept))
        scores = self._scores(histories)
        own = scores[:, case.item].copy()
        scores[:, case.history.items] = -np.inf
        scores[:, case.item] = -np.inf
        return above(own, kth_best(scores, self._k))

    def _scores(self, histories: list[History]) -> NDArray[np.float32]:
        recommender = self._case.recommender
        shoppers = recommender.shopper_vectors(histories)
        scores = recommender.scores(shoppers, histories)
        if recommender.config.fusion == "cross":
            for row, history in enumerate(histories):
                again = reranked(recommender.model, recommender.tokens, shoppers[row], history, scores[row])
                place_ahead(scores[row], *again)
        return scores


def kth_best(scores: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """The k-th best of each row; -inf where there are fewer. scores: float32[n, items] -> float64[n]."""
    if scores.shape[1] < k:
        return np.full(len(scores), -np.inf)
    found: NDArray[np.float64] = np.partition(scores, -k, axis=1)[:, -k].astype(np.float64)
    return found


def above(own: NDArray[np.float32] | NDArray[np.float64], other: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """own - other with a margin, so that a place that is lost is lost for any order of additions."""
    return np.asarray(own, dtype=np.float64) - other + MARGIN * np.maximum(1.0, np.abs(own))
