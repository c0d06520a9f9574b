"""What a group of shoppers gets of what all others get, beyond a shuffled list: the share with its interval, how small
a share the check would have found, and whether gaps may be chance.

NDCG@10 counts only what comes first, and few choices do, so that its gaps drown in noise; the mean place counts
the list's far end as much as its top. The logarithm of the rank lies between and tells a ranked list from a shuffled
one with the fewest shoppers. Less what a shuffled list would give, it is zero without any service, so that four
fifths of it is four fifths of the service.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import f as f_law
from scipy.stats import t as t_law

from engine.audit.checks.shoppers_groups import Grouping
from engine.audit.draws import redrawn

POWER = 0.8  # of the chance that a breach is found
PLAIN = 0.3  # below the share that is asked: a breach that must be found with that chance

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """Of one group. share: its mean gain over that of all other shoppers; low, high: for all judged figures at once;
    alike: the same among choices as popular and pasts as long; seen: the largest share, below what is asked, that would
    be failed with the chance `POWER`; needed: shoppers of the group with whom that is `PLAIN` below what is asked."""

    share: float
    low: float
    high: float
    alike: tuple[float, float, float]
    seen: float
    needed: int


def gain(ranks: NDArray[np.int64], products: NDArray[np.int64]) -> Floats:
    """How much nearer the top than by lot: the mean of log(rank) over a shuffled list of so many products, less that of
    the rank. exp of its mean is a factor on the (geometric) mean rank."""
    by_lot: Floats = gammaln(products + 1.0) / products - np.log(ranks)
    return by_lot


def without(values: Floats, group: NDArray[np.int64], causes: Floats) -> Floats:
    """Values as they would be at the mean of the causes, by a line through them within the groups (analysis of
    covariance). group: int64[n]; causes: float64[n, causes]."""
    inside = [values, *causes.T]
    size = np.maximum(np.bincount(group), 1)
    target, *lines = [one - (np.bincount(group, one) / size)[group] for one in inside]
    slope = np.linalg.lstsq(np.stack(lines, axis=1), target, rcond=None)[0]
    found: Floats = values - (causes - causes.mean(axis=0)) @ slope
    return found


def sums_of(values: tuple[Floats, ...], user: NDArray[np.int32], grouping: Grouping, seed: int) -> Floats:
    """Of each group the number of targets, then the sum of each of the values: float64[1 + draws, 1 + values, groups],
    of all targets first and then of whole shoppers drawn anew."""
    inside = (grouping.place[user][:, None] == np.arange(len(grouping.names))).astype(np.float64)
    columns = np.concatenate([inside, *(inside * one[:, None] for one in values)], axis=1)
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, user, seed)])
    return sums.reshape(len(sums), 1 + len(values), len(grouping.names))


def share_of(sums: Floats, at: int, shoppers: NDArray[np.int64], judged: int, asked: float) -> Share | None:
    """The Share of group `at` against all others; None where these have no gain beyond chance, of which nobody can have
    a share. sums: `sums_of` the gains, and of those alike; shoppers: int64[groups].

    The interval of the ratio is Fieller's, its quantile Student's with Welch's degrees of freedom, for `judged`
    intervals at once (Bonferroni)."""
    own, rest = sums[:, :, at], sums.sum(axis=2) - sums[:, :, at]
    (means, level) = (
        np.stack([part[:, value] / np.maximum(part[:, 0], 1) for part in (own, rest)], axis=1) for value in (1, 2)
    )
    sizes = int(shoppers[at]), int(shoppers.sum() - shoppers[at])
    freedom = _freedom(np.var(means[1:], axis=0, ddof=1), sizes)
    reach = float(t_law.ppf(1 - 0.025 / max(judged, 1), freedom))
    bounds = fieller(means[0], np.cov(means[1:].T), reach)
    alone = fieller(level[0], np.cov(level[1:].T), float(t_law.ppf(0.975, freedom)))
    if bounds is None or alone is None:
        return None
    mine, theirs = means[0].tolist()
    error = float(np.std(means[1:, 0] - asked * means[1:, 1], ddof=1)) / theirs
    far = (reach + float(t_law.ppf(POWER, freedom))) * error
    alike = float(level[0, 0] / level[0, 1])
    return Share(mine / theirs, *bounds, (alike, *alone), asked - far, math.ceil(sizes[0] * (far / PLAIN) ** 2))


def fieller(means: Floats, covariance: Floats, reach: float) -> tuple[float, float] | None:
    """The ratios of the first mean to the second that lie within `reach` standard errors (Fieller 1954); None where the
    second does not differ from zero so far, or lies below it."""
    (mine, theirs), ((a, c), (_, b)) = means.tolist(), covariance.tolist()
    square = theirs**2 - reach**2 * b
    if square <= 0 or theirs <= 0:
        return None
    half = mine * theirs - reach**2 * c
    root = math.sqrt(max(half**2 - square * (mine**2 - reach**2 * a), 0.0))
    return (half - root) / square, (half + root) / square


def chance(sums: Floats, shoppers: NDArray[np.int64]) -> float:
    """The p-value of all groups having the same mean gain: Wald's test by the spread of whole shoppers drawn anew.
    sums: `sums_of` the gains; shoppers: int64[groups]."""
    there = shoppers > 0
    means = sums[:, 1, there] / np.maximum(sums[:, 0, there], 1)
    apart = means[:, 1:] - means[:, :1]
    wald = float(apart[0] @ np.linalg.pinv(np.atleast_2d(np.cov(apart[1:].T))) @ apart[0])
    ways = apart.shape[1]
    return float(f_law.sf(wald / ways, ways, max(int(shoppers.sum()) - ways - 1, 1)))


def holm(found: list[float]) -> list[float]:
    """p-values that hold together (Holm 1979), in the order given."""
    order = np.argsort(found)
    raised = np.maximum.accumulate(np.array(found)[order] * np.arange(len(found), 0, -1))
    adjusted = np.empty(len(found))
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted.tolist()


def _freedom(variances: Floats, shoppers: tuple[int, int]) -> float:
    """Welch and Satterthwaite's degrees of freedom of the difference of two means."""
    parts = sum(one**2 / max(count - 1, 1) for one, count in zip(variances.tolist(), shoppers, strict=True))
    return max(float(variances.sum() ** 2 / parts), 1.0) if parts > 0 else 1.0
