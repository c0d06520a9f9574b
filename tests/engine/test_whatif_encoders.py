"""Edited pages in runs of every kind of encoder: what is read anew is what training had read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.desk import Desk
from engine.explain.methods import explain
from engine.jobs import finish
from engine.recommend import Recommender
from engine.scenario import ItemEdit, Scenario
from engine.whatif import edited
from engine.whatif.opening import warm
from engine.whatif.reading import read_photo, read_text

Opened = Callable[..., Recommender]
LORA = {"tune": "lora", "tune_epochs": 1, "tune_items": 8, "tune_rank": 2, "epochs": 1, "refit": 0}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"quantise": "int8"}, marks=pytest.mark.slow),
        {"text_encoder": "untrained", "image_encoder": "untrained"},
        pytest.param(LORA, marks=pytest.mark.slow),
    ],
)
def test_texts_and_photos_read_anew_are_those_that_the_run_holds(opened: Opened, settings: dict[str, Any]) -> None:
    recommender = opened(**settings)
    for item in (0, 3):
        page = recommender.page(item)
        texts = {one.field: one.text for one in recommender.item_texts(item)}
        for source, field in enumerate(page.fields):
            held = np.asarray(page.text[page.text_source == source], dtype=float)
            again = read_text(recommender, texts[field])
            assert again.places.tolist() == page.text_span[page.text_source == source].tolist()
            assert np.linalg.norm(again.states.astype(float) - held) <= 0.05 * np.linalg.norm(held)
        photo = read_photo(recommender, recommender.dataset.folder / (recommender.texts.image[item] or ""))
        held = np.asarray(page.image, dtype=float)
        assert np.linalg.norm(photo.states.astype(float) - held) <= 0.05 * np.linalg.norm(held)
    changed = finish(edited(recommender, (ItemEdit("i3", texts=(("title", "A tent of canvas"),)),)))
    found = explain(changed, "u0", "i3")
    assert "canvas" in {token.label for token in found.tokens}
    assert found.contribution.sum() + found.bias == pytest.approx(found.score, abs=1e-4)


def test_what_reads_edits_is_opened_in_steps_and_goes_on_where_it_was_given_up(trained: Callable[..., Path]) -> None:
    run, desk = str(trained()), Desk()
    ready = finish(desk.job("open_run", {"run": run}))
    given_up = desk.job("warm", {"run": run})
    assert [next(given_up).stage for _ in range(3)] == ["Loading the text encoder"] * 3
    given_up.close()
    assert len(list(desk.job("warm", {"run": run}))) > 1
    assert list(desk.job("warm", {"run": run})) == []
    scenario = Scenario((ItemEdit("i3", texts=(("title", "A tent of canvas"),)),))
    edit = desk.job("rank", {"run": run, "user": ready.shoppers.user[0], "scenario": scenario})
    assert [one.stage for one in edit] == ["Reading the edited product"]


def test_a_run_that_reads_no_texts_nor_photos_says_so(opened: Opened) -> None:
    recommender = opened(modalities="attribute")
    assert finish(warm(recommender)) == ()
    edit = ItemEdit("i3", texts=(("title", "A tent"),), photo="")
    changed = finish(edited(recommender, (edit,)))
    assert float((changed.matrix - recommender.matrix).abs().max()) < 1e-6
    found = explain(changed, "u0", "i3")
    assert found.title == "A tent"
    assert any("reads no texts" in note for note in found.notes)
    assert any("reads no photos" in note for note in found.notes)
