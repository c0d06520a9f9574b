"""The columns of a run's products and shoppers, and who meets filters over them and over what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.columns import Column, Columns, Filter, Selection, categories, flags, numbers
from engine.errors import HeedmapError
from engine.shop import Shop

_MANY = 12  # different values from which on an attribute of numbers is a number, not a category


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
    taste = shop.tastes()
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
            if not one["value"]:
                continue
            if one["name"] not in named:
                named[one["name"]] = [[] for _ in rows]
            named[one["name"]][place].append(one["value"])
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
