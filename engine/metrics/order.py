"""The order of scores, best first, ties by the catalogue's order, as a full stable sort gives it but sooner."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def best(scores: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Places of the k best, int64[at most k]. scores: float[items], -inf where a product is out of the running.

    Only those that reach the k-th score are sorted: all that tie with it must be, as the first of them stay.
    """
    k = min(k, int(np.isfinite(scores).sum()))
    if k <= 0:
        return np.zeros(0, np.int64)
    worth = -scores
    reaching = np.flatnonzero(worth <= np.partition(worth, k - 1)[k - 1])
    found: NDArray[np.int64] = reaching[np.argsort(worth[reaching], kind="stable")[:k]]
    return found


def ordered(scores: NDArray[Any]) -> NDArray[np.int64]:
    """Places of all in the running, best first: int64[n]. scores: float[items], -inf for the others.

    An unstable sort is several times faster than a stable one; what ties is put in order afterwards.
    """
    worth = -scores
    order = np.argsort(worth)[: int(np.isfinite(scores).sum())]
    value = worth[order]
    step = value[1:] != value[:-1]
    if step.all():
        return order
    run = np.concatenate([[0], np.cumsum(step)]) * len(scores)  # equal scores share one; it grows along the order
    found: NDArray[np.int64] = np.sort(run + order) - run
    return found
