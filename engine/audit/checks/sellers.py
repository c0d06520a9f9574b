"""Whom the lists show: exposure of brands and categories against what shoppers choose, the pull of the popular, and
repairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audit.check import Check, Example, Figure, Measured, Note, NotRun, Threshold
from engine.audit.draws import normal, normal_ratio, redrawn
from engine.audit.lists import Relisted, floor, lift, relisted, variety
from engine.audit.subject import K, Subject
from engine.evaluation.slices import long_tail
from engine.jobs import Job
from engine.metrics.ranking import measures
from engine.model.scoring import live_history

Floats = NDArray[np.float64]
PRODUCTS, CHOICES = 5, 30  # that a group needs to be judged: in the catalogue, and expected among the choices
_SELLERS = ("seller", "vendor", "merchant", "shop", "store", "manufacturer", "publisher", "label", "studio", "maker")
_MADE = ("made_by", "maker", "sold_by", "seller", "published_by", "publisher", "produced_by", "directed_by")
_SHOWN = 40  # groups of one kind in the figures, the largest; all stand in the table
_EXAMPLES = 6
_HALF = 0.5  # a choice that is added for the interval: a group may have none
_REPAIRED = 3  # groups whose exposure is repaired at once
_LOWERED = (0.1, 0.2, 0.4)  # of the spread of a list's scores, taken from those of overexposed products


@dataclass(frozen=True)
class Sellers:
    """A way to divide the catalogue. names: of the groups; place: int64[items], -1 for none."""

    name: str
    names: tuple[str, ...]
    place: NDArray[np.int64]


@dataclass(frozen=True)
class Exposure:
    """Of every group of a division. Sums over targets, and of each draw of shoppers: float64[1 + draws, groups + 1];
    the last column is of all groups. shown: exposure; chosen: held-out choices; listed: share of the products."""

    shown: Floats
    chosen: Floats
    listed: Floats

    @property
    def over_merit(self) -> Floats:
        """Share of exposure over share of choices: float64[1 + draws, groups]."""
        return self._share(self.shown) / np.maximum(self._share(self.chosen), 1e-12)

    def bounds(self, group: int, figures: int) -> tuple[float, float]:
        """The interval of `over_merit` of one group."""
        shown, chosen = self.shown + _HALF * self.unit, self.chosen + _HALF
        top, bottom = shown[:, group] / shown[:, -1], chosen[:, group] / chosen[:, -1]
        return normal_ratio(float(top[0] / bottom[0]), top[1:], bottom[1:], figures)

    @property
    def unit(self) -> float:
        """Exposure of a list per choice."""
        return float(self.shown[0, -1] / max(self.chosen[0, -1], 1))

    def _share(self, sums: Floats) -> Floats:
        return sums[:, :-1] / np.maximum(sums[:, -1:], 1e-12)


def discounts(k: int) -> Floats:
    """What a place of a list is worth: 1 / log2(1 + place), as in NDCG (Singh and Joachims 2018)."""
    return 1.0 / np.log2(np.arange(2, k + 2))


def exposure(
    lists: NDArray[np.int64], chosen: NDArray[np.int32], user: NDArray[np.int32], by: Sellers, seed: int
) -> Exposure:
    """lists: int64[targets, k], -1 behind the end; chosen, user: the target's product and shopper."""
    width = len(by.names)
    group = np.where(lists >= 0, by.place[lists], -1)
    shown = np.zeros((len(lists), width + 1))
    for place, worth in enumerate(discounts(lists.shape[1])):
        rows = np.flatnonzero(group[:, place] >= 0)
        shown[rows, group[rows, place]] += worth
    picked = np.zeros((len(lists), width + 1))
    rows = np.flatnonzero(by.place[chosen] >= 0)
    picked[rows, by.place[chosen[rows]]] = 1.0
    shown[:, -1], picked[:, -1] = shown[:, :-1].sum(axis=1), picked[:, :-1].sum(axis=1)
    columns = np.concatenate([shown, picked], axis=1)
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, user, seed)])
    products = np.bincount(by.place[by.place >= 0], minlength=width).astype(np.float64)
    return Exposure(sums[:, : width + 1], sums[:, width + 1 :], products / max(1.0, products.sum()))


def divisions(subject: Subject) -> tuple[Sellers, ...]:
    """Brand, category, sellers by attribute, and makers by links, as far as the dataset has them."""
    run = subject.run
    found = []
    for field in ("brand", *_SELLERS):
        if field == "brand" or field in _attribute_names(subject):
            values = run.shop.facts.values(field)
            found.append(_division(field, [one[0] if one else "" for one in values]))
    found.append(_division("category", list(run.texts.category)))
    heads: dict[str, dict[str, str]] = {}
    for head, relation, tail in run.dataset.rows(
        "SELECT head, relation, tail FROM links WHERE head_kind = 'item' AND tail_kind <> 'item'"
    ):
        if relation in _MADE:
            heads.setdefault(relation, {}).setdefault(head, tail)
    for relation, tail_of in sorted(heads.items()):
        found.append(_division(relation, [tail_of.get(item, "") for item in run.data.items]))
    different: list[Sellers] = []
    for one in found:
        same = any(np.array_equal(one.place, other.place) for other in different)
        if len(one.names) > 1 and not same:
            different.append(one)
    return tuple(different)


def _attribute_names(subject: Subject) -> set[str]:
    rows = subject.dataset.rows("SELECT DISTINCT one.name FROM (SELECT unnest(attributes) AS one FROM items)")
    return {row[0] for row in rows}


def _division(name: str, values: list[str]) -> Sellers:
    names = tuple(sorted({one for one in values if one}))
    number = {one: place for place, one in enumerate(names)}
    return Sellers(name, names, np.array([number.get(one, -1) for one in values], dtype=np.int64))


def _judged(by: Sellers, targets: int) -> list[int]:
    """Groups that are large enough for their merit to be known: by what their products lead to expect."""
    products = np.bincount(by.place[by.place >= 0], minlength=len(by.names))
    expected = products / max(1, products.sum()) * targets
    return np.flatnonzero((products >= PRODUCTS) & (expected >= CHOICES)).tolist()


def measurable(subject: Subject) -> list[tuple[Sellers, list[int]]]:
    found = divisions(subject)
    if not found:
        raise NotRun(Note("no_sellers"))
    usable = [(by, judged) for by in found if (judged := _judged(by, len(subject.ground.targets)))]
    if not usable:
        raise NotRun(Note("small_sellers", {"products": PRODUCTS, "choices": CHOICES}))
    return usable


def shown(subject: Subject) -> Job:
    """Exposure of every group against what is chosen of it, and against its share of the catalogue."""
    usable = measurable(subject)
    outcome = yield from subject.outcome()
    on = subject.ground
    chosen, seed = on.data.item[on.targets], int(subject.random("sellers.exposure").integers(2**31))
    judged = sum(len(groups) for _, groups in usable)
    figures: list[Figure] = []
    table: dict[str, list[object]] = {name: [] for name in ("by", "group", *_TABLE)}
    most: tuple[float, Sellers, int] | None = None
    for by, groups in usable:
        found = exposure(outcome.lists, chosen, on.users, by, seed)
        told = sorted(groups, key=lambda at: -found.listed[at])[:_SHOWN]
        ratio, products = found.over_merit[0], np.bincount(by.place[by.place >= 0], minlength=len(by.names))
        for at, name in enumerate(by.names):
            share = float(found.shown[0, at] / max(found.shown[0, -1], 1e-12))
            merit = float(found.chosen[0, at] / max(found.chosen[0, -1], 1))
            row = (by.name, name, int(products[at]), share, merit, float(found.listed[at]), float(ratio[at]))
            for column, value in zip(table.values(), row, strict=True):
                column.append(value)
            if at in groups:
                low, high = found.bounds(at, judged)
                if low > 1 and (most is None or low > most[0]):
                    most = (low, by, at)
                if at in told:
                    of, n = {"by": by.name, "group": name}, int(products[at])
                    figures.append(Figure("over_merit", float(ratio[at]), low, high, n, of))
                    figures.append(
                        Figure("over_catalogue", share / float(found.listed[at]), *_listed(found, at), n, of)
                    )
    notes: list[Note] = []
    examples: tuple[Example, ...] = ()
    if most is not None:
        notes.append(Note("most", {"by": most[1].name, "group": most[1].names[most[2]], "least": f"{most[0]:.1f}"}))
        examples = _shown_most(subject, outcome.lists, most[1], most[2])
    return Measured(tuple(figures), tuple(notes), examples, {"groups": table})


_TABLE = ("products", "exposure", "choices", "catalogue", "over_merit")


def _listed(found: Exposure, at: int) -> tuple[float, float]:
    share = found.shown[:, at] / np.maximum(found.shown[:, -1], 1e-12) / found.listed[at]
    return normal(float(share[0]), share[1:])


def _shown_most(subject: Subject, lists: NDArray[np.int64], by: Sellers, at: int) -> tuple[Example, ...]:
    count = np.bincount(lists[lists >= 0], minlength=len(by.place)).astype(np.float64)
    count[by.place != at] = 0
    first = np.argsort(-count, kind="stable")[:_EXAMPLES]
    items = subject.run.data.items
    return tuple(
        Example("product", item=items[one], note=Note("lists", {"n": int(count[one]), "all": len(lists)}))
        for one in first.tolist()
        if count[one]
    )


def popularity(subject: Subject) -> Job:
    """How much more popular the lists are than what the same shoppers chose before, and the room of the long tail."""
    outcome = yield from subject.outcome()
    on = subject.ground
    known, seed = on.popularity, int(subject.random("sellers.popularity").integers(2**31))
    tail = long_tail(known) | (known == 0)
    lists, shoppers = outcome.lists, len(np.unique(on.users))
    place, there = discounts(K), lists >= 0
    worth = np.where(there, place, 0.0)
    total = worth.sum(axis=1)
    past = [live_history(on.data, int(target)) for target in on.targets]
    had = np.array([known[one].mean() if len(one) else np.nan for one in past])
    mean = (worth * known[lists]).sum(axis=1) / np.maximum(total, 1e-12)
    some = np.isfinite(had)
    columns = np.stack(
        [
            np.where(some, mean, 0.0),
            np.where(some, had, 0.0),
            (worth * tail[lists]).sum(axis=1),
            total,
            tail[on.data.item[on.targets]].astype(np.float64),
            np.ones(len(lists)),
        ],
        axis=1,
    )
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, on.users, seed)])
    popular = sums[:, 0] / np.maximum(sums[:, 1], 1e-12)
    exposed, chosen = sums[:, 2] / np.maximum(sums[:, 3], 1e-12), sums[:, 4] / sums[:, 5]
    typical = (sums[:, 2] + _HALF * sums[0, 3] / sums[0, 5]) / sums[:, 3]
    over = float(exposed[0] / max(chosen[0], 1e-12))
    low, high = normal_ratio(max(over, 1e-6), typical[1:], (sums[1:, 4] + _HALF) / sums[1:, 5])
    return Measured(
        (
            Figure("lift", float(popular[0] - 1), *normal(float(popular[0] - 1), popular[1:] - 1), shoppers),
            Figure("tail_catalogue", float(tail.mean()), n=len(tail)),
            Figure("tail_exposure", float(exposed[0]), *normal(float(exposed[0]), exposed[1:]), shoppers),
            Figure("tail_choices", float(chosen[0]), *normal(float(chosen[0]), chosen[1:]), shoppers),
            Figure("tail_over_merit", over, low, high, shoppers),
        )
    )


def modalities(subject: Subject) -> Job:
    """What the over- or underexposure of the most concerned groups becomes without each part of the model."""
    usable = measurable(subject)
    outcome = yield from subject.outcome()
    without = yield from subject.without()
    on = subject.ground
    chosen, seed = on.data.item[on.targets], int(subject.random("sellers.modalities").integers(2**31))
    figures, notes = [], []
    for by, groups in usable:
        before = exposure(outcome.lists, chosen, on.users, by, seed)
        at = max(groups, key=lambda one: abs(np.log(max(before.over_merit[0, one], 1e-3))))
        of, products = {"by": by.name, "group": by.names[at]}, int((by.place == at).sum())
        figures.append(Figure("over_merit", float(before.over_merit[0, at]), *before.bounds(at, 1), products, of))
        way = np.sign(np.log(max(before.over_merit[0, at], 1e-3)))
        cause: tuple[float, str] = (0.0, "")
        for part, other in without.items():
            after = exposure(other.lists, chosen, on.users, by, seed)
            change = log_share(after, at) - log_share(before, at)
            low, high = normal(float(change[0]), change[1:], len(without))
            what = {**of, "without": part}
            value, low_times, high_times = np.exp([change[0], low, high]).tolist()
            figures.append(Figure("times", value, low_times, high_times, products, what))
            if (high if way > 0 else -low) < 0:
                cause = min(cause, (float(way * change[0]), part))
        if cause[1]:
            factor = f"{np.exp(way * cause[0]):.2f}"
            notes.append(Note("cause", {**of, "part": cause[1], "times": factor}))
    return Measured(tuple(figures), tuple(notes))


def log_share(one: Exposure, at: int) -> Floats:
    """The logarithm of a group's share of exposure, its merit left aside, which a knock-out does not change."""
    return np.log(np.maximum(one.shown[:, at] + _HALF * one.unit, 1e-12)) - np.log(np.maximum(one.shown[:, -1], 1e-12))


def repairs(subject: Subject) -> Job:
    """Exposure and quality under re-rankings that need no training."""
    by, groups = measurable(subject)[0]
    outcome = yield from subject.outcome()
    on = subject.ground
    chosen, seed = on.data.item[on.targets], int(subject.random("sellers.repairs").integers(2**31))
    before = exposure(outcome.lists, chosen, on.users, by, seed)
    ratio = before.over_merit[0]
    order = sorted(groups, key=lambda at: ratio[at])
    under = [at for at in order[:_REPAIRED] if ratio[at] < 1]
    over = [at for at in order[::-1][:_REPAIRED] if ratio[at] > 1]
    rules = {"variety": variety()}
    if under:
        rules["floor"] = floor("under", 1)
    if over:
        spread = _spread(subject)
        rules |= {f"lowered {part:g}": lift("over", -part * spread) for part in _LOWERED}
    masks = {"under": np.isin(by.place, under), "over": np.isin(by.place, over)}
    found: dict[str, Relisted] = yield from relisted(subject, rules, masks)
    anew = {name: exposure(one.lists, chosen, on.users, by, seed) for name, one in found.items()}
    even = {name: abs(float(np.log(anew[name].over_merit[0, over]).mean())) for name in anew if "lowered" in name}
    for name in sorted(even, key=even.__getitem__)[1:]:  # the one that brings them nearest to their merit is told
        del found[name], anew[name]
    ndcg, shoppers = measures(outcome.ranks, K)["ndcg"], len(np.unique(on.users))
    figures, notes = [], [Note("needs_training")]
    for at in dict.fromkeys([*over, *under]):
        of, products = {"by": by.name, "group": by.names[at]}, int((by.place == at).sum())
        figures.append(Figure("before", float(ratio[at]), *before.bounds(at, 1), products, of))
        for name, after in anew.items():
            what = {**of, "repair": name.split()[0]}
            figures.append(Figure("after", float(after.over_merit[0, at]), *after.bounds(at, 1), products, what))
    for name, one in found.items():
        gain = np.stack([measures(one.ranks, K)["ndcg"] - ndcg, np.ones(len(ndcg))], axis=1)
        drawn, mean = redrawn(gain, on.users, seed), float(gain[:, 0].mean())
        bounds = normal(mean, drawn[:, 0] / drawn[:, 1])
        figures.append(Figure("ndcg_change", mean, *bounds, shoppers, {"by": by.name, "repair": name.split()[0]}))
        if name in even:
            notes.append(Note("lowered", {"part": name.split()[1]}))
    return Measured(tuple(figures), tuple(notes))


def _spread(subject: Subject) -> float:
    """From the first to the last score of a list, in the mean over some shoppers."""
    run = subject.run
    spreads = []
    for user in np.unique(subject.ground.users)[:50].tolist():
        scores = run.running(run.past(run.data.users[user]))[1]
        best = np.sort(scores[np.isfinite(scores)])[::-1][:K]
        spreads.append(float(best[0] - best[-1]) if len(best) else 0.0)
    return float(np.mean(spreads)) if spreads else 0.0


CHECKS = (
    Check(
        "sellers.exposure",
        shown,
        (Threshold("over_merit", at_least=0.5, at_most=2.0),),
        cost=10.0,
    ),
    Check("sellers.popularity", popularity, (Threshold("tail_over_merit", at_least=0.1),), cost=3.0),
    Check("sellers.modalities", modalities, cost=60.0),
    Check("sellers.repairs", repairs, cost=20.0),
)
