"""After an end that nobody asked for: the window says what came back, and offers to go on or to start afresh."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chrome import task_facts
from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import ThemeSource
from engine.explain.types import Token
from engine.scenario import ItemEdit, Scenario
from engine.workspace import create

Open = Callable[..., MainWindow]


@pytest.fixture
def workspace(shop: Path) -> Path:
    folder = shop.parent.parent
    create(folder)
    (shop / "weighted-01").mkdir()
    (shop / "weighted-01" / "run.json").write_text("{}")
    return folder


@pytest.fixture
def open_window(qtbot: QtBot, engine: Any, workspace: Path) -> Iterator[Open]:
    languages = LanguageSource("en")
    windows: list[MainWindow] = []

    def make() -> MainWindow:
        batch = type(engine)(engine.folder)
        batch.held = {"train", "sample", "import_dataset"}
        window = MainWindow(
            engine, batch, themes=ThemeSource("light"), languages=languages,
            settings=Settings(theme="light"), workspace=workspace, keep=True,
        )  # fmt: skip
        windows.append(window)
        with qtbot.waitSignals([window.ready, window.workspace.changed], timeout=20_000):
            window.show()
        session = window.session
        qtbot.waitUntil(lambda: session.explanation is not None and not session.coming_back, timeout=20_000)
        return window

    yield make
    for window in windows:
        window.batch.tasks.clear()
        window.close()
        window.deleteLater()
    languages.remove()
    QApplication.processEvents()


def place(workspace: Path) -> Path:
    return workspace / "sessions" / "window.json"


def killed(window: MainWindow, workspace: Path) -> None:
    """As a window leaves its file that ends while it is used."""
    window.state.save()
    window.state._writer.wait()
    kept = place(workspace).read_bytes()
    assert json.loads(kept)["open"] is True
    window.batch.tasks.clear()
    window.close()
    place(workspace).write_bytes(kept)


def used(window: MainWindow, qtbot: QtBot) -> Scenario:
    session = window.session
    session.choose_user("u7")
    dropped = ItemEdit("i12", dropped=(Token("text", "packable", "description", (15, 23)),))
    session.change(Scenario().with_edit(dropped), "Remove 1 word")
    qtbot.waitUntil(lambda: session.idle)
    return session.scenario


def test_what_came_back_is_said_and_can_be_left_and_had_again(open_window: Open, workspace: Path, qtbot: QtBot) -> None:
    window = open_window()
    scenario = used(window, qtbot)
    window.show_view("train")
    killed(window, workspace)
    again = open_window()
    bar = again.comeback
    assert bar is not None
    assert bar.isVisible()
    assert bar.facts.text() == "shopper u7 · 1 what-if step"
    assert not bar.on.isVisible()
    assert again.session.scenario == scenario
    qtbot.mouseClick(bar.other, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: again.session.explanation is not None and again.session.user == "u0")
    assert not bar.isVisible()
    assert again.current == "explore"
    assert again.session.scenario == Scenario()
    assert again.session.undo.count() == 0
    assert again.remark.message == "Started afresh"
    qtbot.mouseClick(again.remark._button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: again.session.user == "u7" and again.session.idle and not again.session.coming_back)
    assert again.session.scenario == scenario
    assert again.current == "train"


def test_put_away_it_does_not_come_again(open_window: Open, workspace: Path, qtbot: QtBot) -> None:
    window = open_window()
    used(window, qtbot)
    killed(window, workspace)
    again = open_window()
    assert again.comeback is not None
    qtbot.mouseClick(again.comeback.away, Qt.MouseButton.LeftButton)
    assert not again.comeback.isVisible()
    again.close()
    assert open_window().comeback is None


def test_a_training_that_was_under_way_is_offered_to_go_on(open_window: Open, workspace: Path, qtbot: QtBot) -> None:
    window = open_window()
    run, waiting = workspace / "runs" / "weighted-02", workspace / "runs" / "gated-01"
    window.tasks.train(str(window.session.run.dataset.folder), str(run), {"epochs": 4, "modalities": ("text",)})  # type: ignore[union-attr]
    window.tasks.train(str(window.session.run.dataset.folder), str(waiting), {"epochs": 3})  # type: ignore[union-attr]
    killed(window, workspace)
    run.mkdir(parents=True)
    (run / "run.json").write_text('{"state": "running"}')
    assert str(workspace) not in place(workspace).read_text()
    again = open_window()
    bar = again.comeback
    assert bar is not None
    assert "not done: Training weighted-02, Training gated-01" in bar.facts.text()
    qtbot.mouseClick(bar.on, Qt.MouseButton.LeftButton)
    assert bar.isVisible()
    assert not bar.on.isVisible()
    lane: Any = again._lanes[1]
    asked = [arguments for _, name, arguments in lane.asked if name == "train"]
    assert [(one["run"], one["settings"], one["resume"]) for one in asked] == [
        (str(run), None, True),
        (str(waiting), {"epochs": 3}, False),
    ]
    assert [task.title for task in again.batch.tasks.values()] == ["Training weighted-02", "Training gated-01"]
    assert [task_facts(task, front=task == again.batch.current) for task in again.batch.tasks.values()] == [
        "starting",
        "waiting",
    ]
    assert again.status._facts.text() == "starting"
    killed(again, workspace)  # undecided no more: they are this window's tasks
    third = open_window().comeback
    assert third is not None
    assert [task.title for task in third._came.tasks] == ["Training weighted-02", "Training gated-01"]


def test_a_task_that_ended_just_before_is_not_offered(open_window: Open, workspace: Path) -> None:
    window = open_window()
    run = workspace / "runs" / "weighted-02"
    window.tasks.train(str(window.session.run.dataset.folder), str(run), {"epochs": 4})  # type: ignore[union-attr]
    killed(window, workspace)
    run.mkdir(parents=True)
    (run / "run.json").write_text('{"state": "done"}')
    bar = open_window().comeback
    assert bar is not None
    assert not bar.on.isVisible()


def test_what_ends_windows_again_and_again_is_left_out_and_kept(
    open_window: Open, workspace: Path, qtbot: QtBot
) -> None:
    window = open_window()
    scenario = used(window, qtbot)
    killed(window, workspace)
    for _ in range(2):
        again = open_window()
        assert again.session.scenario == scenario
        killed(again, workspace)
    third = open_window()
    bar = third.comeback
    assert bar is not None
    assert "more than once" in bar.message.text()
    assert third.session.scenario == Scenario()
    third.close()
    fourth = open_window()  # it is offered until the user has decided
    bar = fourth.comeback
    assert bar is not None
    qtbot.mouseClick(bar.other, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: fourth.session.user == "u7" and fourth.session.idle and not fourth.session.coming_back)
    assert fourth.session.scenario == scenario
    fourth.close()
    last = open_window()
    assert last.comeback is None
    assert last.session.scenario == scenario


def test_a_window_that_stands_for_a_while_did_not_end_again(open_window: Open, workspace: Path, qtbot: QtBot) -> None:
    window = open_window()
    scenario = used(window, qtbot)
    killed(window, workspace)
    again = open_window()
    again.state._steady.setInterval(1)
    qtbot.waitUntil(lambda: again.state._falls == 0)
    killed(again, workspace)
    assert open_window().session.scenario == scenario


def test_the_bar_speaks_the_language_in_force(open_window: Open, workspace: Path, qtbot: QtBot) -> None:
    window = open_window()
    used(window, qtbot)
    killed(window, workspace)
    again = open_window()
    again.choose_language("zh_CN")
    bar = again.comeback
    assert bar is not None
    assert bar.isVisible()
    qtbot.waitUntil(lambda: bar.other.text() != "Start afresh")
    assert bar.message.text() == "Heedmap 意外退出。这里恢复了您离开时的样子。"
    assert bar.other.text() == "重新开始"


@pytest.mark.parametrize("tasks", [3, [1, {"kind": "train"}, {"kind": "rm"}], [{"kind": "train", "epochs": "x"}]])
def test_odd_tasks_in_the_file_are_left_out(open_window: Open, workspace: Path, tasks: object) -> None:
    place(workspace).parent.mkdir()
    place(workspace).write_text(json.dumps({"version": 1, "open": False, "tasks": tasks}))
    assert open_window().comeback is None


def test_a_failed_training_can_be_tried_again(open_window: Open, workspace: Path, qtbot: QtBot) -> None:
    window = open_window()
    run = workspace / "runs" / "weighted-02"
    window.tasks.train(str(window.session.run.dataset.folder), str(run), {"epochs": 4}, follow=True)  # type: ignore[union-attr]
    job = next(iter(window.batch.tasks))
    run.mkdir(parents=True)
    (run / "run.json").write_text('{"state": "running"}')
    window._lanes[1].failed.emit(job, "The engine was ended by the system (signal 9) and was replaced.", "Try again.")
    assert window.banner.isVisible()
    assert not window.batch.tasks
    qtbot.mouseClick(window.banner._again, Qt.MouseButton.LeftButton)
    task = next(iter(window.batch.tasks.values()))
    assert task.arguments["resume"] is True
    window._lanes[1].finished.emit(task.job, str(run))
    qtbot.waitUntil(lambda: window.session.run is not None and window.session.run.run == run.name)


def test_who_types_a_command_while_a_run_opens_goes_on_typing(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    run, field = window.session.run, window.top.palette_field
    assert run is not None
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: field.showing)
    qtbot.keyClicks(field, "train")
    with qtbot.waitSignal(window.session.run_changed, check_params_cb=lambda opened: opened is not None):
        window.session.open_run(run.folder)
    assert window.current == "explore"
    assert QApplication.focusWidget() is field
    qtbot.keyClicks(QApplication.focusWidget(), "i")
    assert field.showing
    assert field.text() == "traini"
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)  # a view that was asked for has it
    qtbot.waitUntil(lambda: window.current == "whatif")
    assert not field.hasFocus()


def test_a_replaced_engine_is_said(open_window: Open, engine: Any, qtbot: QtBot) -> None:
    window = open_window()
    engine.restarted.emit()
    assert "was replaced" in window.remark.message
    assert window.remark.isVisible()
