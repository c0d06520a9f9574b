"""Why this and not that: two scores set against each other, part by part, with an exact sum of its own.

Between two products, shoppers or runs the difference of the scores is the sum of the differences of the exact shares of
what both have (the same attribute, the same word), of what only one has, of the biases, and of nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.explain import contribution
from engine.explain.case import Case
from engine.explain.contrast_types import Contrast, ContrastRow, meaning, place
from engine.explain.types import Token
from engine.live import Session
from engine.recommend import Recommender

_MOST_SHOPPERS = 500  # of a segment; more are drawn from


@dataclass(frozen=True)
class _Side:
    name: str
    score: float
    rank: float
    bias: float
    tokens: tuple[Token, ...]
    share: NDArray[np.float64]


def products(recommender: Recommender, user: str, item: str, other: str) -> Contrast:
    """Why `item` has another score than `other` for this shopper: f(A) - f(B). Words are compared by their spelling,
    whole photos cell by cell of the same place. HeedmapError names what is unknown."""
    return above(*pair(recommender, user, item, other))


def pair(recommender: Recommender, user: str, item: str, other: str, session: Session | None = None) -> list[Case]:
    """Two products laid open for one shopper, of the past that a live session made."""
    if item == other:
        raise HeedmapError(f"{item} cannot be compared with itself.", "Name two products.")
    return [Case(recommender, user, name, session) for name in (item, other)]


def above(case: Case, other: Case) -> Contrast:
    """The same of two products that are laid open already."""
    items = case.recommender.data.items
    one, two = (_side(side, items[side.item]) for side in (case, other))
    return _contrast("products", one, two, meaning)


def segment(recommender: Recommender, user: str, item: str, others: list[str]) -> Contrast:
    """Why this shopper and not that segment: f(u, i) less the mean over the segment's shoppers. At most 500 of them are
    asked, drawn by the run's seed. HeedmapError for an empty segment."""
    named = [name for name in others if name != user]
    if not named:
        raise HeedmapError("The segment holds no other shopper.", "Name at least one.")
    if len(named) > _MOST_SHOPPERS:
        random = np.random.default_rng(recommender.config.seed)
        named = [named[place] for place in np.sort(random.choice(len(named), _MOST_SHOPPERS, replace=False))]
    sides = [_side(Case(recommender, name, item), name) for name in named]
    mean: dict[Any, list[Any]] = {}
    for side in sides:
        for token, share in zip(side.tokens, side.share, strict=True):
            mean.setdefault(place(token), [token, 0.0])[1] += float(share) / len(sides)
    other = _Side(
        f"{len(sides)} shoppers",
        float(np.mean([side.score for side in sides])),
        float(np.mean([side.rank for side in sides])),
        float(np.mean([side.bias for side in sides])),
        tuple(token for token, _ in mean.values()),
        np.array([share for _, share in mean.values()]),
    )
    return _contrast("segment", _side(Case(recommender, user, item), user), other, place)


def runs(one: Recommender, two: Recommender, user: str, item: str) -> Contrast:
    """What changed between two runs, or two checkpoints of one, for the same shopper and product."""
    sides = [_side(Case(run, user, item), run.folder.name) for run in (one, two)]
    return _contrast("runs", sides[0], sides[1], place)


def contrast_text(found: Contrast, most: int = 12) -> str:
    """Lines for a terminal: the sum, then the largest differences."""
    lines = [
        f"{found.left} (score {found.score_left:.3f}, rank {found.rank_left:g}) less {found.right}"
        f" (score {found.score_right:.3f}, rank {found.rank_right:g}): {found.score_left - found.score_right:+.3f}",
        f"of which popularity {found.bias_left - found.bias_right:+.3f}; the parts below and"
        f" {max(0, len(found.rows) - most)} smaller ones make the rest (gap {found.gap:.1e})",
        f"{'difference':>11}{'left':>9}{'right':>9}",
    ]
    for row in found.rows[:most]:
        name = f"{row.field}: {row.label}" if row.modality in ("attribute", "link") else row.label
        lines.append(f"{row.difference:>+11.3f}{row.left:>+9.3f}{row.right:>+9.3f}  {row.modality}: {name}")
    return "\n".join(lines)


def _side(case: Case, name: str) -> _Side:
    share = contribution.by_head(case).sum(axis=1)
    return _Side(name, case.score, case.rank_of(case.score), case.bias, case.shown.tokens, share)


def _contrast(kind: str, one: _Side, two: _Side, same: Any) -> Contrast:
    parts: dict[Any, tuple[Token, list[float]]] = {}
    for which, side in enumerate((one, two)):
        for token, share in zip(side.tokens, side.share, strict=True):
            parts.setdefault(same(token), (token, [0.0, 0.0]))[1][which] += float(share)
    rows = [
        ContrastRow(token.modality, token.label, token.field, left, right, token.span, token.box)
        for token, (left, right) in parts.values()
    ]
    rows.sort(key=lambda row: -abs(row.difference))
    total = sum(row.difference for row in rows) + one.bias - two.bias
    return Contrast(
        kind,
        one.name,
        two.name,
        one.score,
        two.score,
        one.rank,
        two.rank,
        one.bias,
        two.bias,
        tuple(rows),
        total - (one.score - two.score),
    )
