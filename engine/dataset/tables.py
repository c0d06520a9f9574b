"""What the tables of a dataset are asked, and what they answer: small frozen values without DuckDB."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Cell = str | float | int | tuple[str, ...] | None  # a time is in whole milliseconds since 1970, UTC
TABLE_NAMES = ("items", "users", "events", "reviews", "links", "problems")

# What can be asked of a column, by its kind. A photo column counts photos.
_WORDS = ("contains", "is", "is not", "missing", "present")
_NUMBERS = ("=", "<", "<=", ">", ">=", "between", "missing", "present")
NO_VALUE = ("missing", "present")
OPERATORS: dict[str, tuple[str, ...]] = {
    "key": _WORDS,
    "text": _WORDS,
    "list": _WORDS,
    "product": _WORDS,
    "number": _NUMBERS,
    "photo": (*NO_VALUE, *(op for op in _NUMBERS if op not in NO_VALUE)),  # mostly it is asked whether there is one
    "time": ("between", "<", ">=", "missing", "present"),
}


@dataclass(frozen=True)
class Column:
    """A column as it is shown. attribute: the name that it was unfolded from, of `attributes` or `context`."""

    name: str
    kind: str  # a key of OPERATORS
    attribute: str = ""
    shown: bool = True  # without being asked for

    @property
    def numeric(self) -> bool:
        return self.kind in ("number", "time", "photo")


@dataclass(frozen=True)
class Filter:
    """A condition on a column: an operator of OPERATORS and its value; `upper` is the end of "between" (not within)."""

    column: str
    op: str
    value: str | float = ""
    upper: float = 0.0


@dataclass(frozen=True)
class Query:
    """Which rows: every word of `text` occurs, every filter holds, the product or shopper is one of `keys`.

    `keys_of` is "items" or "users", or "" for no such limit.
    """

    text: str = ""
    filters: tuple[Filter, ...] = ()
    keys: tuple[str, ...] = ()
    keys_of: str = ""

    @property
    def everything(self) -> bool:
        return not (self.text.strip() or self.filters or self.keys_of)


@dataclass(frozen=True)
class Tables:
    """The tables of a dataset: their columns and how many rows each has."""

    folder: str
    name: str
    synthetic: bool
    columns: dict[str, tuple[Column, ...]]
    counts: dict[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """Rows `offset` onwards of a table under a query. `rows` are their numbers in the table; `cells` are column by
    column; long texts are cut. products: key -> (title, first photo) of the products that the rows name; items, users:
    which product and which shopper each row is of, where the table knows."""

    table: str
    offset: int
    total: int  # rows that the query finds
    rows: tuple[int, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    products: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    users: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Record:
    """One row, whole: (column, value) pairs, a value for each of its texts; `images` are all its photos."""

    table: str
    row: int
    values: tuple[tuple[str, Cell], ...]
    images: tuple[str, ...] = ()
    product: tuple[str, str | None] | None = None  # title and first photo of the product it names


@dataclass(frozen=True)
class Distribution:
    """How the values of a column lie. Numbers and times have `edges` (one more than `counts`), texts have `top`."""

    column: str
    kind: str
    total: int
    missing: int
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    median: float = 0.0
    mean: float = 0.0
    top: tuple[tuple[str, int], ...] = ()  # the most frequent values
    distinct: int = 0
    single: bool = False  # whether each bar is of one value, the lower of its edges


@dataclass(frozen=True)
class Gap:
    """Products that lack something; `keys` are at most MOST_KEYS of them."""

    what: str  # "photo", "photo file", "title", "description", "price", "brand", "category", "attributes", "reviews"...
    count: int
    keys: tuple[str, ...]


MOST_KEYS = 10_000


@dataclass(frozen=True)
class Missing:
    """What the products of a dataset lack: the commonest gap first, what none of them has last."""

    products: int
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class PhotoGroup:
    """Photos that are the same or nearly so: (product, its title, photo)."""

    kind: Literal["same", "alike"]
    photos: tuple[tuple[str, str, str], ...]
    difference: float = 0.0  # the largest between two neighbours, in 0..1 of full contrast


@dataclass(frozen=True)
class Duplicates:
    """Groups of duplicate photos, the largest first; unreadable: products whose photo's file cannot be read."""

    photos: int  # files looked at
    groups: tuple[PhotoGroup, ...]
    unreadable: tuple[tuple[str, str, str], ...] = ()
    seconds: float = 0.0
