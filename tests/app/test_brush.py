"""The brush as a user meets it: drag, see the sum, press Delete, see the list move, take it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.actions import attach
from app.session import Pointed, Session
from app.theme import ThemeSource
from app.views import glide
from app.views.cells import Cells
from app.views.changes import what_changed
from app.views.explore import ExploreView
from app.views.heat import heat_image, smooth
from app.views.panel import Tip
from app.views.shown import HOLE, Shown
from engine.answers import Ranking
from engine.explain.types import Explanation
from engine.scenario import Event, ItemEdit, PastEdit, Scenario
from tests.app import made_up

Opened = tuple[ExploreView, Session, made_up.Lane]
Open = Callable[..., Opened]
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
LEFT = Qt.MouseButton.LeftButton


def without(found: Explanation, scenario: Scenario) -> Explanation:
    """The explanation of a page without what the scenario drops."""
    dropped = set(scenario.edit_of(found.item).dropped)
    kept = [row for row, token in enumerate(found.tokens) if token not in dropped]
    return replace(
        found,
        tokens=tuple(found.tokens[row] for row in kept),
        contribution=found.contribution[kept],
        contribution_by_head=found.contribution_by_head[kept],
        attention=found.attention[kept],
        score=float(found.contribution[kept].sum()) + found.bias,
        removed=tuple(token for token in found.tokens if token in dropped),
    )


class Lane(made_up.Lane):
    """Answers under a scenario: a page loses what is dropped, and its place with it."""

    listed = 100

    def answer(self, job: int) -> None:
        name, arguments = self.asked[job - 1]
        scenario = arguments.get("scenario", Scenario())
        arguments = {key: value for key, value in arguments.items() if key not in ("run", "scenario")}
        if name == "rank":
            self.finished.emit(job, self.rank(arguments["user"], scenario))
        elif name == "explain":
            found = without(made_up.explanation(self.run, **arguments, **self.options), scenario)
            place = [row.item for row in self.rank(arguments["user"], scenario, 999).items].index(found.item) + 1
            self.finished.emit(job, replace(found, rank=place, **self.changes))
        else:
            super().answer(job)

    def rank(self, user: str, scenario: Scenario, k: int = 0) -> Ranking:
        whole = made_up.ranking(self.run, user, 999)
        rows = list(whole.items)
        for edit in scenario.edits:
            changed = without(made_up.explanation(self.run, user, edit.item), scenario)
            rows = [replace(row, score=changed.score) if row.item == edit.item else row for row in rows]
        rows.sort(key=lambda row: -row.score)
        ranked = tuple(replace(row, rank=place) for place, row in enumerate(rows[: k or self.listed], start=1))
        return replace(whole, items=ranked)


@pytest.fixture
def explore(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open Explore on a made-up shop, its actions with their shortcuts. Keywords are options of the explanations."""
    monkeypatch.setattr(glide, "MILLISECONDS", 60)
    kept: list[object] = []

    def show(listed: int = 100, **options: Any) -> Opened:
        for colour in made_up.COLOURS:
            made_up.draw_photo(tmp_path / "media" / f"{colour}.png", colour)
        lane = Lane(made_up.run_summary(tmp_path, images=[f"media/{colour}.png" for colour in made_up.COLOURS]))
        lane.options, lane.listed = options, listed
        session = Session(lane)
        themes = ThemeSource("light")
        view = ExploreView(session, themes)
        attach(view.offers(), view, Qt.ShortcutContext.WidgetWithChildrenShortcut)
        kept.extend((lane, session, themes))
        qtbot.addWidget(view)
        view.resize(1400, 900)
        view.show()
        view.activateWindow()
        session.open_run("run")
        qtbot.waitUntil(lambda: session.explanation is not None)
        qtbot.waitUntil(lambda: view.product.photo.cell_at(view.product.photo.frame().center()) >= 0)
        QApplication.processEvents()
        return view, session, lane

    return show


def drag(widget: QWidget, *points: QPointF, keys: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT) -> None:
    QTest.mousePress(widget, button, keys, points[0].toPoint())
    for point in points[1:]:
        middle = (points[0] + point) / 2
        for at in (middle, point):
            move(widget, at.toPoint(), button, keys)
    QTest.mouseRelease(widget, button, keys, points[-1].toPoint())


def move(widget: QWidget, at: QPoint, button: Qt.MouseButton, keys: Qt.KeyboardModifier) -> None:
    """QTest.mouseMove tells no button: send the move as the window system does."""
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(at), widget.mapToGlobal(QPointF(at)), button, button, keys)
    QApplication.sendEvent(widget, event)


def cell(view: ExploreView, row: int, column: int) -> QPointF:
    """The middle of a cell, counted from 0."""
    photo = view.product.photo
    return photo.cell_rect(photo.cells.in_row(row, column)).center()


def press(view: ExploreView, key: Qt.Key, keys: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(view.focusWidget() or view, key, keys)


def remove(qtbot: QtBot, view: ExploreView, session: Session) -> None:
    with qtbot.waitSignal(session.explanation_changed):
        press(view, Qt.Key.Key_Delete)


def test_a_drag_over_the_photo_brushes_every_cell_it_touches_and_says_their_sum(explore: Open) -> None:
    view, session, _ = explore()
    found = session.explanation
    assert found is not None
    drag(view.product.photo, cell(view, 1, 2), cell(view, 2, 4))
    labels = {found.tokens[row].label for row in session.brush}
    assert labels == {f"row {row}, column {column}" for row in (2, 3) for column in (3, 4, 5)}
    total = sum(found.contribution[row] for row in session.brush)
    assert view.brush.isVisible()
    assert view.brush.label.text().startswith(f"6 part(s) brushed: +{total:.2f} of {found.score:.2f} · ")
    QTest.mouseClick(view.product.bars, LEFT, CTRL, QPoint(20, 10))
    marks = [mark for block in view.product.words.blocks() for mark in block.marks]
    QTest.mouseClick(view.product.words, LEFT, CTRL, marks[0][1].center().toPoint())
    assert len(view.brushed_areas()) == 3
    assert not any(area.intersects(view.brush.geometry()) for area in view.brushed_areas())


def test_shift_adds_alt_takes_away_ctrl_turns_over_and_escape_clears(explore: Open) -> None:
    view, session, _ = explore()
    photo = view.product.photo
    drag(photo, cell(view, 0, 0), cell(view, 0, 2))
    drag(photo, cell(view, 3, 0), cell(view, 3, 1), keys=SHIFT)
    assert len(session.brush) == 5
    drag(photo, cell(view, 0, 0), cell(view, 0, 1), keys=ALT)
    assert len(session.brush) == 3
    drag(photo, cell(view, 0, 2), cell(view, 0, 4), keys=CTRL)
    assert len(session.brush) == 4
    press(view, Qt.Key.Key_Escape)
    assert not session.brush
    assert view.brush.isHidden()


def test_a_click_brushes_one_cell_and_a_second_click_puts_it_away(explore: Open) -> None:
    view, session, _ = explore()
    at = cell(view, 2, 2).toPoint()
    QTest.mouseClick(view.product.photo, LEFT, NONE, at)
    assert session.brush == {view.product.photo.cell_at(QPointF(at))}
    QTest.mouseClick(view.product.photo, LEFT, NONE, at)
    assert not session.brush


def test_a_double_click_resets_the_zoom_and_leaves_the_brush(explore: Open) -> None:
    view, session, _ = explore()
    photo = view.product.photo
    drag(photo, cell(view, 0, 0), cell(view, 0, 1))
    before = session.brush
    photo.set_zoom(3.0)
    at = photo.area().center()
    QTest.mouseClick(photo, LEFT, NONE, at)
    QTest.mouseDClick(photo, LEFT, NONE, at)
    assert photo.zoom == 1.0
    assert session.brush == before


@pytest.mark.parametrize("by", ["middle", "space"])
def test_an_enlarged_photo_moves_without_brushing(explore: Open, by: str) -> None:
    view, session, _ = explore()
    photo = view.product.photo
    photo.setFocus()
    photo.set_zoom(4.0)
    at = QPointF(photo.area().center())
    under = photo.cell_at(at)
    if by == "space":
        QTest.keyPress(photo, Qt.Key.Key_Space)
        drag(photo, at, at + QPointF(40, 30))
        QTest.keyRelease(photo, Qt.Key.Key_Space)
    else:
        drag(photo, at, at + QPointF(40, 30), button=Qt.MouseButton.MiddleButton)
    assert not session.brush
    assert photo.cell_at(at + QPointF(40, 30)) == under


def test_cells_are_brushed_by_keys(explore: Open) -> None:
    view, session, _ = explore()
    photo = view.product.photo
    photo.setFocus()
    press(view, Qt.Key.Key_Right)
    press(view, Qt.Key.Key_Space)
    assert session.brush == {photo.cells.in_row(0, 0)}
    press(view, Qt.Key.Key_Right)
    press(view, Qt.Key.Key_Right, SHIFT)
    press(view, Qt.Key.Key_Down, SHIFT)
    assert session.brush == photo.cells.between((0, 1), (1, 2))


def test_a_drag_over_words_brushes_them_across_lines(explore: Open) -> None:
    view, session, _ = explore()
    words, found = view.product.words, session.explanation
    assert found is not None
    marks = [mark for block in words.blocks() for mark in block.marks]
    first = next(n for n, (token, _) in enumerate(marks) if found.tokens[token].label == "packable")
    last = next(n for n, (token, _) in enumerate(marks) if found.tokens[token].label == "mornings")
    assert marks[first][1].top() < marks[last][1].top()
    drag(words, marks[first][1].center(), marks[last][1].center())
    assert session.brush == {token for token, _ in marks[first : last + 1]}
    QTest.mouseClick(words, LEFT, CTRL, marks[0][1].center().toPoint())
    assert marks[0][0] in session.brush


def test_words_and_attributes_are_brushed_by_keys(explore: Open) -> None:
    view, session, _ = explore()
    view.product.words.setFocus()
    press(view, Qt.Key.Key_Right)
    press(view, Qt.Key.Key_Right, SHIFT)
    marks = [mark for block in view.product.words.blocks() for mark in block.marks]
    assert session.brush == {marks[0][0], marks[1][0]}
    view.product.bars.setFocus()
    press(view, Qt.Key.Key_Down)
    press(view, Qt.Key.Key_Space)
    assert session.brush == {marks[0][0], marks[1][0], view.product.bars.rows[0]}


def test_attributes_are_brushed_by_clicks(explore: Open) -> None:
    view, session, _ = explore()
    bars = view.product.bars
    QTest.mouseClick(bars, LEFT, NONE, QPoint(20, 10))
    QTest.mouseClick(bars, LEFT, CTRL, QPoint(20, 32))
    assert session.brush == set(bars.rows[:2])


def test_delete_removes_the_brush_in_the_model_and_undo_brings_it_back(qtbot: QtBot, explore: Open) -> None:
    view, session, lane = explore()
    found = session.explanation
    assert found is not None
    drag(view.product.photo, cell(view, 1, 2), cell(view, 2, 4))
    taken = {found.tokens[row] for row in session.brush}
    view.ranked.list.setFocus()  # from anywhere in the view
    remove(qtbot, view, session)
    asked = [arguments["scenario"] for name, arguments in lane.asked if name == "rank" and "scenario" in arguments]
    assert set(asked[-1].edit_of(found.item).dropped) == taken
    assert set(session.explanation.removed) == taken  # type: ignore[union-attr]
    assert view.changes.isVisible()
    assert view.changes.what.whole() == "What-if: Remove 6 part(s)"
    assert session.undo.undoText() == "Remove 6 part(s)"
    with qtbot.waitSignal(session.explanation_changed):
        view.changes.undo.click()
    assert session.explanation.removed == ()  # type: ignore[union-attr]
    assert view.changes.what.whole() == "What-if: nothing is changed"
    with qtbot.waitSignal(session.explanation_changed):
        view.changes.redo.click()
    with qtbot.waitSignal(session.explanation_changed):
        view.changes.reset.click()
    assert session.scenario == Scenario()
    assert session.undo.undoText() == "Take every change back"


def test_the_steps_lead_back_and_forward_to_any_of_them(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    for row in (0, 1):
        QTest.mouseClick(view.product.bars, LEFT, NONE, QPoint(20, 10))
        name = session.explanation.tokens[next(iter(session.brush))].label  # type: ignore[union-attr]
        remove(qtbot, view, session)
        assert name in session.undo.text(row)
    view.changes.menu.aboutToShow.emit()
    steps = view.changes.menu.actions()
    assert [step.isChecked() for step in steps] == [False, False, True]
    with qtbot.waitSignal(session.explanation_changed):
        steps[0].trigger()
    assert session.scenario == Scenario()
    with qtbot.waitSignal(session.explanation_changed):
        session.undo.setIndex(1)
    first = session.undo.text(0)
    assert view.changes.what.whole() == f"What-if: {first}"  # one step is told by its name
    with qtbot.waitSignal(session.explanation_changed):
        session.undo.setIndex(2)
    assert view.changes.what.whole() == "What-if: 2 part(s) removed"


def test_the_list_is_bright_again_once_it_is_here(qtbot: QtBot, explore: Open) -> None:
    view, session, lane = explore()
    lane.holding = True
    session.brush_over(frozenset((5,)))
    view.brush.remove_brushed()
    qtbot.waitUntil(view.ranked._veil.isVisible)
    lane.answer(len(lane.asked) - [name for name, _ in reversed(lane.asked)].index("rank") - 1)
    lane.answer(len(lane.asked))
    qtbot.waitUntil(lambda: not view.ranked._veil.isVisible())


def test_without_a_brush_delete_is_left_to_the_piece_that_has_the_keyboard(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    search = view.shoppers.shoppers.search
    search.setFocus()
    QTest.keyClicks(search, "ab")
    search.setCursorPosition(0)
    press(view, Qt.Key.Key_Delete)
    assert search.text() == "b"
    assert not session.undo.count()


def test_delete_on_a_past_choice_means_that_choice_whatever_is_brushed(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    strip = view.history.strip
    session.brush_over(frozenset({0, 1}))
    strip.setFocus()
    strip.setCurrentIndex(strip.rows.index(1))
    past = strip.rows.events[1].item
    remove(qtbot, view, session)
    assert session.scenario.past_of(session.user).removed == (past,)
    assert not session.scenario.edit_of(session.item).dropped


def test_keep_only_removes_every_other_part_of_the_page(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    QTest.mouseClick(view.product.bars, LEFT, NONE, QPoint(20, 10))
    name = session.explanation.tokens[next(iter(session.brush))].label  # type: ignore[union-attr]
    with qtbot.waitSignal(session.explanation_changed):
        QTest.mouseClick(view.brush.keep, LEFT)
    left = [token.label for token in session.explanation.tokens]  # type: ignore[union-attr]
    assert left == [session.item, name]
    assert session.undo.undoText() == "Keep only 1 part(s)"


def test_rows_glide_to_their_new_ranks_and_say_how_far_they_moved(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    listed = view.ranked.list
    first = listed.rows.items[0].item
    drag(view.product.photo, cell(view, 0, 0), cell(view, 6, 6))
    press(view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: listed.rows.items[0].item != first)
    assert listed.glide.running
    assert view.busy
    place = listed.rows.row_of(first)
    assert place > 0
    assert listed.heights()[first] < listed.visualRect(listed.rows.index(place)).top() + 1
    qtbot.waitUntil(lambda: not listed.glide.running)
    assert listed.rows.movement(place) == f"down {place}"
    assert listed.rows.movement(0) == "up 1"
    assert listed.currentIndex().row() == place
    visible = listed.viewport().rect().intersects(listed.visualRect(listed.currentIndex()))
    assert visible
    qtbot.waitUntil(lambda: session.idle)
    session.undo.undo()
    qtbot.waitUntil(lambda: listed.rows.items[0].item == first)
    assert listed.rows.movement(0) == ""


def test_a_new_answer_starts_from_where_rows_are(qtbot: QtBot, explore: Open) -> None:
    view, session, lane = explore()
    listed = view.ranked.list
    assert isinstance(lane, Lane)
    user = session.user
    whole = lane.rank(user, Scenario())
    moved = replace(whole, items=whole.items[::-1])
    listed.move_to(moved, session.item)
    listed.glide._motion.setCurrentTime(20)
    assert 0.0 < listed.glide.part < 1.0
    before = listed.heights()
    listed.move_to(whole, session.item)
    after = listed.heights()
    assert max(abs(after[item] - before[item]) for item in before) < 60  # nothing jumps
    listed.glide.stop()
    assert listed.heights()[listed.rows.items[1].item] == listed.visualRect(listed.rows.index(1)).top()


def test_nothing_moves_where_the_system_asks_for_less_motion(
    qtbot: QtBot, explore: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, session, _ = explore()
    monkeypatch.setattr("app.views.ranked.wants_motion", lambda _: False)
    whole = session.ranking
    assert whole is not None
    view.ranked.list.move_to(replace(whole, items=whole.items[::-1]), session.item)
    assert not view.ranked.list.glide.running


def test_a_product_that_left_the_list_is_told_its_rank(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore(listed=1)
    drag(view.product.photo, cell(view, 0, 0), cell(view, 6, 6))
    remove(qtbot, view, session)
    found = session.explanation
    assert found is not None
    assert view.ranked.list.rows.row_of(found.item) == -1
    assert view.ranked.outside.isVisible()
    assert view.ranked.outside.text() == f"{found.title}: now rank {found.rank} (was 1)"
    assert view.ranked.list.rows.movement(0) == "new"


def test_a_long_title_leaves_the_rank_and_the_list_their_room(qtbot: QtBot, explore: Open) -> None:
    view, session, lane = explore(listed=1)
    for long in (
        "Neon Genesis Evangelion: The End of Evangelion (Shin seiki) " * 6,
        "防水蓝色双肩背包，适合上学和旅行" * 12,
    ):
        lane.changes = {"title": long}
        drag(view.product.photo, cell(view, 0, 0), cell(view, 6, 6))
        remove(qtbot, view, session)
        outside = view.ranked.outside
        for width in (700, 1400):
            view.resize(width, 900)
            QApplication.processEvents()
            assert outside.isVisible()
            assert "now rank" in outside.text()
            assert outside.toolTip().startswith(long)
            lines = outside.heightForWidth(outside.width()) / outside.fontMetrics().lineSpacing()
            assert lines < 2.6, width
        with qtbot.waitSignal(session.explanation_changed):
            session.undo.undo()


def test_what_the_pointer_was_told_goes_with_its_answer(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    changes: list[Callable[[], None]] = [lambda: session.choose_method("attention"), lambda: session.choose_head(1)]
    for change in changes:
        view.product.photo.mouseMoveEvent(_over(view))
        assert Tip.of(view).isVisible()
        change()
        qtbot.waitUntil(lambda: session.idle)
        assert not Tip.of(view).isVisible()


def _over(view: ExploreView) -> QMouseEvent:
    at = cell(view, 2, 2)
    none = Qt.MouseButton.NoButton
    return QMouseEvent(QEvent.Type.MouseMove, at, view.product.photo.mapToGlobal(at), none, none, NONE)


def test_a_scenario_is_told_by_what_it_changes() -> None:
    tokens = tuple(made_up.words("title", "one two three"))
    edit = ItemEdit("i1", tokens, (("title", "New"),), "other.png")
    past = PastEdit("u1", (Event("i2"), Event("i3", 5)), ("i3", "i4"))
    assert what_changed(Scenario()) == ""
    assert what_changed(Scenario((edit,), (past,))) == (
        "3 part(s) removed · 1 text(s) edited · 1 photo(s) changed · 1 past choice(s) added · "
        "1 past choice(s) removed · 1 past choice(s) moved"
    )


def test_removed_parts_are_shown_and_come_back_one_by_one(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    drag(view.product.photo, cell(view, 0, 0), cell(view, 0, 1))
    QTest.mouseClick(view.product.bars, LEFT, CTRL, QPoint(20, 10))
    marks = [mark for block in view.product.words.blocks() for mark in block.marks]
    QTest.mouseClick(view.product.words, LEFT, CTRL, marks[2][1].center().toPoint())
    assert len(session.brush) == 4
    remove(qtbot, view, session)
    photo, bars, words = view.product.photo, view.product.bars, view.product.words
    assert photo.cell_at(cell(view, 0, 1)) < 0
    assert bars.rows[-1] < 0
    gone = next((token, mark) for block in words.blocks() for token, mark in block.marks if token < 0)
    QTest.mouseMove(words, gone[1].center().toPoint())
    qtbot.waitUntil(lambda: "removed from the page" in Tip.of(view).text())
    QTest.mouseClick(words, LEFT, NONE, gone[1].center().toPoint())
    menu = words.findChild(QMenu)
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()][1] == "Bring back all 4 part(s)"
    with qtbot.waitSignal(session.explanation_changed):
        QTest.keyClick(menu, Qt.Key.Key_Return)
    assert len(session.explanation.removed) == 3  # type: ignore[union-attr]
    assert session.undo.undoText().startswith("Bring back “")


def test_the_original_is_shown_in_its_own_size_without_heat(qtbot: QtBot, explore: Open) -> None:
    view, _, _ = explore()
    photo = view.product.photo
    view.ranked.list.setFocus()
    press(view, Qt.Key.Key_O)
    assert photo.original
    assert photo.button.isChecked()
    qtbot.waitUntil(lambda: abs(photo.place().width() * photo.devicePixelRatioF() - 224) < 1)
    QTest.mouseClick(photo.button, LEFT)
    assert not photo.button.isChecked()
    assert photo.zoom == 1.0


def test_the_brush_is_part_of_what_is_shown_under_every_method(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    with qtbot.waitSignal(session.explanation_changed):
        session.choose_method("attention")
    QTest.mouseClick(view.product.bars, LEFT, NONE, QPoint(20, 10))
    assert view.brush.label.text().endswith(" of the attention")


def test_every_offer_has_its_own_key_and_an_icon(explore: Open) -> None:
    view, _, _ = explore()
    keys = [action.shortcut for action in view.offers() if action.shortcut]
    assert len(keys) == len(set(keys))
    assert all(QKeySequence(key).toString() for key in keys)
    icons = Path(__file__).parents[2] / "resources" / "icons"
    assert all((icons / f"{action.icon or action.group}.svg").is_file() for action in view.offers())


def test_the_arrangement_comes_back(qtbot: QtBot, explore: Open, tmp_path: Path) -> None:
    view, session, _ = explore()
    view.outer.setSizes([333, view.width() - 333])
    view.product.slider.setValue(20)
    view.product.photo.set_zoom(2.0, QPointF(40, 40))
    kept = view.state()
    again = ExploreView(session, ThemeSource("light"))
    qtbot.addWidget(again)
    again.restore(kept)
    again.resize(1400, 900)
    again.show()
    back = again.state()
    assert back["outer"] == kept["outer"]
    assert back["heat"] == 20
    assert (back["zoom"], back["middle_of_photo"]) == (2.0, kept["middle_of_photo"])
    again.restore({"outer": "?", "zoom": [], "heat": None, "middle_of_photo": 3})


def test_the_figures_behind_the_view_are_of_one_length(explore: Open) -> None:
    view, session, _ = explore()
    session.brush_over(frozenset((0, 3)))
    tables = view.numbers()
    assert {len({len(column) for column in table.values()}) for table in tables.values()} == {1}
    assert sum(tables["parts"]["brushed"]) == 2
    assert tables["ranking"]["item"][0] == session.item


def test_pointing_at_a_past_purchase_lights_the_part_that_past_choices_are(explore: Open) -> None:
    _, session, _ = explore()
    found = session.explanation
    assert found is not None
    past = tuple(replace(token, modality="history") if token.modality == "link" else token for token in found.tokens)
    shown = Shown(replace(found, tokens=past))
    assert shown.lit_parts(Pointed(history=2)) == {"history"}
    assert Shown(found).lit_parts(Pointed(history=2)) == frozenset()


def test_a_grid_keeps_its_shape_when_cells_are_gone(explore: Open) -> None:
    _, session, _ = explore()
    found = session.explanation
    assert found is not None
    whole = Shown(found)
    rows, columns = whole.lattice.shape
    dropped = tuple(found.tokens[row] for row in (*whole.lattice[0], *whole.lattice[:, 0]))
    edit = replace(Scenario().edit_of(found.item), dropped=dropped)
    shown = Shown(without(found, Scenario().with_edit(edit)))
    assert shown.lattice.shape == (rows, columns)
    assert (shown.lattice[0] < 0).all()
    assert (shown.lattice[1:, 1:] >= 0).all()
    assert shown.covered == pytest.approx(whole.covered)
    grid = shown.on_grid(shown.values)
    assert np.isnan(grid[0]).all()
    assert grid[3, 4] == pytest.approx(whole.on_grid(whole.values)[3, 4])
    assert shown.name(int(shown.lattice[0, 2])) == "row 1, column 3"
    assert Cells(shown).at(QPointF(0.99, 0.01)) < 0
    every = replace(edit, dropped=tuple(found.tokens[row] for row in whole.cells))
    nothing = Shown(replace(without(found, Scenario().with_edit(every)), grid=(0, 0)))
    assert nothing.lattice.shape == (rows, columns)
    assert not len(nothing.cells)
    assert Cells(Shown(replace(found, grid=(3, 3)))).at(QPointF(0.5, 0.5)) == HOLE


def test_heat_ends_where_a_cell_is_gone(qtbot: QtBot) -> None:
    cells = np.array([[1.0, np.nan, -1.0]] * 2)
    fine = smooth(cells, 8)
    assert np.isnan(fine[:, 8:16]).all()
    assert fine[:, :8] == pytest.approx(np.ones((16, 8)))
    image = heat_image(cells, 1.0)
    assert image.pixelColor(image.width() // 2, 4).alpha() == 0
    assert image.pixelColor(2, 4).alpha() > 150


def test_the_outline_of_cells_goes_about_them_once(explore: Open) -> None:
    view, _, _ = explore()
    cells = view.product.photo.cells
    four = cells.between((1, 1), (2, 2))
    assert len(cells.boxes(four)) == 1
    assert cells.boxes(four)[0].width() == pytest.approx(2 / 7)
    both = four | cells.between((3, 1), (3, 4))
    assert sum(box.width() * box.height() for box in cells.boxes(both)) == pytest.approx(8 / 49)
    assert len(cells.boxes(both)) == 2
    assert len(cells.outline(four)) == 4
    assert sum(line.length() for line in cells.outline(four)) == pytest.approx(8 / 7)
