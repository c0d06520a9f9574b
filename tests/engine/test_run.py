"""A run on a tiny shop with the real encoders: trained, stopped, resumed, opened, explained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.methods import METHODS, explain
from engine.explain.types import Explanation
from engine.features.store import TokenStore
from engine.files import read_json, write_json
from engine.jobs import finish
from engine.live import Session
from engine.model.tokens import Tokens
from engine.recommend import Recommender
from engine.training.checkpoint import load_tensors
from engine.training.config import FUSIONS, Config
from engine.training.loop import train
from tests.engine.conftest import TINY

Opened = Callable[..., Recommender]


@pytest.mark.parametrize("split", ["temporal", "leave-one-out"])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_heatmap_is_the_score(opened: Opened, fusion: str, split: str) -> None:
    recommender = opened(fusion=fusion, split=split)
    for user in ("u0", "u4", "u9"):
        for item in recommender.data.items:
            one = explain(recommender, user, item)
            total = one.contribution.sum() + one.bias
            assert abs(total - one.score) <= 1e-4 * max(1.0, abs(one.score))
            assert one.completeness_gap == pytest.approx(total - one.score, abs=1e-12)
            assert sum(one.parts().values()) == pytest.approx(total)
            assert one.faithfulness is not None


def test_an_opened_run_holds_what_encoders_told_as_narrow_as_it_is_stored(opened: Opened) -> None:
    """Twice as wide, a run of some thousand films takes fifty megabytes more, in every process that has it open."""
    recommender = opened()
    wide = Tokens(recommender.catalogue, recommender.model.tower, "cpu")
    narrow = recommender.tokens
    assert isinstance(narrow, Tokens)
    every = torch.arange(len(recommender.catalogue.items))
    for modality in ("text", "image"):
        held, stored = narrow._data[modality], getattr(recommender.catalogue, modality)
        assert held.nbytes == stored.nbytes == wide._data[modality].nbytes // 2 > 0
        mine, theirs = narrow.gather(modality, every), wide.gather(modality, every)
        assert torch.equal(mine.x, theirs.x)
        assert torch.equal(mine.there, theirs.there)


def test_the_sampled_softmax_trains_too(trained: Callable[..., Path]) -> None:
    losses = [row["loss"] for row in read_json(trained(negatives=6) / "history.json")]
    assert len(losses) == 2
    assert np.isfinite(losses).all()


def test_an_explanation_says_where_each_word_and_cell_is(opened: Opened) -> None:
    one = explain(opened(), "u0", "i3")
    texts = {text.field: text.text for text in one.texts}
    words = [token for token in one.tokens if token.modality == "text"]
    assert all(token.span and texts[token.field][slice(*token.span)] == token.label for token in words)
    assert {"waterproof", "防", "水"} <= {token.label for token in words}  # pieces joined; Chinese by character
    boxes = [token.box for token in one.tokens if token.box]
    assert len(boxes) == one.grid[0] * one.grid[1] == 49
    assert sum((box[2] - box[0]) * (box[3] - box[1]) for box in boxes) == pytest.approx(1.0)
    assert {(token.field, token.label) for token in one.tokens if token.modality in ("attribute", "link")} >= {
        ("colour", "blue"),
        ("maker", "m0"),
    }


def test_removing_parts_is_computed_by_the_model(opened: Opened) -> None:
    """Without any content, what is left is identity, what past events add directly, and bias."""
    case = Case(opened(), "u0", "i3")
    rows = len(case.shown.tokens)
    removed = np.zeros((2, rows), dtype=bool)
    removed[1, : case.removable] = True
    kept, bare = case.scores_without(removed)
    parts = explain(case.recommender, "u0", "i3").parts()
    assert kept == pytest.approx(case.score, abs=1e-5)
    assert bare == pytest.approx(parts["identity"] + parts["history"] + case.bias, abs=1e-5)


def test_leaving_a_purchase_out_is_ranking_without_it(opened: Opened) -> None:
    recommender = opened()
    one = explain(recommender, "u0", "i3")
    shorter = recommender.past("u0", Session(removed=(one.history[2].item,))).history
    without = float(recommender.scores(recommender.shopper_vectors([shorter]), [shorter])[0][recommender.item("i3")])
    assert one.history[2].contribution == pytest.approx(one.score - without, abs=1e-5)


def test_explanations_without_photo_text_or_history(opened: Opened) -> None:
    recommender = opened()
    assert explain(recommender, "u9", "i12").grid == (0, 0)
    assert [text.field for text in explain(recommender, "u9", "i13").texts if text.field == "description"] == []
    assert len(explain(recommender, "u9", "i12").history) == 1


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_map_travels_as_json(opened: Opened, method: str) -> None:
    one = explain(opened(), "u1", "i2", method)
    content = json.loads(json.dumps(one.to_json()))
    assert content["method"] == method
    assert np.allclose(content["attention"], one.attention)
    assert one.sums_to_score or method != "contribution"
    if one.sums_to_score:
        assert one.share.sum() + one.bias == pytest.approx(one.score, abs=1e-4)
    assert isinstance(one, Explanation)


def test_a_ranked_list_leaves_out_what_the_shopper_has(opened: Opened) -> None:
    recommender = opened()
    ranking = recommender.rank("u0", 100)
    had = {event.item for event in ranking.history}
    assert not had & {one.item for one in ranking.items}
    assert [one.rank for one in ranking.items] == list(range(1, ranking.catalogue + 1))
    for one in ranking.items:
        assert sum(one.parts.values()) == pytest.approx(one.score, abs=1e-4)
        assert explain(recommender, "u0", one.item).rank == one.rank


def test_the_same_seed_trains_the_same_run_and_a_stopped_one_resumes_to_it(
    trained: Callable[..., Path], tiny_shop: Path, tmp_path: Path
) -> None:
    whole = trained(epochs=3)
    stopped = tmp_path / "stopped"
    job = train(tiny_shop, stopped, Config.from_settings({**TINY, "epochs": 3}))
    for progress in job:
        if progress.stage == "Training" and progress.data["epoch"] == 2.0:
            break  # in the middle of the second epoch
    job.close()
    assert read_json(stopped / "run.json")["state"] == "running"
    finish(train(tiny_shop, stopped, Config(), resume=True))
    expected, actual = load_tensors(whole / "last.safetensors"), load_tensors(stopped / "last.safetensors")
    for name, tensor in expected[0].items():
        assert np.array_equal(tensor.numpy(), actual[0][name].numpy()), name
    assert read_json(stopped / "run.json")["metrics"] == read_json(whole / "run.json")["metrics"]


def test_nothing_is_encoded_twice(trained: Callable[..., Path], tiny_shop: Path, tmp_path: Path) -> None:
    trained()
    stages = set()
    finish(
        train(tiny_shop, tmp_path / "again", Config.from_settings({**TINY, "epochs": 1})),
        lambda progress: stages.add(progress.stage),
    )
    assert "Training" in stages
    assert not {"Encoding texts", "Encoding photos"} & stages


def test_a_shard_cut_off_by_a_kill_is_written_again(tmp_path: Path) -> None:
    store = TokenStore(tmp_path, 4)
    states, spans = np.ones((3, 4), np.float16), np.arange(6, dtype=np.int32).reshape(3, 2)
    store.add([("a", states, spans)])
    store.add([("b", states * 2, spans)])
    (tmp_path / "000001.json").unlink()  # killed after the arrays, before the index
    again = TokenStore(tmp_path, 4)
    assert "a" in again
    assert "b" not in again
    again.add([("b", states * 3, spans)])
    assert TokenStore(tmp_path, 4).get("b")[0][0, 0] == 3
    (tmp_path / "000000.json").write_text("{")
    assert "a" not in TokenStore(tmp_path, 4)


def test_a_checkpoint_of_other_data_is_refused(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = shutil.copytree(trained(), tmp_path / "run")
    card = read_json(run / "run.json")
    card["dataset"]["folder"] = str((trained() / card["dataset"]["folder"]).resolve())
    write_json(run / "run.json", {**card, "dataset": {**card["dataset"], "fingerprint": "other"}})
    with pytest.raises(HeedmapError, match="trained on other data"):
        finish(Recommender.open(run))


@pytest.mark.parametrize("broken", ["model.safetensors", "tokens/names.json", "tokens/text.npy", "run.json"])
def test_a_damaged_run_says_which_file(trained: Callable[..., Path], tmp_path: Path, broken: str) -> None:
    run = shutil.copytree(trained(), tmp_path / "run")
    if broken != "run.json":
        card = read_json(run / "run.json")
        card["dataset"]["folder"] = str((trained() / card["dataset"]["folder"]).resolve())
        write_json(run / "run.json", card)
    (run / broken).write_bytes(b"{ cut")
    with pytest.raises(HeedmapError) as raised:
        finish(Recommender.open(run))
    assert broken.split("/")[0] in str(raised.value)


def test_wrong_names_are_answered_with_right_ones(opened: Opened) -> None:
    recommender = opened()
    for call, hint in (
        (lambda: recommender.rank("nobody", 5), "u0"),
        (lambda: explain(recommender, "u0", "nothing"), "i0"),
        (lambda: explain(recommender, "u0", "i0", "magic"), "contribution"),
    ):
        with pytest.raises(HeedmapError, match=hint):
            call()


def test_starting_over_an_existing_run_is_refused(trained: Callable[..., Path], tiny_shop: Path) -> None:
    with pytest.raises(HeedmapError, match="already holds a run"):
        finish(train(tiny_shop, trained(), Config()))
    with pytest.raises(HeedmapError, match="no run"):
        finish(train(tiny_shop, trained() / "none", Config(), resume=True))
    with pytest.raises(HeedmapError, match="cannot change"):
        finish(train(tiny_shop, trained(), Config(dim=32), resume=True))


def test_a_dataset_without_events_cannot_be_trained_on(tmp_path: Path) -> None:
    from engine.dataset.store import DatasetWriter

    with DatasetWriter(tmp_path / "shop", name="shop", domain="shop", source="test", licence="") as writer:
        writer.add("items", {"item": "1", "title": "A mug"})
    with pytest.raises(HeedmapError, match="too few events"):
        finish(train(tmp_path / "shop", tmp_path / "run", Config()))
    assert Dataset.open(tmp_path / "shop").manifest.counts["items"] == 1
