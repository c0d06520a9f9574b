"""Solve the linear term and choose, on validation, how much it counts beside the trained model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split
from engine.jobs import Job, Progress
from engine.metrics.ranking import rank_of_target
from engine.model.linear import EASE_UP_TO, KEPT, Linear, LinearShape, ease, nearest, neighbours
from engine.model.recommender import Model
from engine.model.scoring import target_scores
from engine.model.tokens import TokenSource
from engine.training.config import Config

RIDGES = (100.0, 300.0, 1000.0)
HALF_LIVES = (5.0, 10.0, 20.0, 50.0, 1000.0)
LEVELS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
MOST_TARGETS = 1_000  # of validation are looked at
_KEPT_OF_MANY = 64  # entries of each row where the catalogue is too large for EASE

Kept = tuple[NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class Chosen:
    """kind: "ease" or "neighbours"; ridge: EASE's; level 0 switches the term off."""

    kind: str
    ridge: float
    half_life: float
    level: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def kept_entries(config: Config, items: int) -> int:
    """How many entries of each row the run's linear term keeps; 0 for no term."""
    if config.linear == "none":
        return 0
    return min(items, KEPT if _kind(config, items) == "ease" else _KEPT_OF_MANY)


def solve(data: Interactions, seen: NDArray[np.bool_], chosen: Chosen, kept: int) -> Kept:
    """Columns and weights of the kept entries of B, learned from the events `seen`: bool[events]."""
    if chosen.kind == "ease":
        return nearest(ease(data, seen, chosen.ridge), kept)
    return neighbours(data, seen, kept)


def choose(model: Model, tokens: TokenSource, data: Interactions, parts: Split, config: Config) -> Job:
    """Return the Chosen that ranks a sample of validation targets best, by NDCG over the whole ranking (smoother than
    its first ten places), added to the scores of the model as it stands with its linear term at level 0."""
    items, kept = model.shape.tower.items, model.shape.linear
    kind = _kind(config, items)
    targets = parts.validation
    if not len(targets):
        return Chosen(kind, RIDGES[1], HALF_LIVES[2], 0.0)
    if len(targets) > MOST_TARGETS:
        targets = np.sort(np.random.default_rng(config.seed).choice(targets, MOST_TARGETS, replace=False))
    ridges = RIDGES if kind == "ease" else (0.0,)
    terms: dict[float, Linear] = {}
    for done, ridge in enumerate(ridges):
        yield Progress("Solving the linear term", done, len(ridges))
        term = Linear(LinearShape(items, kept))
        near, weight = solve(data, parts.train, Chosen(kind, ridge, 1.0, 1.0), kept)
        term.put(near, weight, 1.0, 1.0)
        terms[ridge] = term.to(model.seen.device)
    gain: dict[tuple[float, float, float], float] = {}
    done = 0
    for chunk, histories, scores in target_scores(model, tokens, data, targets):
        target = data.item[chunk].astype(np.int64)
        for row, history in enumerate(histories):
            scores[row, history.items] = -np.inf
        for ridge, term in terms.items():
            for half_life in HALF_LIVES:
                term.half_life.fill_(half_life)
                added = term.scores([history.items for history in histories]).cpu().numpy()
                for level in LEVELS:
                    ranks = rank_of_target((scores + level * added).astype(np.float32), target)
                    key = (ridge, half_life, level)
                    gain[key] = gain.get(key, 0.0) + float((1 / np.log2(ranks + 1.0)).sum())
        done += len(chunk)
        yield Progress("Weighing the linear term", done, len(targets))
    ridge, half_life, level = max(gain, key=lambda key: (gain[key], -key[2]))
    return Chosen(kind, ridge, half_life, level)


def _kind(config: Config, items: int) -> str:
    if config.linear == "auto":
        return "ease" if items <= EASE_UP_TO else "neighbours"
    return config.linear
