"""Attributes and links of products as tokens of a small vocabulary; numbers fall into quantile bins."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.dataset.store import Dataset
from engine.features.aspects import MOST_ASPECTS_OF_ITEM

BINS = 8
MOST_ATTRIBUTES, MOST_LINKS = 32, 16
_NUMERIC_FROM = 12  # an attribute with more distinct values than this, all numbers, is binned


Names = tuple[tuple[str, str], ...]  # (name, value) of each id


@dataclass(frozen=True)
class Vocabulary:
    """names: (name, value) of each id. ids: int32[all], those of item i at start[i]:start[i + 1]; start: int64."""

    names: tuple[tuple[str, str], ...]
    ids: NDArray[np.int32]
    start: NDArray[np.int64]


def item_attributes(
    dataset: Dataset, known: Names = (), aspects: Sequence[Sequence[tuple[str, str]]] = ()
) -> Vocabulary:
    """Brand, category levels, price and named attributes of each product; a value of one product only is left out.

    known: names of an earlier vocabulary, which come first, in their order; its bins are kept. aspects: of each
    product, what its reviews judge (see `aspects.item_aspects`), beside its attributes; empty for none.
    """
    rows = attribute_pairs(dataset)
    bins = Bins(rows, known)
    binned = [[bins.label(*pair) for pair in pairs] for pairs in rows]
    if aspects:
        binned = [[*pairs, *judged] for pairs, judged in zip(binned, aspects, strict=True)]
    return _vocabulary(binned, MOST_ATTRIBUTES + (MOST_ASPECTS_OF_ITEM if aspects else 0), known)


def attribute_pairs(dataset: Dataset, item: str | None = None) -> list[list[tuple[str, str]]]:
    """(name, value) pairs of each product, or of one: named attributes, then brand, category levels and price."""
    where, given = ("", []) if item is None else (" WHERE item = $1", [item])
    rows: list[list[tuple[str, str]]] = []
    for brand, category, price, attributes in dataset.rows(
        f"SELECT brand, category, price, attributes FROM items{where}", given
    ):
        pairs = [(one["name"], one["value"]) for one in attributes or [] if one["value"]]
        pairs += [("brand", brand)] if brand else []
        pairs += [("category", level) for level in category or []]
        pairs += [("price", repr(price))] if price is not None else []
        rows.append(list(dict.fromkeys(pairs)))
    return rows


def item_links(dataset: Dataset, known: Names = ()) -> Vocabulary:
    """Links from products (director, also bought); one whose tail no other product shares is left out.

    known: names of an earlier vocabulary, which come first, in their order.
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for head, relation, tail in dataset.rows("SELECT head, relation, tail FROM links WHERE head_kind = 'item'"):
        found[head].append((relation, tail))
    items = [row[0] for row in dataset.rows("SELECT item FROM items")]
    return _vocabulary([list(dict.fromkeys(found.get(item, []))) for item in items], MOST_LINKS, known)


class Bins:
    """Where the values of numeric attributes fall."""

    def __init__(self, rows: Sequence[Sequence[tuple[str, str]]], known: Names = ()) -> None:
        """rows: pairs of each product; quantiles of all values are the edges. known: names of an earlier vocabulary,
        whose bins are kept."""
        self._known, settled = _known_bins(known), {name for name, _ in known}
        values: dict[str, list[str]] = defaultdict(list)
        for pairs in rows:
            for name, value in pairs:
                values[name].append(value)
        self._edges: dict[str, NDArray[np.float64]] = {}
        for name, texts in values.items():
            if name not in settled and len(set(texts)) > _NUMERIC_FROM and all(_is_number(text) for text in texts):
                edges = np.unique(np.quantile([float(text) for text in texts], np.linspace(0, 1, BINS + 1)))
                if len(edges) > 1:
                    self._edges[name] = edges

    def label(self, name: str, value: str) -> tuple[str, str]:
        """The pair as the vocabulary has it; the first and last bin take what lies beyond them."""
        if not _is_number(value):
            return name, value
        if name in self._known:
            bins = self._known[name]
            inside = np.clip(float(value), bins[0][0], np.nextafter(bins[-1][1], -np.inf))
            return name, next((label for low, high, label in bins if low <= inside < high), value)
        if name not in self._edges:
            return name, value
        marks = self._edges[name]
        place = int(np.clip(np.searchsorted(marks, float(value), side="right") - 1, 0, len(marks) - 2))
        return name, f"{marks[place]:.4g} to {marks[place + 1]:.4g}"

    def numeric(self, name: str) -> bool:
        """Whether numbers of this name are read as ranges."""
        return name in self._known or name in self._edges


def _known_bins(known: Names) -> dict[str, list[tuple[float, float, str]]]:
    """Bins of each numeric attribute of a vocabulary, as (from, to, label), rising."""
    bins: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for name, value in known:
        low, joined, high = value.partition(" to ")
        if joined and _is_number(low) and _is_number(high):
            bins[name].append((float(low), float(high), value))
    return {name: sorted(found) for name, found in bins.items()}


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _vocabulary(rows: list[list[tuple[str, str]]], most: int, known: Names) -> Vocabulary:
    counts = Counter(pair for pairs in rows for pair in set(pairs))
    settled = set(known)
    names = [*known, *sorted(pair for pair, count in counts.items() if count > 1 and pair not in settled)]
    number = {pair: index for index, pair in enumerate(names)}
    kept = [[number[pair] for pair in dict.fromkeys(pairs) if pair in number][:most] for pairs in rows]
    start = np.concatenate([[0], np.cumsum([len(ids) for ids in kept])]).astype(np.int64)
    return Vocabulary(tuple(names), np.array([one for ids in kept for one in ids], dtype=np.int32), start)
