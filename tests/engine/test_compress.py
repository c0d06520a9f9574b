"""Smaller runs: 8-bit tables, heads taken out, a student; each opens, sums to its scores, and says what it changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from engine.compress import Wanted, compress, differences, report_text
from engine.dataset.history import history_of
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.files import read_json
from engine.int8 import restored, rounded
from engine.jobs import finish
from engine.model.prune import head_importance, least_important, without_heads
from engine.model.scoring import item_matrix
from engine.recommend import Recommender

QUICK = {"text_encoder": "untrained", "image_encoder": "untrained", "epochs": 6, "attention_epochs": 2}


@pytest.fixture(scope="module")
def run(trained: Callable[..., Path]) -> Path:
    return trained(**QUICK)


def _open(folder: Path) -> Recommender:
    recommender: Recommender = finish(Recommender.open(folder, device="cpu"))
    return recommender


def _sums(recommender: Recommender) -> None:
    for item in recommender.data.items[:6]:
        one = explain(recommender, "u0", item)
        assert abs(one.contribution.sum() + one.bias - one.score) <= 1e-4 * max(1.0, abs(one.score))


def _scores(recommender: Recommender) -> np.ndarray:
    histories = [history_of(recommender.data, user) for user in range(len(recommender.data.users))]
    return recommender.scores(recommender.shopper_vectors(histories), histories)


def test_rounding_is_off_by_half_a_step_at_most() -> None:
    table = np.random.default_rng(0).normal(size=(50, 3, 4)).astype(np.float32)
    table[7] = 0.0
    small, scale = rounded(table)
    assert small.dtype == np.int8
    assert np.abs(restored(small, scale) - table).max(axis=(1, 2)) == pytest.approx(0.0, abs=float(scale.max()) * 0.501)
    assert not restored(small, scale)[7].any()
    assert np.abs(small.astype(int)).max() == 127


def test_tables_in_8_bits(run: Path, tmp_path: Path) -> None:
    report = finish(compress(run, tmp_path / "small", Wanted(int8_vectors=True)))
    with safe_open(str(tmp_path / "small" / "model.safetensors"), framework="pt") as file:
        assert file.get_tensor("tower.identity.weight").dtype == torch.int8
    assert np.load(tmp_path / "small" / "tokens" / "text.npy").dtype == np.int8
    assert report["bytes"]["after"]["features"] < report["bytes"]["before"]["features"]
    before, after = _open(run), _open(tmp_path / "small")
    assert np.abs(_scores(after) - _scores(before)).max() < 0.1 * np.abs(_scores(before)).max()
    assert (_scores(after) != _scores(before)).any()
    _sums(after)
    card = read_json(tmp_path / "small" / "run.json")
    assert card["compression"]["ndcg"] == report["ndcg"]
    assert report["ndcg"]["before"] == pytest.approx(read_json(run / "run.json")["metrics"]["test ndcg@10"])
    assert report["ndcg"]["difference"] == pytest.approx(report["ndcg"]["after"] - report["ndcg"]["before"])
    assert report["explanations"]["spearman"] > 0.9
    assert sum(report["explanations"]["grades after"].values()) == 100
    assert "NDCG@10 (test)" in report_text(report)


def test_a_run_is_the_same_as_itself(run: Path) -> None:
    same = finish(differences(_open(run), _open(run)))
    assert same["ndcg"]["difference"] == 0.0
    assert same["lists"]["shared of the first 10"] == 1.0
    assert same["explanations"]["spearman"] == pytest.approx(1.0)
    assert same["explanations"]["top 5 shared"] == 1.0


@pytest.mark.parametrize("fusion", ["weighted", "concat", "gated", "cross"])
def test_a_model_without_a_head_is_the_model_with_that_head_silent(opened: Callable[..., Any], fusion: str) -> None:
    recommender: Recommender = opened(fusion=fusion, **QUICK)
    model, tokens = recommender.model, recommender.tokens
    smaller = without_heads(model, [("text", 1), ("image", 0)])
    kept = (
        model.state_dict()["tower.pooling.text.value"].clone(),
        model.state_dict()["tower.pooling.image.value"].clone(),
    )
    with torch.no_grad():
        model.state_dict()["tower.pooling.text.value"][1] = 0.0
        model.state_dict()["tower.pooling.image.value"][0] = 0.0
        expected = item_matrix(model, tokens).clone()
        model.state_dict()["tower.pooling.text.value"].copy_(kept[0])
        model.state_dict()["tower.pooling.image.value"].copy_(kept[1])
    assert torch.allclose(item_matrix(smaller, tokens), expected, atol=1e-6)
    assert sum(p.numel() for p in smaller.parameters()) < sum(p.numel() for p in model.parameters())


def test_heads_that_add_least_go_first(run: Path, tmp_path: Path) -> None:
    recommender = _open(run)
    shoppers = recommender.shopper_vectors([history_of(recommender.data, user) for user in range(5)])
    importance = head_importance(recommender.model, recommender.tokens, shoppers)
    with torch.no_grad():
        for modality in ("text", "image"):
            recommender.model.state_dict()[f"tower.pooling.{modality}.value"][1] *= 1e-3
    weaker = head_importance(recommender.model, recommender.tokens, shoppers)
    assert weaker["text", 1] == pytest.approx(1e-3 * importance["text", 1], rel=1e-3)
    assert set(least_important(weaker, 2)) == {("text", 1), ("image", 1)}
    with pytest.raises(HeedmapError, match="each modality keeps one"):
        least_important(weaker, 100)
    report = finish(compress(run, tmp_path / "pruned", Wanted(prune_heads=2)))
    assert report["parameters"]["after"] < report["parameters"]["before"]
    after = _open(tmp_path / "pruned")
    assert sum(len(one) for one in after.model.shape.tower.pruned.values()) == 2
    _sums(after)


def test_a_student_is_smaller_and_ranks_like_its_teacher(
    run: Path, trained: Callable[..., Path], tmp_path: Path
) -> None:
    settings = {"dim": "8", "blocks": "1", "epochs": "12"}
    report = finish(compress(run, tmp_path / "student", Wanted(distil=settings)))
    assert report["parameters"]["after"] < report["parameters"]["before"]
    student, teacher, alone = _open(tmp_path / "student"), _open(run), _open(trained(**{**QUICK, **settings}))
    _sums(student)
    assert read_json(tmp_path / "student" / "run.json")["config"]["dim"] == 8

    def likeness(one: Recommender) -> float:
        pairs = zip(_scores(one), _scores(teacher), strict=True)
        return float(np.mean([np.corrcoef(mine, theirs)[0, 1] for mine, theirs in pairs]))

    assert likeness(student) > likeness(alone)


def test_what_cannot_be_done_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(HeedmapError, match="Nothing is to be made smaller"):
        finish(compress(run, tmp_path / "none", Wanted()))
    with pytest.raises(HeedmapError, match="already"):
        finish(compress(run, run, Wanted(int8_vectors=True)))
