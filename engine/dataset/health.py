"""What the products of a dataset lack: a photo, a text, a price, attributes, reviews, events."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.dataset.browse import Browser
from engine.dataset.store import Dataset
from engine.dataset.tables import MOST_KEYS, Gap, Missing
from engine.jobs import Job, Progress, every

_LACKS = {
    "photo": "coalesce(len(images), 0) = 0",
    "title": "trim(title) = ''",
    "description": "trim(coalesce(description, '')) = ''",
    "brand": "trim(coalesce(brand, '')) = ''",
    "category": "coalesce(len(category), 0) = 0",
    "price": "price IS NULL OR isnan(price)",
    "attributes": "coalesce(len(attributes), 0) = 0",
    "reviews": "item NOT IN (SELECT item FROM reviews)",
    "text": "trim(coalesce(description, '')) = '' AND item NOT IN (SELECT item FROM reviews WHERE trim(text) <> '')",
    "events": "item NOT IN (SELECT item FROM events)",
    "time": "first_seen IS NULL",
}


def missing(browser: Browser) -> Job:
    """Return Missing: which products lack what. A photo that is named but whose file is gone is a "photo file"."""
    gaps = []
    for done, (what, lacks) in enumerate(_LACKS.items()):
        yield Progress("Looking for gaps", done, len(_LACKS) + 1)
        count, rows = yield from browser.job("Looking for gaps", partial(_lacking, browser.dataset, lacks))
        if count:
            gaps.append(Gap(what, int(count), tuple(str(row[0]) for row in rows)))
    gone = yield from _gone(browser)
    if gone:
        gaps.append(Gap("photo file", len(gone), tuple(gone[:MOST_KEYS])))
    products = browser.counts["items"]
    gaps.sort(key=lambda gap: (gap.count == products, -gap.count))  # what the whole dataset is without stands last
    return Missing(products, tuple(gaps))


def _lacking(dataset: Dataset, lacks: str) -> tuple[int, list[tuple[Any, ...]]]:
    (count,) = dataset.rows(f"SELECT count(*) FROM items WHERE {lacks}")[0]
    return count, dataset.rows(f"SELECT item FROM items WHERE {lacks} LIMIT {MOST_KEYS}") if count else []


def _gone(browser: Browser) -> Job:
    """Return the products with a photo whose file is not there, or empty."""
    sql = "SELECT item, images FROM items WHERE len(images) > 0"
    named = yield from browser.job("Looking for photos", lambda: browser.dataset.rows(sql))
    there: dict[str, bool] = {}
    gone = []
    for (item, photos), progress in every("Looking for photos", named, len(named)):
        if progress is not None:
            yield progress
        for photo in photos:
            if photo not in there:
                path = browser.dataset.folder / photo
                there[photo] = path.is_file() and path.stat().st_size > 0
        if not all(there[photo] for photo in photos):
            gone.append(str(item))
    return gone
