"""Solve the linear term and choose, on validation, how much it counts beside the trained model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split
from engine.jobs import Job, Progress
from engine.metrics.ranking import rank_of_target
from engine.model.lent import Lent
from engine.model.linear import EASE_UP_TO, KEPT, Linear, LinearShape, Weights, ease, nearest, neighbours, transitions
from engine.model.recommender import Model
from engine.model.scoring import target_scores
from engine.model.tokens import TokenSource
from engine.training.config import Config

RIDGES = (100.0, 300.0)
TRANSITION_RIDGE = 30.0
ORDERS = (0.0, 0.3, 0.6)
HALF_LIVES = (2.0, 5.0, 10.0, 20.0, 1000.0)
LEVELS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MOST_TARGETS = 1_000  # of validation are looked at
_KEPT_OF_MANY = 64  # entries of each row where the catalogue is too large for EASE

Kept = tuple[NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class Chosen:
    """kind: "ease" or "neighbours"; ridge: EASE's; order: the share of transitions in the matrix, the rest is EASE's;
    level 0 switches the term off."""

    kind: str
    ridge: float
    order: float
    half_life: float
    level: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def kept_entries(config: Config, items: int) -> int:
    """How many entries of each row the run's linear term keeps; 0 for no term."""
    if config.linear == "none":
        return 0
    return min(items, KEPT if _kind(config, items) == "ease" else _KEPT_OF_MANY)


def solve(
    data: Interactions,
    seen: NDArray[np.bool_],
    chosen: Chosen,
    kept: int,
    lent: Lent | None = None,
    weights: Weights = None,
) -> Kept:
    """Columns and weights of the kept entries of B, learned from the events `seen`: bool[events].

    Each of the mixed matrices is scaled to rows of length 1 in the mean, so that a level means the same for all data.
    lent: gives new products the rows and columns of those that lend to them; weights: see `ease`.
    """
    if chosen.kind != "ease":
        near, weight = neighbours(data, seen, kept, weights)
        return _with_lent(near, weight / _size(weight), lent)
    mixed = np.zeros((len(data.items), len(data.items)), np.float32)
    if chosen.order < 1:
        together = ease(data, seen, chosen.ridge, weights)
        mixed += np.float32((1 - chosen.order) / _size(together)) * together
    if chosen.order > 0:
        after = transitions(data, seen, TRANSITION_RIDGE, weights)
        mixed += np.float32(chosen.order / _size(after)) * after
    if lent is not None:
        who = lent.matrix()
        new = np.flatnonzero(np.diff(who.indptr))
        mixed[:, new] += (who[new] @ mixed.T).T
        mixed[new] += who[new] @ mixed
    return nearest(mixed, kept)


def _with_lent(near: NDArray[np.int32], weight: NDArray[np.float32], lent: Lent | None) -> Kept:
    """The same matrix by its kept entries, with what is lent in it."""
    if lent is None:
        return near, weight
    items, kept = near.shape
    rows = np.repeat(np.arange(items), kept)
    matrix = scipy.sparse.csr_matrix((weight.ravel(), (rows, near.ravel())), shape=(items, items))
    who = lent.matrix()
    matrix = (matrix + matrix @ who.T).tocsr()
    matrix = (matrix + who @ matrix).tocsr()
    near, weight = np.zeros_like(near), np.zeros_like(weight)
    for item in range(items):
        part = slice(matrix.indptr[item], matrix.indptr[item + 1])
        best = np.argsort(-np.abs(matrix.data[part]), kind="stable")[:kept]
        near[item, : len(best)], weight[item, : len(best)] = matrix.indices[part][best], matrix.data[part][best]
    return near, weight


def _size(matrix: NDArray[np.float32]) -> float:
    """The root mean square length of the rows that hold anything."""
    lengths = np.square(matrix).sum(axis=1, dtype=np.float64)
    return max(float(np.sqrt(lengths[lengths > 0].mean())) if (lengths > 0).any() else 1.0, 1e-12)


def choose(
    model: Model, tokens: TokenSource, data: Interactions, parts: Split, config: Config, weights: Weights = None
) -> Job:
    """Return the Chosen that ranks a sample of validation targets best, by NDCG over the whole ranking (smoother than
    its first ten places), added to the scores of the model as it stands with its linear term at level 0."""
    items, kept = model.shape.tower.items, model.shape.linear
    kind = _kind(config, items)
    targets = sampled(parts.validation, config)
    if not len(targets):
        return Chosen(kind, RIDGES[-1], ORDERS[1], HALF_LIVES[1], 0.0)
    bases = [(ridge, 0.0) for ridge in RIDGES] + [(0.0, 1.0)] if kind == "ease" else [(0.0, 0.0)]
    terms: dict[tuple[float, float], Linear] = {}
    for done, (ridge, order) in enumerate(bases):
        yield Progress("Solving the linear term", done, len(bases))
        term = Linear(LinearShape(items, kept))
        near, weight = solve(data, parts.train, Chosen(kind, ridge, order, 1.0, 1.0), kept, None, weights)
        term.put(near, weight, 1.0, 1.0)
        terms[ridge, order] = term.to(model.seen.device)
    gain: dict[tuple[float, float, float, float], float] = {}
    done = 0
    for chunk, histories, scores in target_scores(model, tokens, data, targets):
        for row, history in enumerate(histories):
            scores[row, history.items] = -np.inf
        pasts = [history.items for history in histories]
        for half_life in HALF_LIVES:
            _weigh(gain, terms, half_life, pasts, scores, data.item[chunk].astype(np.int64))
        done += len(chunk)
        yield Progress("Weighing the linear term", done, len(targets))
    ridge, order, half_life, level = max(gain, key=lambda key: (gain[key], -key[3]))
    return Chosen(kind, ridge, order, half_life, level)


def sampled(targets: NDArray[np.int64], config: Config) -> NDArray[np.int64]:
    """The targets of validation that choices are made on."""
    if len(targets) <= MOST_TARGETS:
        return targets
    return np.sort(np.random.default_rng(config.seed).choice(targets, MOST_TARGETS, replace=False))


def _weigh(
    gain: dict[tuple[float, float, float, float], float],
    terms: dict[tuple[float, float], Linear],
    half_life: float,
    pasts: list[NDArray[np.int32]],
    scores: NDArray[np.float32],
    target: NDArray[np.int64],
) -> None:
    """Add each setting's gain over these targets, NDCG without a cut, to `gain`: (ridge, order, half-life, level)."""
    added = {}
    for key, term in terms.items():
        term.half_life.fill_(half_life)
        added[key] = term.scores(pasts).cpu().numpy()
    after = added.pop((0.0, 1.0), None)
    for (ridge, _), together in added.items():
        for order in ORDERS if after is not None else (0.0,):
            mixed = together if after is None or not order else (1 - order) * together + order * after
            for level in LEVELS:
                ranks = rank_of_target((scores + level * mixed).astype(np.float32), target)
                setting = (ridge, order, half_life, level)
                gain[setting] = gain.get(setting, 0.0) + float((1 / np.log2(ranks + 1.0)).sum())


def _kind(config: Config, items: int) -> str:
    if config.linear == "auto":
        return "ease" if items <= EASE_UP_TO else "neighbours"
    return config.linear
