"""The sample: a drawn, written, simulated shop whose shoppers' tastes, and where they show, are known.

Synthetic throughout and labelled so. The same seed gives the same bytes (with the pinned Pillow and pyarrow, which
write the JPEG and Parquet files; pixels and tables depend on the seed alone).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from engine.dataset.sample import words
from engine.dataset.sample.catalogue import DAYS, PREFERENCES, Product, products
from engine.dataset.sample.draw import boxes, cells, draw
from engine.dataset.sample.phrases import CATEGORIES
from engine.dataset.sample.shoppers import DAY, START, Event, Shopper, history, meets, shoppers
from engine.dataset.sample.truth import SCHEMAS, Truth, load_truth, parquet
from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.jobs import Job, Progress

__all__ = ["Truth", "load_truth", "sample"]

MOST_ITEMS, MOST_SHOPPERS = 20_000, 200_000
_END = START + DAYS * DAY - 1
_READ_AS = {
    "check": ("pattern", "checks"),
    "zigzag": ("pattern", "zigzag"),
    "star": ("logo", "star"),
    "wave": ("logo", "wave"),
}
_SEEN_AT = {"pattern": "pattern", "logo": "logo", "colour": "product", "material": "product"}
_KNOWN = frozenset((known.name, known.value) for known in PREFERENCES)

Rows = dict[str, list[dict[str, Any]]]


def sample(out: Path, items: int = 400, shoppers: int = 600, seed: int = 7) -> Job:
    """Make the sample dataset at `out` and return its path.

    Raises HeedmapError when a number is out of range, the disk is full, or `out` cannot be written.
    """
    for name, value, least, most in (("items", items, 8, MOST_ITEMS), ("shoppers", shoppers, 1, MOST_SHOPPERS)):
        if not least <= value <= most:
            raise HeedmapError(f"A sample of {value} {name} cannot be made.", f"Choose {least} to {most} {name}.")
    return _make(out, items, shoppers, seed)


def _make(out: Path, items: int, count: int, seed: int) -> Job:
    truth: Rows = {table: [] for table in SCHEMAS}
    catalogue = products(items, seed)
    with DatasetWriter(
        out,
        name="Sample shop",
        domain="shop",
        source=f"heedmap sample --items {items} --shoppers {count} --seed {seed}",
        licence="CC0-1.0",
        synthetic=True,
        notes=("Synthetic: products, photos, reviews, shoppers and their tastes are made up.",),
    ) as writer:
        for index, product in enumerate(catalogue):
            _add_product(writer, product, seed, truth)
            yield Progress("Drawing products", index + 1, items)
        events: list[Event] = []
        people = shoppers(count, seed)
        for index, shopper in enumerate(people):
            events.extend(_add_shopper(writer, shopper, catalogue, seed, truth))
            if index % 50 == 49:
                yield Progress("Simulating shoppers", index + 1, count)
        yield Progress("Writing reviews", 0, items)
        _add_reviews(writer, catalogue, events, seed, truth)
        _add_links(writer, catalogue)
        for table, rows in truth.items():
            writer.add_file(f"truth/{table}.parquet", parquet(table, rows))
        yield Progress("Writing the dataset", items, items)
    return out


def _add_product(writer: DatasetWriter, product: Product, seed: int, truth: Rows) -> None:
    images = []
    for number in range(1 + product.second_photo):
        photo = draw(product.look, f"{seed}:{product.item}", number)
        images.append(writer.add_image(photo.jpeg(), product.item))
        for preference, region in _SEEN_AT.items():
            for value in product.holds[preference]:
                if (preference, value) in _KNOWN and (found := boxes(photo.regions[region])):
                    row = {"photo": number, "boxes": [list(box) for box in found], "grid": cells(photo.regions[region])}
                    truth["regions"].append({"item": product.item, "preference": preference, "value": value, **row})
    rng = Random(f"{seed}:text:{product.item}")
    title, description = words.title(product, rng), words.description(product, rng)
    _note_words(truth, product, "title", title)
    _note_words(truth, product, "description", description)
    for preference, values in product.holds.items():
        held = [value for value in values if (preference, value) in _KNOWN]
        truth["holders"] += [{"item": product.item, "preference": preference, "value": value} for value in held]
    for name, value in product.attributes:
        preference = "word" if name == "feature" else name
        if (preference, value) in _KNOWN:
            truth["attributes"].append({"item": product.item, "preference": preference, "value": value, "name": name})
    writer.add(
        "items",
        {
            "item": product.item,
            "title": title.text,
            "description": description.text,
            "brand": product.brand,
            "category": list(CATEGORIES[product.category][1]),
            "price": product.price,
            "currency": "EUR",
            "images": images,
            "audio": [],
            "first_seen": START + product.first_day * DAY,
            "attributes": [{"name": name, "value": value} for name, value in product.attributes],
        },
    )


def _note_words(truth: Rows, product: Product, field: str, text: words.Text) -> None:
    for word, start, end in text.spans:
        for preference, value in (_READ_AS.get(word, ("", "")), ("word", word), ("colour", word), ("material", word)):
            if (preference, value) in _KNOWN:
                place = {"field": field, "start": start, "end": end}
                truth["words"].append({"item": product.item, "preference": preference, "value": value, **place})


def _add_shopper(
    writer: DatasetWriter, shopper: Shopper, catalogue: list[Product], seed: int, truth: Rows
) -> Iterator[Event]:
    """Add a shopper, the events and the tastes; yield the purchases."""
    profile = {"region": shopper.region, "age": shopper.age}
    writer.add("users", {"user": shopper.user, "attributes": [{"name": k, "value": v} for k, v in profile.items()]})
    bought = []
    for event in history(shopper, catalogue, seed):
        product = catalogue[event.item]
        price = product.price if event.kind == "purchase" else None
        row = {"user": event.user, "item": product.item, "time": event.time, "kind": event.kind, "value": price}
        writer.add("events", row)
        if event.kind == "purchase":
            bought.append(product)
            yield event
    for taste in shopper.tastes:
        wanted = taste.preference
        truth["tastes"].append(
            {
                "user": shopper.user,
                "preference": wanted.name,
                "value": wanted.value,
                "modality": wanted.modality,
                "strength": float(taste.strength),
                "purchases": [product.item for product in bought if meets(product, wanted)],
            }
        )


def _add_reviews(
    writer: DatasetWriter, catalogue: list[Product], purchases: list[Event], seed: int, truth: Rows
) -> None:
    """Three to twelve reviews of each product: by buyers, and by guests (no user) where they are too few."""
    buyers: dict[int, list[Event]] = {}
    for event in sorted(purchases, key=lambda event: (event.time, event.user)):
        buyers.setdefault(event.item, []).append(event)
    number = 0
    for index, product in enumerate(catalogue):
        rng = Random(f"{seed}:reviews:{product.item}")
        written = _reviewers(product, buyers.get(index, []), rng)
        planted = _planted(product, len(written), rng)
        for (user, time), said in zip(written, planted, strict=True):
            number += 1
            noise = rng.choice((-2.4, -1.2, -0.6, 0.0, 0.0, 0.3, 0.6, 1.0)) + (0.3 if user else 0.0)
            rating = min(max(int(product.quality + noise + 0.5), 1), 5)
            heading, text = words.review(product, rating, said, rng)
            row = {"review": f"r{number:05d}", "item": product.item, "user": user, "title": heading, "text": text.text}
            writer.add("reviews", {**row, "rating": float(rating), "time": time, "language": "en"})
            _note_words(truth, product, f"review:r{number:05d}", text)


def _reviewers(product: Product, buyers: list[Event], rng: Random) -> list[tuple[str | None, int]]:
    """Who reviews a product and when, oldest first."""
    written: list[tuple[str | None, int]] = []
    for event in buyers:
        time = event.time + rng.randint(2 * DAY, 21 * DAY)
        if rng.random() < 0.8 and time < _END and len(written) < 12:
            written.append((event.user, time))
    begin = START + (max(product.first_day, 0) + 2) * DAY
    while len(written) < rng.randint(3, 6):
        written.append((None, rng.randint(begin, min(begin + 200 * DAY, _END))))
    return sorted(written, key=lambda entry: (entry[1], entry[0] or ""))


def _planted(product: Product, count: int, rng: Random) -> list[tuple[str, ...]]:
    """Which planted words each review says: what the shop is silent about is said by two of the first four."""
    said: list[list[str]] = [[] for _ in range(count)]
    for word in product.words:
        if word not in product.described:
            for place in rng.sample(range(min(count, 4)), 2):
                said[place].append(word)
        for mentions in said:
            if word not in mentions and rng.random() < 0.12:
                mentions.append(word)
    return [tuple(mentions) for mentions in said]


def _add_links(writer: DatasetWriter, catalogue: list[Product]) -> None:
    """Who makes a product, and up to two of the same maker's products of another category that go with it."""
    for index, product in enumerate(catalogue):
        head = {"head_kind": "item", "head": product.item}
        writer.add("links", {**head, "relation": "made_by", "tail_kind": "brand", "tail": product.brand})
        others = catalogue[index + 1 :] + catalogue[:index]
        same = [other for other in others if other.brand == product.brand and other.category != product.category]
        for other in same[:2]:
            writer.add("links", {**head, "relation": "goes_with", "tail_kind": "item", "tail": other.item})
