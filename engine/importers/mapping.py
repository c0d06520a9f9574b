"""A mapping file: which file and column of a shop's export is the product, the shopper, the time, the photo.

TOML or JSON. Paths are relative to the mapping file, or to the folder named beside it. A small shop:

    name = "Corner shop"
    domain = "shop"                          # shop, news, video, social or music
    source = "export of May"
    licence = "ours"

    [items]
    file = "products.csv"                    # CSV, TSV, Parquet or JSON lines, plain or .gz
    item = "id"
    title = "name"
    description = ["summary", "details"]     # one column, or several, put one under the other
    brand = "maker"
    category = ["department", "aisle"]       # the path from the root; or one column, cut at category_separator
    price = "price"
    photo = "photos/{id}.jpg"                # {column} is filled in; or a list of such
    attributes = ["colour", "season"]        # or a table, as below
    fixed = { currency = "EUR" }             # the same value in every row, for any column

    [events]
    file = "baskets.tsv"
    user = "customer"
    item = "product"
    time = "bought_at"
    value = "quantity"
    fixed = { kind = "purchase" }            # or kind = "action" with kinds = { buy = "purchase" }

    [reviews]
    file = "reviews.jsonl"
    item = "product"
    user = "customer"
    title = "headline"
    text = "body"
    rating = "stars"
    time = "written"

    [users]
    file = "customers.parquet"
    user = "id"
    [users.attributes]
    age = "age_group"
    interest = { column = "interests", separator = "|" }

    [links]
    file = "also_bought.csv"
    head = "product"
    tail = "other"
    fixed = { relation = "also bought" }     # head_kind and tail_kind are "item" unless told

Each section also knows `format` (csv, tsv, parquet, jsonl; else the file's name tells), `delimiter`, `encoding`,
`time_unit` (s, ms, us, ns) and `time_format` (such as "%d/%m/%Y"). Only [items] or [events] must be there.
"""

from __future__ import annotations

import codecs
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.dataset.schema import EVENT_KINDS, TABLES
from engine.errors import HeedmapError

HOLE = re.compile(r"\{([^{}]+)\}")
_HEAD = ("name", "domain", "source", "licence", "notes")
_READING = ("file", "format", "delimiter", "encoding", "time_unit", "time_format", "fixed")
_FORMATS = ("csv", "tsv", "parquet", "jsonl")
# Of each section: the columns that a row cannot do without, and those that it may have.
_COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "items": (("item",), ("title", "description", "brand", "category", "price", "currency", "first_seen")),
    "events": (("user", "item", "time", "kind"), ("value",)),
    "reviews": (("item",), ("review", "user", "title", "text", "rating", "time", "language")),
    "users": (("user",), ()),
    "links": (("head", "relation", "tail"), ("head_kind", "tail_kind")),
}
_FURTHER = {"items": ("category_separator", "photo", "attributes"), "events": ("kinds",), "users": ("attributes",)}


@dataclass(frozen=True)
class Attribute:
    """An attribute's column; with a separator, one text holds several values."""

    column: str
    separator: str | None = None


@dataclass(frozen=True)
class Section:
    """One table's rows: where they are, and which of their columns is what. `columns` maps ours to theirs."""

    table: str
    folder: Path
    path: Path
    format: str
    delimiter: str
    encoding: str
    time_unit: str | None
    time_format: str | None
    columns: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, str]
    attributes: Mapping[str, Attribute]
    photos: tuple[str, ...]
    category_separator: str | None
    kinds: Mapping[str, str]

    def wanted(self) -> dict[str, str]:
        """Which key of the mapping asks for each of the file's columns."""
        asked = {theirs: f"{self.table}.{ours}" for ours, names in self.columns.items() for theirs in names}
        for name, attribute in self.attributes.items():
            asked[attribute.column] = f"{self.table}.attributes.{name}"
        for template in self.photos:
            asked |= dict.fromkeys(HOLE.findall(template), f"{self.table}.photo")
        return asked


@dataclass(frozen=True)
class TableMapping:
    """A whole mapping file."""

    name: str
    domain: str
    source: str
    licence: str
    notes: tuple[str, ...]
    sections: Mapping[str, Section]


def parse(path: Path) -> dict[str, Any]:
    """The content of a TOML or JSON file. HeedmapError when it is neither."""
    try:
        content = path.read_text(encoding="utf-8")
        parsed = json.loads(content) if path.suffix.lower() == ".json" else tomllib.loads(content)
    except OSError as error:
        raise HeedmapError(f"The mapping {path} cannot be read ({error.strerror}).", "Check the path.") from error
    except ValueError as error:
        raise HeedmapError(f"The mapping {path} is not valid ({error}).", "Mend that line.") from error
    if not isinstance(parsed, dict):
        raise HeedmapError(f"The mapping {path} is not a table of keys.", "Give it the sections [items] and [events].")
    return parsed


def load(path: Path, folder: Path) -> TableMapping:
    """Read a mapping whose files lie in `folder`. HeedmapError names the key that is wrong."""
    content = parse(path)
    _only_known(path, "", content, (*_HEAD, *_COLUMNS))
    sections = {table: _section(path, folder, table, content[table]) for table in _COLUMNS if table in content}
    if not {"items", "events"} & sections.keys():
        raise HeedmapError(f"The mapping {path} has neither [items] nor [events].", "Say which file holds them.")
    notes = content.get("notes", [])
    return TableMapping(
        name=str(content.get("name") or path.stem),
        domain=str(content.get("domain", "shop")),
        source=str(content.get("source") or ", ".join(section.path.name for section in sections.values())),
        licence=str(content.get("licence", "not stated")),
        notes=tuple(map(str, notes if isinstance(notes, list) else [notes])),
        sections=sections,
    )


def _section(path: Path, folder: Path, table: str, content: Any) -> Section:
    if not isinstance(content, dict):
        raise HeedmapError(f"In the mapping {path}, {table} is not a section.", f"Begin it with [{table}].")
    required, optional = _COLUMNS[table]
    _only_known(path, f"{table}.", content, (*_READING, *required, *optional, *_FURTHER.get(table, ())))
    fixed = {str(key): str(value) for key, value in _table(path, table, content, "fixed").items()}
    if table == "links":
        fixed = {"head_kind": "item", "tail_kind": "item", **fixed}
    _only_known(path, f"{table}.fixed.", fixed, TABLES[table].names)
    for name in ("file", *required):
        if name not in content and name not in fixed:
            raise HeedmapError(f"The mapping {path} lacks {table}.{name}.", f"Say which {_what(name)} it is.")
    kinds = {str(key): str(value) for key, value in _table(path, table, content, "kinds").items()}
    for kind in (*kinds.values(), *([fixed["kind"]] if "kind" in fixed else [])):
        if kind not in EVENT_KINDS:
            known = ", ".join(EVENT_KINDS)
            raise HeedmapError(f"In the mapping {path}, {table} has an unknown kind {kind!r}.", f"Use one of {known}.")
    file = folder / str(content["file"])
    kind = str(content.get("format") or _format(file))
    if kind not in _FORMATS:
        raise HeedmapError(f"In the mapping {path}, {table}.format is {kind!r}.", f"Use one of {', '.join(_FORMATS)}.")
    columns = {
        name: _names(path, f"{table}.{name}", content[name]) for name in (*required, *optional) if name in content
    }
    return Section(
        table=table,
        folder=folder,
        path=file,
        format=kind,
        delimiter=_one(path, table, content, "delimiter") or ("\t" if kind == "tsv" else ","),
        encoding=_encoding(path, table, str(content.get("encoding", "utf-8"))),
        time_unit=content.get("time_unit"),
        time_format=content.get("time_format"),
        columns=columns,
        fixed={key: value for key, value in fixed.items() if key not in columns},
        attributes=_attributes(path, table, content.get("attributes", {})),
        photos=_names(path, f"{table}.photo", content["photo"]) if "photo" in content else (),
        category_separator=content.get("category_separator"),
        kinds=kinds,
    )


def _what(name: str) -> str:
    return "file" if name == "file" else "column"


def _only_known(path: Path, prefix: str, content: Mapping[str, Any], known: Any) -> None:
    if unknown := [key for key in content if key not in known]:
        raise HeedmapError(
            f"The mapping {path} has an unknown key {prefix}{unknown[0]}.", f"Known: {', '.join(known)}."
        )


def _table(path: Path, table: str, content: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name, {})
    if not isinstance(value, dict):
        raise HeedmapError(f"In the mapping {path}, {table}.{name} is not a table.", f'Write {name} = {{ a = "b" }}.')
    return value


def _names(path: Path, key: str, value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise HeedmapError(f"In the mapping {path}, {key} is not a column's name.", 'Write it as "name".')
    return tuple(names)


def _one(path: Path, table: str, content: Mapping[str, Any], name: str) -> str | None:
    value = content.get(name)
    if value is not None and (not isinstance(value, str) or len(value) != 1):
        raise HeedmapError(f"In the mapping {path}, {table}.{name} is not one character.", r'Write it as ";" or "\t".')
    return value


def _encoding(path: Path, table: str, name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise HeedmapError(
            f"In the mapping {path}, {table}.encoding is {name!r}.", "Use utf-8, gbk, latin-1 ..."
        ) from error


def _attributes(path: Path, table: str, value: Any) -> dict[str, Attribute]:
    if isinstance(value, list):
        return {name: Attribute(name) for name in _names(path, f"{table}.attributes", value)} if value else {}
    if not isinstance(value, dict):
        raise HeedmapError(f"In the mapping {path}, {table}.attributes is neither a list nor a table.", "List columns.")
    found: dict[str, Attribute] = {}
    for name, told in value.items():
        column = told.get("column") if isinstance(told, dict) else told
        if not isinstance(column, str):
            raise HeedmapError(f"In the mapping {path}, {table}.attributes.{name} names no column.", "Name one.")
        found[name] = Attribute(column, told.get("separator") if isinstance(told, dict) else None)
    return found


def _format(file: Path) -> str:
    """By the name; where that tells nothing, by whether the first line has more tabs than commas."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    last = suffixes[-1] if suffixes else ""
    known = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".parquet": "parquet", ".jsonl": "jsonl", ".json": "jsonl"}
    if last in known:
        return known[last]
    try:
        with file.open("rb") as opened:
            head = opened.readline(65536)
    except OSError:
        return "csv"  # its absence is told when it is read
    return "tsv" if head.count(b"\t") > head.count(b",") else "csv"
