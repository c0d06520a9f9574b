"""Maps against the truth: figures worked by hand, and a perfect map scores as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.dataset.sample import load_truth, sample
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.faithfulness.planted import calibrate, labels_of, roc_auc, scored
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from tests.engine.conftest import TINY


def test_auc_is_the_chance_of_ranking_a_true_one_higher() -> None:
    values, true = np.array([3.0, 1.0, 2.0, 2.0]), np.array([True, False, True, False])
    pairs = [(3 > 1) + 0.0, 1.0, 1.0, 0.5]  # 3>1, 3>2, 2>1, 2=2
    assert roc_auc(values, true) == pytest.approx(np.mean(pairs))


def test_figures_of_a_map_worked_by_hand() -> None:
    labels = {
        "is cells": np.array([1, 1, 1, 1, 0, 0, 0, 0], bool),
        "cells": np.array([1, 1, 0, 0, 0, 0, 0, 0], bool),
        "is words": np.array([0, 0, 0, 0, 1, 1, 0, 0], bool),
        "words": np.array([0, 0, 0, 0, 0, 1, 0, 0], bool),
        "is attributes": np.array([0, 0, 0, 0, 0, 0, 1, 1], bool),
        "attributes": np.array([0, 0, 0, 0, 0, 0, 1, 0], bool),
        "past": np.array([1, 0, 1], bool),
    }
    share = np.array([0.9, 0.1, 0.5, 0.0, 0.2, 0.7, -1.0, 0.3])
    found = scored(labels, share, np.array([0.3, 0.9, 0.5]))
    assert found["pointing"] == 1.0
    assert found["region_auc"] == pytest.approx(0.75)
    assert found["region_iou"] == pytest.approx(1 / 3)  # one of two found, one wrong
    assert found["word_auc"] == 1.0
    assert found["attributes"] == 0.0
    assert found["past"] == 0.5
    assert "past" not in scored(labels, share, None)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    folder = tmp_path_factory.mktemp("planted")
    finish(sample(folder / "sample", items=40, shoppers=60))
    run = finish(train(folder / "sample", folder / "run", Config.from_settings({**TINY, "epochs": 1})))
    recommender: Recommender = finish(Recommender.open(run, device="cpu"))
    return recommender


def test_labels_are_the_truth_and_a_map_of_them_is_perfect(planted: Recommender) -> None:
    truth = load_truth(planted.dataset.folder)
    seen: set[str] = set()
    answers = truth.tastes[["user", "preference", "value"]].merge(truth.holders, on=["preference", "value"])
    for user, item in answers[["user", "item"]].iloc[::7].head(80).itertuples(index=False):
        case = Case(planted, user, item)
        labels = labels_of(case, truth)
        for field, start, end in truth.of(user, item)["words"][["field", "start", "end"]].itertuples(index=False):
            texts = {one.field: one for one in planted.item_texts(case.item) if one.heeded}
            marked = "".join(t.label for t, on in zip(case.shown.tokens, labels["words"], strict=True) if on)
            if field in texts and labels["words"].any():
                assert any(part in marked for part in texts[field].text[start:end].split())
        perfect = (labels["cells"] | labels["words"] | labels["attributes"]).astype(float)
        found = scored(labels, perfect, labels["past"].astype(float))
        assert all(value == 1.0 for value in found.values()), found
        seen |= set(found)
    assert {"pointing", "region_auc", "word_auc", "attributes", "past"} <= seen


def test_the_table_is_kept_with_the_run(planted: Recommender, opened: Any) -> None:
    table = finish(calibrate(planted, ("contribution", "attention"), 6, 1))
    assert set(table["methods"]) == {"contribution", "attention", "leave-one-out", "random"}
    for row in table["methods"].values():
        assert all(0 <= one["low"] <= one["mean"] <= one["high"] <= 1 for one in row.values())
    assert (Path(planted.folder) / "calibration.json").is_file()
    with pytest.raises(HeedmapError, match="no planted truth"):
        finish(calibrate(opened(), ("contribution",), 2, 1))
