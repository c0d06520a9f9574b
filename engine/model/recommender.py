"""Tower and sequence together: score = u . e(i) + bias(i)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.features.catalogue import Catalogue
from engine.model.sequence import Sequence
from engine.model.tower import TokenBatch, Tower, TowerShape


@dataclass(frozen=True)
class ModelShape:
    """Everything needed to build the model before its weights are loaded."""

    tower: TowerShape
    blocks: int
    history: int
    dropout: float


class Model(nn.Module):
    """The unified network from content and behaviour to score."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        tower = shape.tower
        self.tower = Tower(tower)
        self.sequence = Sequence(tower.dim, 2 if tower.dim % 2 == 0 else 1, shape.blocks, shape.history, shape.dropout)
        # Identity and bias of a product without a training event stay silent: they hold noise, not knowledge.
        self.seen: Tensor
        self.register_buffer("seen", torch.ones(tower.items))

    def identity(self, items: Tensor) -> Tensor:
        """float[items, dim]: the identity term of each item, zero for one never seen in training."""
        if not self.shape.tower.identity:
            return self.seen.new_zeros(len(items), self.shape.tower.dim)
        embedded: Tensor = self.tower.identity(items) * self.seen[items, None]
        return embedded

    def bias(self, items: Tensor) -> Tensor:
        return self.tower.bias[items] * self.seen[items]

    def item_parts(self, items: Tensor, tokens: Tokens) -> dict[str, Tensor]:
        """Each part of e(i): modality and "identity" -> float[items, dim]; e(i) is their sum.

        Items are encoded in buckets of like length, so that little of a batch is padding.
        """
        buckets = tokens.buckets(items)
        found: dict[str, list[Tensor]] = {name: [] for name in tokens.modalities}
        for bucket in buckets:
            for name, vectors in self.tower.content(tokens.batch(items[bucket])).items():
                found[name].append(vectors)
        back = torch.argsort(torch.cat(buckets))
        return {"identity": self.identity(items), **{name: torch.cat(parts)[back] for name, parts in found.items()}}

    def item_vectors(self, items: Tensor, tokens: Tokens, keep: dict[str, Tensor] | None = None) -> Tensor:
        """e(i): float[items, dim]. `keep` holds a factor per item for each modality and "identity" (dropout)."""
        parts = self.item_parts(items, tokens)
        if keep is not None:
            parts = {name: part * keep[name][:, None] for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(dim=0)


WIDEN_UP_TO = 500_000_000  # bytes of float16


class Tokens:
    """Gathers padded token batches of any items from a catalogue, on a device."""

    def __init__(self, catalogue: Catalogue, tower: Tower, device: str) -> None:
        self._tower = tower
        self._device = device
        self.modalities = tuple(tower.shape.features)
        self._data: dict[str, Tensor] = {}
        self._start: dict[str, Tensor] = {}
        for modality in self.modalities:
            if modality in ("text", "image", "audio"):
                data, start = getattr(catalogue, modality), getattr(catalogue, f"{modality}_start")
                if data.nbytes < WIDEN_UP_TO:
                    data = data.astype(np.float32)  # spares the conversion at every step
            else:
                vocabulary = getattr(catalogue, modality)
                data, start = vocabulary.ids, vocabulary.start
            self._data[modality] = torch.as_tensor(data.copy()).to(device)
            self._start[modality] = torch.as_tensor(start.copy()).to(device)

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        """Places in `items`, grouped by how many tokens of text the items have: int64[<= size] each."""
        if "text" not in self._start:
            return list(torch.arange(len(items), device=items.device).split(size))
        start = self._start["text"]
        return list(torch.argsort(start[items + 1] - start[items], stable=True).split(size))

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        """items: int64[n] -> padded tokens of each modality of the model."""
        return {modality: self._gather(modality, items) for modality in self.modalities}

    def _gather(self, modality: str, items: Tensor) -> TokenBatch:
        start = self._start[modality][items]
        count = self._start[modality][items + 1] - start
        longest = max(1, int(count.max())) if len(items) else 1
        offset = torch.arange(longest, device=self._device)
        there = offset < count[:, None]
        data = self._data[modality]
        if not len(data):
            return TokenBatch(torch.zeros(len(items), longest, self._tower.shape.features[modality]), there)
        place = torch.where(there, start[:, None] + offset, 0)
        if modality in ("text", "image", "audio"):
            x = data.index_select(0, place.flatten()).view(*place.shape, -1).float()
        else:
            x = getattr(self._tower, modality)(data[place].long())
        return TokenBatch(x, there)
