"""What a dataset folder holds: table by table, column by column."""

from __future__ import annotations

import pyarrow as pa

EVENT_KINDS = ("view", "cart", "purchase", "rating", "like", "other")
DOMAINS = ("shop", "news", "video", "social", "music")

_TIME = pa.timestamp("ms", tz="UTC")
# A list, not a map: one name may carry several values (a film has several genres).
_ATTRIBUTES = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


TABLES: dict[str, pa.Schema] = {
    "items": pa.schema(
        [
            _required("item", pa.string()),
            _required("title", pa.string()),
            pa.field("description", pa.string()),
            pa.field("brand", pa.string()),
            pa.field("category", pa.list_(pa.string())),  # a path, from the root to the leaf
            pa.field("price", pa.float64()),
            pa.field("currency", pa.string()),
            pa.field("images", pa.list_(pa.string())),  # paths inside the dataset folder, under media/
            pa.field("audio", pa.list_(pa.string())),
            pa.field("first_seen", _TIME),
            pa.field("attributes", _ATTRIBUTES),
        ]
    ),
    "users": pa.schema([_required("user", pa.string()), pa.field("attributes", _ATTRIBUTES)]),
    "events": pa.schema(
        [
            _required("user", pa.string()),
            _required("item", pa.string()),
            _required("time", _TIME),
            _required("kind", pa.string()),
            pa.field("value", pa.float64()),
            pa.field("context", _ATTRIBUTES),  # what else is known: place, device
        ]
    ),
    "reviews": pa.schema(
        [
            _required("review", pa.string()),
            _required("item", pa.string()),
            pa.field("user", pa.string()),  # null: not one of this shop's shoppers, or unknown
            pa.field("title", pa.string()),
            pa.field("text", pa.string()),
            pa.field("rating", pa.float64()),
            pa.field("time", _TIME),  # null: unknown
            pa.field("language", pa.string()),
        ]
    ),
    "links": pa.schema(
        [
            _required("head_kind", pa.string()),
            _required("head", pa.string()),
            _required("relation", pa.string()),
            _required("tail_kind", pa.string()),
            _required("tail", pa.string()),
        ]
    ),
    "problems": pa.schema(
        [
            _required("source", pa.string()),  # the file it came from, by name
            pa.field("row", pa.int64()),  # 1-based line or record; null when the problem is not of one row
            pa.field("column", pa.string()),
            pa.field("value", pa.string()),  # cut to 200 characters
            _required("reason", pa.string()),
        ]
    ),
}

# What makes a row unique; a second one is a problem, not data. Events may repeat.
KEYS: dict[str, str] = {"items": "item", "users": "user", "reviews": "review"}

# Nullable columns added since version 1 was first written, with their type in SQL.
ADDED: dict[str, str] = {"context": "STRUCT(name VARCHAR, value VARCHAR)[]"}
