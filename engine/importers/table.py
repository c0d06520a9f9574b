"""Any shop's export: CSV, TSV, Parquet or JSON-lines files, read as a mapping file says (see mapping.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.dataset.schema import TABLES
from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.importers.mapping import HOLE, Section, load, parse
from engine.importers.reading import Source
from engine.importers.values import Clock, attributes, number, price, prose, text
from engine.jobs import Job, Progress

_NO_TITLES = "There is no table of products: they are called by their key."


def import_table(sources: list[Path], out: Path, *, mapping: str | Path = "", name: str = "") -> Job:
    """Import the files that a mapping names: `mapping`, or the TOML or JSON mapping among `sources`.

    A folder among `sources` is where the files lie; without one, they lie beside the mapping.
    """
    plan = load(*_found(sources, Path(mapping) if mapping else None))
    with DatasetWriter(
        out, name=name or plan.name, domain=plan.domain, source=plan.source, licence=plan.licence, notes=plan.notes
    ) as writer:
        for table in ("items", "users", "events", "reviews", "links"):
            if (section := plan.sections.get(table)) is not None:
                yield from _read(writer, section, _HANDLERS[table](writer, section, "items" in plan.sections))
        if "items" not in plan.sections:
            writer.note(_NO_TITLES)
        yield Progress("Writing the dataset")
    return out


def is_mapping(path: Path) -> bool:
    """Whether a file is a mapping."""
    if not path.is_file() or path.suffix.lower() not in (".toml", ".json") or path.stat().st_size > 1_000_000:
        return False
    try:
        content = parse(path)
    except HeedmapError:
        return False
    return any(isinstance(content.get(table), dict) and "file" in content[table] for table in ("items", "events"))


def _found(sources: list[Path], mapping: Path | None) -> tuple[Path, Path]:
    """The mapping, and the folder that its files are in."""
    folders = [path for path in sources if path.is_dir()]
    if mapping is None:
        files = [path for path in sources if path.suffix.lower() in (".toml", ".json") and not path.is_dir()]
        files = files or [path for folder in folders for path in sorted(folder.glob("*.toml")) if is_mapping(path)]
        if not files:
            raise HeedmapError("The format table needs a mapping file.", "Name it: --set mapping=mapping.toml")
        mapping = files[0]
    return mapping, folders[0] if folders else mapping.parent


def _read(writer: DatasetWriter, section: Section, handle: Callable[[int, dict[str, Any]], None]) -> Job:
    """Read one file, after a look at whether it has the columns that the mapping asks for."""
    file = Source(section.path, writer.problem)
    offered = Source(section.path, lambda *_: None).columns(section.format, section.delimiter, section.encoding)
    for column, key in section.wanted().items():
        if column not in offered:
            raise HeedmapError(
                f"{section.path} has no column {column!r}, which the mapping names as {key}.",
                f"Its columns are {', '.join(offered)[:500]}.",
            )
    yield from file.watched(_records(file, section), handle)


def _records(file: Source, section: Section) -> Iterator[tuple[int, dict[str, Any]]]:
    if section.format == "parquet":
        return file.parquet_rows()
    if section.format == "jsonl":
        return file.json_lines()
    return file.csv_rows(section.delimiter, section.encoding)


class _Row:
    """Reads the columns of one file's records, by our names for them; what is wrong goes to the problems."""

    def __init__(self, writer: DatasetWriter, section: Section) -> None:
        self._writer = writer
        self._section = section
        self._clock = Clock(section.time_unit, section.time_format)

    def raw(self, record: dict[str, Any], ours: str) -> Any:
        theirs = self._section.columns.get(ours)
        return record.get(theirs[0]) if theirs else self._section.fixed.get(ours)

    def text(self, record: dict[str, Any], ours: str) -> str | None:
        return text(self.raw(record, ours))

    def prose(self, record: dict[str, Any], ours: str) -> str | None:
        """The texts of all columns that the mapping names, one under the other."""
        theirs = self._section.columns.get(ours)
        parts = [record.get(name) for name in theirs] if theirs else [self._section.fixed.get(ours)]
        return "\n\n".join(filter(None, map(prose, parts))) or None

    def read(self, row: int, record: dict[str, Any], ours: str, parse: Callable[[Any], Any]) -> tuple[Any, bool]:
        """The parsed value, or None for an empty cell, and whether the cell was sound."""
        value = self.raw(record, ours)
        if text(value) is None:
            return None, True
        try:
            return parse(value), True
        except ValueError as error:
            self.problem(row, ours, value, str(error))
            return None, False

    def time(self, row: int, record: dict[str, Any], ours: str) -> tuple[int | None, bool]:
        return self.read(row, record, ours, self._clock.read)

    def number(self, row: int, record: dict[str, Any], ours: str) -> tuple[float | None, bool]:
        return self.read(row, record, ours, number)

    def problem(self, row: int, ours: str, value: object, reason: str) -> None:
        """Keep a problem, under the column's name in the file."""
        theirs = self._section.columns.get(ours, (ours,))[0]
        self._writer.problem(self._section.path.name, row, theirs, value, reason)

    def attributes(self, record: dict[str, Any]) -> list[dict[str, str]]:
        told = {}
        for name, attribute in self._section.attributes.items():
            value = record.get(attribute.column)
            told[name] = value.split(attribute.separator) if attribute.separator and isinstance(value, str) else value
        return attributes(told)

    def category(self, record: dict[str, Any]) -> list[str]:
        names, separator = self._section.columns.get("category", ()), self._section.category_separator
        values = [record.get(name) for name in names]
        if len(values) == 1 and isinstance(values[0], str) and separator:
            values = list(values[0].split(separator))
        elif len(values) == 1 and isinstance(values[0], list):
            values = values[0]
        return [words for words in map(text, values) if words]

    def photos(self, row: int, record: dict[str, Any]) -> list[str]:
        """The photos that could be read; a cell may hold several paths as a list."""
        kept = []
        for template in self._section.photos:
            path = HOLE.sub(lambda found: text(record.get(found[1])) or "", template)
            if not path or path in (".", "/"):
                continue
            cell = {text(record.get(name)) or "" for name in HOLE.findall(template)}
            if any("://" in part for part in cell):
                self.problem(row, "photo", path, "a photo's address, not a file: photos are never fetched")
            elif any(Path(part).is_absolute() or ".." in Path(part).parts for part in cell):
                self.problem(row, "photo", path, "the photo's path leads out of the folder")
            elif photo := self._writer.add_image(self._section.folder / path, path, row):
                kept.append(photo)
        return kept

    def missing(self, row: int, record: dict[str, Any], *ours: str) -> bool:
        """Whether one of these columns is empty, which is a problem."""
        for name in ours:
            if self.text(record, name) is None:
                self.problem(row, name, None, "missing")
                return True
        return False


_Handle = Callable[[int, dict[str, Any]], None]


def _items(writer: DatasetWriter, section: Section, _: bool) -> _Handle:
    read = _Row(writer, section)

    def add(row: int, record: dict[str, Any]) -> None:
        if read.missing(row, record, "item"):
            return
        item, title = read.text(record, "item") or "", read.prose(record, "title")
        if writer.has("items", item):
            return read.problem(row, "item", item, "duplicate key")
        if title is None and "title" in section.columns:
            read.problem(row, "title", None, "no title: the product is called by its key")
        cost, _ = read.read(row, record, "price", price)
        product = {"item": item, "title": title or item, "description": read.prose(record, "description")}
        told = {name: read.text(record, name) for name in ("brand", "currency")}
        if cost is not None:
            told["currency"] = told["currency"] or cost[1]
        writer.add(
            "items",
            {
                **product,
                **told,
                "price": cost[0] if cost else None,
                "category": read.category(record),
                "images": read.photos(row, record),
                "first_seen": read.time(row, record, "first_seen")[0],
                "attributes": read.attributes(record),
            },
            section.path.name,
            row,
        )

    return add


def _events(writer: DatasetWriter, section: Section, known_items: bool) -> _Handle:
    read = _Row(writer, section)

    def add(row: int, record: dict[str, Any]) -> None:
        if read.missing(row, record, "user", "item", "time", "kind"):
            return
        user, item = read.text(record, "user") or "", read.text(record, "item") or ""
        if known_items and not writer.has("items", item):
            return read.problem(row, "item", item, "no such product")
        time, sound = read.time(row, record, "time")
        value, right = read.number(row, record, "value")
        kind = read.text(record, "kind") or ""
        kind = section.kinds.get(kind, kind)
        if not sound or not right:
            return
        event = {"user": user, "item": item, "time": time, "kind": kind, "value": value}
        if writer.add("events", event, section.path.name, row):
            if not writer.has("users", user):
                writer.add("users", {"user": user})
            if not writer.has("items", item):
                writer.add("items", {"item": item, "title": item})

    return add


def _reviews(writer: DatasetWriter, section: Section, known_items: bool) -> _Handle:
    read = _Row(writer, section)

    def add(row: int, record: dict[str, Any]) -> None:
        if read.missing(row, record, "item"):
            return
        item = read.text(record, "item") or ""
        if not writer.has("items", item):
            return read.problem(row, "item", item, "no such product")
        time, sound = read.time(row, record, "time")
        rating, right = read.number(row, record, "rating")
        if not sound or not right:
            return
        review = read.text(record, "review") or f"{section.path.name}:{row}"
        if writer.has("reviews", review):
            return read.problem(row, "review", review, "duplicate key")
        words = {name: read.prose(record, name) for name in ("title", "text")}
        told = {"user": read.text(record, "user"), "rating": rating, "time": time, **words}
        language = read.text(record, "language")
        writer.add("reviews", {"review": review, "item": item, "language": language, **told}, section.path.name, row)

    return add


def _users(writer: DatasetWriter, section: Section, _: bool) -> _Handle:
    read = _Row(writer, section)

    def add(row: int, record: dict[str, Any]) -> None:
        if read.missing(row, record, "user"):
            return
        user = read.text(record, "user") or ""
        if writer.has("users", user):
            return read.problem(row, "user", user, "duplicate key")
        writer.add("users", {"user": user, "attributes": read.attributes(record)}, section.path.name, row)

    return add


def _links(writer: DatasetWriter, section: Section, known_items: bool) -> _Handle:
    read = _Row(writer, section)

    def add(row: int, record: dict[str, Any]) -> None:
        if read.missing(row, record, "head", "relation", "tail", "head_kind", "tail_kind"):
            return
        link = {name: read.text(record, name) or "" for name in TABLES["links"].names}
        for end in ("head", "tail"):
            if known_items and link[f"{end}_kind"] == "item" and not writer.has("items", link[end]):
                return read.problem(row, end, link[end], "no such product")
        writer.add("links", link, section.path.name, row)

    return add


_HANDLERS: dict[str, Callable[[DatasetWriter, Section, bool], _Handle]] = {
    "items": _items,
    "users": _users,
    "events": _events,
    "reviews": _reviews,
    "links": _links,
}
