"""Columns of plain values as a Parquet file, for what was seen in the window and is worked on elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.files import atomic


def write_parquet(columns: Mapping[str, Sequence[Any]], out: Path) -> None:
    """Write columns of one length. A column of several kinds of values is written as text. HeedmapError when there is
    nothing to write, the columns differ in length, or the disk refuses."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not columns:
        raise HeedmapError("There are no numbers to write.", "Choose another view.")
    if len({len(values) for values in columns.values()}) > 1:
        raise HeedmapError("The columns of the table differ in length.", "Export it again once the view is at rest.")
    table = pa.table({name: _column(pa, values) for name, values in columns.items()})
    with atomic(out) as temporary:
        pq.write_table(table, temporary)


def _column(pa: Any, values: Sequence[Any]) -> Any:
    try:
        return pa.array(list(values))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values])
