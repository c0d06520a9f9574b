"""Popularity: the ranking that knows no shopper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split
from engine.model.baselines.contract import FixedRanker, Known

_DAY = 86_400_000


def popularity(data: Interactions, parts: Split) -> NDArray[np.float32]:
    """float32[items]: how many shoppers had each product in training. The same ranking for everyone."""
    return np.bincount(data.item[parts.train], minlength=len(data.items)).astype(np.float32)


def fit_popularity(known: Known) -> FixedRanker:
    """All-time popularity."""
    return FixedRanker("popularity", {}, known.popularity().astype(np.float32))


def fit_recent_popularity(known: Known, half_life: float = 90.0) -> FixedRanker:
    """Popularity in which an event counts half as much for each `half_life` days before the newest known event."""
    time = known.data.time[known.mask]
    age = (time.max() - time) / _DAY
    weight = np.power(0.5, age / half_life)
    recent = np.bincount(known.data.item[known.mask], weights=weight, minlength=known.items)
    # All-time counts order what has had no event for long, where the weights have sunk to nothing.
    worth = recent + 1e-9 * known.popularity()
    return FixedRanker("recent popularity", {"half_life": half_life}, worth.astype(np.float32))
