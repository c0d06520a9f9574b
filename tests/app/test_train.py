"""The Train view: what it asks for, what it shows; and a real training in the real engine process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from app.batch import Batch
from app.engine_thread import EngineLane
from app.session import Session
from app.theme import ThemeSource
from app.views.train import TrainView
from app.workspace import Workspace
from engine.errors import HeedmapError
from engine.evaluation.runs import RunRow
from engine.jobs import Progress, finish
from engine.process import Setup
from engine.run_card import RunCard
from engine.runner import Beat
from engine.training.config import Config
from tests.app.conftest import make_run

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


def test_the_open_runs_data_can_be_trained_on_wherever_it_lies(qtbot: QtBot, view: TrainView, tmp_path: Path) -> None:
    workspace, dataset = view._workspace, view.form.dataset
    own = [dataset.itemData(place) for place in range(dataset.count())]
    elsewhere = make_run(tmp_path / "elsewhere")
    workspace.run_opened(elsewhere)
    listed = [dataset.itemData(place) for place in range(dataset.count())]
    assert listed == [*own, elsewhere.dataset.folder]
    view.form.choose_dataset(elsewhere.dataset.folder)
    with qtbot.waitSignal(view.train_asked) as asked:
        click(qtbot, view.form.start)
    assert asked.args[0] == elsewhere.dataset.folder
    assert Path(asked.args[1]).parent == workspace.folder / "runs"
    workspace.run_opened(None)
    assert [dataset.itemData(place) for place in range(dataset.count())] == own


def test_a_wrong_setting_is_named_and_start_is_closed(qtbot: QtBot, view: TrainView) -> None:
    view.form.fields["heads"].put(5)
    assert "Heads: 5 does not divide 64 dimensions. Choose one of 1, 2, 4, 8, 16, 32." in texts(view)
    assert not view.form.start.isEnabled()
    view.form.fields["heads"].put(8)
    assert "does not divide" not in texts(view)
    assert view.form.start.isEnabled()
    view.form.fields["identity"].put(False)
    view.form.fields["modalities"].put(())
    assert "The model would see nothing of a product: tick a modality, or “Identity”." in texts(view)
    view.form.fields["weigh"].put("north=3")
    assert "“Weighted shoppers” is written attribute=value:times" in texts(view)
    view.form.fields["weigh"].put("")
    view.form.fields["quantise"].put("int8")
    view.form.fields["identity"].put(True)
    view.form.fields["tune"].put("lora")
    assert "set “Quantisation” or “Fine-tuning” to none" in texts(view)


def test_numbers_have_the_places_that_they_need(view: TrainView) -> None:
    said = {name: view.form.fields[name].control.text() for name in ("learning_rate", "dropout", "word_dropout")}  # type: ignore[attr-defined]
    assert said == {"learning_rate": "0.003", "dropout": "0.2", "word_dropout": "0"}
    view.form.fields["learning_rate"].put(0.00025)
    assert view.form.fields["learning_rate"].control.text() == "0.00025"  # type: ignore[attr-defined]
    assert view.form.fields["learning_rate"].value() == 0.00025


def test_the_device_is_chosen_not_typed(view: TrainView) -> None:
    device = view.form.fields["device"].control
    assert isinstance(device, QComboBox)
    assert [device.itemData(place) for place in range(device.count())] == ["auto", "cuda", "mps", "xpu", "cpu"]


def test_the_open_run_s_data_is_offered_until_other_data_is_chosen(
    qtbot: QtBot, view: TrainView, tmp_path: Path
) -> None:
    session, dataset = view._session, view.form.dataset
    first, own = str(dataset.itemData(0)), str(tmp_path / "other")
    dataset.addItem("Other shop", own)
    assert dataset.currentData() == first
    run = make_run(tmp_path / "run")
    session.run = replace(run, dataset=replace(run.dataset, folder=own))
    session.run_changed.emit(session.run)
    assert dataset.currentData() == own
    dataset.setFocus()
    qtbot.keyClick(dataset, Qt.Key.Key_Home)  # by hand
    assert dataset.currentData() == first
    session.run_changed.emit(session.run)
    assert dataset.currentData() == first


def roomy(view: TrainView) -> bool:
    """Whether both plots have room for all five epochs, and for nothing before the first."""
    spans = [plot.plot.viewRange()[0] for plot in (view.curves._loss, view.curves._worth)]
    return all(-0.5 < low < 1.01 and 5 < high < 5.5 for low, high in spans)


def test_curves_follow_the_training(qtbot: QtBot, view: TrainView, batch_lane: Any) -> None:
    click(qtbot, view.form.start)
    job = batch_lane.asked[-1][0]
    batch_lane.progress(job, Progress("Encoding texts", 20, 60))
    assert "Encoding texts 20 / 60" in texts(view)
    for number, figure in ((1, 0.05), (2, 0.08)):
        for step in range(1, 11):
            batch_lane.progress(job, Progress("Training", step, 10, data={"epoch": float(number), "loss": 3.0}))
        batch_lane.progress(job, epoch(number, figure))
        qtbot.waitUntil(lambda: roomy(view))
    assert [row["ndcg@10"] for row in view.curves.rows] == [0.05, 0.08]
    qtbot.waitUntil(lambda: "Recall@10 0.160" in texts(view))
    assert view.table.current is not None
    assert view.table.current.folder == view.task.folder  # type: ignore[union-attr]
    said = texts(view)
    assert "NDCG@10 0.080" in said
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


def test_a_preset_fills_the_form_and_changes_are_marked(qtbot: QtBot, view: TrainView) -> None:
    form = view.form
    assert form.preset.currentData() == "standard"
    assert not form.reset.isVisible()
    form.preset.setFocus()
    qtbot.keyClick(form.preset, Qt.Key.Key_Down)
    assert form.preset.currentData() == "quick"
    assert (form.fields["epochs"].value(), form.fields["refit"].value()) == (4, 0)
    form.fields["epochs"].put(7)
    assert form.preset.currentText() == "Your own"
    assert "From “Quick look”, changed" in texts(view)
    assert form._labels["epochs"].property("role") == "strong"
    click(qtbot, form.reset)
    assert (form.fields["epochs"].value(), form.preset.currentData()) == (4, "quick")
    for preset in form._presets.values():  # every one can be trained
        form.choose_preset(preset.id)
        assert form.start.isEnabled()


def test_help_is_told_for_the_setting_in_focus_and_settings_are_found(qtbot: QtBot, view: TrainView) -> None:
    form = view.form
    form.fields["heads"].control.setFocus()
    qtbot.waitUntil(lambda: form.help.text().startswith("Heads: Attention heads"))
    assert all(field.control.toolTip() for field in form.fields.values())
    assert not form.fields["tune"].control.isVisible()
    click(qtbot, form.more)
    assert form.fields["tune"].control.isVisible()
    qtbot.keyClicks(form.search, "adapter")
    assert form.fields["tune_rank"].control.isVisible()
    assert not form.fields["heads"].control.isVisible()
    form.search.clear()
    click(qtbot, form.more)
    assert form.fields["heads"].control.isVisible()
    assert not form.fields["tune_rank"].control.isVisible()


def test_selected_runs_lay_their_curves_over_each_other(qtbot: QtBot, view: TrainView, engine: Any, shop: Path) -> None:
    table = view.table.view
    qtbot.waitUntil(lambda: not view.busy)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: set(view.curves.compared) == {"weighted-01", "concat-02"})
    assert view.curves.legend.isVisible()
    assert set(view.curves.legend.names) == {"weighted-01", "concat-02"}
    assert "Runs compared" in texts(view)
    assert set(view.numbers()["course"]["run"]) == {"weighted-01", "concat-02"}
    view.table.choose(str(shop / "concat-02"))
    assert view.curves.compared == {}
    assert not view.curves.legend.isVisible()


def test_runs_are_sorted_by_a_column(qtbot: QtBot, view: TrainView) -> None:
    def names() -> list[str]:
        return [view.table.sorted.index(row, 0).data().split("  ")[0] for row in range(2)]

    assert names() == ["weighted-01", "concat-02"]
    head = view.table.view.horizontalHeader()
    place = head.sectionViewportPosition(0) + 20
    qtbot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place, head.height() // 2))
    assert names() == ["concat-02", "weighted-01"]
    chosen = view.table.current
    assert chosen is not None
    assert chosen.name == "weighted-01"  # sorting does not choose


def test_no_empty_column_takes_room_from_the_names_of_the_data(qtbot: QtBot, view: TrainView) -> None:
    table = view.table
    heads = [table.model.headerData(column, Qt.Orientation.Horizontal) for column in range(table.model.columnCount())]
    place = heads.index("95 % interval")
    assert table.view.isColumnHidden(place)
    table.model.tell((RunRow(
        table.model.runs[0].name, table.model.runs[0].folder, "Made-up shop", "temporal", "weighted", "text", 1, "done",
        3, 0.104, 0.09, 0.12, "EASE", 0.1, 75.0, 12_345, "",
    ),))  # fmt: skip
    assert not table.view.isColumnHidden(place)


def test_in_a_narrow_window_a_run_s_data_and_figure_stay_in_sight(qtbot: QtBot, view: TrainView) -> None:
    table = view.table
    heads = [table.model.headerData(column, Qt.Orientation.Horizontal) for column in range(table.model.columnCount())]

    def shown() -> set[str]:
        return {head for column, head in enumerate(heads) if not table.view.isColumnHidden(column)}

    qtbot.waitUntil(lambda: {"Fusion", "Time"} <= shown())
    view.resize(860, 560)
    qtbot.waitUntil(lambda: not {"Fusion", "Time"} & shown())
    assert {"Run", "State", "Test NDCG@10"} <= shown()
    view.resize(1300, 850)
    qtbot.waitUntil(lambda: {"Fusion", "Time"} <= shown())


def make_card(folder: str) -> RunCard:
    row = RunRow(
        Path(folder).name, folder, "Made-up shop", "temporal", "weighted", "text", 1, "done", 3, 0.104, 0.09, 0.12,
        "EASE", 0.1, 75.0, 12_345, "This run is ahead of EASE.",
    )  # fmt: skip

    def metrics(mean: float) -> dict[str, dict[str, float]]:
        figure = {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}
        return dict.fromkeys(("ndcg", "recall", "precision", "hit rate", "mrr", "map"), figure)

    lead = {"difference": 0.004, "low": -0.001, "high": 0.009, "p": 0.2}
    test = {
        "k": 10,
        "model": {"metrics": metrics(0.104)},
        "baselines": [{"name": "EASE", "metrics": metrics(0.1), "model_less_this": lead}],
        "knock_out": [{"without": "text", "ndcg": metrics(0.08)["ndcg"], "change": {**lead, "difference": -0.024}}],
        "verdict": "This run is ahead of EASE.",
    }
    settings = {**Config().to_json(), "dim": 128, "modalities": ["text"]}
    encoders = {"text": "all-MiniLM-L6-v2"}
    return RunCard(row, True, settings, encoders, {"validation ndcg@10": 0.11}, (), {"test": test})


def test_the_card_tells_figures_and_settings_and_hands_them_to_the_form(
    qtbot: QtBot, view: TrainView, engine: Any, shop: Path
) -> None:
    engine.answers["run_card"] = lambda run: make_card(run)
    view.table.choose(str(shop / "concat-02"))
    qtbot.waitUntil(lambda: view.card.card is not None)
    view.tabs.setCurrentIndex(1)
    said = texts(view)
    assert "This run is ahead of EASE." in said
    assert "0.1040  (0.0940 – 0.1140)" in said
    assert "Dimensions\n128" in said
    assert "Modalities\nwords" in said
    assert "75 s" in said
    click(qtbot, view.card.use)
    assert (view.form.fields["dim"].value(), view.form.fields["modalities"].value()) == (128, ("text",))
    assert view.form.preset.currentText() == "Your own"


def test_a_run_is_evaluated_in_the_view_and_its_table_shown(
    qtbot: QtBot, view: TrainView, engine: Any, shop: Path
) -> None:
    folder = str(shop / "concat-02")
    view.table.choose(folder)
    qtbot.waitUntil(lambda: not view.busy)
    view.tabs.setCurrentIndex(2)
    assert "This run has not been evaluated yet." in texts(view)
    engine.answers["evaluate"] = HeedmapError("No target is left to measure on.", "Take another split.")
    click(qtbot, view.evaluation.start)
    qtbot.waitUntil(view.evaluation.fault.isVisible)
    assert "No target is left to measure on. Take another split." in texts(view)
    engine.answers["evaluate"] = {}
    engine.answers["run_card"] = lambda run: make_card(run)
    click(qtbot, view.evaluation.knock_out)
    click(qtbot, view.evaluation.start)
    qtbot.waitUntil(lambda: view.evaluation.model.rowCount() == 3)
    asked = next(arguments for _, name, arguments in reversed(engine.asked) if name == "evaluate")
    assert asked == {"run": folder, "baselines": None, "knock_out": True}
    rows = view.evaluation.model.rows
    assert [row[0] for row in rows] == ["this run", "EASE", "without words"]
    assert rows[1][1:5] == ["0.1000", "0.0900 – 0.1100", "+0.0040", "0.200"]
    assert rows[2][3] == "+0.0240"
    assert view.numbers()["evaluation"]["Ranker"] == ["this run", "EASE", "without words"]


def test_trainings_queue_and_change_places(qtbot: QtBot, view: TrainView, batch_lane: Any) -> None:
    for _ in range(3):
        click(qtbot, view.form.start)
    batch_lane.progress(batch_lane.asked[0][0], epoch(1, 0.05))
    names = [Path(task.folder).name for task in view.queue.tasks]
    assert names == ["weighted-02", "weighted-03", "weighted-04"]  # each of its own, though no folder is there yet
    assert view.tabs.tabText(3) == "Queue (2)"
    view.tabs.setCurrentIndex(3)
    view.queue.list.setCurrentRow(2)
    assert not view.queue.down.isEnabled()
    assert view.queue.up.shortcut().toString() == "Alt+Up"
    click(qtbot, view.queue.up)
    assert [Path(task.folder).name for task in view.queue.tasks] == ["weighted-02", "weighted-04", "weighted-03"]
    current = view.queue.current
    assert current is not None
    assert Path(current.folder).name == "weighted-04"
    assert not view.queue.up.isEnabled()  # the first one runs
    waiting = {arguments["run"] for job, name, arguments in batch_lane.asked if job in view._batch.tasks}
    assert {Path(run).name for run in waiting} == set(names)
    click(qtbot, view.queue.remove)
    assert [Path(task.folder).name for task in view.queue.tasks] == ["weighted-02", "weighted-03"]


def test_device_and_memory_stand_beside_the_training(qtbot: QtBot, view: TrainView, batch_lane: Any) -> None:
    click(qtbot, view.form.start)
    batch_lane.beat.emit(Beat("CPU", 2 * 2**30, 16 * 2**30))
    assert "CPU · 2.0 of 16 GB" in texts(view)


def test_what_was_arranged_comes_back(qtbot: QtBot, view: TrainView, engine: Any, batch_lane: Any) -> None:
    view.form.choose_preset("thorough")
    view.form.fields["seed"].put(9)
    view.tabs.setCurrentIndex(1)
    view.table.view.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    kept = json.loads(json.dumps(view.state()))
    other = make_view(qtbot, engine, batch_lane, view._workspace)
    other.restore(kept)
    assert other.form.given() == view.form.given()
    assert other.tabs.currentIndex() == 1
    assert other.table.view.horizontalHeader().sortIndicatorSection() == 4
    other.restore({"settings": {"dim": "no number", "never": 1}, "tab": 99, "sort": "x", "split": [1]})
    assert other.tabs.currentIndex() == 1


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
