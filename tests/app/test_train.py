"""The Train view: what it asks for, what it shows; and a real training in the real engine process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.batch import Batch
from app.engine_thread import EngineLane
from app.session import Session
from app.theme import ThemeSource
from app.views.train import TrainView
from app.workspace import Workspace
from engine.jobs import Progress, finish
from engine.process import Setup

LONG = 180_000  # a real training on a busy machine


@pytest.fixture
def batch_lane(engine: Any, shop: Path) -> Any:
    lane = type(engine)(shop)
    lane.held.add("train")
    return lane


@pytest.fixture
def view(qtbot: QtBot, engine: Any, batch_lane: Any, tmp_path: Path) -> TrainView:
    workspace = Workspace(engine, tmp_path / "workspace")
    view = make_view(qtbot, engine, batch_lane, workspace)
    with qtbot.waitSignal(workspace.changed):
        workspace.refresh()
    return view


def make_view(qtbot: QtBot, engine: Any, batch_lane: Any, workspace: Workspace) -> TrainView:
    batch = Batch(batch_lane)
    view = TrainView(Session(engine), workspace, batch, ThemeSource("light"))
    view.resize(1300, 850)
    qtbot.addWidget(view)

    def train(dataset: str, run: str, settings: Any, resume: bool) -> None:
        batch.submit(
            "train", "Training", run, epochs=(settings or {}).get("epochs", 0),
            dataset=dataset, run=run, settings=settings, resume=resume,
        )  # fmt: skip
        workspace.refresh()

    view.train_asked.connect(train)
    batch.done.connect(lambda *_: workspace.refresh())
    batch.cancelled.connect(lambda *_: workspace.refresh())
    view.show()
    return view


def click(qtbot: QtBot, widget: Any) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def texts(view: TrainView) -> str:
    return "\n".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def epoch(number: int, ndcg: float) -> Progress:
    row = {"epoch": float(number), "loss": 4.0 / number, "ndcg@10": ndcg, "recall@10": 2 * ndcg, "seconds": 3.0}
    return Progress("Epoch done", number, 5, data=row)


def test_start_asks_for_a_training_with_the_settings_of_the_form(
    qtbot: QtBot, view: TrainView, batch_lane: Any
) -> None:
    view.form.fields["epochs"].put(5)
    view.form.fields["fusion"].put("concat")
    view.form.fields["modalities"].put(("text", "attribute"))
    click(qtbot, view.form.start)
    _, name, arguments = batch_lane.asked[-1]
    assert name == "train"
    assert Path(arguments["run"]).name == "concat-01"
    assert not arguments["resume"]
    settings = arguments["settings"]
    assert (settings["epochs"], settings["fusion"], settings["modalities"]) == (5, "concat", ("text", "attribute"))


def test_a_wrong_setting_is_named_and_start_is_closed(qtbot: QtBot, view: TrainView) -> None:
    view.form.fields["heads"].put(5)
    assert "heads=5 does not divide dim=64. Choose heads that divide dim." in texts(view)
    assert not view.form.start.isEnabled()
    view.form.fields["heads"].put(8)
    assert "does not divide" not in texts(view)
    assert view.form.start.isEnabled()


def test_curves_follow_the_training(qtbot: QtBot, view: TrainView, batch_lane: Any) -> None:
    click(qtbot, view.form.start)
    job = batch_lane.asked[-1][0]
    batch_lane.progress(job, Progress("Encoding texts", 20, 60))
    assert "Encoding texts 20 / 60" in texts(view)
    for number, figure in ((1, 0.05), (2, 0.08)):
        for step in range(1, 11):
            batch_lane.progress(job, Progress("Training", step, 10, data={"epoch": float(number), "loss": 3.0}))
        batch_lane.progress(job, epoch(number, figure))
    assert [row["ndcg@10"] for row in view.curves.rows] == [0.05, 0.08]
    said = texts(view)
    assert "NDCG@10 0.080" in said
    assert "Recall@10 0.160" in said
    assert "epoch 2 of 5" in said


def test_pause_resume_and_stop_reach_the_lane(qtbot: QtBot, view: TrainView, batch_lane: Any) -> None:
    click(qtbot, view.form.start)
    job = batch_lane.asked[-1][0]
    assert not view.pause.isEnabled()  # it has not begun
    batch_lane.progress(job, epoch(1, 0.05))
    click(qtbot, view.pause)
    assert view.pause.text() == "Resume"
    assert "paused" in texts(view)
    click(qtbot, view.pause)
    assert view.pause.text() == "Pause"
    click(qtbot, view.cancel)
    assert [call for call in batch_lane.calls if call[1] == job] == [("pause", job), ("resume", job), ("cancel", job)]
    assert not view.pause.isVisible()


def test_the_table_opens_finished_runs_and_resumes_interrupted_ones(
    qtbot: QtBot, view: TrainView, batch_lane: Any, shop: Path
) -> None:
    assert view.table.model.index(0, 2).data() == "finished"
    assert view.table.model.index(1, 2).data() == "interrupted"
    with qtbot.waitSignal(view.open_asked) as opened:
        click(qtbot, view.table.open)
    assert opened.args == [str(shop / "weighted-01")]
    assert not view.table.go_on.isEnabled()
    view.table.choose(str(shop / "concat-02"))
    qtbot.waitUntil(lambda: [row["epoch"] for row in view.curves.rows] == [1.0, 2.0, 3.0, 4.0])
    with qtbot.waitSignal(view.train_asked) as asked:
        click(qtbot, view.table.go_on)
    assert asked.args == [str(shop), str(shop / "concat-02"), None, True]
    assert view.table.model.index(1, 2).data() == "waiting"
    assert not view.table.go_on.isEnabled()


def test_a_run_that_just_started_stands_in_the_table(qtbot: QtBot, view: TrainView, batch_lane: Any) -> None:
    click(qtbot, view.form.start)
    batch_lane.progress(batch_lane.asked[-1][0], epoch(1, 0.05))
    row = [view.table.model.index(0, column).data() for column in range(5)]
    assert row == ["weighted-02", "Made-up shop", "training", "1", "–"]


@pytest.fixture(scope="module")
def real_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from engine.dataset.sample import sample
    from engine.workspace import create

    folder = tmp_path_factory.mktemp("real")
    create(folder)
    finish(sample(folder / "datasets" / "sample", items=24, shoppers=30, seed=3))
    return folder


@pytest.fixture
def lanes(qtbot: QtBot) -> Iterator[tuple[EngineLane, EngineLane]]:
    both = EngineLane(newest_wins=True), EngineLane(Setup(nice=10))
    yield both
    for lane in both:
        lane.stop()


def test_a_real_training_pauses_stops_resumes_and_leaves_explore_usable(
    qtbot: QtBot, lanes: tuple[EngineLane, EngineLane], real_workspace: Path
) -> None:
    interactive, batch_lane = lanes
    workspace = Workspace(interactive, real_workspace)
    view = make_view(qtbot, interactive, batch_lane, workspace)
    session = view._session
    with qtbot.waitSignal(workspace.changed, timeout=LONG):
        workspace.refresh()
    for name, value in {"epochs": 400, "patience": 400, "dim": 16, "heads": 2, "modalities": ("attribute",)}.items():
        view.form.fields[name].put(value)
    click(qtbot, view.form.start)
    qtbot.waitUntil(lambda: len(view.curves.rows) >= 2, timeout=LONG)
    task = view.task
    assert task is not None

    # Explore answers while it trains.
    with qtbot.waitSignal(session.explanation_changed, timeout=LONG, check_params_cb=lambda e: e is not None):
        session.open_run(task.folder)
    explanation = session.explanation
    assert explanation is not None
    assert abs(explanation.contribution.sum() + explanation.bias - explanation.score) < 1e-4
    assert view.task is not None

    click(qtbot, view.pause)
    with qtbot.waitSignals([batch_lane.beat, batch_lane.beat], timeout=LONG):
        pass
    held = len(view.curves.rows)
    with qtbot.waitSignal(batch_lane.beat, timeout=LONG):
        pass
    assert len(view.curves.rows) == held
    click(qtbot, view.pause)
    qtbot.waitUntil(lambda: len(view.curves.rows) > held, timeout=LONG)

    with qtbot.waitSignal(batch_lane.cancelled, timeout=LONG):
        click(qtbot, view.cancel)
    qtbot.waitUntil(lambda: view.table.model.index(0, 2).data() == "interrupted", timeout=LONG)
    stopped = view.curves.rows
    qtbot.waitUntil(lambda: view.table.go_on.isEnabled(), timeout=LONG)
    click(qtbot, view.table.go_on)
    qtbot.waitUntil(lambda: len(view.curves.rows) > len(stopped), timeout=LONG)
    assert view.curves.rows[: len(stopped)] == stopped  # it went on after its last epoch, not anew
    assert [row["epoch"] for row in view.curves.rows] == [float(n + 1) for n in range(len(view.curves.rows))]
