"""A fixed whitening PCA: encoder features reduced once, linearly, so that contributions stay exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Whitening:
    """x -> (x - mean) @ components. mean: float32[dim]; components: float32[dim, reduced]."""

    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def apply(self, states: NDArray[np.float16]) -> NDArray[np.float16]:
        """float16[n, dim] -> float16[n, reduced], each direction of variance 1 over the fitted tokens."""
        reduced = (states.astype(np.float32) - self.mean) @ self.components
        return np.clip(reduced, -60000.0, 60000.0).astype(np.float16)


def fit_whitening(states: NDArray[np.float16], reduced: int) -> Whitening:
    """Fit on float16[n, dim]; the sign of each component is fixed so that two fits agree."""
    x = states.astype(np.float64)
    mean = x.mean(axis=0)
    x -= mean
    values, vectors = np.linalg.eigh(x.T @ x / max(1, len(x) - 1))
    order = np.argsort(values)[::-1][: min(reduced, len(values))]
    values, vectors = np.maximum(values[order], 1e-8 * max(values[order[0]], 1e-12)), vectors[:, order]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    components = vectors * signs / np.sqrt(values)
    return Whitening(mean.astype(np.float32), components.astype(np.float32))
