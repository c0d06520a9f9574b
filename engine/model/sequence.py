"""The shopper's sequence: a causal pre-norm Transformer over the vectors of past purchases (SASRec family)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Pre-norm self-attention and feed-forward."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.before_feed = nn.LayerNorm(dim)
        self.feed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim))
        self.dropout = nn.Dropout(dropout)
        # Start as the mean of the history: heads pass on what they heed, unmixed.
        with torch.no_grad():
            self.query_key_value.weight[2 * dim :] = torch.eye(dim)
            self.out.weight.copy_(torch.eye(dim))
            for bias in (self.query_key_value.bias, self.out.bias):
                bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        rows, length, dim = x.shape
        parts = self.query_key_value(self.before_attention(x)).view(rows, length, 3, self.heads, dim // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        heeded = functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, dropout_p=self.dropout.p if self.training else 0.0
        )
        x = x + self.dropout(self.out(heeded.transpose(1, 2).reshape(rows, length, dim)))
        return x + self.dropout(self.feed(self.before_feed(x)))


class Sequence(nn.Module):
    """Shopper vectors from histories. Position 0 is the profile token, so an empty history has a vector too."""

    def __init__(self, dim: int, heads: int, blocks: int, history: int, dropout: float) -> None:
        super().__init__()
        self.history = history
        self.profile = nn.Parameter(torch.randn(dim) * 0.02)
        self.position = nn.Parameter(torch.randn(history + 1, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, heads, dropout) for _ in range(blocks))
        self.last_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.scale = dim**0.5

    def forward(self, vectors: Tensor) -> Tensor:
        """float[rows, n, dim] of the n purchases, oldest first -> float[rows, n + 1, dim]: u before each and after all.

        Padding goes behind a history, where causality keeps it from being read.
        """
        rows = vectors.shape[0]
        start = self.profile.expand(rows, 1, -1)
        x = torch.cat([start, vectors * self.scale], dim=1)
        x = self.dropout(x + self.position[: x.shape[1]])
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.last_norm(x)
        return normed
