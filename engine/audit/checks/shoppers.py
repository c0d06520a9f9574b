"""Whom the run serves worse: gaps between groups of shoppers, the part of the model that makes them, and repairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold
from engine.audit.checks.shoppers_earlier import earlier
from engine.audit.checks.shoppers_groups import JUDGED, Grouping, habit_groupings, profile_groupings
from engine.audit.checks.shoppers_share import Share, chance, gain, holm, share_of, sums_of, without
from engine.audit.draws import DRAWS, normal, normal_ratio, redrawn
from engine.audit.lists import Relisted, floor, relisted, variety
from engine.audit.subject import K, Subject
from engine.dataset.split import Interactions
from engine.evaluation.outcome import Outcome
from engine.evaluation.slices import long_tail
from engine.jobs import Job
from engine.metrics.ranking import measures

Floats = NDArray[np.float64]
_COLUMNS = ("ndcg", "ratio", "behind")
_SHOWN = ("share", "chance", "alike", "seen", *_COLUMNS, "gap", "least_over_most")  # in this order
_LEAST = 1e-4  # of a mean, so that a group without any hit has a ratio
_HALF = 0.5  # a target's worth that is added to both sides of a ratio, for its interval: a group may have no hit
_TAIL_PLACES = 2  # of ten, kept for the long tail by the repair


@dataclass(frozen=True)
class Served:
    """How well each target is served. user: whose it is; ndcg; place: in the list of all products, 0 first, 1 last;
    gain: see `gain`; causes: float64[targets, 3], what explains some of it: how popular the product is, whether it is
    new, how long the past is."""

    user: NDArray[np.int32]
    ndcg: Floats
    place: Floats
    gain: Floats
    causes: Floats


@dataclass(frozen=True)
class GroupFigures:
    """Of one group. ratio: its mean NDCG over that of all other shoppers; behind: its mean place less theirs; 95 %
    intervals of each alone."""

    shoppers: int
    ndcg: Floats
    ratio: Floats
    behind: Floats


def served(subject: Subject, outcome: Outcome) -> Served:
    """Of the test period."""
    return _served(subject.run.data, subject.ground.targets, outcome, subject.ground.known)


def _served(data: Interactions, targets: NDArray[np.int64], outcome: Outcome, known: NDArray[np.bool_]) -> Served:
    """Of these targets. known: bool[events], those before them that were learned from."""
    user = data.user[targets]
    past = targets - data.start[user]
    products = len(data.items) - past
    popularity = np.bincount(data.item[known], minlength=len(data.items))[data.item[targets]]
    return Served(
        user,
        measures(outcome.ranks, K)["ndcg"],
        (outcome.ranks - 1) / np.maximum(products - 1, 1),
        gain(outcome.ranks, products),
        np.stack([np.log1p(popularity), popularity == 0, np.log(past)], axis=1),
    )


def _both_periods(subject: Subject) -> Job:
    """Return Served of the test period, and of the validation period where it can be had."""
    one = served(subject, (yield from subject.outcome()))
    before: Outcome | None = yield from earlier(subject)
    if before is None:
        return one
    parts = subject.run.parts
    other = _served(subject.run.data, parts.validation, before, parts.train)
    return Served(*(np.concatenate([getattr(each, field.name) for each in (one, other)]) for field in fields(Served)))


def group_figures(one: Served, grouping: Grouping, seed: int) -> list[GroupFigures]:
    """Of each group: value, low and high of each figure."""
    group = grouping.place[one.user]
    inside = group[:, None] == np.arange(len(grouping.names))
    some = (group >= 0).astype(np.float64)[:, None]
    columns = np.concatenate([part * value[:, None] for value in (np.ones(len(group)), one.ndcg, one.place)
                              for part in (inside, some)], axis=1)  # fmt: skip
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, one.user, seed)])
    width = len(grouping.names) + 1
    count, ndcg, place = (sums[:, at * width : (at + 1) * width] for at in range(3))
    typical = _HALF * one.ndcg[group >= 0].mean()
    found = []
    for number in range(width - 1):
        shoppers = len(np.unique(one.user[group == number]))
        own, rest = np.maximum(count[:, number], 1), np.maximum(count[:, -1] - count[:, number], 1)
        mine, theirs = ndcg[:, number] / own, (ndcg[:, -1] - ndcg[:, number]) / rest
        behind = place[:, number] / own - (place[:, -1] - place[:, number]) / rest
        even = (mine + typical / own) / (theirs + typical / rest)
        low, high = normal_ratio(even[0], even[1:], np.ones(len(even) - 1))
        figures = (
            (mine[0], *normal(mine[0], mine[1:])),
            (mine[0] / theirs[0] if theirs[0] else np.nan, low, high),
            (behind[0], *normal(behind[0], behind[1:])),
        )
        found.append(GroupFigures(shoppers, *(np.array(figure) for figure in figures)))
    return found


def extremes(one: Served, grouping: Grouping, seed: int) -> tuple[Floats, Floats]:
    """Largest less smallest mean NDCG of the groups, and smallest over largest (fairlearn's difference and ratio):
    value, low and high. The intervals are of the two groups that are found to be the best and the worst served."""
    group = grouping.place[one.user]
    inside = (group[:, None] == np.arange(len(grouping.names))).astype(np.float64)
    columns = np.concatenate([inside, inside * one.ndcg[:, None]], axis=1)
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, one.user, seed)])
    width = len(grouping.names)
    means = sums[:, width:] / np.maximum(sums[:, :width], 1)
    there = np.flatnonzero(sums[0, :width])
    most, least = there[means[0, there].argmax()], there[means[0, there].argmin()]
    gap, ratio = means[:, most] - means[:, least], float(means[0, least] / means[0, most]) if means[0, most] else 1.0
    bounds = normal_ratio(ratio, means[1:, least] + _LEAST, means[1:, most] + _LEAST)
    return np.array([gap[0], *normal(float(gap[0]), gap[1:])]), np.array([ratio, *bounds])


def profile(subject: Subject) -> Job:
    """Gaps between groups by what is known of shoppers."""
    if not subject.profiles:
        raise NotRun(Note("no_profiles"))
    one: Served = yield from _both_periods(subject)
    return _gaps(subject, one, profile_groupings(subject, one.user), PROFILE)


def habits(subject: Subject) -> Job:
    """Gaps between groups by what shoppers did, which every dataset tells. Of the test period alone: what was chosen
    before it is what the groups are made by."""
    one = served(subject, (yield from subject.outcome()))
    return _gaps(subject, one, habit_groupings(subject), HABITS)


def _gaps(subject: Subject, one: Served, groupings: tuple[Grouping, ...], check: Check) -> Measured:
    usable = [grouping for grouping in groupings if len(grouping.names) > 1]
    if not usable:
        raise NotRun(Note("small_groups", {"least": JUDGED}))
    seed = int(subject.random(check.name).integers(2**31))
    shares = _shares(one, usable, seed, _asked(subject, check))
    chances = holm([chance for _, chance in shares])
    figures: list[Figure] = []
    table: dict[str, list[object]] = {name: [] for name in ("grouping", "group", "shoppers", "share", *_COLUMNS)}
    for grouping, (found, _), alike in zip(usable, shares, chances, strict=True):
        shoppers = len(np.unique(one.user[grouping.place[one.user] >= 0]))
        figures.append(Figure("chance", alike, n=shoppers, of={"by": grouping.name}))
        for what, bounds in zip(("gap", "least_over_most"), extremes(one, grouping, seed), strict=True):
            figures.append(_figure(what, bounds, shoppers, {"by": grouping.name}))
        for at, (name, other) in enumerate(zip(grouping.names, group_figures(one, grouping, seed), strict=True)):
            of, share = {"by": grouping.name, "group": name}, found.get(at)
            figures += _share_figures(share, other.shoppers, of) if share else []
            figures.append(_figure("ndcg", other.ndcg, other.shoppers, of))
            if at in judged_groups(one, grouping):
                figures.append(_figure("ratio", other.ratio, other.shoppers, of))
                figures.append(_figure("behind", other.behind, other.shoppers, of))
            told = (share.share if share else np.nan, *(getattr(other, column)[0] for column in _COLUMNS))
            for column, value in zip(table.values(), (grouping.name, name, other.shoppers, *told), strict=True):
                column.append(value if isinstance(value, str | int) else float(value))
    figures.sort(key=lambda figure: _SHOWN.index(figure.name))
    notes = _gap_notes(figures, shares, _asked(subject, check))
    small = [one.name for one in groupings if one not in usable]
    notes += [Note("too_small", {"by": ", ".join(small), "least": JUDGED})] if small else []
    return Measured(tuple(figures), tuple(notes), tables={"groups": table})


def _asked(subject: Subject, check: Check) -> float:
    """The share that is asked; all that others get, where the plan asks for no least one."""
    asked = next((one.at_least for one in subject.plan.thresholds_of(check) if one.figure == "share"), None)
    return 1.0 if asked is None else asked


def _shares(
    one: Served, groupings: Sequence[Grouping], seed: int, asked: float
) -> list[tuple[dict[int, Share], float]]:
    """Of each grouping: the Share of each of its judged groups, and the p-value of there being no gap at all."""
    judged = sum(len(judged_groups(one, grouping)) for grouping in groupings)
    found = []
    for grouping in groupings:
        group = grouping.place[one.user]
        alike = without(one.gain, group + 1, one.causes)
        sums = sums_of((one.gain, alike), one.user, grouping, seed)
        shoppers = np.array([len(np.unique(one.user[group == at])) for at in range(len(grouping.names))])
        shares = {at: share_of(sums, at, shoppers, judged, asked) for at in judged_groups(one, grouping)}
        found.append(({at: share for at, share in shares.items() if share}, chance(sums, shoppers)))
    return found


def _share_figures(share: Share, shoppers: int, of: dict[str, str]) -> list[Figure]:
    blind = share.needed > shoppers
    return [
        Figure("share", share.share, share.low, share.high, shoppers, of, blind),
        Figure("alike", *share.alike, shoppers, of),
        Figure("seen", share.seen, n=shoppers, of=of),
    ]


def _gap_notes(figures: Sequence[Figure], shares: Sequence[tuple[dict[int, Share], float]], asked: float) -> list[Note]:
    """Whom the run serves worst; how many shoppers it would take where the check could have missed a plain gap, and the
    interval does not exclude one; and where nobody has a gain to have a share of."""
    judged = [one for one in figures if one.name == "share"]
    if not judged:
        return [Note("no_gain")]
    worst = min(judged, key=lambda one: one.value)
    notes = [Note("worst", {**worst.of, "share": f"{worst.value:.2f}"})] if worst.value < 1 else []
    needed = max(share.needed for found, _ in shares for share in found.values())
    blind = [one for one in judged if one.blind and (one.low is None or one.low < asked)]
    if blind:
        least = min(one.n for one in blind)
        notes.append(Note("blind", {"n": len(blind), "all": len(judged), "least": least, "needed": needed}))
    return notes


def _figure(name: str, bounds: Floats, n: int, of: dict[str, str]) -> Figure:
    value, low, high = bounds.tolist()
    return Figure(name, value, low, high, n, of)


def judged_groups(one: Served, grouping: Grouping) -> list[int]:
    """Groups of at least `JUDGED` shoppers, with as many outside them."""
    group = grouping.place[one.user]
    counts = [len(np.unique(one.user[group == at])) for at in range(len(grouping.names))]
    return [at for at, count in enumerate(counts) if min(count, sum(counts) - count) >= JUDGED]


def _all_groupings(subject: Subject) -> Iterator[Grouping]:
    if subject.profiles:
        yield from profile_groupings(subject, subject.ground.users)
    yield from habit_groupings(subject)


def _worst_groups(subject: Subject, one: Served, seed: int, by: str) -> list[tuple[Grouping, int]]:
    """Of each grouping that can be judged, the group that is served worst: by "place", or by "ndcg"."""
    found = []
    for grouping in _all_groupings(subject):
        judged = judged_groups(one, grouping)
        if judged:
            sign = 1.0 if by == "place" else -1.0
            worth = {at: sign * behind(getattr(one, by), one.user, grouping, at, seed, draws=2)[0] for at in judged}
            found.append((grouping, max(worth, key=worth.__getitem__)))
    if not found:
        raise NotRun(Note("small_groups", {"least": JUDGED}))
    return found


def behind(
    values: Floats, user: NDArray[np.int32], grouping: Grouping, at: int, seed: int, draws: int = DRAWS
) -> Floats:
    """A group's mean less all others': of the targets, and of each draw of shoppers; paired between calls."""
    group = grouping.place[user]
    own, rest = (group == at).astype(np.float64), ((group >= 0) & (group != at)).astype(np.float64)
    columns = np.stack([own, own * values, rest, rest * values], axis=1)
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, user, seed, draws)])
    return sums[:, 1] / np.maximum(sums[:, 0], 1) - sums[:, 3] / np.maximum(sums[:, 2], 1)


def modalities(subject: Subject) -> Job:
    """What a gap becomes without each part of the model."""
    outcome = yield from subject.outcome()
    without = yield from subject.without()
    one = served(subject, outcome)
    seed = int(subject.random("shoppers.modalities").integers(2**31))
    figures, notes = [], []
    for grouping, at in _worst_groups(subject, one, seed, "place"):
        of = {"by": grouping.name, "group": grouping.names[at]}
        shoppers = len(np.unique(one.user[grouping.place[one.user] == at]))
        before = behind(one.place, one.user, grouping, at, seed)
        figures.append(Figure("behind", before[0], *normal(before[0], before[1:]), shoppers, of))
        narrowest: tuple[float, str] = (0.0, "")
        for part, other in without.items():
            change = behind(served(subject, other).place, one.user, grouping, at, seed) - before
            low, high = normal(change[0], change[1:], len(without))
            figures.append(Figure("change", change[0], low, high, shoppers, {**of, "without": part}))
            if high < 0 < before[0]:
                narrowest = min(narrowest, (float(change[0]), part))
        if narrowest[1]:
            notes.append(Note("cause", {**of, "part": narrowest[1], "change": f"{narrowest[0]:+.3f}"}))
        elif before[0] > 0:
            notes.append(Note("no_cause", of))
    return Measured(tuple(figures), tuple(notes))


def repairs(subject: Subject) -> Job:
    """The same gaps under re-rankings that need no training."""
    outcome = yield from subject.outcome()
    tail = long_tail(subject.ground.popularity)
    repaired = {"long_tail_floor": floor("long tail", _TAIL_PLACES), "variety": variety()}
    found: dict[str, Relisted] = yield from relisted(subject, repaired, {"long tail": tail})
    one = served(subject, outcome)
    seed = int(subject.random("shoppers.repairs").integers(2**31))
    figures = []
    after = {name: measures(other.ranks, K)["ndcg"] for name, other in found.items()}
    shoppers = len(np.unique(one.user))
    for name, values in after.items():
        figures.append(
            mean_figure("all_after_less_before", values - one.ndcg, one.user, seed, shoppers, {"repair": name})
        )
    for grouping, at in _worst_groups(subject, one, seed, "ndcg"):
        of = {"by": grouping.name, "group": grouping.names[at]}
        count = len(np.unique(one.user[grouping.place[one.user] == at]))
        before = behind(one.ndcg, one.user, grouping, at, seed)
        figures.append(Figure("gap_before", before[0], *normal(before[0], before[1:]), count, of))
        for name, values in after.items():
            gap = behind(values, one.user, grouping, at, seed)
            what = {**of, "repair": name}
            figures.append(Figure("gap_after", gap[0], *normal(gap[0], gap[1:]), count, what))
            change = gap - before
            figures.append(Figure("gap_after_less_before", change[0], *normal(change[0], change[1:]), count, what))
    return Measured(tuple(figures), (Note("needs_training"),))


def mean_figure(name: str, values: Floats, user: NDArray[np.int32], seed: int, n: int, of: dict[str, str]) -> Figure:
    columns = np.stack([values, np.ones(len(values))], axis=1)
    drawn = redrawn(columns, user, seed)
    mean = float(values.mean())
    return Figure(name, mean, *normal(mean, drawn[:, 0] / np.maximum(drawn[:, 1], 1)), n, of)


PROFILE = Check("shoppers.profile", profile, (Threshold("share", at_least=0.8),), cost=15.0)
HABITS = Check("shoppers.habits", habits, (Threshold("share", at_least=0.5),), cost=2.0)
CHECKS = (
    PROFILE,
    HABITS,
    Check("shoppers.modalities", modalities, cost=60.0),
    Check("shoppers.repairs", repairs, cost=20.0),
)
