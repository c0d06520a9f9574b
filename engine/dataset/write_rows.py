"""The rows that a query finds as a file: all of them, texts whole, a page at a time so that memory stays small."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.dataset.browse import Browser
from engine.dataset.conditions import is_counted
from engine.dataset.schema import TABLES
from engine.dataset.tables import Cell, Column, Query
from engine.errors import HeedmapError
from engine.files import atomic
from engine.jobs import Job, Progress

_PAGE = 20_000  # rows
Columns = Sequence[Sequence[Cell]]
Sink = Callable[[Columns], object]  # takes the cells of a page, column by column


def write_rows(
    browser: Browser,
    table: str,
    query: Query,
    columns: Sequence[str],
    out: Path,
    sort: str = "",
    descending: bool = False,
) -> Job:
    """Write rows as CSV (UTF-8 with the mark by which Excel knows it, a heading, lines as RFC 4180 has them) or Parquet
    (typed columns), by the suffix of `out`; return it. Times are UTC. HeedmapError on no column of that name, another
    suffix, or a disk that refuses.
    """
    known = {one.name: one for one in browser.columns(table)}
    if lost := [name for name in columns if name not in known]:
        raise HeedmapError(f"The table {table} has no column {lost[0]}.", f"Its columns are {', '.join(known)}.")
    wanted = [known[name] for name in columns]
    sinks: dict[str, Callable[[Sequence[Column], Path], AbstractContextManager[Sink]]] = {
        ".csv": _csv, ".parquet": partial(_parquet, table),
    }  # fmt: skip
    if out.suffix not in sinks:
        raise HeedmapError(f"A table cannot be written as {out.suffix}.", "Write .csv or .parquet.")
    with ExitStack() as open_files:
        temporary = open_files.enter_context(atomic(out))
        put = open_files.enter_context(sinks[out.suffix](wanted, temporary))
        done, total = 0, 1
        while done < total:
            ask = partial(browser.page, table, query, columns, sort, descending, done, _PAGE, longest=0)
            page = yield from browser.job("Writing", ask)
            put(page.cells)
            done, total = done + _PAGE, page.total
            yield Progress("Writing", min(done, total), max(total, 1))
    return str(out)


@contextmanager
def _csv(columns: Sequence[Column], out: Path) -> Iterator[Sink]:
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([one.name for one in columns])
        times = [place for place, one in enumerate(columns) if one.kind == "time"]

        def put(cells: Columns) -> None:
            said = list(cells)
            for place in times:
                said[place] = list(map(_moment, cells[place]))
            writer.writerows(zip(*said, strict=True))

        yield put


def _moment(cell: Cell) -> str:
    """Milliseconds since 1970 as date and time of UTC."""
    if not isinstance(cell, int | float):
        return ""
    said = datetime.fromtimestamp(cell / 1000, UTC).replace(tzinfo=None)
    return said.isoformat(" ", "milliseconds" if said.microsecond else "seconds")


@contextmanager
def _parquet(table: str, columns: Sequence[Column], out: Path) -> Iterator[Sink]:
    kinds = pa.schema([(one.name, _kind(table, one)) for one in columns])
    with pq.ParquetWriter(out, kinds) as writer:

        def put(cells: Columns) -> None:
            arrays = [pa.array(values, kind) for values, kind in zip(cells, kinds.types, strict=True)]
            writer.write_table(pa.table(arrays, schema=kinds))

        yield put


def _kind(table: str, column: Column) -> Any:
    if column.kind == "time":
        return pa.timestamp("ms", "UTC")
    if is_counted(table, column):
        return pa.int64()
    if column.attribute or column.kind != "number":
        return pa.string()
    return TABLES[table].field(column.name).type
