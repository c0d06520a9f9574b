"""LIME (Ribeiro et al. 2016): the weights of a linear model that imitates the score while parts are masked at random.

As in the paper, a mask removes a number of parts drawn evenly from 1 to all, then that many at random; a mask counts
by sqrt(exp(-D^2 / 0.25^2)), D its cosine distance from the whole product; the fit is a ridge regression.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.method import Map, Method

_MASKS_PER_ROW, _MOST_MASKS = 4, 800
_KERNEL_WIDTH = 0.25
_RIDGE = 1e-3  # against masks of weight 1; enough where parts outnumber masks


def attribute(case: Case) -> Map:
    rows = len(case.shown.tokens)
    random = np.random.default_rng([case.user, case.item])
    kept = masks(rows, min(_MASKS_PER_ROW * rows, _MOST_MASKS), random)
    scores = case.scores_without(~kept)
    weights, explained = fit(kept, scores)
    return Map(weights, notes=(f"The linear model imitates {explained:.0%} of what {len(kept)} masks do.",))


def masks(rows: int, count: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """bool[count, rows], True for what is kept. The first mask keeps all."""
    removed = random.integers(1, rows + 1, count - 1)
    place = random.permuted(np.tile(np.arange(rows), (count - 1, 1)), axis=1)
    return np.concatenate([np.ones((1, rows), dtype=bool), place >= removed[:, None]])


def fit(kept: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Weighted ridge regression with a free intercept: float64[rows], and the weighted R^2."""
    distance = 1 - np.sqrt(kept.mean(axis=1))  # the cosine of a mask with the mask of ones is sqrt(share kept)
    weight = np.sqrt(np.exp(-((distance / _KERNEL_WIDTH) ** 2)))
    weight /= weight.sum()
    x = kept - weight @ kept
    y = scores - weight @ scores
    gram = (x * weight[:, None]).T @ x
    found: NDArray[np.float64] = np.linalg.solve(
        gram + _RIDGE / len(kept) * np.eye(kept.shape[1]), (x * weight[:, None]).T @ y
    )
    left, all_of_it = float(weight @ (y - x @ found) ** 2), float(weight @ y**2)
    return found, 1 - left / all_of_it if all_of_it > 0 else 1.0


METHOD = Method(
    attribute, "The weight of each part in a linear model that imitates the score while parts are removed at random."
)
