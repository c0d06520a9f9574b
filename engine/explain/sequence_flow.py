"""The shopper's sequence in float64, from the vectors of past purchases to the score; what gradients go through."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from engine.explain.case import Case
from engine.model.sequence import Block, Sequence
from engine.model.tower import TokenBatch


class SequenceFlow:
    """One shopper's sequence with frozen weights. vectors: float64[events, dim], e(h) of the past purchases that it
    reads, oldest first. `of` answers None where the shopper's part was trained elsewhere (`Model.adopted`)."""

    def __init__(self, case: Case) -> None:
        self.case = case
        model, device = case.model, case.recommender.matrix.device
        self.network: Sequence = copy.deepcopy(model.sequence).double().requires_grad_(False).eval()
        history = case.history.last(model.shape.history)
        items = torch.from_numpy(history.items.astype("int64")).to(device)
        self.vectors = case.recommender.matrix[items].double().clone()
        self._context = self._about = None
        if model.shape.context:
            columns = list(model.shape.context)
            self._context = torch.from_numpy(history.context[:, columns].astype("int64")).to(device)[None]
        if model.shape.profiles:
            self._about = torch.from_numpy(history.about.astype("int64")).to(device)[None]

    @staticmethod
    def of(case: Case) -> SequenceFlow | None:
        return None if case.model.shape.adopted is not None else SequenceFlow(case)

    def shoppers(self, vectors: Tensor) -> Tensor:
        """u from float64[n, events, dim] in place of the vectors of past purchases: float64[n, dim]."""
        x = self._embedded(vectors)
        *before, last = self._blocks
        for block in before:
            x = block(x)
        return self.network.last_norm(last.newest(x))[:, -1]

    def shoppers_and_attention(self, vectors: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The same u, and the attention of each block on the way to it, the first one first: float64[n, heads, events +
        1, events + 1]; place 0 is the profile token. Gradients of anything after it are had at each."""
        x = self._embedded(vectors)
        found = []
        for block in self._blocks:
            found.append(block.attention(x))
            x = block.under(x, found[-1])
        return self.network.last_norm(x)[:, -1], found

    def scores(self, vectors: Tensor) -> Tensor:
        """The product's score from float64[n, events, dim] in place of the vectors of past purchases: float64[n]."""
        return scores_for(self.case, self.shoppers(vectors))

    @property
    def _blocks(self) -> list[Block]:
        return [block for block in self.network.blocks if isinstance(block, Block)]

    def _embedded(self, vectors: Tensor) -> Tensor:
        ids = (
            None if one is None else one.expand(len(vectors), *one.shape[1:]) for one in (self._context, self._about)
        )
        return self.network.embedded(vectors, *ids)


def scores_for(case: Case, shoppers: Tensor) -> Tensor:
    """The product's score for other shoppers, float64[n, dim], differentiable: float64[n].

    Under `cross` fusion each asks for itself, and so shapes the attention too. What past events add directly stays.
    """
    vectors = case.own_vector
    if case.features:
        asking = None if case.asking is None else shoppers
        rows = 1 if asking is None else len(shoppers)
        batches = {
            name: TokenBatch(x.expand(rows, -1, -1), torch.ones(rows, len(x), dtype=torch.bool, device=x.device))
            for name, x in case.features.items()
        }
        vectors = vectors + torch.stack(list(case.network.content(batches, asking).values())).sum(dim=0)
    return (vectors * shoppers).sum(dim=1) + case.bias + float(case.direct.sum())
