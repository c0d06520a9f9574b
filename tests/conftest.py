"""What every test gets: no display, no network, the data folders, and a check that nothing is left running."""

from __future__ import annotations

import gc
import multiprocessing
import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Before anything that a test imports can read them.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    OMP_NUM_THREADS="1",
    OMP_WAIT_POLICY="PASSIVE",
    TOKENIZERS_PARALLELISM="false",
)

import psutil  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).resolve().parent.parent
OFFLINE = ROOT / "tests" / "offline"

# No socket here, nor in the engine processes that tests start.
REFUSAL: str = runpy.run_path(str(OFFLINE / "sitecustomize.py"))["REFUSAL"]
os.environ["PYTHONPATH"] = str(OFFLINE)
PATIENCE_SECONDS = 5.0


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> None:
    """Engine processes inherit this by OMP_NUM_THREADS; here torch may have been imported by a plugin already."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings and workspaces of the person who runs the tests are neither read nor written."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name.lower()))
        patch.setenv("HEEDMAP_WORKSPACE", str(home / "workspace"))
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data sets beside the repository; a test that wants it is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data sets are not beside the repository")
    return folder


def _children() -> list[psutil.Process]:
    # Python's own resource tracker serves the whole session.
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "resource_tracker" not in " ".join(_command(child))
    ]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return []


def _qt_left() -> list[Any]:
    """Windows that are open, and timers that tick and Qt threads that run of those made since `gc.freeze`."""
    core, widgets = sys.modules.get("PySide6.QtCore"), sys.modules.get("PySide6.QtWidgets")
    if core is None or core.QCoreApplication.instance() is None:
        return []
    core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)
    gc.collect()
    shiboken = sys.modules["shiboken6"]
    left: list[Any] = []
    for one in gc.get_objects():
        runs = (issubclass(type(one), core.QTimer) and shiboken.isValid(one) and one.isActive()) or (
            issubclass(type(one), core.QThread) and shiboken.isValid(one) and one.isRunning()
        )
        if runs:
            left.append(one)
    if widgets is not None and isinstance(core.QCoreApplication.instance(), widgets.QApplication):
        left += [
            widget
            for widget in widgets.QApplication.topLevelWidgets()
            if widget.parent() is None and not widget.inherits("QTipLabel")
        ]
    return left


def _wait(what: Callable[[], list[Any]]) -> list[Any]:
    """What is still there once everything that was about to end has had its chance."""
    for thread in what():
        thread.join(PATIENCE_SECONDS)
    return what()


@pytest.fixture(autouse=True)
def nothing_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test ends with its threads, child processes, timers and windows ended."""
    threads = set(threading.enumerate())
    children = {child.pid for child in _children()}
    draws = "qapp" in request.fixturenames
    if draws:
        gc.freeze()  # what is there already need not be looked through: with torch loaded that takes a second each time
    qt = {id(one) for one in _qt_left()} if draws else set()
    yield

    def threads_left() -> list[threading.Thread]:
        # tqdm's watcher and library pools are daemons that sleep; a thread of ours is not one.
        return [t for t in threading.enumerate() if t not in threads and not t.daemon]

    left: list[Any] = _wait(threads_left)
    multiprocessing.active_children()  # collects those that have ended
    _, alive = psutil.wait_procs([child for child in _children() if child.pid not in children], PATIENCE_SECONDS)
    left += [f"process {child.pid}: {' '.join(_command(child))}" for child in alive]
    left += [one for one in _qt_left() if id(one) not in qt] if draws else []
    assert not left, f"{request.node.name} left behind: {left}"
