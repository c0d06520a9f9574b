"""What a product without a training event borrows from those that look and read like it.

Such a product has no identity, no popularity and no row or column in the linear term. Its nearest products by content
lend it theirs, weighted by likeness, as in attribute-to-feature mappings (Gantner et al. 2010); its own words, photo
and attributes count besides, as ever. A borrowed identity stays one named term of the sum, so the sum stays exact.

What goes with a lender is not the lender: the linear term's matrix has no diagonal, for nobody gets a product twice.
Yet whoever had a lender lately is who the new product, so like it, may be for. So each lender in the history adds
`alike` * decay(age) times its share to the score, as content neighbours do (`own_scores`), a part of the linear term.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.features.content import Content, content_features, held_modalities

LENDERS = 10  # products that lend to each new one
ALIKE = 8.0  # what a new product gets for its only lender having been the last one had, in units of score
HALF_LIFE = 2.0  # events after which a lender in the history counts half
_FORGOTTEN = 10  # half-lives after which it counts no more
_SHARPNESS = 4  # shares are likeness to this power
_MOST_LENDERS = 20_000  # the most popular ones are asked, so that a large catalogue takes minutes and not hours
_BLOCK = 256


class Lent(nn.Module):
    """Buffers only. near: int32[items, lenders]; share: float32[items, lenders], rows of sum 1, or 0 for no loan.

    alike, half_life: what lenders in the history add, 0 in runs from before they added anything, and how fast it fades.
    """

    def __init__(self, items: int, lenders: int) -> None:
        super().__init__()
        self.near: Tensor
        self.share: Tensor
        self.alike: Tensor
        self.half_life: Tensor
        self.register_buffer("alike", torch.zeros(()))
        self.register_buffer("half_life", torch.ones(()))
        self.register_buffer("near", torch.zeros(items, lenders, dtype=torch.int32))
        self.register_buffer("share", torch.zeros(items, lenders))

    def put(self, near: NDArray[np.int32], share: NDArray[np.float32]) -> None:
        self.near.copy_(torch.from_numpy(near))
        self.share.copy_(torch.from_numpy(share))

    def let_count(self, alike: float = ALIKE, half_life: float = HALF_LIFE) -> None:
        """Let lenders in the history add to the score."""
        self.alike.fill_(alike)
        self.half_life.fill_(half_life)

    def clear(self) -> None:
        self.share.zero_()

    def borrowers(self, items: Tensor) -> Tensor:
        """Places in `items`, int64[n], of those that borrow."""
        return torch.nonzero(self.share[items].sum(dim=1))[:, 0]

    def mean(self, table: Tensor, items: Tensor) -> Tensor:
        """What is lent to each of `items` from a table of all products: float[items, n] -> float[len(items), n]."""
        return torch.einsum("ik,ikn->in", self.share[items], table[self.near[items].long()])

    def own_scores(self, histories: list[NDArray[np.int32]], out: Tensor) -> None:
        """Add to float32[n, items], in place, what lenders in each history (oldest first) add to new products."""
        level = float(self.alike)
        new = torch.nonzero(self.share.sum(dim=1))[:, 0] if level else self.near[:0, 0]
        if not len(new):
            return
        near, share = self.near[new].long(), self.share[new] * level
        for row, history in enumerate(histories):
            worth = torch.zeros(len(self.near), device=share.device)
            first, decay = self._fading(history)
            read = torch.from_numpy(history[first:].astype(np.int64)).to(share.device)
            worth.index_add_(0, read, torch.from_numpy(decay).to(share))
            out[row, new] += (worth[near] * share).sum(dim=1)

    def own_shares(self, history: NDArray[np.int32], item: int) -> NDArray[np.float64]:
        """float64[len(history)]: what each past product adds to the score of `item` for being its lender."""
        found = np.zeros(len(history))
        share = self.share[item].double().cpu().numpy() * float(self.alike)
        if len(history) and share.any():
            first, decay = self._fading(history)
            matches = history[first:, None] == self.near[item].cpu().numpy()[None, :]
            found[first:] = decay * (matches @ share)
        return found

    def _fading(self, history: NDArray[np.int32]) -> tuple[int, NDArray[np.float64]]:
        """From which event on a history is read, and what each of those events counts."""
        half_life = float(self.half_life)
        first = max(0, len(history) - int(_FORGOTTEN * half_life))
        return first, 0.5 ** (np.arange(len(history) - first - 1, -1, -1) / half_life)

    def matrix(self) -> scipy.sparse.csr_matrix:
        """Who borrows how much of whom: float32[items, items]."""
        near, share = self.near.cpu().numpy(), self.share.cpu().numpy()
        row = np.repeat(np.arange(len(near)), near.shape[1])
        found = scipy.sparse.csr_matrix((share.ravel(), (row, near.ravel())), shape=(len(near), len(near)))
        found.eliminate_zeros()
        return found


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
