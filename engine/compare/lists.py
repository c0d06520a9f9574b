"""How alike two ranked lists are: products in both, the order of these, and rank-biased overlap."""

from __future__ import annotations

from collections.abc import Sequence

from engine.compare.types import Agreement

PERSISTENCE = 0.9  # of rank-biased overlap: the first ten places carry 86 % of its weight


def agreement(left: Sequence[str], right: Sequence[str]) -> Agreement:
    """Two lists of different names, best first; only as many places as both have are looked at."""
    depth = min(len(left), len(right))
    left, right = left[:depth], right[:depth]
    shared = len(set(left) & set(right))
    return Agreement(depth, shared, kendall_tau(left, right), rank_biased_overlap(left, right))


def kendall_tau(left: Sequence[str], right: Sequence[str]) -> float | None:
    """Kendall's tau-b between the places of the names that both lists hold, in -1..1; None below two of them."""
    from scipy.stats import kendalltau

    places = {name: place for place, name in enumerate(right)}
    pairs = [(place, places[name]) for place, name in enumerate(left) if name in places]
    if len(pairs) < 2:
        return None
    return float(kendalltau(*zip(*pairs, strict=True)).statistic)


def rank_biased_overlap(left: Sequence[str], right: Sequence[str], p: float = PERSISTENCE) -> float:
    """RBO_ext of two lists of one depth k, in 0..1 (Webber, Moffat and Zobel 2010, equation 30):
    X_k / k * p^k + (1 - p) / p * sum over d = 1..k of X_d / d * p^d, X_d the names among the first d of both.

    It looks at the top most, and takes it that lists go on to agree as much as they do at k.
    """
    depth = min(len(left), len(right))
    if not depth:
        return 0.0
    seen: set[str] = set()
    both, total = 0, 0.0
    for d in range(1, depth + 1):
        for name in (left[d - 1], right[d - 1]):
            both += name in seen
            seen.add(name)
        total += both / d * p**d
    return both / depth * p**depth + (1 - p) / p * total
