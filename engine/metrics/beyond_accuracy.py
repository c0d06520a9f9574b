"""What lists are like beside being right: how much of the catalogue they show, how known and how alike it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.metrics.order import best


def top_lists(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The best k items of each row, best first, ties by index; -1 where fewer are in the running (not -inf)."""
    lists = np.full((len(scores), min(k, scores.shape[1])), -1, np.int64)
    for row, one in enumerate(scores):
        found = best(one, k)
        lists[row, : len(found)] = found
    return lists


def coverage(lists: NDArray[np.int64], items: int) -> float:
    """Share of the catalogue that is in at least one list."""
    return len(np.unique(lists[lists >= 0])) / items if items else 0.0


def exposure_gini(lists: NDArray[np.int64], items: int) -> float:
    """Gini coefficient of how often each item of the catalogue is shown: 0 all alike, 1 always the same one."""
    shown = np.sort(np.bincount(lists[lists >= 0], minlength=items).astype(np.float64))
    if not shown.sum():
        return 0.0
    weight = 2.0 * np.arange(1, items + 1) - items - 1
    return float((weight * shown).sum() / (items * shown.sum()))


def novelty(lists: NDArray[np.int64], popularity: NDArray[np.float64], users: int) -> float:
    """Mean self-information in bits of what is shown, -log2 of the share of shoppers who had it (Zhou et al. 2010).

    popularity: float64[items], shoppers with each item in training; an item that none had counts as half a shopper.
    """
    share = np.clip(np.maximum(popularity, 0.5) / max(users, 1), 1e-12, 1.0)
    shown = lists[lists >= 0]
    return float(-np.log2(share[shown]).mean()) if len(shown) else 0.0


def popularity_lift(
    lists: NDArray[np.int64], histories: list[NDArray[np.int32]], popularity: NDArray[np.float64]
) -> float:
    """How much more popular the lists are than what the same shoppers chose, as a ratio less 1 (Abdollahpouri 2019).

    Mean over rows with a history of the mean popularity of the list, over that of the history; 0 is no lift.
    """
    rows = [row for row, history in enumerate(histories) if len(history)]
    if not rows:
        return 0.0
    shown = np.array([popularity[lists[row][lists[row] >= 0]].mean() if (lists[row] >= 0).any() else 0 for row in rows])
    had = np.array([popularity[histories[row]].mean() for row in rows])
    return float(shown.mean() / max(had.mean(), 1e-12) - 1.0)


def diversity(lists: NDArray[np.int64], features: list[Any]) -> float:
    """Intra-list diversity: mean over lists of the mean content distance, 1 - cosine, of two products of a list.

    features: of each modality float32[items, n], numpy or scipy sparse, rows of length 1 (0 without the modality);
    the cosine is the mean over the modalities that both products have. Products without content are left out.
    """
    found = []
    for row in lists:
        row = row[row >= 0]
        total, counted = np.zeros((len(row), len(row))), np.zeros((len(row), len(row)))
        for feature in features:
            part = feature[row]
            part = part.toarray() if hasattr(part, "toarray") else np.asarray(part)
            there = np.linalg.norm(part, axis=1) > 0.5
            total += part @ part.T
            counted += np.outer(there, there)
        pairs = (counted > 0) & ~np.eye(len(row), dtype=bool)
        if pairs.any():
            found.append(float(1.0 - (total[pairs] / counted[pairs]).mean()))
    return float(np.mean(found)) if found else 0.0
