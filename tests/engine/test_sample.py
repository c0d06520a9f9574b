"""The sample: what is planted is really there, nothing gives it away elsewhere, and a seed fixes every byte."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.dataset.sample import Truth, load_truth, sample
from engine.dataset.sample.catalogue import PREFERENCES, Product, products
from engine.dataset.sample.draw import GRID, KINDS, boxes, cells, draw
from engine.dataset.sample.paint import SIZE
from engine.dataset.sample.shoppers import DAY, START, history, meets, shoppers
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.jobs import Progress, finish

ITEMS, SHOPPERS, SEED = 24, 40, 7
REPOSITORY = Path(__file__).parents[2]


def _rows(frame: Any) -> Any:
    """The rows of a frame, each with its columns as attributes."""
    return frame.itertuples()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "shop"
    assert finish(sample(out, ITEMS, SHOPPERS, SEED)) == out
    return out


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Iterator[Dataset]:
    opened = Dataset.open(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return load_truth(folder)


@pytest.fixture(scope="module")
def texts(dataset: Dataset) -> dict[tuple[str, str], str]:
    """(item, field) -> the text as a user reads it."""
    found = {}
    for item, title, description in dataset.rows("SELECT item, title, description FROM items"):
        found[item, "title"], found[item, "description"] = title, description
    for review, item, text in dataset.rows("SELECT review, item, text FROM reviews"):
        found[item, f"review:{review}"] = text
    return found


def test_it_says_what_it_is_and_nothing_is_damaged(dataset: Dataset) -> None:
    manifest = dataset.manifest
    assert (manifest.domain, manifest.synthetic, manifest.licence) == ("shop", True, "CC0-1.0")
    assert any("ynthetic" in note for note in manifest.notes)
    assert manifest.counts["items"] == ITEMS
    assert manifest.counts["users"] == SHOPPERS
    assert manifest.counts["problems"] == 0
    assert "truth/tastes.parquet" in manifest.files
    assert list(dataset.damaged()) == []


def test_every_product_is_complete(dataset: Dataset, folder: Path) -> None:
    rows = dataset.rows("SELECT images, title, description, brand, category, price, currency, attributes FROM items")
    assert len({row[4][-1] for row in rows}) == 8
    for images, title, description, brand, _, price, currency, attributes in rows:
        assert 1 <= len(images) <= 2
        assert title.startswith(brand)
        assert len(description) > 60
        assert price > 5
        assert currency == "EUR"
        assert {"colour", "material", "season", "origin"} <= {entry["name"] for entry in attributes}
        for path in images:
            assert (folder / path).stat().st_size < 60_000
            with Image.open(folder / path) as photo:
                assert photo.size == (SIZE, SIZE)
    counts = [row[0] for row in dataset.rows("SELECT count(*) FROM reviews GROUP BY item")]
    assert len(counts) == ITEMS
    assert all(3 <= count <= 12 for count in counts)


def test_reviews_are_not_copies_of_each_other(texts: dict[tuple[str, str], str]) -> None:
    reviews = [text for (_, field), text in texts.items() if field.startswith("review:")]
    assert len(set(reviews)) > 0.97 * len(reviews)


def test_spans_cover_the_planted_words(truth: Truth, texts: dict[tuple[str, str], str]) -> None:
    assert len(truth.words) > ITEMS
    for row in _rows(truth.words):
        text = texts[row.item, row.field]
        assert text[row.start : row.end].lower() == row.value.removesuffix("s")
        around = text[max(row.start - 1, 0) : row.end + 1]
        assert re.search(rf"\b{text[row.start : row.end]}\b", around), text


def test_every_holder_of_a_word_says_it_and_every_mention_is_known(
    truth: Truth, texts: dict[tuple[str, str], str]
) -> None:
    words = [known.value for known in PREFERENCES if known.name == "word"]
    for word in words:
        holders = set(truth.holders.query("preference == 'word' and value == @word")["item"])
        spans = {
            (row.item, row.field, row.start)
            for row in _rows(truth.words.query("preference == 'word' and value == @word"))
        }
        assert {item for item, _, _ in spans} == holders
        for (item, field), text in texts.items():
            for match in re.finditer(rf"\b{word}\b", text, re.IGNORECASE):
                assert item not in holders or (item, field, match.start()) in spans


def test_what_is_planted_in_the_photo_alone_is_nowhere_to_read(
    truth: Truth, dataset: Dataset, texts: dict[tuple[str, str], str]
) -> None:
    hidden = [known.value for known in PREFERENCES if known.modality == "photo"]
    assert len(hidden) == 6
    listed = [entry["value"] for (rows,) in dataset.rows("SELECT attributes FROM items") for entry in rows]
    everything = " ".join([*texts.values(), *listed]).lower()
    for value in hidden:
        assert not re.search(rf"\b{value.removesuffix('s')}", everything), value
    assert set(truth.attributes["value"]).isdisjoint(hidden)
    assert set(truth.words["value"]).isdisjoint(hidden)
    seen = truth.regions.query("value in @hidden")
    assert set(seen["item"]) == set(truth.holders.query("value in @hidden")["item"])


def test_some_words_are_in_no_attribute_and_circles_are_nowhere_at_all(truth: Truth) -> None:
    unlisted = {known.value for known in PREFERENCES if known.modality == "words"} - {"waterproof"}
    assert unlisted.isdisjoint(truth.attributes["value"])
    assert set(truth.holders["preference"]) >= {"circle"}
    for table in (truth.regions, truth.words, truth.attributes):
        assert "circle" not in set(table["preference"])


def _with_print(category: str) -> Product:
    """A product of a category that wears both a pattern and a logo."""
    product = next(product for product in products(16, SEED) if product.category == category)
    return replace(product, look=replace(product.look, pattern="stripes", logo="bolt", badged=True))


@pytest.mark.parametrize("category", list(KINDS))
def test_regions_are_where_the_print_changes_the_photo(category: str) -> None:
    product = _with_print(category)
    with_print = draw(product.look, "test")
    unprinted = {"pattern": (replace(product.look, pattern=""), 0.2), "logo": (replace(product.look, logo=""), 0.5)}
    for region, (look, share) in unprinted.items():
        without = draw(look, "test")
        changed = np.abs(with_print.pixels.astype(int) - without.pixels).max(axis=2) > 8
        mask = with_print.regions[region]
        seen = mask > 0.02
        assert seen.sum() > 200
        assert changed[seen].mean() > share
        assert (changed & ~seen).sum() <= 0.01 * changed.sum()
        assert region not in without.regions
        assert np.mean(cells(mask)) == pytest.approx(mask.mean(), abs=0.02)
        inside = np.zeros((SIZE, SIZE), bool)
        for x0, y0, x1, y1 in boxes(mask):
            inside[round(y0 * SIZE) : round(y1 * SIZE), round(x0 * SIZE) : round(x1 * SIZE)] = True
        assert (mask > 0.5)[~inside].sum() < 120


def test_stored_regions_fit_the_stored_photos(truth: Truth, dataset: Dataset) -> None:
    photos = dict(dataset.rows("SELECT item, len(images) FROM items"))
    assert len(truth.regions)
    for row in _rows(truth.regions):
        assert 0 <= row.photo < photos[row.item]
        assert len(row.grid) == GRID * GRID
        assert 0 < max(row.grid) <= 1
        assert all(0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 for x0, y0, x1, y1 in row.boxes)


def test_served_tastes_are_the_shoppers_own_purchases(truth: Truth, dataset: Dataset) -> None:
    bought = set(dataset.rows("SELECT \"user\", item FROM events WHERE kind = 'purchase'"))
    held = set(truth.holders.itertuples(index=False, name=None))
    assert len(truth.tastes)
    for row in _rows(truth.tastes):
        mine = {item for user, item in bought if user == row.user}
        assert set(row.purchases) == {item for item in mine if (item, row.preference, row.value) in held}


def test_what_answers_a_shopper_is_found_in_one_call(truth: Truth) -> None:
    row = truth.tastes[truth.tastes["modality"] == "words"].iloc[0]
    item = truth.holders.query("preference == @row.preference and value == @row.value")["item"].iloc[0]
    answer = truth.of(row.user, item)
    assert row.value in set(answer["words"]["value"])
    assert truth.of("nobody", item)["words"].empty


def test_purchases_follow_the_planted_tastes() -> None:
    catalogue = products(400, SEED)
    hits: dict[str, int] = {}
    expected: dict[str, float] = {}
    single = 0
    for shopper in shoppers(160, SEED):
        events = list(history(shopper, catalogue, SEED))
        single += len(events) == 1
        bought = [catalogue[event.item] for event in events if event.kind == "purchase"]
        for taste in shopper.tastes:
            wanted = taste.preference
            share = sum(meets(product, wanted) for product in catalogue) / len(catalogue)
            hits[wanted.modality] = hits.get(wanted.modality, 0) + sum(meets(product, wanted) for product in bought)
            expected[wanted.modality] = expected.get(wanted.modality, 0.0) + share * len(bought)
    assert set(hits) == {"photo", "words", "attribute", "mixed", "history"}
    lift = {modality: hits[modality] / expected[modality] for modality in hits}
    assert min(lift.values()) > 2.5, lift
    assert 1 <= single <= 24


def test_nothing_happens_to_a_product_before_it_appears() -> None:
    catalogue = products(400, SEED)
    late = [product for product in catalogue if product.first_day > 0.8 * 731]
    assert len(late) >= 10
    for shopper in shoppers(60, SEED):
        for event in history(shopper, catalogue, SEED):
            assert event.time > START + catalogue[event.item].first_day * DAY


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed_and_the_processor(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from engine.dataset.sample import sample; from engine.jobs import finish"
    )
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    plain = {"NPY_DISABLE_CPU_FEATURES": " ".join(found), "JSIMD_FORCENONE": "1"}  # as on an older processor
    digests = []
    for number, settings in enumerate(({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", **plain})):
        out = tmp_path / str(number)
        subprocess.run(
            [sys.executable, "-c", f"{code}; finish(sample(Path(sys.argv[1]), 8, 12, 7))", str(out)],
            cwd=REPOSITORY,
            env={**os.environ, **settings},
            check=True,
        )
        files = sorted(path for path in out.rglob("*") if path.is_file())
        digest = hashlib.sha256()
        for path in files:
            digest.update(path.relative_to(out).as_posix().encode() + path.read_bytes())
        digests.append((len(files), digest.hexdigest()))
    assert digests[0] == digests[1]


def test_the_default_seed_is_pinned(dataset: Dataset) -> None:
    """Pixels and tables of the default seed: they may change between versions, never between machines."""
    pixels = hashlib.sha256()
    for product in products(16, SEED):
        pixels.update(draw(product.look, f"{SEED}:{product.item}").pixels.tobytes())
    tables = hashlib.sha256()
    for query in (
        "SELECT item, title, description, brand, price, attributes, epoch_ms(first_seen) FROM items",
        'SELECT "user", item, epoch_ms(time), kind, value FROM events',
        'SELECT review, item, "user", title, text, rating, epoch_ms(time) FROM reviews',
    ):
        tables.update(json.dumps(dataset.rows(query)).encode())
    assert (pixels.hexdigest()[:16], tables.hexdigest()[:16]) == ("f48fa8ef51f72702", "0ff9ec0c76edb4ed")


def test_another_seed_is_another_shop() -> None:
    assert [product.look for product in products(8, 7)] != [product.look for product in products(8, 8)]


def test_the_job_reports_and_a_cancelled_one_leaves_nothing(tmp_path: Path) -> None:
    job = sample(tmp_path / "shop", 8, 1, SEED)
    assert next(job) == Progress("Drawing products", 1, 8)
    job.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("items", "people", "named"), [(3, 10, "3 items"), (24, 0, "0 shoppers")])
def test_impossible_sizes_are_refused(tmp_path: Path, items: int, people: int, named: str) -> None:
    with pytest.raises(HeedmapError, match=named):
        finish(sample(tmp_path / "shop", items, people))


def test_a_dataset_without_truth_says_so(tmp_path: Path) -> None:
    with pytest.raises(HeedmapError, match="no planted truth"):
        load_truth(tmp_path)


def test_a_damaged_truth_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    for path in (folder / "truth").iterdir():
        (tmp_path / "truth" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "truth" / "words.parquet").write_bytes(b"PAR1 cut in half")
    with pytest.raises(HeedmapError, match=r"words\.parquet is damaged"):
        load_truth(tmp_path)
