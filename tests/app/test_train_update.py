"""A finished run is updated from the Train view: asked for, queued, followed; and what it forgot is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.batch import Batch
from app.session import Session
from app.theme import ThemeSource
from app.views.train import CARD, QUEUE, UPDATE_EPOCHS, TrainView
from app.views.train_update import MORE, UpdateDialog
from app.workspace import Workspace
from engine.desk import RunLog
from engine.evaluation.runs import RunRow
from engine.jobs import Progress
from engine.run_card import RunCard, UpdateFigure, UpdateReport
from engine.training.config import Config
from engine.workspace import DatasetEntry, RunEntry, WorkspaceSummary


@pytest.fixture
def batch_lane(engine: Any, shop: Path) -> Any:
    lane = type(engine)(shop)
    lane.held.update({"train", "update", "import_dataset"})
    return lane


@pytest.fixture
def view(qtbot: QtBot, engine: Any, batch_lane: Any, shop: Path, tmp_path: Path) -> TrainView:
    folder = tmp_path / "workspace"
    runs = [
        RunEntry("weighted-01", str(folder / "runs" / "weighted-01"), "Made-up shop", "done", 13, 0.104),
        RunEntry("concat-02", str(folder / "runs" / "concat-02"), "Made-up shop", "paused", 4, None),
    ]
    grown = str(folder / "datasets" / "grown")
    datasets = (
        DatasetEntry("Made-up shop", str(shop), True, {"events": 400, "items": 60, "users": 25}),
        DatasetEntry("Made-up shop", grown, False, {"events": 1400, "items": 61, "users": 30}),
    )
    engine.answers["list_workspace"] = lambda workspace, create=False: WorkspaceSummary(
        workspace, datasets, tuple(runs), ()
    )
    settings = {**Config().to_json(), "seed": 3, "batch": 32}
    engine.answers["history"] = lambda run: RunLog(run, str(shop), settings, ())
    engine.answers["run_card"] = lambda run: make_card(run, None)
    engine.runs = runs
    workspace = Workspace(engine, folder)
    batch = Batch(batch_lane)
    made = TrainView(Session(engine), workspace, batch, ThemeSource("light"))
    made.resize(1300, 850)
    qtbot.addWidget(made)
    batch.done.connect(lambda *_: workspace.refresh())
    with qtbot.waitSignal(workspace.changed):
        workspace.refresh()
    made.show()
    return made


def make_card(run: str, update: UpdateReport | None) -> RunCard:
    row = RunRow(
        name=Path(run).name,
        folder=run,
        dataset="Made-up shop",
        split="temporal",
        fusion="weighted",
        modalities="text",
        seed=1,
        state="done",
        epoch=2,
        ndcg=0.1,
        low=None,
        high=None,
        baseline="",
        baseline_ndcg=None,
        seconds=60.0,
        parameters=1000,
        verdict="",
    )
    return RunCard(row, True, Config().to_json(), {}, {}, (), {}, "", update)


REPORT = UpdateReport(
    of="weighted-01",
    new_events=1000,
    new_items=1,
    new_users=5,
    tuned=("text",),
    new_windows=30,
    replayed=15,
    best_epoch=2,
    figures=(UpdateFigure("old test", 50, 0.104, 0.1), UpdateFigure("new test", 80, 0.05, 0.09)),
    forgotten=0.004,
)


def ask(qtbot: QtBot, view: TrainView) -> UpdateDialog:
    qtbot.mouseClick(view.table.update_run, Qt.MouseButton.LeftButton)
    dialog = view.updating
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.start.isEnabled())
    return dialog


def test_an_update_is_asked_for_and_queued_with_what_differs(qtbot: QtBot, view: TrainView, batch_lane: Any) -> None:
    view.table.view.selectRow(1)
    assert not view.table.update_run.isEnabled()  # it is not finished
    view.table.view.selectRow(0)
    dialog = ask(qtbot, view)
    assert Path(dialog.data.currentData()).name == "grown"  # the run's own data holds nothing new
    assert "1,400 events" in dialog.counts.text()
    assert dialog.name.text() == "weighted-01-update-1"
    assert dialog.fields["batch"].value() == 32
    dialog.fields["seed"].put(4)
    dialog.fields["epochs"].put(2)
    dialog.replay.setValue(0.5)
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    _, name, arguments = batch_lane.asked[-1]
    assert name == "update"
    assert Path(arguments["dataset"]).name == "grown"
    assert [Path(arguments[one]).name for one in ("of", "run")] == ["weighted-01", "weighted-01-update-1"]
    assert (arguments["settings"], arguments["replay"]) == ({"epochs": 2, "seed": 4}, 0.5)


def test_what_cannot_be_is_said_in_the_dialog(qtbot: QtBot, view: TrainView, shop: Path, tmp_path: Path) -> None:
    dialog = ask(qtbot, view)
    dialog.data.setCurrentIndex(dialog.data.findData(str(shop)))
    assert "the data that the run was trained on" in dialog.fault.text()
    assert not dialog.start.isEnabled()
    dialog.data.setCurrentIndex(1)
    assert dialog.fault.isHidden()
    dialog.name.setText("concat-02")
    assert dialog.fault.text() == "There is a run of that name already."
    dialog.name.setText("a/b")
    assert "a folder can have" in dialog.fault.text()
    (tmp_path / "workspace" / "runs" / "there").mkdir(parents=True)
    dialog.name.setText("there")
    assert not dialog.start.isEnabled()
    dialog.name.setText("mine")
    assert dialog.start.isEnabled()
    dialog.reject()


def test_newer_data_is_imported_first_and_the_update_follows(
    qtbot: QtBot, view: TrainView, batch_lane: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = tmp_path / "newer"
    newer.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(newer))
    dialog = ask(qtbot, view)
    qtbot.mouseClick(dialog.browse, Qt.MouseButton.LeftButton)
    assert dialog.importing
    assert dialog.data.currentText() == "newer, imported first"
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    job, name, arguments = batch_lane.asked[-1]
    assert (name, arguments["sources"]) == ("import_dataset", [str(newer)])
    assert view.tabs.currentIndex() == QUEUE
    batch_lane.finished.emit(job, arguments["out"])
    _, name, after = batch_lane.asked[-1]
    assert (name, after["dataset"]) == ("update", arguments["out"])


def test_an_import_that_fails_is_followed_by_nothing(
    qtbot: QtBot, view: TrainView, batch_lane: Any, tmp_path: Path
) -> None:
    dialog = ask(qtbot, view)
    dialog.take_folder(tmp_path)
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    batch_lane.failed.emit(batch_lane.asked[-1][0], "nothing is known of it", "")
    assert [name for _, name, _ in batch_lane.asked] == ["import_dataset"]


def test_an_update_is_followed_and_what_it_forgot_is_shown(
    qtbot: QtBot, view: TrainView, batch_lane: Any, engine: Any
) -> None:
    dialog = ask(qtbot, view)
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    job, _, arguments = batch_lane.asked[-1]
    batch_lane.progress(job, Progress("Measuring what is forgotten", 3, 10))
    assert view.task is not None
    assert view.task.epoch == 0
    for _ in range(2):
        for step in (1, 2, 3):
            batch_lane.progress(job, Progress("Training", step, 3, data={"loss": 3.0 / step}))
    assert (view.task.epoch, view.task.epochs) == (2, UPDATE_EPOCHS)
    assert view.table.model.index(0, 2).data() == "training"
    assert view._title.text() == "Updating weighted-01"
    engine.runs.insert(0, RunEntry(Path(arguments["run"]).name, arguments["run"], "Made-up shop", "done", 2, 0.09))
    engine.answers["run_card"] = lambda run: make_card(run, REPORT if run == arguments["run"] else None)
    batch_lane.finished.emit(job, arguments["run"])
    report = view.card.update_report
    qtbot.waitUntil(lambda: report.isVisible())
    assert view.tabs.currentIndex() == CARD
    assert view.table.current is not None
    assert view.table.current.folder == arguments["run"]
    assert report.verdict.text() == "Forgotten: 0.0040 of NDCG@10 on the old test events."
    assert "Went on from weighted-01. New events: 1,000; new products: 1; new shoppers: 5." in report.about.text()
    assert "Tuned encoders" in report.about.text()
    assert [cell.text() for cell in report.cells[0]] == [
        "old test events, never learned from", "0.1040", "0.1000", "−0.0040", "50",
    ]  # fmt: skip
    assert not report.cells[2][0].isVisible()  # nothing was measured there
    view.table.choose(str(Path(arguments["run"]).with_name("weighted-01")))
    qtbot.waitUntil(lambda: report.isHidden())


def test_a_run_that_forgot_nothing_says_so(qtbot: QtBot, view: TrainView) -> None:
    report = view.card.update_report
    report.fill(replace(REPORT, forgotten=-0.002, best_epoch=0, tuned=()))
    assert report.verdict.text() == "Nothing was forgotten: +0.0020 of NDCG@10 on the old test events."
    assert "No epoch was better" in report.about.text()


def test_the_dialog_offers_what_an_update_takes_and_its_standard() -> None:
    from engine.training import update

    assert set(update.SETTINGS) == {"epochs", *MORE}
    assert update.EPOCHS == UPDATE_EPOCHS
