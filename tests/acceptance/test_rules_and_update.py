"""Business rules and updates in the real window with the real engine: the same numbers as on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.compare.choice import SHOPPERS
from app.compare.view import CompareView
from app.main_window import MainWindow
from app.map.view import MapView
from app.rules_view.view import RulesView
from app.segments_view.view import SegmentsView
from app.settings import Settings
from app.start import make_window
from app.views.train import TrainView
from engine.cli import main
from engine.files import read_json, write_json
from engine.jobs import finish
from engine.rule_book import RuleBook
from engine.training.config import Config
from engine.training.loop import train
from tests.engine.conftest import TINY
from tests.engine.test_update import _shop

LONG = 120_000
RULES = {
    "rules": [
        {"name": "reds", "rule": "boost", "by": 0.25, "where": {"field": "colour", "is": "red"}},
        {"name": "affordable", "rule": "filter", "where": {"field": "price", "at_most": 120}},
        {"name": "kept off", "rule": "pin", "on": False, "item": "i3", "position": 2},
        {"name": "variety", "rule": "diversity", "lambda": 0.6, "over": "content"},
        {"name": "campaign", "rule": "pin", "item": "i7", "position": 1},
    ]
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a shop, the shop grown, and a run on the first."""
    folder = tmp_path_factory.mktemp("workspace")
    write_json(folder / "workspace.json", {"version": 1})
    old = _shop(folder / "datasets" / "old", whole=False)
    _shop(folder / "datasets" / "grown", whole=True)
    settings = {**TINY, "text_encoder": "untrained", "modalities": ("text", "attribute")}
    finish(train(old, folder / "runs" / "one", Config.from_settings(settings)))
    return folder


@pytest.fixture
def window(qtbot: QtBot, workspace: Path) -> Iterator[MainWindow]:
    made = make_window(
        Settings(theme="light", language="en"), workspace, str(workspace / "runs" / "one"), in_process=True
    )
    made.show()
    session = made.session
    qtbot.waitUntil(lambda: session.idle and session.explanation is not None, timeout=LONG)
    yield made
    made.close()
    made.deleteLater()


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_window_ranks_and_explains_under_rules_as_the_command_line_does(
    window: MainWindow, workspace: Path, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    session = window.session

    def settled() -> bool:
        return session.idle and session.explanation is not None and session.explanation.item == session.item

    with qtbot.waitSignal(session.ranking_changed, timeout=LONG):
        session.rules.change(RuleBook.from_json(RULES), "rules")
    qtbot.waitUntil(settled, timeout=LONG)
    session.rules.flush()
    file = workspace / "rules" / "old.json"
    run = str(workspace / "runs" / "one")
    told = printed(capsys, "recommend", run, "--user", session.user, "-k", "100", "--rules", str(file))
    assert session.ranking is not None
    shown = [(one.item, one.rank, one.model_rank, len(one.effects)) for one in session.ranking.items]
    assert shown == [(one["item"], one["rank"], one["model_rank"], len(one["effects"])) for one in told["items"]]
    assert [one.score for one in session.ranking.items] == pytest.approx([one["score"] for one in told["items"]])
    moved = next(one for one in session.ranking.items if one.rank != one.model_rank)
    session.choose_item(moved.item)
    qtbot.waitUntil(settled, timeout=LONG)
    why = printed(capsys, "explain", run, "--user", session.user, "--item", moved.item, "--rules", str(file))
    found = session.explanation
    assert found is not None
    assert (found.shown_rank, found.rank) == (why["shown_rank"], why["rank"]) == (moved.rank, moved.model_rank)
    assert [one.rule for one in found.effects] == [one["rule"] for one in why["effects"]]
    window.show_view("rules")
    view = window.view
    assert isinstance(view, RulesView)
    qtbot.waitUntil(lambda: not view.busy, timeout=LONG)
    assert "colour" in [view.form.condition.field.itemData(n) for n in range(view.form.condition.field.count())]
    counts = [view.model.count(row) for row in range(len(view.model.book.rules))]
    assert counts == [14, 6, None, None, None]  # prices go up to 157.5 and begin anew; every third product is red
    assert [one.item for one in view.effects.model.items] == [one["item"] for one in told["items"] if one["effects"]]
    session.undo.undo()
    qtbot.waitUntil(lambda: settled() and not any(one.effects for one in (session.ranking or told).items), timeout=LONG)


def test_all_that_tells_what_is_shown_is_under_the_rules_and_the_dataset_is_left_alone(
    window: MainWindow, workspace: Path, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    session, run = window.session, str(workspace / "runs" / "one")
    dataset = sorted((workspace / "datasets").rglob("*"))
    before = [path.read_bytes() if path.is_file() else b"" for path in dataset]
    with qtbot.waitSignal(session.ranking_changed, timeout=LONG):
        session.rules.change(RuleBook.from_json(RULES), "rules")
    session.rules.flush()
    rules = ("--rules", str(workspace / "rules" / "old.json"))

    def told(user: str, k: int) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = printed(capsys, "recommend", run, "--user", user, "-k", str(k), *rules)["items"]
        return items

    window.show_view("compare")
    compare = window.view
    assert isinstance(compare, CompareView)
    compare.choice.choose_mode(SHOPPERS)
    qtbot.waitUntil(lambda: compare.found is not None and not compare.busy, timeout=LONG)
    found = compare.found
    assert found is not None
    assert compare.rules.isVisible()
    for side, listed in zip(found.sides, (found.left_list, found.right_list), strict=True):
        shown = [(one["item"], one["rank"], one["model_rank"]) for one in told(side.user, 100)]
        assert [(one.item, one.rank, one.model_rank) for one in listed.items] == shown
    assert any(compare.numbers()["lists"]["left rules"])
    window.show_view("map")
    reasons = window.view
    assert isinstance(reasons, MapView)
    reasons.show_what("reasons")
    qtbot.waitUntil(lambda: reasons.found is not None and reasons.found.what == "reasons", timeout=LONG)
    assert reasons.found is not None
    for user, item in list(zip(reasons.found.users, reasons.found.items, strict=True))[:3]:
        assert item == told(user, 1)[0]["item"]
    assert "they put" in reasons.panel.note.text()
    window.show_view("segments")
    segments = window.view
    assert isinstance(segments, SegmentsView)
    users = tuple(reasons.found.users[:4])
    segments.show_segment(session.segments.add("four", "users", users, ""))
    qtbot.waitUntil(lambda: not segments.busy and segments.findings.numbers() != {}, timeout=LONG)
    risen = sum(one["model_rank"] > 10 for user in users for one in told(user, 10))
    assert f"they brought {risen} of the" in segments.findings.sides["left"].about.text()
    session.rules.switch()  # all off: asked anew without them
    qtbot.waitUntil(
        lambda: not segments.busy and "they" not in segments.findings.sides["left"].about.text(), timeout=LONG
    )
    assert [path.read_bytes() if path.is_file() else b"" for path in dataset] == before
    assert sorted((workspace / "datasets").rglob("*")) == dataset
    session.undo.undo()
    session.undo.undo()
    session.rules.flush()


def test_a_run_is_updated_from_the_window_and_tells_what_it_forgot(
    window: MainWindow, workspace: Path, qtbot: QtBot
) -> None:
    window.show_view("train")
    view = window.view
    assert isinstance(view, TrainView)
    qtbot.waitUntil(lambda: view.table.current is not None and not view.busy, timeout=LONG)
    view.table.choose(str(workspace / "runs" / "one"))
    view.table.update_run.click()
    dialog = view.updating
    assert dialog is not None
    qtbot.waitUntil(dialog.start.isEnabled, timeout=LONG)
    assert Path(dialog.data.currentData()).name == "grown"
    dialog.name.setText("two")
    dialog.fields["epochs"].put(2)
    dialog.start.click()
    report = view.card.update_report
    qtbot.waitUntil(lambda: report.isVisible() and not view.busy, timeout=LONG)
    card = read_json(workspace / "runs" / "two" / "run.json")
    assert card["state"] == "done"
    assert view.card.card is not None
    shown = view.card.card.update
    assert shown is not None
    assert shown.forgotten == card["update"]["forgotten"]
    assert shown.new_items == 2
    assert card["config"]["epochs"] == 2
    assert report.verdict.text().startswith(("Forgotten:", "Nothing was forgotten:"))
