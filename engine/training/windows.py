"""Windows of training histories: cut anew each epoch, shuffled, padded; and their augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split
from engine.training.config import Config

_REORDERED = 0.2  # of a history is shuffled, where it is


@dataclass(frozen=True)
class Batch:
    """events: int64[rows, length], interactions in order, -1 behind the end. counted: bool[rows, length], those that
    are targets: all but the first of a window that starts in the middle of a history."""

    events: NDArray[np.int64]
    counted: NDArray[np.bool_]


class Windows:
    """Cuts training histories into windows of `history` + 1 events, at a new random offset each epoch."""

    def __init__(self, data: Interactions, parts: Split, config: Config) -> None:
        self._config = config
        self._length = config.history + 1
        kept = np.flatnonzero(parts.train)
        users, starts = np.unique(data.user[kept], return_index=True)
        self._sequences = np.split(kept, starts[1:]) if len(users) else []

    def batches(self, random: np.random.Generator, size: int) -> list[Batch]:
        """Windows in random order, `size` to a batch, windows of like length together to spare padding."""
        windows: list[tuple[NDArray[np.int64], bool]] = []
        for events in self._sequences:
            first = int(random.integers(1, self._length + 1)) if len(events) > self._length else len(events)
            edges = [0, *range(first, len(events), self._length - 1)]
            for begin, end in zip(edges, [*edges[1:], len(events)], strict=True):
                # A later window repeats one event before its own, as history.
                window = events[max(0, begin - 1) : end]
                windows.append((augmented(window, random, self._config), begin == 0))
        order = random.permutation(len(windows))
        order = order[np.argsort([len(windows[index][0]) // 8 for index in order], kind="stable")]
        chunks = [order[first : first + size] for first in range(0, len(order), size)]
        return [_padded([windows[index] for index in chunks[place]]) for place in random.permutation(len(chunks))]


def augmented(events: NDArray[np.int64], random: np.random.Generator, config: Config) -> NDArray[np.int64]:
    """A window cropped, thinned or shuffled in part, each by its chance; at least two events are left of two."""
    if config.history_crop and random.random() < config.history_crop and len(events) > 2:
        length = int(random.integers(2, len(events) + 1))
        first = int(random.integers(0, len(events) - length + 1))
        events = events[first : first + length]
    if config.history_mask and len(events) > 2:
        kept = random.random(len(events)) >= config.history_mask
        kept[random.choice(len(events), 2, replace=False)] = True
        events = events[kept]
    if config.history_reorder and random.random() < config.history_reorder and len(events) > 2:
        length = max(2, int(_REORDERED * len(events)))
        first = int(random.integers(0, len(events) - length + 1))
        events = events.copy()
        events[first : first + length] = random.permutation(events[first : first + length])
    return events


def _padded(windows: list[tuple[NDArray[np.int64], bool]]) -> Batch:
    longest = max(len(events) for events, _ in windows)
    padded = np.full((len(windows), longest), -1, np.int64)
    counted = np.zeros((len(windows), longest), bool)
    for row, (one, is_start) in enumerate(windows):
        padded[row, : len(one)] = one
        counted[row, 0 if is_start else 1 : len(one)] = True
    return Batch(padded, counted)
