"""Integrated gradients (Sundararajan, Taly and Yan 2017): the mean slope on the way from nothing, times what is there.

The way is straight, and its mean is taken by Gauss-Legendre quadrature. It starts at features of zero: features are
whitened, so that this is the average token; it adds nothing to the product's vector, so that rows and bias sum to the
score. For the history it starts at past purchases with vectors of zero.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.explain.case import Case
from engine.explain.gradient_x_input import in_rows, slopes_of_past, summed, token_slopes
from engine.explain.method import Map, Method
from engine.explain.sequence_flow import SequenceFlow

STEPS = (32, 64, 128, 256)  # the next only where those before leave a gap
_GAP = 1e-3  # in units of score


def attribute(case: Case) -> Map:
    names = list(case.features)

    def of_tokens(features: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        scores, slopes = token_slopes(case, dict(zip(names, features, strict=True)))
        return scores, [slopes[name] for name in names]

    features = list(case.features.values())
    slopes, notes = _mean_slopes("the product", of_tokens, features)
    rows = in_rows(case, [slope * x for slope, x in zip(slopes, features, strict=True)])
    flow = SequenceFlow.of(case)
    if flow is None:
        return Map(rows, notes=notes)
    past, more = slopes_on_the_way(flow)
    return Map(rows, summed(past * flow.vectors), (*notes, *more))


def slopes_on_the_way(flow: SequenceFlow) -> tuple[Tensor, tuple[str, ...]]:
    """The mean slope of the score by each past purchase's vector: float64[events, dim]; times the vector it is the
    purchase's share. And what must be said of it."""

    def of_past(vectors: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        scores, slope = slopes_of_past(flow, vectors[0])
        return scores, [slope]

    (slopes,), notes = _mean_slopes("the history", of_past, [flow.vectors])
    return slopes, notes


def _mean_slopes(
    what: str, slopes_of: Callable[[list[Tensor]], tuple[Tensor, list[Tensor]]], inputs: list[Tensor]
) -> tuple[list[Tensor], tuple[str, ...]]:
    """Mean slopes by inputs, float64[n, features] each; and what must be said of them.

    All steps are one forward pass, the two ends of the way among them: they tell what the quadrature leaves.
    """
    mean, gap = [0 * x for x in inputs], 0.0
    for steps in STEPS:
        place, weight = _quadrature(steps)
        along = [torch.from_numpy(place).to(x.device) * x for x in inputs]
        scores, slopes = slopes_of(along)
        mean = [
            (torch.from_numpy(weight).to(x.device) * slope).sum(dim=0) for slope, x in zip(slopes, inputs, strict=True)
        ]
        gained = sum(float((slope * x).sum()) for slope, x in zip(mean, inputs, strict=True))
        gap = gained - float(scores[-1] - scores[0])
        if abs(gap) <= _GAP:
            return mean, ()
    return mean, (f"Integrated gradients of {what} in {STEPS[-1]} steps miss the score by {gap:+.1e}.",)


def _quadrature(steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places on the way, from 0 to 1, and their weights, which sum to 1: float64[steps + 2, 1, 1]; the ends weigh 0."""
    place, weight = np.polynomial.legendre.leggauss(steps)
    places, weights = [0.0, *(place + 1) / 2, 1.0], [0.0, *weight / 2, 0.0]
    return np.array(places)[:, None, None], np.array(weights)[:, None, None]


METHOD = Method(
    attribute,
    "The mean slope of the score on the way from an average product to this one, times its features.",
    sums=True,
)
