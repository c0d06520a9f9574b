"""What the user asked of each table: columns, widths, sort, filters, search. Plain values, kept over a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.dataset.tables import OPERATORS, Column, Filter


@dataclass
class Asked:
    """One table's arrangement. columns: the names shown, in order; none means the usual ones."""

    columns: tuple[str, ...] = ()
    widths: dict[str, int] = field(default_factory=dict)
    sort: str = ""
    descending: bool = False
    text: str = ""
    filters: tuple[Filter, ...] = ()
    keys: tuple[str, ...] = ()  # products that a finding named
    keys_text: str = ""  # what they are, in words
    counted: str = ""  # the column whose values are shown beside the table

    def shown(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """The columns to show of those there are."""
        known = {column.name: column for column in columns}
        chosen = tuple(known[name] for name in self.columns if name in known)
        return chosen or tuple(column for column in columns if column.shown) or columns

    def fit(self, columns: tuple[Column, ...]) -> None:
        """Forget what these columns cannot answer: the dataset is another one."""
        known = {column.name: column for column in columns}
        self.filters = tuple(
            one for one in self.filters if one.column in known and one.op in OPERATORS[known[one.column].kind]
        )
        if self.sort not in known:
            self.sort, self.descending = "", False

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"keys": (), "keys_text": ""}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Asked:
        """What is damaged is left out."""
        made = Asked()
        try:
            made.columns = tuple(map(str, content.get("columns", ())))
            made.widths = {str(name): min(max(int(wide), 30), 2000) for name, wide in content.get("widths", {}).items()}
            made.sort, made.descending = str(content.get("sort", "")), bool(content.get("descending"))
            made.text, made.counted = str(content.get("text", "")), str(content.get("counted", ""))
            made.filters = tuple(
                Filter(str(one["column"]), str(one["op"]), one["value"], float(one["upper"]))
                for one in content.get("filters", ())
                if isinstance(one["value"], (str, int, float))
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return made
        return made


def first_counted(columns: tuple[Column, ...]) -> str:
    """The column whose values say most at a glance: a price, a rating, a kind, else the first that is shown."""
    names = [column.name for column in columns if column.shown]
    attributes = [column.name for column in columns if column.attribute and column.shown]
    for name in ("price", "rating", "value", "relation", "reason", *attributes[:1], "kind", "events"):
        if name in names:
            return name
    return names[0] if names else columns[0].name


def knows(table: str, kind: str) -> bool:
    """Whether the rows of a table are of products ("items") or of shoppers ("users")."""
    mine = {"items": ("items",), "users": ("users",), "links": ("items", "users"), "problems": ()}
    return kind in mine.get(table, ("items", "users"))
