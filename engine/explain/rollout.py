"""Attention rollout (Abnar and Zuidema 2020): attention followed through the layers, half of each the layer's input."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from engine.explain import attention
from engine.explain.case import Case
from engine.explain.method import Map, Method
from engine.explain.sequence_flow import SequenceFlow


def rollout(layers: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Each place's share in each: float64[n, n], rows sum to 1. layers: attention float64[heads, n, n], first to last.

    The product, last layer leftmost, of 0.5 A + 0.5 I, with A the mean over heads.
    """
    found = np.eye(layers[0].shape[1])
    for heads in layers:
        found = (0.5 * heads.mean(axis=0) + 0.5 * np.eye(len(found))) @ found
    return found


def attribute(case: Case) -> Map:
    """A product has one layer of attention, so that its rows are the mean over heads, made to sum to 1."""
    heeded = attention.by_head(case).mean(axis=1)
    total = float(heeded.sum())
    return Map(heeded / total if total else heeded, _history(case))


def _history(case: Case) -> NDArray[np.float64] | None:
    flow = SequenceFlow.of(case)
    if flow is None:
        return None
    with torch.no_grad():
        _, layers = flow.shoppers_and_attention(flow.vectors[None])
    return rollout([one[0].cpu().numpy() for one in layers])[-1, 1:]  # place 0 is the profile


METHOD = Method(
    attribute,
    "Attention followed through all layers, half of what leaves a layer being what entered it.",
    signed=False,
)
