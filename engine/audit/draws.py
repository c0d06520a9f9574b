"""Intervals of figures of many groups at once: whole shoppers are drawn anew, and every figure is made of the sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

DRAWS = 1000
_BLOCK = 4_000_000  # draws x shoppers held at once

Floats = NDArray[np.float64]


def redrawn(columns: Floats, user: NDArray[np.int32], seed: int, draws: int = DRAWS) -> Floats:
    """Sums of the columns when shoppers are drawn with replacement: float64[draws, columns] (cluster bootstrap, Field
    and Welsh 2007). columns: float64[rows, columns]; user: whose each row is. One seed draws the same shoppers again,
    so that figures made of two calls are paired."""
    _, place = np.unique(user, return_inverse=True)
    shoppers = int(place.max()) + 1 if len(place) else 0
    totals = np.zeros((shoppers, columns.shape[1]))
    np.add.at(totals, place, columns)
    random = np.random.default_rng([seed, shoppers])
    found, size = [], max(1, min(draws, _BLOCK // max(1, shoppers)))
    for first in range(0, draws, size):
        count = min(size, draws - first)
        drawn = random.integers(0, max(shoppers, 1), (count, shoppers)) + shoppers * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * shoppers).reshape(count, shoppers)
        found.append(weights @ totals)
    return np.concatenate(found)


def normal(value: float, drawn: Floats, figures: int = 1) -> tuple[float, float]:
    """The 95 % interval of a figure from its draws, by their spread; with several `figures` it holds for all of them
    together (Bonferroni). Far tails of draws are too few to count, so the normal law is used."""
    reach = float(ndtri(1 - 0.025 / max(1, figures)) * np.std(drawn, ddof=1))
    return value - reach, value + reach


def normal_ratio(value: float, top: Floats, bottom: Floats, figures: int = 1) -> tuple[float, float]:
    """The same of a ratio of two positive sums or means, by the spread of its logarithm."""
    least = 1e-12
    logs = np.log(np.maximum(top, least)) - np.log(np.maximum(bottom, least))
    low, high = normal(float(np.log(max(value, least))), logs, figures)
    return float(np.exp(max(low, -50.0))), float(np.exp(min(high, 50.0)))
