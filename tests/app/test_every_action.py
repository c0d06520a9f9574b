"""No command does nothing in silence: each has an effect, or says why it has none, whatever is open or on its way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import commands
from app.actions import Action
from app.main_window import MainWindow
from engine.rule_book import RuleBook
from engine.rules import Rule
from engine.scenario import PastEdit, Scenario
from tests.app.conftest import FakeEngine
from tests.app.real_shop import RealEngine

Open = Callable[..., MainWindow]
STATES = ("nothing", "opening", "half", "loaded")
# What can do nothing on an ordinary page, and says so: there is no undo yet, no training, no audit, the whole photo is
# shown, all heads are shown together, and the like. Everything else must act.
IDLE_WHEN_LOADED = {
    "redo", "zoom-out", "zoom-fit", "head-before", "sum-without-past", "whatif-save", "whatif-report", "whatif-reset",
    "map_none", "map_save", "map_all", "map_umap", "segment_save", "segment_more", "rules-up", "rules-down",
    "data-clear", "train_hold", "train_stop", "train_go_on", "what-if-reset", "compare-swap", "brush-remove",
    "brush-keep", "brush-clear", "undo", "map_fit", "rules-delete", "sample", "past-remove", "past-split", "photo-next",
}  # fmt: skip


@pytest.fixture
def engine(real_engine: RealEngine) -> RealEngine:
    return real_engine


@pytest.fixture
def batch_lane(engine: RealEngine) -> FakeEngine:
    lane = FakeEngine(engine.folder)
    lane.held.update({"sample", "train", "import_dataset", "audit", "update"})
    return lane


@pytest.fixture
def dialogs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Dialogs that would wait for an answer only tell that they were asked for."""
    asked: list[str] = []

    def tell(name: str, answer: Any) -> Any:
        def ask(*_: object, **__: object) -> Any:
            asked.append(name)
            return answer

        return ask

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", tell("folder", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", tell("file", ("", "")))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", tell("save", ("", "")))
    monkeypatch.setattr(QInputDialog, "getText", tell("text", ("", False)))
    monkeypatch.setattr(QInputDialog, "getItem", tell("item", ("", False)))
    monkeypatch.setattr(QDialog, "exec", tell("dialog", 0))
    monkeypatch.setattr(QMessageBox, "exec", tell("message", 0))
    return asked


@dataclass(frozen=True)
class Look:
    """All by which a user could tell that something happened."""

    pixels: bytes
    tops: frozenset[int]
    focus: int
    asked: int
    copied: int
    dialogs: int


class Driver:
    def __init__(self, window: MainWindow, qtbot: QtBot, lanes: tuple[FakeEngine, ...], dialogs: list[str]) -> None:
        self.window, self.qtbot, self.lanes, self.dialogs = window, qtbot, lanes, dialogs
        self.copied = 0
        self.idle: set[str] = set()  # what could do nothing
        QGuiApplication.clipboard().dataChanged.connect(self._count)
        QApplication.setCursorFlashTime(0)

    def _count(self) -> None:
        self.copied += 1

    def settle(self) -> None:
        view = self.window.view
        if not any(lane.held for lane in self.lanes[:1]):
            self.qtbot.waitUntil(
                lambda: self.window.session.idle and not (view is not None and view.busy), timeout=30_000
            )
        for _ in range(5):
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def look(self) -> Look:
        image = self.window.grab().toImage()
        focus = QApplication.focusWidget()
        return Look(
            bytes(image.constBits()),
            frozenset(id(one) for one in QApplication.topLevelWidgets() if one.isVisible()),
            id(focus) if focus is not None else 0,
            sum(len(lane.asked) + len(lane.calls) for lane in self.lanes),
            self.copied,
            len(self.dialogs),
        )

    def tidy(self, name: str) -> None:
        """As before the command: nothing lies over the window, the view is in front."""
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for top in QApplication.topLevelWidgets():
            if top is not self.window and top.isVisible():
                top.close()
        for one in self.window.findChildren(QWidget, "heedmap_note"):
            one.hide()
        self.window.guide.end_tour()
        if self.window.guide.drawer is not None:
            self.window.guide.toggle()
        self.window.remark.hide()
        self.window.banner.hide()
        self.window.show_view(name)
        self.settle()

    def drive(self, action: Action, name: str, prepare: Callable[[], None]) -> str:
        """Press it; what is wrong with its answer, or ""."""
        self.tidy(name)
        prepare()
        self.window.activateWindow()
        if (focus := QApplication.focusWidget()) is not None:
            focus.clearFocus()
        self.settle()
        made = self.window.findChild(QAction, action.id)
        view = self.window.view
        if view is not None and view.findChild(QAction, action.id) is not None:
            made = view.findChild(QAction, action.id)
        assert made is not None, action.id
        if not made.isEnabled():
            return "" if made.toolTip() else "is grey without a reason"
        was = action.checked() if action.checked is not None else None
        is_so = bool(was) and action.id != "rules-on"  # what is chosen already
        reason = action.why_not()
        before = self.look()
        made.trigger()
        self.settle()
        if reason:
            self.idle.add(action.id)
            said = self.window.remark.isVisible() and self.window.remark.message == reason
            return "" if said else f"can do nothing ({reason}) and does not say so"
        turned = action.checked is not None and action.checked() != was
        return "" if turned or is_so or self.look() != before else "does nothing in silence"


def made_up(window: MainWindow) -> None:
    window.session.segments.add("Few", "users", ("u1", "u2"))
    window.session.rules.take(RuleBook((Rule("campaign", "pin", items=("i3",), position=1),)))


@pytest.mark.parametrize("state", STATES)
def test_every_command_answers(
    open_window: Open, qtbot: QtBot, real: Path, tmp_path: Path, engine: RealEngine, batch_lane: FakeEngine,
    dialogs: list[str], state: str,
) -> None:  # fmt: skip
    """nothing: an empty workspace; opening: the run's answer waits; half: the run is there, all other answers wait."""
    if state != "nothing":
        shutil.copytree(real, tmp_path / "workspace", dirs_exist_ok=True)
    else:
        shutil.rmtree(tmp_path / "workspace", ignore_errors=True)
    if state == "opening":
        engine.held.add("open_run")
    window = open_window()
    window.resize(960, 620)
    if state in ("half", "loaded"):
        qtbot.waitUntil(lambda: window.session.explanation is not None, timeout=60_000)
        made_up(window)
    driver = Driver(window, qtbot, (engine, batch_lane), dialogs)
    driver.settle()
    if state == "half":
        engine.held.add("*")
        window.session.choose_user("u3")
    faults: list[str] = []
    for name in window.names:
        window.show_view(name)
        driver.settle()
        view = window.view
        assert view is not None
        own = view.offers() if window.current == name else []
        listed = [*own, *(one for one in commands.offered(window) if name == "explore" or one.id == "rules-on")]
        for action in listed:
            if action.id in ("quit", "language-zh_CN"):  # these take the views away
                continue

            def prepare(action: Action = action) -> None:
                if state == "loaded" and window.session.explanation is None:
                    window.session.choose_item("i2")

            if fault := driver.drive(action, name, prepare):
                faults.append(f"{name}: {action.text} ({action.id}) {fault}")
    assert not faults, "\n".join(faults)
    if state == "loaded":
        assert driver.idle <= IDLE_WHEN_LOADED, driver.idle - IDLE_WHEN_LOADED


def test_the_palette_greys_what_can_do_nothing_and_says_why(
    open_window: Open, qtbot: QtBot, real: Path, tmp_path: Path
) -> None:
    shutil.copytree(real, tmp_path / "workspace", dirs_exist_ok=True)
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None, timeout=60_000)
    entries = {one.text: one for one in commands.find(window, "")}
    assert not entries["Undo"].on
    assert entries["Undo"].note == "There is nothing to undo."
    window.session.change(Scenario(pasts=(PastEdit(window.session.user, removed=("i1",)),)), "One less")
    entries = {one.text: one for one in commands.find(window, "")}
    assert entries["Undo"].on
    assert entries["Undo"].note == "Ctrl Z"
    assert entries["Enlarge the photo"].note in ("Ctrl +", "This product has no photo.")
