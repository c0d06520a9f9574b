"""Leave-one-out over the shopper's history: what the score loses when one past purchase had not been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case


def leave_one_out(case: Case) -> NDArray[np.float64]:
    """score - score without event j, for each event that the model read, oldest first: float64[events].

    The true re-computed effect, not an approximation; such effects need not sum to the score.
    """
    count = min(len(case.history), case.recommender.config.history)
    if not count:
        return np.zeros(0)
    without = [case.history.without(len(case.history) - count + place) for place in range(count)]
    return case.score - case.scores_of(without)
