"""Rows of a table laid out so that any of them is at hand at once: a temporary Arrow file, read in place.

Parquet is quick to scan and slow to pick from: 200 rows of a million, in the order of a sort, touch every page of it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.leftovers import scratch_folder

_BATCH = 50_000


class LaidOut:
    """The laid-out tables of one dataset. `want` begins on a thread of its own; `take` answers once it is there."""

    def __init__(self) -> None:
        self._folder = scratch_folder()
        self._batches: dict[str, list[pa.RecordBatch]] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._over = threading.Event()

    def want(self, table: str, parquet: Path) -> None:
        """Begin to lay out a table, unless that was begun before."""
        if table not in self._threads:
            thread = threading.Thread(target=self._lay_out, args=(table, parquet), name=f"rows of {table}", daemon=True)
            self._threads[table] = thread
            thread.start()

    def wait(self) -> None:
        """Until everything that was begun is there."""
        for thread in self._threads.values():
            thread.join()

    def take(self, table: str, rows: NDArray[np.int64], names: Sequence[str]) -> dict[str, list[Any]] | None:
        """Columns of the rows numbered `rows`, in their order; times in milliseconds. None while not laid out."""
        batches = self._batches.get(table)
        if batches is None or any(name not in batches[0].schema.names for name in names):
            return None
        which = rows // _BATCH
        order = np.argsort(which, kind="stable")
        picked = []
        for one in np.unique(which):
            inside = rows[order[which[order] == one]] - one * _BATCH
            picked.append(batches[one].select(list(names)).take(pa.array(inside)))
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        found = pa.Table.from_batches(picked).combine_chunks().take(pa.array(back))
        return {name: _plain(found.column(name)) for name in names}

    def close(self) -> None:
        self._over.set()
        self.wait()
        self._batches.clear()
        self._folder.cleanup()

    def _lay_out(self, table: str, parquet: Path) -> None:
        place = Path(self._folder.name) / f"{table}.arrow"
        with suppress(OSError, pa.ArrowException):  # a full disk: pages come from Parquet, only slower
            source = pq.ParquetFile(parquet)
            with pa.OSFile(str(place), "wb") as sink, pa.ipc.new_file(sink, source.schema_arrow) as writer:
                for batch in _even(source):
                    if self._over.is_set():
                        return
                    writer.write_batch(batch)
            reader = pa.ipc.open_file(pa.memory_map(str(place)))
            self._batches[table] = [reader.get_batch(n) for n in range(reader.num_record_batches)]


def _even(source: pq.ParquetFile) -> Any:
    """Batches of exactly _BATCH rows but for the last, whatever the file's row groups are."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in source.iter_batches(_BATCH):
        held.append(batch)
        count += batch.num_rows
        while count >= _BATCH:
            whole = pa.Table.from_batches(held).combine_chunks()
            yield whole.slice(0, _BATCH).to_batches()[0]
            rest = whole.slice(_BATCH)
            held, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(held).combine_chunks().to_batches()[0]


def _plain(values: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    listed: list[Any] = values.to_pylist()
    return listed
