"""A new user's first hour, as a program: see `tests/acceptance/walk.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.timeout(900)  # a minute on two free cores, many where trainings give way to everything else
def test_a_new_user_imports_trains_finds_why_edits_compares_exports_and_comes_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.walk", str(tmp_path / "pictures")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=880,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "pictures").glob("*-reopened.png"))) == 1
