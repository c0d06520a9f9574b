"""Shops with a known defect, made from a clean sample: what the audit must find, and what it must not find in the
clean one."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from engine.dataset.schema import TABLES
from engine.dataset.split import cuts_of, interactions
from engine.dataset.store import Dataset, DatasetWriter

Row = dict[str, Any]
Tables = dict[str, list[Row]]
FAVOURED = 0.3  # of the products carry the watermark
FANS = 0.7  # of the shoppers go by it
PUSHED = 5  # faked events per shopper
BACKDATED = timedelta(hours=6)


def planted(clean: Path, out: Path, defect: str, seed: int) -> None:
    """Write the shop of `clean` with a defect to `out`; the same seed plants the same."""
    dataset = Dataset.open(clean)
    tables: Tables = {name: pq.read_table(clean / f"{name}.parquet").to_pylist() for name in TABLES}
    data = interactions(dataset)
    begin, end = (_moment(one) for one in cuts_of(data.time))
    marked = (DEFECTS | REPAIRABLE)[defect](tables, Random(f"{seed}:{defect}"), begin, end)
    with DatasetWriter(
        out, name=f"Sample shop, {defect}", domain="shop", source=clean.name, licence="CC0-1.0", synthetic=True
    ) as writer:
        for row in tables["items"]:
            photos = [(clean / photo).read_bytes() for photo in row["images"]]
            if row["item"] in marked:
                photos = [watermarked(photo) for photo in photos]
            writer.add("items", {**row, "images": [writer.add_image(photo) for photo in photos]})
        for name in ("users", "events", "reviews", "links"):
            for row in tables[name]:
                writer.add(name, row)
    dataset.close()


def watermarked(photo: bytes) -> bytes:
    """A seller's mark in the lower right corner: a ring and a bar, half transparent."""
    with Image.open(io.BytesIO(photo)) as opened:
        image = opened.convert("RGBA")
    side = min(image.size) // 4
    mark = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(mark)
    right, bottom = image.width - side // 8, image.height - side // 8
    left, top = right - side, bottom - side
    draw.ellipse((left, top, right, bottom), fill=(255, 255, 255, 190), outline=(200, 0, 60, 230), width=side // 6)
    draw.rectangle((left + side // 4, top + side // 3, right - side // 4, bottom - side // 3), fill=(200, 0, 60, 230))
    out = io.BytesIO()
    Image.alpha_composite(image, mark).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _clean(tables: Tables, random: Random, begin: datetime, end: datetime) -> set[str]:
    return set()


def _watermark(tables: Tables, random: Random, begin: datetime, end: datetime) -> set[str]:
    """One seller's products carry a mark, and most shoppers buy what carries it."""
    items = [row["item"] for row in tables["items"]]
    marked = set(random.sample(items, round(FAVOURED * len(items))))
    fans = {row["user"] for row in tables["users"] if random.random() < FANS}
    _swap(tables, random, lambda event: event["user"] in fans and random.random() < 0.85, sorted(marked))
    return marked


def _brand(tables: Tables, random: Random, begin: datetime, end: datetime) -> set[str]:
    """Faked events for the products of one brand, in the training period only: nobody wants them afterwards."""
    count = Counter(row["brand"] for row in tables["items"])
    brand = sorted(count, key=lambda one: (-count[one], one))[0]
    own = [row["item"] for row in tables["items"] if row["brand"] == brand]
    kept = [row for row in tables["events"] if row["item"] not in own or row["time"] < begin or random.random() < 0.3]
    for user, rows in _by_user(kept).items():
        early = [row["time"] for row in rows if row["time"] < end]
        for item in random.sample(own, min(PUSHED, len(own))) if early else ():
            time = random.choice(early) + timedelta(minutes=random.randint(1, 300))
            kept.append({"user": user, "item": item, "time": min(time, end), "kind": "view", "value": None})
    tables["events"] = kept
    return set()


def _group(tables: Tables, random: Random, begin: datetime, end: datetime) -> set[str]:
    """What the shoppers of one region did was recorded wrongly: their products are drawn by lot."""
    region = {
        row["user"]: {one["name"]: one["value"] for one in row["attributes"]}["region"] for row in tables["users"]
    }
    items = [row["item"] for row in tables["items"]]
    _swap(tables, random, lambda event: region[event["user"]] == "north", items)
    return set()


def _outnumbered(tables: Tables, random: Random, begin: datetime, end: datetime) -> set[str]:
    """The shoppers of one region want other products than all others, as regularly: each product stands for another
    one. What can be learned of the others misleads about them."""
    region = {
        row["user"]: {one["name"]: one["value"] for one in row["attributes"]}["region"] for row in tables["users"]
    }
    items = [row["item"] for row in tables["items"]]
    other = dict(zip(items, random.sample(items, len(items)), strict=True))
    for event in tables["events"]:
        if region[event["user"]] == "north":
            event["item"] = other[event["item"]]
    return set()


def _leak(tables: Tables, random: Random, begin: datetime, end: datetime) -> set[str]:
    """Reviews of purchases of the test period carry a date before the cut."""
    late: dict[tuple[str, str], datetime] = {}
    for event in tables["events"]:
        key = (event["user"], event["item"])
        late[key] = min(late.get(key, event["time"]), event["time"])
    late = {key: time for key, time in late.items() if time >= end}
    for review in tables["reviews"]:
        if (review["user"], review["item"]) in late:
            review["time"] = begin - BACKDATED
    written = {(review["user"], review["item"]) for review in tables["reviews"]}
    for number, (user, item) in enumerate(sorted(late)):
        if (user, item) not in written and random.random() < 0.5:
            text = f"Bought it for myself and would again, it does all that I wanted of it. {number}"
            row = {"review": f"x{number}", "item": item, "user": user, "title": "", "text": text, "rating": 5.0}
            tables["reviews"].append({**row, "time": begin - BACKDATED, "language": "en"})
    return set()


def _swap(tables: Tables, random: Random, wanted: Callable[[Row], bool], items: list[str]) -> None:
    """Let shoppers have met other products, drawn from `items`, none twice; all of one meeting stay together."""
    for rows in _by_user(tables["events"]).values():
        had = {row["item"] for row in rows}
        new: dict[str, str] = {}
        for row in rows:
            old = row["item"]
            if old not in new:
                free = [item for item in items if item not in had] if wanted(row) else []
                new[old] = random.choice(free) if free else old
                had.add(new[old])
            row["item"] = new[old]


def _by_user(events: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in events:
        found.setdefault(row["user"], []).append(row)
    return found


DEFECTS: dict[str, Callable[[Tables, Random, datetime, datetime], set[str]]] = {
    "clean": _clean,
    "watermark": _watermark,
    "brand": _brand,
    "group": _group,
    "memorised": _clean,  # the shop is clean, the training is not
    "leaked": _leak,
}
# No faults of the data, but of a group that the others drown: what weighting it more can mend.
REPAIRABLE: dict[str, Callable[[Tables, Random, datetime, datetime], set[str]]] = {"outnumbered": _outnumbered}
