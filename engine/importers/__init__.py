"""Importers: one file per source format, one registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.importers.amazon import import_amazon, is_amazon
from engine.importers.movielens import import_movielens, is_movielens
from engine.importers.recbole import import_recbole, is_recbole
from engine.importers.table import import_table, is_mapping
from engine.jobs import Job

# An importer reads `sources` (files or folders) into a dataset at `out`: a job whose result is `out`. Its further
# parameters are options, each of which may also come as text from a command line.
Importer = Callable[..., Job]

IMPORTERS: dict[str, Importer] = {
    "movielens": import_movielens,
    "amazon": import_amazon,
    "table": import_table,
    "recbole": import_recbole,
}


def import_dataset(kind: str, sources: list[Path], out: Path, **options: Any) -> Job:
    """Import with the importer called `kind`, or with the one that recognises the sources (`auto`).

    Closing the job midway leaves nothing behind, and a dataset already at `out` as it was.
    """
    if not sources:
        raise HeedmapError("Nothing was named to import.", "Name a file or a folder.")
    try:
        for source in sources:
            if not source.exists():
                raise HeedmapError(f"{source} is missing.", "Check the path.")
        if kind == "auto":
            kind = recognise(sources)
        return (yield from _importer(kind, options)(sources, out, **options))
    except OSError as error:
        place = error.filename or sources[0]
        raise HeedmapError(f"{place} cannot be read ({error.strerror}).", "Check its permissions.") from error


def _importer(kind: str, options: dict[str, Any]) -> Importer:
    """The importer called `kind`, which must know all the options."""
    if kind not in IMPORTERS:
        raise HeedmapError(f"Unknown format {kind!r}.", f"Use one of auto, {', '.join(IMPORTERS)}.")
    known = list(inspect.signature(IMPORTERS[kind]).parameters)[2:]
    if unknown := set(options) - set(known):
        raise HeedmapError(f"The format {kind} has no option {min(unknown)!r}.", f"Its options are {', '.join(known)}.")
    return IMPORTERS[kind]


def recognise(sources: list[Path]) -> str:
    """The name of the importer for these sources, by what is in them. HeedmapError when none fits."""
    inside = [path for source in sources if source.is_dir() for path in sorted(source.iterdir()) if path.is_file()]
    files = [source for source in sources if source.is_file()]
    if any(map(is_mapping, [*files, *(path for path in inside if path.suffix == ".toml")])):
        return "table"
    if any(map(is_movielens, sources)):
        return "movielens"
    if any(map(is_recbole, sources)):
        return "recbole"
    if any(map(is_amazon, [*files, *inside])):
        return "amazon"
    raise HeedmapError(
        f"The format of {sources[0]} is not recognised.",
        "Name it (movielens, amazon, recbole), or describe the files in a small mapping file and use the format table.",
    )
