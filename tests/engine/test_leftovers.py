"""One process writes a folder at a time, and what a killed one leaves is removed when nobody can be at it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.files import atomic
from engine.held import held, lock_file
from engine.leftovers import DAY, scratch_folder, sweep
from engine.training.config import Config
from engine.training.loop import train
from tests.conftest import ROOT

HOLD = """
import sys
from pathlib import Path
from engine.held import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `folder`; killed at the end."""
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def age(path: Path, seconds: float = 2 * DAY) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def test_a_folder_is_held_by_one_process_and_free_when_it_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "first"
    with held_elsewhere(folder):
        with pytest.raises(HeedmapError, match="is being written by another Heedmap"), held(folder):
            pass
        with held(tmp_path / "runs" / "second"):
            pass
    assert lock_file(folder).exists()  # a killed process takes nothing away
    with held(folder), pytest.raises(HeedmapError), held(folder):
        pass
    assert list((tmp_path / "runs").iterdir()) == []


def test_two_trainings_into_one_run_and_two_imports_into_one_folder_are_refused(tmp_path: Path) -> None:
    run, dataset = tmp_path / "run", tmp_path / "shop"
    with held_elsewhere(run), pytest.raises(HeedmapError, match="another Heedmap"):
        next(train(dataset, run, Config()))
    writer = DatasetWriter(dataset, name="shop", domain="shop", source="tests", licence="none")
    with held_elsewhere(dataset), pytest.raises(HeedmapError, match="another Heedmap"), writer:
        pass
    assert not (tmp_path / ".shop.partial").exists()
    with writer:
        assert (tmp_path / ".shop.partial").is_dir()
        writer.add("items", {"item": "1", "title": "Cap"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run.lock", "shop"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    sessions, run = tmp_path / "sessions", tmp_path / "runs" / "first"
    run.mkdir(parents=True)
    with atomic(sessions / "window.json") as old, atomic(run / "last.safetensors") as fresh:
        age(old)
        mine = tmp_path / "datasets" / ".notes.mine"
        mine.parent.mkdir()
        mine.write_text("the user's own")
        age(mine)
        kept = sessions / "window.json"
        kept.write_text("{}")
        age(kept)
        assert sweep(tmp_path) == [old]
        assert fresh.exists()
        assert mine.exists()
        assert kept.exists()
        old.touch()  # so that the block can end


def test_a_half_written_dataset_is_removed_once_nobody_writes_it(tmp_path: Path) -> None:
    datasets = tmp_path / "datasets"
    partial = datasets / ".shop.partial"
    (partial / "media").mkdir(parents=True)
    with held_elsewhere(datasets / "shop"):
        assert sweep(tmp_path) == []
    removed = sweep(tmp_path)
    assert partial in removed
    assert list(datasets.iterdir()) == []


def test_scratch_folders_of_dead_processes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    other = subprocess.Popen([sys.executable, "-c", ""])
    other.wait()
    dead, living, strange = (tmp_path / f"heedmap-{name}-abc" for name in (other.pid, os.getppid(), "report"))
    for folder in (dead, living, strange):
        folder.mkdir()
    with scratch_folder() as name:
        assert Path(name).is_dir()
        assert not dead.exists()
        assert living.exists()
        assert strange.exists()


def test_a_scratch_folder_goes_with_its_process_without_a_warning() -> None:
    code = "from engine.leftovers import scratch_folder\nprint(scratch_folder().name)\nkept = scratch_folder()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert not Path(done.stdout.strip()).exists()
