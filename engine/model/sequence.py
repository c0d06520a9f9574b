"""The shopper's sequence: a causal pre-norm Transformer over the vectors of past purchases (SASRec family)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.model.dropout import Dropout

_HALF_LIVES = (3.0, 100.0)  # in events, of the first and the last head


@dataclass(frozen=True)
class SequenceShape:
    """Sizes of the sequence part. contexts, profiles: vocabulary sizes, 0 for none."""

    dim: int
    blocks: int
    history: int
    dropout: float
    contexts: int = 0
    profiles: int = 0


class Block(nn.Module):
    """Pre-norm self-attention and feed-forward."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.before_feed = nn.LayerNorm(dim)
        self.feed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), Dropout(dropout), nn.Linear(4 * dim, dim))
        self.dropout = Dropout(dropout)
        # Recency: a logit falls by softplus(slope) with each later event. The heads start at different half-lives.
        halves = _HALF_LIVES[0] * (_HALF_LIVES[1] / _HALF_LIVES[0]) ** (torch.arange(heads) / max(1, heads - 1))
        self.slope = nn.Parameter(torch.log(torch.expm1(math.log(2) / halves)))
        # Start as a fading mean of the history: heads pass on what they heed, unmixed.
        with torch.no_grad():
            self.query_key_value.weight[2 * dim :] = torch.eye(dim)
            self.out.weight.copy_(torch.eye(dim))
            for bias in (self.query_key_value.bias, self.out.bias):
                bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self._query_key_value(x)
        heeded = functional.scaled_dot_product_attention(query, key, value, attn_mask=self._fade(x)[None])
        return self._onward(x, heeded)

    def newest(self, x: Tensor, place: Tensor | None = None) -> Tensor:
        """The output at one place of each row alone, float[rows, 1, dim]; what the last block need work out.

        place: int64[rows]; the last one without it.
        """
        rows = torch.arange(len(x), device=x.device)
        place = torch.full_like(rows, x.shape[1] - 1) if place is None else place
        query, key, value = self._query_key_value(x)
        fade = self._fade(x)[:, place].transpose(0, 1)[:, :, None]
        asked = query[rows, :, place][:, :, None]
        heeded = functional.scaled_dot_product_attention(asked, key, value, attn_mask=fade)
        return self._onward(x[rows, place][:, None], heeded)

    def attention(self, x: Tensor) -> Tensor:
        """float[rows, heads, n, n]: how much each place (third axis) heeds each (last axis), which `forward` keeps to
        itself; for explanations."""
        query, key, _ = self._query_key_value(x)
        logits = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
        return torch.softmax(logits + self._fade(x), dim=3)

    def under(self, x: Tensor, attention: Tensor) -> Tensor:
        """The block's output under a given attention, float[rows, heads, n, n]."""
        return self._onward(x, attention @ self._query_key_value(x)[2])

    def _query_key_value(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value: float[rows, heads, n, dim / heads] each."""
        rows, length, dim = x.shape
        parts = self.query_key_value(self.before_attention(x)).view(rows, length, 3, self.heads, dim // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        return query, key, value

    def _fade(self, x: Tensor) -> Tensor:
        """What is added to the logits, float[heads, n, n]: less for what is older, -inf for what comes later."""
        place = torch.arange(x.shape[1], device=x.device)
        age = place[:, None] - place
        fade = -functional.softplus(self.slope)[:, None, None] * age
        return fade.masked_fill(age < 0, float("-inf")).to(x.dtype)

    def _onward(self, x: Tensor, heeded: Tensor) -> Tensor:
        """From what each head heeds, float[rows, heads, n, dim / heads], to the block's output."""
        x = x + self.dropout(self.out(heeded.transpose(1, 2).reshape(x.shape)))
        return x + self.dropout(self.feed(self.before_feed(x)))


class Sequence(nn.Module):
    """Shopper vectors from histories. Position 0 is the profile token, so an empty history has a vector too.

    Each event's token is its product's vector plus embeddings of its context (kind, gap, weekday); the profile token
    takes the mean of what is known of the shopper. Both start at zero, and so stay for values unseen in training.
    """

    def __init__(self, shape: SequenceShape) -> None:
        super().__init__()
        self.shape = shape
        dim = shape.dim
        self.profile = nn.Parameter(torch.randn(dim) * 0.02)
        self.position = nn.Parameter(torch.randn(shape.history + 1, dim) * 0.02)
        heads = 2 if dim % 2 == 0 else 1
        self.blocks = nn.ModuleList(Block(dim, heads, shape.dropout) for _ in range(shape.blocks))
        self.last_norm = nn.LayerNorm(dim)
        self.dropout = Dropout(shape.dropout)
        self.scale = dim**0.5
        self.context = nn.Parameter(torch.zeros(shape.contexts, dim)) if shape.contexts else None
        self.about = nn.Parameter(torch.zeros(shape.profiles, dim)) if shape.profiles else None

    def forward(self, vectors: Tensor, context: Tensor | None = None, about: Tensor | None = None) -> Tensor:
        """float[rows, n, dim] of the n purchases, oldest first -> float[rows, n + 1, dim]: u before each and after all.

        context: int64[rows, n, fields], ids of each event's context; about: int64[rows, k], ids of the shopper's
        profile; -1 where there is none. Padding goes behind a history, where causality keeps it from being read.
        """
        x = self.embedded(vectors, context, about)
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.last_norm(x)
        return normed

    def newest(
        self, vectors: Tensor, lengths: Tensor, context: Tensor | None = None, about: Tensor | None = None
    ) -> Tensor:
        """u after the first `lengths` purchases of each row: float[rows, dim]; int64[rows]."""
        x = self.embedded(vectors, context, about)
        for block in list(self.blocks)[:-1]:
            x = block(x)
        last: Block = self.blocks[-1]  # type: ignore[assignment]
        normed: Tensor = self.last_norm(last.newest(x, lengths)[:, 0])
        return normed

    def embedded(self, vectors: Tensor, context: Tensor | None = None, about: Tensor | None = None) -> Tensor:
        """What the first block reads: float[rows, n + 1, dim]."""
        rows = vectors.shape[0]
        start = self.profile.expand(rows, 1, -1)
        if self.about is not None and about is not None:
            start = start + (_embedded(self.about, about) / (about >= 0).sum(dim=1).clamp_min(1)[:, None])[:, None]
        events = vectors * self.scale
        if self.context is not None and context is not None:
            events = events + _embedded(self.context, context)
        x = torch.cat([start, events], dim=1)
        placed: Tensor = self.dropout(x + self.position[: x.shape[1]])
        return placed


def _embedded(table: Tensor, ids: Tensor) -> Tensor:
    """The sum of embeddings over the last axis of ids; -1 adds nothing."""
    flat = ids.flatten(0, -2)
    summed = functional.embedding_bag(
        flat.clamp_min(0), table, mode="sum", per_sample_weights=(flat >= 0).to(table.dtype)
    )
    return summed.view(*ids.shape[:-1], table.shape[1])
