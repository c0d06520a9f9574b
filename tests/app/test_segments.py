"""Segments are kept, named apart, undone, and narrow every view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.segments import Segment, Segments
from app.segments_view.view import SegmentsView
from app.session import Session
from app.theme import ThemeSource
from app.views.shoppers import ShoppersView
from engine.columns import Columns, Filter, Selection, categories, numbers
from engine.explain.cohort_types import Cohort, CohortRow
from engine.scenario import Scenario
from tests.app.conftest import GOODS, ITEMS, SHOPPERS, FakeEngine, title


@pytest.fixture
def segments(qtbot: QtBot, tmp_path: Path) -> Segments:
    made = Segments()
    made.open(tmp_path, tmp_path / "datasets" / "shop")
    return made


def again(place: Path) -> tuple[Segment, ...]:
    other = Segments()
    other.open(place, place / "datasets" / "shop")
    return other.all


def test_segments_come_back_after_a_restart_each_under_its_own_name(segments: Segments, tmp_path: Path) -> None:
    segments.add("Hikers", "users", ("u1", "u2"), "bought boots")
    segments.add("Hikers", "items", ("i1",))
    segments.flush()
    assert [(one.name, one.kind, one.members) for one in again(tmp_path)] == [
        ("Hikers", "users", ("u1", "u2")),
        ("Hikers 2", "items", ("i1",)),
    ]


def test_a_deleted_segment_comes_back_by_undo_in_its_place(segments: Segments, tmp_path: Path) -> None:
    for name in "abc":
        segments.add(name, "users", (name,))
    segments.remove("b")
    assert [one.name for one in segments.all] == ["a", "c"]
    segments.undo.undo()
    segments.flush()
    assert [one.name for one in again(tmp_path)] == ["a", "b", "c"]


def test_a_damaged_file_is_told_and_never_written_over(qtbot: QtBot, tmp_path: Path) -> None:
    place = tmp_path / "sessions" / "segments-shop.json"
    place.parent.mkdir()
    place.write_text('{"segments": [{"name"', encoding="utf-8")
    segments = Segments()
    with qtbot.waitSignal(segments.failed):
        segments.open(tmp_path, tmp_path / "datasets" / "shop")
    segments.add("new", "users", ("u1",))
    segments.flush()
    assert (tmp_path / "sessions" / "segments-shop.damaged.json").read_text(encoding="utf-8").startswith('{"segments"')
    assert [one.name for one in again(tmp_path)] == ["new"]


def test_the_chosen_segment_follows_its_new_name_and_goes_when_it_is_deleted(engine: FakeEngine) -> None:
    session = Session(engine)
    session.choose_segment(session.segments.add("a", "users", ("u1",)))
    session.segments.rename("a", "b")
    assert session.segment is not None
    assert session.segment.name == "b"
    session.segments.remove("b")
    assert session.segment is None


# --- the view -------------------------------------------------------------------------------------------------------


def columns(kind: str, **_: Any) -> Columns:
    if kind == "items":
        items = tuple(f"i{n}" for n in range(ITEMS))
        return Columns("items", items, (categories("category", ([GOODS[n % 6]] for n in range(ITEMS))),))
    users = tuple(f"u{n}" for n in range(SHOPPERS))
    return Columns(
        "users",
        users,
        (
            categories("region", ([("north", "south")[n % 2]] for n in range(SHOPPERS)), own=True),
            numbers("choices", range(SHOPPERS)),
        ),
    )


def matching(kind: str, filters: tuple[Filter, ...], **_: Any) -> Selection:
    """The engine's answer, as far as these tests ask: one region, or none."""
    keys = columns(kind).keys
    for one in filters:
        if one.column == "region":
            keys = tuple(key for at, key in enumerate(keys) if at % 2 == (one.value == "south"))
    return Selection(kind, keys, len(columns(kind).keys))


def cohort(items: tuple[str, ...], users: tuple[str, ...] | None, **_: Any) -> Cohort:
    count = SHOPPERS if users is None else len(users)
    word = CohortRow("text", "waterproof", "", count / 100, count / 100 - 0.05, count / 100 + 0.05, 2)
    cell = CohortRow("image", "1, 1", "", 0.2, 0.1, 0.3, 1, (0.0, 0.0, 0.5, 0.5))
    part = CohortRow("text", "text", "", count / 100, 0.0, 0.4, 1)
    return Cohort(items[0] if items else "", count, 2.5, 0.1, (word, cell), 0.0, (part,), items, (2, 2))


@pytest.fixture
def view(qtbot: QtBot, engine: FakeEngine, shop: Path) -> SegmentsView:
    engine.answers |= {"columns": columns, "matching": matching, "cohort": cohort}
    session = Session(engine)
    session.open_run(str(shop / "weighted-01"))
    qtbot.waitUntil(lambda: session.idle and session.explanation is not None)
    made = SegmentsView(session, ThemeSource("light"))
    made.resize(1150, 740)
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_segment_is_made_by_conditions_counted_live_and_looked_into(qtbot: QtBot, view: SegmentsView) -> None:
    qtbot.mouseClick(view.nothing.new, Qt.MouseButton.LeftButton)
    builder = view.builder
    qtbot.waitUntil(lambda: bool(builder.rows) and not builder.busy)
    row = builder.rows[0]
    row.choose("region")
    row.value.setCurrentIndex(row.value.findData("south"))
    qtbot.waitUntil(lambda: builder.found is not None and len(builder.found.keys) == SHOPPERS // 2)
    assert builder.count.text() == f"{SHOPPERS // 2} of {SHOPPERS} shoppers"
    qtbot.keyClicks(builder.name, "The south")
    qtbot.mouseClick(builder.save, Qt.MouseButton.LeftButton)
    made = view._session.segments.named("The south")
    assert made is not None
    assert made.rule == "region is south"
    assert made.members[:2] == ("u1", "u3")
    assert view.chosen == made
    assert view.members["users"].rowCount() == SHOPPERS // 2
    qtbot.waitUntil(lambda: not view.busy)
    shown = view.numbers()["The south"]
    assert shown["label"] == ["text", "waterproof", "1, 1"]
    assert view.findings.sides["left"].words.lines[0].name == "waterproof"


def test_an_incomplete_condition_is_left_out_and_one_can_be_taken_away(qtbot: QtBot, view: SegmentsView) -> None:
    view.begin()
    builder = view.builder
    qtbot.waitUntil(lambda: bool(builder.rows))
    qtbot.mouseClick(builder.add, Qt.MouseButton.LeftButton)
    builder.rows[1].choose("@chose")
    builder.rows[1].product.setText("no such product")
    assert builder.rows[1].filter() is None
    builder.rows[1].product.setText(title(4))
    assert builder.rows[1].filter() == Filter("chose", value="i4")
    assert builder.rule() == f"region is north and chose {title(4)}"
    qtbot.mouseClick(builder.rows[1].remove, Qt.MouseButton.LeftButton)
    assert [row.words() for row in builder.rows] == ["region is north"]


def test_two_segments_are_compared_on_the_same_lines_and_one_scale(qtbot: QtBot, view: SegmentsView) -> None:
    segments = view._session.segments
    segments.add("Few", "users", ("u1", "u3", "u4"))
    many = segments.add("Many", "users", tuple(f"u{n}" for n in range(20)))
    view.show_segment(many)
    view.findings.choose("item:" + view._session.item, "Few")
    view.findings.ask()
    qtbot.waitUntil(lambda: not view.busy)
    left, right = view.findings.sides["left"], view.findings.sides["right"]
    assert right.isVisible()
    assert [line.name for line in left.words.lines] == [line.name for line in right.words.lines]
    assert left.words._ends == right.words._ends
    assert left.words.lines[0].row is not None
    assert left.words.lines[0].row.mean == pytest.approx(0.2)
    assert left.heat.isVisible()


def test_stop_leaves_the_view_usable_and_the_work_can_be_begun_again(
    qtbot: QtBot, view: SegmentsView, engine: FakeEngine
) -> None:
    engine.held.add("cohort")
    view.show_segment(view._session.segments.add("Few", "users", ("u1", "u3")))
    qtbot.waitUntil(lambda: view.busy)
    view.findings._questions.drop_all()
    assert not view.busy
    assert view.findings.again.isVisible()
    engine.held.clear()
    qtbot.mouseClick(view.findings.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(view.numbers()))


def test_a_segment_narrows_the_list_of_explore_and_undo_brings_a_deleted_one_back(
    qtbot: QtBot, view: SegmentsView
) -> None:
    session = view._session
    made = session.segments.add("Few", "users", ("u1", "u3"))
    side = ShoppersView(session, ThemeSource("light"), view.thumbnails)
    qtbot.addWidget(side)
    side.show()
    qtbot.mouseClick(view.use, Qt.MouseButton.LeftButton)
    assert session.segment == made
    assert side.shoppers.model.rowCount() == 2
    assert side.shoppers.count.text() == f"2 of {SHOPPERS} shoppers"
    side.shoppers.look_for("u3")
    assert side.shoppers.model.rowCount() == 1
    qtbot.mouseClick(view.delete, Qt.MouseButton.LeftButton)
    assert not session.segments.named("Few")
    qtbot.waitUntil(lambda: session.segment is None)
    assert not side.shoppers.segment.isVisible()
    assert not view.undo.isVisible()  # with the last segment the list is gone; the page in its place has the button
    qtbot.mouseClick(view.nothing.undo, Qt.MouseButton.LeftButton)
    assert session.segments.all == (made,)


def test_a_change_of_the_segments_is_a_step_of_the_window_s_undo_list(qtbot: QtBot, view: SegmentsView) -> None:
    session = view._session

    def names() -> list[str]:
        return [one.name for one in session.segments.all]

    session.segments.add("First", "users", ("u1",))
    second = session.segments.add("Second", "users", ("u3",))
    view.show_segment(second)
    qtbot.mouseClick(view.delete, Qt.MouseButton.LeftButton)
    assert names() == ["First"]
    session.undo.undo()  # what Ctrl+Z does in every view
    assert names() == ["First", "Second"]
    assert view.undo.isVisible()
    session.change(Scenario(rules="none.json"), "Another step")
    assert not view.undo.isVisible()  # it would take back something else
    session.undo.undo()
    session.undo.undo()
    session.undo.undo()
    assert names() == []


def test_a_segment_in_force_says_so_on_its_button(qtbot: QtBot, view: SegmentsView) -> None:
    def in_force() -> str:
        return view._session.segment.name if view._session.segment is not None else ""

    view._session.segments.add("Few", "users", ("u1", "u3"))
    assert view.use.text() == "Use in every view"
    off = view.use.grab().toImage()
    qtbot.mouseClick(view.use, Qt.MouseButton.LeftButton)
    assert in_force() == "Few"
    assert view.use.text() == "Used in every view"
    assert "press again to show all" in view.use.toolTip()
    view.use.clearFocus()
    assert view.use.grab().toImage() != off
    qtbot.mouseClick(view.use, Qt.MouseButton.LeftButton)
    assert in_force() == ""
    assert view.use.text() == "Use in every view"


def test_without_a_segment_one_page_tells_what_it_is_for_and_how_one_is_made(qtbot: QtBot, view: SegmentsView) -> None:
    assert view.nothing.isVisible()
    assert not view.left.isVisible()
    assert view.nothing.title.text() == "No segment yet"
    with qtbot.waitSignal(view.map_asked):
        qtbot.mouseClick(view.nothing.map, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(view.nothing.new, Qt.MouseButton.LeftButton)
    assert view.builder.isVisible()
    qtbot.waitUntil(lambda: not view.busy)
    view._session.segments.add("Few", "users", ("u1",))
    assert view.left.isVisible()
    assert not view.nothing.isVisible()


def test_the_chosen_segment_comes_back_after_a_restart(qtbot: QtBot, view: SegmentsView) -> None:
    session = view._session
    session.segments.add("Few", "users", ("u1", "u3"))
    view.show_segment(session.segments.add("Others", "users", ("u2",)))
    view.findings.choose("", "Few")
    kept = view.state()
    other = SegmentsView(session, ThemeSource("light"))
    qtbot.addWidget(other)
    other.restore(kept)
    assert other.chosen is not None
    assert other.chosen.name == "Others"
    assert other.findings.state() == view.findings.state()


def test_a_segment_that_the_run_does_not_know_says_so_and_asks_nothing(
    qtbot: QtBot, view: SegmentsView, engine: FakeEngine
) -> None:
    asked = sum(name == "cohort" for _, name, _ in engine.asked)
    for kind, said in (
        ("users", "The open run knows nothing that these shoppers chose."),
        ("items", "The open run knows none of these products."),
    ):
        view.show_segment(view._session.segments.add(f"Gone {kind}", kind, ("gone1", "gone2")))  # type: ignore[arg-type]
        qtbot.waitUntil(lambda: not view.busy)
        assert view.findings.sides["left"].empty.text() == said
        assert not view.findings.again.isVisible()
        assert not view.findings.problem.isVisible()
        assert view.unknown.isVisible()
    assert sum(name == "cohort" for _, name, _ in engine.asked) == asked
    view.show_segment(view._session.segments.add("Known", "users", ("u1",)))
    qtbot.waitUntil(lambda: not view.busy)
    assert not view.unknown.isVisible()
    assert sum(name == "cohort" for _, name, _ in engine.asked) == asked + 1


def test_who_meets_the_conditions_stands_right_below_them(qtbot: QtBot, view: SegmentsView) -> None:
    view.begin()
    builder = view.builder
    qtbot.waitUntil(lambda: bool(builder.rows) and not builder.busy)

    def gap() -> int:
        last = builder.rows[-1]
        return builder.count.y() - last.mapTo(builder, last.rect().bottomLeft()).y()

    qtbot.waitUntil(lambda: 0 < gap() < 40)
    for _ in range(4):
        builder.add_row()
    qtbot.waitUntil(lambda: 0 < gap() < 40)
    for _ in range(30):
        builder.add_row()
    qtbot.waitUntil(
        lambda: builder._scroll.verticalScrollBar().maximum() > 0
    )  # and when there are too many, they scroll
    assert builder.save.visibleRegion().boundingRect().size() == builder.save.size()
    newest = builder.rows[-1]
    qtbot.waitUntil(lambda: newest.visibleRegion().boundingRect().height() == newest.height())
