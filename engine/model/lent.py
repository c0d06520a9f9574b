"""What a product without a training event borrows from those that look and read like it.

Such a product has no identity, no popularity and no row or column in the linear term. Its nearest products by content
lend it theirs, weighted by likeness, as in attribute-to-feature mappings (Gantner et al. 2010); its own words, photo
and attributes count besides, as ever. A borrowed identity stays one named term of the sum, so the sum stays exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.model.baselines.contract import Content
from engine.model.baselines.neighbours import content_features, held_modalities

LENDERS = 10  # products that lend to each new one
_SHARPNESS = 4  # shares are likeness to this power
_MOST_LENDERS = 20_000  # the most popular ones are asked, so that a large catalogue takes minutes and not hours
_BLOCK = 256


class Lent(nn.Module):
    """Buffers only. near: int32[items, lenders]; share: float32[items, lenders], rows of sum 1, or 0 for no loan."""

    def __init__(self, items: int, lenders: int) -> None:
        super().__init__()
        self.near: Tensor
        self.share: Tensor
        self.register_buffer("near", torch.zeros(items, lenders, dtype=torch.int32))
        self.register_buffer("share", torch.zeros(items, lenders))

    def put(self, near: NDArray[np.int32], share: NDArray[np.float32]) -> None:
        self.near.copy_(torch.from_numpy(near))
        self.share.copy_(torch.from_numpy(share))

    def clear(self) -> None:
        self.share.zero_()

    def borrowers(self, items: Tensor) -> Tensor:
        """Places in `items`, int64[n], of those that borrow."""
        return torch.nonzero(self.share[items].sum(dim=1))[:, 0]

    def mean(self, table: Tensor, items: Tensor) -> Tensor:
        """What is lent to each of `items` from a table of all products: float[items, n] -> float[len(items), n]."""
        return torch.einsum("ik,ikn->in", self.share[items], table[self.near[items].long()])

    def matrix(self) -> scipy.sparse.csr_matrix:
        """Who borrows how much of whom: float32[items, items]."""
        near, share = self.near.cpu().numpy(), self.share.cpu().numpy()
        row = np.repeat(np.arange(len(near)), near.shape[1])
        return scipy.sparse.csr_matrix((share.ravel(), (row, near.ravel())), shape=(len(near), len(near)))


def lenders(
    content: Content, seen: NDArray[np.bool_], popularity: NDArray[np.int64], modalities: tuple[str, ...]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The seen products most like each unseen one, and their shares; see `Lent`.

    Likeness is the mean cosine over the `modalities` that the catalogue holds. seen: bool[items]; popularity:
    int64[items], events of each.
    """
    new, known = np.flatnonzero(~seen), np.flatnonzero(seen)
    if len(known) > _MOST_LENDERS:
        known = np.sort(known[np.argsort(-popularity[known], kind="stable")[:_MOST_LENDERS]])
    count = min(LENDERS, len(known))
    near = np.zeros((len(seen), LENDERS), np.int32)
    share = np.zeros((len(seen), LENDERS), np.float32)
    features = [content_features(content, name) for name in held_modalities(content) if name in modalities]
    if not features or not count:
        return near, share
    for first in range(0, len(new), _BLOCK):
        rows = new[first : first + _BLOCK]
        alike = np.maximum(sum(_products(one, rows, known) for one in features) / len(features), 0.0)
        best = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        weight = np.take_along_axis(alike, best, axis=1).astype(np.float64) ** _SHARPNESS
        total = weight.sum(axis=1, keepdims=True)
        near[rows, :count] = known[best]
        share[rows, :count] = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return near, share


def _products(feature: Any, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    found = feature[rows] @ feature[columns].T
    dense: NDArray[np.float32] = found.toarray() if scipy.sparse.issparse(found) else found
    return dense
