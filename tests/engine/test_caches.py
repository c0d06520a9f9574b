"""What torch keeps lies among the user's caches, not in the folder of temporary files."""

import os
from pathlib import Path

import pytest

from engine.runner import keep_caches_at_home

NAME = "TORCHINDUCTOR_CACHE_DIR"


def test_torchs_folder_is_among_the_users_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name, appauthor: str(tmp_path / name))
    monkeypatch.setenv(NAME, "")
    monkeypatch.delenv(NAME)
    keep_caches_at_home()
    assert Path(os.environ[NAME]) == tmp_path / "heedmap" / "torch"
    assert Path(os.environ[NAME]).is_dir()


def test_a_choice_of_the_user_and_a_home_that_cannot_be_written_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name, appauthor: str(tmp_path / "file" / name))
    monkeypatch.setenv(NAME, "chosen")
    keep_caches_at_home()
    assert os.environ[NAME] == "chosen"
    monkeypatch.delenv(NAME)
    keep_caches_at_home()
    assert NAME not in os.environ
