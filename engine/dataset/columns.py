"""The columns of a dataset's tables as they are shown: attributes unfolded, counts over other tables added."""

from __future__ import annotations

from engine.dataset.conditions import COUNTED, PRODUCT
from engine.dataset.schema import TABLES
from engine.dataset.store import Dataset
from engine.dataset.tables import Column

LARGE = 200_000  # rows from which counting over the other tables waits to be asked for
MOST_ATTRIBUTES = 100  # that are unfolded to columns, the commonest first
_LOOKED_AT = 50_000  # rows looked at for names that a row has twice
_UNFOLDED = ("attributes", "context")
_HIDDEN = ("description", "currency", "review", "language", "first_seen")


def find_columns(dataset: Dataset, table: str, count: int) -> list[Column]:
    """The columns of a table of `count` rows, nested ones unfolded, in the order they are shown in."""
    found: list[Column] = []
    large = count >= LARGE
    for one in TABLES[table]:
        kind = _kind(one.name, str(one.type))
        if one.name in _UNFOLDED:
            found += _unfolded(dataset, table, one.name)
        elif one.name == "audio":
            continue
        elif table in ("events", "reviews") and one.name == "item":
            found += [Column(PRODUCT, PRODUCT), Column("item", "key", shown=False)]
        else:
            found.append(Column(one.name, kind, shown=one.name not in _HIDDEN))
    if table == "items":  # the photo stands first
        found.sort(key=lambda column: column.kind != "photo")
    found += [Column(name, "time" if name == "last" else "number", shown=not large) for name in COUNTED.get(table, ())]
    empty = _empty(dataset, table) if count else set()
    return [Column(c.name, c.kind, c.attribute, c.shown and c.name not in empty) for c in found]


def _unfolded(dataset: Dataset, table: str, name: str) -> list[Column]:
    """A column for each of the commonest names. Numbers are those of which every value is one, and a row has one."""
    unnested = f"SELECT unnest({name}) AS x, file_row_number AS row FROM rows_{table}"
    several = {
        row[0]
        for row in dataset.rows(
            f"SELECT DISTINCT x.name FROM (SELECT x, row FROM ({unnested} WHERE file_row_number < {_LOOKED_AT})) "
            "GROUP BY x.name, row HAVING count(*) > 1"
        )
    }
    rows = dataset.rows(
        f"SELECT x.name, count(*) = count(try_cast(x.value AS DOUBLE)) FROM ({unnested}) "
        f"WHERE x.name <> '' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {MOST_ATTRIBUTES}"
    )
    return [
        Column(f"{name}.{key}", "number" if numeric and key not in several else "text", key, shown=place < 6)
        for place, (key, numeric) in enumerate(rows)
    ]


def _empty(dataset: Dataset, table: str) -> set[str]:
    """Stored columns without any value."""
    names = [one.name for one in TABLES[table] if one.nullable and one.name not in _UNFOLDED]
    if not names:
        return set()
    row = dataset.rows(f"SELECT {', '.join(f'count({chr(34)}{n}{chr(34)})' for n in names)} FROM {table}")[0]
    return {name for name, count in zip(names, row, strict=True) if not count}


def _kind(name: str, kind: str) -> str:
    if name == "images":
        return "photo"
    if kind.startswith("list"):
        return "list"
    if "timestamp" in kind:
        return "time"
    if kind in ("double", "int64"):
        return "number"
    return "key" if name in ("item", "user", "review") else "text"
