"""Evaluation of runs: slices, knock-outs, verdicts, and the table of runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cli import main
from engine.dataset.split import through_validation
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.evaluation.evaluate import Wanted, evaluate, verdict
from engine.evaluation.knock_out import Without, knock_outs
from engine.evaluation.outcome import model_batches, observe
from engine.evaluation.ratings import rating_figures
from engine.evaluation.runs import runs, runs_text
from engine.evaluation.slices import long_tail, slices
from engine.files import read_json
from engine.jobs import finish
from engine.metrics.ranking import ndcg
from engine.model.scoring import item_matrix, target_ranks
from engine.recommend import Recommender

QUICK = ("popularity", "EASE", "content kNN")


@pytest.fixture
def copied(trained: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A copy of a trained run, still pointing at its dataset, that a test may write into."""

    def run(name: str = "run", **settings: Any) -> Path:
        source = trained(**settings)
        shutil.copytree(source, tmp_path / name)
        card = read_json(tmp_path / name / "run.json")
        card["dataset"]["folder"] = str((source / card["dataset"]["folder"]).resolve())
        (tmp_path / name / "run.json").write_text(json.dumps(card))
        return tmp_path / name

    return run


def reopened(folder: Path) -> Recommender:
    recommender: Recommender = finish(Recommender.open(folder, device="cpu"))
    return recommender


def test_the_model_is_measured_as_training_measures_it_and_the_figures_are_kept(copied: Callable[..., Path]) -> None:
    folder = copied()
    run = reopened(folder)
    found = finish(evaluate(run, Wanted(baselines=QUICK, knock_out=True, categories=True)))
    ranks = np.concatenate(list(target_ranks(run.model, run.tokens, run.data, run.parts.test)))
    metrics = found["model"]["metrics"]
    assert metrics["ndcg"]["mean"] == pytest.approx(ndcg(ranks), abs=1e-12)
    assert metrics["ndcg"]["mean"] == pytest.approx(run.card["metrics"]["test ndcg@10"], abs=1e-9)
    assert metrics["ndcg"]["low"] <= metrics["ndcg"]["mean"] <= metrics["ndcg"]["high"]
    assert [row["name"] for row in found["baselines"]] == list(QUICK)
    assert {row["without"] for row in found["knock_out"]} >= {"text", "image", "attribute", "link", "identity"}
    assert read_json(folder / "evaluation.json")["test"] == json.loads(json.dumps(found))
    assert read_json(folder / "run.json")["verdict"] == found["verdict"] != ""
    # A quick look later keeps what was measured of the same weights; another k starts anew.
    again = finish(evaluate(reopened(folder), Wanted()))
    assert again["baselines"] == read_json(folder / "evaluation.json")["test"]["baselines"] == found["baselines"]
    assert "baselines" not in finish(evaluate(reopened(folder), Wanted(k=3)))


def test_a_knocked_out_modality_has_no_tokens_and_no_part_of_the_vector(opened: Callable[..., Recommender]) -> None:
    run = opened()
    items = torch.arange(len(run.data.items))
    with torch.inference_mode():
        parts = run.model.item_parts(items, Without(run.tokens, "image"))
    assert not parts["image"].any()
    assert torch.allclose(parts["text"], run.parts_of_items["text"], atol=1e-6)
    lacking = {name: (model, tokens) for name, model, tokens in knock_outs(run.model, run.tokens)}
    model, tokens = lacking["identity"]
    expected = run.matrix - run.parts_of_items["identity"]
    assert torch.allclose(item_matrix(model, tokens), expected, atol=1e-5)
    assert run.parts_of_items["identity"].any()


def test_attention_over_all_content_goes_to_what_is_left(opened: Callable[..., Recommender]) -> None:
    run = opened(fusion="attention")
    items = torch.arange(5)
    with torch.inference_mode():
        alpha = run.model.tower.attention(Without(run.tokens, "text").batch(items))
    assert not alpha["text"].any()
    total = torch.stack([one.sum(dim=2) for one in alpha.values()]).sum(dim=0)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-5)


def test_cold_targets_are_ranked_among_all_and_among_cold_products(opened: Callable[..., Recommender]) -> None:
    run = opened()
    cold = np.zeros(len(run.data.items), bool)
    cold[run.data.item[run.parts.test[:2]]] = True
    targets = run.parts.test
    batches = model_batches(run.model, run.tokens, run.data, targets)
    found = finish(observe(batches, run.data, cold, 3, len(targets), "Measuring"))
    is_cold = cold[run.data.item[targets]]
    assert ((found.cold_ranks > 0) == is_cold).all()
    assert (found.cold_ranks <= found.ranks).all()
    assert (found.cold_ranks <= cold.sum()).all()
    inside = found.ranks <= 3
    item = run.data.item[targets]
    assert np.array_equal(found.lists[inside, found.ranks[inside] - 1], item[inside])
    assert not (found.lists[~inside] == item[~inside, None]).any()


@pytest.mark.parametrize("fusion", ["weighted", "cross"])
def test_ranks_are_those_that_training_counts(opened: Callable[..., Recommender], fusion: str) -> None:
    run = opened() if fusion == "weighted" else opened(fusion=fusion)
    targets = run.parts.test
    batches = model_batches(run.model, run.tokens, run.data, targets)
    found = finish(observe(batches, run.data, np.zeros(len(run.data.items), bool), 3, len(targets), "Measuring"))
    expected = np.concatenate(list(target_ranks(run.model, run.tokens, run.data, targets)))
    assert np.array_equal(found.ranks, expected)
    assert not found.cold_ranks.any()


def test_slices_say_which_targets_are_hard(opened: Callable[..., Recommender]) -> None:
    run = opened()
    known = through_validation(run.data, run.parts).train
    parts = slices(run.data, run.parts.test, known, ["a" if item % 2 else "b" for item in range(len(run.data.items))])
    counts = np.bincount(run.data.item[known], minlength=len(run.data.items))
    assert np.array_equal(parts["cold products"], counts[run.data.item[run.parts.test]] == 0)
    places = run.parts.test - run.data.start[run.data.user[run.parts.test]]
    assert np.array_equal(parts["histories under 5"], places < 5)
    assert "category a" not in parts  # fewer than twenty targets
    assert long_tail(np.array([50.0, 30.0, 5.0, 5.0, 10.0, 0.0])).tolist() == [False, False, True, True, True, False]


def test_verdicts() -> None:
    def row(name: str, mean: float, difference: float, p: float) -> dict[str, Any]:
        gap = {"difference": difference, "low": difference - 0.01, "high": difference + 0.01, "p": p}
        return {"name": name, "metrics": {"ndcg": {"mean": mean}}, "model_less_this": gap}

    found: dict[str, Any] = {"k": 10, "model": {"metrics": {"ndcg": {"mean": 0.07}}}}
    assert verdict(found) == ""
    behind = {**found, "baselines": [row("EASE", 0.08, -0.01, 0.001), row("popularity", 0.03, 0.04, 0.001)]}
    assert verdict(behind).startswith("This run does not beat its baselines: NDCG@10 0.0700 against 0.0800 of EASE.")
    close = {**found, "baselines": [row("EASE", 0.068, 0.002, 0.4), row("popularity", 0.03, 0.04, 0.001)]}
    assert "not beyond chance of EASE" in verdict(close)
    ahead = {**found, "baselines": [row("EASE", 0.05, 0.02, 0.001)]}
    assert verdict(ahead).startswith("This run beats every baseline: NDCG@10 0.0700 against 0.0500 of EASE, a gain of")


def test_runs_are_compared_only_on_the_same_targets(copied: Callable[..., Path]) -> None:
    folder, other = copied("one"), copied("two", split="leave-one-out")
    with pytest.raises(HeedmapError, match="measured on other targets"):
        finish(evaluate(reopened(folder), Wanted(against=other)))
    against = finish(evaluate(reopened(folder), Wanted(against=folder)))["against"]
    assert against["model_less_this"] == {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}


def test_evaluation_can_be_cancelled_before_anything_is_written(copied: Callable[..., Path]) -> None:
    folder = copied()
    job = evaluate(reopened(folder), Wanted(baselines=QUICK))
    for _ in range(5):
        next(job)
    job.close()
    assert not (folder / "evaluation.json").exists()
    assert "verdict" not in read_json(folder / "run.json")


def test_the_command_line_evaluates_and_lists_runs(
    copied: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, plain = copied("one"), copied("two", split="leave-one-out")
    command = ["evaluate", str(folder), "--baselines", "popularity,EASE", "--knock-out", "--k", "10"]
    assert main(command) == 0
    said = capsys.readouterr().out
    for words in ("NDCG@10", "popularity", "EASE", "Knocked out", "Lists of 10", "This run"):
        assert words in said
    assert main(["runs", str(folder.parent), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["runs"]
    assert {row["name"]: row["baseline"] in ("popularity", "EASE") for row in rows} == {"one": True, "two": False}
    assert main(["runs", str(folder), str(plain), "--sort", "name"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "one"
    assert "temporal" in lines[1]
    assert lines[2].split()[0] == "two"
    assert main(["runs", str(folder), "--sort", "colour"]) == 2
    assert "no column 'colour'" in capsys.readouterr().err
    assert main(["evaluate", str(folder), "--baselines", "magic"]) == 2
    assert "no baseline 'magic'" in capsys.readouterr().err


def test_a_damaged_run_does_not_hide_the_others(copied: Callable[..., Path], tmp_path: Path) -> None:
    copied("whole")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{}")
    rows, faults = runs([tmp_path])
    assert [row.name for row in rows] == ["whole"]
    assert "broken could not be read" in runs_text(rows, faults)


def test_the_engine_process_evaluates_too(copied: Callable[..., Path]) -> None:
    job = Desk().job("evaluate", {"run": str(copied()), "baselines": ["popularity"]})
    assert [row["name"] for row in finish(job)["baselines"]] == ["popularity"]


def test_ratings_are_measured_where_there_are_some(opened: Callable[..., Recommender]) -> None:
    run = opened()
    known = through_validation(run.data, run.parts).train
    arguments = (run.model, run.tokens, run.data, run.parts.test, known)
    assert finish(rating_figures(*arguments)) is None  # the tiny shop has purchases only
    value = np.where(run.data.item % 2, 5.0, 2.0).astype(np.float32)
    rated = replace(run.data, value=value)
    found = finish(rating_figures(run.model, run.tokens, rated, run.parts.test, known))
    assert (found["targets"], found["threshold"]) == (len(run.parts.test), 4.0)
    truth, mean = value[run.parts.test], value[known].mean()
    assert found["rows"]["mean rating"]["rmse"] == pytest.approx(np.sqrt(np.mean((truth - mean) ** 2)), rel=1e-5)
    assert found["rows"]["biased MF"]["rmse"] < found["rows"]["mean rating"]["rmse"]
    assert found["rows"]["biased MF"]["accuracy"] >= found["rows"]["mean rating"]["accuracy"]
