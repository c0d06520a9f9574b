"""Files that others trained: state dicts without a pickle, names of rows, tables of vectors."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import HeedmapError
from engine.files import read_json

_MOST_CHARACTERS = 120  # of a reason that a library gives


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors, or of a .pt/.pth/.bin file, which is refused when it holds more than plain values."""
    if not path.is_file():
        raise HeedmapError(f"There is no file {path}.", "Check the path.")
    try:
        if path.suffix == ".safetensors":
            return load_file(str(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise HeedmapError(
            f"{path.name} is not a plain state dict ({str(error).splitlines()[0][:_MOST_CHARACTERS]}).",
            "Save it with torch.save(model.state_dict(), ...) or as safetensors; files that run code are refused.",
        ) from error
    inner = [one for one in content.values() if isinstance(one, dict)] if isinstance(content, dict) else []
    for found in (content, *inner):
        if isinstance(found, dict) and found and all(isinstance(one, Tensor) for one in found.values()):
            return dict(found)
    raise HeedmapError(f"{path.name} holds no state dict.", "Save it with torch.save(model.state_dict(), ...).")


def read_names(path: Path) -> list[str]:
    """Names of rows, in their order: a JSON list, a JSON object of name -> row, or a CSV file whose column is "item",
    "user" or "id", with the row in a column "row" if it has one."""
    if path.suffix.lower() == ".json":
        content = read_json(path)
        if isinstance(content, list):
            return [str(one) for one in content]
        if isinstance(content, dict) and all(isinstance(one, int) for one in content.values()):
            return _by_row([(name, row) for name, row in content.items()], path)
        raise HeedmapError(f"{path} names no rows.", 'Write a list of names, or {"name": row, ...}.')
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise HeedmapError(f"{path} cannot be read ({error}).", "Check the path.") from error
    column = next((one for one in ("item", "user", "id") if rows and one in rows[0]), None)
    if column is None:
        raise HeedmapError(f"{path} has no column item, user or id.", "Give its first line those names.")
    if "row" not in rows[0]:
        return [row[column] for row in rows]
    try:
        return _by_row([(row[column], int(row["row"])) for row in rows], path)
    except ValueError as error:
        raise HeedmapError(f"{path}: a row is not a number ({error}).", "Rows are counted from 0.") from error


def _by_row(pairs: list[tuple[str, int]], path: Path) -> list[str]:
    names = [name for name, _ in sorted(pairs, key=lambda pair: pair[1])]
    rows = sorted(row for _, row in pairs)
    if rows != list(range(rows[0], rows[0] + len(rows))):
        raise HeedmapError(f"{path}: rows are missing or double.", "Number them without gaps.")
    return names


def read_vectors(path: Path, names: Path | None) -> tuple[list[str], NDArray[np.float32]]:
    """Names and float32[n, dim] of a table of vectors: Parquet with a column of names and one list or several numbers,
    or .npy with a file of names. HeedmapError when it is neither."""
    if path.suffix == ".npy":
        if names is None:
            raise HeedmapError(
                f"{path.name} says not whose its rows are.", "Give the names with --items or --shoppers."
            )
        try:
            vectors = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise HeedmapError(f"{path} is not a plain .npy file ({error}).", "Save it without pickle.") from error
        found = read_names(names)
    else:
        found, vectors = _of_parquet(path)
    if vectors.ndim != 2 or len(vectors) != len(found):
        raise HeedmapError(
            f"{path.name} holds {' x '.join(map(str, vectors.shape))} numbers for {len(found):,} names.",
            "It must hold one row for each name.",
        )
    if not np.issubdtype(vectors.dtype, np.floating) or not np.isfinite(vectors).all():
        raise HeedmapError(f"{path.name} holds values that are not numbers.", "Mend its source.")
    return found, vectors.astype(np.float32)


def _of_parquet(path: Path) -> tuple[list[str], NDArray[Any]]:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise HeedmapError(f"{path} is not a Parquet file ({error}).", "Give a .parquet or .npy file.") from error
    named = [field.name for field in table.schema if pa.types.is_string(field.type) or pa.types.is_integer(field.type)]
    lists = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    numbers = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    if not named or not (lists or numbers):
        raise HeedmapError(f"{path.name} has no column of names, or none of numbers.", "It needs both.")
    names = [str(one) for one in table.column(named[0]).to_pylist()]
    if not lists:
        return names, np.stack([table.column(one).to_numpy() for one in numbers], axis=1)
    rows = table.column(lists[0]).to_pylist()
    if len({len(row or ()) for row in rows}) != 1:
        raise HeedmapError(f"{path.name}: the vectors in {lists[0]} are of different lengths.", "Mend its source.")
    return names, np.array(rows, dtype=np.float64)


def aligned(names: list[str], wanted: tuple[str, ...], what: str, source: str) -> NDArray[np.int64]:
    """int64[wanted]: the row of each wanted name, -1 where there is none. HeedmapError when none is known at all."""
    row = {name: index for index, name in enumerate(names)}
    found = np.array([row.get(one, -1) for one in wanted], dtype=np.int64)
    if not (found >= 0).any():
        raise HeedmapError(
            f"None of the {what} in {source} is in the dataset: it names {names[0]!r}, the dataset {wanted[0]!r}.",
            "Give the names as the dataset has them.",
        )
    return found
