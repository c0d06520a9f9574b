"""The exact share of each token in the score: c(t) = sum over h of alpha(t,h) * u . g(m) M(m) V(m,h) x(t)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.method import Map, Method


def by_head(case: Case) -> NDArray[np.float64]:
    """float64[rows, heads]; all rows and the bias sum to the score.

    What has no heads, identity and past events, is spread evenly over them.
    """
    with torch.inference_mode():
        own = float(case.model.identity(case.index)[0].double() @ case.shopper.double())
    heads = case.model.tower.shape.heads
    found = case.rows(case.heeded * case.values)
    found[case.removable] = own / heads
    found[case.removable + 1 :] = case.direct[case.direct_events, None] / heads
    return found


def attribute(case: Case) -> Map:
    return Map(by_head(case).sum(axis=1))


METHOD = Method(
    attribute,
    "The exact share of each part in the score: attention times value times shopper, summed over heads.",
    sums=True,
)
