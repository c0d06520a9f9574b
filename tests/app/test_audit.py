"""The Audit view: lists audits, shows a verified bundle worst first, starts and goes on, verifies, compares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.audit.begin import BeginAudit
from app.audit.told import TextDialog
from app.audit.view import AuditView
from app.main_window import MainWindow
from engine.audit.bundle import open_bundle, seal, zip_of
from engine.audit.check import Example, Figure, Measured, Note, Result, Threshold, Value, judged, not_run
from engine.audit.difference import difference
from engine.audit.listing import list_audits
from engine.audit.opened import opened_bundle
from engine.audit.plan import preset
from engine.audit.run import result_file
from engine.audit.verify import results_of
from engine.files import write_json
from engine.jobs import finish

RESULTS = (
    judged(
        "quality.ranking",
        Measured((Figure("ndcg", 0.1, 0.05, 0.15, 100), Figure("less_best", 0.02, 0.01, 0.03, 100))),
        (Threshold("less_best", at_least=0.0),),
        1,
        0,
        2.0,
    ),
    judged(
        "data.whole",
        Measured(
            (Figure("damaged", 2.0, n=9), Figure("other_dataset", 0.0, n=1)),
            (Note("damaged", {"file": "items.parquet", "reason": "missing"}),),
            (Example("shopper", "u1"),),
        ),
        (Threshold("damaged", at_most=0),),
        1,
        0,
        0.5,
    ),
    not_run("explanation.planted-truth", Note("no_truth"), (), 1, 0.0),
)


def make_bundle(folder: Path, results: tuple[Result, ...] = RESULTS, sealed: bool = True) -> Path:
    for result in results:
        write_json(result_file(folder, result.check), result.to_json())
    write_json(folder / "plan.json", preset("quick").to_json())
    write_json(folder / "inputs.json", {"run": {"name": "weighted-01"}})
    if sealed:
        seal(folder, {"title": "", "run": "weighted-01", "dataset": "Made-up shop"}, Ed25519PrivateKey.generate())
    return folder


@pytest.fixture
def window(open_window: Callable[..., MainWindow], engine: Any, tmp_path: Path) -> MainWindow:
    workspace = tmp_path / "workspace"
    make_bundle(workspace / "audits" / "spring")
    make_bundle(workspace / "audits" / "cut short", RESULTS[:1], sealed=False)
    engine.answers |= {
        "list_audits": lambda workspace: list_audits(Path(workspace)),
        "bundle": lambda path, signer="": finish(opened_bundle(Path(path), signer)),
        "compare_audits": lambda before, after: difference(
            results_of(open_bundle(Path(before))), results_of(open_bundle(Path(after)))
        ),
    }
    return open_window()


@pytest.fixture
def view(window: MainWindow, qtbot: QtBot) -> AuditView:
    window.show_view("audit")
    found = window.view
    assert isinstance(found, AuditView)
    qtbot.waitUntil(lambda: found.list.count() == 2)
    found.show_bundle(str(window.workspace.folder / "audits" / "spring"))
    qtbot.waitUntil(lambda: found.bundle is not None)
    return found


def test_a_bundle_is_verified_and_shown_worst_first(view: AuditView, qtbot: QtBot) -> None:
    assert [one.verdict for one in view.model.results] == ["fail", "pass", "not run"]
    assert "All 5 files are as they were signed" in view.said.text()
    assert "Failed 1" in view.said.text()
    assert view.detail.heading.whole() == "Whole files"
    assert view.detail.notes.text() == "items.parquet: missing."
    assert view.detail.short.text() == "Is every file of the dataset what its own list says?"
    assert view.detail.method.text().startswith("Measured: Every file of the dataset is hashed")
    assert "Files that are missing or changed: 2" in view.detail.figures.lines()
    view.table.setFocus()
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    assert view.detail.heading.whole() == "Ranking against simple rankers"
    assert "0.02 (0.01 to 0.03)" in view.detail.figures.lines()[1]
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    assert "no" in view.detail.notes.text() or "not" in view.detail.notes.text()


def test_a_segment_is_told_with_its_interval_and_its_size(view: AuditView, qtbot: QtBot, tmp_path: Path) -> None:
    of = {"segment": "Regulars"}
    size: dict[str, Value] = {**of, "members": 50, "shoppers": 40, "choices": 90}
    found = Measured(
        (Figure("ndcg", 0.08, 0.05, 0.11, 90, of), Figure("less_rest", 0.01, -0.02, 0.04, 90, of)),
        (Note("shoppers_segment", size), Note("small_segment", {**size, "segment": "Two", "least": 30, "people": 5})),
    )
    view.open_elsewhere(str(make_bundle(tmp_path / "by segment", (judged("quality.slices", found, (), 1, 0, 1.0),))))
    qtbot.waitUntil(lambda: view.detail.result is not None and view.detail.result.check == "quality.slices")
    assert any("segment Regulars" in line and "0.08 (0.05 to 0.11)" in line for line in view.detail.figures.lines())
    assert "50 shoppers, of whom 40 made 90 choices" in view.detail.notes.text()
    assert "Segment Two is too small for a figure" in view.detail.notes.text()


def test_an_example_opens_in_explore(view: AuditView, qtbot: QtBot, window: MainWindow) -> None:
    qtbot.mouseClick(view.detail.examples[0], Qt.MouseButton.LeftButton)
    assert window.current == "explore"
    assert window.session.user == "u1"


def test_a_changed_file_is_named(view: AuditView, qtbot: QtBot, window: MainWindow) -> None:
    folder = window.workspace.folder / "audits" / "spring"
    (folder / "plan.json").write_text("{}")
    view.verify_with("")
    qtbot.waitUntil(view.fault.isVisible)
    assert "plan.json has 2 bytes" in view.fault.text()
    view.verify_with("nonsense")
    assert "is no key" in view.fault.text()


def test_an_interrupted_audit_goes_on_with_its_own_plan(
    view: AuditView, qtbot: QtBot, window: MainWindow, batch_lane: Any
) -> None:
    folder = window.workspace.folder / "audits" / "cut short"
    view.show_bundle(str(folder))
    assert view.go_on.isVisible()
    assert "after 1 checks" in view.empty.text()
    batch_lane.held.add("audit")
    qtbot.mouseClick(view.go_on, Qt.MouseButton.LeftButton)
    task = window.batch.current
    assert task is not None
    assert task.kind == "audit"
    assert task.arguments["out"] == str(folder)
    assert Path(task.arguments["plan"]).name == "plan.json"
    assert Path(task.arguments["run"]).name == "weighted-01"
    assert not view.go_on.isVisible()


def test_the_form_refuses_a_name_that_is_taken(view: AuditView, qtbot: QtBot, window: MainWindow) -> None:
    form = BeginAudit(window.workspace.openable, "", window.workspace.folder, view)
    qtbot.addWidget(form)
    assert form.start.isEnabled()
    form.name.setText("spring")
    assert "of this name" in form.fault.text()
    form.name.setText("summer")
    form.chinese.click()
    assert form.arguments["languages"] == ("en",)
    assert form.arguments["plan"] == "standard"
    form.english.click()
    assert not form.start.isEnabled()


def test_two_audits_are_compared_in_words(view: AuditView, qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    worse = judged(
        "quality.ranking", Measured((Figure("less_best", -0.2, -0.21, -0.19, 100),)), RESULTS[0].thresholds, 1, 0, 1.0
    )
    other = make_bundle(tmp_path / "elsewhere", (worse,))
    view.open_elsewhere(str(other))
    qtbot.waitUntil(lambda: view.bundle is not None and view.bundle.path == str(other))
    view.compare_with(str(window.workspace.folder / "audits" / "spring"))
    qtbot.waitUntil(lambda: bool(view.findChildren(TextDialog)))
    dialog = view.findChildren(TextDialog)[0]
    assert "worse: Ranking against simple rankers" in dialog.text.toPlainText()
    dialog.close()


def test_a_bundle_is_written_as_a_zip_beside_the_window(
    view: AuditView, qtbot: QtBot, tmp_path: Path, engine: Any
) -> None:
    engine.answers["zip_bundle"] = lambda path, out: zip_of(Path(path), Path(out))
    view.save_zip(tmp_path / "spring.zip")
    qtbot.waitUntil(lambda: not view.busy)
    assert finish(opened_bundle(tmp_path / "spring.zip")).verified.good


def test_state_comes_back_and_the_figures_can_be_exported(view: AuditView, qtbot: QtBot) -> None:
    state = view.state()
    assert Path(state["bundle"]).name == "spring"
    view.restore({"bundle": "/nowhere", "sizes": "x"})
    assert view.state()["bundle"] == state["bundle"]
    assert view.numbers()["figures"]["figure"] == ["ndcg", "less_best", "damaged", "other_dataset"]
