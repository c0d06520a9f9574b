"""Kill a training as hard as can be, start again, and get the numbers of one that was never stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from engine.files import read_json
from engine.training.checkpoint import load_tensors
from tests.engine.conftest import TINY, make_tiny_shop

SETTINGS = [word for name, value in {**TINY, "epochs": 6}.items() for word in ("--set", f"{name}={value}")]


def _command(dataset: Path, run: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "app", "train", str(dataset), "--run", str(run), *more]


def test_a_killed_training_resumes_to_the_same_numbers(tmp_path: Path) -> None:
    dataset = make_tiny_shop(tmp_path / "shop")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(_command(dataset, whole, *SETTINGS), check=True, capture_output=True, timeout=300)

    process = subprocess.Popen(_command(dataset, killed, *SETTINGS), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process, process.stderr as said:
        assert any(line.startswith("epoch   2") for line in said), "the second epoch never ended"
        process.kill()
    assert read_json(killed / "run.json")["state"] == "running"
    load_tensors(killed / "last.safetensors")  # whole, whatever was being written

    again = subprocess.run(
        _command(dataset, killed, "--resume"), check=True, capture_output=True, text=True, timeout=300
    )
    assert "Encoding" not in again.stderr
    expected, found = load_tensors(whole / "last.safetensors")[0], load_tensors(killed / "last.safetensors")[0]
    assert all(np.array_equal(expected[name].numpy(), found[name].numpy()) for name in expected)
    assert read_json(killed / "run.json")["metrics"] == read_json(whole / "run.json")["metrics"]
