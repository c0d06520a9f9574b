"""What business rules do to the order of products, and what each did to each rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.explain.types import RuleEffect
from engine.metrics.order import best, ordered
from engine.rules import Condition, Rule

Meets = Callable[[Condition], NDArray[np.bool_]]  # bool[items], the products that meet a condition
# "vectors" or "content", and n products -> float32[n, dim]
Vectors = Callable[[str, NDArray[np.int64]], NDArray[np.float32]]


@dataclass
class Ruled:
    """A ranking under rules. order: int64[n], products best first; before: the same without rules. Without a rule
    either may hold the first places alone.

    boost: float64[items], what rules added to scores. notes: what a rule could not do. steps: each rule with the rank
    of every product after it, 0 for out of the list: int32[items], and what it added to scores.
    """

    before: NDArray[np.int64]
    order: NDArray[np.int64]
    boost: NDArray[np.float64]
    notes: list[str] = field(default_factory=list)
    steps: list[tuple[Rule, NDArray[np.int32], NDArray[np.float64]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._first = _ranks(self.before, len(self.boost))

    def effects(self, item: int) -> tuple[RuleEffect, ...]:
        """What each rule did to a product, in their order; a rule that moved it nowhere is not listed.

        The first starts from the model's rank, each next where the one before left it; rank 0 is out of the list.
        """
        found, place = [], int(self._first[item])
        for rule, ranks, added in self.steps:
            after, change = int(ranks[item]), float(added[item])
            if place != after or change:
                found.append(RuleEffect(rule.name, rule.kind, place, after, change))
            place = after
        return tuple(found)

    def model_rank(self, item: int) -> int:
        """The rank without rules, from 1; 0 for a product that is out of the running."""
        return int(self._first[item])

    def rank(self, item: int) -> int:
        """The rank under all rules, from 1; 0 for a product that a rule took out."""
        return int(self.steps[-1][1][item] if self.steps else self._first[item])


def _ranks(order: NDArray[np.int64], items: int) -> NDArray[np.int32]:
    ranks = np.zeros(items, np.int32)
    ranks[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    return ranks


def apply(
    rules: tuple[Rule, ...],
    scores: NDArray[np.float32],
    items: Mapping[str, int],
    meets: Meets,
    vectors: Vectors,
    places: int | None = None,
) -> Ruled:
    """Rank under rules. scores: float32[items], -inf where a product is out of the running; items: index of each.

    places: how many first places are asked for; without a rule the others are not put in order. Ties break by the
    catalogue's order. HeedmapError names a rule with a product that is not in the catalogue; `meets` may raise it for
    a field.
    """
    order = ordered(scores) if rules or places is None else best(scores, places)
    ruled = Ruled(order, order, np.zeros(len(scores)))
    nothing = np.zeros(len(scores))
    floors: list[tuple[Rule, NDArray[np.bool_]]] = []
    for rule in rules:
        for one in rule.items:
            if one not in items:
                raise HeedmapError(f"The rule {rule.name} names an unknown product {one!r}.", "Check its spelling.")
        concerned = np.zeros(len(scores), bool)
        concerned[[items[one] for one in rule.items]] = True
        if rule.where is not None:
            concerned = meets(rule.where)
            if not concerned.any():
                ruled.notes.append(f"{rule.name}: no product meets its condition.")
        added = nothing
        if rule.kind == "boost":
            added = np.where(concerned, rule.by, 0.0)
            ruled.boost = ruled.boost + added
        ruled.order = _ACTS[rule.kind](rule, ruled, concerned, scores, vectors)
        ruled.steps.append((rule, _ranks(ruled.order, len(scores)), added))
        if rule.kind == "exposure":
            floors.append((rule, concerned))
    for rule, group in floors:
        shown = int(group[ruled.order[: rule.within]].sum())
        if shown < rule.at_least:
            ruled.notes.append(f"{rule.name}: only {shown} of {rule.at_least} stand in the first {rule.within}.")
    return ruled


Act = Callable[[Rule, Ruled, NDArray[np.bool_], NDArray[np.float32], Vectors], NDArray[np.int64]]


def _filter(
    rule: Rule, ruled: Ruled, kept: NDArray[np.bool_], scores: NDArray[np.float32], vectors: Vectors
) -> NDArray[np.int64]:
    return ruled.order[kept[ruled.order]]


def _exclude(
    rule: Rule, ruled: Ruled, dropped: NDArray[np.bool_], scores: NDArray[np.float32], vectors: Vectors
) -> NDArray[np.int64]:
    return ruled.order[~dropped[ruled.order]]


def _boost(
    rule: Rule, ruled: Ruled, raised: NDArray[np.bool_], scores: NDArray[np.float32], vectors: Vectors
) -> NDArray[np.int64]:
    running = np.sort(ruled.order)  # ties break by the catalogue's order, as without rules
    return running[ordered((scores + ruled.boost)[running])]


def _diversify(
    rule: Rule, ruled: Ruled, concerned: NDArray[np.bool_], scores: NDArray[np.float32], vectors: Vectors
) -> NDArray[np.int64]:
    head, rest = ruled.order[: rule.within], ruled.order[rule.within :]
    chosen = mmr(scores[head] + ruled.boost[head], vectors(rule.over, head), rule.weight)
    return np.concatenate([head[chosen], rest])


def mmr(relevance: NDArray[np.float64], vectors: NDArray[np.float32], weight: float) -> NDArray[np.int64]:
    """Places int64[n] in the order of maximal marginal relevance; likeness is the cosine of vectors float32[n, dim].

    relevance: float64[n], scaled here to 0..1. weight: 1 keeps the order of relevance.
    """
    if not len(relevance):
        return np.zeros(0, np.int64)
    span = float(relevance.max() - relevance.min()) or 1.0
    worth = weight * (relevance - relevance.min()) / span
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    likeness = np.full(len(worth), -np.inf)
    left = np.ones(len(worth), bool)
    order = np.zeros(len(worth), np.int64)
    for place in range(len(order)):
        gain = worth - (1 - weight) * np.where(np.isfinite(likeness), likeness, 0.0)
        next_one = int(np.argmax(np.where(left, gain, -np.inf)))
        order[place], left[next_one] = next_one, False
        likeness = np.maximum(likeness, unit @ unit[next_one])
    return order


def _expose(
    rule: Rule, ruled: Ruled, group: NDArray[np.bool_], scores: NDArray[np.float32], vectors: Vectors
) -> NDArray[np.int64]:
    """The best of the group behind the first `within` come to their end; the last others there make room."""
    head, rest = ruled.order[: rule.within], ruled.order[rule.within :]
    lacking = rule.at_least - int(group[head].sum())
    risen = rest[group[rest]][: max(0, lacking)]
    others = np.flatnonzero(~group[head])
    fallen = head[others[len(others) - len(risen) :]] if len(risen) else head[:0]
    risen = risen[: len(fallen)]
    if not len(risen):
        return ruled.order
    return np.concatenate([head[~np.isin(head, fallen)], risen, fallen, rest[~np.isin(rest, risen)]])


def _pin(
    rule: Rule, ruled: Ruled, pinned: NDArray[np.bool_], scores: NDArray[np.float32], vectors: Vectors
) -> NDArray[np.int64]:
    there = np.flatnonzero(pinned[ruled.order])
    if not len(there):
        ruled.notes.append(f"{rule.name}: {rule.items[0]} is not in the list; another rule or the history took it out.")
        return ruled.order
    others = np.delete(ruled.order, there)
    return np.insert(others, min(rule.position - 1, len(others)), ruled.order[there])


_ACTS: dict[str, Act] = {
    "filter": _filter,
    "exclude": _exclude,
    "boost": _boost,
    "diversity": _diversify,
    "exposure": _expose,
    "pin": _pin,
}
