"""What the user arranged: it comes back after a restart, after a crash, and in a workspace that was moved."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import ThemeSource
from engine.explain.types import Token
from engine.scenario import ItemEdit, PastEdit, Scenario
from engine.workspace import create

Open = Callable[..., MainWindow]


@pytest.fixture
def workspace(shop: Path) -> Path:
    """A workspace whose run the fake engine opens."""
    folder = shop.parent.parent
    create(folder)
    (shop / "weighted-01").mkdir()
    (shop / "weighted-01" / "run.json").write_text("{}")
    return folder


@pytest.fixture
def open_window(qtbot: QtBot, engine: Any, workspace: Path) -> Iterator[Open]:
    languages = LanguageSource("en")
    windows: list[MainWindow] = []

    def make(folder: Path = workspace, lane: Any = None, run: str = "") -> MainWindow:
        lane = lane or engine
        window = MainWindow(
            lane, type(lane)(lane.folder), themes=ThemeSource("light"), languages=languages,
            settings=Settings(theme="light"), workspace=folder, run=run, keep=True,
        )  # fmt: skip
        windows.append(window)
        with qtbot.waitSignals([window.ready, window.workspace.changed], timeout=20_000):
            window.show()
        session = window.session
        qtbot.waitUntil(lambda: session.explanation is not None and not session.coming_back, timeout=20_000)
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()
    languages.remove()
    QApplication.processEvents()


def place(workspace: Path) -> Path:
    return workspace / "sessions" / "window.json"


def arranged(qtbot: QtBot, window: MainWindow, workspace: Path) -> Scenario:
    """Choose, edit and brush; the scenario that is then in force."""
    session = window.session
    session.choose_user("u7")
    qtbot.waitUntil(lambda: session.idle)
    session.choose_item("i12")
    session.choose_method("attention")
    session.choose_head(2)
    dropped = ItemEdit("i12", dropped=(Token("text", "packable", "description", (15, 23)),))
    session.change(Scenario().with_edit(dropped), "Remove 1 word")
    photo = ItemEdit("i12", dropped.dropped, photo=str(workspace / "scenarios" / "photos" / "x.png"))
    session.change(session.scenario.with_edit(photo), "Another photo")
    session.change(session.scenario.with_past(PastEdit("u7", removed=("i1",))), "Forget a purchase")
    session.undo.undo()
    qtbot.waitUntil(lambda: session.idle)
    session.brush_over(frozenset({1, 3}))
    return session.scenario


def test_everything_comes_back_after_a_restart(open_window: Open, qtbot: QtBot, workspace: Path) -> None:
    window = open_window()
    scenario = arranged(qtbot, window, workspace)
    window.show_view("train")
    window.resize(960, 701)
    window.close()
    again = open_window()
    session = again.session
    assert (session.user, session.item, session.method, session.head) == ("u7", "i12", "attention", 2)
    assert session.brush == {1, 3}
    assert session.scenario == scenario
    assert [step.text for step in session.steps()[0]] == ["Remove 1 word", "Another photo", "Forget a purchase"]
    assert session.undo.undoText() == "Another photo"
    assert (again.current, again.height()) == ("train", 701)
    session.undo.redo()
    assert session.scenario.past_of("u7").removed == ("i1",)
    session.undo.setIndex(0)
    assert session.scenario == Scenario()
    assert not again.remark.isVisible()
    assert again.comeback is None


def test_of_a_long_what_if_the_last_steps_are_kept(open_window: Open, qtbot: QtBot, workspace: Path) -> None:
    window = open_window()
    session = window.session
    words = tuple(Token("text", f"word {number}", "description", (number, number + 1)) for number in range(40))
    for count in range(1, 41):  # 820 changes in all
        edit = ItemEdit(session.item, dropped=words[:count])
        session.change(session.scenario.with_edit(edit), f"step {count}")
    for count in range(1, 41):
        edit = ItemEdit("i50", dropped=words[:count])
        session.change(session.scenario.with_edit(edit), f"more {count}")
    scenario = session.scenario
    qtbot.waitUntil(lambda: session.idle)
    window.close()
    assert place(workspace).stat().st_size < 1_000_000
    again = open_window().session
    assert again.scenario == scenario
    kept = [step.text for step in again.steps()[0]]
    assert kept == [f"more {count}" for count in range(41 - len(kept), 41)]
    assert 5 < len(kept) < 40
    again.undo.setIndex(0)
    assert len(again.scenario.edit_of("i50").dropped) == 40 - len(kept)


def test_the_engine_is_asked_for_what_comes_back_and_nothing_else(
    open_window: Open, qtbot: QtBot, workspace: Path, engine: Any
) -> None:
    window = open_window()
    arranged(qtbot, window, workspace)
    window.close()
    before = len(engine.asked)
    open_window()
    asked = [(name, arguments.get("user"), arguments.get("item")) for _, name, arguments in engine.asked[before:]]
    assert asked.count(("explain", "u7", "i12")) == 1
    assert [one for one in asked if one[0] == "explain" and one[1:] != ("u7", "i12")] == []
    assert {user for name, user, _ in asked if name == "rank"} == {"u7"}


def test_views_are_arranged_again_when_they_are_made(
    open_window: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.views.train import TrainView

    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(TrainView, "state", lambda self: {"column": 3})
    monkeypatch.setattr(TrainView, "restore", lambda self, state: kept.append(dict(state)))
    window = open_window()
    window.show_view("train")
    window.show_view("explore")
    window.close()
    again = open_window()
    again.close()  # never made: what is known of it stays
    last = open_window()
    assert kept == []
    last.show_view("train")
    assert kept == [{"column": 3}]


def test_a_view_that_was_not_shown_keeps_what_was_known_of_it(open_window: Open, qtbot: QtBot, workspace: Path) -> None:
    """Explore is made at the start; without ever being in front it has no sizes that anybody gave it."""
    window = open_window()
    explore = window.views["explore"]
    window.state.save()
    window.show_view("train")
    left = explore.state()
    window.close()
    again = open_window()
    assert again.current == "train"
    again.close()
    assert json.loads(place(workspace).read_text())["views"]["explore"] == left


def test_a_workspace_that_was_moved_opens_with_everything(
    open_window: Open, qtbot: QtBot, workspace: Path, tmp_path: Path, engine: Any
) -> None:
    window = open_window()
    arranged(qtbot, window, workspace)
    window.close()
    assert str(workspace) not in place(workspace).read_text()
    moved = tmp_path / "elsewhere" / "my shop"
    shutil.move(workspace, moved)
    lane = type(engine)(moved / "datasets" / "made-up")
    session = open_window(moved, lane).session
    assert session.run is not None
    assert Path(session.run.folder) == moved / "datasets" / "made-up" / "weighted-01"
    assert (session.user, session.item, sorted(session.brush)) == ("u7", "i12", [1, 3])
    assert session.scenario.edit_of("i12").photo == str(moved / "scenarios" / "photos" / "x.png")


@pytest.mark.parametrize("content", ['{"version": 1, "user": ', "[]", '{"version": "x"}', "\udcff"])
def test_a_damaged_file_is_put_aside_and_said(open_window: Open, workspace: Path, content: str) -> None:
    place(workspace).parent.mkdir()
    place(workspace).write_bytes(content.encode("utf-8", "surrogateescape"))
    window = open_window()
    aside = [path for path in place(workspace).parent.iterdir() if "damaged" in path.name]
    assert [path.read_bytes() for path in aside] == [content.encode("utf-8", "surrogateescape")]
    assert window.banner.isVisible()
    assert "starts anew" in window.banner.message
    window.close()
    assert json.loads(place(workspace).read_text())["open"] is False


def test_odd_values_in_the_file_are_left_out(open_window: Open, workspace: Path) -> None:
    place(workspace).parent.mkdir()
    odd = {
        "version": 1, "geometry": 3, "view": "nowhere", "recent": [1, ["a"]],
        "run": "<workspace>/datasets/made-up/weighted-01",
        "user": "nobody", "item": ["x"], "method": "gone", "head": "a", "brush": ["b", 10**9], "base": {}, "steps": 4,
        "views": {"explore": 5, "train": {"zzz": 1}},
    }  # fmt: skip
    place(workspace).write_text(json.dumps(odd))
    window = open_window()
    assert (window.session.user, window.session.method, window.current) == ("u0", "contribution", "explore")
    assert window.session.brush == frozenset()


def test_a_file_of_a_newer_version_is_left_alone(open_window: Open, qtbot: QtBot, workspace: Path) -> None:
    place(workspace).parent.mkdir()
    place(workspace).write_text('{"version": 99, "tomorrow": true}')
    window = open_window()
    assert "newer Heedmap" in window.remark.message
    arranged(qtbot, window, workspace)
    window.close()
    assert place(workspace).read_text() == '{"version": 99, "tomorrow": true}'


def test_a_second_window_of_a_workspace_leaves_the_first_ones_file(
    open_window: Open, qtbot: QtBot, workspace: Path
) -> None:
    first = open_window()
    second = open_window()
    assert "another window" in second.remark.message
    second.session.choose_user("u9")
    second.close()
    first.session.choose_user("u4")
    qtbot.waitUntil(lambda: first.session.idle)
    first.close()
    assert json.loads(place(workspace).read_text())["user"] == "u4"


def test_a_place_that_cannot_be_written_is_told_once(open_window: Open, qtbot: QtBot, workspace: Path) -> None:
    (workspace / "sessions").write_text("in the way")
    window = open_window()
    qtbot.waitUntil(lambda: window.banner.isVisible())
    assert "could not be saved" in window.banner.message
    window.banner.hide()
    window.session.choose_user("u3")
    window.state.save()
    qtbot.waitUntil(lambda: window.session.idle)
    window.close()
    assert not window.banner.isVisible()


def test_a_run_outside_a_workspace_is_looked_at_and_left(open_window: Open, tmp_path: Path, engine: Any) -> None:
    lonely = tmp_path / "lonely"
    window = open_window(lonely, run=str(engine.folder / "weighted-01"))
    window.close()
    assert not (lonely / "sessions").exists()


def test_what_was_found_lately_stands_first_in_the_palette(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    field = window.top.palette_field
    window.activateWindow()
    window.focus_search()
    qtbot.keyClicks(field, "backpack 10")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    window.focus_search()
    qtbot.keyClicks(field, "read the work")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    window.close()
    again = open_window()
    again.activateWindow()
    again.focus_search()
    answers = again.top.palette_field.answers
    assert [one.text for one in answers[:2]] == ["Read the workspace again", "Canvas backpack 10, purple"]
    assert [one.text for one in answers].count("Read the workspace again") == 1


def test_the_arrangement_survives_a_change_of_language(open_window: Open, qtbot: QtBot, monkeypatch: Any) -> None:
    from app.views.train import TrainView

    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(TrainView, "state", lambda self: {"column": 4})
    monkeypatch.setattr(TrainView, "restore", lambda self, state: kept.append(dict(state)))
    window = open_window()
    with qtbot.waitSignal(window.session.log_read):
        window.show_view("train")
    with qtbot.waitSignal(window.session.log_read):
        window.choose_language("zh_CN")
    assert kept == [{"column": 4}]


KILLED = """
    import sys
    from pathlib import Path
    from PySide6.QtCore import QTimer
    from app.settings import Settings
    from app.start import make_application
    from app.i18n import LanguageSource
    from app.main_window import MainWindow
    from app.theme import ThemeSource
    from tests.app.conftest import FakeEngine

    application = make_application()
    shop = Path(sys.argv[1]) / "datasets" / "made-up"
    window = MainWindow(
        FakeEngine(shop), FakeEngine(shop), themes=ThemeSource("light"), languages=LanguageSource("en"),
        settings=Settings(theme="light"), workspace=Path(sys.argv[1]), keep=True,
    )
    window.show()
    number = 0

    def step():
        global number
        if window.session.explanation is not None and window.session.idle:
            number = (number + 1) % 25
            window.session.choose_user(f"u{number}")
            print(number, flush=True)

    timer = QTimer(interval=150)
    timer.timeout.connect(step)
    timer.start()
    application.exec()
"""


def test_a_window_that_is_killed_loses_no_more_than_its_last_second(
    open_window: Open, workspace: Path, qtbot: QtBot
) -> None:
    """Killed at two different moments while it is used: the file is whole, and at most a second old."""
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    for lines in (14, 19):
        seen: list[tuple[float, int]] = []
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(workspace)], stdout=subprocess.PIPE, text=True, env=env
        ) as window:
            assert window.stdout is not None
            while len(seen) < lines:
                seen.append((time.monotonic(), int(window.stdout.readline())))
            window.send_signal(signal.SIGKILL)
            died = time.monotonic()
        content = json.loads(place(workspace).read_text())
        late = [number for moment, number in seen if died - moment <= 1.5]
        assert content["open"] is True
        assert content["user"] in {f"u{number}" for number in late}, (content["user"], seen[-10:])
        assert [path.name for path in place(workspace).parent.iterdir() if "damaged" in path.name] == []
    again = open_window()
    assert again.session.user == content["user"]
    assert again.comeback is not None
    assert again.comeback.isVisible()
    assert again.comeback.message.text() == "Heedmap ended unexpectedly. This is how you left it."
