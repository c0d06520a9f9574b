"""Weights kept by epoch: which ones, how large, read back as they were validated, safe when a training is killed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli import main
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.files import read_json
from engine.jobs import finish
from engine.metrics.ranking import ndcg
from engine.model.scoring import target_ranks
from engine.opening import at_epoch
from engine.recommend import Recommender
from engine.training.checkpoint import SPREAD, load_tensors, stays
from engine.training.config import Config
from engine.training.loop import train
from engine.workspace import epoch_file, kept_epochs, summarise
from tests.engine.conftest import TINY

Trained = Callable[..., Path]
EVERY = {"checkpoints": "every", "epochs": 3, "modalities": "attribute"}


def test_about_ten_epochs_are_spread_over_a_training_and_all_of_a_short_one() -> None:
    def kept(checkpoints: str, epochs: int) -> list[int]:
        config = Config(checkpoints=checkpoints, epochs=epochs)
        return [epoch for epoch in range(1, epochs + 1) if stays(config, epoch)]

    assert kept("best", 16) == []
    assert kept("every", 16) == list(range(1, 17))
    assert kept("some", 8) == list(range(1, 9))
    assert kept("some", 16) == [1, 2, 4, 6, 8, 10, 12, 14, 16]
    assert len(kept("some", 1000)) == SPREAD + 1
    with pytest.raises(HeedmapError, match="checkpoints cannot be 'few'"):
        Config.from_settings({"checkpoints": "few"})


def test_the_best_alone_is_kept_unless_asked(trained: Trained) -> None:
    run = trained(modalities="attribute")
    assert not (run / "epochs").exists()
    assert kept_epochs(run, read_json(run / "run.json")) == ()


def test_an_epoch_is_read_back_as_it_was_validated(opened: Any) -> None:
    recommender: Recommender = opened(**EVERY)
    assert recommender.summary(()).epochs == (1, 2, 3)
    rows = read_json(recommender.folder / "history.json")
    scores = []
    for epoch, row in enumerate(rows, start=1):
        then = at_epoch(recommender, epoch)
        assert then.tokens is not recommender.tokens
        assert then.catalogue is recommender.catalogue  # the features are shared, not read again
        ranks = np.concatenate(list(target_ranks(then.model, then.tokens, then.data, then.parts.validation)))
        assert ndcg(ranks) == pytest.approx(row["ndcg@10"], abs=0.02)  # 16 bits may turn a tie round
        one = explain(then, "u0", "i3")
        assert one.contribution.sum() + one.bias == pytest.approx(one.score, abs=1e-4)
        scores.append(one.score)
    assert len(set(scores)) == 3
    assert explain(recommender, "u0", "i3").score not in scores


def test_an_epoch_takes_about_half_the_room_of_the_weights(trained: Trained) -> None:
    run = trained(**EVERY)
    whole, _ = load_tensors(run / "best.safetensors")
    small, about = load_tensors(epoch_file(run, 2))
    assert about == {"epoch": 2}
    assert small.keys() == whole.keys()
    size, full = (sum(one.nbytes for one in tensors.values()) for tensors in (small, whole))
    assert size < 0.56 * full
    best = read_json(run / "run.json")["best_epoch"]
    kept, _ = load_tensors(epoch_file(run, best))
    for name, one in whole.items():
        np.testing.assert_allclose(kept[name].float().numpy(), one.float().numpy(), rtol=6e-4, atol=1e-6)


def test_a_killed_training_goes_on_to_the_same_epochs(trained: Trained, tiny_shop: Path, tmp_path: Path) -> None:
    config = Config.from_settings({**TINY, **EVERY})
    job = train(tiny_shop, tmp_path / "killed", config)
    for progress in job:  # stop in the middle of the second epoch
        if progress.stage == "Training" and progress.data.get("epoch") == 2:
            break
    job.close()
    run = tmp_path / "killed"
    assert kept_epochs(run, {}) == (1,)
    (run / "epochs" / ".00002.safetensors.x1.safetensors").write_bytes(b"half")  # what a kill may leave behind
    assert kept_epochs(run, {}) == (1,)
    finish(train(tiny_shop, run, config, resume=True))
    whole = trained(**EVERY)
    for epoch in (1, 2, 3):
        one, two = (load_tensors(epoch_file(folder, epoch))[0] for folder in (run, whole))
        assert all(one[name].equal(two[name]) for name in two)


def test_what_was_not_kept_cannot_be_opened(trained: Trained) -> None:
    desk = Desk()
    run = trained(**EVERY)
    with pytest.raises(HeedmapError, match="after epoch 7") as caught:
        finish(desk.rank(str(run), "u0", epoch=7))
    assert "checkpoints=some" in caught.value.hint
    copy = shutil.copytree(run, run.parent / "damaged")
    epoch_file(copy, 2).write_bytes(epoch_file(run, 2).read_bytes()[:-40])
    with pytest.raises(HeedmapError, match="not a Heedmap checkpoint"):
        finish(desk.rank(str(copy), "u0", epoch=2))


def test_tuned_encoders_leave_no_epoch_to_look_at(trained: Trained) -> None:
    assert kept_epochs(trained(**EVERY), {"tuned": {}}) == ()


def test_the_desk_keeps_a_run_open_and_opens_its_epochs_beside_it(trained: Trained) -> None:
    desk = Desk()
    run = str(trained(**EVERY))
    assert finish(desk.open_run(run)).epochs == (1, 2, 3)
    final = finish(desk.rank(run, "u0", 5))
    first = finish(desk.rank(run, "u0", 5, epoch=1))
    assert [one.score for one in first.items] != [one.score for one in final.items]
    explained = finish(desk.explain(run, "u0", first.items[0].item, epoch=1))
    assert explained.rank == 1
    assert explained.score == pytest.approx(first.items[0].score, abs=1e-5)
    read = [step.stage for step in desk.rank(run, "u0", 5, epoch=1)]
    assert "Reading features" not in read
    assert finish(desk.rank(run, "u0", 5)).items == final.items
    with pytest.raises(HeedmapError, match="epochs"):
        finish(desk.open_run(run, epoch=9))


def test_the_command_line_tells_what_changed_since_an_epoch(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(**EVERY)
    assert main(["contrast", str(run), "--user", "u0", "--item", "i3", "--epoch", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["left"] == f"{run.name} after epoch 1"
    assert abs(found["gap"]) < 1e-4
    assert main(["contrast", str(run), "--user", "u0", "--item", "i3", "--epoch", "9"]) == 2
    assert "after epoch 9" in capsys.readouterr().err


def test_the_workspace_lists_epochs(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained(**EVERY), tmp_path / "runs" / "kept")
    assert summarise(tmp_path).runs[0].epochs == (1, 2, 3)
