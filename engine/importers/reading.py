"""Read records one by one from files of any size: JSON lines, CSV, Parquet; a bad one is told, never fatal."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from engine.errors import HeedmapError
from engine.jobs import Progress

_LONGEST_FIELD = 1 << 24  # a product text may well be longer than the 131,072 characters that are the default
_STEP = 1000  # records between two looks at how far the reading is
_DECODE = json.JSONDecoder().decode
_OPENING, _CLOSING = {b"{", b"[{"}, {b"}", b"},", b"}]"}
_BRACKETS = {b"[", b"]", b"],"}  # of an array around the objects
_LONGEST_RECORD = 20_000  # lines of one record in a pretty-printed file
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


class Report(Protocol):
    """Where problems go: `DatasetWriter.problem`."""

    def __call__(self, source: str, row: int | None, column: str | None, value: object, reason: str) -> None: ...


class Source:
    """One file on its way in. Problems of its records are reported under the file's name, with their line."""

    def __init__(self, path: Path, report: Report) -> None:
        if not path.exists():
            raise HeedmapError(f"{path} is missing.", "Check the path.")
        if not path.is_file():
            raise HeedmapError(f"{path} is a folder where a file is needed.", "Name the file.")
        self.path = path
        self.size = path.stat().st_size
        if not self.size:
            raise HeedmapError(f"{path} is empty.", "Copy or export the file again.")
        self._report = report
        self._raw: BinaryIO | None = None
        self._done = 0

    def problem(self, row: int | None, column: str | None, value: object, reason: str) -> None:
        self._report(self.path.name, row, column, value, reason)

    def watched(self, records: Iterable[tuple[int, Any]], handle: Callable[[int, Any], None]) -> Iterator[Progress]:
        """Hand each (line, record) to `handle`, with a Progress in bytes now and then."""
        stage = f"Reading {self.path.name}"
        for count, (row, record) in enumerate(records):
            if not count % _STEP:
                yield Progress(stage, self.done, self.size)
            handle(row, record)
        yield Progress(stage, self.size, self.size)

    @property
    def done(self) -> int:
        """Bytes read so far, of the file as it lies on the disk."""
        return min(self.size, self._raw.tell() if self._raw is not None else self._done)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (line number, line) of a plain or gzip file; a damaged archive ends early, with a problem."""
        number = 0
        with ExitStack() as stack:
            try:
                self._raw = stack.enter_context(self.path.open("rb"))
                packed = self._raw.peek(2)[:2] == b"\x1f\x8b"
                file = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
                for number, line in enumerate(file, start=1):
                    yield number, line
            except _DAMAGED as error:
                self.problem(number + 1, None, None, f"the archive is damaged from here on ({error})")
            except OSError as error:
                raise HeedmapError(f"{self.path} cannot be read ({error.strerror}).", "Copy it again.") from error
            finally:
                self._raw = None

    def json_lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (line number, object) of JSON lines, of pretty-printed objects, or of an array of objects.

        A pretty-printed object begins with a line "{" and ends with a line "}" as far in; the rest is further in.
        """
        start, record = 0, list[bytes]()
        for number, line in self.lines():
            bare = (line.removeprefix(BOM_UTF8) if number == 1 else line).strip()
            if record or len(bare) <= 2:
                indent = line[: line.find(bare)] if bare else b""
                if bare in _OPENING and (not record or record[0].startswith(indent + b"{")):
                    self._no_end(start, record)
                    start, record = number, [indent + b"{\n"]
                elif record:
                    closes = bare in _CLOSING and record[0].startswith(indent + b"{")
                    record.append(b"}" if closes else line)
                    if closes or len(record) > _LONGEST_RECORD:
                        yield from self._objects(start, b"".join(record).lstrip())
                        record = []
                elif bare and bare not in _BRACKETS:
                    yield from self._objects(number, bare)
            elif (value := self._parsed(number, bare.rstrip(b","))) is not None:
                if type(value) is dict:
                    yield number, value
                else:
                    yield from self._objects(number, bare)
        self._no_end(start, record)

    def _no_end(self, start: int, record: list[bytes]) -> None:
        if record:
            self.problem(start, None, _shown(b"".join(record)), "this JSON object has no end")

    def _objects(self, row: int, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
        """The objects of one text: itself, or an array's."""
        value = self._parsed(row, content)
        for part in value if isinstance(value, list) else [] if value is None else [value]:
            if isinstance(part, dict):
                yield row, part
            else:
                self.problem(row, None, part, "not a JSON object")

    def _parsed(self, row: int, content: bytes) -> Any:
        """What a JSON text says; None, and a problem, when it is broken."""
        try:
            if (value := _DECODE(content.decode())) is not None:
                return value
            self.problem(row, None, "null", "not a JSON object")
        except UnicodeDecodeError:
            self.problem(row, None, _shown(content), "not UTF-8 text")
        except (ValueError, RecursionError) as error:
            self.problem(row, None, _shown(content), f"not valid JSON ({error})")
        return None

    def csv_rows(
        self, delimiter: str = ",", encoding: str = "utf-8", needed: tuple[str, ...] = ()
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield (line number, {column: text}) of a delimited file; its header line names at least the `needed` columns.

        A row that has another number of columns than the header, or bytes that are not in `encoding`, is a problem.
        """
        csv.field_size_limit(_LONGEST_FIELD)
        rows = csv.reader(self._decoded(encoding), delimiter=delimiter)
        columns: list[str] | None = None
        while True:
            try:
                row = next(rows)
            except StopIteration:
                break
            except csv.Error as error:
                self.problem(rows.line_num, None, None, f"not a row of a table ({error})")
                continue
            if not any(row):
                continue
            if columns is None:
                columns = [name.strip() for name in row]
                if missing := [name for name in needed if name not in columns]:
                    hint = f"Its columns are {', '.join(columns)[:300]}."
                    raise HeedmapError(f"{self.path} has no column {missing[0]}.", hint)
            elif len(row) != len(columns):
                reason = f"{len(row)} columns where the header has {len(columns)}"
                self.problem(rows.line_num, None, delimiter.join(row), reason)
            elif not _readable(delimiter.join(row)):
                text = delimiter.join(row).encode("utf-8", "replace").decode()
                self.problem(rows.line_num, None, text, f"not {encoding} text")
            else:
                yield rows.line_num, dict(zip(columns, row, strict=True))
        if columns is None:
            raise HeedmapError(f"{self.path} has no header line.", "The first line must name the columns.")

    def _decoded(self, encoding: str) -> Iterator[str]:
        for number, line in self.lines():
            if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise HeedmapError(f"{self.path} is UTF-16 text.", "Save it as UTF-8.")
            yield line.decode("utf-8-sig" if number == 1 and encoding == "utf-8" else encoding, "surrogateescape")

    def parquet_rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (record number, {column: value}) of a Parquet file, a few thousand rows in memory at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        row = 0
        try:
            with pq.ParquetFile(self.path) as file:
                total = max(1, file.metadata.num_rows)
                for batch in file.iter_batches(8192):
                    for record in batch.to_pylist():
                        row += 1
                        yield row, record
                    self._done = self.size * row // total
        except (pa.ArrowException, OSError) as error:
            raise HeedmapError(f"{self.path} is not a whole Parquet file ({error}).", "Export it again.") from error

    def columns(self, kind: str, delimiter: str, encoding: str) -> list[str]:
        """The columns that the file offers; of JSON lines, those of its first hundred records."""
        if kind == "parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            try:
                return list(pq.read_schema(self.path).names)
            except (pa.ArrowException, OSError) as error:
                raise HeedmapError(f"{self.path} is not a Parquet file ({error}).", "Export it again.") from error
        if kind == "jsonl":
            return list(dict.fromkeys(name for _, record in islice(self.json_lines(), 100) for name in record))
        for row in csv.reader(self._decoded(encoding), delimiter=delimiter):
            if any(row):
                return [name.strip() for name in row]
        raise HeedmapError(f"{self.path} has no header line.", "The first line must name the columns.")


def first_record(path: Path) -> dict[str, Any]:
    """The first whole record of a JSON-lines or CSV file; empty when there is none."""
    try:
        source = Source(path, lambda *_: None)
        rows = source.csv_rows() if ".csv" in path.suffixes else source.json_lines()
        return next((record for _, record in rows), {})
    except HeedmapError:
        return {}


def _shown(content: bytes) -> str:
    return content[:200].decode("utf-8", "replace")


def _readable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
