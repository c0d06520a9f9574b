"""The frame holds: pins cover what is asked for, the window loads no learning library, nothing opens a socket."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest

from tests.conftest import REFUSAL, ROOT


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _pins() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {_name(name): version for name, version in pairs}


def test_every_package_that_is_installed_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    pins = _pins()
    missing, seen = set(), set()
    while asked:
        name = _name(asked.pop())
        if name in seen:
            continue
        seen.add(name)
        if name not in pins:
            missing.add(name)
            continue
        # Markers (another system, an extra, an older Python) are for packages that are not installed here.
        asked += [r for r in requires(name) or [] if ";" not in r]
    assert not missing


def test_no_pin_names_a_build_of_one_machine() -> None:
    assert not {version for version in _pins().values() if "+" in version or "/" in version}


def _python(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
    ],
)
def test_the_tests_processes_can_reach_no_network(code: str) -> None:
    done = _python(code)
    assert done.returncode != 0
    assert REFUSAL in done.stderr


COMMANDS = """
import sys
from pathlib import Path
from engine.cli import main

folder = Path(sys.argv[1])
dataset, run = str(folder / "sample"), str(folder / "run")
for command in (
    ["sample", dataset, "--items", "48", "--shoppers", "60"],
    ["train", dataset, "--run", run, "--set", "epochs=1", "--set", "device=cpu"],
    ["recommend", run, "--json"],
    ["explain", run, "--out", str(folder / "explanation.html")],
):
    code = main(command)
    if code:
        sys.exit(code)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder with a small sample, a short training and an explanation; and how the command line made them."""
    folder = tmp_path_factory.mktemp("made")
    return folder, _python(COMMANDS, folder)


@pytest.mark.slow
def test_from_the_sample_to_an_explanation_no_socket_is_opened(
    made: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = made
    assert done.returncode == 0, done.stderr
    assert REFUSAL not in done.stderr
    page = (folder / "explanation.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from app.settings import Settings
from app.start import make_application, make_window

application = make_application()
window = make_window(Settings(), Path(sys.argv[1]), str(Path(sys.argv[1]) / "run"))
window.session.explanation_changed.connect(lambda explanation: explanation and application.quit())
QTimer.singleShot(120_000, application.quit)
window.show()
application.exec()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
explained = window.session.explanation is not None
window.close()
sys.exit(0 if explained else "the window explained nothing")
"""
HEAVY = {"torch", "torchvision", "transformers", "pandas", "duckdb", "pyarrow", "captum", "safetensors", "scipy"}


@pytest.mark.slow
def test_a_window_that_explains_has_loaded_no_learning_library_and_opened_no_socket(
    made: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    done = _python(WINDOW, made[0])
    assert done.returncode == 0, done.stderr
    logs = [log.read_text(encoding="utf-8") for log in Path(os.environ["XDG_STATE_HOME"]).rglob("*.log*")]
    assert REFUSAL not in "\n".join([done.stderr, *logs])
    loaded = set(done.stdout.split())
    assert "app" in loaded
    assert not HEAVY & loaded


READING = """
import sys
from engine.desk import Desk
from engine.jobs import finish

desk, run = Desk(), sys.argv[1]
shopper = finish(desk.job("open_run", {"run": run})).shoppers.user[0]
best = finish(desk.job("rank", {"run": run, "user": shopper})).items[0]
finish(desk.job("explain", {"run": run, "user": shopper, "item": best.item}))
print(*sys.modules)
"""
SLOW_TO_LOAD = {"pandas", "scipy.sparse", "scipy.linalg", "scipy.stats", "torchvision", "transformers", "peft"}


@pytest.mark.slow
def test_the_first_explanation_waits_for_no_library_that_it_does_not_need(
    made: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    done = _python(READING, made[0] / "run")
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "torch" in loaded
    assert not SLOW_TO_LOAD & loaded
