"""The item tower: a product's tokens to its vector, linear after attention, so that every token's share is exact.

Item i has tokens t of modality m with features x(i,t). With heads h, each owning dim/heads of the vector:

    a(i,t,h)     = q(m,h) . K(m,h) x(i,t)                 attention logit
    alpha(i,t,h) = softmax of a over the tokens            within a modality; over all content under `attention` fusion
    p(i,m)       = concat over h of V(m,h) sum_t alpha(i,t,h) x(i,t)
    e(i)         = sum over m of M(m) p(i,m) + identity(i)

M(m) is a learned weight (`weighted`, `cross`), a matrix (`concat`: one linear map of the concatenated pooled
modalities, by blocks), one learned weight for all (`attention`), or a weight of the item's own (`gated`: softmax over
modalities of the mean scaled dot product of p(i,m) with the p(i,m') of all modalities). Under `cross` the query is
q(m,h) + A(m,h) u once a shopper u is given, so that attention, and with it e(i), depends on the shopper.
Since pooling is linear, x is averaged before it is projected: heads x features instead of tokens x dim multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

_IDENTITY_STD = 0.02
# Content starts as a random rotation of its features, so that like products have like vectors, at a level that does
# not drown the identity signal. The level is a factor, not small values: a step of Adam would overwrite those at once.
_CONTENT_LEVEL = 0.1


@dataclass(frozen=True)
class TowerShape:
    """What a tower is built from; saved beside its weights.

    features: modality -> feature size of its tokens; pruned: modality -> heads that were taken out of it.
    """

    items: int
    dim: int
    heads: int
    fusion: str
    features: dict[str, int]
    attributes: int  # vocabulary sizes
    links: int
    identity: bool
    pruned: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenBatch:
    """Padded tokens of a batch of items. x: float[items, tokens, features]; there: bool[items, tokens]. One x may serve
    many rows of `there`: an item with other tokens left out in each.

    count: float[items, tokens], how many tokens each stands for, where tokens were averaged.
    """

    x: Tensor
    there: Tensor
    count: Tensor | None = None


class Pooling(nn.Module):
    """Attention and value maps of one modality. A pruned head has no weights: its attention and values are zero."""

    def __init__(self, features: int, dim: int, all_heads: int, asks: bool, pruned: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.kept = [head for head in range(all_heads) if head not in pruned]
        width, heads = dim // all_heads, len(self.kept)
        self.all_heads = all_heads
        self.key = nn.Parameter(torch.randn(heads, width, features) * features**-0.5)
        self.query = nn.Parameter(torch.zeros(heads, width))  # zero: attention starts uniform
        self.value = nn.Parameter(torch.randn(heads, width, features) * features**-0.5)
        self.level = nn.Parameter(torch.zeros(heads))  # b(m,h): only matters under one softmax over all modalities
        if asks:  # zero: the shopper changes nothing at first
            self.ask = nn.Parameter(torch.zeros(heads, width, dim))

    def logits(self, tokens: TokenBatch, shopper: Tensor | None) -> Tensor:
        """float[items, heads, tokens]; -inf where there is no token. shopper: float[items, dim] asks for itself."""
        question = torch.einsum("hk,hkf->hf", self.query, self.key)
        logits = (tokens.x @ question.T).transpose(1, 2) + self.level[:, None]
        if shopper is not None:
            asked = torch.einsum("hkd,id,hkf->ihf", self.ask, shopper, self.key)
            logits = logits + asked @ tokens.x.transpose(1, 2)
        if tokens.count is not None:
            logits = logits + torch.log(tokens.count)[:, None, :]
        return logits.masked_fill(~tokens.there[:, None, :], float("-inf"))

    def placed(self, kept: Tensor) -> Tensor:
        """From values of the kept heads, float[items, kept, n], to those of all: zeros for a pruned one."""
        if kept.shape[1] == self.all_heads:
            return kept
        placed = kept.new_zeros(len(kept), self.all_heads, kept.shape[2])
        placed[:, self.kept] = kept
        return placed

    def pooled(self, alpha: Tensor, tokens: TokenBatch) -> Tensor:
        """float[items, dim] from attention float[items, heads, tokens]."""
        if len(self.kept) < self.all_heads:
            alpha = alpha[:, self.kept]
        if tokens.x.shape[1] == 1:
            values = tokens.x[:, 0] @ self.value.flatten(0, 1).T
            return self.placed(values.view(len(values), len(self.kept), -1) * alpha).flatten(1)
        mean = alpha @ tokens.x[0] if len(tokens.x) == 1 else torch.bmm(alpha, tokens.x)
        return self.placed(torch.einsum("ihf,hkf->ihk", mean, self.value)).flatten(1)


class Tower(nn.Module):
    """Item vectors from tokens; see the module's docstring for the formulas."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        self.shape = shape
        self.pooling = nn.ModuleDict(
            {
                modality: Pooling(
                    size, shape.dim, shape.heads, shape.fusion == "cross", tuple(shape.pruned.get(modality, ()))
                )
                for modality, size in shape.features.items()
            }
        )
        if shape.attributes:
            self.attribute = nn.Embedding(shape.attributes, shape.features["attribute"])
        if shape.links:
            self.link = nn.Embedding(shape.links, shape.features["link"])
        if shape.identity:
            self.identity = nn.Embedding(shape.items, shape.dim)
            nn.init.normal_(self.identity.weight, std=_IDENTITY_STD)
        self.bias = nn.Parameter(torch.zeros(shape.items))
        if shape.fusion in ("weighted", "cross"):
            self.weight = nn.ParameterDict({modality: torch.tensor(_CONTENT_LEVEL) for modality in shape.features})
        elif shape.fusion in ("attention", "gated"):
            self.level = nn.Parameter(torch.tensor(_CONTENT_LEVEL))
        elif shape.fusion == "concat":
            self.joint = nn.ParameterDict(
                {modality: torch.eye(shape.dim) * _CONTENT_LEVEL for modality in shape.features}
            )

    def attention(self, tokens: dict[str, TokenBatch], shopper: Tensor | None = None) -> dict[str, Tensor]:
        """float[items, heads, tokens] per modality; zeros for an item that lacks the modality.

        shopper: float[items, dim], for the `cross` fusion; the others do not look at it.
        """
        asking = shopper if self.shape.fusion == "cross" else None
        logits = {modality: self._pool(modality).logits(batch, asking) for modality, batch in tokens.items()}
        if self.shape.fusion != "attention" or not logits:
            return {modality: self._pool(modality).placed(_softmax(one)) for modality, one in logits.items()}
        joint = _softmax(torch.cat(list(logits.values()), dim=2))
        sizes = [one.shape[2] for one in logits.values()]
        return dict(zip(logits, joint.split(sizes, dim=2), strict=True))

    def pooled(self, tokens: dict[str, TokenBatch], shopper: Tensor | None = None) -> dict[str, Tensor]:
        """p(i,m), float[items, dim] per modality; zeros for an item that lacks it."""
        return self.pooled_under(self.attention(tokens, shopper), tokens)

    def pooled_under(self, alpha: dict[str, Tensor], tokens: dict[str, TokenBatch]) -> dict[str, Tensor]:
        """p(i,m) under a given attention, float[items, heads, tokens] per modality."""
        return {modality: self._pool(modality).pooled(alpha[modality], batch) for modality, batch in tokens.items()}

    def content(self, tokens: dict[str, TokenBatch], shopper: Tensor | None = None) -> dict[str, Tensor]:
        """Each modality's part of the item vector, float[items, dim]."""
        return self.content_under(self.attention(tokens, shopper), tokens)

    def content_under(self, alpha: dict[str, Tensor], tokens: dict[str, TokenBatch]) -> dict[str, Tensor]:
        """The same under a given attention."""
        pooled = self.pooled_under(alpha, tokens)
        gates = self.gates(pooled, tokens)
        return {modality: gates[modality] * self.mix(modality, one) for modality, one in pooled.items()}

    def gates(self, pooled: dict[str, Tensor], tokens: dict[str, TokenBatch]) -> dict[str, Tensor]:
        """The item's own factor on each modality, float[items, 1]: ones, but for `gated` fusion."""
        if self.shape.fusion != "gated" or not pooled:
            return {modality: one.new_ones(len(one), 1) for modality, one in pooled.items()}
        stacked = torch.stack(list(pooled.values()), dim=1)
        there = torch.stack([batch.there.any(dim=1) for batch in tokens.values()], dim=1)
        likeness = (stacked @ stacked.transpose(1, 2)) * self.shape.dim**-0.5
        logits = likeness.sum(dim=2) / there.sum(dim=1, keepdim=True).clamp_min(1)
        weights = _softmax(logits.masked_fill(~there, float("-inf"))) * len(self.shape.features)
        return dict(zip(pooled, weights.split(1, dim=1), strict=True))

    def mix(self, modality: str, pooled: Tensor) -> Tensor:
        """M(m) p without the item's own gate: float[items, dim] -> float[items, dim]."""
        if self.shape.fusion in ("weighted", "cross"):
            return self.weight[modality] * pooled
        if self.shape.fusion == "concat":
            return pooled @ self.joint[modality].T
        return self.level * pooled

    def token_values(self, modality: str, x: Tensor) -> Tensor:
        """V(m,h) x of every token, placed in head h's part of the vector: float[tokens, heads, dim], after M(m).

        For explanations: sum over t, h of alpha(t,h) times this, times the item's gate, is the modality's part of the
        item vector.
        """
        values = torch.einsum("tf,hkf->thk", x, self._pool(modality).value)
        heads, width = self.shape.heads, values.shape[2]
        placed = x.new_zeros(len(x), heads, self.shape.dim)
        for row, head in enumerate(self.heads_of(modality)):
            placed[:, head, head * width : (head + 1) * width] = values[:, row]
        return self.mix(modality, placed.flatten(0, 1)).view(len(x), heads, self.shape.dim)

    def token_shares(self, modality: str, x: Tensor, shopper: Tensor) -> Tensor:
        """u . M(m) V(m,h) x of every token: float[tokens, heads], what each would add to the score of shopper u,
        float[dim], if head h heeded it alone (times the item's gate); zeros for a pruned head. As precise as u is."""
        pooling = self._pool(modality)
        if self.shape.fusion in ("weighted", "cross"):
            asked = self.weight[modality].to(shopper) * shopper
        elif self.shape.fusion == "concat":
            asked = shopper @ self.joint[modality].to(shopper)
        else:
            asked = self.level.to(shopper) * shopper
        by_head = asked.view(self.shape.heads, -1)[pooling.kept]
        found = x.to(shopper) @ torch.einsum("hk,hkf->fh", by_head, pooling.value.to(shopper))
        if len(pooling.kept) == self.shape.heads:
            return found
        placed = found.new_zeros(len(x), self.shape.heads)
        placed[:, pooling.kept] = found
        return placed

    def heads_of(self, modality: str) -> list[int]:
        """The heads that a modality has, in the order of its weights."""
        return self._pool(modality).kept

    def _pool(self, modality: str) -> Pooling:
        pooling = self.pooling[modality]
        assert isinstance(pooling, Pooling)
        return pooling


def _softmax(logits: Tensor) -> Tensor:
    """Softmax over the last axis; zeros, not NaN, where every entry is -inf."""
    top = logits.amax(dim=-1, keepdim=True)
    powers = torch.exp(logits - top.masked_fill(torch.isinf(top), 0.0))
    return powers / powers.sum(dim=-1, keepdim=True).clamp_min(1e-30)
