"""Use of the real window over a real run: at random (`tests.bench.monkey` does it 2,000 times) and by keys alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.jobs import finish
from engine.training.config import Config
from engine.training.loop import train
from tests.conftest import ROOT
from tests.engine.conftest import TINY, make_tiny_shop


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    shop = make_tiny_shop(folder / "datasets" / "tiny")
    settings = Config.from_settings({**TINY, "checkpoints": "every"})
    return Path(finish(train(shop, folder / "runs" / "one", settings)))


def program(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_random_use_leaves_no_fault_thread_or_process_and_exits_clean(run: Path) -> None:
    done = program("tests.bench.monkey", str(run), "--actions", "250", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "250 actions" in done.stdout


def test_the_main_path_and_every_control_are_reached_by_keys_and_named(run: Path, tmp_path: Path) -> None:
    done = program("tests.acceptance.keyboard", str(run), str(tmp_path / "tree.txt"), "--only", "views")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "== whatif" in (tmp_path / "tree.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("language", "theme", "scale", "said"), [("en", "light", "1", "Export"), ("zh_CN", "contrast", "2", "导出")]
)
def test_every_dialog_is_gone_through_and_left_by_keys_alone(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, theme: str, scale: str, said: str
) -> None:
    monkeypatch.setenv("QT_SCALE_FACTOR", scale)
    words = ("--only", "dialogs", "--language", language, "--theme", theme)
    done = program("tests.acceptance.keyboard", str(run), str(tmp_path / "tree.txt"), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in (tmp_path / "tree.txt").read_text(encoding="utf-8")
