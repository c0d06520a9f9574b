"""Where identity embeddings start: the leading directions of who had what, for training to refine."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.dataset.split import Interactions

STD = 0.1
_SHRINK = 20.0  # events: a rare product's column is not blown up


def spectral_embedding(data: Interactions, seen: NDArray[np.bool_], dim: int, seed: int) -> NDArray[np.float32]:
    """float32[items, dim], standard deviation `STD`, from a truncated SVD of the popularity-scaled shopper-item matrix.

    seen: bool[events], those that may be learned from. The first direction, popularity itself, is left to the bias.
    The directions are rotated at random, so that each head of attention gets its share of the strong ones. Products
    and shoppers fewer than `dim` leave the last directions zero.
    """
    items = len(data.items)
    ones = np.ones(int(seen.sum()))
    had = scipy.sparse.csr_matrix((ones, (data.user[seen], data.item[seen])), shape=(len(data.users), items))
    popularity = np.asarray(had.sum(axis=0)).ravel()
    random = np.random.default_rng(seed)
    scaled = had @ scipy.sparse.diags(1.0 / np.sqrt(popularity + _SHRINK))
    rank = min(dim + 1, min(scaled.shape) - 1)
    out = np.zeros((items, dim))
    if rank > 1:
        start = random.standard_normal(min(scaled.shape))
        _, values, directions = scipy.sparse.linalg.svds(scaled, k=rank, v0=start)
        order = np.argsort(-values)[1:]
        found = (directions[order] * np.sqrt(np.maximum(values[order], 0.0))[:, None]).T
        out[:, : found.shape[1]] = found
        rotation, _ = np.linalg.qr(random.standard_normal((dim, dim)))
        out = out @ rotation
        out *= STD / max(out.std(), 1e-12)
    return out.astype(np.float32)
