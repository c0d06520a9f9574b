"""RecBole's atomic files: NAME.inter with NAME.item, NAME.user, and a knowledge graph in NAME.kg and NAME.link."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.importers.reading import Source
from engine.importers.values import Clock, attributes, choice, flag, number, prose, text
from engine.jobs import Job, Progress, every

_TYPES = ("token", "token_seq", "float", "float_seq")
_TITLES = ("title", "movie_title", "name", "item_name", "artist_name")
_DESCRIPTIONS = ("description", "abstract", "summary", "text", "plot")
_KINDS = ("rating", "view", "cart", "purchase", "like", "other")
_DOMAINS = ("shop", "news", "video", "social", "music")
_LISTED = re.compile(r"""^[\s'"\[]+|[\s'"\]]+$""")
_NOTE_LINKS = (
    "Of the knowledge graph, {} links to what no second product shares, and {} that repeat others backwards, "
    "were left out."
)


def import_recbole(
    sources: list[Path],
    out: Path,
    *,
    name: str = "",
    domain: str = "",
    user: str = "user_id",
    item: str = "item_id",
    time: str = "timestamp",
    value: str = "rating",
    event: str = "",
    links: bool | str = True,
) -> Job:
    """Import a folder with NAME.inter and what belongs to it, or that file itself.

    user, item, time, value  names of the columns of the interactions; only the value may be missing.
    event   what an interaction is; by default a rating where there is a value, else a view.
    domain  shop, news, video, social or music; by default what the title's column says, else shop.
    links   import the knowledge graph: each product's entities, those that at least two products share.
    """
    with_links = flag("links", links)
    inter = _interactions(sources)
    beside = {suffix: inter.with_suffix(suffix) for suffix in (".item", ".user", ".kg", ".link")}
    there = {suffix: path for suffix, path in beside.items() if path.is_file()}
    offered = _header(inter)
    kind = choice("event", event or ("rating" if value in offered else "view"), _KINDS)
    titles = [column for column in _header(there[".item"]) if column in _TITLES] if ".item" in there else []
    domain = choice("domain", domain or ("video" if "movie_title" in titles else "shop"), _DOMAINS)
    with DatasetWriter(
        out, name=name or inter.stem, domain=domain, source=f"RecBole ({inter.name})", licence="not stated"
    ) as writer:
        if ".item" in there:
            file = Source(there[".item"], writer.problem)
            yield from file.watched(rows(file, (item,)), _products(writer, file, item))
        if ".user" in there:
            file = Source(there[".user"], writer.problem)
            yield from file.watched(rows(file, (user,)), _shoppers(writer, file, user))
        file = Source(inter, writer.problem)
        columns = _Columns(user, item, time, value if value in offered else None, kind, ".item" in there)
        yield from file.watched(rows(file, (user, item, time)), _events(writer, file, columns))
        if with_links and ".kg" in there and ".link" in there:
            yield from _links(writer, there[".kg"], there[".link"], item)
        yield Progress("Writing the dataset")
    return out


def is_recbole(source: Path) -> bool:
    """Whether a file is RecBole's interactions, or a folder holds one."""
    return source.suffix == ".inter" if source.is_file() else any(source.glob("*.inter"))


def _interactions(sources: list[Path]) -> Path:
    found = [path for source in sources for path in (sorted(source.glob("*.inter")) if source.is_dir() else [source])]
    files = [path for path in found if path.suffix == ".inter"]
    if len(files) != 1:
        held = "no .inter file" if not files else f"{len(files)} .inter files"
        raise HeedmapError(f"{sources[0]} holds {held}.", "Name the one .inter file, or the folder that it lies in.")
    return files[0]


def _header(path: Path) -> list[str]:
    file = Source(path, lambda *_: None)
    return _columns(path, next(file.lines())[1])


def _columns(path: Path, line: bytes) -> list[str]:
    """Names of the columns, without their types. HeedmapError when a type is none of RecBole's."""
    named = []
    for cell in line.decode("utf-8-sig", "replace").rstrip("\r\n").split("\t"):
        column, _, kind = cell.strip().rpartition(":")
        if kind not in _TYPES or not column:
            raise HeedmapError(
                f"The column {cell.strip()!r} of {path} has no type.", f"A header reads name:type, types {_TYPES}."
            )
        named.append(column)
    return named


def rows(file: Source, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, {column: text}). Quotes mean nothing in these files: a tab always ends a cell."""
    columns: list[str] = []
    for row, line in file.lines():
        if row == 1:
            columns = _columns(file.path, line)
            if missing := [name for name in needed if name not in columns]:
                raise HeedmapError(f"{file.path} has no column {missing[0]}.", f"Its columns are {', '.join(columns)}.")
            continue
        try:
            cells = line.decode().rstrip("\r\n").split("\t")
        except UnicodeDecodeError:
            file.problem(row, None, line.decode("utf-8", "replace")[:200], "not UTF-8 text")
            continue
        if len(cells) != len(columns):
            if any(cell.strip() for cell in cells):
                reason = f"{len(cells)} columns where the header has {len(columns)}"
                file.problem(row, None, "\t".join(cells)[:200], reason)
            continue
        yield row, dict(zip(columns, cells, strict=True))


@dataclass(frozen=True)
class _Columns:
    user: str
    item: str
    time: str
    value: str | None
    kind: str
    listed: bool  # products come from a file of their own


def _products(writer: DatasetWriter, file: Source, item: str) -> Callable[[int, dict[str, str]], None]:
    def add(row: int, record: dict[str, str]) -> None:
        identity = text(record.pop(item)) or ""
        found: dict[str, Any] = {"item": identity, "title": identity}
        others: dict[str, Any] = {}
        for column, cell in record.items():
            if column in _TITLES and found["title"] == identity:
                found["title"] = text(cell) or identity
            elif column in _DESCRIPTIONS:
                found["description"] = prose(cell)
            elif column == "brand":
                found["brand"] = text(cell)
            elif column == "price" and cell.strip():
                try:
                    found["price"] = number(cell)
                except ValueError as error:
                    file.problem(row, column, cell, str(error))
            elif column in ("categories", "category"):
                found["category"] = _values(cell)
            else:
                others[column] = [cell] if " " not in cell.strip() else _values(cell)
        writer.add("items", {**found, "attributes": attributes(others)}, file.path.name, row)

    return add


def _values(cell: str) -> list[str]:
    """The tokens of a sequence: parted by commas where there are some, else by blanks."""
    parts = cell.split(",") if "," in cell else cell.split()
    return [bare for part in parts if (bare := _LISTED.sub("", part))]


def _shoppers(writer: DatasetWriter, file: Source, user: str) -> Callable[[int, dict[str, str]], None]:
    def add(row: int, record: dict[str, str]) -> None:
        identity = text(record.pop(user)) or ""
        writer.add("users", {"user": identity, "attributes": attributes(record)}, file.path.name, row)

    return add


def _events(writer: DatasetWriter, file: Source, columns: _Columns) -> Callable[[int, dict[str, str]], None]:
    clock = Clock()

    def add(row: int, record: dict[str, str]) -> None:
        shopper, item = text(record[columns.user]) or "", text(record[columns.item]) or ""
        if item and not writer.has("items", item):
            if columns.listed:
                return file.problem(row, columns.item, item, "no such product in the .item file")
            writer.add("items", {"item": item, "title": item}, file.path.name, row)
        event: dict[str, Any] = {"user": shopper, "item": item, "kind": columns.kind}
        column = columns.time
        try:
            event["time"] = clock.read(record[column])
            if columns.value is not None and record[columns.value].strip():
                column = columns.value
                event["value"] = number(record[column])
        except ValueError as error:
            return file.problem(row, column, record[column], str(error))
        if writer.add("events", event, file.path.name, row) and not writer.has("users", shopper):
            writer.add("users", {"user": shopper})
        return None

    return add


def _links(writer: DatasetWriter, graph: Path, mapping: Path, item: str) -> Job:
    """Triples whose head is a product. Those whose tail alone is one say the same the other way round."""
    file = Source(mapping, writer.problem)
    product = {
        record["entity_id"]: record[item]
        for _, record in rows(file, (item, "entity_id"))
        if writer.has("items", record[item])
    }
    file = Source(graph, writer.problem)
    found: dict[tuple[str, str, str], int] = {}
    backwards = 0

    def keep(row: int, record: dict[str, str]) -> None:
        nonlocal backwards
        head, tail = record["head_id"], record["tail_id"]
        if head in product:
            found.setdefault((product[head], record["relation_id"].rpartition(".")[2], tail), row)
        elif tail in product:
            backwards += 1

    yield from file.watched(rows(file, ("head_id", "relation_id", "tail_id")), keep)
    shared = Counter((relation, tail) for _, relation, tail in found)
    alone = 0
    for ((head, relation, tail), row), progress in every("Linking products", list(found.items()), len(found)):
        link = {"head_kind": "item", "head": head, "relation": relation}
        if tail in product:
            writer.add("links", {**link, "tail_kind": "item", "tail": product[tail]}, graph.name, row)
        elif shared[relation, tail] > 1:
            writer.add("links", {**link, "tail_kind": "entity", "tail": tail}, graph.name, row)
        else:
            alone += 1
        if progress:
            yield progress
    if alone or backwards:
        writer.note(_NOTE_LINKS.format(f"{alone:,}", f"{backwards:,}"))
