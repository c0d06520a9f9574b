"""A linear term over the history: each past product h adds level * decay(age) * B[h, i] to the score of product i.

B is an item-item matrix solved in closed form from the training events (which products go together, and which follow
which), its largest entries of each row kept. Nothing
stands between a past purchase and its share, so the term is explained exactly, purchase by purchase. Recency matters:
a purchase's share halves with every `half_life` later ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.dataset.split import Interactions
from engine.errors import HeedmapError

if TYPE_CHECKING:  # it reads products as the content baseline does, and baselines read this
    from engine.model.lent import Lent

Weights = NDArray[np.float64] | None  # float64[users]: how many times each shopper's events count, once where None

EASE_UP_TO = 20_000  # products: the matrix is dense while it is solved
KEPT = 256  # entries of each row
_FORGOTTEN = 10  # half-lives after which a purchase counts no more
_NEIGHBOURS_SHRINK = 20.0
_PAST, _PAST_HALF_LIFE = 20, 5.0  # events before each that transitions are solved from


@dataclass(frozen=True)
class LinearShape:
    """Sizes of the stored matrix."""

    items: int
    kept: int


class Linear(nn.Module):
    """Buffers only: it is solved, not trained. near: int32[items, kept], products; weight: float32[items, kept].

    lent: who lends to new products, where somebody does: lenders in the history then count for themselves.
    """

    def __init__(self, shape: LinearShape, lent: Lent | None = None) -> None:
        super().__init__()
        self._lent = (lent,)  # in a tuple: it is the model's part, and saved as such
        self.near: Tensor
        self.weight: Tensor
        self.level: Tensor
        self.half_life: Tensor
        self.register_buffer("near", torch.zeros(shape.items, shape.kept, dtype=torch.int32))
        self.register_buffer("weight", torch.zeros(shape.items, shape.kept))
        self.register_buffer("level", torch.zeros(()))
        self.register_buffer("half_life", torch.ones(()))

    def put(self, near: NDArray[np.int32], weight: NDArray[np.float32], level: float, half_life: float) -> None:
        """Take over the kept entries of B and how much they count; see `nearest` and `neighbours`."""
        self.near.copy_(torch.from_numpy(near))
        self.weight.copy_(torch.from_numpy(weight))
        self.level.fill_(level)
        self.half_life.fill_(half_life)

    def scores(self, histories: list[NDArray[np.int32]]) -> Tensor:
        """float32[n, items], already times the level. Histories are whole, oldest first."""
        device, (items, kept) = self.weight.device, self.near.shape
        out = torch.zeros(len(histories) * items, device=device)
        if float(self.level) and kept:
            for row, history in enumerate(histories):
                read, decay = self._read(history)
                place = self.near[read].long().flatten() + row * items
                out.index_add_(0, place, (self.weight[read] * decay[:, None]).flatten())
        found = out.view(len(histories), items) * self.level
        if self._lender is not None:
            self._lender.own_scores(histories, found)
        return found

    def shares(self, history: NDArray[np.int32], item: int) -> NDArray[np.float64]:
        """float64[len(history)]: what each past product adds to the score of `item`; they sum to the term."""
        found = np.zeros(len(history))
        if len(history) and float(self.level):
            read, decay = self._read(history)
            weight = torch.where(self.near[read] == item, self.weight[read], 0.0).sum(dim=1)
            found[len(history) - len(read) :] = (weight * decay * self.level).double().cpu().numpy()
            if self._lender is not None:
                found += self._lender.own_shares(history, item)
        return found

    def totals(self, histories: list[NDArray[np.int32]], item: int) -> NDArray[np.float64]:
        """float64[n]: the term of one product after each of many histories; the sums of their `shares`."""
        found = np.zeros(len(histories))
        if not float(self.level) or not any(map(len, histories)):
            return found
        met = np.unique(np.concatenate(histories))
        index = torch.from_numpy(met.astype(np.int64)).to(self.near.device)
        kept = torch.where(self.near[index] == item, self.weight[index], 0.0).sum(dim=1)
        weight = kept.double().cpu().numpy() * float(self.level)
        half_life = float(self.half_life)
        for row, history in enumerate(histories):
            read = history[-int(_FORGOTTEN * half_life) :]
            decay = 0.5 ** (np.arange(len(read) - 1, -1, -1) / half_life)
            found[row] = weight[np.searchsorted(met, read)] @ decay
            if self._lender is not None:
                found[row] += self._lender.own_shares(history, item).sum()
        return found

    @property
    def _lender(self) -> Lent | None:
        """None also where the whole term is switched off."""
        return self._lent[0] if float(self.level) else None

    @property
    def lenders_count(self) -> bool:
        """Whether a past product adds to the score of a new one for being its lender."""
        return self._lender is not None and float(self._lender.alike) > 0

    def _read(self, history: NDArray[np.int32]) -> tuple[Tensor, Tensor]:
        half_life = float(self.half_life)
        read = torch.from_numpy(history[-int(_FORGOTTEN * half_life) :].astype(np.int64)).to(self.weight.device)
        age = torch.arange(len(read) - 1, -1, -1, device=self.weight.device)
        return read, 0.5 ** (age / half_life)


def nearest(matrix: NDArray[np.float32], kept: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `kept` entries of largest size of each row: their columns int32[items, kept], and themselves."""
    kept = min(kept, matrix.shape[1])
    columns = np.argpartition(np.abs(matrix), matrix.shape[1] - kept, axis=1)[:, matrix.shape[1] - kept :]
    return columns.astype(np.int32), np.take_along_axis(matrix, columns, axis=1)


def ease(data: Interactions, seen: NDArray[np.bool_], ridge: float, weights: Weights = None) -> NDArray[np.float32]:
    """B: float32[items, items] of EASE (Steck 2019): the ridge regression of each product on all others, zero diagonal.

    seen: bool[events], those that may be learned from; weights: float[users], how many times each shopper counts, once
    where None. HeedmapError beyond `EASE_UP_TO` products.
    """
    return ease_matrix(_had(data, seen, weights), ridge)


def ease_matrix(had: scipy.sparse.csr_matrix, ridge: float) -> NDArray[np.float32]:
    """B = I - P / diag(P), P = (X'X + ridge I)^-1 (Steck 2019, equation 8). had: X, float[shoppers, items].

    HeedmapError beyond `EASE_UP_TO` products.
    """
    items = had.shape[1]
    if items > EASE_UP_TO:
        raise HeedmapError(
            f"EASE is not run on {items:,} products: its matrix would not fit in memory.",
            f"It serves up to {EASE_UP_TO:,} products; a run takes linear=neighbours beyond.",
        )
    inverse = _gram_inverse(had, ridge)
    matrix = inverse / -np.diag(inverse)
    np.fill_diagonal(matrix, 0.0)
    return matrix.astype(np.float32, copy=False)


def _gram_inverse(matrix: Any, ridge: float) -> NDArray[np.float64]:
    """(X'X + ridge I)^-1; through the smaller of the two Gram matrices."""
    active = np.flatnonzero(np.diff(matrix.indptr))
    matrix = matrix[active].astype(np.float64)
    users, items = matrix.shape
    if users < items:  # Woodbury: (I - X'(XX' + ridge I)^-1 X) / ridge
        lower = scipy.linalg.cholesky((matrix @ matrix.T).toarray() + ridge * np.eye(users), lower=True)
        half = scipy.linalg.solve_triangular(lower, matrix.toarray(), lower=True)
        inverse: NDArray[np.float64] = half.T @ half
        np.negative(inverse, out=inverse)
        inverse[np.diag_indices(items)] += 1.0
        inverse /= ridge
        return inverse
    gram = (matrix.T @ matrix).toarray()
    gram[np.diag_indices(items)] += ridge
    factor, _ = scipy.linalg.lapack.dpotrf(gram, lower=0, overwrite_a=1)
    inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=0, overwrite_c=1)
    upper = np.triu(inverse)
    return upper + np.triu(upper, 1).T


def transitions(
    data: Interactions, seen: NDArray[np.bool_], ridge: float, weights: Weights = None
) -> NDArray[np.float32]:
    """B: float32[items, items], the ridge regression of each next product on the fading past before it, as in the
    session models of Choi et al. 2021 (SLIT): it knows what follows what, where EASE knows what goes together."""
    items = len(data.items)
    kept = np.flatnonzero(seen)
    row, column, weight = [], [], []
    for age in range(1, _PAST + 1):
        later = np.flatnonzero(data.user[kept[age:]] == data.user[kept[:-age]]) + age
        row.append(later)
        column.append(data.item[kept[later - age]])
        weight.append(np.full(len(later), 0.5 ** ((age - 1) / _PAST_HALF_LIFE), np.float32))
    shape = (len(kept), items)
    past = scipy.sparse.csr_matrix((np.concatenate(weight), (np.concatenate(row), np.concatenate(column))), shape=shape)
    ones = np.ones(len(kept), np.float32)
    following = scipy.sparse.csr_matrix((ones, (np.arange(len(kept)), data.item[kept])), shape=shape)
    if weights is not None:
        roots = _roots(weights, data.user[kept])
        past, following = roots @ past, roots @ following
    gram = (past.T @ past).toarray()
    gram[np.diag_indices(items)] += np.float32(ridge)
    return np.linalg.solve(gram, (past.T @ following).toarray()).astype(np.float32)


def neighbours(
    data: Interactions, seen: NDArray[np.bool_], kept: int, weights: Weights = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `kept` nearest products of each by shrunk cosine of who had them, for any catalogue: columns and weights."""
    gram = _gram(data, seen, weights)
    size = np.sqrt(gram.diagonal()) + 1e-12
    near = np.zeros((len(data.items), kept), np.int32)
    weight = np.zeros((len(data.items), kept), np.float32)
    for item in range(len(data.items)):
        first, last = gram.indptr[item], gram.indptr[item + 1]
        others, together = gram.indices[first:last], gram.data[first:last]
        cosine = together / (size[item] * size[others]) * together / (together + _NEIGHBOURS_SHRINK)
        cosine[others == item] = 0.0
        best = np.argsort(-cosine, kind="stable")[:kept]
        near[item, : len(best)], weight[item, : len(best)] = others[best], cosine[best]
    return near, weight


def _gram(data: Interactions, seen: NDArray[np.bool_], weights: Weights = None) -> scipy.sparse.csr_matrix:
    """How many shoppers had both products: float32[items, items]."""
    had = _had(data, seen, weights)
    return (had.T @ had).tocsr()


def _had(data: Interactions, seen: NDArray[np.bool_], weights: Weights = None) -> scipy.sparse.csr_matrix:
    """Who had what: float32[shoppers, items]; its squares are weighted."""
    ones = np.ones(int(seen.sum()), np.float32)
    shape = (len(data.users), len(data.items))
    had = scipy.sparse.csr_matrix((ones, (data.user[seen], data.item[seen])), shape=shape)
    return had if weights is None else (_roots(weights, np.arange(len(data.users))) @ had).tocsr()


def _roots(weights: NDArray[np.float64], users: NDArray[Any]) -> Any:
    """What scales rows so that their squares count as many times as their shoppers."""
    return scipy.sparse.diags(np.sqrt(weights[users]).astype(np.float32))
