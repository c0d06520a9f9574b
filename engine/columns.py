"""Columns of products or shoppers as compact arrays, filters over them, points of a map: plain values without torch or
pandas, which travel to the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError

ColumnKind = Literal["category", "flag", "text", "number", "date"]
FLAGS = ("no", "yes")


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
    """One condition. test: a key of `engine.matching.TESTS`. value and upto: ends of a range (numbers, or days as
    2024-05-31), either may be empty; else what is looked for. least: how many times it was chosen."""

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


@dataclass(frozen=True)
class Projection:
    """n points. what: "items", "users" or "reasons"; a reason is why a shopper is shown the product that is first for
    them. place: float32[n, 2]. users, items: keys of each point's shopper and product, either may be empty. title and
    image are the product's. explained: the shares of the variance that the two axes of a PCA show, empty for UMAP.
    whole: how many points there would be without a draw.
    """

    run: str
    what: str
    how: str
    place: NDArray[np.float32]
    users: tuple[str, ...]
    items: tuple[str, ...]
    title: tuple[str, ...]
    image: tuple[str | None, ...]
    columns: tuple[Column, ...]
    explained: tuple[float, ...]
    whole: int

    def __len__(self) -> int:
        return len(self.place)


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
