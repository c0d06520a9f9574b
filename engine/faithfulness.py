"""How true a map is: deletion in the model, against random orders.

Rows are removed in the map's order, a tenth at a time; the score is computed anew after each step by the model itself.
`z` is how many standard deviations the map's mean change of score lies below that of 10 random orders.

Grade A: lower than every random order, and z >= 4. B: lower than every one, and z >= 2.5. C: lower than every one.
D: lower than their mean. F: not lower than their mean: the map loses to random and is shown greyed out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.types import Faithfulness

STEPS, RANDOM_ORDERS, TOP = 10, 10, 0.2


def faithfulness(case: Case, share: NDArray[np.float64]) -> Faithfulness | None:
    """Grade a map. share: float64[rows], larger is removed first. None when there is nothing to remove."""
    rows = case.removable
    if rows < 2:
        return None
    random = np.random.default_rng([case.user, case.item])
    orders = [np.argsort(-share[:rows], kind="stable"), *(random.permutation(rows) for _ in range(RANDOM_ORDERS))]
    counts = np.unique(np.ceil(np.linspace(0, rows, STEPS + 1)[1:]).astype(int))
    top = max(1, round(TOP * rows))
    removed = np.zeros((len(orders), len(counts) + 1, len(case.shown.tokens)), dtype=bool)
    for place, order in enumerate(orders):
        for step, count in enumerate([*counts, top]):
            removed[place, step, order[:count]] = True
    scores = case.scores_without(removed.reshape(-1, len(case.shown.tokens))).reshape(len(orders), -1)
    change = scores[:, :-1].mean(axis=1) - case.score
    ranks = [case.rank_of(float(score)) for score in scores[:, -1]]
    drops = case.score - scores[:, -1]
    return Faithfulness(
        grade=grade(float(change[0]), change[1:]),
        deletion=float(change[0]),
        random=tuple(change[1:].tolist()),
        drop=float(drops[0]),
        random_drop=float(drops[1:].mean()),
        rank_after=ranks[0],
        random_rank_after=int(np.median(ranks[1:])),
    )


def grade(deletion: float, random: NDArray[np.float64]) -> str:
    """A to F as the module's docstring defines them."""
    if deletion >= random.mean():
        return "F"
    if deletion >= random.min():
        return "D"
    z = (random.mean() - deletion) / max(float(random.std(ddof=1)), 1e-12)
    return "A" if z >= 4 else "B" if z >= 2.5 else "C"
