"""Take one part of a trained model away, without training again: what does the ranking lose?"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from engine.model.recommender import Model
from engine.model.tokens import TokenSource
from engine.model.tower import TokenBatch


class Without:
    """Products that lack one modality: its tokens are not there, and attention goes to what is left."""

    def __init__(self, tokens: TokenSource, modality: str) -> None:
        self.modalities = tokens.modalities
        self._tokens, self._modality = tokens, modality

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        return self._tokens.buckets(items, size)

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        found = self._tokens.batch(items)
        lacking = found[self._modality]
        gone = torch.zeros_like(lacking.there)
        return {**found, self._modality: TokenBatch(lacking.x, gone, lacking.count)}


def knock_outs(model: Model, tokens: TokenSource) -> Iterator[tuple[str, Model, TokenSource]]:
    """Each part's name with a model and tokens that lack it: modalities, "identity", "linear" (the linear term)."""
    for modality in tokens.modalities:
        yield modality, model, Without(tokens, modality)
    if model.shape.tower.identity:
        silent = copy.deepcopy(model)
        with torch.no_grad():
            silent.tower.identity.weight.zero_()
        yield "identity", silent, tokens
    if model.shape.linear and float(model.linear.level):
        straight = copy.deepcopy(model)
        straight.linear.level.zero_()
        yield "linear", straight, tokens
