"""Gradient-weighted attention relevance (Chefer, Gur and Wolf 2021): attention, where more of it raises the score."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.explain.case import Case
from engine.explain.method import Map, Method
from engine.explain.sequence_flow import SequenceFlow, scores_for
from engine.model.tower import TokenBatch


def weighted(attention: NDArray[np.float64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over heads, the first axis, of the positive part of gradient times attention (equation 5)."""
    return np.maximum(gradient * attention, 0.0).mean(axis=0)


def relevance(layers: list[NDArray[np.float64]], gradients: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """How much each place counts in each: float64[n, n], from attention float64[heads, n, n] and gradients at it.

    R begins as the identity, and each layer, first to last, adds its weighted attention times R (equation 6). The
    identity is taken off in the end, as the paper does before it passes R on: it says nothing of the model.
    """
    found = np.eye(layers[0].shape[1])
    for attention, gradient in zip(layers, gradients, strict=True):
        found = found + weighted(attention, gradient) @ found
    return found - np.eye(len(found))


def attribute(case: Case) -> Map:
    """The shopper's vector asks a product's tokens, so that the rule for cross-attention holds there (equation 10)."""
    raw = np.zeros(0)
    if case.features:
        batches = {
            name: TokenBatch(x[None], torch.ones(1, len(x), dtype=torch.bool, device=x.device))
            for name, x in case.features.items()
        }
        with torch.enable_grad():
            asking = None if case.asking is None else case.asking.double().clone()
            found = case.network.attention(batches, asking)
            layer = {name: one.detach().clone().requires_grad_() for name, one in found.items()}
            score = case.scores_from({name: batch.x for name, batch in batches.items()}, attention=layer)
            gradients = _gradients(score, list(layer.values()))
        raw = np.concatenate(
            [weighted(_array(one), slope) for one, slope in zip(layer.values(), gradients, strict=True)]
        )
    return Map(case.rows(raw[:, None])[:, 0], _history(case))


def _history(case: Case) -> NDArray[np.float64] | None:
    flow = SequenceFlow.of(case)
    if flow is None:
        return None
    with torch.enable_grad():
        shoppers, layers = flow.shoppers_and_attention(flow.vectors[None].clone().requires_grad_())
        gradients = _gradients(scores_for(case, shoppers), layers)
    return relevance([_array(one) for one in layers], gradients)[-1, 1:]  # place 0 is the profile


def _gradients(score: Tensor, at: list[Tensor]) -> list[NDArray[np.float64]]:
    return [one[0].cpu().numpy() for one in torch.autograd.grad(score.sum(), at)]


def _array(one: Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = one[0].detach().cpu().numpy()
    return found


METHOD = Method(
    attribute,
    "Attention times the gradient of the score at it, its positive part, in the mean over heads, through all layers.",
    signed=False,
)
