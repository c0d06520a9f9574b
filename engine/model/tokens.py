"""Padded token batches of any items, gathered from a catalogue on the model's device."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.features.catalogue import Catalogue
from engine.features.page import Page
from engine.model.tower import TokenBatch, Tower

ENCODED = ("text", "image", "audio")  # features from an encoder; the rest are ids into vocabularies
WIDEN_UP_TO = 500_000_000  # bytes of float16
_AVERAGED_AT_ONCE = 100_000  # tokens


class TokenSource(Protocol):
    """What the model reads products from."""

    modalities: tuple[str, ...]

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        """Places in `items`, grouped so that little of a batch is padding: int64[<= size] each."""

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        """items: int64[n] -> padded tokens of each modality of the model."""


class Tokens:
    """All tokens of all products. widen: whoever reads them all again and again, as a training does, has the
    conversion done once, for twice the memory."""

    def __init__(self, catalogue: Catalogue, tower: Tower, device: str, *, widen: bool = True) -> None:
        self._tower = tower
        self.device = device
        self.modalities = tuple(tower.shape.features)
        self._data: dict[str, Tensor] = {}
        self._start: dict[str, Tensor] = {}
        for modality in self.modalities:
            if modality in ENCODED:
                data, start = getattr(catalogue, modality), getattr(catalogue, f"{modality}_start")
            else:
                vocabulary = getattr(catalogue, modality)
                data, start = vocabulary.ids, vocabulary.start
            held = torch.as_tensor(data.copy()).to(device)
            if widen and modality in ENCODED and data.nbytes < WIDEN_UP_TO:
                held = held.float()
            self._data[modality] = held
            self._start[modality] = torch.as_tensor(start.copy()).to(device)

    def of(self, tower: Tower) -> Tokens:
        """The same products as another tower of the same shape reads them: its own tables of attributes and links."""
        other = copy.copy(self)
        other._tower = tower
        return other

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        if "text" not in self._start:
            return list(torch.arange(len(items), device=items.device).split(size))
        start = self._start["text"]
        return list(torch.argsort(start[items + 1] - start[items], stable=True).split(size))

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        return {modality: self.gather(modality, items) for modality in self.modalities}

    def gather(self, modality: str, items: Tensor) -> TokenBatch:
        """Padded tokens of one modality."""
        start = self._start[modality][items]
        count = self._start[modality][items + 1] - start
        longest = max(1, int(count.max())) if len(items) else 1
        offset = torch.arange(longest, device=self.device)
        there = offset < count[:, None]
        data = self._data[modality]
        if not len(data):
            features = self._tower.shape.features[modality]
            return TokenBatch(torch.zeros(len(items), longest, features, device=self.device), there)
        place = torch.where(there, start[:, None] + offset, 0)
        x = self.read(modality, data.index_select(0, place.flatten()))
        return TokenBatch(x.view(*place.shape, x.shape[-1]), there)

    def read(self, modality: str, data: Tensor) -> Tensor:
        """x: float[n, features] of tokens as a catalogue holds them: encoded ones [n, features], or ids [n]."""
        found: Tensor = data.float() if modality in ENCODED else getattr(self._tower, modality)(data.long())
        return found

    def mean(self, modality: str, items: Tensor) -> TokenBatch:
        """One token per item: the mean of its embeddings in a vocabulary."""
        start = self._start[modality][items]
        count = self._start[modality][items + 1] - start
        offset = count.cumsum(0) - count
        place = torch.arange(int(count.sum()), device=self.device) + torch.repeat_interleave(start - offset, count)
        table = getattr(self._tower, modality).weight
        x = functional.embedding_bag(self._data[modality][place].long(), table, offset, mode="mean")
        return TokenBatch(x[:, None], count[:, None] > 0, count[:, None].clamp_min(1).float())

    def start_of(self, modality: str, item: int) -> int:
        """Where the tokens of an item begin."""
        return int(self._start[modality][item])

    def put(self, modality: str, items: Tensor, states: list[Tensor]) -> None:
        """Replace the encoded tokens of these items, as many each as before: float[tokens, features]."""
        data = self._data[modality]
        for item, one in zip(items.tolist(), states, strict=True):
            start = self.start_of(modality, item)
            data[start : start + len(one)] = one.to(data)

    def averaged(self) -> Averaged:
        """The same products with the encoded tokens of each modality averaged into one."""
        means = {name: self._means(name) for name in self.modalities if name in ENCODED}
        return Averaged(self, means)

    def _means(self, modality: str) -> tuple[Tensor, Tensor]:
        start, data = self._start[modality], self._data[modality]
        counts = start.diff()
        sums = torch.zeros(len(counts), self._tower.shape.features[modality], device=self.device)
        item = torch.repeat_interleave(torch.arange(len(counts), device=self.device), counts)
        for first in range(0, len(data), _AVERAGED_AT_ONCE):
            part = slice(first, first + _AVERAGED_AT_ONCE)
            sums.index_add_(0, item[part], data[part].float())
        return sums / counts.clamp_min(1)[:, None], counts


class Edited:
    """All products, a few of them with other tokens than the catalogue holds."""

    def __init__(self, tokens: Tokens, pages: Mapping[int, Page]) -> None:
        """pages: item -> what is read of it instead."""
        self.modalities, self.device = tokens.modalities, tokens.device
        self._tokens = tokens
        self._held = {
            modality: {
                item: torch.from_numpy(np.array(getattr(page, modality))).to(self.device)
                for item, page in pages.items()
            }
            for modality in self.modalities
        }

    def of(self, tower: Tower) -> Edited:
        """The same products as another tower of the same shape reads them."""
        other = copy.copy(self)
        other._tokens = self._tokens.of(tower)
        return other

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        return self._tokens.buckets(items, size)

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        return {modality: self.gather(modality, items) for modality in self.modalities}

    def gather(self, modality: str, items: Tensor) -> TokenBatch:
        """Padded tokens of one modality."""
        batch, held = self._tokens.gather(modality, items), self._held[modality]
        instead = {row: held[item] for row, item in enumerate(items.tolist()) if item in held}
        if not instead:
            return batch
        rows, longest, features = batch.x.shape
        x, there = batch.x, batch.there
        wider = max(len(data) for data in instead.values()) - longest
        if wider > 0:
            x = torch.cat([x, x.new_zeros(rows, wider, features)], dim=1)
            there = torch.cat([there, there.new_zeros(rows, wider)], dim=1)
        for row, data in instead.items():
            there[row] = torch.arange(there.shape[1], device=self.device) < len(data)
            x[row, : len(data)] = self._tokens.read(modality, data)
        return TokenBatch(x, there)


class Averaged:
    """Products whose encoded tokens are averaged: the very same model while its attention is uniform, far cheaper."""

    def __init__(self, tokens: Tokens, means: dict[str, tuple[Tensor, Tensor]]) -> None:
        self.modalities = tokens.modalities
        self._tokens, self._means = tokens, means

    def buckets(self, items: Tensor, size: int = 8192) -> list[Tensor]:
        return list(torch.arange(len(items), device=items.device).split(size))

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        found = {}
        for modality in self.modalities:
            if modality in self._means:
                mean, count = self._means[modality]
                count = count[items, None]
                found[modality] = TokenBatch(mean[items, None], count > 0, count.clamp_min(1).float())
            else:
                found[modality] = self._tokens.mean(modality, items)
        return found


class Thinned:
    """Products with some of their tokens left out at random, at least one of each modality kept: word dropout."""

    def __init__(self, tokens: TokenSource, chance: float) -> None:
        self.modalities = tokens.modalities
        self._tokens, self._chance = tokens, chance

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        return self._tokens.buckets(items, size)

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        found = {}
        for modality, batch in self._tokens.batch(items).items():
            kept = torch.rand(batch.there.shape, device=batch.there.device) >= self._chance
            kept[:, 0] = True
            found[modality] = TokenBatch(batch.x, batch.there & kept, batch.count)
        return found
