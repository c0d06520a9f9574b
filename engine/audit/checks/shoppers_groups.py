"""Groups of shoppers: what their profiles say, how much they bought, how usual their taste is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.audit.subject import Subject

JUDGED = 30  # shoppers that a group needs to be judged
SHOWN = 5  # and to be shown at all: the report names nobody
OTHERS = "others"
_VALUES = 40  # different values of an attribute that groups are made of, and
_NUMBERS = 200  # of one of numbers alone, which becomes bands
_BANDS = 4
_PAIRED = 12  # values of each of two attributes whose pairs are looked at


@dataclass(frozen=True)
class Grouping:
    """One way to divide the shoppers. names: of the groups; place: int64[users], the group of each, -1 for none."""

    name: str
    names: tuple[str, ...]
    place: NDArray[np.int64]


def profile_groupings(subject: Subject, users: NDArray[np.int32]) -> tuple[Grouping, ...]:
    """By each attribute, or set of attributes, of the plan; by all attributes with few values, and by pairs of these,
    where the plan names none. users: whose groups must be large enough; see `made`."""
    profiles = {name: _banded(values) for name, values in sorted(subject.profiles.items())}
    wanted = subject.plan.groups
    if wanted is None:
        kinds = {name: len(set(values[values != ""].tolist())) for name, values in profiles.items()}
        single = [name for name, count in kinds.items() if 2 <= count <= _VALUES]
        few = [name for name in single if kinds[name] <= _PAIRED]
        wanted = tuple([(name,) for name in single] + [(a, b) for at, a in enumerate(few) for b in few[at + 1 :]])
    found = []
    for names in wanted:
        if all(name in profiles for name in names):
            columns = [profiles[name] for name in names]
            labels = [" + ".join(row) if all(row) else "" for row in zip(*columns, strict=True)]
            found.append(made(" + ".join(names), labels, users))
    return tuple(found)


def habit_groupings(subject: Subject) -> tuple[Grouping, ...]:
    """By the number of known events, and by how popular the products of these are in the mean: thirds of the shoppers
    whose choices are ranked."""
    on, data = subject.ground, subject.run.data
    users = np.unique(on.users)
    known = np.bincount(data.user[on.known], minlength=len(data.users)).astype(np.float64)
    popular = np.bincount(data.user[on.known], on.popularity[data.item[on.known]], minlength=len(data.users))
    taste = np.divide(popular, known, out=np.zeros(len(known)), where=known > 0)
    named = {"history": ("short", "middle", "long"), "taste": ("niche", "middle", "mainstream")}
    found = []
    for (name, groups), values in zip(named.items(), (known, taste), strict=True):
        edges = np.quantile(values[users], [1 / 3, 2 / 3])
        labels = [groups[at] for at in np.searchsorted(edges, values).tolist()]
        found.append(made(name, labels, users.astype(np.int32), groups))
    return tuple(found)


def made(name: str, labels: Sequence[str], users: NDArray[np.int32], order: Sequence[str] = ()) -> Grouping:
    """The grouping of these labels, one of each shopper, "" for none. Groups of under `JUDGED` of `users` are merged
    into one, and left out where even that has under `SHOWN`."""
    there = np.unique(users)
    counts = Counter(labels[user] for user in there.tolist() if labels[user])
    small = {label for label, count in counts.items() if count < JUDGED}
    if len(small) > 1:
        labels = [OTHERS if label in small else label for label in labels]
        counts = Counter(labels[user] for user in there.tolist() if labels[user])
    shown = [label for label, count in counts.items() if count >= SHOWN]
    names = tuple(sorted(shown, key=lambda label: (order.index(label) if label in order else 0, label)))
    number = {label: place for place, label in enumerate(names)}
    return Grouping(name, names, np.array([number.get(label, -1) for label in labels], dtype=np.int64))


def _banded(values: NDArray[np.object_]) -> NDArray[np.object_]:
    """Values of an attribute; of one with many different numbers the quarter of shoppers that each lies in."""
    given = [one for one in values.tolist() if one]
    different = set(given)
    if len(different) <= _PAIRED or len(different) > _NUMBERS:
        return values
    try:
        numbers = np.array([float(one) if one else np.nan for one in values.tolist()])
    except ValueError:
        return values
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.arange(1, _BANDS) / _BANDS))
    place = np.searchsorted(edges, numbers, side="right")
    # Edges alone: the smallest and the largest number may be one person's.
    told = [f"{low:g} – < {high:g}" for low, high in pairwise(edges)]
    names = [f"< {edges[0]:g}", *told, f"≥ {edges[-1]:g}"]
    labels = [names[at] if known_one else "" for at, known_one in zip(place, np.isfinite(numbers), strict=True)]
    return np.array(labels, dtype=object)
