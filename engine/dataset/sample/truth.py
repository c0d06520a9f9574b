"""The planted truth of a sample: what each shopper is after, and where on each product that can be seen or read."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import HeedmapError

if TYPE_CHECKING:
    import pandas as pd

_VALUE = [("item", pa.string()), ("preference", pa.string()), ("value", pa.string())]

SCHEMAS: dict[str, pa.Schema] = {
    "tastes": pa.schema(
        [
            ("user", pa.string()),
            ("preference", pa.string()),
            ("value", pa.string()),
            ("modality", pa.string()),  # where the value can be read off: photo, words, attribute, mixed, history
            ("strength", pa.float64()),  # how many times likelier a product that meets it is to be looked at
            ("purchases", pa.list_(pa.string())),  # the items that this shopper bought for it, in order
        ]
    ),
    "holders": pa.schema(_VALUE),
    "regions": pa.schema(
        [
            *_VALUE,
            ("photo", pa.int32()),  # index in the item's images
            ("boxes", pa.list_(pa.list_(pa.float64()))),  # x0, y0, x1, y1 in 0..1, the largest piece first
            ("grid", pa.list_(pa.float64())),  # 28 x 28 coverage 0..1, row by row
        ]
    ),
    "words": pa.schema(
        [
            *_VALUE,
            ("field", pa.string()),
            ("start", pa.int32()),
            ("end", pa.int32()),
        ]  # field: title, description, review:<id>
    ),
    "attributes": pa.schema([*_VALUE, ("name", pa.string())]),
}


@dataclass(frozen=True)
class Truth:
    """The truth tables as frames. A (preference, value) pair names what a shopper may be after.

    tastes: user, preference, value, modality, strength, purchases. holders: every (item, preference, value).
    regions: where on which photo; words: which characters of which field; attributes: which attribute says it.
    """

    tastes: pd.DataFrame
    holders: pd.DataFrame
    regions: pd.DataFrame
    words: pd.DataFrame
    attributes: pd.DataFrame

    def of(self, user: str, item: str) -> dict[str, pd.DataFrame]:
        """What on `item` answers a taste of `user`: the matching rows of regions, words and attributes."""
        keys = self.tastes.loc[self.tastes["user"] == user, ["preference", "value"]]
        tables = {"regions": self.regions, "words": self.words, "attributes": self.attributes}
        return {name: table[table["item"] == item].merge(keys) for name, table in tables.items()}


def parquet(table: str, rows: list[dict[str, Any]]) -> bytes:
    """A truth table as the bytes of its file."""
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMAS[table]), out, compression="zstd")
    return out.getvalue()


def load_truth(dataset: Path) -> Truth:
    """Read the truth that lies beside a sample; HeedmapError for a dataset that has none, or a damaged one."""
    frames = {}
    for table in SCHEMAS:
        path = dataset / "truth" / f"{table}.parquet"
        if not path.is_file():
            raise HeedmapError(
                f"{dataset} holds no planted truth ({path.name} is missing).", "Make one with `heedmap sample`."
            )
        try:
            frames[table] = pq.read_table(path).to_pandas()
        except pa.ArrowInvalid as error:
            raise HeedmapError(f"{path} is damaged ({error}).", "Make the sample again.") from error
    return Truth(**frames)
