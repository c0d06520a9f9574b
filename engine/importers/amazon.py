"""Amazon reviews as UCSD publishes them (2014, 2018): JSON lines, plain or gzip, or the CSV form known from Kaggle."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.importers.reading import Source, first_record
from engine.importers.values import Clock, choice, flag, number, price, prose, text
from engine.jobs import Job, Progress

_SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz")
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
_NO_TITLES = "{} of {} products have no title in these files and are called by their Amazon number."
_STYLES = "Sizes, colours and other styles of a product are gathered from all its reviews, later ones too."


def import_amazon(
    sources: list[Path],
    out: Path,
    *,
    name: str = "",
    images: str | Path = "",
    catalogue: str = "reviewed",
    styles: bool | str = True,
) -> Job:
    """Import review files and, if given, metadata files (`meta_*`); `sources` are files or folders that hold them.

    images     a folder with <asin>.jpg (png, webp); without it, a folder `images` beside the first file. Photos are
               never fetched.
    catalogue  "reviewed": products with at least one review; "all": whatever the metadata lists.
    styles     keep the bought size, colour ... as attributes of the product.
    """
    choice("catalogue", catalogue, ("reviewed", "all"))
    with_styles = flag("styles", styles)
    reviews, metadata = _files(sources)
    folder = Path(images) if images else reviews[0].parent / "images"
    if images and not folder.is_dir():
        raise HeedmapError(f"There is no folder {folder}.", "Check the option images.")
    with DatasetWriter(
        out,
        name=name or reviews[0].name.split(".")[0],
        domain="shop",
        source=f"Amazon reviews ({', '.join(path.name for path in reviews)})",
        licence="none stated; UCSD asks for citation",
    ) as writer:
        shelf = _Shelf(writer, folder, everything=catalogue == "all")
        for path in reviews:
            file = Source(path, writer.problem)
            yield from file.watched(_records(file), _reviews(writer, file, shelf, with_styles))
        for path in metadata:
            file = Source(path, writer.problem)
            yield from file.watched(_metadata(file), shelf.describe(file))
        yield Progress("Writing the products")
        shelf.write_rest()
        if with_styles and shelf.styled:
            writer.note(_STYLES)
    return out


def is_amazon(path: Path) -> bool:
    """Whether a file holds Amazon reviews, by its first record."""
    return path.name.lower().endswith(_SUFFIXES) and {"reviewerID", "asin"} <= first_record(path).keys()


def _files(sources: list[Path]) -> tuple[list[Path], list[Path]]:
    """Review files and metadata files among files and folders."""
    files: list[Path] = []
    for source in sources:
        if not source.exists():
            raise HeedmapError(f"{source} is missing.", "Check the path.")
        inside = sorted(source.iterdir()) if source.is_dir() else []
        found = [path for path in inside if path.is_file() and path.name.lower().endswith(_SUFFIXES)]
        if source.is_dir():
            found = [path for path in found if path.name.startswith("meta_") or is_amazon(path)]
        files += found if source.is_dir() else [source]
    metadata = [path for path in files if path.name.startswith("meta_")]
    reviews = [path for path in files if path not in metadata]
    if not reviews:
        where = ", ".join(map(str, sources))
        raise HeedmapError(f"No Amazon reviews were found in {where}.", "Name a file such as All_Beauty_5.json.gz.")
    return reviews, metadata


def _records(file: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    return file.csv_rows() if ".csv" in file.path.suffixes else file.json_lines()


def _reviews(
    writer: DatasetWriter, file: Source, shelf: _Shelf, with_styles: bool
) -> Callable[[int, dict[str, Any]], None]:
    """What is done with one record of a review file: one event, one review, its shopper and its product."""
    clock, day = Clock("s"), Clock()
    place = file.path.name

    def add(row: int, record: dict[str, Any]) -> None:
        user, item = record.get("reviewerID"), record.get("asin")
        if not isinstance(user, str) or not user:
            return file.problem(row, "reviewerID", user, "missing")
        if not isinstance(item, str) or not item:
            return file.problem(row, "asin", item, "missing")
        stars, seconds = record.get("overall"), record.get("unixReviewTime")
        try:
            value = number(stars)
        except ValueError as error:
            return file.problem(row, "overall", stars, "missing" if stars in (None, "") else str(error))
        if not 1 <= value <= 5:
            return file.problem(row, "overall", stars, "not between 1 and 5 stars")
        try:
            time = clock.read(seconds) if seconds not in (None, "") else day.read(record.get("reviewTime"))
        except ValueError as error:
            return file.problem(row, "unixReviewTime", seconds or record.get("reviewTime"), str(error))
        key = f"{user}-{item}-{time // 1000}"
        if writer.has("reviews", key):
            return file.problem(row, None, key, "repeated row: same reviewer, product and time")
        words = {"title": prose(record.get("summary")), "text": prose(record.get("reviewText"))}
        writer.add("reviews", {"review": key, "user": user, "item": item, "time": time, "rating": value, **words})
        writer.add("events", {"user": user, "item": item, "time": time, "kind": "rating", "value": value}, place, row)
        if not writer.has("users", user):
            writer.add("users", {"user": user})
        shelf.see(item, time, record.get("style") if with_styles else None)
        return None

    return add


class _Shelf:
    """The products on their way in: what reviews tell of them, until metadata or the end settles them."""

    def __init__(self, writer: DatasetWriter, photos: Path, everything: bool) -> None:
        self._writer = writer
        self._photos = {path.stem: path for path in sorted(photos.glob("*")) if path.suffix.lower() in _PHOTOS}
        self._everything = everything
        self._first: dict[str, int] = {}
        self._styles: dict[str, dict[tuple[str, str], None]] = {}

    @property
    def styled(self) -> bool:
        return any(self._styles.values())

    def see(self, item: str, time: int, style: object) -> None:
        """Note a review of a product."""
        first = self._first.get(item)
        if first is None or time < first:
            self._first[item] = time
        if isinstance(style, dict):
            kept = self._styles.setdefault(item, {})
            for key, value in style.items():
                if (words := text(value)) is not None:
                    kept[key.strip().rstrip(":").lower(), words] = None

    def describe(self, file: Source) -> Callable[[int, dict[str, Any]], None]:
        """What is done with one record of a metadata file."""

        def add(row: int, record: dict[str, Any]) -> None:
            item = text(record.get("asin"))
            if item is None:
                return file.problem(row, "asin", None, "missing")
            if item in self._first or self._everything:
                self._write(item, _described(file, row, record), file.path.name, row)
            return None

        return add

    def write_rest(self) -> None:
        """Write the products that no metadata described, under their numbers."""
        rest = [item for item in self._first if not self._writer.has("items", item)]
        for item in rest:
            self._write(item, {}, "reviews", None)
        if rest:
            self._writer.note(_NO_TITLES.format(len(rest), len(self._first)))

    def _write(self, item: str, described: dict[str, Any], source: str, row: int | None) -> None:
        photo = self._photos.get(item)
        kept = self._writer.add_image(photo, photo.name) if photo and not self._writer.has("items", item) else None
        styles = [{"name": name, "value": value} for name, value in self._styles.get(item, {})]
        product = {"item": item, "title": item, "first_seen": self._first.get(item), **described}
        self._writer.add("items", {**product, "images": [kept] if kept else [], "attributes": styles}, source, row)


def _metadata(file: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """Metadata of 2018 is JSON lines; that of 2014 is Python literals, which are parsed, never run."""
    literal = next((line.startswith(b"{'") for _, line in file.lines()), False)
    if not literal:
        yield from file.json_lines()
        return
    for row, line in file.lines():
        try:
            record = ast.literal_eval(line.decode())
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            file.problem(row, None, line[:200].decode("utf-8", "replace"), f"not a record ({error})")
            continue
        if isinstance(record, dict):
            yield row, record


def _described(file: Source, row: int, record: dict[str, Any]) -> dict[str, Any]:
    """The columns of a product that its metadata fills."""
    described: dict[str, Any] = {}
    if title := prose(record.get("title")):
        described["title"] = title
    description = record.get("description")
    parts = description if isinstance(description, list) else [description]
    described["description"] = "\n\n".join(filter(None, map(prose, parts))) or None
    described["brand"] = prose(record.get("brand"))
    category = record.get("category") or record.get("categories") or []
    if category and isinstance(category[0], list):  # 2014: several paths; the first is the main one
        category = category[0]
    described["category"] = [name for name in map(prose, category) if name] if isinstance(category, list) else []
    if record.get("price") not in (None, ""):
        try:
            described["price"], described["currency"] = price(record["price"])
        except ValueError as error:
            file.problem(row, "price", record["price"], str(error))
    return described
