"""Whether what is known of shoppers can be read off the vectors that the run makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold
from engine.audit.subject import Subject
from engine.dataset.history import History, history_of
from engine.jobs import Job, Progress
from engine.metrics.separation import auc, weighted_aucs

NAME = "privacy.attributes"
FEWEST = 30  # shoppers of a value, or it is left out
MOST_VALUES = 20  # of an attribute; one of more is no group of people but nearly a name
FOLDS, PERMUTATIONS, DRAWS = 5, 200, 300
_RIDGE = 10.0
_ROWS = 256

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """One attribute of those shoppers who have one of its common values. value: int64[n], places in `values`."""

    name: str
    values: tuple[str, ...]
    shopper: NDArray[np.int64]
    value: NDArray[np.int64]


def attributes(subject: Subject) -> Job:
    """The area under the curve of a linear reader of each attribute, of vectors as they are and of behaviour alone."""
    shoppers = subject.shoppers(CHECK)
    asked = list(_asked(subject, shoppers))
    if not asked:
        raise NotRun(Note("no_profiles") if not subject.profiles else Note("no_groups", {"least": FEWEST}))
    ways = {"behaviour": (yield from _vectors(subject, shoppers, hidden=True))}
    if subject.run.model.shape.profiles:
        ways["used"] = yield from _vectors(subject, shoppers, hidden=False)
    figures: list[Figure] = []
    columns: dict[str, list[object]] = {name: [] for name in ("attribute", "value", "shoppers", "way", "auc")}
    for done, one in enumerate(asked):
        yield Progress("Reading attributes off vectors", done, len(asked))
        random = subject.random(f"{NAME} {one.name}")
        rows = np.searchsorted(shoppers, one.shopper)
        fold = _folds(one.value, random)
        for way, vectors in ways.items():
            said = read(vectors[rows], one.value, fold, len(one.values))
            figures.append(_figure(way, said, one, random, len(asked)))
            for place, value in enumerate(one.values):
                mine = one.value == place
                for column, cell in zip(
                    columns.values(), (one.name, value, int(mine.sum()), way, auc(said[:, place], mine)), strict=True
                ):
                    column.append(cell)
        figures += _against_chance(ways["behaviour"][rows], one, fold, random)
    notes = (Note("profile_read"),) if "used" in ways else ()
    return Measured(tuple(figures), notes, tables={"values": columns})


def _asked(subject: Subject, shoppers: NDArray[np.int64]) -> Iterator[Asked]:
    for name, column in sorted(subject.profiles.items()):
        values, counts = np.unique(column[shoppers].astype(str), return_counts=True)
        common = [value for value, count in zip(values, counts, strict=True) if value and count >= FEWEST]
        if 2 <= len(common) <= MOST_VALUES:
            place = {value: at for at, value in enumerate(common)}
            held = np.array([place.get(value, -1) for value in column[shoppers].astype(str)])
            yield Asked(name, tuple(map(str, common)), shoppers[held >= 0], held[held >= 0])


def _vectors(subject: Subject, shoppers: NDArray[np.int64], hidden: bool) -> Job:
    """Return u of each shopper, float64[n, dim]; hidden: as if nothing but the past were known."""

    def past(shopper: int) -> History:
        history = history_of(subject.run.data, shopper)
        return replace(history, about=history.about[:0]) if hidden else history

    found = []
    for first in range(0, len(shoppers), _ROWS):
        histories = [past(one) for one in shoppers[first : first + _ROWS].tolist()]
        found.append(subject.run.shopper_vectors(histories).cpu().numpy().astype(np.float64))
        yield Progress("Computing shopper vectors", first, len(shoppers))
    return np.concatenate(found)


def _folds(value: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """int64[n]: the fold of each shopper; every value is spread evenly over the folds."""
    order = random.permutation(len(value))
    order = order[np.argsort(value[order], kind="stable")]
    fold = np.zeros(len(value), np.int64)
    fold[order] = np.arange(len(value)) % FOLDS
    return fold


def read(vectors: Floats, value: NDArray[np.int64], fold: NDArray[np.int64], values: int) -> Floats:
    """float64[n, values]: how much each vector speaks for each value, by a ridge classifier (Rifkin and Lippert 2007)
    that has not seen that shopper."""
    return _read_columns(vectors, np.eye(values)[value], fold)


def _read_columns(vectors: Floats, wanted: Floats, fold: NDArray[np.int64]) -> Floats:
    said = np.zeros(wanted.shape)
    for one in range(FOLDS):
        train, test = fold != one, fold == one
        mean, spread = vectors[train].mean(axis=0), vectors[train].std(axis=0)
        scaled = (vectors - mean) / np.maximum(spread, 1e-9)
        inside = scaled[train]
        inverse = inside.T @ inside + _RIDGE * np.eye(vectors.shape[1])
        level = wanted[train].mean(axis=0)
        weights = np.linalg.solve(inverse, inside.T @ (wanted[train] - level))
        said[test] = scaled[test] @ weights + level
    return said


def macro_auc(said: Floats, value: NDArray[np.int64], weights: Floats) -> Floats:
    """float64[draws]: the mean over values of the area under the curve of one value against the others."""
    found = [weighted_aucs(said[:, place], value == place, weights) for place in range(said.shape[1])]
    return np.asarray(np.nanmean(np.stack(found), axis=0), np.float64)


def _figure(way: str, said: Floats, one: Asked, random: np.random.Generator, judged: int) -> Figure:
    count = len(one.value)
    times = random.multinomial(count, np.full(count, 1 / count), DRAWS).astype(np.float64)
    drawn = macro_auc(said, one.value, times)
    value = float(macro_auc(said, one.value, np.ones((1, count)))[0])
    # With few draws the tails of many attributes together are those of a normal distribution.
    spread = _normal_quantile(judged) * float(np.nanstd(drawn))
    return Figure(way, value, max(0.0, value - spread), min(1.0, value + spread), count, {"attribute": one.name})


def _normal_quantile(judged: int) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - 0.025 / max(judged, 1))


def _against_chance(
    vectors: Floats, one: Asked, fold: NDArray[np.int64], random: np.random.Generator
) -> Iterator[Figure]:
    """What the same reader says of values dealt out at random, and its gain over always saying the commonest value."""
    classes, count = len(one.values), len(one.value)
    dealt = [random.permutation(one.value) for _ in range(PERMUTATIONS)]
    wanted = np.concatenate([np.eye(classes)[value] for value in (one.value, *dealt)], axis=1)
    said = _read_columns(vectors, wanted, fold).reshape(count, PERMUTATIONS + 1, classes)
    every = np.ones((1, count))
    chance = [float(macro_auc(said[:, at + 1], value, every)[0]) for at, value in enumerate(dealt)]
    low, high = np.quantile(chance, [0.025, 0.975]).tolist()
    of = {"attribute": one.name}
    yield Figure("chance", float(np.mean(chance)), low, high, count, of)
    most = np.bincount(one.value).max() / count
    right = said[:, 0].argmax(axis=1) == one.value
    lucky = [float((said[:, at + 1].argmax(axis=1) == value).mean()) for at, value in enumerate(dealt)]
    gain = float(right.mean())
    spread = np.quantile(lucky, [0.025, 0.975]) - np.mean(lucky)
    yield Figure("gain", gain - most, gain - most + float(spread[0]), gain - most + float(spread[1]), count, of)


CHECK = Check(NAME, attributes, (Threshold("behaviour", at_most=0.8),), spread=1.0, cost=0.02)
