"""How the window starts: an engine that loads beside it, and a first frame that waits for nothing it does not show."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from PySide6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from app import ahead
from app.__main__ import main
from app.engine_thread import EngineLane
from app.main_window import MainWindow
from engine.process import EngineProcess, Setup
from tests.conftest import ROOT

DESK = "tests.app.early_desk:EarlyDesk"
WAIT = 30_000


def test_modules_named_ahead_load_before_a_job_needs_them_and_one_that_is_missing_harms_nothing(
    qtbot: QtBot, tmp_path: Path
) -> None:
    lane = EngineLane(Setup(DESK, log=str(tmp_path), ahead=("there_is_no_such_module", "wave")))
    with qtbot.waitSignal(lane.finished, timeout=WAIT) as caught:
        lane.submit("loaded", module="wave")
    assert caught.args == [1, "wave"]
    lane.stop()


def test_a_lane_goes_on_with_an_engine_that_was_started_before_it_and_ends_it(qtbot: QtBot, tmp_path: Path) -> None:
    engine = EngineProcess(Setup(DESK, log=str(tmp_path)))
    engine.start()
    first = engine.pid
    assert first is not None
    lane = EngineLane(Setup(DESK, log=str(tmp_path)), engine=engine)
    with qtbot.waitSignal(lane.finished, timeout=WAIT) as caught:
        lane.submit("process")
    assert caught.args == [1, first]
    lane.stop()
    assert not psutil.pid_exists(first)


def test_the_window_is_given_an_engine_that_started_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    class Recorded:
        def __init__(self, setup: Setup) -> None:
            self.setup = setup

        def start(self) -> None:
            started.append(self)

    given: list[Any] = []

    def start(*_: Any, engine: Any, **__: Any) -> int:
        given.append(engine)
        return 0

    monkeypatch.setattr(ahead, "EngineProcess", Recorded)
    monkeypatch.setattr("app.start.start", start)
    assert main([]) == 0
    assert given == started
    assert given[0].setup == ahead.interactive()
    assert main(["--in-process"]) == 0
    assert given[1] is None


FRAME = """
import sys
from pathlib import Path
from PySide6.QtCore import QEvent, QObject
from app.settings import Settings
from app.start import make_application, make_window

application = make_application()
window = make_window(Settings(), Path(sys.argv[1]))
painted = []

class Eye(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            painted.append(watched)
        return False

def begin():
    print(len(painted), *sys.modules)
    application.quit()

eye = Eye()
window.top.installEventFilter(eye)
window.begin = begin
window.show()
application.exec()
window.close()
"""


def test_the_first_frame_is_painted_before_views_are_made_and_arrays_are_loaded(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRAME, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    painted, *loaded = done.stdout.split()
    assert int(painted) > 0
    assert "app.main_window" in loaded
    assert not {"numpy", "pyqtgraph", "torch", "app.views.explore", "app.views.welcome"} & set(loaded)


def test_the_menu_has_its_icons_when_it_is_opened(open_window: Callable[..., MainWindow], qtbot: QtBot) -> None:
    menu = open_window().rail.more.menu()
    with qtbot.waitExposed(menu):
        menu.popup(QPoint(0, 0))
    drawn = [action.text() for action in menu.actions() if not action.icon().isNull()]
    assert len(drawn) > 10
    menu.close()
