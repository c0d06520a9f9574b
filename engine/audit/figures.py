"""All figures of an audit in one table, as JSON and as Parquet, and the published schemas of what a bundle holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.audit.check import Result
from engine.audit.texts import TEXTS
from engine.files import atomic, write_bytes, write_json

FIGURES = "figures"
SCHEMAS = TEXTS / "schema"

# Columns of the table: type, and whether a row may lack it.
_COLUMNS = {
    "check": ("string", False),
    "figure": ("string", False),
    "of": ("string", False),  # "group=women, age=18 to 24"; empty where it is of all
    "value": ("double", False),
    "low": ("double", True),
    "high": ("double", True),
    "n": ("int64", False),
    "at_least": ("double", True),
    "at_most": ("double", True),
    "verdict": ("string", False),
}


def rows_of(results: tuple[Result, ...]) -> list[dict[str, Any]]:
    """One row per figure."""
    rows = []
    for result in results:
        for figure, verdict in zip(result.figures, result.verdicts, strict=True):
            asked = result.threshold(figure)
            rows.append(
                {
                    "check": result.check,
                    "figure": figure.name,
                    "of": ", ".join(f"{key}={value}" for key, value in sorted(figure.of.items())),
                    "value": figure.value,
                    "low": figure.low,
                    "high": figure.high,
                    "n": figure.n,
                    "at_least": asked.at_least if asked else None,
                    "at_most": asked.at_most if asked else None,
                    "verdict": verdict,
                }
            )
    return rows


def write_figures(out: Path, results: tuple[Result, ...]) -> None:
    import pyarrow as pa  # the window reads rows, and loads nothing for them
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(name, kind, nullable=may) for name, (kind, may) in _COLUMNS.items()])
    rows = rows_of(results)
    write_json(out / f"{FIGURES}.json", rows)
    with atomic(out / f"{FIGURES}.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema), temporary)


def write_schemas(out: Path) -> None:
    """JSON Schemas (draft 2020-12) of the bundle's JSON files."""
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        write_bytes(out / "schema" / path.name, path.read_bytes())
