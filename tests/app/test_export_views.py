"""Every view can be drawn in every form, with what a real engine answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pytestqt.qtbot import QtBot

from app import exporting
from app.main_window import MainWindow
from tests.app.conftest import FakeEngine
from tests.app.real_shop import RealEngine


@pytest.fixture
def engine(real_engine: RealEngine) -> RealEngine:
    return real_engine


@pytest.fixture
def batch_lane(engine: RealEngine) -> FakeEngine:
    return FakeEngine(engine.folder)


def test_every_view_can_be_drawn_in_every_form(
    open_window: Callable[..., MainWindow], qtbot: QtBot, real: Path, tmp_path: Path
) -> None:
    """Also those with plots, which have a `render` of their own: it once ended the program."""
    shutil.copytree(real, tmp_path / "workspace", dirs_exist_ok=True)
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None, timeout=60_000)
    for name in window.names:
        window.show_view(name)
        view = window.view
        assert view is not None
        qtbot.waitUntil(lambda view=view: window.session.idle and not view.busy, timeout=60_000)  # type: ignore[misc]
        about = exporting.About(name)
        drawn = ElementTree.fromstring(exporting.svg(view, about))
        assert len(list(drawn.iter("{http://www.w3.org/2000/svg}text"))) > 5, name
        assert exporting.pdf(view, about).startswith(b"%PDF-1."), name
        assert exporting.picture(view).size() == view.size() * 2, name
