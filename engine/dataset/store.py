"""A dataset folder: written once, whole, with a hash per file; queried through DuckDB."""

from __future__ import annotations

import io
import math
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.dataset.schema import DOMAINS, EVENT_KINDS, KEYS, SCHEMA_VERSION, TABLES
from engine.errors import HeedmapError
from engine.files import disk_errors, make_folder, read_json, sha256, sha256_of, write_bytes, write_json

MAX_PIXELS = 64_000_000  # a larger photo is refused before it is decoded: a decompression bomb, or a mistake
_CHUNK = 50_000
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}


@dataclass(frozen=True)
class Manifest:
    """What `dataset.json` says of a dataset. `files` maps a path inside the folder to its SHA-256."""

    name: str
    domain: str
    source: str
    licence: str
    synthetic: bool
    counts: dict[str, int]
    time_range: tuple[str, str] | None
    files: dict[str, str]
    notes: tuple[str, ...] = ()  # what a user must know: "reviews are by other people than the raters"
    schema_version: int = SCHEMA_VERSION

    @property
    def fingerprint(self) -> str:
        """One hash over all files: a checkpoint remembers on which data it was trained."""
        return sha256("\n".join(f"{path} {digest}" for path, digest in sorted(self.files.items())).encode())


def checked_time(value: datetime) -> datetime:
    """Return `value` in UTC; ValueError outside 1970 to 2100 (such a time is a fault in the source)."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    if not _FIRST <= value < _LAST:
        raise ValueError("time outside 1970 to 2100")
    return value.astimezone(UTC)


class DatasetWriter:
    """Builds a dataset in a folder beside its place and moves it there when it is whole.

        with DatasetWriter(out, name="film", domain="video", source="MovieLens", licence="research") as writer:
            writer.add("items", {"item": "1", "title": "Toy Story", "images": [writer.add_image(path, row=2)]})
            writer.problem("ratings.csv", 17, "rating", "five", "not a number")

    Leaving the block on an error removes the half-written folder; an existing dataset at `out` is replaced only at
    the end. Rows are checked on the way in: one that breaks the schema lands in the problems, never in the data.
    """

    def __init__(
        self,
        out: Path,
        *,
        name: str,
        domain: str,
        source: str,
        licence: str,
        synthetic: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        if domain not in DOMAINS:
            raise HeedmapError(f"Unknown domain {domain!r}.", f"Use one of {', '.join(DOMAINS)}.")
        self.out = out
        self._manifest = Manifest(name, domain, source, licence, synthetic, {}, None, {}, notes)
        if out.exists() and any(out.iterdir() if out.is_dir() else [out]) and not (out / "dataset.json").is_file():
            raise HeedmapError(f"{out} already holds something that is not a dataset.", "Choose an empty folder.")
        self._folder = out.with_name(f".{out.name}.{os.getpid()}.partial")
        shutil.rmtree(self._folder, ignore_errors=True)
        make_folder(self._folder / "media")
        self._rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
        self._parquet: dict[str, pq.ParquetWriter] = {}
        self._counts = dict.fromkeys(TABLES, 0)
        self._keys: dict[str, set[str]] = {table: set() for table in KEYS}
        self._files: dict[str, str] = {}
        self._range: tuple[datetime, datetime] | None = None

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for parquet in self._parquet.values():
                parquet.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, table: str, row: Mapping[str, Any], source: str = "", number: int | None = None) -> bool:
        """Add one row; False when it was refused and recorded as a problem of `source`, record `number`."""
        fault = self._fault(table, row)
        if fault:
            column, reason = fault
            self.problem(source or table, number, column, row.get(column), reason)
            return False
        schema = TABLES[table]
        clean = {name: row.get(name) for name in schema.names}
        if unknown := set(row) - set(schema.names):
            raise KeyError(f"{table} has no column {sorted(unknown)}")
        if table == "events":
            time = checked_time(row["time"])
            self._range = (min(self._range[0], time), max(self._range[1], time)) if self._range else (time, time)
        if table in KEYS:
            self._keys[table].add(str(row[KEYS[table]]))
        self._append(table, clean)
        return True

    def problem(self, source: str, row: int | None, column: str | None, value: object, reason: str) -> None:
        """Keep a rejected row, or a mended one, with its reason."""
        text = None if value is None else str(value)[:200]
        self._append("problems", {"source": source, "row": row, "column": column, "value": text, "reason": reason})

    def add_image(self, image: Path | bytes, source: str = "", row: int | None = None) -> str | None:
        """Check a photo by decoding it and keep it under its content hash. None, and a problem, when it is broken.

        Refused: missing, empty, truncated, over 64 million pixels, a format other than JPEG, PNG, WebP, GIF.
        """
        place = source or (str(image) if isinstance(image, Path) else "image")
        value = str(image.name) if isinstance(image, Path) else None
        try:
            content = image.read_bytes() if isinstance(image, Path) else image
            suffix = image_suffix(content)
        except FileNotFoundError:
            self.problem(place, row, "image", value, "photo is missing")
            return None
        except ValueError as error:
            self.problem(place, row, "image", value, str(error))
            return None
        digest = sha256(content)
        relative = f"media/{digest[:2]}/{digest}{suffix}"
        if relative not in self._files:
            write_bytes(self._folder / relative, content)
            self._files[relative] = digest
        return relative

    def add_file(self, relative: str, content: bytes) -> None:
        """Keep a further file in the dataset, such as the sample's planted truth, with its hash in the manifest."""
        write_bytes(self._folder / relative, content)
        self._files[relative] = sha256(content)

    def has(self, table: str, key: str) -> bool:
        """Whether a row with this key was already added (items, users, reviews)."""
        return key in self._keys[table]

    def note(self, text: str) -> None:
        """Add a sentence that a user of this dataset must know."""
        self._manifest = replace(self._manifest, notes=(*self._manifest.notes, text))

    def _fault(self, table: str, row: Mapping[str, Any]) -> tuple[str, str] | None:
        schema = TABLES[table]
        for field in schema:
            value = row.get(field.name)
            if value is None or (value == "" and field.name in ("item", "user", "review")):
                if not field.nullable:
                    return field.name, "missing"
            elif pa.types.is_timestamp(field.type):
                try:
                    checked_time(value)
                except (ValueError, OverflowError) as error:
                    return field.name, str(error)
            elif pa.types.is_float64(field.type) and not math.isfinite(value):
                return field.name, "not a finite number"
        if table in KEYS and str(row[KEYS[table]]) in self._keys[table]:
            return KEYS[table], "duplicate key"
        if table == "events" and row["kind"] not in EVENT_KINDS:
            return "kind", f"not one of {', '.join(EVENT_KINDS)}"
        return None

    def _append(self, table: str, row: dict[str, Any]) -> None:
        self._rows[table].append(row)
        self._counts[table] += 1
        if len(self._rows[table]) >= _CHUNK:
            self._flush(table)

    def _flush(self, table: str) -> None:
        path = self._folder / f"{table}.parquet"
        with disk_errors(path):
            if table not in self._parquet:
                self._parquet[table] = pq.ParquetWriter(path, TABLES[table], compression="zstd")
            self._parquet[table].write_table(pa.Table.from_pylist(self._rows[table], schema=TABLES[table]))
        self._rows[table] = []

    def _finish(self) -> None:
        if not self._counts["items"]:
            raise HeedmapError(
                f"Nothing to import from {self._manifest.source}: no usable item was found.",
                "Check that the folder is the right one and its files are not empty.",
            )
        for table in TABLES:
            self._flush(table)
            self._parquet.pop(table).close()
        events = self._folder / "events.parquet"
        _sort_events(events)
        for table in TABLES:
            self._files[f"{table}.parquet"] = sha256_of(self._folder / f"{table}.parquet")
        span = (self._range[0].isoformat(), self._range[1].isoformat()) if self._range else None
        counts = {**self._counts, "images": sum(path.startswith("media/") for path in self._files)}
        manifest = replace(
            self._manifest, counts=counts, time_range=span, files=dict(sorted(self._files.items()))
        )
        write_json(self._folder / "dataset.json", asdict(manifest))
        with disk_errors(self.out):
            if self.out.exists():
                old = self.out.with_name(f".{self.out.name}.{os.getpid()}.old")
                self.out.rename(old)
                self._folder.rename(self.out)
                shutil.rmtree(old)
            else:
                self._folder.rename(self.out)


def image_suffix(content: bytes) -> str:
    """Decode a photo to make sure that it is whole; return its file suffix. ValueError says what is wrong."""
    if not content:
        raise ValueError("photo is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"photo is too large ({image.width} x {image.height}; at most 64 million pixels)")
                if image.format not in _FORMATS:
                    raise ValueError(f"photo format {image.format} is not supported")
                image.load()
                return _FORMATS[image.format]
    except UnidentifiedImageError as error:
        raise ValueError("not a photo") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"photo is broken ({error})") from error


def open_photo(path: Path) -> Image.Image:
    """Decode a photo upright, as RGB. HeedmapError when it is missing or broken."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError) as error:
        raise HeedmapError(f"The photo {path} cannot be read ({error}).", "Run `heedmap check`.") from error


def _sort_events(path: Path) -> None:
    """Sort by (user, time, source row): a stable sort keeps the source's order where times tie."""
    table = pq.read_table(path)
    order = table.select(["user", "time"]).to_pandas().sort_values(["user", "time"], kind="stable").index
    with disk_errors(path):
        pq.write_table(table.take(pa.array(order)), path, compression="zstd")


class Dataset:
    """An opened dataset folder. Queries go through DuckDB; each table is a view of its own name."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._connection = duckdb.connect()
        for table in TABLES:
            path = str(folder / f"{table}.parquet").replace("'", "''")
            self._connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")
        self._connection.execute("SET TimeZone = 'UTC'")

    @staticmethod
    def open(folder: Path) -> Dataset:
        """Open a dataset folder; HeedmapError when it is missing, damaged or of a newer version."""
        if not folder.is_dir():
            raise HeedmapError(f"There is no dataset at {folder}.", "Check the path, or use `heedmap import`.")
        content = read_json(folder / "dataset.json")
        try:
            version = content["schema_version"]
            if version > SCHEMA_VERSION:
                raise HeedmapError(
                    f"{folder} was written by a newer Heedmap (schema {version}).", "Update Heedmap and open it again."
                )
            span = content.pop("time_range")
            notes = tuple(content.pop("notes"))
            manifest = Manifest(**content, time_range=tuple(span) if span else None, notes=notes)
        except (KeyError, TypeError) as error:
            raise HeedmapError(f"{folder / 'dataset.json'} lacks {error}.", "Import the data again.") from error
        for table in TABLES:
            if not (folder / f"{table}.parquet").is_file():
                raise HeedmapError(f"{folder / (table + '.parquet')} is missing.", "Import the data again.")
        try:
            return Dataset(folder, manifest)
        except duckdb.Error as error:
            raise HeedmapError(f"A table in {folder} is damaged ({error}).", "Import the data again.") from error

    def query(self, sql: str, parameters: list[Any] | None = None) -> pd.DataFrame:
        """Run one SQL query over the tables and return a frame. Parameters are bound to `?`, never pasted in."""
        return self._connection.execute(sql, parameters or []).df()

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one SQL query and return plain Python rows (lists and structs stay lists and dicts)."""
        return self._connection.execute(sql, parameters or []).fetchall()

    def close(self) -> None:
        self._connection.close()

    def damaged(self) -> Iterator[tuple[str, str]]:
        """Yield (path, fault) of every file that is missing or differs from the manifest's hash."""
        for relative, digest in self.manifest.files.items():
            path = self.folder / relative
            if not path.is_file():
                yield relative, "missing"
            elif sha256_of(path) != digest:
                yield relative, "changed since it was imported"
