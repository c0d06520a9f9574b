"""Tower, sequence and linear term together: score = u . e(i) + bias(i) + linear(history, i)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.model.adopt import Adopted, AdoptedShape
from engine.model.lent import Lent
from engine.model.linear import Linear, LinearShape
from engine.model.sequence import Sequence, SequenceShape
from engine.model.tokens import TokenSource
from engine.model.tower import Tower, TowerShape


@dataclass(frozen=True)
class ModelShape:
    """Everything needed to build the model before its weights are loaded.

    context: columns of `Interactions.context` that the sequence reads; contexts, profiles: sizes of those vocabularies.
    linear: entries kept of each row of the linear term, 0 for none. lent: products that lend to each new one, 0 where
    nothing is lent. adopted: a sequence part trained elsewhere.
    """

    tower: TowerShape
    blocks: int
    history: int
    dropout: float
    context: tuple[int, ...] = ()
    contexts: int = 0
    profiles: int = 0
    linear: int = 0
    lent: int = 0
    rating: bool = False
    adopted: AdoptedShape | None = None

    @staticmethod
    def from_json(content: dict[str, Any]) -> ModelShape:
        """Back from a run's card. KeyError or TypeError when it is not a shape."""
        nested = {
            "tower": TowerShape(**content["tower"]),
            "context": tuple(content.get("context", ())),
            "adopted": AdoptedShape.from_json(content.get("adopted")),
        }
        return ModelShape(**{**content, **nested})


class Model(nn.Module):
    """The unified network from content and behaviour to score."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        tower = shape.tower
        self.tower = Tower(tower)
        if shape.adopted is not None:
            self.adopted = Adopted(shape.adopted)
        else:
            self.sequence = Sequence(
                SequenceShape(
                    tower.dim,
                    shape.blocks,
                    shape.history,
                    shape.dropout,
                    shape.contexts if shape.context else 0,
                    shape.profiles,
                )
            )
        self.lent = Lent(tower.items, shape.lent)
        self.linear = Linear(LinearShape(tower.items, shape.linear), self.lent)
        if shape.rating:
            self.rating = RatingHead(tower)
        # Identity and bias of a product without a training event stay silent: they hold noise, not knowledge. Once
        # training is over, products like it lend it theirs.
        self.seen: Tensor
        self.register_buffer("seen", torch.ones(tower.items))
        self.cold: Tensor  # the bias of such a product, one for all, chosen on validation
        self.register_buffer("cold", torch.zeros(()))

    def identity(self, items: Tensor) -> Tensor:
        """float[items, dim]: the identity term of each item; for one never seen in training, what others lend it."""
        if not self.shape.tower.identity:
            return self.seen.new_zeros(len(items), self.shape.tower.dim)
        embedded: Tensor = self.tower.identity(items) * self.seen[items, None]
        return self._with_lent(embedded, self.tower.identity.weight, items)

    def bias(self, items: Tensor) -> Tensor:
        """float[items]."""
        own = torch.where(self.seen[items] > 0, self.tower.bias[items], self.cold)
        return self._with_lent(own[:, None], self.tower.bias[:, None], items)[:, 0]

    def _with_lent(self, own: Tensor, table: Tensor, items: Tensor) -> Tensor:
        rows = self.lent.borrowers(items)
        return own.index_add(0, rows, self.lent.mean(table, items[rows])) if len(rows) else own

    def item_parts(self, items: Tensor, tokens: TokenSource, shoppers: Tensor | None = None) -> dict[str, Tensor]:
        """Each part of e(i): modality and "identity" -> float[items, dim]; e(i) is their sum.

        Items are encoded in buckets of like length, so that little of a batch is padding. shoppers: float[items, dim],
        who asks, for the `cross` fusion.
        """
        buckets = tokens.buckets(items)
        found: dict[str, list[Tensor]] = {name: [] for name in tokens.modalities}
        for bucket in buckets:
            asking = None if shoppers is None else shoppers[bucket]
            for name, vectors in self.tower.content(tokens.batch(items[bucket]), asking).items():
                found[name].append(vectors)
        back = torch.argsort(torch.cat(buckets))
        return {"identity": self.identity(items), **{name: torch.cat(parts)[back] for name, parts in found.items()}}

    def item_vectors(
        self,
        items: Tensor,
        tokens: TokenSource,
        keep: dict[str, Tensor] | None = None,
        shoppers: Tensor | None = None,
    ) -> Tensor:
        """e(i): float[items, dim]. `keep` holds a factor per item for each modality and "identity" (dropout)."""
        parts = self.item_parts(items, tokens, shoppers)
        if keep is not None:
            parts = {name: part * keep[name][:, None] for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(dim=0)


class RatingHead(nn.Module):
    """What a shopper would rate a product: mean + bias(i) + (level * u) . e(i), linear in e(i) like the score."""

    def __init__(self, tower: TowerShape) -> None:
        super().__init__()
        self.mean: Tensor
        self.register_buffer("mean", torch.zeros(()))
        self.level = nn.Parameter(torch.full((tower.dim,), 0.01))
        self.bias = nn.Parameter(torch.zeros(tower.items))

    def forward(self, shoppers: Tensor, vectors: Tensor, items: Tensor) -> Tensor:
        """float[n], one for each row of shoppers and vectors float[n, dim]; items: int64[n]."""
        rated: Tensor = self.mean + self.bias[items] + (shoppers * self.level * vectors).sum(dim=1)
        return rated
