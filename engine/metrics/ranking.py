"""Ranking metrics with one relevant item per target, which is what next-item evaluation has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rank_of_target(scores: NDArray[np.float32], target: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank, from 1, of each row's target. Items not in the running hold -inf; ties break by index.

    scores: float32[rows, items]; target: int64[rows].
    """
    own = np.take_along_axis(scores, target[:, None], axis=1)
    ahead = (scores > own).sum(axis=1)
    columns = np.arange(scores.shape[1])[None, :]
    tied = ((scores == own) & (columns < target[:, None])).sum(axis=1)
    ranks: NDArray[np.int64] = 1 + ahead + tied
    return ranks


def ndcg(ranks: NDArray[np.int64], k: int = 10) -> float:
    """Mean NDCG@k; with one relevant item the ideal DCG is 1 (Järvelin and Kekäläinen 2002)."""
    gains = np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)
    return float(gains.mean()) if len(ranks) else 0.0


def recall(ranks: NDArray[np.int64], k: int = 10) -> float:
    """Share of targets within the first k; with one relevant item this is also the hit rate."""
    return float((ranks <= k).mean()) if len(ranks) else 0.0


def measures(
    ranks: NDArray[np.int64], k: int = 10, query: NDArray[np.int64] | None = None
) -> dict[str, NDArray[np.float64]]:
    """NDCG, recall, precision, hit rate, MRR and MAP at k of each query: name -> float64[queries].

    ranks: rank, from 1, of each relevant item; query: int64, whose item it is, 0 .. queries - 1, each at least once.
    Without `query` each item is a query of its own, as with rolling targets. As trec_eval defines them: the ideal DCG
    and the average precision count all relevant items of a query, also those beyond k.
    """
    if query is None:
        query = np.arange(len(ranks))
    order = np.lexsort((ranks, query))
    ranks, query = ranks[order], query[order]
    relevant = np.bincount(query)
    first = np.concatenate([[0], np.cumsum(relevant)[:-1]]) if len(relevant) else np.zeros(0, np.int64)
    place = np.arange(len(ranks)) - first[query] + 1  # how many relevant ones have been met, this one too
    inside = ranks <= k

    def total(worth: NDArray[np.float64]) -> NDArray[np.float64]:
        summed = np.bincount(query, weights=np.where(inside, worth, 0.0), minlength=len(relevant))
        return summed.astype(np.float64)

    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])
    hits = total(np.ones(len(ranks)))
    best = ranks[first] if len(first) else ranks
    return {
        "ndcg": total(1.0 / np.log2(ranks + 1.0)) / ideal[np.minimum(relevant, k)],
        "recall": hits / relevant,
        "precision": hits / k,
        "hit rate": (hits > 0).astype(np.float64),
        "mrr": np.where(best <= k, 1.0 / best, 0.0),
        "map": total(place / ranks) / relevant,
    }


def ranks_of_relevant(
    scores: NDArray[np.float32], relevant: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranks of all relevant items, and the row of each: for offline checks with several relevant items per row.

    scores: float32[rows, items], -inf for items not in the running; relevant: bool[rows, items]. Ties break by index.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(1, scores.shape[1] + 1)[None, :], axis=1)
    row, column = np.nonzero(relevant)
    return rank[row, column], row
