"""Shapley values (1953) of a product's parts: each part's mean effect over all orders in which they could join.

What is left when nothing has joined is the item's bias: no content, no identity, nothing that past events add
directly, and the same shopper. So the values and the bias sum to the score.

Up to `EXACT_UP_TO` parts every coalition is asked. Beyond, orders are drawn at random, each with its reverse
(antithetic pairs, Mitchell et al. 2022); each order sums to the score exactly, so their mean does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.method import Map, Method

EXACT_UP_TO = 10  # parts: 1,024 coalitions
_SCORES = 8_000  # spent on sampled orders, within the bounds
_FEWEST_PAIRS, _MOST_PAIRS = 4, 64

Value = Callable[[NDArray[np.bool_]], NDArray[np.float64]]  # bool[coalitions, players] -> float64[coalitions]


def exact(value: Value, players: int) -> NDArray[np.float64]:
    """Every player's Shapley value, from all 2^players coalitions: float64[players]."""
    coalitions = (np.arange(2**players)[:, None] >> np.arange(players)) & 1 == 1
    values, size = value(coalitions), coalitions.sum(axis=1)
    weight = np.array([math.factorial(s) * math.factorial(players - s - 1) for s in range(players)])
    found = np.zeros(players)
    for player in range(players):
        without = np.flatnonzero(~coalitions[:, player])
        gain = values[without + 2**player] - values[without]
        found[player] = weight[size[without]] @ gain / math.factorial(players)
    return found


def sampled(value: Value, orders: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each player adds as it joins, in each order. orders: int64[n, players] -> float64[n, players]."""
    gains = np.empty(orders.shape)
    for row, order in enumerate(orders):
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        values = value(place < np.arange(len(order) + 1)[:, None])  # every prefix, from nothing to all
        gains[row, order] = np.diff(values)
    return gains


def pairs_of_orders(players: int, random: np.random.Generator) -> NDArray[np.int64]:
    """int64[2 * pairs, players]: random orders, each followed by its reverse."""
    pairs = int(np.clip(_SCORES // (2 * players), _FEWEST_PAIRS, _MOST_PAIRS))
    orders = random.permuted(np.tile(np.arange(players), (pairs, 1)), axis=1)
    return np.stack([orders, orders[:, ::-1]], axis=1).reshape(2 * pairs, players)


def attribute(case: Case) -> Map:
    rows = len(case.shown.tokens)

    def value(kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        return case.scores_without(~kept)

    if rows <= EXACT_UP_TO:
        return Map(exact(value, rows))
    gains = sampled(value, pairs_of_orders(rows, np.random.default_rng([case.user, case.item])))
    pairs = gains.reshape(-1, 2, rows).mean(axis=1)
    error = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    note = (
        f"Estimated from {len(pairs)} pairs of random orders: the standard error of a part's share is"
        f" {error.mean():.2g} in the mean and {error.max():.2g} at most."
    )
    return Map(gains.mean(axis=0), notes=(note,))


METHOD = Method(
    attribute, "The mean effect of each part over the orders in which the product's parts could join it.", sums=True
)
