"""Every view can be drawn in every form, with what a real engine answers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app import exporting
from app.data.numbers import numbers
from app.data.view import DataView
from app.main_window import MainWindow
from app.settings import Settings
from app.views.export import ExportDialog
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


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_data_view_exports_all_rows_that_are_found(
    open_window: Callable[..., MainWindow],
    qtbot: QtBot,
    real: Path,
    tmp_path: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.data.model.PAGE", 20)
    shutil.copytree(real, tmp_path / "workspace", dirs_exist_ok=True)
    window = open_window(Settings(theme="light", export_folder=str(tmp_path)))
    qtbot.waitUntil(lambda: window.session.explanation is not None, timeout=60_000)
    window.show_view("data")
    view = window.view
    assert isinstance(view, DataView)
    view.tabs.setCurrentIndex(next(n for n in range(view.tabs.count()) if view.tabs.tabData(n) == "events"))
    qtbot.waitUntil(lambda: bool(view.whole()) and not view.busy and window.session.idle, timeout=20_000)
    ((part, whole),) = view.whole().items()
    assert view.opened.tables is not None
    assert whole.rows == view.opened.tables.counts["events"] > len(view.numbers()[part]["user"])
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = next(one for one in window.findChildren(ExportDialog) if one.isVisible())
    dialog.form.setCurrentIndex([form.suffix for form in dialog._forms].index(suffix))
    dialog.table.setCurrentIndex(dialog.table.findData(part))
    assert dialog.table.currentText() == "events"
    assert dialog.message == f"{whole.rows} rows, all that were found."
    with qtbot.waitSignal(dialog.saved, timeout=20_000) as saved:
        qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert saved.args is not None
    out = Path(str(saved.args[0]))
    found = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    assert len(found) == whole.rows
    assert list(found.columns) == list(whole.asks["columns"])
    qtbot.waitUntil(lambda: not dialog.isVisible())
