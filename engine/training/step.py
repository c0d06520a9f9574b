"""One training step: windows of histories in, a loss out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dataset.split import Interactions, Split
from engine.model.losses import full_softmax, sampled_softmax
from engine.model.recommender import Model, Tokens
from engine.training.config import Config

FULL_UP_TO = 5_000  # products; beyond, the softmax is sampled
SAMPLED = 1_024


@dataclass(frozen=True)
class Batch:
    """items: int64[rows, length], products in order, -1 behind the end. counted: bool[rows, length], positions whose
    product is a target: all but the first of a window that starts in the middle of a history."""

    items: NDArray[np.int64]
    counted: NDArray[np.bool_]


class Windows:
    """Cuts training histories into windows of `history` + 1 products, at a new random offset each epoch."""

    def __init__(self, data: Interactions, parts: Split, history: int) -> None:
        self._length = history + 1
        kept = np.flatnonzero(parts.train)
        users, starts = np.unique(data.user[kept], return_index=True)
        self._sequences = np.split(data.item[kept].astype(np.int64), starts[1:]) if len(users) else []

    def batches(self, random: np.random.Generator, size: int) -> list[Batch]:
        """Windows in random order, `size` to a batch, windows of like length together to spare padding."""
        windows: list[tuple[NDArray[np.int64], bool]] = []
        for items in self._sequences:
            first = int(random.integers(1, self._length + 1)) if len(items) > self._length else len(items)
            edges = [0, *range(first, len(items), self._length - 1)]
            for begin, end in zip(edges, [*edges[1:], len(items)], strict=True):
                # A later window repeats one product before its own, as history.
                windows.append((items[max(0, begin - 1) : end], begin == 0))
        order = random.permutation(len(windows))
        order = order[np.argsort([len(windows[index][0]) // 8 for index in order], kind="stable")]
        chunks = [order[first : first + size] for first in range(0, len(order), size)]
        return [self._padded([windows[index] for index in chunks[place]]) for place in random.permutation(len(chunks))]

    @staticmethod
    def _padded(windows: list[tuple[NDArray[np.int64], bool]]) -> Batch:
        longest = max(len(items) for items, _ in windows)
        items = np.full((len(windows), longest), -1, np.int64)
        counted = np.zeros((len(windows), longest), bool)
        for row, (one, is_start) in enumerate(windows):
            items[row, : len(one)] = one
            counted[row, 0 if is_start else 1 : len(one)] = True
        return Batch(items, counted)


def training_loss(model: Model, tokens: Tokens, batch: Batch, random: np.random.Generator, config: Config) -> Tensor:
    """Next-product softmax loss over all counted positions; every distinct product is encoded once."""
    device = model.seen.device
    items = torch.from_numpy(batch.items).to(device)
    there = items >= 0
    seen = torch.nonzero(model.seen)[:, 0]
    negatives = config.negatives or (0 if len(seen) <= FULL_UP_TO else SAMPLED)
    if negatives:
        drawn = seen[torch.from_numpy(random.integers(0, len(seen), negatives)).to(device)]
        encoded, place = torch.unique(torch.cat([items[there], drawn]), return_inverse=True)
        drawn_place = place[int(there.sum()) :]
    else:
        encoded = seen  # training products all have a training event
    position = torch.zeros(model.shape.tower.items, dtype=torch.int64, device=device)
    position[encoded] = torch.arange(len(encoded), device=device)
    vectors = model.item_vectors(encoded, tokens, _kept(model, len(encoded), config.modality_dropout))
    bias = model.bias(encoded)
    place_of = position[items.clamp_min(0)]
    states = model.sequence(vectors[place_of[:, :-1]])
    counted = torch.from_numpy(batch.counted).to(device)
    shoppers, target = states[counted], place_of[counted]
    if not negatives:
        return full_softmax(shoppers, vectors, bias, target)
    return sampled_softmax(
        shoppers,
        vectors[target],
        bias[target],
        vectors[drawn_place],
        bias[drawn_place],
        hit=drawn_place[None, :] == target[:, None],
        catalogue=len(seen),
    )


def _kept(model: Model, items: int, chance: float) -> dict[str, Tensor] | None:
    """Inverted modality dropout: a factor per item and part."""
    if not chance:
        return None
    names = ["identity", *model.shape.tower.features]
    draw = torch.rand(len(names), items, device=model.seen.device) >= chance
    return {name: draw[row].float() / (1 - chance) for row, name in enumerate(names)}
