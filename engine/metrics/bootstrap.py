"""Intervals and paired tests over shoppers: a shopper's targets stand or fall together, so whole shoppers are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError

DRAWS = 1000
_BLOCK = 2_000_000  # draws x users held at once


@dataclass(frozen=True)
class Interval:
    """A mean over targets with the bounds of its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """A mean difference with its 95 % interval, and the p-value of there being none."""

    difference: float
    low: float
    high: float
    p: float


def interval(values: NDArray[np.float64], user: NDArray[np.int32], draws: int = DRAWS, seed: int = 1) -> Interval:
    """Percentile bootstrap over users (cluster bootstrap, Field and Welsh 2007). values, user: one per target."""
    if not len(values):
        return Interval(0.0, 0.0, 0.0)
    total, count = _per_user(values, user)
    low, high = np.quantile(_redrawn(total, count, draws, seed), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def compare(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], user: NDArray[np.int32], draws: int = DRAWS, seed: int = 1
) -> Comparison:
    """Ours less theirs on the same targets: paired bootstrap interval, and a two-sided sign-flip permutation test.

    Under the null a user's whole difference is as likely as its negative, so signs are drawn per user (Smucker, Allan
    and Carterette 2007). p counts the observed one as a draw: at least 1 / (draws + 1). HeedmapError when the lengths
    differ.
    """
    if len(ours) != len(theirs) or len(ours) != len(user):
        raise HeedmapError("The two were measured on other targets.", "Compare runs with the same dataset and split.")
    if not len(ours):
        return Comparison(0.0, 0.0, 0.0, 1.0)
    total, count = _per_user(ours - theirs, user)
    low, high = np.quantile(_redrawn(total, count, draws, seed), [0.025, 0.975])
    observed = abs(total.sum())
    random = np.random.default_rng([seed, 1])
    beyond = 0
    for rows in _blocks(draws, len(total)):
        signs = random.integers(0, 2, (rows, len(total)), dtype=np.int8).astype(np.float64) * 2.0 - 1.0
        beyond += int((np.abs(signs @ total) >= observed - 1e-12).sum())
    return Comparison(float((ours - theirs).mean()), float(low), float(high), (beyond + 1) / (draws + 1))


def _per_user(values: NDArray[np.float64], user: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the values of each user who has one."""
    _, place = np.unique(user, return_inverse=True)
    return np.bincount(place, weights=values).astype(np.float64), np.bincount(place).astype(np.float64)


def _redrawn(total: NDArray[np.float64], count: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """float64[draws]: the mean over targets when users are drawn with replacement."""
    random = np.random.default_rng([seed, 0])
    users, found = len(total), []
    for rows in _blocks(draws, users):
        drawn = random.integers(0, users, (rows, users))
        found.append(total[drawn].sum(axis=1) / count[drawn].sum(axis=1))
    return np.concatenate(found)


def _blocks(draws: int, users: int) -> list[int]:
    size = max(1, min(draws, _BLOCK // max(1, users)))
    return [min(size, draws - first) for first in range(0, draws, size)]
