"""Amazon reviews as UCSD publishes them (2014, 2018): JSON lines, plain or gzip, or the CSV form known from Kaggle."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.importers.reading import Source, first_record
from engine.importers.values import Clock, attributes, choice, flag, number, price, prose, text
from engine.jobs import Job, Progress

_SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz")
_MOST_STYLES = 10
_BATCH = 5000
_SURELY_SECONDS = 4_000_000_000  # later times, and other forms, are looked at closely
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
_NO_TITLES = "{} of {} products have no title in these files and are called by their Amazon number."
_STYLES = "A product's sizes, colours and other styles are those that all its reviews, later ones too, name most."


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
            reviews_in = _Reviews(writer, file, shelf, with_styles)
            yield from file.watched(_records(file), reviews_in.add)
            reviews_in.write()
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


class _Reviews:
    """The reviews of one file on their way in, some thousands at a time: each is an event, a review, a shopper."""

    def __init__(self, writer: DatasetWriter, file: Source, shelf: _Shelf, with_styles: bool) -> None:
        self._writer = writer
        self._file = file
        self._shelf = shelf
        self._with_styles = with_styles
        self._clock, self._day = Clock("s"), Clock()
        self._rows: list[tuple[int, str, str, int, float, str | None, str | None]] = []
        self._fresh: set[str] = set()
        self._keys: list[str] = []

    def add(self, row: int, record: dict[str, Any]) -> None:
        """Check one record; a good one waits for the others of its batch."""
        get = record.get
        user, item, stars, seconds = get("reviewerID"), get("asin"), get("overall"), get("unixReviewTime")
        if type(user) is not str or type(item) is not str or not user or not item:
            self._file.problem(row, "asin" if user else "reviewerID", item if user else user, "missing")
            return
        if type(stars) is float and 1 <= stars <= 5 and type(seconds) is int and 0 < seconds < _SURELY_SECONDS:
            value, time = stars, seconds * 1000
        elif (settled := self._settled(row, record)) is not None:
            value, time = settled
        else:
            return
        key = f"{user}-{item}-{time // 1000}"
        if key in self._fresh or self._writer.has("reviews", key):
            self._file.problem(row, None, key, "repeated row: same reviewer, product and time")
            return
        self._fresh.add(key)
        self._keys.append(key)
        self._rows.append((row, user, item, time, value, prose(get("summary")), prose(get("reviewText"))))
        self._shelf.see(item, time, get("style") if self._with_styles else None)
        if len(self._keys) >= _BATCH:
            self.write()

    def _settled(self, row: int, record: dict[str, Any]) -> tuple[float, int] | None:
        """The stars and the time of a record that is not plainly right; None, and a problem, when one is wrong."""
        stars, seconds = record.get("overall"), record.get("unixReviewTime")
        try:
            value = number(stars)
        except ValueError as error:
            self._file.problem(row, "overall", stars, "missing" if stars in (None, "") else str(error))
            return None
        if not 1 <= value <= 5:
            self._file.problem(row, "overall", stars, "not between 1 and 5 stars")
            return None
        try:
            known = seconds not in (None, "")
            return value, self._clock.read(seconds) if known else self._day.read(record.get("reviewTime"))
        except ValueError as error:
            self._file.problem(row, "unixReviewTime", seconds or record.get("reviewTime"), str(error))
            return None

    def write(self) -> None:
        """Hand the batch to the dataset."""
        if not self._keys:
            return
        rows, users, items, times, values, titles, texts = zip(*self._rows, strict=True)
        event = {"user": users, "item": items, "time": times, "value": values}
        self._writer.add_many("events", {**event, "kind": ["rating"] * len(rows)}, self._file.path.name, rows)
        review = {"review": self._keys, "user": users, "item": items, "time": times, "rating": values}
        self._writer.add_many("reviews", {**review, "title": titles, "text": texts}, self._file.path.name, rows)
        new = [user for user in dict.fromkeys(users) if not self._writer.has("users", user)]
        self._writer.add_many("users", {"user": new})
        self._rows, self._keys, self._fresh = [], [], set()


class _Shelf:
    """The products on their way in: what reviews tell of them, until metadata or the end settles them."""

    def __init__(self, writer: DatasetWriter, photos: Path, everything: bool) -> None:
        self._writer = writer
        self._photos = {path.stem: path for path in sorted(photos.glob("*")) if path.suffix.lower() in _PHOTOS}
        self._everything = everything
        self._first: dict[str, int] = {}
        self._styles: dict[str, dict[tuple[str, str], int]] = {}

    @property
    def styled(self) -> bool:
        return bool(self._styles)

    def see(self, item: str, time: int, style: object) -> None:
        """Note a review of a product."""
        first = self._first.get(item)
        if first is None or time < first:
            self._first[item] = time
        if isinstance(style, dict):
            kept = self._styles.setdefault(item, {})
            for pair in style.items():
                if type(pair[1]) is str:
                    kept[pair] = kept.get(pair, 0) + 1

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
        product = {"item": item, "title": item, "first_seen": self._first.get(item), **described}
        self._writer.add(
            "items",
            {**product, "images": [kept] if kept else [], "attributes": _styles(self._styles.get(item, {}))},
            source,
            row,
        )


def _styles(counts: dict[tuple[str, str], int]) -> list[dict[str, str]]:
    """The styles that were reviewed most: {"Size:": " 7.0 oz"} is the attribute size, 7.0 oz."""
    told: dict[str, list[str]] = {}
    for name, value in sorted(counts, key=lambda pair: -counts[pair]):
        kept = told.setdefault(name.strip(" :").lower(), [])
        if len(kept) < _MOST_STYLES and (words := prose(value)) is not None and words not in kept:
            kept.append(words)
    return attributes(told)


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
