"""Every view fits the smallest window in both languages: none asks for more room than it is given, no tab is cut."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QTabBar, QToolButton
from pytestqt.qtbot import QtBot

from app.i18n import LANGUAGES
from app.main_window import MainWindow
from app.questions import Step
from app.views.working import Working
from engine.rule_book import RuleBook
from engine.rules import Rule
from tests.app.conftest import FakeEngine
from tests.app.real_shop import RealEngine

Open = Callable[..., Any]
LONG = "Those who like the stripes and the word waterproof"


@pytest.fixture
def engine(real_engine: RealEngine) -> RealEngine:
    return real_engine


@pytest.fixture
def batch_lane(engine: RealEngine) -> FakeEngine:
    return FakeEngine(engine.folder)


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_no_view_asks_for_more_than_the_smallest_window_gives(
    open_window: Open, qtbot: QtBot, real: Path, tmp_path: Path, language: str
) -> None:
    shutil.copytree(real, tmp_path / "workspace", dirs_exist_ok=True)
    window: MainWindow = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None, timeout=60_000)
    window.session.segments.add(LONG, "users", ("u1", "u2", "u3"), "x" * 90)
    window.session.segments.add(LONG, "users", ("u4", "u5"), "x" * 90)
    window.session.rules.take(RuleBook((Rule(LONG, "pin", items=("i3",), position=1),)))
    window.choose_language(language)
    window.resize(window.minimumSize())
    for name in window.names:
        window.show_view(name)
        view = window.view
        assert view is not None
        if name == "segments":
            view.findings.against.box.setCurrentIndex(2)  # type: ignore[attr-defined]  # beside another one
            view.findings.ask()  # type: ignore[attr-defined]
        qtbot.waitUntil(lambda view=view: window.session.idle and not view.busy, timeout=60_000)  # type: ignore[misc]
        for working in (False, True):
            for line in view.findChildren(Working) if working else []:
                line._stepped(Step("Encoding the photos of the catalogue", 0.4, 4000.0))
                line.show()
            for _ in range(3):
                QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
            given = window.front.width()
            assert view.minimumSizeHint().width() <= given, (name, working)
            assert view.width() == given, (name, working)
            for bar in view.findChildren(QTabBar):
                arrows = [one for one in bar.findChildren(QToolButton) if one.isVisible()]
                assert not arrows, (name, working, [bar.tabText(place) for place in range(bar.count())])
