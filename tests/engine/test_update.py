"""Going on with a run: what was known stays, what is new is learned, what was forgotten is measured."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cli import main
from engine.dataset.split import interactions, split
from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.features.encoder import encode
from engine.features.registry import Options, open_encoder
from engine.files import read_json
from engine.jobs import finish
from engine.model.recommender import Model
from engine.model.scoring import all_scores, item_matrix, shopper_vectors
from engine.model.tokens import Tokens
from engine.model.tuning import WEIGHTS
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from engine.training.merge import merge
from engine.training.opened import Opened, open_folder
from engine.training.update import UpdateWindows, carried_over, grown, update
from tests.engine.conftest import TINY, photo
from tests.engine.tiny_encoders import TEXT_MODELS, save

OLD_DAYS, PRICES = 60, 16
SETTINGS = {**TINY, "profile": True, "linear": "ease", "text_encoder": "untrained"}


def _shop(out: Path, whole: bool) -> Path:
    """A shop of 18 products and 14 shoppers up to day 60; the whole of it has 2 more products and 3 more shoppers.

    The rows of the whole shop stand in another order, so that nothing can be known by its place.
    """
    random = np.random.default_rng(1)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    items, users = list(range(20 if whole else 18)), range(17)
    with DatasetWriter(out, name="grown", domain="shop", source="a test", licence="CC0", synthetic=True) as writer:
        for item in items[::-1] if whole else items:
            row = {
                "item": f"i{item}",
                "title": f"Lamp {item}",
                "description": f"A lamp of kind {item % 4}, for a desk.",
            }
            colour = {"name": "colour", "value": ("red", "blue", "green")[item % 3]}
            price = 10.5 * (item % PRICES) + (500 if item == 18 else 0)
            image = writer.add_image(photo(item))
            writer.add("items", {**row, "price": price, "attributes": [colour], "images": [image]})
        for user in users:
            first = 0 if user < 14 else OLD_DAYS + 1
            for place, item in enumerate(random.permutation(18 if user < 7 else 20)[:12]):
                day = first + place * 8 + user * 0.3
                if whole or (day < OLD_DAYS and item < 18):
                    event = {"user": f"u{user}", "item": f"i{item}", "time": begin + timedelta(days=float(day))}
                    writer.add("events", {**event, "kind": ("view", "purchase")[item % 2]})
            if whole or user < 14:
                attributes = [{"name": "age", "value": "middle" if user >= 14 else ("old", "young")[user % 2]}]
                writer.add("users", {"user": f"u{user}", "attributes": attributes})
    return out


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("shops")
    return _shop(root / "old", whole=False), _shop(root / "grown", whole=True)


@pytest.fixture(scope="module")
def old_run(shops: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = finish(train(shops[0], tmp_path_factory.mktemp("run") / "old", Config.from_settings(SETTINGS)))
    return folder


@pytest.fixture(scope="module")
def updated(shops: tuple[Path, Path], old_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """The updated run, and the stages that it went through."""
    stages: set[str] = set()
    job = update(shops[1], tmp_path_factory.mktemp("run") / "new", old_run, {"epochs": 2}, replay=0.5)
    return finish(job, lambda progress: stages.add(f"{progress.stage} {progress.total}")), stages


def test_before_the_first_step_old_products_score_as_they_did(
    shops: tuple[Path, Path], old_run: Path, updated: tuple[Path, set[str]]
) -> None:
    old, new = finish(open_folder(old_run)), finish(open_folder(updated[0]))
    model, scores = _carried(old, new)
    assert scores[1] == pytest.approx(scores[0], rel=1e-5)
    index = torch.tensor([new.catalogue.items.index(item) for item in ("i18", "i19")])
    assert model.identity(index).abs().max() == 0
    assert model.bias(index).tolist() == [0, 0]
    assert new.catalogue.attribute.names[: len(old.catalogue.attribute.names)] == old.catalogue.attribute.names


def _carried(old: Opened, new: Opened) -> tuple[Model, list[Any]]:
    """The old model for the new catalogue, and the old products' scores by the old one and by this."""
    before, data = interactions(old.dataset), interactions(new.dataset)
    growth = grown(data, before, split("temporal", before))
    model = carried_over(old, new.catalogue, before, data, growth.item)
    histories = [_history(before, "u3"), _history(data, "u3", len(_history(before, "u3").items))]
    scores = []
    for one, catalogue, history in ((old.model, old.catalogue, histories[0]), (model, new.catalogue, histories[1])):
        with torch.no_grad():
            matrix = item_matrix(one, Tokens(catalogue, one.tower, "cpu"))
            scores.append(all_scores(one, matrix, shopper_vectors(one, matrix, [history]), [history])[0].numpy())
    return model, [scores[0], scores[1][[data.items.index(item) for item in before.items]]]


def _history(data: Any, user: str, count: int | None = None) -> Any:
    from engine.dataset.history import history_of

    history = history_of(data, data.users.index(user))
    if count is None:
        return history
    return replace(history, items=history.items[:count], context=history.context[:count])


def test_only_what_is_new_is_encoded(updated: tuple[Path, set[str]]) -> None:
    _, stages = updated
    assert "Encoding photos 2" in stages
    assert "Encoding texts 2" in stages or "Encoding texts 4" in stages
    assert not {one for one in stages if one.startswith("Encoding") and int(one.split()[-1]) > 4}


def test_the_report_tells_before_and_after(
    updated: tuple[Path, set[str]], old_run: Path, shops: tuple[Path, Path]
) -> None:
    report = read_json(updated[0] / "run.json")["update"]
    assert (report["of"], report["new_items"], report["new_users"]) == ("old", 2, 3)
    figures = report["ndcg@10"]
    assert set(figures) == {"old validation", "old test", "new validation", "new test"}
    old_card = read_json(old_run / "run.json")
    assert figures["old test"]["targets"] == old_card["metrics"]["test targets"]
    assert all(row["targets"] and 0 <= row[when] <= 1 for row in figures.values() for when in ("before", "after"))
    assert report["forgotten"] == pytest.approx(figures["old test"]["before"] - figures["old test"]["after"])
    metrics = read_json(updated[0] / "run.json")["metrics"]
    assert metrics["test ndcg@10"] == pytest.approx(figures["new test"]["after"])
    recommender: Recommender = finish(Recommender.open(updated[0], "cpu"))
    assert len(recommender.parts.test) == figures["new test"]["targets"]  # measured later on the same targets
    assert any(one.item == "i18" for one in recommender.rank("u0", 20).items)


def test_windows_learn_all_that_is_new_replay_some_and_never_an_old_test_event(
    shops: tuple[Path, Path], old_run: Path, updated: tuple[Path, set[str]]
) -> None:
    data = interactions(finish(open_folder(updated[0])).dataset)
    before = interactions(finish(open_folder(old_run)).dataset)
    growth = grown(data, before, split("temporal", before))
    cuts = read_json(updated[0] / "run.json")["cuts"]
    parts = split("temporal", data, tuple(cuts))
    config = Config.from_settings({**SETTINGS, "history": 3})
    windows = UpdateWindows(data, parts, config, growth, replay=0.5)
    counted = [one.events[one.counted] for one in windows.batches(np.random.default_rng(0), 4)]
    learned = np.concatenate(counted)
    assert set(np.flatnonzero(growth.event & parts.train)) <= set(learned)
    assert not growth.held[learned].any()
    assert growth.held.sum() == len(growth.old_test) > 0
    assert parts.train[learned].all()
    new, old = windows.counts
    assert 0 < old <= round(0.5 * new)


def test_what_cannot_go_on_is_refused(
    shops: tuple[Path, Path], old_run: Path, updated: tuple[Path, set[str]], tmp_path: Path
) -> None:
    for dataset, run, settings, replay, fault in (
        (shops[0], tmp_path / "a", {}, 1.0, "no event that the run has not seen"),
        (shops[1], updated[0], {}, 1.0, "already holds a run"),
        (shops[1], tmp_path / "b", {"dim": 32}, 1.0, "dim cannot change"),
        (shops[1], tmp_path / "c", {}, -1.0, "not a share"),
    ):
        with pytest.raises(HeedmapError, match=fault):
            finish(update(dataset, run, old_run, settings, replay))
        assert not (run / "run.json").is_file() or run == updated[0]
    with pytest.raises(HeedmapError, match="lacks 2 products of the old one"):
        finish(update(shops[0], tmp_path / "d", updated[0], {}))


def test_the_command_line_says_what_was_forgotten(
    shops: tuple[Path, Path], old_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(shops[1]), "--run", str(tmp_path / "run"), "--update", str(old_run)]
    assert main([*arguments, "--set", "epochs=1", "--replay", "2"]) == 0
    out = capsys.readouterr().out
    assert "2 new products and 3 new shoppers" in out
    assert "never learned from" in out
    again = [*arguments[:3], str(tmp_path / "again"), *arguments[4:], "--set", "epochs=1", "--json"]
    assert main(again) == 0
    assert json.loads(capsys.readouterr().out)["update"]["ndcg@10"]["old test"]["targets"] > 0


def test_a_tuned_encoder_reads_new_products_and_stays_as_it_was(
    shops: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, tokenizer = TEXT_MODELS["bert"]
    bert = save(tmp_path / "bert", make, tokenizer)
    tuning = {"tune": "lora", "tune_rank": 4, "tune_epochs": 2, "tune_batch": 4, "tune_learning_rate": 0.1}
    settings = {**SETTINGS, **tuning, "modalities": "text", "text_encoder": str(bert), "precision": "fp32"}
    old_run: Path = finish(train(shops[0], tmp_path / "old", Config.from_settings(settings)))
    arguments = ["train", str(shops[1]), "--run", str(tmp_path / "new"), "--update", str(old_run)]
    assert main([*arguments, "--set", "epochs=1"]) == 0
    assert "tuned text encoder read the new products" in capsys.readouterr().out

    old, new = finish(open_folder(old_run)), finish(open_folder(tmp_path / "new"))
    assert new.card["update"]["tuned"] == ["text"]
    assert new.catalogue.encoders == old.catalogue.encoders == new.card["encoders"]
    _, scores = _carried(old, new)
    assert scores[1] == pytest.approx(scores[0], rel=0.02, abs=0.02)  # two roundings of the states to 16 bits

    (merged,) = finish(merge(old_run, tmp_path / "merged"))  # the same encoder as a plain folder, without peft
    for folder, changes in ((merged, False), (bert, True)):
        encoder = open_encoder("text", str(folder), Options())
        states = encode(encoder, encoder.prepare(["A lamp of kind 2, for a desk."]))[0].states
        expected = old.catalogue.whitening["text"].apply(states)
        page = new.catalogue.page(new.catalogue.items.index("i18"))
        actual = page.text[page.text_source == page.fields.index("description")].astype(np.float32)
        assert (np.abs(actual - expected).max() > 0.05) == changes

    recommender: Recommender = finish(Recommender.open(tmp_path / "new", "cpu"))
    assert recommender.encoder("text").about.digest == old.catalogue.encoders["text"]["digest"]
    adapters = [(run / "adapters" / "text" / WEIGHTS).read_bytes() for run in (old_run, tmp_path / "new")]
    assert adapters[0] == adapters[1]
    totals: set[str] = set()
    again = update(shops[1], tmp_path / "again", old_run, {"epochs": 1})
    finish(again, lambda progress: totals.add(f"{progress.stage} {progress.total}"))
    assert not {one for one in totals if one.startswith("Encoding")}  # all that is there was read already
