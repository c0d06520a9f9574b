"""Who bought what in which order, and which of it training may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dataset.context import Context, Profiles, event_context, profiles
from engine.dataset.store import Dataset
from engine.errors import HeedmapError

VALIDATION_FROM, TEST_FROM = 0.8, 0.9  # quantiles of event time at which validation and test begin


@dataclass(frozen=True)
class Interactions:
    """First event of each (user, item), sorted by (user, time, source row).

    user, item: int32[n], indices into `users` and `items`; time: int64[n], ms since 1970; kind: str[n].
    value: float32[n], NaN where an event has none (a rating has). start: int64[users + 1]: the events of user u are
    start[u]:start[u + 1]. context: of each event; profiles: of each user.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    user: NDArray[np.int32]
    item: NDArray[np.int32]
    time: NDArray[np.int64]
    kind: NDArray[np.object_]
    start: NDArray[np.int64]
    value: NDArray[np.float32]
    context: Context
    profiles: Profiles

    def events_of(self, user: int) -> slice:
        return slice(int(self.start[user]), int(self.start[user + 1]))


def interactions(dataset: Dataset) -> Interactions:
    """Read a dataset's events. The catalogue is the items table in its order; events of unknown items are left out."""
    items = tuple(row[0] for row in dataset.rows("SELECT item FROM items"))
    position = {item: index for index, item in enumerate(items)}
    events = dataset.columns('SELECT "user", item, epoch_ms(time) AS time, kind, value, context FROM events')
    item = np.array([position.get(one, -1) for one in events["item"]], dtype=np.int64)
    of_known = np.flatnonzero(item >= 0)
    names = events["user"][of_known].tolist()
    known = dict(dataset.rows('SELECT "user", attributes FROM users'))
    users = tuple(dict.fromkeys([*names, *known]))
    number = {user: index for index, user in enumerate(users)}
    user = np.array([number[one] for one in names], dtype=np.int64)
    first = np.sort(np.unique(user * len(items) + item[of_known], return_index=True)[1])
    user, kept = user[first].astype(np.int32), of_known[first]
    start = np.searchsorted(user, np.arange(len(users) + 1))
    time = events["time"][kept].astype(np.int64)
    kind = events["kind"][kept].astype(object)
    context = events["context"][kept]
    carried = [_pairs(one) for one in context] if np.ma.count(context) else []
    return Interactions(
        users=users,
        items=items,
        user=user,
        item=item[kept].astype(np.int32),
        time=time,
        kind=kind,
        start=start.astype(np.int64),
        value=np.ma.filled(events["value"][kept].astype(np.float32), np.nan),
        context=event_context(user, time, kind, carried),
        profiles=profiles([_pairs(known.get(one)) for one in users]),
    )


def _pairs(named: Any) -> list[tuple[str, str]]:
    """(name, value) pairs of a list of structs as DuckDB gives it; none for a null."""
    if not isinstance(named, list | np.ndarray):
        return []
    return [(one["name"], one["value"]) for one in named if one["value"]]


@dataclass(frozen=True)
class Split:
    """train: bool[n] over interactions. validation, test: int64[...], interactions that are targets, in order.

    A target is ranked with the live history: all interactions of its user before it. `cut` is the moment (ms) from
    which nothing may reach a training feature; under leave-one-out it differs by user: `cut_of_user`, int64[users].
    """

    kind: str
    train: NDArray[np.bool_]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    cut: int | None
    cut_of_user: NDArray[np.int64]


def through_validation(data: Interactions, parts: Split) -> Split:
    """The same test targets, with everything before them to learn from: for the last training before the test."""
    train = parts.train.copy()
    if parts.kind == "temporal":
        if len(parts.test):
            train = data.time < data.time[parts.test].min()
    else:
        train[parts.validation] = True
    return replace(parts, train=train, validation=parts.validation[:0])


def split(kind: str, data: Interactions, cuts: tuple[int, int] | None = None) -> Split:
    """Divide interactions. HeedmapError when too few are left to train on.

    cuts: moments (ms) at which validation and test begin, under `temporal`; by default quantiles of the events' times.
    """
    if len(data.item) < 3:
        raise HeedmapError(
            "There are too few events to train on.",
            "Import events (who bought or viewed what, when) with the products.",
        )
    chosen = {"temporal": lambda one: _temporal(one, cuts), "leave-one-out": _leave_one_out}.get(kind)
    if chosen is None:
        raise HeedmapError(f"There is no split {kind!r}.", "Use temporal or leave-one-out.")
    made = chosen(data)
    if not made.train.any():
        raise HeedmapError("No event lies before the cut in time: nothing to train on.", "Use split=leave-one-out.")
    return made


def cuts_of(time: NDArray[np.int64]) -> tuple[int, int]:
    """When validation and test begin, for events at these times (ms)."""
    ordered = np.sort(time)
    begin, end = (int(ordered[int(part * len(ordered))]) for part in (VALIDATION_FROM, TEST_FROM))
    return begin, end


def _temporal(data: Interactions, cuts: tuple[int, int] | None) -> Split:
    """A global cut in time; rolling targets: later events of shoppers who have one before the cut."""
    begin, end = cuts or cuts_of(data.time)

    def targets(since: int, until: float) -> NDArray[np.int64]:
        first = np.full(len(data.users), np.iinfo(np.int64).max)
        np.minimum.at(first, data.user, data.time)
        inside = (data.time >= since) & (data.time < until) & (first[data.user] < since)
        chosen = np.flatnonzero(inside)
        return chosen[np.argsort(data.time[chosen], kind="stable")]

    return Split(
        kind="temporal",
        train=data.time < begin,
        validation=targets(begin, end),
        test=targets(end, np.inf),
        cut=begin,
        cut_of_user=np.full(len(data.users), begin, dtype=np.int64),
    )


def _leave_one_out(data: Interactions) -> Split:
    """Each shopper's last event is the test target, the one before it validation; shorter histories only train."""
    counts = np.diff(data.start)
    long = counts >= 3
    test = data.start[1:][long] - 1
    validation = test - 1
    train = np.ones(len(data.item), dtype=bool)
    train[test] = train[validation] = False
    cut = np.full(len(data.users), np.iinfo(np.int64).max, dtype=np.int64)
    cut[long] = data.time[validation]
    return Split("leave-one-out", train, validation, test, None, cut)
