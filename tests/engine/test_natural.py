"""Keys and names in the order that people expect: in lists, and in tables of any size."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.columns import Filter
from engine.dataset.browse import Browser
from engine.dataset.store import Dataset, DatasetWriter
from engine.dataset.tables import Query
from engine.matching import columns, matching
from engine.natural import natural_key, natural_order
from engine.shop import Shop

NUMBERS = ("1", "2", "9", "10", "100", "1000000000000000000")
NUMBERED = ("u1", "u2", "u9", "u10", "u100")
CODES = ("B00000C79B", "B000073296", "B0000A5001", "B0000a5002")
PADDED = ("i001", "i002", "i010", "i100")
MIXED = ("7", "12", "a", "a2", "A10", "a11", "b", "item-1-9", "item-1-10", "x99999999999999999999",
         "x100000000000000000000", "商品2", "商品10")  # fmt: skip
SHAPES = (NUMBERS, NUMBERED, CODES, PADDED, MIXED)


def shop(folder: Path, keys: list[str]) -> Dataset:
    """A shop of these products, each bought once by a shopper of the same key, but for the last."""
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with DatasetWriter(folder, name="shop", domain="shop", source="tests", licence="none") as writer:
        for place, key in enumerate(keys):
            writer.add("items", {"item": key, "title": key, "category": [f"of {key}"]})
            writer.add("users", {"user": key})
            if place < len(keys) - 1:
                moment = begin + timedelta(days=place)
                writer.add("events", {"user": key, "item": key, "time": moment, "kind": "purchase"})
            writer.add("links", {"head_kind": "item", "head": key, "relation": "of", "tail_kind": "maker", "tail": key})
    return Dataset.open(folder)


@pytest.mark.parametrize("keys", SHAPES)
def test_lists_and_tables_have_one_order(tmp_path: Path, keys: tuple[str, ...]) -> None:
    shuffled = random.Random(3).sample(keys, len(keys))
    assert [shuffled[place] for place in natural_order(shuffled)] == list(keys)
    browser = Browser(shop(tmp_path / "shop", shuffled))
    for table, column in (("items", "item"), ("users", "user"), ("links", "head"), ("links", "tail")):
        for descending in (False, True):
            page = browser.page(table, Query(), (column,), column, descending)
            assert list(page.cells[0]) == list(reversed(keys) if descending else keys)
    found = browser.page("items", Query(text="1"), ("item",), "item")  # as the whole table wants it
    assert list(found.cells[0]) == [key for key in keys if "1" in key]
    browser.close()


def test_a_longer_number_is_a_larger_one_and_zeros_in_front_count_for_nothing() -> None:
    keys = ["a" + "9" * 5000, "a1" + "0" * 5000, "a0010", "a9", "a", "a0"]
    assert sorted(keys, key=natural_key) == ["a", "a0", "a9", "a0010", "a" + "9" * 5000, "a1" + "0" * 5000]


def test_shoppers_are_listed_in_order_those_without_a_history_last(tmp_path: Path) -> None:
    keys = ["10", "9", "1", "100", "2"]
    read = Shop(shop(tmp_path / "shop", keys), "temporal", None, 50)
    assert read.data.users == ("1", "10", "100", "9", "2")  # the model's own order
    listed = read.shoppers()
    assert listed.user == ("1", "9", "10", "100", "2")
    assert listed.events == (1, 1, 1, 1, 0)
    assert listed.taste == ("of 1", "of 9", "of 10", "of 100", "")
    table = columns(read, "users")
    found = [matching(read, table, (Filter("is", "taste", f"of {key}"),)).keys for key in keys[:-1]]
    assert found == [(key,) for key in keys[:-1]]
