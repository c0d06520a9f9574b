"""What the Train view shows of a run comes from the run's own files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.desk import Desk
from engine.errors import HeedmapError
from engine.jobs import finish


def test_a_runs_card_and_its_row_tell_its_settings_course_and_figures(trained: Callable[..., Path]) -> None:
    run, desk = trained(modalities="attribute"), Desk()
    card = finish(desk.job("run_card", {"run": str(run)}))
    assert card.settings["dim"] == 16
    assert card.row.name == run.name
    assert [row["epoch"] for row in card.rows] == [1.0, 2.0]
    assert card.metrics["test ndcg@10"] == card.row.ndcg
    assert (card.encoders, card.evaluations, card.synthetic) == ({}, {}, True)
    found = finish(desk.job("evaluate", {"run": str(run), "baselines": ["popularity"]}))
    card = finish(desk.job("run_card", {"run": str(run)}))
    assert card.evaluations["test"]["model"] == found["model"]
    assert card.row.low <= card.row.ndcg <= card.row.high
    assert card.row.verdict == found["verdict"] != ""
    rows = finish(desk.job("run_rows", {"workspace": str(run.parent)}))
    assert card.row in rows
    with pytest.raises(HeedmapError, match="is missing"):
        finish(desk.job("run_card", {"run": str(run.parent / "never")}))
