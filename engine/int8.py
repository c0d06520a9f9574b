"""Tables kept in 8 bits: each row by its own scale, symmetric, so that zero stays zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALE = ".scale"  # behind a tensor's name: the scales of its rows


def rounded(table: NDArray[np.floating]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """float[rows, ...] -> int8 of the same shape and float32[rows]; row = int8 * scale, off by half a scale at most."""
    flat = table.astype(np.float32).reshape(len(table), -1)
    scale = np.maximum(np.abs(flat).max(axis=1, initial=0.0), 1e-12) / 127.0
    return np.rint(flat / scale[:, None]).astype(np.int8).reshape(table.shape), scale.astype(np.float32)


def restored(table: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `rounded` kept: float32 of the table's shape."""
    wide: NDArray[np.float32] = table.astype(np.float32) * scale.reshape(-1, *[1] * (table.ndim - 1)).astype(np.float32)
    return wide
