"""What a system may withhold ends in a sentence or an answer: what `tests.bench.circumstances` does without root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def say(*words: str, shell: str = "", env: Mapping[str, str | None] = {}) -> tuple[int, str]:
    """Run the program; its exit code and what it said."""
    given = {name: value for name, value in {**os.environ, **env}.items() if value is not None}
    command = [sys.executable, "-m", "app", *words]
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "bash", *command]
    done = subprocess.run(command, env=given, capture_output=True, timeout=120, cwd=ROOT)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "Traceback" not in said, said
    return done.returncode, said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a screen is named otherwise there")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"QT_QPA_PLATFORM": None, "DISPLAY": None, "WAYLAND_DISPLAY": None}, "there is no screen"),
        ({"QT_QPA_PLATFORM": "nonsense"}, "QT_QPA_PLATFORM=nonsense is no way to show a window here"),
    ],
)
def test_without_a_screen_there_is_a_sentence(changes: dict[str, str | None], sentence: str, tmp_path: Path) -> None:
    code, said = say("--workspace", str(tmp_path), env=changes)
    assert code == 2
    assert f"heedmap: {sentence}" in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_an_answer_that_cannot_be_written_is_a_sentence() -> None:
    code, said = say("methods", shell="> /dev/full")
    assert code == 2
    assert "The disk is full: the answer could not be written." in said


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-"])
def test_closed_streams_are_borne(closed: str) -> None:
    assert say("methods", "--json", shell=closed)[0] == 0


def test_letters_that_a_terminal_lacks_are_spelled_out(tmp_path: Path) -> None:
    folder = tmp_path / "家 目录" / "runs"
    code, said = say("runs", str(folder), env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert code == 2
    assert "There is no folder" in said
    assert say("methods", env={"LC_ALL": "xx_YY.bogus", "LANG": "xx_YY.bogus"})[0] == 0


def test_a_user_without_a_home_is_given_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that the system does not know, with no HOME: nothing is written into the folder that one is in."""
    from app.surroundings import give_home

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    give_home()
    home = Path(os.environ["HOME"])
    assert home.parent == tmp_path
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_write_that_numpy_cuts_short_is_a_full_disk_or_a_limit(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    script = (
        "import resource, sys, numpy\nfrom pathlib import Path\nfrom engine.files import atomic\n"
        "from engine.errors import HeedmapError\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (65536, {resource.RLIM_INFINITY}))\n"
        "try:\n    with atomic(Path(sys.argv[1])) as place, place.open('wb') as file:\n"
        "        numpy.save(file, numpy.ones(100_000))\n"
        "except HeedmapError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.npy")], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert "is larger than a file may be here" in done.stdout or "The disk is full" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []
