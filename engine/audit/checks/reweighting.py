"""What weighting training examples does to a gap, and what it costs: the run trained anew with its own settings and
seed, once as it is and once weighted, for shoppers and for sellers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audit.anew import PLAIN, refuse, told_of, trained_anew
from engine.audit.check import Check, Figure, Measured, Note, NotRun
from engine.audit.checks.sellers import Sellers, exposure, log_share, measurable
from engine.audit.checks.shoppers import Served, behind, judged_groups, mean_figure, served
from engine.audit.checks.shoppers_groups import JUDGED, Grouping, habit_groupings, profile_groupings
from engine.audit.draws import normal, redrawn
from engine.audit.subject import Subject
from engine.evaluation.outcome import Outcome
from engine.evaluation.slices import long_tail
from engine.jobs import Job

Floats = NDArray[np.float64]
LEAST, MOST = 2.0, 10.0  # times that an example of the group counts
LONG_TAIL = (0.5, 1.0)  # of the setting: the first one that is more than the run's own


@dataclass(frozen=True)
class Lowest:
    """The group that is served worst. times: how much its training examples are to count."""

    grouping: Grouping
    at: int
    times: float

    @property
    def of(self) -> dict[str, str]:
        return {"by": self.grouping.name, "group": self.grouping.names[self.at]}

    @property
    def weights(self) -> Floats:
        """float64[users]."""
        return np.where(self.grouping.place == self.at, self.times, 1.0)


def lowest(subject: Subject, one: Served) -> Lowest:
    """Of the plan's groups by profile, or where none of these can be judged by habits, the one whose choices gain least
    beside all others'. NotRun where there is none."""
    by_profile = profile_groupings(subject, subject.ground.users) if subject.profiles else ()
    for groupings in (by_profile, habit_groupings(subject)):
        gaps = {
            (number, at): float(behind(one.gain, one.user, grouping, at, 1, draws=2)[0])
            for number, grouping in enumerate(groupings)
            for at in judged_groups(one, grouping)
        }
        if gaps:
            number, at = min(gaps, key=gaps.__getitem__)
            return Lowest(groupings[number], at, times_of(subject, groupings[number].place == at))
    raise NotRun(Note("small_groups", {"least": JUDGED}))


def times_of(subject: Subject, inside: NDArray[np.bool_]) -> float:
    """So many that the group's training events weigh as much as all others', within bounds. inside: bool[users]."""
    data, parts = subject.run.data, subject.run.parts
    own = int(inside[data.user[parts.train]].sum())
    return round(min(MOST, max(LEAST, (int(parts.train.sum()) - own) / max(1, own))), 1)


def shoppers(subject: Subject) -> Job:
    """The gap of the group that is served worst, before and after its training examples count more."""
    refuse(subject)
    outcome: Outcome = yield from subject.outcome()
    group = lowest(subject, served(subject, outcome))
    first: Outcome = yield from trained_anew(subject, PLAIN, part=(0, 2))
    second: Outcome = yield from trained_anew(subject, "group", shoppers=group.weights, part=(1, 2))
    plain, weighed, user = served(subject, first), served(subject, second), subject.ground.users
    seed = int(subject.random("shoppers.reweighting").integers(2**31))
    mine = group.grouping.place[user] == group.at
    count = len(np.unique(user[mine]))
    before, after = (shares(one, group, seed) for one in (plain, weighed))
    figures: list[Figure] = []
    if before is not None and after is not None:
        figures += _before_and_after("share", before, after, count, group.of)
    gaps = [behind(one.ndcg, one.user, group.grouping, group.at, seed) for one in (plain, weighed)]
    figures += _before_and_after("gap", gaps[0], gaps[1], count, group.of)
    change = (weighed.ndcg - plain.ndcg)[mine]
    figures.append(mean_figure("group_ndcg_change", change, user[mine], seed, count, group.of))
    weighted = Note("weighted", {**group.of, "times": f"{group.times:g}"})
    notes = [weighted, Note(moved_word(figures), group.of)]
    if setting := as_setting(subject, group):
        notes.append(Note("as_setting", {"setting": setting}))
    return Measured((*figures, *_cost(subject, outcome, first, second, seed)), (*notes, *told_of(subject)))


def moved_word(figures: Sequence[Figure]) -> str:
    """Which note says what became of the gap in NDCG@10. "levelled": it is narrower and the group no better served, so
    that it is the others who get less (Mittelstadt, Wachter and Russell 2023, levelling down)."""
    gap, own = (
        next((one.low, one.high) for one in figures if one.name == name) for name in ("gap_change", "group_ndcg_change")
    )
    assert gap[0] is not None
    assert gap[1] is not None
    assert own[0] is not None
    word = _moved(gap[0], gap[1], "narrower", "wider")
    return "levelled" if word == "narrower" and own[0] <= 0 else word


def as_setting(subject: Subject, group: Lowest) -> str:
    """What the setting `weigh` says of the group, "" where it is not all that have one value of an attribute."""
    name, value = group.grouping.name, group.grouping.names[group.at]
    values = subject.profiles.get(name)
    if values is None or not np.array_equal(values == value, group.grouping.place == group.at):
        return ""
    return f"{name}={value}:{group.times:g}"


def shares(one: Served, group: Lowest, seed: int) -> Floats | None:
    """What the group gets of what all others get, see `shoppers.profile`: of the targets, and of each draw of shoppers;
    None where what others get cannot be told from nothing."""
    place = group.grouping.place[one.user]
    own, rest = (place == group.at).astype(np.float64), ((place >= 0) & (place != group.at)).astype(np.float64)
    columns = np.stack([own, own * one.gain, rest, rest * one.gain], axis=1)
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, one.user, seed)])
    others = sums[:, 3] / np.maximum(sums[:, 2], 1)
    if normal(float(others[0]), others[1:])[0] <= 0:
        return None
    found: Floats = sums[:, 1] / np.maximum(sums[:, 0], 1) / others
    return found


def _before_and_after(name: str, before: Floats, after: Floats, n: int, of: dict[str, str]) -> list[Figure]:
    """Of the targets and of each draw, which are paired."""
    three = {"before": before, "after": after, "change": after - before}
    return [
        Figure(f"{name}_{what}", float(one[0]), *normal(float(one[0]), one[1:]), n, of) for what, one in three.items()
    ]


def _moved(low: float, high: float, up: str, down: str) -> str:
    """Which note says what a change did that lies between these; around 0 it may be chance."""
    return up if low > 0 else down if high < 0 else "unmoved"


def _cost(subject: Subject, audited: Outcome, plain: Outcome, weighed: Outcome, seed: int) -> list[Figure]:
    """NDCG@10 of everyone, before and after; and what training anew alone did to it."""
    on = subject.ground
    told = {
        "all_ndcg_before": on.ndcg(plain),
        "all_ndcg_after": on.ndcg(weighed),
        "all_ndcg_change": on.ndcg(weighed) - on.ndcg(plain),
        "anew_less_audited": on.ndcg(plain) - on.ndcg(audited),
    }
    everyone = len(np.unique(on.users))
    return [mean_figure(name, values, on.users, seed, everyone, {}) for name, values in told.items()]


def sellers(subject: Subject) -> Job:
    """Exposure before and after rarely bought products weigh more in training."""
    refuse(subject)
    run, on = subject.run, subject.ground
    stronger = next((one for one in LONG_TAIL if one > run.config.long_tail), None)
    if stronger is None:
        raise NotRun(Note("weighted_already"))
    audited: Outcome = yield from subject.outcome()
    plain: Outcome = yield from trained_anew(subject, PLAIN, part=(0, 2))
    weighed: Outcome = yield from trained_anew(subject, "long_tail", {"long_tail": stronger}, part=(1, 2))
    seed, chosen = int(subject.random("sellers.reweighting").integers(2**31)), on.data.item[on.targets]
    figures, changes = [], []
    for by, at in _concerned(subject, audited, seed):
        of, products = {"by": by.name, "group": by.names[at]}, int((by.place == at).sum())
        before, after = (exposure(one.lists, chosen, on.users, by, seed) for one in (plain, weighed))
        for name, one in (("before", before), ("after", after)):
            figures.append(Figure(name, float(one.over_merit[0, at]), *one.bounds(at, 1), products, of))
        change = log_share(after, at) - log_share(before, at)
        changes.append(normal(float(change[0]), change[1:]))
        value, low, high = np.exp([change[0], *changes[-1]]).tolist()
        figures.append(Figure("times", value, low, high, products, of))
    weighted = Note("weighted", {"was": f"{run.config.long_tail:g}", "now": f"{stronger:g}"})
    notes = (weighted, Note(_moved(*changes[0], "more", "less")), *told_of(subject))
    return Measured((*figures, *_cost(subject, audited, plain, weighed, seed)), notes)


def _concerned(subject: Subject, audited: Outcome, seed: int) -> list[tuple[Sellers, int]]:
    """The long tail, and the brand (or maker, or category) that is shown least of what is chosen of it."""
    on = subject.ground
    found = [(Sellers("popularity", ("long tail", "others"), np.where(long_tail(on.popularity), 0, 1)), 0)]
    try:
        by, groups = measurable(subject)[0]
    except NotRun:
        return found
    ratio = exposure(audited.lists, on.data.item[on.targets], on.users, by, seed).over_merit[0]
    return [*found, (by, min(groups, key=lambda at: float(ratio[at])))]


CHECKS = (
    Check("shoppers.reweighting", shoppers, cost=400.0, trains=True),
    Check("sellers.reweighting", sellers, cost=200.0, trains=True),
)
