"""Every column of a run's products or shoppers as compact arrays, and filters over them and over what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.shop import Shop

ColumnKind = Literal["category", "flag", "text", "number", "date"]
FLAGS = ("no", "yes")
_MANY = 12  # different values from which on an attribute of numbers is a number, not a category


@dataclass(frozen=True)
class Column:
    """A column of n rows. `own`: an attribute of the dataset, whose name is the dataset's word.

    number: values, float64[n], NaN where unknown; date: the same, in ms since 1970. category, flag, text: `names`, the
    different values; the values of row r are codes[start[r]:start[r + 1]], int32 places in `names` (a film has several
    genres). A flag's names are FLAGS.
    """

    name: str
    kind: ColumnKind
    values: NDArray[np.float64]
    names: tuple[str, ...] = ()
    codes: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    start: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    own: bool = False

    @property
    def first(self) -> NDArray[np.int32]:
        """The first value of each row, -1 for none: int32[n]."""
        found = np.full(len(self.start) - 1, -1, np.int32)
        some = np.diff(self.start) > 0
        found[some] = self.codes[self.start[:-1][some]]
        return found

    def rows_with(self, codes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool[n]: the rows with a value among `codes`, bool[names]."""
        hits = np.concatenate([[0], np.cumsum(codes[self.codes])])
        met: NDArray[np.bool_] = hits[self.start[1:]] > hits[self.start[:-1]]
        return met


@dataclass(frozen=True)
class Columns:
    """The columns of products ("items") or shoppers ("users"), whose keys are `keys`; those without a value are left
    out."""

    kind: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]

    def named(self, name: str) -> Column:
        """HeedmapError when there is none."""
        for one in self.columns:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.columns)
        raise HeedmapError(f"There is no column {name!r}.", f"The columns are {known}.")


@dataclass(frozen=True)
class Filter:
    """One condition. test: a key of TESTS. value and upto: ends of a range (numbers, or days as 2024-05-31), either may
    be empty; else what is looked for. least: how many times it was chosen."""

    test: str
    column: str = ""
    value: str = ""
    upto: str = ""
    least: int = 1


@dataclass(frozen=True)
class Selection:
    """The products or shoppers that meet filters, of `whole` in all."""

    kind: str
    keys: tuple[str, ...]
    whole: int


def numbers(name: str, values: Any, kind: ColumnKind = "number", own: bool = False) -> Column:
    """A column of numbers or dates; None is unknown."""
    return Column(name, kind, np.array([np.nan if one is None else one for one in values], np.float64), own=own)


def categories(name: str, rows: Iterable[Sequence[str]], kind: ColumnKind = "category", own: bool = False) -> Column:
    """A column of the words that each row holds."""
    place: dict[str, int] = {}
    codes: list[int] = []
    start = [0]
    for row in rows:
        codes += [place.setdefault(one, len(place)) for one in row]
        start.append(len(codes))
    nothing = np.zeros(0)
    return Column(name, kind, nothing, tuple(place), np.array(codes, np.int32), np.array(start, np.int64), own)


def flags(name: str, values: NDArray[np.bool_]) -> Column:
    """A column of yes and no."""
    start = np.arange(len(values) + 1, dtype=np.int64)
    return Column(name, "flag", np.zeros(0), FLAGS, values.astype(np.int32), start)


def columns(shop: Shop, kind: str) -> Columns:
    """The columns of a shop's products or shoppers, in the model's order."""
    if kind == "items":
        return Columns(kind, shop.data.items, _told(_of_items(shop)))
    if kind == "users":
        return Columns(kind, shop.data.users, _told(_of_users(shop)))
    raise HeedmapError(f"There are no columns of {kind!r}.", 'Use "items" or "users".')


def _told(found: list[Column]) -> tuple[Column, ...]:
    """Without the empty ones; of two columns of one name, the first."""
    some = [one for one in found if len(one.codes) or np.isfinite(one.values).any()]
    return tuple({one.name: one for one in reversed(some)}[name] for name in dict.fromkeys(one.name for one in some))


def _of_items(shop: Shop) -> list[Column]:
    rows = shop.dataset.rows(
        "SELECT title, description, brand, category, price, epoch_ms(first_seen), attributes FROM items"
    )
    title, description, brand, path, price, seen, attributes = zip(*rows, strict=True)
    sold = np.bincount(shop.data.item[shop.parts.train], minlength=len(rows))
    reviews = dict(shop.dataset.rows("SELECT item, count(*) FROM reviews GROUP BY item"))
    ratings = dict(shop.dataset.rows("SELECT item, avg(rating) FROM reviews GROUP BY item"))
    return [
        categories("title", ([one] for one in title), "text"),
        categories("category", ([one] if one else [] for one in shop.texts.category)),
        categories("department", (one[:1] if one and len(one) > 1 else [] for one in path)),
        categories("brand", ([one] if one else [] for one in brand)),
        numbers("price", price),
        numbers("popularity", sold),
        flags("new", sold == 0),
        flags("photo", np.array([one is not None for one in shop.texts.image])),
        numbers("first_seen", seen, "date"),
        numbers("reviews", [reviews.get(item, 0) for item in shop.data.items] if reviews else [None] * len(rows)),
        numbers("rating", [ratings.get(item) for item in shop.data.items]),
        *_attributes(attributes),
        categories("description", ([one] if one else [] for one in description), "text"),
    ]


def _of_users(shop: Shop) -> list[Column]:
    data = shop.data
    count = np.diff(data.start)
    some = count > 0
    first, last = np.full(len(count), np.nan), np.full(len(count), np.nan)
    first[some] = data.time[data.start[:-1][some]]
    last[some] = data.time[data.start[1:][some] - 1]
    known = dict(shop.dataset.rows('SELECT "user", attributes FROM users'))
    taste = shop.shoppers().taste
    return [
        categories("user", ([one] for one in data.users), "text"),
        numbers("choices", count),
        categories("taste", ([one.split(", ")[0]] if one else [] for one in taste)),
        numbers("first_choice", first, "date"),
        numbers("last_choice", last, "date"),
        *_attributes([known.get(user) for user in data.users]),
    ]


def _attributes(rows: Sequence[Any]) -> list[Column]:
    """A column for each name; one of many numbers, each row having one at most, is a column of numbers."""
    named: dict[str, list[list[str]]] = {}
    for place, row in enumerate(rows):
        for one in row or ():
            if one["value"]:
                named.setdefault(one["name"], [[] for _ in rows])[place].append(one["value"])
    return [_attribute(name, values) for name, values in sorted(named.items())]


def _attribute(name: str, rows: list[list[str]]) -> Column:
    if all(len(row) < 2 for row in rows) and len({row[0] for row in rows if row}) > _MANY:
        try:
            return numbers(name, [float(row[0]) if row else None for row in rows], own=True)
        except ValueError:
            pass
    return categories(name, rows, own=True)


def matching(shop: Shop, table: Columns, filters: Sequence[Filter], every: bool = True) -> Selection:
    """What meets all filters, or (every=False) any of them; without filters, all. HeedmapError names what is wrong."""
    met = np.full(len(table.keys), every or not filters)
    for one in filters:
        if one.test not in TESTS:
            raise HeedmapError(f"There is no test {one.test!r}.", f"Use one of {', '.join(TESTS)}.")
        found = TESTS[one.test](shop, table, one)
        met = met & found if every else met | found
    return Selection(table.kind, tuple(table.keys[row] for row in np.flatnonzero(met)), len(table.keys))


def _contains(shop: Shop, table: Columns, wanted: Filter) -> NDArray[np.bool_]:
    column = table.named(wanted.column)
    words = wanted.value.casefold().split()
    return column.rows_with(np.array([all(word in name.casefold() for word in words) for name in column.names], bool))


def _is(shop: Shop, table: Columns, wanted: Filter) -> NDArray[np.bool_]:
    column = table.named(wanted.column)
    return column.rows_with(np.array([name == wanted.value for name in column.names], bool))


def _is_not(shop: Shop, table: Columns, wanted: Filter) -> NDArray[np.bool_]:
    return ~_is(shop, table, wanted)


def _between(shop: Shop, table: Columns, wanted: Filter) -> NDArray[np.bool_]:
    column = table.named(wanted.column)
    low = _end(wanted.value, column.kind == "date", -np.inf)
    high = _end(wanted.upto, column.kind == "date", np.inf, last=True)
    met: NDArray[np.bool_] = (column.values >= low) & (column.values <= high)
    return met


def _end(text: str, day: bool, empty: float, last: bool = False) -> float:
    """One end of a range; the last day counts to its end."""
    if not text.strip():
        return empty
    try:
        if not day:
            return float(text)
        moment = datetime.fromisoformat(text.strip()).replace(tzinfo=UTC) + timedelta(days=int(last))
        return moment.timestamp() * 1000 - last
    except ValueError:
        wanted = "a day such as 2024-05-31" if day else "a number"
        raise HeedmapError(f"{text!r} is not {wanted}.", "Mend it, or leave the field empty.") from None


def _chose(shop: Shop, table: Columns, wanted: Filter) -> NDArray[np.bool_]:
    """Shoppers who chose a product."""
    return _counted(shop, table, shop.data.item == shop.item(wanted.value)) >= 1


def _chose_of(shop: Shop, table: Columns, wanted: Filter) -> NDArray[np.bool_]:
    """Shoppers who chose at least so many products of a category."""
    among = np.array([one == wanted.value for one in shop.texts.category], bool)
    return _counted(shop, table, among[shop.data.item]) >= wanted.least


def _counted(shop: Shop, table: Columns, events: NDArray[np.bool_]) -> NDArray[np.int64]:
    if table.kind != "users":
        raise HeedmapError("Only shoppers choose products.", "Make a segment of shoppers.")
    return np.bincount(shop.data.user[events], minlength=len(table.keys))


Test = Callable[[Shop, Columns, Filter], NDArray[np.bool_]]
TESTS: dict[str, Test] = {
    "contains": _contains,
    "is": _is,
    "is not": _is_not,
    "between": _between,
    "chose": _chose,
    "chose of": _chose_of,
}
