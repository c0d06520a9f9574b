"""A dataset folder: written once, whole, with a hash per file; queried through DuckDB."""

from __future__ import annotations

import io
import os
import shutil
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from numpy.typing import NDArray

from engine import versions
from engine.dataset.rows import FIRST, RefusedRow, RowChecks, column
from engine.dataset.schema import ADDED, DOMAINS, EVENT_KINDS, KEYS, TABLES
from engine.errors import HeedmapError
from engine.files import disk_errors, make_folder, read_json, refuse_read_only, sha256, sha256_of, write_json
from engine.held import held

if TYPE_CHECKING:  # what opening a dataset needs none of is loaded where it is used
    import pandas as pd
    import pyarrow.parquet as pq
    from PIL import Image

MAX_PIXELS = 64_000_000  # a larger photo is refused before it is decoded: a decompression bomb, or a mistake
_CHUNK = 50_000
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
    schema_version: int = versions.current("dataset")

    @property
    def fingerprint(self) -> str:
        """One hash over all files: a checkpoint remembers on which data it was trained."""
        return sha256("\n".join(f"{path} {digest}" for path, digest in sorted(self.files.items())).encode())


class DatasetWriter:
    """Builds a dataset in a folder beside its place and moves it there when it is whole.

        with DatasetWriter(out, name="film", domain="video", source="ML", licence="research") as writer:
            writer.add("items", {"item": "1", "title": "Toy Story", "images": [writer.add_image(path)]})
            writer.problem("ratings.csv", 17, "rating", "five", "not a number")

    Leaving the block on an error removes the half-written folder; a dataset already at `out` is replaced only
    at the end. Rows are checked on the way in: one that breaks the schema lands in the problems, never in the
    data. A time is a datetime or whole milliseconds since 1970.
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
        self.out = out = out.absolute()
        refuse_read_only(out)
        self._manifest = Manifest(name, domain, source, licence, synthetic, {}, None, {}, notes)
        with disk_errors(out):
            taken = any(out.iterdir()) if out.is_dir() else out.exists()
        if taken and not (out / "dataset.json").is_file():
            raise HeedmapError(f"{out} already holds something that is not a dataset.", "Choose an empty folder.")
        self._folder = out.with_name(f".{out.name}.partial")
        self._held = ExitStack()  # the folder, against other processes
        self._columns: dict[str, list[list[Any]]] = {table: [[] for _ in TABLES[table]] for table in TABLES}
        self._checks = {table: RowChecks(schema) for table, schema in TABLES.items()}
        self._parquet: dict[str, pq.ParquetWriter] = {}
        self._counts = dict.fromkeys(TABLES, 0)
        self._keys: dict[str, set[str]] = {table: set() for table in KEYS}
        self._files: dict[str, str] = {}
        self._span: tuple[int, ...] = ()  # first and last event, in milliseconds

    def __enter__(self) -> DatasetWriter:
        with ExitStack() as until_ready:
            until_ready.enter_context(held(self.out))
            _restore(self.out)
            shutil.rmtree(self._folder, ignore_errors=True)  # what a killed import left
            make_folder(self._folder / "media")
            self._held = until_ready.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for parquet in self._parquet.values():
                with suppress(OSError):  # the folder goes; a full disk was reported already
                    parquet.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._held.close()

    def add(self, table: str, row: Mapping[str, Any], source: str = "", number: int | None = None) -> bool:
        """Add one row; False when it was refused and recorded as a problem of `source`, record `number`.

        A column that is left out is null. KeyError on a column that the schema does not know.
        """
        checks = self._checks[table]
        values = list(map(row.get, checks.names))
        if not row.keys() <= checks.known:
            raise KeyError(f"{table} has no column {sorted(row.keys() - checks.known)}")
        try:
            checks.settle(values)
            if table in KEYS:
                self._remember(table, str(values[0]))
            elif table == "events" and row["kind"] not in EVENT_KINDS:
                raise RefusedRow("kind", f"not one of {', '.join(EVENT_KINDS)}")
        except RefusedRow as refused:
            self.problem(source or table, number, refused.column, row.get(refused.column), refused.reason)
            return False
        self._append(table, values)
        return True

    def add_many(
        self, table: str, columns: Mapping[str, Sequence[Any]], source: str = "", numbers: Sequence[int] = ()
    ) -> None:
        """Add rows given column by column: the same checks as `add`, several times as fast where no row is bad.

        `numbers` are the records' numbers in `source`. All columns have the same length.
        """
        checks = self._checks[table]
        if not columns.keys() <= checks.known:
            raise KeyError(f"{table} has no column {sorted(columns.keys() - checks.known)}")
        count = len(next(iter(columns.values())))
        blank = [None] * count
        values = [columns.get(name, blank) for name in checks.names]
        fresh = set(values[0]) if table in KEYS else set()
        known_kinds = table != "events" or set(columns["kind"]) <= set(EVENT_KINDS)
        new = table not in KEYS or (len(fresh) == count and fresh.isdisjoint(self._keys[table]))
        if not (known_kinds and new and checks.sound(values)):
            for at, row in enumerate(zip(*values, strict=True)):
                number = numbers[at] if numbers else None
                self.add(table, dict(zip(checks.names, row, strict=True)), source, number)
            return
        if table in KEYS:
            self._keys[table] |= fresh
        for kept, more in zip(self._columns[table], values, strict=True):
            kept.extend(more)
        self._counts[table] += count
        if len(self._columns[table][0]) >= _CHUNK:
            self._flush(table)

    def problem(self, source: str, row: int | None, column: str | None, value: object, reason: str) -> None:
        """Keep a rejected row, or a mended one, with its reason."""
        text = None if value is None else str(value)[:200]
        self._append("problems", [source, row, column, text, reason])

    def add_image(self, image: Path | bytes, source: str = "", row: int | None = None) -> str | None:
        """Check a photo by decoding it and keep it under its content hash; None, and a problem, if it is bad.

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
        except OSError as error:
            self.problem(place, row, "image", value, f"photo cannot be read ({error.strerror})")
            return None
        except ValueError as error:
            self.problem(place, row, "image", value, str(error))
            return None
        digest = sha256(content)
        relative = f"media/{digest[:2]}/{digest}{suffix}"
        if relative not in self._files:
            self._write(relative, content)
            self._files[relative] = digest
        return relative

    def add_file(self, relative: str, content: bytes) -> None:
        """Keep a further file, such as the sample's planted truth, with its hash in the manifest."""
        self._write(relative, content)
        self._files[relative] = sha256(content)

    def _write(self, relative: str, content: bytes) -> None:
        """Write a file of the hidden folder; all are flushed at the end, which takes a tenth of one by one."""
        path = self._folder / relative
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def has(self, table: str, key: str) -> bool:
        """Whether a row with this key was already added (items, users, reviews)."""
        return key in self._keys[table]

    def note(self, text: str) -> None:
        """Add a sentence that a user of this dataset must know."""
        self._manifest = replace(self._manifest, notes=(*self._manifest.notes, text))

    def _remember(self, table: str, key: str) -> None:
        """Keep a row's key, the first column of its table; refuse an empty or a second one."""
        if not key:
            raise RefusedRow(KEYS[table], "missing")
        if key in self._keys[table]:
            raise RefusedRow(KEYS[table], "duplicate key")
        self._keys[table].add(key)

    def _append(self, table: str, values: Sequence[Any]) -> None:
        # Column by column: a list of rows would keep the garbage collector busy with every one of them.
        columns = self._columns[table]
        for kept, value in zip(columns, values, strict=True):
            kept.append(value)
        self._counts[table] += 1
        if len(columns[0]) >= _CHUNK:
            self._flush(table)

    def _flush(self, table: str) -> None:
        import pyarrow.parquet as pq

        path, schema = self._folder / f"{table}.parquet", TABLES[table]
        columns = self._columns[table]
        arrays = [column(values, field.type) for values, field in zip(columns, schema, strict=True)]
        with disk_errors(path):
            if table not in self._parquet:
                self._parquet[table] = pq.ParquetWriter(path, schema, compression="zstd")
            self._parquet[table].write_table(pa.Table.from_arrays(arrays, schema=schema))
        if table == "events" and columns[2]:
            self._span = (*self._span, min(columns[2]), max(columns[2]))
            self._span = (min(self._span), max(self._span))
        self._columns[table] = [[] for _ in schema]

    def _flush_to_disk(self) -> None:
        if hasattr(os, "sync"):
            os.sync()
        for relative in self._files:
            with disk_errors(self._folder / relative), (self._folder / relative).open("rb+") as file:
                os.fsync(file.fileno())

    def _finish(self) -> None:
        if not self._counts["items"]:
            raise HeedmapError(
                f"Nothing to import from {self._manifest.source}: no usable item was found.",
                "Check that the folder is the right one and its files are not empty.",
            )
        for table in TABLES:
            self._flush(table)
            path = self._folder / f"{table}.parquet"
            with disk_errors(path):
                self._parquet.pop(table).close()
                if table == "events":
                    _sort_events(path)
            self._files[path.name] = sha256_of(path)
        first_last = [(FIRST + timedelta(milliseconds=moment)).isoformat() for moment in self._span]
        span = (first_last[0], first_last[1]) if first_last else None
        counts = {**self._counts, "images": sum(path.startswith("media/") for path in self._files)}
        manifest = replace(self._manifest, counts=counts, time_range=span, files=dict(sorted(self._files.items())))
        self._flush_to_disk()
        write_json(self._folder / "dataset.json", asdict(manifest))
        with disk_errors(self.out):
            if self.out.exists():
                old = _old(self.out)
                self.out.rename(old)
                try:
                    self._folder.rename(self.out)
                except OSError:
                    old.rename(self.out)
                    raise
                shutil.rmtree(old)
            else:
                self._folder.rename(self.out)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _restore(folder: Path) -> None:
    """Finish what a kill between the two renames of a replacement left half done."""
    old = _old(folder)
    if old.is_dir():
        with disk_errors(folder):
            if folder.exists():
                shutil.rmtree(old)
            else:
                old.rename(folder)


def image_suffix(content: bytes) -> str:
    """Decode a photo to make sure that it is whole; return its file suffix. ValueError says what is wrong."""
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise ValueError("photo is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                if image.format not in _FORMATS:
                    raise ValueError(f"photo format {image.format} is not supported")
                image.load()
                return _FORMATS[image.format]
    except UnidentifiedImageError as error:
        raise ValueError("not a photo") from error
    except Image.DecompressionBombError as error:
        raise ValueError("photo is too large (at most 64 million pixels)") from error
    except (OSError, SyntaxError, EOFError, struct.error) as error:
        raise ValueError(f"photo is broken ({error})") from error


def open_photo(path: Path) -> Image.Image:
    """Decode a photo upright, as RGB. HeedmapError when it is missing or broken."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError) as error:
        raise HeedmapError(f"The photo {path} cannot be read ({error}).", "Run `heedmap check`.") from error


def _sort_events(path: Path) -> None:
    """Sort by (user, time, source row): Arrow sorts stably, so the source's order stands where times tie."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    order = pc.sort_indices(table, sort_keys=[("user", "ascending"), ("time", "ascending")])
    pq.write_table(table.take(order), path, compression="zstd")


class Dataset:
    """An opened dataset folder. Queries go through DuckDB; each table is a view of its own name."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._connection = duckdb.connect()
        for table in TABLES:
            path = str(folder / f"{table}.parquet").replace("'", "''")
            added = [name for name in ADDED if name in TABLES[table].names]
            asked = f"SELECT name FROM parquet_schema('{path}')"
            there = {row[0] for row in self._connection.sql(asked).fetchall()} if added else set()
            # Columns that came later are null in datasets written before.
            later = "".join(f", NULL::{ADDED[name]} AS {name}" for name in added if name not in there)
            self._connection.execute(f"CREATE VIEW {table} AS SELECT *{later} FROM read_parquet('{path}')")
        self._connection.execute("SET TimeZone = 'UTC'")

    @staticmethod
    def open(folder: Path) -> Dataset:
        """Open a dataset folder; HeedmapError when it is missing, damaged or of a newer version."""
        folder = folder.absolute()
        if not folder.exists():
            _restore(folder)
        if not folder.is_dir():
            raise HeedmapError(f"There is no dataset at {folder}.", "Check the path, or use `heedmap import`.")
        content = read_json(folder / "dataset.json")
        try:
            content = versions.forward("dataset", content, folder)
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
        """Run one SQL query over the tables, as a frame. Parameters are bound to `?`, never pasted in."""
        with warnings.catch_warnings():
            # DuckDB still hands times over in a way that pandas 3.1 grumbles about.
            warnings.filterwarnings("ignore", message="The inplace keyword", category=DeprecationWarning)
            return self._connection.execute(sql, parameters or []).df()

    def columns(self, sql: str, parameters: list[Any] | None = None) -> dict[str, NDArray[Any]]:
        """Run one SQL query and return NumPy arrays by column, masked ones where there are nulls; texts as objects."""
        found: Any = self._connection.execute(sql, parameters or []).fetchnumpy()
        return found

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one SQL query and return plain Python rows (lists and structs stay lists and dicts)."""
        relation = self._connection.sql(sql, params=parameters or [])
        if "TIMESTAMP WITH TIME ZONE" in map(str, relation.types):  # DuckDB's own way wants the package pytz
            return list(zip(*(values.to_pylist() for values in relation.to_arrow_table().columns), strict=True))
        return relation.fetchall()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection."""
        return self._connection

    def interrupt(self) -> None:
        """From another thread: let the query under way fail."""
        self._connection.interrupt()

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
