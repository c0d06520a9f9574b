"""Metrics of predicted ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def rmse(predicted: NDArray[np.float64], rating: NDArray[np.float64]) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - rating) ** 2))) if len(rating) else 0.0


def mae(predicted: NDArray[np.float64], rating: NDArray[np.float64]) -> float:
    """Mean absolute error."""
    return float(np.abs(predicted - rating).mean()) if len(rating) else 0.0


@dataclass(frozen=True)
class Verdicts:
    """How well "liked" (a rating of at least a threshold) is told from "not liked"; 0 where it is not defined."""

    precision: float
    recall: float
    f1: float
    accuracy: float


def verdicts(predicted: NDArray[np.float64], rating: NDArray[np.float64], threshold: float) -> Verdicts:
    """Precision, recall, F1 and accuracy of `predicted >= threshold` for `rating >= threshold`."""
    said, liked = predicted >= threshold, rating >= threshold
    both = float((said & liked).sum())
    precision = both / said.sum() if said.any() else 0.0
    recall = both / liked.sum() if liked.any() else 0.0
    f1 = 2 * precision * recall / (precision + recall) if both else 0.0
    return Verdicts(precision, recall, f1, float((said == liked).mean()) if len(rating) else 0.0)
