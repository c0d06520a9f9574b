"""Random use of the real window over a real run, briefly; `tests.bench.monkey` does it 2,000 times and for an hour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.jobs import finish
from engine.training.config import Config
from engine.training.loop import train
from tests.conftest import ROOT
from tests.engine.conftest import TINY, make_tiny_shop


def test_random_use_leaves_no_fault_thread_or_process_and_exits_clean(tmp_path: Path) -> None:
    shop = make_tiny_shop(tmp_path / "datasets" / "tiny")
    run = finish(train(shop, tmp_path / "runs" / "one", Config.from_settings({**TINY, "checkpoints": "every"})))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.bench.monkey", str(run), "--actions", "250", "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "250 actions" in done.stdout
