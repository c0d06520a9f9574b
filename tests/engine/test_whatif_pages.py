"""Edited pages: texts, photos and attributes are read as they would be had the dataset held them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.methods import METHODS, explain
from engine.explain.types import Token
from engine.features.attributes import attribute_pairs
from engine.features.catalogue import Catalogue, build_catalogue
from engine.features.encoded import Earlier
from engine.jobs import finish
from engine.model.tokens import Tokens
from engine.recommend import Recommender
from engine.rules import rules_from
from engine.scenario import ItemEdit
from engine.training.loop import reading_of
from engine.whatif import edited
from engine.whatif.attributes import item_pairs, known_values
from engine.whatif.opening import warm

Opened = Callable[..., Recommender]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def other_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "other.png"
    pixels = np.random.default_rng(77).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((80, 80)).save(path)
    return path


def rebuilt(recommender: Recommender, out: Path, change: Callable[[Rows], None]) -> Catalogue:
    """The catalogue that training would make of the dataset with its tables changed, read as the run reads."""
    shutil.copytree(recommender.dataset.folder, out)
    tables = {name: pq.read_table(out / f"{name}.parquet") for name in ("items", "reviews")}
    rows: Rows = {name: table.to_pylist() for name, table in tables.items()}
    change(rows)
    for name, table in tables.items():
        pq.write_table(pa.Table.from_pylist(rows[name], schema=table.schema), out / f"{name}.parquet")
    known = recommender.catalogue
    earlier = {kind: Earlier(partial(recommender.encoder, kind), known.whitening[kind]) for kind in known.encoders}
    reading = replace(reading_of(recommender.config), earlier=earlier)
    seen = np.ones(len(recommender.data.items), dtype=bool)
    made: Catalogue = finish(
        build_catalogue(Dataset.open(out), recommender.parts, recommender.data.users, seen, reading, known)
    )
    return made


def same_page(changed: Recommender, catalogue: Catalogue, item: int) -> None:
    """Encoders round by what stands beside a text in its batch, so states agree to one part in a hundred."""
    mine, theirs = changed.page(item), catalogue.page(item)
    assert mine.fields == theirs.fields
    assert mine.text_source.tolist() == theirs.text_source.tolist()
    assert mine.text_span.tolist() == theirs.text_span.tolist()
    assert mine.cells.tolist() == theirs.cells.tolist()
    assert set(mine.attribute.tolist()) == set(theirs.attribute.tolist())
    for ours, others in ((mine.text, theirs.text), (mine.image, theirs.image)):
        assert np.linalg.norm(ours.astype(float) - others) <= 0.01 * max(
            1.0, float(np.linalg.norm(others.astype(float)))
        )
    tokens = Tokens(catalogue, changed.model.tower, "cpu")
    with torch.inference_mode():
        by_hand = changed.model.item_vectors(torch.tensor([item]), tokens)[0]
    assert float((changed.matrix[item] - by_hand).norm()) <= 0.01 * float(by_hand.norm())


def test_a_page_written_anew_is_read_as_training_would(opened: Opened, tmp_path: Path, other_photo: Path) -> None:
    recommender = opened()
    # A product with reviews in training, one of which the model reads.
    item = next(i for i in range(14) if sum(f.startswith("review:") for f in recommender.page(i).fields) >= 1)
    name = recommender.data.items[item]
    review = next(field for field in recommender.page(item).fields if field.startswith("review:"))

    def change(rows: Rows) -> None:
        row = next(one for one in rows["items"] if one["item"] == name)
        row["title"], row["description"] = "A tent of canvas", "Sleeps two. 防水帐篷 for rain"
        row["price"], row["attributes"] = 18.5, [{"name": "colour", "value": "blue"}]
        target = out / "media" / "other.png"
        target.write_bytes(other_photo.read_bytes())
        row["images"] = ["media/other.png"]
        one = next(one for one in rows["reviews"] if f"review:{one['review']}" == review)
        one["text"] = "Leaked in the first storm."

    out = tmp_path / "changed"
    catalogue = rebuilt(recommender, out, change)
    edit = ItemEdit(
        name,
        texts=(
            ("title", "A tent of canvas"),
            ("description", "Sleeps two. 防水帐篷 for rain"),
            (review, "Leaked in the first storm."),
        ),
        photo=str(other_photo),
        attributes=(("colour", "blue"), ("price", "18.5")),
    )
    changed = finish(edited(recommender, (edit,)))
    same_page(changed, catalogue, item)
    user = recommender.data.users[0]
    found = explain(changed, user, name)
    assert found.title == "A tent of canvas"
    assert {one.field: one.text for one in found.texts}[review] == "Leaked in the first storm."
    assert found.images[0] == str(other_photo)
    assert {token.label for token in found.tokens if token.field == "title"} == {"A", "tent", "of", "canvas"}
    listed = next(one for one in changed.rank(user, 14).items if one.item == name)
    assert (listed.title, listed.image) == ("A tent of canvas", str(other_photo))
    assert (listed.rank, listed.score) == (found.rank, pytest.approx(found.score, abs=1e-5))


def test_removed_and_new_reviews_are_read_in_training_order(opened: Opened, tmp_path: Path) -> None:
    recommender = opened(reviews=1)
    counts = recommender.dataset.rows("SELECT item, count(*) FROM reviews GROUP BY 1 ORDER BY 2 DESC, 1")
    items = [recommender.item(one) for one, count in counts if count > 1]
    item = next(i for i in items if any(f.startswith("review:") for f in recommender.page(i).fields))
    name = recommender.data.items[item]
    newest = next(field for field in recommender.page(item).fields if field.startswith("review:"))

    def change(rows: Rows) -> None:
        rows["reviews"] = [one for one in rows["reviews"] if f"review:{one['review']}" != newest]

    without = finish(edited(recommender, (ItemEdit(name, texts=((newest, ""),)),)))
    same_page(without, rebuilt(recommender, tmp_path / "changed", change), item)
    assert newest not in {one.field for one in without.item_texts(item)}
    # The model reads one review; a new one is the newest and takes the place of the one before.
    added = finish(edited(recommender, (ItemEdit(name, texts=(("review:new-1", "Warm and light"),)),)))
    assert added.page(item).fields[-1] == "review:new-1"
    assert newest not in added.page(item).fields
    assert {one.field: one.heeded for one in added.item_texts(item)}["review:new-1"]
    assert not {one.field: one.heeded for one in added.item_texts(item)}[newest]


def test_a_page_replaced_by_itself_changes_nothing(opened: Opened) -> None:
    for settings in ({}, {"item_pieces": 12}):  # with a budget that cuts the page, the last text is read anew
        recommender = opened(**settings)
        item = next(i for i in range(13) if recommender.page(i).fields)
        name = recommender.data.items[item]
        texts = tuple((one.field, one.text) for one in recommender.item_texts(item))
        edit = ItemEdit(name, (), texts, recommender.texts.image[item], item_pairs(recommender, item))
        changed = finish(edited(recommender, (edit,)))
        assert float((changed.matrix - recommender.matrix).abs().max()) < 1e-5
        assert changed.edited[item].notes == ()
        assert changed.item_texts(item) == recommender.item_texts(item)


def test_the_budget_of_pieces_is_kept(opened: Opened) -> None:
    recommender = opened(item_pieces=12)
    long = " ".join(["rain"] * 9)
    changed = finish(edited(recommender, (ItemEdit("i3", texts=(("title", long),)),)))
    page = changed.page(3)
    assert len(page.text) == 12
    counts = np.bincount(page.text_source)
    assert counts[0] == 9
    # A shorter title makes room for what had been cut.
    shorter = finish(edited(recommender, (ItemEdit("i3", texts=(("title", "Rain"),)),))).page(3)
    held = recommender.page(3)
    first = {field: int(np.sum(held.text_source == place)) for place, field in enumerate(held.fields)}
    now = {field: int(np.sum(shorter.text_source == place)) for place, field in enumerate(shorter.fields)}
    assert now["description"] > first["description"]


def test_another_products_attributes_give_its_attribute_part(opened: Opened) -> None:
    """By hand: the part of the vector that attributes make is the other product's own under `weighted` fusion."""
    recommender = opened()
    for other in (4, 5, 11):
        pairs = tuple(attribute_pairs(recommender.dataset, f"i{other}")[0])
        changed = finish(edited(recommender, (ItemEdit("i2", attributes=pairs),)))
        parts = changed.parts_of_items
        assert float((parts["attribute"][2] - recommender.parts_of_items["attribute"][other]).abs().max()) < 1e-6
        for name in ("text", "image", "link", "identity"):
            assert float((parts[name][2] - recommender.parts_of_items[name][2]).abs().max()) < 1e-6


def test_a_value_that_training_never_met_says_nothing_and_is_told(opened: Opened) -> None:
    recommender = opened()
    changed = finish(edited(recommender, (ItemEdit("i2", attributes=(("colour", "mauve"), ("price", "999"))),)))
    names = recommender.catalogue.attribute.names
    kept = [names[one] for one in changed.page(2).attribute.tolist()]
    top = max((value for name, value in names if name == "price"), key=lambda one: float(one.split()[0]))
    assert kept == [("price", top)]  # beyond the last range is in it
    user = recommender.data.users[0]
    assert any("colour = mauve" in note for note in explain(changed, user, "i2").notes)
    bare = finish(edited(recommender, (ItemEdit("i2", attributes=()),)))
    assert not len(bare.page(2).attribute)
    assert "attribute" not in {token.modality for token in explain(bare, user, "i2").tokens}


def test_photos_taken_away_added_and_hatched(opened: Opened, other_photo: Path) -> None:
    recommender = opened()
    bare = finish(edited(recommender, (ItemEdit("i3", photo=""),)))
    user = recommender.data.users[0]
    found = explain(bare, user, "i3")
    assert (found.grid, found.images) == ((0, 0), ())
    assert "image" not in {token.modality for token in found.tokens}
    # i12 has no photo of its own; cells stay away from whatever photo stands there.
    height, width = recommender.catalogue.grid
    cell = Token("image", "1, 1", "of another photo", box=(0.0, 0.0, 1 / width, 1 / height))
    given = finish(edited(recommender, (ItemEdit("i12", (cell,), photo=str(other_photo)),)))
    found = explain(given, user, "i12", "occlusion_regions")
    boxes = [token.box for token in found.tokens if token.modality == "image"]
    assert len(boxes) == height * width - 1
    assert cell.box not in boxes
    assert [token.box for token in found.removed] == [cell.box]
    with pytest.raises(HeedmapError, match="no photo at"):
        finish(edited(recommender, (ItemEdit("i3", photo="media/none.png"),)))


def test_every_method_explains_an_edited_page(opened: Opened, other_photo: Path) -> None:
    recommender = opened()
    user = recommender.data.users[0]
    texts = (("title", "A waterproof tent"), ("description", "Kept me dry 防水"))
    name = recommender.rank(user, 1).items[0].item
    edit = ItemEdit(name, texts=texts, photo=str(other_photo), attributes=(("colour", "red"),))
    changed = finish(edited(recommender, (edit,)))
    case = Case(changed, user, name)
    gone = np.arange(case.removable) % 2 == 0
    dropped = tuple(token for token, away in zip(case.shown.tokens, gone, strict=False) if away)
    assert {token.modality for token in dropped} >= {"text", "image", "link"}
    again = finish(edited(recommender, (replace(edit, dropped=dropped),)))
    left = [token for token in case.shown.tokens if token not in dropped]
    for method in METHODS:
        found = explain(again, user, name, method)
        assert list(found.tokens) == left, method
        assert found.removed == dropped
        assert found.contribution.sum() + found.bias == pytest.approx(found.score, abs=1e-4)
        assert np.isfinite(found.share).all()
        assert len(found.share) == len(found.tokens)
        assert found.grid == recommender.catalogue.grid


def test_rules_ask_the_edited_page(opened: Opened) -> None:
    recommender = opened()
    rules = rules_from({"rules": [{"name": "blue", "rule": "filter", "where": {"field": "colour", "is": "blue"}}]})
    user = recommender.data.users[9]
    changed = finish(edited(recommender, (ItemEdit("i3", attributes=(("colour", "red"),)),)))
    had = {one.item for one in recommender.rank(user, 14, rules=rules).items}
    now = {one.item for one in changed.rank(user, 14, rules=rules).items}
    assert had - now == {"i3"}
    assert {one.item for one in recommender.rank(user, 14, rules=rules).items} == had


def test_what_is_known_of_attributes(opened: Opened) -> None:
    values = {one.name: one for one in known_values(opened())}
    assert set(values["colour"].values) == {"red", "blue"}
    assert values["price"].numeric
    starts = [float(one.split(" to ")[0]) for one in values["price"].values]
    assert starts == sorted(starts)
    assert dict(item_pairs(opened(), 3)) == {"colour": "blue", "price": "13.0"}


def test_a_run_without_its_encoder_says_so_and_still_takes_parts_away(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommender = opened()

    def gone(*arguments: object) -> None:
        raise HeedmapError("The text encoder is not installed.", "Install it.")

    monkeypatch.setattr("engine.recommend.open_run_encoder", gone)
    assert finish(warm(recommender)) == ()  # before anything is edited, it complains of nothing
    with pytest.raises(HeedmapError, match="New texts cannot be read here") as told:
        finish(edited(recommender, (ItemEdit("i3", texts=(("title", "A tent"),)),)))
    assert "taken away" in told.value.hint
    word = Case(recommender, "u0", "i3").shown.tokens[0]
    assert finish(edited(recommender, (ItemEdit("i3", (word,)),))).edited[3].removed == (word,)


def test_an_unknown_text_and_an_empty_title_are_refused(opened: Opened) -> None:
    with pytest.raises(HeedmapError, match="no text 'review:never'"):
        finish(edited(opened(), (ItemEdit("i3", texts=(("review:never", "x"),)),)))
    with pytest.raises(HeedmapError, match="needs a title"):
        finish(edited(opened(), (ItemEdit("i3", texts=(("title", " "),)),)))
    with pytest.raises(HeedmapError, match="no product 'never'"):
        finish(edited(opened(), (ItemEdit("never", texts=(("title", "x"),)),)))
