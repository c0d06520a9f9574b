"""Why this and not that: two scores set against each other, part by part, with an exact sum of its own.

Between two products, shoppers or runs the difference of the scores is the sum of the differences of the exact shares of
what both have (the same attribute, the same word), of what only one has, of the biases, and of nothing else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.explain import contribution
from engine.explain.case import Case
from engine.explain.types import Modality, Token
from engine.recommend import Recommender

_MOST_SHOPPERS = 500  # of a segment; more are drawn from


@dataclass(frozen=True)
class ContrastRow:
    """left and right: shares of the score, 0 where that side lacks the part; `span` and `box` as in `Token`."""

    modality: Modality
    label: str
    field: str
    left: float
    right: float
    span: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None

    @property
    def difference(self) -> float:
        return self.left - self.right


@dataclass(frozen=True)
class Contrast:
    """score_left - score_right = sum of the rows' differences + bias_left - bias_right, up to `gap`.

    kind: "products", "segment" or "runs". Rows are ordered by the size of their difference.
    """

    kind: str
    left: str
    right: str
    score_left: float
    score_right: float
    rank_left: float
    rank_right: float
    bias_left: float
    bias_right: float
    rows: tuple[ContrastRow, ...]
    gap: float

    def to_json(self) -> dict[str, Any]:
        rows = [asdict(row) | {"difference": row.difference} for row in self.rows]
        return asdict(self) | {"rows": rows}


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
    if item == other:
        raise HeedmapError(f"{item} cannot be compared with itself.", "Name two products.")
    one, two = (_side(Case(recommender, user, name), name) for name in (item, other))
    return _contrast("products", one, two, _what)


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
            mean.setdefault(_where(token), [token, 0.0])[1] += float(share) / len(sides)
    other = _Side(
        f"{len(sides)} shoppers",
        float(np.mean([side.score for side in sides])),
        float(np.mean([side.rank for side in sides])),
        float(np.mean([side.bias for side in sides])),
        tuple(token for token, _ in mean.values()),
        np.array([share for _, share in mean.values()]),
    )
    return _contrast("segment", _side(Case(recommender, user, item), user), other, _where)


def runs(one: Recommender, two: Recommender, user: str, item: str) -> Contrast:
    """What changed between two runs, or two checkpoints of one, for the same shopper and product."""
    sides = [_side(Case(run, user, item), run.folder.name) for run in (one, two)]
    return _contrast("runs", sides[0], sides[1], _where)


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


def _what(token: Token) -> Any:
    """What makes parts of two products the same: all places of a word are one."""
    if token.modality == "text":
        return token.modality, token.label.casefold()
    if token.modality == "image":
        return token.modality, token.box
    if token.modality == "identity":
        return (token.modality,)
    return token.modality, token.field, token.label


def _where(token: Token) -> Any:
    """What makes parts of one product the same."""
    return token.modality, token.field, token.label, token.span, token.box


def _contrast(kind: str, one: _Side, two: _Side, same: Any) -> Contrast:
    parts: dict[Any, tuple[Token, list[float]]] = {}
    for place, side in enumerate((one, two)):
        for token, share in zip(side.tokens, side.share, strict=True):
            parts.setdefault(same(token), (token, [0.0, 0.0]))[1][place] += float(share)
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
