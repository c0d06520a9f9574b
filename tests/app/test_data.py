"""The Data view over a small real dataset: the engine's own jobs answer, the user clicks and types."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QDateTime, QLocale, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QMenu
from pytestqt.qtbot import QtBot

from app.data import cells
from app.data.model import PAGE
from app.data.popups import ColumnChooser, FilterBuilder
from app.data.view import HEALTH, DataView
from app.segments import Segment
from app.session import Session
from app.theme import ThemeSource
from app.views.working import Working
from app.workspace import Workspace
from engine.dataset.store import DatasetWriter
from engine.dataset.tables import TABLE_NAMES, Column, Duplicates, Filter
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.jobs import Progress, finish
from engine.workspace import WorkspaceSummary

JOBS = (
    "browse",
    "browse_columns",
    "browse_row",
    "browse_keys",
    "browse_distribution",
    "find_missing",
    "find_duplicates",
)
EVENTS = 900


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "shop"
    with DatasetWriter(out, name="Corner shop", domain="shop", source="tests", licence="none") as writer:
        for n in range(40):
            content = io.BytesIO()
            patches = np.random.default_rng(n % 30).integers(0, 255, (5, 5, 3), dtype=np.uint8)
            Image.fromarray(patches).resize((60, 60)).save(content, "PNG")
            writer.add("items", {
                "item": f"i{n}", "title": f"{('Tent', 'Lamp', '雨衣')[n % 3]} {n}", "price": n + 0.5 if n % 8 else None,
                "images": [writer.add_image(content.getvalue())] if n % 5 else [],
                "attributes": [{"name": "colour", "value": ("red", "blue")[n % 2]}],
            })  # fmt: skip
        for n in range(20):
            writer.add("users", {"user": f"u{n}"})
        for n in range(EVENTS):
            writer.add("events", {
                "user": f"u{n % 19}", "item": f"i{n % 39}", "time": 1_700_000_000_000 + n * 3_600_000,
                "kind": "purchase" if n % 4 else "view",
            })  # fmt: skip
        writer.add("reviews", {"review": "r1", "item": "i3", "user": "u2", "text": "warm " * 200, "rating": 4.0})
        writer.problem("items.csv", 17, "price", "cheap", "not a number")
    return out


@pytest.fixture(scope="module")
def desk() -> Any:
    made = Desk()
    yield made
    made.at_hand.close()


@pytest.fixture
def lane(engine: Any, desk: Desk, folder: Path) -> Any:
    """An engine lane over the real jobs, and a made-up run of the real dataset."""
    from tests.app.conftest import make_run

    engine.folder = folder
    engine.run = make_run(folder)
    for name in JOBS:
        engine.answers[name] = lambda name=name, **asked: _answer(desk, name, asked)
    return engine


def _answer(desk: Desk, name: str, asked: dict[str, Any]) -> Any:
    try:
        return finish(desk.job(name, asked))
    except HeedmapError as error:
        return error


Open = Callable[..., DataView]


@pytest.fixture
def open_view(qtbot: QtBot, lane: Any, folder: Path) -> Open:
    def make(run: bool = True, workspace: bool = True) -> DataView:
        session = Session(lane)
        places = Workspace(lane, folder.parent)
        view = DataView(session, places, ThemeSource("light"))
        view.resize(1300, 820)
        qtbot.addWidget(view)
        view.show()
        if workspace:
            places.refresh()
        if run:
            session.open_run(str(folder / "weighted-01"))
        if run or workspace:
            qtbot.waitUntil(lambda: view.model.total > 0 and not view.busy)
        return view

    return make


@pytest.fixture
def view(open_view: Open) -> DataView:
    return open_view()


def go_to(qtbot: QtBot, view: DataView, table: str) -> None:
    place = (*TABLE_NAMES, HEALTH).index(table)
    qtbot.mouseClick(view.tabs, Qt.MouseButton.LeftButton, pos=view.tabs.tabRect(place).center())
    qtbot.waitUntil(lambda: not view.busy)


def settled(qtbot: QtBot, view: DataView) -> None:
    qtbot.waitUntil(lambda: not view.busy)


def column(view: DataView, name: str) -> list[str]:
    place = [one.name for one in view.model.columns].index(name)
    return [view.model.text(row, place) or "" for row in range(view.model.total)]


def heading(view: DataView, name: str) -> QPoint:
    place = [one.name for one in view.model.columns].index(name)
    return QPoint(view.sheet.rows.header.sectionViewportPosition(place) + 30, 12)


def cell(view: DataView, row: int, name: str) -> QPoint:
    place = [one.name for one in view.model.columns].index(name)
    return view.sheet.rows.visualRect(view.model.index(row, place)).center()


def test_tables_are_shown_with_their_counts_and_a_row_whole(qtbot: QtBot, view: DataView) -> None:
    assert [view.tabs.tabText(n) for n in range(6)] == [
        "Products  40", "Shoppers  20", "Events  900", "Reviews  1", "Links  0", "Problems  1",
    ]  # fmt: skip
    assert view.sheet.count.text() == "40 row(s)"  # English plurals come with the translator
    assert column(view, "title")[:3] == ["Tent 0", "Lamp 1", "雨衣 2"]
    assert column(view, "price")[:2] == ["", "1.50"]
    go_to(qtbot, view, "reviews")
    assert column(view, "text")[0].endswith("…")
    qtbot.waitUntil(lambda: "warm " * 199 in view.sheet.side.row.text.text())


def test_typing_finds_rows_also_in_chinese(qtbot: QtBot, view: DataView) -> None:
    view.focus_search()
    qtbot.keyClicks(view.sheet.search, "tent")
    qtbot.waitUntil(lambda: view.model.total == 14 and not view.busy)
    assert view.sheet.count.text() == "14 of 40 rows"
    view.sheet.search.clear()
    view.sheet.search.insert("雨衣")
    view.sheet.search.textEdited.emit("雨衣")
    qtbot.waitUntil(lambda: view.model.total == 13 and not view.busy)
    assert {title.split()[0] for title in column(view, "title")} == {"雨衣"}
    qtbot.keyClicks(view.sheet.search, "zzz")
    qtbot.waitUntil(lambda: view.sheet.none.isVisible())
    assert "No row fits" in view.sheet.none.text()


def test_a_heading_sorts_up_down_and_back(qtbot: QtBot, view: DataView) -> None:
    header = view.sheet.rows.header.viewport()
    for wanted in (sorted, lambda prices: sorted(prices, reverse=True), list):
        qtbot.mouseClick(header, Qt.MouseButton.LeftButton, pos=heading(view, "price"))
        settled(qtbot, view)
        numbers = [float(text) for text in column(view, "price") if text]
        assert numbers == wanted(numbers)
    assert view.opened.asked.sort == ""
    assert view.sheet.side.values.which.currentData() == "price"


def test_a_bar_clicked_is_a_filter_and_its_chip_takes_it_away(qtbot: QtBot, view: DataView) -> None:
    view.opened.count_values("attributes.colour")
    settled(qtbot, view)
    chart = view.sheet.side.values.chart
    assert [(chart.label(n), chart.count(n)) for n in range(2)] == [("blue", 20), ("red", 20)]
    qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.bar_box(1).center().toPoint())
    qtbot.waitUntil(lambda: view.model.total == 20 and not view.busy)
    assert set(column(view, "attributes.colour")) == {"red"}
    assert [chip.text() for chip in view.sheet.chips.chips] == ["Colour: red"]
    qtbot.mouseClick(view.sheet.chips.chips[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.model.total == 40)


def test_a_histogram_is_walked_and_chosen_by_keys(qtbot: QtBot, view: DataView) -> None:
    view.opened.count_values("price")
    settled(qtbot, view)
    chart = view.sheet.side.values.chart
    assert sum(chart.count(bar) for bar in range(chart.bars)) == 35
    assert view.sheet.side.values.missing.isVisible()
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    qtbot.keyClick(chart, Qt.Key.Key_Return)
    first = chart.count(0)
    qtbot.waitUntil(lambda: view.model.total == first and not view.busy)
    view.opened.clear()
    settled(qtbot, view)
    qtbot.mouseClick(view.sheet.side.values.missing, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.model.total == 5)
    assert "Price is missing" in view.sheet.chips.chips[0].text()


def test_bars_of_single_values_say_the_value(qtbot: QtBot, view: DataView) -> None:
    go_to(qtbot, view, "reviews")
    view.opened.count_values("rating")
    settled(qtbot, view)
    chart = view.sheet.side.values.chart
    assert [chart.label(bar) for bar in range(chart.bars)] == ["4"]
    go_to(qtbot, view, "items")
    view.opened.count_values("events")
    settled(qtbot, view)
    assert [chart.label(bar) for bar in range(chart.bars)][:2] == ["0", "1"]
    assert chart.filter_of(0) == Filter("events", "between", 0.0, 1.0)


def test_escape_clears_the_search(qtbot: QtBot, view: DataView) -> None:
    qtbot.keyClicks(view.sheet.search, "lamp")
    qtbot.waitUntil(lambda: view.model.total == 13 and not view.busy)
    qtbot.keyClick(view.sheet.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: view.model.total == 40 and not view.busy)


def test_a_filter_is_built_by_keys(qtbot: QtBot, view: DataView) -> None:
    view.opened.build_filter("price")
    builder = view.findChild(FilterBuilder)
    assert builder is not None
    builder.op.setCurrentIndex(builder.op.findData("between"))
    assert not builder.add.isEnabled()
    qtbot.keyClicks(builder.value, "10")
    qtbot.keyClicks(builder.upper, "20.5")
    qtbot.keyClick(builder.upper, Qt.Key.Key_Return)
    settled(qtbot, view)
    assert view.opened.asked.filters == (Filter("price", "between", 10.0, 20.5),)
    assert [float(text) for text in column(view, "price")] == [n + 0.5 for n in range(10, 20) if n % 8]
    go_to(qtbot, view, "events")
    view.opened.build_filter("time")
    builder = view.findChildren(FilterBuilder)[-1]
    assert builder.day.isVisible()
    assert not builder.value.isVisible()
    builder.close()


def test_columns_are_hidden_moved_and_come_back_after_a_restart(qtbot: QtBot, view: DataView, open_view: Open) -> None:
    view.opened.choose_columns()
    chooser = view.findChild(ColumnChooser)
    assert chooser is not None
    names = [chooser.list.item(row).text() for row in range(chooser.list.count())]
    chooser.list.setCurrentRow(names.index("Product key"))
    qtbot.keyClick(chooser.list, Qt.Key.Key_Space)
    chooser.list.setCurrentRow(names.index("Price"))
    qtbot.keyClick(chooser.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    chooser.close()
    settled(qtbot, view)
    shown = [one.name for one in view.model.columns]
    assert "item" not in shown
    assert shown.index("price") == shown.index("title") - 1 or shown.index("price") < names.index("Price")
    view.opened.sort_by("price", True)
    view.opened.add_filter(Filter("price", ">", 20.0))
    view.sheet.rows.header.resizeSection(1, 333)
    go_to(qtbot, view, "events")
    kept = view.state()
    again = open_view()
    again.restore(kept)
    settled(qtbot, again)
    assert again.opened.table == "events"
    go_to(qtbot, again, "items")
    assert [one.name for one in again.model.columns] == shown
    assert (again.opened.asked.sort, again.opened.asked.descending) == ("price", True)
    assert again.sheet.rows.header.sectionSize(1) == 333
    assert column(again, "price")[0] == "39.50"
    again.restore({"tab": 7, "tables": {"items": {"widths": "x", "filters": [{"column": 1}]}}, "split": ["a"]})
    settled(qtbot, again)


def test_cells_are_copied_as_a_table(qtbot: QtBot, view: DataView) -> None:
    viewport = view.sheet.rows.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=cell(view, 1, "title"))
    view.sheet.rows.copy()
    assert QGuiApplication.clipboard().text() == "Lamp 1"
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, shift, cell(view, 2, "price"))
    view.sheet.rows.copy()
    assert QGuiApplication.clipboard().text() == "Title\tPrice\nLamp 1\t1.50\n雨衣 2\t2.50"


def test_a_row_leads_to_explore(qtbot: QtBot, view: DataView) -> None:
    qtbot.mouseClick(view.sheet.rows.viewport(), Qt.MouseButton.LeftButton, pos=cell(view, 4, "title"))
    with qtbot.waitSignal(view.explore_asked) as asked:
        qtbot.mouseDClick(view.sheet.rows.viewport(), Qt.MouseButton.LeftButton, pos=cell(view, 4, "title"))
    assert asked.args == ["", "i4"]
    go_to(qtbot, view, "events")
    view.sheet.rows.setCurrentIndex(view.model.index(2, 0))
    with qtbot.waitSignal(view.explore_asked) as asked:
        qtbot.keyClick(view.sheet.rows, Qt.Key.Key_Return)
    assert asked.args == [view.model.user(2), view.model.item(2)]


def test_a_cell_s_menu_filters_by_its_value(qtbot: QtBot, view: DataView) -> None:
    view.sheet.rows.setCurrentIndex(
        view.model.index(1, [c.name for c in view.model.columns].index("attributes.colour"))
    )
    view.sheet.rows.menu_asked.emit(view.mapToGlobal(QPoint(50, 50)))
    menu = next(menu for menu in view.findChildren(QMenu) if menu.isVisible())
    action = next(action for action in menu.actions() if "Only rows" in action.text())
    assert {action.text() for action in menu.actions() if action.text()} >= {"Open the product in Explore"}
    action.trigger()
    menu.close()
    qtbot.waitUntil(lambda: view.model.total == 20)


def test_rows_are_kept_as_a_segment_and_a_segment_narrows_the_tables(qtbot: QtBot, view: DataView) -> None:
    view.opened.add_filter(Filter("price", "<", 5.0))
    settled(qtbot, view)
    view.opened.save_segment()
    qtbot.waitUntil(lambda: bool(view._session.segments.all))
    made = view._session.segments.all[0]
    assert (made.kind, made.members) == ("items", ("i1", "i2", "i3", "i4"))
    view.opened.clear()
    view._session.choose_segment(made)
    qtbot.waitUntil(lambda: view.model.total == 4)
    go_to(qtbot, view, "events")
    assert {view.model.item(row) for row in range(view.model.total)} == set(made.members)
    qtbot.mouseClick(view.sheet.chips.chips[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.model.total == EVENTS)
    assert view._session.segment is None
    view._session.choose_segment(Segment("two", "users", ("u1", "u2")))
    settled(qtbot, view)
    view.opened.save_segment()
    qtbot.waitUntil(lambda: len(view._session.segments.all) == 2)
    assert sorted(view._session.segments.all[1].members) == ["u1", "u2"]


def test_pages_come_when_they_are_looked_at_and_late_ones_are_dropped(qtbot: QtBot, view: DataView, lane: Any) -> None:
    go_to(qtbot, view, "events")
    lane.held.add("browse")
    begun = len(lane.asked)
    view.sheet.rows.verticalScrollBar().setValue(view.sheet.rows.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: any(name == "browse" for _, name, _ in lane.asked[begun:]))
    assert view.model.text(EVENTS - 1, 0) is None
    assert view.model.index(EVENTS - 1, 0).data() == "…"
    late = next(job for job, name, _ in lane.asked[begun:] if name == "browse")
    lane.held.clear()
    view.opened.add_filter(Filter("kind", "is", "view"))
    settled(qtbot, view)
    lane.release(late)
    assert view.model.total == EVENTS // 4
    assert set(column(view, "kind")[:50]) == {"view"}
    view.opened.clear()
    settled(qtbot, view)
    view.sheet.rows.verticalScrollBar().setValue(view.sheet.rows.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: view.model.text(EVENTS - 1, 0) is not None)
    assert all(len(page.rows) <= PAGE for page in view.model.loaded())


def test_health_names_gaps_and_duplicates_and_leads_to_the_products(
    qtbot: QtBot, view: DataView, tmp_path: Path
) -> None:
    go_to(qtbot, view, HEALTH)
    gaps = {row.gap.what: row for row in view.health.rows}
    assert gaps["photo"].gap.count == 8
    assert gaps["price"].gap.count == 5
    qtbot.mouseClick(view.health.look, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.health.found is not None and not view.busy)
    assert [group.kind for group in view.health.model.groups] == ["same"] * 8
    assert view.health.look.text() == "Look again"
    place = tmp_path / "health.csv"
    view.health.write(place)
    lines = list(csv.reader(io.StringIO(place.read_text(encoding="utf-8-sig"))))
    assert ["lacks price", "", "i8", "", ""] in lines
    assert sum(line[0] == "same" for line in lines) == 16
    view.health.write(tmp_path)  # a folder: said, not raised
    assert "could not be written" in view.health.note.text()
    qtbot.mouseClick(gaps["price"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.opened.table == "items" and view.model.total == 5)
    assert view.sheet.chips.chips[0].text() == "No price"
    qtbot.mouseClick(view.sheet.chips.chips[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.model.total == 40)


def test_looking_for_duplicates_can_be_stopped(qtbot: QtBot, view: DataView, lane: Any) -> None:
    lane.held.add("find_duplicates")
    view.look_for_duplicates()
    job = next(job for job, name, _ in lane.asked if name == "find_duplicates")
    lane.progress(job, Progress("Comparing photos", 5, 40))
    assert view.busy
    view.health._questions.drop_all()
    assert ("cancel", job) in lane.calls
    assert view.health.look.isEnabled()
    lane.release(job)
    assert view.health.found is None


def test_without_photos_there_is_nothing_to_compare(qtbot: QtBot, view: DataView) -> None:
    go_to(qtbot, view, HEALTH)
    view.health._duplicates_came(Duplicates(photos=0, groups=(), unreadable=()))
    assert view.health.intro.text() == "No product has a photo: there is nothing to compare."
    assert not view.health.look.isVisible()
    view.health.open("another")
    assert view.health.look.isVisible()


def test_rejected_rows_say_why(qtbot: QtBot, view: DataView) -> None:
    go_to(qtbot, view, "problems")
    assert [column(view, name)[0] for name in ("source", "row", "column", "value", "reason")] == [
        "items.csv", "17", "price", "cheap", "not a number",
    ]  # fmt: skip
    go_to(qtbot, view, "links")
    assert view.sheet.none.isVisible()


def test_it_works_before_there_is_a_run(qtbot: QtBot, open_view: Open) -> None:
    view = open_view(run=False)
    assert column(view, "title")[0] == "Tent 0"
    qtbot.waitUntil(lambda: view.sheet.side.row.explore.toolTip() == "Open a run of this dataset first")
    assert not view.sheet.side.row.explore.isEnabled()


def test_without_a_dataset_it_says_what_to_do_and_a_fault_is_told(
    qtbot: QtBot, open_view: Open, lane: Any, folder: Path
) -> None:
    lane.answers["list_workspace"] = lambda workspace, create=False: WorkspaceSummary(workspace, (), (), ())
    view = open_view(run=False, workspace=False)
    assert "No dataset yet" in view.sheet.none.text()
    lane.answers["browse_columns"] = HeedmapError("The table is damaged.", "Import the data again.")
    view.choose_dataset(str(folder))
    qtbot.waitUntil(lambda: "Import the data again." in view.sheet.none.text())
    assert view.sheet.none.isVisible()


def test_the_numbers_are_the_rows_and_the_bars(qtbot: QtBot, view: DataView) -> None:
    view.opened.count_values("price")
    settled(qtbot, view)
    numbers = view.numbers()
    assert list(numbers["items"]["title"]) == column(view, "title")
    assert sum(numbers["values of price"]["rows"]) == 35
    assert len(numbers["values of price"]["from"]) == len(numbers["values of price"]["rows"])


def test_numbers_and_times_follow_the_language(qapp: QApplication) -> None:
    before = QLocale()
    try:
        QLocale.setDefault(QLocale("de_DE"))
        assert cells.figure(1234.5) == "1.234,50"
        assert cells.figure(1995, grouped=False) == "1995"
        QLocale.setDefault(QLocale("zh_CN"))
        assert cells.shown(Column("time", "time"), 1_700_000_000_000) == "2023/11/14 22:13"
        assert cells.figure(-1234567.0) == "−1,234,567"
    finally:
        QLocale.setDefault(before)


def test_headings_sort_by_keys(qtbot: QtBot, view: DataView) -> None:
    header, names = view.sheet.rows.header, [one.name for one in view.model.columns]
    header.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(header.hasFocus)
    qtbot.keyClick(header, Qt.Key.Key_Home)
    while names[header.current] != "title":
        qtbot.keyClick(header, Qt.Key.Key_Right)
    assert header.accessibleName() == "Column headings: Title"
    for expected in (("title", False), ("title", True), ("", False)):
        qtbot.keyClick(header, Qt.Key.Key_Return)
        settled(qtbot, view)
        assert (view.model.sorted_by, view.model.descending) == expected
    qtbot.keyClick(header, Qt.Key.Key_End)
    assert header.current == header.logicalIndex(header.count() - 1)
    box = header.sectionViewportPosition(header.current) + header.sectionSize(header.current)
    assert box <= header.viewport().width()  # brought in sight
    qtbot.keyClick(header, Qt.Key.Key_Down)
    assert view.sheet.rows.hasFocus()
    view.sheet.rows.setCurrentIndex(view.model.index(2, names.index("price")))
    view.opened.sort_here()
    settled(qtbot, view)
    assert view.model.sorted_by == "price"


def test_a_heading_s_menu_opens_by_its_key(qtbot: QtBot, view: DataView) -> None:
    header = view.sheet.rows.header
    header.setFocus(Qt.FocusReason.TabFocusReason)
    header.choose([one.name for one in view.model.columns].index("price"))
    qtbot.keyClick(header, Qt.Key.Key_Menu)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    next(one for one in menu.actions() if one.text() == "Sort down").trigger()
    menu.close()
    settled(qtbot, view)
    assert (view.model.sorted_by, view.model.descending) == ("price", True)


def test_times_say_that_they_are_utc_and_tell_the_time_here(qtbot: QtBot, view: DataView) -> None:
    go_to(qtbot, view, "events")
    place = [one.name for one in view.model.columns].index("time")
    heads = view.model.headerData(place, Qt.Orientation.Horizontal)
    assert heads == "Time (UTC)"
    assert "UTC" in str(view.model.headerData(place, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole))
    moment = view.model.cell(0, place)
    assert isinstance(moment, int)
    here = QDateTime.fromMSecsSinceEpoch(moment)
    said = view.model.data(view.model.index(0, place), Qt.ItemDataRole.ToolTipRole)
    assert str(said).endswith(f"{here.time().toString('HH:mm')} {here.timeZoneAbbreviation()} by your clock")
    assert view.model.data(view.model.index(0, 0), Qt.ItemDataRole.ToolTipRole) is None
    qtbot.waitUntil(lambda: "Time (UTC)" in view.sheet.side.row.text.text())


def test_a_search_that_was_stopped_says_so_and_can_be_asked_again(qtbot: QtBot, view: DataView, lane: Any) -> None:
    lane.held.add("browse")
    qtbot.keyClicks(view.sheet.search, "tent")
    stop = view.findChildren(Working)[0].stop
    qtbot.waitUntil(stop.isVisible)
    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    assert not view.busy
    assert ("cancel", next(job for job, name, _ in reversed(lane.asked) if name == "browse")) in lane.calls
    assert "earlier question" in view.sheet.said.text()
    assert view.model.total == 40
    lane.held.clear()
    view.ask_again()
    settled(qtbot, view)
    assert view.model.total == 14
    assert view.sheet.said.text() == ""


def test_reading_a_dataset_can_be_stopped_and_begun_again(
    qtbot: QtBot, open_view: Open, lane: Any, folder: Path
) -> None:
    lane.held.add("browse_columns")
    view = open_view(run=False, workspace=False)
    view.choose_dataset(str(folder))
    stop = view.findChildren(Working)[0].stop
    qtbot.waitUntil(stop.isVisible)
    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    assert "Stopped" in view.sheet.none.text()
    lane.held.clear()
    view.ask_again()
    settled(qtbot, view)
    qtbot.waitUntil(lambda: view.model.total == 40)


def test_every_control_has_a_name(qtbot: QtBot, view: DataView) -> None:
    from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QLineEdit

    go_to(qtbot, view, HEALTH)
    nameless = [
        widget
        for kind in (QAbstractButton, QComboBox, QLineEdit, QAbstractItemView)
        for widget in view.findChildren(kind)
        if widget.isVisible() and not (widget.accessibleName() or getattr(widget, "text", str)())
    ]
    assert nameless == []
    assert not [label for label in view.findChildren(QLabel) if label.isVisible() and "None" in label.text()]
