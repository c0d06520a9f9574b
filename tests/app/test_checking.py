"""Help > Check this installation: steps as they end, the verdict, a copy of it, and a stop that leaves nothing."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from app.about import AboutDialog
from app.checking import CheckDialog, show_check
from app.i18n import LanguageSource, read_translations
from app.looking import colours, has_display, look_off_screen
from app.theme import ThemeSource
from engine.errors import HeedmapError
from engine.jobs import Progress, finish
from engine.selftest.apart import apart
from engine.selftest.found import Found
from engine.selftest.run import Advanced, Outcome, Report
from engine.selftest.steps import STEPS
from tests.conftest import ROOT

WELL = Found("{epochs} epochs, NDCG@10 {ndcg:.3f} on test (popularity {popularity:.3f})", {
    "epochs": 9, "ndcg": 0.123, "popularity": 0.05,
})  # fmt: skip
Steps = Generator[Advanced | Outcome, None, Report]


def well() -> Steps:
    outcomes = []
    for step in STEPS:
        yield Advanced(step, Progress("Training", 1, 2))
        found = WELL if step.name == "training" else Found("no process, no file", {})
        outcomes.append(Outcome(step, "ok", 0.5, found))
        yield outcomes[-1]
    return Report(tuple(outcomes), 12.0)


def ill() -> Steps:
    first, second = STEPS[:2]
    failed = Outcome(first, "failed", 1.0, None, "The disk is full.", "Free some space.", "Traceback of ours")
    skipped = Outcome(second, "skipped", 0.0, None, "not tried without: Photos")
    yield failed
    yield skipped
    return Report((failed, skipped), 3.0)


def refused() -> Steps:
    yield Advanced(STEPS[0])
    raise HeedmapError("No temporary folder can be made.", "Free some space.")


def opened(qtbot: QtBot, test: object) -> CheckDialog:
    dialog = CheckDialog(ThemeSource("light"), test)  # type: ignore[arg-type]  # a generator function
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def copied(qtbot: QtBot, dialog: CheckDialog) -> str:
    qtbot.waitUntil(dialog.copy.isEnabled)
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    return QGuiApplication.clipboard().text()


def test_all_is_well(qtbot: QtBot) -> None:
    dialog = opened(qtbot, well)
    said = copied(qtbot, dialog)
    assert dialog.verdict.text() == "READY: all of it works"
    assert "NDCG@10 0.123" in dialog.advice.text()
    assert dialog._said["training"].text() == "9 epochs, NDCG@10 0.123 on test (popularity 0.050)"
    assert {mark.accessibleName() for mark in dialog._marks.values()} == {"works"}
    assert said.count("✓") == len(STEPS)
    assert "READY  9 epochs trained" in said
    qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    assert dialog.isHidden()


def test_what_failed_says_what_to_do(qtbot: QtBot) -> None:
    dialog = opened(qtbot, ill)
    said = copied(qtbot, dialog)
    assert "NOT READY" in dialog.verdict.text()
    assert "The disk is full.\nFree some space." in dialog._said[STEPS[0].name].text()
    assert dialog._marks[STEPS[0].name].accessibleName() == "does not work"
    assert dialog._marks[STEPS[1].name].accessibleName() == "not tried"
    assert "Traceback" not in dialog._said[STEPS[0].name].text()
    assert "Traceback of ours" in said  # for who supports it


def test_where_it_cannot_begin_it_says_so(qtbot: QtBot) -> None:
    dialog = opened(qtbot, refused)
    assert "No temporary folder" in copied(qtbot, dialog)
    assert dialog.advice.text() == "Free some space."


def test_a_stop_ends_the_test_before_the_dialog_goes(qtbot: QtBot) -> None:
    ended = threading.Event()

    def endless() -> Steps:
        try:
            while True:
                time.sleep(0.01)  # what a step does
                yield Advanced(STEPS[0])
        finally:
            ended.set()

    dialog = opened(qtbot, endless)
    qtbot.waitUntil(lambda: dialog._said[STEPS[0].name].text() != "")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(dialog.isHidden)
    assert ended.is_set()


def test_every_step_and_every_finding_is_translated(qtbot: QtBot) -> None:
    chinese = read_translations("zh_CN")
    said = {step.title for step in STEPS}
    for file in [*(ROOT / "engine" / "selftest").glob("*.py"), ROOT / "app" / "looking.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Found":
                first = node.args[0]
                said.update([str(first.value)] if isinstance(first, ast.Constant) else [])
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "said":
                said.update([str(node.value.value)] if isinstance(node.value, ast.Constant) else [])
    assert len(said) > 25
    for text in said:
        translated = chinese[text]
        assert isinstance(translated, str)
        assert places(text) == places(translated), text
    languages = LanguageSource("zh_CN")
    try:
        dialog = opened(qtbot, well)
        copied(qtbot, dialog)
        assert dialog._said["training"].text() == "9 轮，测试 NDCG@10 0.123（热门度 0.050）"
    finally:
        languages.remove()


def places(text: str) -> list[str]:
    import string

    return sorted(f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(text) if name is not None)


def test_an_empty_picture_has_one_colour(qtbot: QtBot) -> None:
    picture = QImage(100, 100, QImage.Format.Format_ARGB32)
    picture.fill(QColor("navy"))
    assert colours(picture) == 1
    for place in range(100):
        picture.setPixelColor(place, 3, QColor(place, place, 0))
    assert colours(picture) == 1  # nearly all of it is still navy
    for row in range(50):
        for place in range(100):
            picture.setPixelColor(place, row, QColor(place, row, 0))
    assert colours(picture) > 4000


def test_a_display_is_told_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_display()


@pytest.mark.slow
def test_the_window_is_really_looked_at(tmp_path: Path) -> None:
    from engine.dataset.sample import sample
    from engine.training.config import Config
    from engine.training.loop import train

    finish(sample(tmp_path / "datasets" / "sample", items=24, shoppers=30, seed=3))
    config = Config(epochs=1, dim=16, heads=2, modalities=("attribute",))
    finish(train(tmp_path / "datasets" / "sample", tmp_path / "runs" / "tiny", config))
    out = tmp_path / "pictures"
    out.mkdir()
    job = apart(look_off_screen, (str(tmp_path / "runs" / "tiny"), str(out)), tmp_path / "log", 120.0)
    while True:
        try:
            next(job)
        except StopIteration as end:
            found, sockets = end.value
            break
    assert sockets == []
    assert 0 < found.values["paint"] < found.values["explained"]
    assert (found.values["width"], found.values["height"]) == (1280, 800)
    assert found.values["font"]
    english, chinese = (np.asarray(Image.open(out / f"window-{name}.png")) for name in ("en", "zh_CN"))
    assert english.shape == chinese.shape
    assert (english != chinese).any(axis=-1).mean() > 0.005


def test_help_offers_both_dialogs(qtbot: QtBot, open_window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.checking.selftest", lambda wanted: well())
    window = open_window(check=show_check)
    actions = {action.objectName(): action for action in window.actions()}
    actions["check"].trigger()
    checks = window.findChildren(CheckDialog)
    assert len(checks) == 1
    assert checks[0].isVisible()
    qtbot.waitUntil(lambda: checks[0].report is not None)
    qtbot.keyClick(checks[0], Qt.Key.Key_Escape)
    actions["about"].trigger()
    (about,) = window.findChildren(AboutDialog)
    qtbot.waitUntil(lambda: about.table.rowCount() > 40, timeout=20_000)
    assert about.isVisible()
    qtbot.mouseClick(about.close_button, Qt.MouseButton.LeftButton)
    assert not about.isVisible()
