"""A new user's first hour, as a program: see `tests/acceptance/walk.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_a_new_user_imports_trains_finds_why_edits_compares_exports_and_comes_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.walk", str(tmp_path / "pictures")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "pictures").glob("*-reopened.png"))) == 1
