"""Tower and sequence together: score = u . e(i) + bias(i)."""

from __future__ import annotations

from dataclasses import dataclass

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

    def item_vectors(
        self, items: Tensor, tokens: dict[str, TokenBatch], keep: dict[str, Tensor] | None = None
    ) -> Tensor:
        """e(i): float[items, dim]. `keep` holds a factor per item for each modality and "identity" (dropout)."""
        parts = {"identity": self.identity(items), **self.tower.content(tokens)}
        if keep is not None:
            parts = {name: part * keep[name][:, None] for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(dim=0)


class Tokens:
    """Gathers padded token batches of any items from a catalogue, on a device."""

    def __init__(self, catalogue: Catalogue, tower: Tower, device: str) -> None:
        self._tower = tower
        self._device = device
        self.modalities = tuple(tower.shape.features)
        self._data: dict[str, Tensor] = {}
        self._start: dict[str, Tensor] = {}
        for modality in self.modalities:
            if modality in ("text", "image"):
                data, start = getattr(catalogue, modality), getattr(catalogue, f"{modality}_start")
            else:
                vocabulary = getattr(catalogue, modality)
                data, start = vocabulary.ids, vocabulary.start
            self._data[modality] = torch.as_tensor(data.copy()).to(device)
            self._start[modality] = torch.as_tensor(start.copy()).to(device)

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
        if modality in ("text", "image"):
            x = data.index_select(0, place.flatten()).view(*place.shape, -1).float()
        else:
            x = getattr(self._tower, modality)(data[place].long())
        return TokenBatch(x, there)
