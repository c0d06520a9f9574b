"""From a query on a table to SQL: values are bound, columns are those that the dataset is known to have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.dataset.schema import TABLES
from engine.dataset.tables import NO_VALUE, OPERATORS, Column, Filter, Query
from engine.errors import HeedmapError

# Where a free text is looked for, beside the titles of the products that a row names.
_TEXT = {
    "items": ("item", "title", "description", "brand", "category", "attributes"),
    "users": ("user", "attributes"),
    "events": ("user", "item", "kind"),
    "reviews": ("review", "item", "user", "title", "text"),
    "links": ("head", "relation", "tail"),
    "problems": ("source", "column", "value", "reason"),
}
_NAMING = {"events": ("item",), "reviews": ("item",), "links": ("head", "tail")}  # columns that name products
COUNTED = {"items": ("events", "reviews"), "users": ("events", "last")}  # worked out over the other tables
PRODUCT = "product"  # the title of the product that an event or a review is of
_HAN = r"\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(f"[{_HAN}]+|[^{_HAN}\\s]+")
_COMPARE = {"=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass
class Select:
    """Where rows come from and which of them are meant: `FROM {source} {joins} WHERE {where}` with its parameters."""

    source: str
    joins: list[str] = field(default_factory=list)
    clauses: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    @property
    def tail(self) -> str:
        where = " AND ".join(f"({clause})" for clause in self.clauses)
        return f"FROM {self.source} AS t {' '.join(self.joins)}" + (f" WHERE {where}" if where else "")


def words_of(text: str) -> list[str]:
    """The words of a free text, folded; Chinese has no spaces, so each run of its characters is a word."""
    return [word.lower() for word in _RUNS.findall(text)]


def select(
    table: str, source: str, columns: Mapping[str, Column], query: Query, *used: Column, written: str = ""
) -> Select:
    """What a query means for `table`; `used` are further columns that the caller will name with `expression`.

    written: the table of `texts_of`, where it was written down. HeedmapError on a column, an operator or a value that
    does not fit.
    """
    made = Select(source)
    named = [*used]
    for one in query.filters:
        column = columns.get(one.column)
        if column is None:
            raise HeedmapError(f"{table} has no column {one.column!r}.", "Take the filter away.")
        named.append(column)
        _add_filter(made, table, column, one)
    if any(column.kind == PRODUCT for column in named):
        made.joins.append("LEFT JOIN (SELECT item AS item_named, title AS title_named FROM items) ON item_named = item")
    if any(is_counted(table, column) for column in named):
        made.joins.append(f"LEFT JOIN counted_{table} AS c ON c.row = t.file_row_number")
    words = words_of(query.text)
    if words and written:
        held = " AND ".join("contains(words, ?)" for _ in words)
        made.clauses.append(f"t.file_row_number IN (SELECT row FROM {written} WHERE {held})")
        made.parameters += words
    else:
        for word in words:
            _add_word(made, table, word)
    if query.keys_of:
        _add_keys(made, table, query)
    return made


def texts_of(table: str, source: str) -> str:
    """SQL: the number of every row, and in one text all that a free text is looked for in. No word goes across two."""
    parts = [_text_of(name) for name in _TEXT[table]]
    joins = ""
    for name in _NAMING.get(table, ()):
        joins += f" LEFT JOIN (SELECT item AS {name}_key, title AS {name}_title FROM items) ON {name}_key = t.{name}"
        parts.append(f"{name}_title")
    words = f"lower(concat_ws(chr(10), {', '.join(parts)}))"
    return f"SELECT t.file_row_number AS row, {words} AS words FROM {source} AS t{joins}"


def is_counted(table: str, column: Column) -> bool:
    return not column.attribute and column.name in COUNTED.get(table, ())


def values(column: Column) -> str:
    """SQL: the several values of a list or an unfolded attribute, as a list."""
    if column.attribute:
        return f"[x.value for x in {_source_of(column)} if x.name = {_text(column.attribute)}]"
    return f"t.{_name(column.name)}"


def expression(table: str, column: Column) -> str:
    """SQL: a column's value, null where it is missing. Times are whole milliseconds, photos their count."""
    if is_counted(table, column):
        return f"c.{_name(column.name)}"
    if column.kind == PRODUCT:
        return "title_named"
    if column.kind == "photo":
        return f"coalesce(len(t.{_name(column.name)}), 0)"
    if column.attribute or column.kind == "list":
        joined = f"nullif(array_to_string({values(column)}, ', '), '')"
        return f"try_cast({joined} AS DOUBLE)" if column.kind == "number" else joined
    name = f"t.{_name(column.name)}"
    if column.kind == "time":
        return f"epoch_ms({name})"
    if column.kind == "number":
        return f"CASE WHEN isnan({name}::DOUBLE) THEN NULL ELSE {name} END"
    return f"nullif({name}, '')"


def _add_filter(made: Select, table: str, column: Column, one: Filter) -> None:
    value = expression(table, column)
    if one.op not in OPERATORS[column.kind]:
        raise HeedmapError(f"{column.name} cannot be asked {one.op!r}.", "Take the filter away.")
    if one.op in NO_VALUE:
        lacks = f"{value} = 0" if column.kind == "photo" else f"{value} IS NULL"
        made.clauses.append(lacks if one.op == "missing" else f"NOT ({lacks})")
    elif column.numeric:
        made.parameters.append(_number(column, one.value))
        if one.op == "between":
            made.clauses.append(f"{value} >= ? AND {value} < ?")
            made.parameters.append(_number(column, one.upper))
        else:
            made.clauses.append(f"{value} {_COMPARE[one.op]} ?")
    elif one.op == "contains":
        made.clauses.append(f"contains(lower({value}), ?)")
        made.parameters.append(str(one.value).lower())
    else:
        several = bool(column.attribute) or column.kind == "list"
        same = f"list_contains({values(column)}, ?)" if several else f"{value} = ?"
        made.clauses.append(f"coalesce({same}, false)" if one.op == "is" else f"NOT coalesce({same}, false)")
        made.parameters.append(str(one.value))


def _add_word(made: Select, table: str, word: str) -> None:
    """One of the texts of a row, or the title of a product it names, holds the word."""
    parts = [f"contains(lower({_text_of(name)}), ?)" for name in _TEXT[table]]
    for name in _NAMING.get(table, ()):
        parts.append(f"t.{name} IN (SELECT item FROM items WHERE contains(lower(title), ?))")
    made.clauses.append(" OR ".join(f"coalesce({part}, false)" for part in parts))
    made.parameters += [word] * len(parts)


def _text_of(name: str) -> str:
    """SQL: a column as one text."""
    if name == "attributes":
        return "array_to_string([x.value for x in t.attributes], ' ')"
    return f"array_to_string(t.{name}, ' ')" if name == "category" else f"t.{_name(name)}"


def _add_keys(made: Select, table: str, query: Query) -> None:
    """Keep the rows of a segment's products or shoppers; a table that knows neither stays whole."""
    among = "IN (SELECT unnest(?::VARCHAR[]))"
    mine = "item" if query.keys_of == "items" else "user"
    names = [mine] if mine in TABLES[table].names else []
    if table == "links":
        kind = _text(mine)
        made.clauses.append(f"(t.head_kind = {kind} AND t.head {among}) OR (t.tail_kind = {kind} AND t.tail {among})")
        made.parameters += [list(query.keys), list(query.keys)]
    for name in names:
        made.clauses.append(f"t.{_name(name)} {among}")
        made.parameters.append(list(query.keys))


def _number(column: Column, value: str | float) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise HeedmapError(f"{value!r} is not a number, as {column.name} needs.", "Write it as 12.5.") from error


def _source_of(column: Column) -> str:
    return "t.context" if column.name.startswith("context.") else "t.attributes"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
