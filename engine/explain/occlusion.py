"""Occlusion (Zeiler and Fergus 2014): what the score loses when one part of the product had not been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.method import Map, Method


def effects(case: Case, units: NDArray[np.bool_]) -> NDArray[np.float64]:
    """score - score without each unit. units: bool[n, rows], the rows that each removes -> float64[n]."""
    whole = np.zeros((1, units.shape[1]), dtype=bool)
    scores = case.scores_without(np.concatenate([whole, units]))
    return scores[0] - scores[1:]


def attribute(case: Case) -> Map:
    return Map(effects(case, np.eye(len(case.shown.tokens), dtype=bool)))


METHOD = Method(attribute, "What the score loses when this one part is removed and the attention goes to the others.")
