"""The attention of each head over a product's tokens: where the model looks, not what it is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.method import Map, Method


def by_head(case: Case) -> NDArray[np.float64]:
    """float64[rows, heads]; a word's attention is the sum over its pieces; identity and past events have none."""
    return case.rows(case.heeded)


def attribute(case: Case) -> Map:
    return Map(by_head(case).mean(axis=1))


METHOD = Method(attribute, "How much the model looks at each part, in the mean over heads.", signed=False)
