"""How well a score tells two groups apart: the area under the ROC curve, and what is found at few false alarms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auc(score: Floats, positive: NDArray[np.bool_], weight: Floats | None = None) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947; Hanley and McNeil
    1982). weight: of each; NaN where either group is empty."""
    weights = np.ones(len(score)) if weight is None else weight
    return float(weighted_aucs(score, positive, weights[None])[0])


def weighted_aucs(score: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """The same under several weightings, such as draws of a bootstrap: float64[draws] of weights float64[draws, n]."""
    _, level = np.unique(score, return_inverse=True)
    order = np.argsort(level, kind="stable")
    edges = np.flatnonzero(np.diff(level[order], prepend=-1))
    ones = _by_level(weights[:, order] * positive[order], edges)
    zeros = _by_level(weights[:, order] * ~positive[order], edges)
    below = np.cumsum(zeros, axis=1) - zeros
    won = (ones * (below + zeros / 2)).sum(axis=1)
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    found: Floats = np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return found


def found_at(score: Floats, positive: NDArray[np.bool_], weights: Floats, alarms: float) -> Floats:
    """Share of positives found where at most the share `alarms` of negatives is raised as well (TPR at low FPR, Carlini
    et al. 2022): float64[draws] of weights float64[draws, n]. The threshold is one of the scores; those that tie with
    it are all found."""
    _, level = np.unique(-score, return_inverse=True)
    order = np.argsort(level, kind="stable")
    edges = np.flatnonzero(np.diff(level[order], prepend=-1))
    ones = np.cumsum(_by_level(weights[:, order] * positive[order], edges), axis=1)
    zeros = np.cumsum(_by_level(weights[:, order] * ~positive[order], edges), axis=1)
    allowed = zeros <= alarms * zeros[:, -1:] + 1e-12
    share = np.divide(ones, ones[:, -1:], out=np.zeros_like(ones), where=ones[:, -1:] > 0)
    found: Floats = np.where(allowed, share, 0.0).max(axis=1)
    return found


def _by_level(weights: Floats, edges: NDArray[np.int64]) -> Floats:
    summed: Floats = np.add.reduceat(weights, edges, axis=1)
    return summed
