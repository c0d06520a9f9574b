"""One training step: windows of histories in, a loss out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engine.dataset.split import Interactions
from engine.errors import HeedmapError
from engine.model.losses import ALIGNMENTS, OBJECTIVES, logits, mse
from engine.model.recommender import Model
from engine.model.tokens import Thinned, Tokens, TokenSource
from engine.training.config import Config
from engine.training.windows import Batch

FULL_UP_TO = 5_000  # products; beyond, the softmax is sampled
SAMPLED = 1_024
_ALIGNED = 256  # products per step whose modalities are aligned
_ASKED, _CANDIDATES = 48, 8  # shoppers and products per step on which `cross` attention is trained


class Step:
    """Everything a step needs beside its batch."""

    def __init__(self, model: Model, tokens: Tokens, data: Interactions, config: Config) -> None:
        device = model.seen.device
        self.model, self.config = model, config
        self.tokens: TokenSource = tokens
        self._whole, self._averaged = tokens, tokens.averaged()
        self._item = torch.from_numpy(data.item.astype(np.int64)).to(device)
        self._value = torch.from_numpy(data.value).to(device)
        columns = list(model.shape.context)
        self._context = torch.from_numpy(data.context.ids[:, columns].astype(np.int64)).to(device) if columns else None
        self._data = data
        self._on_ratings = config.rating or config.objective == "mse"
        if self._on_ratings and not np.isfinite(data.value).any():
            raise HeedmapError("The events carry no ratings to learn.", "Use another objective, and rating=false.")
        self._mean = float(np.nanmean(data.value)) if self._on_ratings else 0.0
        if model.shape.rating:
            model.rating.mean.fill_(self._mean)
        self._shopper: Tensor | None = None
        self.learn(np.ones(len(data.item), bool))

    def weigh(self, shoppers: np.ndarray) -> None:
        """Let each training example count as many times as its shopper is given here: float[users]."""
        self._shopper = torch.from_numpy(shoppers[self._data.user]).float().to(self._item.device)

    def learn(self, train: np.ndarray) -> None:
        """Take these events, bool[events], as the ones that count products' weight."""
        counts = np.bincount(self._data.item[train], minlength=len(self._data.items)) + 1.0
        weight = torch.from_numpy(counts**-self.config.long_tail).float()
        self._weight = weight.to(self._item.device)

    def attend(self, attending: bool) -> None:
        """Whether the steps train attention over all tokens, or run on averages while attention is uniform."""
        if not attending:
            self.tokens = self._averaged
        elif self.config.word_dropout:
            self.tokens = Thinned(self._whole, self.config.word_dropout)
        else:
            self.tokens = self._whole

    def loss(self, batch: Batch, random: np.random.Generator) -> Tensor:
        """Next-product loss over all counted positions; every distinct product is encoded once."""
        model, config, device = self.model, self.config, self._item.device
        events = torch.from_numpy(batch.events).to(device)
        there = events >= 0
        items, context, about, counted = self.inputs(batch)
        seen = torch.nonzero(model.seen)[:, 0]
        negatives = config.negatives or (0 if len(seen) <= FULL_UP_TO else SAMPLED)
        if negatives:
            drawn = seen[torch.from_numpy(random.integers(0, len(seen), negatives)).to(device)]
            encoded, place = torch.unique(torch.cat([items[there], drawn]), return_inverse=True)
            others = place[int(there.sum()) :]
        else:
            encoded, others = seen, None  # training products all have a training event
        position = torch.zeros(model.shape.tower.items, dtype=torch.int64, device=device)
        position[encoded] = torch.arange(len(encoded), device=device)
        place_of = position[items]
        target = place_of[counted]
        parts = model.item_parts(encoded, self.tokens)
        bias = model.bias(encoded)
        weight = self._weight[encoded[target]]
        if self._shopper is not None:
            weight = weight * self._shopper[events[counted]]

        def objective(vectors: Tensor) -> tuple[Tensor, Tensor]:
            """The loss of these product vectors, and the shoppers' vectors at the targets."""
            shoppers = model.sequence(vectors[place_of[:, :-1]], context, about)[counted]
            if config.objective == "mse":
                score = (shoppers * vectors[target]).sum(dim=1) + bias[target]
                return mse(score, self._value[events[counted]] - self._mean), shoppers
            return OBJECTIVES[config.objective](
                logits(shoppers, vectors, bias, target, others, len(seen)), weight
            ), shoppers

        vectors = _joined(parts, _kept(parts, len(encoded), config))
        loss, shoppers = objective(vectors)
        if config.adversarial:
            loss = loss + _worst_case(loss, vectors, lambda nudged: objective(nudged)[0], config.adversarial)
        if config.align != "none":
            loss = loss + config.align_weight * _aligned(parts, random, config)
        if model.shape.rating:
            predicted = model.rating(shoppers, vectors[target], encoded[target])
            loss = loss + mse(predicted, self._value[events[counted]])
        if config.fusion == "cross" and self.tokens is not self._averaged:
            loss = loss + self._asked(shoppers, encoded[target], seen, random)
        return loss

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor]:
        """What the sequence reads of a batch: items int64[rows, length], context, profiles, counted bool[rows, length].

        The sequence takes all items but the last of each row.
        """
        device = self._item.device
        events = torch.from_numpy(batch.events).to(device).clamp_min(0)
        context = None if self._context is None else self._context[events][:, :-1]
        return (
            self._item[events],
            context,
            self._profiles(batch, device),
            torch.from_numpy(batch.counted).to(device),
        )

    def _profiles(self, batch: Batch, device: torch.device) -> Tensor | None:
        if not self.model.shape.profiles:
            return None
        profiles = self._data.profiles
        ids = [profiles.of(int(self._data.user[row[0]])) for row in batch.events]
        padded = np.full((len(ids), max(1, max(len(one) for one in ids))), -1, np.int64)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = one
        return torch.from_numpy(padded).to(device)

    def _asked(self, shoppers: Tensor, target: Tensor, seen: Tensor, random: np.random.Generator) -> Tensor:
        """Cross attention is trained where it is used: on a few candidates per shopper, the target among them."""
        chosen = torch.from_numpy(random.choice(len(target), min(_ASKED, len(target)), replace=False)).to(seen.device)
        drawn = seen[torch.from_numpy(random.integers(0, len(seen), (len(chosen), _CANDIDATES - 1))).to(seen.device)]
        items = torch.cat([target[chosen, None], drawn], dim=1)
        asking = shoppers[chosen].repeat_interleave(_CANDIDATES, dim=0)
        vectors = self.model.item_vectors(items.flatten(), self.tokens, shoppers=asking)
        scores = ((vectors * asking).sum(dim=1) + self.model.bias(items.flatten())).view(items.shape)
        others = scores[:, 1:].masked_fill(drawn == items[:, :1], float("-inf"))
        return (torch.logaddexp(scores[:, 0], torch.logsumexp(others, dim=1)) - scores[:, 0]).mean()


def _joined(parts: dict[str, Tensor], keep: dict[str, Tensor] | None) -> Tensor:
    if keep is not None:
        parts = {name: part * keep[name][:, None] for name, part in parts.items()}
    return torch.stack(list(parts.values())).sum(dim=0)


def _kept(parts: dict[str, Tensor], items: int, config: Config) -> dict[str, Tensor] | None:
    """Inverted dropout of whole modalities and of identity: a factor per item and part."""
    if not config.modality_dropout and not config.identity_dropout:
        return None
    keep = {}
    for name, part in parts.items():
        chance = config.identity_dropout if name == "identity" else config.modality_dropout
        keep[name] = (torch.rand(items, device=part.device) >= chance).float() / (1 - chance)
    return keep


def _worst_case(loss: Tensor, vectors: Tensor, of: Callable[[Tensor], Tensor], size: float) -> Tensor:
    """The loss after product vectors are nudged by `size` each in the direction that hurts most (He et al. 2018)."""
    (uphill,) = torch.autograd.grad(loss, vectors, retain_graph=True)
    nudge = size * torch.nn.functional.normalize(uphill, dim=1)
    return of(vectors + nudge.detach())


def _aligned(parts: dict[str, Tensor], random: np.random.Generator, config: Config) -> Tensor:
    """Alignment of all pairs of content modalities, over products that have both."""
    names = [name for name in parts if name != "identity"]
    total = next(iter(parts.values())).new_zeros(())
    for first, one in enumerate(names):
        for other in names[first + 1 :]:
            both = torch.nonzero((parts[one] != 0).any(dim=1) & (parts[other] != 0).any(dim=1))[:, 0]
            if len(both) > 1:
                chosen = both[torch.from_numpy(random.permutation(len(both))[:_ALIGNED]).to(both.device)]
                total = total + ALIGNMENTS[config.align](parts[one][chosen], parts[other][chosen])
    return total
