"""Where files lie, as it is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.files import way


def test_the_way_to_a_dataset_holds_on_every_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, dataset = tmp_path / "runs" / "one", tmp_path / "datasets" / "shop"
    assert way(run, dataset) == "../../datasets/shop"

    def other_drive(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("os.path.relpath", other_drive)
    assert (run / way(run, dataset)).resolve() == dataset.resolve()
