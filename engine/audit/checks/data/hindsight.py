"""Whether the catalogue says of a product what can only be known afterwards: a count of sales, a mean rating, a
"bestseller" that were written with the events of the test in view.

Such a value tells the products' popularity (or rating) in the test part beyond what their past tells of it. It is
measured by the partial rank correlation given that past, as a share of the highest one that values so often equal
could have, so that a rare word and a number are on one scale.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold
from engine.audit.checks.shoppers_share import POWER, holm
from engine.audit.draws import normal, redrawn
from engine.audit.subject import Subject
from engine.dataset.split import Interactions, through_validation
from engine.jobs import Job, Progress

NAME = "data.hindsight"
FEWEST = 40  # products with a past
FEWEST_WITH = 10  # products that carry a value or a word
FEWEST_NUMBERS = 5  # different ones, from which they are read as an amount
FEWEST_RATINGS = 2  # of a product, before the test and in it
ASKED = 0.5  # the largest share that passes
PLAIN = 0.9  # a breach that must be found with the chance POWER
_WORDS = 200  # of titles and of descriptions, the most frequent
_SHOWN = 10
_NUMBER = re.compile(r"[^\d\s]{0,3}\s?(\d[\d,]*(?:\.\d+)?)\s?([km万]?)\+?(?:\s\w+)?")
_TIMES = {"": 1, "k": 1_000, "m": 1_000_000, "万": 10_000}
_CJK = "\u3400-\u9fff"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """Something that the catalogue says. where: "title", "description" or an attribute's name; value: the word or the
    value, "" where it is a number; products: int64[...], of which it is known; amount: float64[...], of each of them.
    """

    where: str
    value: str
    products: NDArray[np.int64]
    amount: Floats


@dataclass(frozen=True)
class Told:
    """What one Known tells of what came after. share: of the highest correlation possible, -1..1; chance: its p-value,
    alone; rows: float64[n, 2], what the past leaves of both, of which it was made; most: that highest correlation."""

    known: Known
    share: float
    chance: float
    rows: Floats
    most: float


def hindsight(subject: Subject) -> Job:
    """How well each attribute, and each word of a title, tells a product's test period beyond its past."""
    run = subject.run
    if not len(run.parts.test):
        raise NotRun(Note("no_test"))
    known = through_validation(run.data, run.parts).train
    past = np.bincount(run.data.item[known], minlength=len(run.data.items)) > 0
    if past.sum() < FEWEST:
        raise NotRun(Note("few_products", {"count": int(past.sum()), "fewest": FEWEST}))
    said = list(_said(subject))
    figures: list[Figure] = []
    table: dict[str, list[Any]] = {name: [] for name in ("what", "attribute", "value", "share", "chance", "n")}
    for done, target in enumerate(_targets(subject, known)):
        yield Progress("Comparing what the catalogue says with what came after", done, 2)
        found = [one for each in said for one in target.told(each)]
        together = holm([one.chance for one in found])
        order = sorted(range(len(found)), key=lambda at: -abs(found[at].share))
        order = list({(found[at].known.where, found[at].known.value): at for at in reversed(order)}.values())[::-1]
        # Those beyond chance; where none is, the most telling one stands for all.
        shown = [at for at in order if together[at] < 0.05][:_SHOWN] or order[:1]
        figures += [_figure(target.name, found[at], len(found), subject.plan.seed) for at in shown]
        for at in order:
            one = found[at]
            row = (target.name, one.known.where, one.known.value, one.share, together[at], len(one.rows))
            for column, cell in zip(table.values(), row, strict=True):
                column.append(cell)
    if not figures:
        raise NotRun(Note("nothing_said"))
    return Measured(tuple(figures), tables={"told": table})


class Target:
    """What came after, to be told beyond its past. name: the figure's; products: int64[n], sorted; after: float64[n];
    before: float64[n, causes]."""

    def __init__(self, name: str, products: NDArray[np.int64], after: Floats, before: Floats) -> None:
        self.name, self.products, self.after, self.before = name, products, after, before
        self._past = _basis(before, ranked=True)

    def told(self, known: Known) -> Iterator[Told]:
        """The partial correlation with a Known; none where too few carry it, or none lack it.

        The past is taken away by its ranks and their squares; of a number also as it is, as a count of sales is the
        past's count and something more, and the ranks of what is left are compared."""
        _, mine, theirs = np.intersect1d(self.products, known.products, assume_unique=True, return_indices=True)
        if known.value:  # a word: all other products lack it
            if min(len(mine), len(self.products) - len(mine)) < FEWEST_WITH:
                return
            amount = np.zeros(len(self.products))
            amount[mine] = 1.0
            found = [correlation(known, ranks(amount), ranks(self.after), self._past)]
        else:
            if len(mine) < FEWEST:
                return
            amount, after, before = known.amount[theirs], self.after[mine], self.before[mine]
            found = [
                correlation(known, ranks(amount), ranks(after), _basis(before, ranked=True)),
                correlation(known, amount, after, _basis(before, ranked=False), ranked=True),
            ]
        yield from (one for one in found if one is not None)


def correlation(known: Known, said: Floats, after: Floats, past: Floats, ranked: bool = False) -> Told | None:
    """What is left of two variables, float64[n] each, without the past, compared; by the ranks of that where `ranked`.
    past: float64[n, causes], orthonormal. None where nothing but rounding is left.

    chance: by permutation of what is left, whose law is normal with variance 1 / (n - 1) (Hoeffding 1951), less the
    causes taken away."""
    left = [one - past @ (past.T @ one) for one in (said, after)]
    if any(rest @ rest < 1e-9 * (one @ one) for rest, one in zip(left, (said, after), strict=True)):
        return None
    own, rest = (ranks(np.round(one, 9)) if ranked else one for one in left)
    size = float(np.sqrt((own @ own) * (rest @ rest)))
    if size == 0:
        return None
    found = float(own @ rest) / size
    x, y = np.sort(own), np.sort(rest)
    most = float(x @ y if found >= 0 else -(x @ y[::-1])) / size
    chance = float(2 * norm.sf(abs(found) * math.sqrt(max(len(own) - past.shape[1], 1))))
    return Told(known, found / most, chance, np.stack([own, rest], axis=1), most)


def _basis(before: Floats, ranked: bool) -> Floats:
    """An orthonormal basis of the past, float64[n, causes]: of its ranks and their squares, or of itself."""
    columns = [ranks(one) for one in before.T] if ranked else [_scaled(one) for one in before.T]
    columns += [one**2 for one in columns] if ranked else []
    left, sizes, _ = np.linalg.svd(np.stack([np.ones(len(before)), *columns], axis=1), False)
    basis: Floats = left[:, sizes > 1e-9 * sizes[0]]
    return basis


def _scaled(values: Floats) -> Floats:
    centred: Floats = values - values.mean()
    return centred / max(float(np.abs(centred).max()), 1e-300)


def ranks(values: Floats) -> Floats:
    """Ranks, equal ones shared, from -1 to 1."""
    placed: Floats = (rankdata(values) - (len(values) + 1) / 2) * 2 / len(values)
    return placed


def _figure(what: str, one: Told, judged: int, seed: int) -> Figure:
    """Its interval by products drawn anew, for all that was looked at (Bonferroni)."""
    x, y = one.rows.T
    columns = np.stack([np.ones(len(x)), x, y, x * y, x * x, y * y], axis=1)
    count, *sums = redrawn(columns, np.arange(len(x), dtype=np.int32), seed).T
    mx, my, xy, xx, yy = (total / count for total in sums)
    drawn = (xy - mx * my) / np.sqrt(np.maximum((xx - mx**2) * (yy - my**2), 1e-24)) / one.most
    share = abs(one.share)
    low, high = normal(share, drawn, judged)
    # The spread of a correlation shrinks as it grows: that of a plain breach, from the one seen.
    steady = (1 - min(PLAIN * one.most, 1.0) ** 2) / max(1 - (share * one.most) ** 2, 1e-9)
    error = min(steady, 1.0) * float(np.std(drawn, ddof=1))
    blind = (float(norm.ppf(1 - 0.025 / judged)) + float(norm.ppf(POWER))) * error > PLAIN - ASKED
    named = {"attribute": one.known.where} | ({"value": one.known.value} if one.known.value else {})
    return Figure(what, share, max(low, 0.0), min(high, 1.0), len(x), named, blind)


def _targets(subject: Subject, known: NDArray[np.bool_]) -> Iterator[Target]:
    """Popularity in the test part, and ratings where there are enough.

    The past of popularity: how often before the validation part, how often in it (the trend), and since when."""
    data, parts = subject.run.data, subject.run.parts
    count = len(data.items)
    early, late, test = (
        np.bincount(data.item[which], minlength=count).astype(np.float64)
        for which in (parts.train, known & ~parts.train, ~known)  # also of shoppers of whom nothing is asked
    )
    since = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(since, data.item[known], data.time[known])
    products = np.flatnonzero(early + late > 0)
    yield Target("popularity", products, test[products], np.stack([early, late, since], axis=1)[products])
    rated = np.isfinite(data.value)
    (before, times), (after, again) = _mean(data, known & rated), _mean(data, ~known & rated)
    products = np.flatnonzero((times >= FEWEST_RATINGS) & (again >= FEWEST_RATINGS))
    if len(products) >= FEWEST:
        yield Target("rating", products, after[products], np.stack([before, times], axis=1)[products])


def _mean(data: Interactions, which: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The mean rating of each product, and of how many: float64[products] each."""
    times = np.bincount(data.item[which], minlength=len(data.items)).astype(np.float64)
    total = np.bincount(data.item[which], data.value[which].astype(np.float64), minlength=len(data.items))
    return total / np.maximum(times, 1), times


def _said(subject: Subject) -> Iterator[Known]:
    """Everything the catalogue says of enough products."""
    place = {item: at for at, item in enumerate(subject.run.data.items)}
    words: dict[str, dict[str, list[int]]] = {"title": {}, "description": {}}
    values: dict[str, list[tuple[int, str]]] = {}
    for item, title, description, brand, category, price, attributes in subject.dataset.rows(
        "SELECT item, title, description, brand, category, price, attributes FROM items"
    ):
        at = place[item]
        for where, text in (("title", title), ("description", description)):
            for word in set(split_words(text or "")):
                words[where].setdefault(word, []).append(at)
        pairs = [("brand", brand), ("price", None if price is None else str(price))]
        pairs += [("category", one) for one in category or ()]
        pairs += [(one["name"], one["value"]) for one in attributes or ()]
        for name, value in pairs:
            if value:
                values.setdefault(name, []).append((at, value))
    for name, found in sorted(values.items()):
        yield from _attribute(name, found)
    for where, carriers in words.items():
        often = sorted(carriers, key=lambda word: (-len(carriers[word]), word))[:_WORDS]
        yield from (_has(where, word, carriers[word]) for word in often if len(carriers[word]) >= FEWEST_WITH)


def _attribute(name: str, found: list[tuple[int, str]]) -> Iterator[Known]:
    """An amount where nearly all values of a name are numbers, else each value by itself."""
    numbers = {at: amount for at, value in found if (amount := number(value)) is not None}
    if len(numbers) >= 0.9 * len(found) and len(set(numbers.values())) >= FEWEST_NUMBERS:
        products = np.array(sorted(numbers), np.int64)
        yield Known(name, "", products, np.array([numbers[at] for at in products.tolist()], np.float64))
        return
    carriers: dict[str, list[int]] = {}
    for at, value in found:
        carriers.setdefault(value, []).append(at)
    yield from (_has(name, value, those) for value, those in sorted(carriers.items()) if len(those) >= FEWEST_WITH)


def _has(where: str, value: str, products: list[int]) -> Known:
    those = np.unique(np.array(products, np.int64))
    return Known(where, value, those, np.ones(len(those)))


def number(value: str) -> float | None:
    """An amount with what may stand around it: "1,204", "¥ 12.5", "1.2k sold"; None where it is none."""
    found = _NUMBER.fullmatch(value.strip().lower())
    return float(found[1].replace(",", "")) * _TIMES[found[2]] if found else None


def split_words(text: str) -> list[str]:
    """Words in lower case; Chinese, which has no spaces, in pairs of characters."""
    found = []
    for word in re.findall(rf"[{_CJK}]+|[^\W{_CJK}]+", text.lower()):
        pairs = re.match(rf"[{_CJK}]", word)
        found += [word[at : at + 2] for at in range(max(len(word) - 1, 1))] if pairs else [word]
    return found


CHECK = Check(NAME, hindsight, (Threshold("popularity", at_most=ASKED), Threshold("rating", at_most=ASKED)), cost=20.0)
