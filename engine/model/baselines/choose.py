"""Fit a baseline with the settings that validation likes best, and rank targets with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split, through_validation
from engine.errors import HeedmapError
from engine.features.content import Content
from engine.jobs import Job, Progress
from engine.metrics.ranking import ndcg, rank_of_target
from engine.model.baselines.contract import Baseline, Known, Ranker, with_decay, without_history
from engine.model.scoring import live_history

_ROWS, _SCORES = 256, 64_000_000
MOST_VALIDATION = 2_000  # targets that a setting is chosen by; more cost time and change little


def batches(targets: NDArray[np.int64], items: int) -> Iterator[NDArray[np.int64]]:
    """The targets, as many at once as have their scores of all items in a quarter of a gigabyte."""
    rows = max(1, min(_ROWS, _SCORES // max(1, items)))
    for first in range(0, len(targets), rows):
        yield targets[first : first + rows]


def ranks(ranker: Ranker, data: Interactions, targets: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield, batch by batch, the rank of each target for its live history, what the shopper had taken out."""
    for chunk in batches(targets, len(data.items)):
        histories = [live_history(data, int(target)) for target in chunk]
        scores = without_history(ranker.scores(data.user[chunk], histories), histories)
        yield rank_of_target(scores, data.item[chunk].astype(np.int64))


def all_ranks(ranker: Ranker, data: Interactions, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[targets]: the ranks of all targets."""
    found = list(ranks(ranker, data, targets))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def choose(
    baseline: Baseline,
    data: Interactions,
    parts: Split,
    catalogue: Content | None = None,
    seed: int = 1,
    refit: bool = True,
) -> Job:
    """Return the fitted Ranker. Each setting of the grid is fitted on training and measured by validation NDCG@10.

    `refit` fits the best one again on all that comes before the test. HeedmapError when the baseline cannot be run.
    """
    stage = f"Fitting {baseline.name}"
    best: tuple[float, dict[str, Any], float] = (-1.0, baseline.grid[0], baseline.decays[0])
    known = Known(data, parts.train, catalogue, seed)
    some = parts.validation
    if len(some) > MOST_VALIDATION:
        some = np.sort(np.random.default_rng(seed).choice(some, MOST_VALIDATION, replace=False))
    choices = len(baseline.grid) * len(baseline.decays)
    yield Progress(stage, 0, choices + 1)
    if choices > 1:
        for place, setting in enumerate(baseline.grid):
            try:
                fitted = baseline.fit(known, **setting)
            except HeedmapError:
                # This shop may lack what the setting reads (photos); the others are tried, the best tells if none fits.
                continue
            for more, decay in enumerate(baseline.decays):
                worth = ndcg(all_ranks(with_decay(fitted, decay), data, some))
                if worth > best[0]:
                    best = (worth, setting, decay)
                yield Progress(stage, place * len(baseline.decays) + more + 1, choices + 1)
    last = Known(data, through_validation(data, parts).train, catalogue, seed) if refit else known
    ranker: Ranker = with_decay(baseline.fit(last, **best[1]), best[2])
    yield Progress(stage, choices + 1, choices + 1)
    return ranker
