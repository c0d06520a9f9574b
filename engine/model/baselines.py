"""Rankings that a model has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split


def popularity(data: Interactions, parts: Split) -> NDArray[np.float32]:
    """float32[items]: how many shoppers had each product in training. The same ranking for everyone."""
    return np.bincount(data.item[parts.train], minlength=len(data.items)).astype(np.float32)
