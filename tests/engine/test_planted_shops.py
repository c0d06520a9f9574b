"""The shops of the bench of planted defects hold the defects that they are said to hold, and nothing else changes."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from engine.dataset.sample import sample
from engine.dataset.split import cuts_of, interactions
from engine.dataset.store import Dataset
from engine.jobs import finish
from tests.bench.planted_defects import SEEN_BY, report
from tests.bench.planted_shops import DEFECTS, planted, watermarked


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("planted") / "clean"
    finish(sample(out, items=12, shoppers=60, seed=1))
    return out


def _rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    dataset = Dataset.open(folder)
    rows = dataset.rows(sql)
    dataset.close()
    return rows


def test_leaked_reviews_are_dated_before_the_cut(clean: Path, tmp_path: Path) -> None:
    planted(clean, tmp_path / "shop", "leaked", 1)
    dataset = Dataset.open(tmp_path / "shop")
    data = interactions(dataset)
    begin, end = cuts_of(data.time)
    late = {
        (data.users[user], data.items[item])
        for user, item, time in zip(data.user, data.item, data.time, strict=True)
        if time >= end
    }
    times = dataset.rows('SELECT "user", item, epoch_ms(time) FROM reviews WHERE "user" IS NOT NULL')
    dataset.close()
    leaked = [time for user, item, time in times if (user, item) in late]
    assert len(leaked) > len(late) / 3
    assert all(time < begin for time in leaked)


def test_an_outnumbered_group_wants_each_product_in_anothers_place(clean: Path, tmp_path: Path) -> None:
    planted(clean, tmp_path / "shop", "outnumbered", 1)
    sql = (
        "SELECT \"user\", time, item, list_contains(attributes, {'name': 'region', 'value': 'north'}) "
        'FROM events JOIN users USING ("user") ORDER BY ALL'
    )
    before, after = _rows(clean, sql), _rows(tmp_path / "shop", sql)
    assert [row for row in before if not row[3]] == [row for row in after if not row[3]]
    moved = {user: [row for row in rows if row[3]] for user, rows in (("before", before), ("after", after))}
    assert moved["before"] != moved["after"]
    counts = [sorted(Counter(row[2] for row in rows).values()) for rows in moved.values()]
    assert counts[0] == counts[1]  # a permutation: as regular as before


def test_a_group_is_recorded_wrongly_and_the_others_are_not(clean: Path, tmp_path: Path) -> None:
    planted(clean, tmp_path / "shop", "group", 1)
    sql = (
        "SELECT \"user\", item, time, list_contains(attributes, {'name': 'region', 'value': 'north'}) "
        'FROM events JOIN users USING ("user") ORDER BY ALL'
    )
    before, after = _rows(clean, sql), _rows(tmp_path / "shop", sql)
    assert [row for row in before if not row[3]] == [row for row in after if not row[3]]
    assert [row for row in before if row[3]] != [row for row in after if row[3]]
    assert len(before) == len(after)


def test_faked_events_of_a_brand_end_before_the_test(clean: Path, tmp_path: Path) -> None:
    planted(clean, tmp_path / "shop", "brand", 1)
    sql = "SELECT brand, count(*) FROM events JOIN items USING (item) GROUP BY brand"
    more: dict[str, int] = dict(_rows(tmp_path / "shop", sql))
    grown = {brand for brand, count in _rows(clean, sql) if more[brand] > count}
    assert len(grown) == 1


def test_a_mark_changes_a_corner_alone() -> None:
    plain = io.BytesIO()
    Image.new("RGB", (224, 224), (90, 120, 60)).save(plain, "PNG")
    with Image.open(io.BytesIO(watermarked(plain.getvalue()))) as image:
        pixels = np.asarray(image, np.int16)
    changed = np.abs(pixels - np.array([90, 120, 60])).sum(axis=2) > 40
    assert changed[150:, 150:].mean() > 0.3
    assert not changed[:140].any()
    assert not changed[:, :140].any()


def test_the_watermark_is_on_some_products_and_the_rest_is_kept(clean: Path, tmp_path: Path) -> None:
    planted(clean, tmp_path / "shop", "watermark", 1)
    before: dict[str, list[str]] = dict(_rows(clean, "SELECT item, images FROM items"))
    after: dict[str, list[str]] = dict(_rows(tmp_path / "shop", "SELECT item, images FROM items"))
    marked = [item for item, photos in before.items() if photos != after[item]]
    assert len(marked) == round(0.3 * 12)
    texts = "SELECT item, title, description, brand, price FROM items"
    assert _rows(clean, texts) == _rows(tmp_path / "shop", texts)
    events = pq.read_table(tmp_path / "shop" / "events.parquet").num_rows
    assert events == pq.read_table(clean / "events.parquet").num_rows


def test_rates_are_told_by_shop_and_defect() -> None:
    none = dict.fromkeys(SEEN_BY, False)
    rows = [
        {"seed": 1, "defect": "clean", "flagged": none, "ndcg": 0.1},
        {"seed": 1, "defect": "leaked", "flagged": {**none, "leaked": True}, "ndcg": 0.2},
        {"seed": 6, "defect": "leaked", "flagged": none, "ndcg": 0.4},
    ]
    told = report(rows)
    assert "| clean | 1 + 0 | 0.100 | 0/1 | 0/1 | 0/1 | 0/1 | 0/1 |" in told
    assert "| leaked | 1 + 1 | 0.300 | 0/1, 0/1 | 0/1, 0/1 | 0/1, 0/1 | 0/1, 0/1 | **1/1, 0/1** |" in told
    assert set(SEEN_BY) | {"clean"} == set(DEFECTS)
