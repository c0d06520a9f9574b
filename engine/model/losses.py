"""Training objectives: one number from shopper vectors, their targets and negatives.

An objective gets `Logits` and a weight per target. Softmax is full, or sampled with a correction; the others need
negatives and take them from the same logits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Logits:
    """Scores of a batch of targets. own: float[n], the target's; others: float[n, m], of the products beside it, -inf
    where one is the target itself. stands_for: how many products of the catalogue each of `others` stands for."""

    own: Tensor
    others: Tensor
    stands_for: float


def logits(
    shoppers: Tensor, items: Tensor, bias: Tensor, target: Tensor, others: Tensor | None, catalogue: int
) -> Logits:
    """shoppers: float[n, dim]; items: float[m, dim] and bias: float[m]; target: int64[n], rows of `items`; others:
    int64[k], rows drawn uniformly as negatives for everyone, or None to take all items; catalogue: products in all."""
    if others is None:
        scores = shoppers @ items.T + bias
        own = scores.gather(1, target[:, None])[:, 0]
        return Logits(own, scores.scatter(1, target[:, None], float("-inf")), 1.0)
    own = (shoppers * items[target]).sum(dim=1) + bias[target]
    scores = shoppers @ items[others].T + bias[others]
    hit = others[None, :] == target[:, None]
    return Logits(own, scores.masked_fill(hit, float("-inf")), catalogue / len(others))


def softmax(found: Logits, weight: Tensor) -> Tensor:
    """Weighted mean cross-entropy over the catalogue. Of k drawn negatives, each stands for catalogue / k products
    (log-Q correction, Bengio and Senécal 2008), so that their sum estimates the whole one."""
    rest = torch.logsumexp(found.others, dim=1) + math.log(found.stands_for)
    return _mean(torch.logaddexp(found.own, rest) - found.own, weight)


def bce(found: Logits, weight: Tensor) -> Tensor:
    """Binary cross-entropy: the target is bought, the others are not, all of them together weighing like one."""
    there = torch.isfinite(found.others)
    wrong = torch.where(there, functional.softplus(found.others.masked_fill(~there, 0.0)), 0.0)
    return _mean(functional.softplus(-found.own) + wrong.sum(dim=1) / there.sum(dim=1).clamp_min(1), weight)


def bpr(found: Logits, weight: Tensor) -> Tensor:
    """Bayesian personalised ranking (Rendle et al. 2009): the target ahead of each of the others."""
    ahead = found.own[:, None] - found.others  # +inf at the target itself, which costs nothing
    return _mean(functional.softplus(-ahead).sum(dim=1) / torch.isfinite(found.others).sum(dim=1).clamp_min(1), weight)


OBJECTIVES: dict[str, Callable[[Logits, Tensor], Tensor]] = {"softmax": softmax, "bce": bce, "bpr": bpr}


def mse(predicted: Tensor, rating: Tensor) -> Tensor:
    """Mean squared error over the targets that carry a rating; 0 when none does. Both float[n], NaN: no rating."""
    there = torch.isfinite(rating)
    return torch.where(there, predicted - torch.nan_to_num(rating), 0.0).square().sum() / there.sum().clamp_min(1)


def infonce(one: Tensor, other: Tensor, temperature: float = 0.1) -> Tensor:
    """Two modalities of one item, float[n, dim] each, find each other in the batch (van den Oord et al. 2018)."""
    likeness = functional.normalize(one, dim=1) @ functional.normalize(other, dim=1).T / temperature
    same = torch.arange(len(likeness), device=likeness.device)
    return (functional.cross_entropy(likeness, same) + functional.cross_entropy(likeness.T, same)) / 2


def triplet(one: Tensor, other: Tensor, margin: float = 0.2) -> Tensor:
    """Two modalities of an item are closer than those of the next item of the batch, by a margin (cosine)."""
    one, other = functional.normalize(one, dim=1), functional.normalize(other, dim=1)
    near, far = (one * other).sum(dim=1), (one * other.roll(1, dims=0)).sum(dim=1)
    return functional.relu(margin - near + far).mean()


ALIGNMENTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"infonce": infonce, "triplet": triplet}


def _mean(loss: Tensor, weight: Tensor) -> Tensor:
    return (loss * weight).sum() / weight.sum().clamp_min(1e-12)
