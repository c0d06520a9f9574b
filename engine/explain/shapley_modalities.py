"""Exact Shapley values of a product's kinds of content, its identity and the shopper's past, from all coalitions.

The players are the modalities that the product has, identity, and what past events add directly; with nothing, the
item's bias is left, as in `shapley`. A player's value phi is laid over its rows in proportion to their exact
contributions c: c + (phi - sum of c) * |c| / (sum of |c|), which is phi * c / (sum of c) where all have one sign, and
stays small where they cancel; evenly where all contributions are 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.explain import contribution
from engine.explain.case import Case
from engine.explain.method import Map, Method
from engine.explain.shapley import exact


def values(case: Case) -> dict[str, float]:
    """The Shapley value of each kind of part that the case has; with the bias they sum to the score."""
    names, member = _players(case)

    def value(kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        return case.scores_without(~kept[:, member])

    return dict(zip(names, exact(value, len(names)).tolist(), strict=True))


def attribute(case: Case) -> Map:
    names, member = _players(case)
    worth = values(case)
    direct = contribution.by_head(case).sum(axis=1)
    share = np.zeros(len(member))
    for player, name in enumerate(names):
        rows = np.flatnonzero(member == player)
        size = np.abs(direct[rows])
        even = np.full(len(rows), 1 / len(rows))
        part = size / size.sum() if size.sum() > 0 else even
        share[rows] = direct[rows] + (worth[name] - direct[rows].sum()) * part
    told = ", ".join(f"{name} {one:+.3f}" for name, one in worth.items())
    return Map(share, notes=(f"Shapley values, exact: {told}.",))


def _players(case: Case) -> tuple[list[str], NDArray[np.int64]]:
    """The modalities of the rows, in their order, and each row's place among them: int64[rows]."""
    of_row = [one.modality for one in case.shown.tokens]
    names: list[str] = list(dict.fromkeys(of_row))
    return names, np.array([names.index(one) for one in of_row])


METHOD = Method(
    attribute,
    "The exact Shapley value of each kind of content, of identity and of the past, laid over its parts by their "
    "contributions.",
    sums=True,
)
