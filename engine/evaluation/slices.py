"""Which targets are hard, and why: cold products, the long tail, short histories, categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions

SHORT_HISTORY = 5
TAIL_SHARE = 0.2
_CATEGORIES, _FEWEST = 10, 20


def long_tail(popularity: NDArray[np.float64]) -> NDArray[np.bool_]:
    """bool[items]: the least popular products that together make 20 % of the known events; cold ones are not in it.

    popularity: float64[items], known events of each.
    """
    order = np.argsort(popularity, kind="stable")
    before = np.cumsum(popularity[order])
    tail = np.zeros(len(popularity), bool)
    tail[order[before <= TAIL_SHARE * before[-1]]] = True
    return tail & (popularity > 0)


def slices(
    data: Interactions, targets: NDArray[np.int64], known: NDArray[np.bool_], category: Sequence[str] = ()
) -> dict[str, NDArray[np.bool_]]:
    """Name -> bool[targets]. known: bool[n], events that came before all targets. A slice may be empty.

    category: of each product; the ten with most targets, of at least twenty, become slices.
    """
    popularity = np.bincount(data.item[known], minlength=len(data.items)).astype(np.float64)
    item = data.item[targets]
    found = {
        "cold products": popularity[item] == 0,
        "long tail": long_tail(popularity)[item],
        f"histories under {SHORT_HISTORY}": targets - data.start[data.user[targets]] < SHORT_HISTORY,
    }
    if len(category):
        of_target = np.array(category, dtype=object)[item]
        names, counts = np.unique(of_target[of_target != ""].astype(str), return_counts=True)
        order = np.argsort(-counts, kind="stable")[:_CATEGORIES]
        found |= {f"category {names[at]}": of_target == names[at] for at in order if counts[at] >= _FEWEST}
    return found
