"""How true one map is: its rows removed, and alone kept, in the map's order, against random orders.

Rows are removed from the product largest share first, a tenth at a time, and the model computes the score anew after
each step (deletion); then only those are kept instead (insertion; Petsiuk et al. 2018). `z` is how many standard
deviations of 10 random orders the map lies on the better side of their mean, in the mean over deletion and insertion.

Grade A: better than every random order in both, and z >= 4. B: the same, and z >= 2.5. C: better than every one in at
least one of the two, and z >= 1.64, which a random order reaches once in twenty. D: z > 0. F: z <= 0, the map loses to
random and is shown greyed out. A run that ranks no better than chance gets no grade above D: there is nothing to be
true to.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.types import Faithfulness

STEPS, RANDOM_ORDERS, TOP = 10, 10, 0.2
SEEN_RANKS = 10  # a product counts as recommended up to here
_FIRST_HALF = 5  # steps that comprehensiveness and sufficiency (DeYoung et al. 2020) look at
GRADES = "ABCDF"


def faithfulness(case: Case, share: NDArray[np.float64]) -> Faithfulness | None:
    """Grade a map. share: float64[rows], larger is removed first. None when there is nothing to remove."""
    rows = case.removable
    if rows < 2:
        return None
    random = np.random.default_rng([case.user, case.item])
    orders = [np.argsort(-share[:rows], kind="stable"), *(random.permutation(rows) for _ in range(RANDOM_ORDERS))]
    counts = np.unique(np.ceil(np.linspace(0, rows, STEPS + 1)[1:]).astype(int))
    without, only = _curves(case, orders, counts)
    deletion, insertion = without.mean(axis=1) - case.score, only.mean(axis=1) - case.score
    gain = _gain(case.ranks_of(without)).mean(axis=1) - _gain(np.array([case.rank_of(case.score)]))[0]
    top = int(np.searchsorted(counts, max(1, round(TOP * rows))).clip(0, len(counts) - 1))
    ranks, kept = case.ranks_of(without[:, top]), case.ranks_of(only[:, top])
    falls, keeps = case.score - without[:, :_FIRST_HALF], case.score - only[:, :_FIRST_HALF]
    drop = case.score - without[:, top]
    z = standing(deletion, insertion)
    return Faithfulness(
        grade=grade(deletion, insertion),
        deletion=float(deletion[0]),
        random=tuple(deletion[1:].tolist()),
        drop=float(drop[0]),
        random_drop=float(drop[1:].mean()),
        rank_after=int(ranks[0]),
        random_rank_after=int(np.median(ranks[1:])),
        z=z,
        insertion=float(insertion[0]),
        random_insertion=tuple(insertion[1:].tolist()),
        rank_deletion=float(gain[0]),
        random_rank_deletion=tuple(gain[1:].tolist()),
        comprehensiveness=float(falls[0].mean()),
        random_comprehensiveness=float(falls[1:].mean()),
        sufficiency=float(keeps[0].mean()),
        random_sufficiency=float(keeps[1:].mean()),
        necessary=bool(ranks[0] > SEEN_RANKS),
        random_necessary=float((ranks[1:] > SEEN_RANKS).mean()),
        sufficient=bool(kept[0] <= SEEN_RANKS),
        random_sufficient=float((kept[1:] <= SEEN_RANKS).mean()),
    )


def _curves(
    case: Case, orders: list[NDArray[np.int64]], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores without the first rows of each order, and with only those: float64[orders, counts] each."""
    rows = len(orders[0])
    place = np.empty((len(orders), rows), np.int64)
    for row, order in enumerate(orders):
        place[row, order] = np.arange(rows)
    removed = np.zeros((2, len(orders), len(counts), len(case.shown.tokens)), dtype=bool)
    removed[0, :, :, :rows] = place[:, None, :] < counts[:, None]
    removed[1, :, :, :rows] = ~removed[0, :, :, :rows]
    scores = case.scores_without(removed.reshape(-1, removed.shape[-1])).reshape(removed.shape[:-1])
    return scores[0], scores[1]


def _gain(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a place is worth to a reader, as NDCG counts it."""
    return 1 / np.log2(ranks + 1.0)


def standing(deletion: NDArray[np.float64], insertion: NDArray[np.float64]) -> float:
    """z. deletion, insertion: the map's figure, then those of random orders."""
    down, up = deletion[1:].mean() - deletion[0], insertion[0] - insertion[1:].mean()
    spread = [max(float(one[1:].std(ddof=1)), 1e-12) for one in (deletion, insertion)]
    z = (down / spread[0] + up / spread[1]) / 2
    return float(np.clip(z, -99.0, 99.0)) if math.isfinite(z) else 0.0


def grade(deletion: NDArray[np.float64], insertion: NDArray[np.float64]) -> str:
    """A to F as the module's docstring defines them. Each: the map's figure, then those of random orders."""
    z = standing(deletion, insertion)
    beaten = (bool(deletion[0] < deletion[1:].min()), bool(insertion[0] > insertion[1:].max()))
    if z <= 0:
        return "F"
    if all(beaten) and z >= 2.5:
        return "A" if z >= 4 else "B"
    return "C" if any(beaten) and z >= 1.64 else "D"


def capped(grade: str, at: str) -> str:
    """The worse of two grades."""
    return GRADES[max(GRADES.index(grade), GRADES.index(at))]
