"""Item-to-item models: ItemKNN, EASE, and content neighbours. Linear in the history, which is the live one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.features.content import CONTENT, content_features, held_modalities
from engine.model.baselines.contract import Histories, Known, LinearRanker, history_matrix
from engine.model.linear import ease_matrix

_BLOCK, _ENTRIES = 1024, 32_000_000  # products, and entries of their dense rows, handled at once


def fit_item_knn(known: Known, neighbours: int = 100, shrink: float = 10.0) -> LinearRanker:
    """Cosine of products over shoppers, shrunk; each product is scored by its `neighbours` nearest ones only.

    s(i, j) = n(i, j) / (sqrt(n(i) n(j)) + shrink), Deshpande and Karypis 2004, with the shrinkage of Bell and Koren.
    """
    matrix = known.matrix()
    by_item = matrix.T.tocsr()
    norm = np.sqrt(known.popularity()).astype(np.float32)
    rows = []
    size = max(1, min(_BLOCK, _ENTRIES // known.items))
    for first in range(0, known.items, size):
        block = slice(first, min(first + size, known.items))
        together = (by_item[block] @ matrix).toarray()
        together[np.arange(block.stop - block.start), np.arange(block.start, block.stop)] = 0.0
        alike = together / np.maximum(norm[block][:, None] * norm[None, :] + np.float32(shrink), 1e-9)
        if neighbours < known.items:
            least = np.partition(alike, known.items - neighbours, axis=1)[:, known.items - neighbours]
            alike[alike < least[:, None]] = 0.0
        rows.append(scipy.sparse.csr_matrix(alike))
    setting = {"neighbours": neighbours, "shrink": shrink}
    return LinearRanker("ItemKNN", setting, scipy.sparse.vstack(rows).T.tocsr(), known.items)


def fit_ease(known: Known, regularisation: float = 200.0) -> LinearRanker:
    """EASE (Steck 2019), as the model's linear term solves it; HeedmapError when there are too many products."""
    weights = ease_matrix(known.matrix(), regularisation)
    return LinearRanker("EASE", {"regularisation": regularisation}, weights, known.items)


@dataclass(frozen=True)
class ContentRanker:
    """The cosine of a product's content and the mean content of the history, newest products weighing most."""

    name: str
    setting: Mapping[str, Any]
    features: tuple[Any, ...]  # of each modality, rows of length 1 (or 0): numpy or scipy float32[items, n]
    weights: tuple[float, ...]
    decay: float = 1.0

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        history = history_matrix(histories, self.features[0].shape[0], self.decay)
        total = np.maximum(np.asarray(history.sum(axis=1)).reshape(-1, 1), 1e-9)
        found = np.zeros(history.shape, np.float32)
        for feature, weight in zip(self.features, self.weights, strict=True):
            alike = (history @ feature) @ feature.T
            found += weight * (alike.toarray() if scipy.sparse.issparse(alike) else alike)
        return (found / total).astype(np.float32)


def fit_content_knn(known: Known, modalities: tuple[str, ...] = CONTENT) -> ContentRanker:
    """Content neighbours over these modalities in equal parts."""
    if known.catalogue is None:
        raise HeedmapError("Content neighbours need the products' features.", "Give a catalogue of features.")
    held = [name for name in held_modalities(known.catalogue) if name in modalities]
    if not held:
        raise HeedmapError(f"The products hold none of {', '.join(modalities)}.")
    features = tuple(content_features(known.catalogue, name) for name in held)
    return ContentRanker("content kNN", {"modalities": tuple(held)}, features, (1.0 / len(held),) * len(held))
