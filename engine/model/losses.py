"""Softmax over the next product: full, or sampled with a correction."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def full_softmax(shoppers: Tensor, items: Tensor, bias: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy. shoppers: float[n, dim]; items: float[m, dim]; target: int64[n], rows of `items`."""
    return functional.cross_entropy(shoppers @ items.T + bias, target)


def sampled_softmax(
    shoppers: Tensor,
    positive: Tensor,
    positive_bias: Tensor,
    negatives: Tensor,
    negative_bias: Tensor,
    hit: Tensor,
    catalogue: int,
) -> Tensor:
    """Cross-entropy with shared uniform negatives; log-Q correction makes their sum an estimate of the whole one.

    positive: float[n, dim]; negatives: float[k, dim]; hit: bool[n, k], where a negative is the row's own target.
    Bengio and Senécal 2008: each of k uniform draws out of `catalogue` stands for catalogue / k products.
    """
    own = (shoppers * positive).sum(dim=1) + positive_bias
    others = shoppers @ negatives.T + negative_bias + math.log(catalogue / negatives.shape[0])
    others = others.masked_fill(hit, float("-inf"))
    logits = torch.cat([own[:, None], others], dim=1)
    return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))
