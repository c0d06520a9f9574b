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
