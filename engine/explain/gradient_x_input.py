"""Gradient x input (Shrikumar et al. 2016): the slope of the score at each feature, times the feature."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.explain.case import Case
from engine.explain.method import Map, Method
from engine.explain.sequence_flow import SequenceFlow


def attribute(case: Case) -> Map:
    """History: the slope at the vectors of past purchases, times these."""
    _, slopes = token_slopes(case, {name: x[None] for name, x in case.features.items()})
    tokens = [slopes[name][0] * x for name, x in case.features.items()]
    flow = SequenceFlow.of(case)
    if flow is None:
        return Map(in_rows(case, tokens))
    _, slope = slopes_of_past(flow, flow.vectors[None])
    return Map(in_rows(case, tokens), summed(slope[0] * flow.vectors))


def token_slopes(case: Case, features: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """The score, float64[n], and its gradient at the features of each modality, float64[n, tokens, features]; the
    shopper stays. A product without tokens has one score."""
    if not features:
        return case.scores_from({}), {}
    with torch.enable_grad():
        at = {name: x.detach().clone().requires_grad_() for name, x in features.items()}
        scores = case.scores_from(at)
        slopes = torch.autograd.grad(scores.sum(), list(at.values()))
    return scores.detach(), dict(zip(at, slopes, strict=True))


def slopes_of_past(flow: SequenceFlow, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """The score, float64[n], and its gradient at the vectors of past purchases float64[n, events, dim]; the product
    stays."""
    with torch.enable_grad():
        at = vectors.detach().clone().requires_grad_()
        scores = flow.scores(at)
        (slope,) = torch.autograd.grad(scores.sum(), at)
    return scores.detach(), slope


def in_rows(case: Case, tokens: list[Tensor]) -> NDArray[np.float64]:
    """Shares of features, float64[tokens, features] of each modality, summed into rows: float64[rows].

    Identity and past events that count directly are linear in the score: their share is exact.
    """
    raw = np.concatenate([summed(one) for one in tokens]) if tokens else np.zeros(0)
    found = case.rows(raw[:, None])[:, 0]
    found[case.removable] = float(case.own_vector @ case.shopper.double())
    found[case.removable + 1 :] = case.direct[case.direct_events]
    return found


def summed(shares: Tensor) -> NDArray[np.float64]:
    """float64[n, features] -> float64[n]."""
    found: NDArray[np.float64] = shares.sum(dim=-1).cpu().numpy()
    return found


METHOD = Method(attribute, "The slope of the score at each part's features, times these features.")
