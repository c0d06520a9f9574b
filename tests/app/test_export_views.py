"""Every view can be drawn in every form, with what a real engine answers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pytestqt.qtbot import QtBot

from app import exporting
from app.data.numbers import numbers
from app.main_window import MainWindow
from app.whatif import report
from engine.dataset.tables import Page
from engine.explain import export
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


def _light(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("style", [report._STYLE, export._STYLE], ids=["what-if report", "explanation"])
def test_small_words_of_a_web_page_can_be_read(style: str) -> None:
    """Of every grey that words have on the page's ground; 4.5 to 1 is what WCAG asks for."""
    ground = re.search(r"background:(#\w{6})", style)
    assert ground is not None
    greys = set(re.findall(r"[{;]color:(#\w{6})", style))
    assert len(greys) > 1
    for grey in greys:
        one, other = sorted((_light(grey), _light(ground[1])))
        assert (other + 0.05) / (one + 0.05) >= 4.5, grey


def test_a_part_of_a_long_table_is_called_a_part() -> None:
    """The Data view reads a table page by page: what was not read is not in the file, and its name says so."""
    page = Page("items", 0, 400, (0, 1), ("item", "price"), (("i1", "i2"), (3.0, 4.0)))
    assert numbers("items", [page], None) == {"items, 2 of 400 rows": {"item": ["i1", "i2"], "price": [3.0, 4.0]}}
    assert list(numbers("items", [replace(page, total=2)], None)) == ["items"]
