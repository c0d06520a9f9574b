"""What business rules may ask of products: the values of a field, product by product."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.rules import Condition

_COLUMNS: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "item": lambda value: (value,),
    "title": lambda value: (value,),
    "brand": lambda value: (value,) if value else (),
    "category": lambda value: tuple(value or ()),
    "price": lambda value: () if value is None else (repr(value),),
}


class Facts:
    """Fields of the items table and its named attributes; each is read once."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._read: dict[str, list[tuple[str, ...]]] = {}
        self._met: dict[Condition, NDArray[np.bool_]] = {}
        self._told: Mapping[int, tuple[str, tuple[tuple[str, str], ...] | None]] = {}

    def with_items(self, told: Mapping[int, tuple[str, tuple[tuple[str, str], ...] | None]]) -> Facts:
        """The same, some products with another title, and other (field, value) pairs where these are given."""
        other = copy.copy(self)
        other._met, other._told = {}, told
        return other

    def meets(self, condition: Condition) -> NDArray[np.bool_]:
        """bool[items], the products that meet a condition; looked up once. HeedmapError on an unknown field."""
        if condition not in self._met:
            self._met[condition] = np.array([condition.holds(one) for one in self.values(condition.field)])
        return self._met[condition]

    def values(self, field: str) -> list[tuple[str, ...]]:
        """Of each product, in the catalogue's order. HeedmapError when nothing in the dataset has such a field."""
        found = self._of_dataset(field)
        if self._told:
            found = list(found)
        for item, (title, pairs) in self._told.items():
            if field == "title":
                found[item] = (title,)
            elif pairs is not None and field != "item":
                found[item] = tuple(value for name, value in pairs if name == field and value)
        return found

    def _of_dataset(self, field: str) -> list[tuple[str, ...]]:
        if field not in self._read:
            rows = self._dataset.rows("SELECT item, title, brand, category, price, attributes FROM items")
            found = []
            for item, title, brand, category, price, attributes in rows:
                columns = {"item": item, "title": title, "brand": brand, "category": category, "price": price}
                own = _COLUMNS[field](columns[field]) if field in columns else ()
                carried = tuple(one["value"] for one in attributes or [] if one["name"] == field and one["value"])
                found.append((*own, *carried))
            if field not in _COLUMNS and not any(found):
                names = {one["name"] for row in rows for one in row[5] or []}
                raise HeedmapError(
                    f"A rule asks for {field!r}, which no product of {self._dataset.manifest.name} has.",
                    f"The fields are {', '.join([*_COLUMNS, *sorted(names)][:30])}.",
                )
            self._read[field] = found
        return self._read[field]
