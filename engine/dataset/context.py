"""The context of an event, and a shopper's profile, as ids into small vocabularies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.dataset.schema import EVENT_KINDS

_MINUTE = 60_000  # milliseconds
_DAY = 24 * 60 * _MINUTE
GAPS = (
    "first",
    "under a minute",
    "under an hour",
    "under a day",
    "under a week",
    "under a month",
    "under a year",
    "more",
)
_GAP_FROM = np.array([_MINUTE, 60 * _MINUTE, _DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY])
HOURS = ("0 to 3", "4 to 7", "8 to 11", "12 to 15", "16 to 19", "20 to 23")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SEASONS = ("December to February", "March to May", "June to August", "September to November")
FROM_TIME = ("kind", "gap", "hour", "weekday", "season")
MOST_VALUES = 64  # of a field that the events carry; rarer values have no id

Named = Sequence[tuple[str, str]]  # (field, value) pairs of one event or shopper


@dataclass(frozen=True)
class Context:
    """fields: what is known of every event. names: (field, value) of each id. ids: int32[events, fields]; -1: unknown.

    Times are read as UTC, which is all that a dataset holds: "hour" is the shop's clock, not the shopper's.
    """

    fields: tuple[str, ...]
    names: tuple[tuple[str, str], ...]
    ids: NDArray[np.int32]


def event_context(
    user: NDArray[np.int32], time: NDArray[np.int64], kind: NDArray[np.object_], carried: Sequence[Named]
) -> Context:
    """The context of events sorted by (user, time): their kind, the gap since the one before, hour, weekday, season,
    and what else each event carries (place, device). `carried` has one entry per event, or is empty."""
    first = np.diff(user, prepend=-1) != 0
    days = time // _DAY
    months = time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % 12
    kinds = {name: index for index, name in enumerate(EVENT_KINDS)}
    columns: list[tuple[str, Sequence[str], NDArray[np.int64]]] = [
        ("kind", EVENT_KINDS, np.array([kinds.get(one, -1) for one in kind], dtype=np.int64)),
        ("gap", GAPS, gap_codes(time, first)),
        ("hour", HOURS, (time % _DAY) // (4 * 60 * _MINUTE)),
        ("weekday", WEEKDAYS, (days + 3) % 7),  # 1970 began on a Thursday
        ("season", SEASONS, (months + 1) % 12 // 3),
    ]
    columns += _carried_columns(carried)
    names: list[tuple[str, str]] = []
    ids = np.full((len(time), len(columns)), -1, np.int32)
    for column, (field, values, codes) in enumerate(columns):
        ids[:, column] = np.where(codes >= 0, codes + len(names), -1)
        names += [(field, value) for value in values]
    return Context(tuple(field for field, _, _ in columns), tuple(names), ids)


def gap_codes(time: NDArray[np.int64], first: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places in GAPS, int64[events]; `first`: bool[events], those with none of their shopper's before them."""
    gap = np.diff(time, prepend=time[:1])
    return np.where(first, 0, 1 + np.searchsorted(_GAP_FROM, gap, side="right"))


def _carried_columns(carried: Sequence[Named]) -> list[tuple[str, Sequence[str], NDArray[np.int64]]]:
    counts: dict[str, Counter[str]] = {}
    for pairs in carried:
        for field, value in pairs:
            counts.setdefault(field, Counter())[value] += 1
    columns: list[tuple[str, Sequence[str], NDArray[np.int64]]] = []
    for field in sorted(counts):
        values = sorted(value for value, _ in counts[field].most_common(MOST_VALUES))
        number = {value: index for index, value in enumerate(values)}
        codes = [next((number[v] for f, v in pairs if f == field and v in number), -1) for pairs in carried]
        columns.append((field, values, np.array(codes, dtype=np.int64)))
    return columns


@dataclass(frozen=True)
class Profiles:
    """names: (name, value) of each id. ids: int32[all], those of user u at start[u]:start[u + 1]; start: int64."""

    names: tuple[tuple[str, str], ...]
    ids: NDArray[np.int32]
    start: NDArray[np.int64]

    def of(self, user: int) -> NDArray[np.int32]:
        return self.ids[self.start[user] : self.start[user + 1]]


def profiles(users: Sequence[Named]) -> Profiles:
    """What is known of each shopper; a value of one shopper only is left out, for it could only name him."""
    counts = Counter(pair for pairs in users for pair in set(pairs))
    names = sorted(pair for pair, count in counts.items() if count > 1)
    number = {pair: index for index, pair in enumerate(names)}
    kept = [[number[pair] for pair in dict.fromkeys(pairs) if pair in number] for pairs in users]
    start = np.concatenate([[0], np.cumsum([len(ids) for ids in kept])]).astype(np.int64)
    return Profiles(tuple(names), np.array([one for ids in kept for one in ids], dtype=np.int32), start)
