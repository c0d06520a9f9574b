"""What the studio tells: of changes too small to see, of a photo that is not there; and its commands by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from app.actions import Action
from app.theme import ThemeSource
from app.views.history import HistoryView
from app.whatif import report
from app.whatif.parts import score_places
from app.whatif.photo_editor import REPLACE
from app.whatif.studio import WhatIfView
from engine.explain.types import Explanation
from engine.scenario import Scenario
from tests.app.conftest import make_explanation
from tests.app.studio import USER, away, build, opened, quiet, steps


@pytest.fixture
def studio(qtbot: QtBot, engine: Any, tmp_path: Path) -> Iterator[WhatIfView]:
    view = opened(qtbot, build(engine, tmp_path / "workspace"), engine)
    yield view
    away(qtbot, view)


def lifted(engine: Any, by: float) -> None:
    """An engine in which any edit of a page lifts the product by so much."""

    def explain(run: str, user: str, item: str, method: str = "contribution", scenario: Any = None) -> Explanation:
        found = make_explanation(engine.run, user, item, method)
        if scenario is None:
            return found
        share = found.contribution.copy()
        share[0] += by
        edit = scenario.edit_of(item)
        images = found.images if edit.photo is None else (edit.photo,) if edit.photo else ()
        return replace(found, contribution=share, score=found.score + by, images=images)

    engine.answers["explain"] = explain


@pytest.mark.parametrize(("by", "told"), [(0.004, "+0.004"), (0.0007, "+0.0007")])
def test_a_small_change_is_told_with_places_enough_to_see_it(
    studio: WhatIfView, qtbot: QtBot, engine: Any, by: float, told: str
) -> None:
    lifted(engine, by)
    studio.texts._rested("title", "A title")
    quiet(qtbot, studio)
    score = studio.result.score.whole()
    assert f"({told})" in score
    before, after = (float(part.split()[-1 if at == 0 else 0]) for at, part in enumerate(score.split(" → ")[:2]))
    assert after - before == pytest.approx(by, abs=1e-9)
    assert [text for text in studio.result.parts.changes if text] == [f"+{by:.4f}"]
    page = report.page_of(
        report.Told(
            run=studio._session.run,  # type: ignore[arg-type]
            scenario=studio._session.scenario,
            old=studio.result.compared,
            new=studio.result.after,  # type: ignore[arg-type]
            lists=(studio.before.ranking, studio._session.ranking),
            page=studio.page,
        )
    )
    assert f">{told}<" in page
    assert f">+{by:.4f}<" in page  # of the part


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        (13.54, 11.26, 2),
        (10.7635, 14.7167, 2),
        (10.763, 10.8165, 3),  # in two places 10.76 and 10.82 would be 0.06 apart, and the change 0.05
        (13.543, 13.547, 3),
        (2.0, 2.00012, 4),
        (2.0, 2.00001, 2),  # the same
        (0.1234, 0.1, 3),
    ],
)
def test_two_scores_are_as_far_apart_as_the_change_that_is_told(before: float, after: float, places: int) -> None:
    assert score_places(before, after) == places


def test_a_score_that_did_not_change_is_said_to_be_as_before(studio: WhatIfView, qtbot: QtBot, engine: Any) -> None:
    lifted(engine, 0.0)
    studio.texts._rested("title", "A title")
    quiet(qtbot, studio)
    assert "as before" in studio.result.score.whole()
    assert "→" not in studio.result.score.whole()


def test_a_photo_that_is_taken_away_leaves_a_frame_that_says_so_and_no_tool(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.photo.choose_tool(REPLACE)
    assert studio.photo.source.isVisible()
    studio.photo.take_away()
    quiet(qtbot, studio)
    assert studio.result.old_photo.isVisible()
    assert studio.result.new_photo.isVisible()  # as large as the one beside it, not a hole
    assert studio.result.new_photo.lack == "no photo"
    assert studio.result.new_photo.image() is None
    for control in (studio.photo.source, studio.photo.colour, studio.photo._hint, studio.photo._with_label):
        assert not control.isVisible()
    studio.photo.put_back()
    quiet(qtbot, studio)
    assert studio.photo.source.isVisible()


def command(studio: WhatIfView, name: str) -> Action:
    return next(one for one in studio.offers() if one.id == name)


def test_every_tool_and_every_page_of_the_studio_has_a_command(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.activateWindow()
    for tool in studio.photo.tools:
        command(studio, f"whatif-{tool}").run()
        assert studio.photo.tool == tool
        assert QApplication.focusWidget() is studio.photo.canvas
    for place, name in enumerate(("maps", "words", "list")):
        command(studio, f"whatif-{name}").run()
        assert studio.result.pages.currentIndex() == place
    command(studio, "whatif-scenarios").run()
    assert studio.steps.tabs.currentIndex() == 1
    assert command(studio, "whatif-photo-back").why_not() == "The photo is as the dataset has it."
    command(studio, "whatif-no-photo").run()
    quiet(qtbot, studio)
    assert steps(studio) == ["Photo: taken away"]
    assert command(studio, "whatif-crop").why_not() == "There is no photo on this page."
    command(studio, "whatif-photo-back").run()
    quiet(qtbot, studio)
    assert studio._session.scenario == Scenario()
    command(studio, "whatif-attribute").run()
    assert studio.attributes.table.state() == studio.attributes.table.State.EditingState
    assert command(studio, "whatif-past-remove").why_not()
    studio.past.strip.setCurrentIndex(studio.past.strip.rows.index(0))
    assert not command(studio, "whatif-past-remove").why_not()


def test_the_first_found_is_taken_with_one_enter(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.past.ask_product()
    finder = studio.past._picker.finder
    title = studio.past._title("i33")
    qtbot.keyClicks(finder.search, title)
    qtbot.keyClick(finder.search, Qt.Key.Key_Return)
    assert not studio.past._picker.isVisible()
    quiet(qtbot, studio)
    assert steps(studio) == [f"Past with “{title}”"]


def test_undo_goes_to_the_product_or_the_shopper_it_is_about(studio: WhatIfView, qtbot: QtBot) -> None:
    session = studio._session
    studio.texts._rested("title", "A title")
    session.choose_item("i12")
    quiet(qtbot, studio)
    session.undo.undo()
    quiet(qtbot, studio)
    assert session.item == "i11"  # where a title comes back
    session.choose_item("i12")
    session.undo.redo()
    quiet(qtbot, studio)
    assert (session.item, session.scenario.edit_of("i11").texts) == ("i11", (("title", "A title"),))
    studio.past.add_product("i33")
    quiet(qtbot, studio)
    session.choose_user("u3")
    session.choose_item("i12")
    quiet(qtbot, studio)
    session.undo.undo()
    quiet(qtbot, studio)
    assert (session.user, session.scenario.past_of(USER).empty) == (USER, True)
    session.choose_user("u3")
    session.choose_item("i11")
    session.undo.undo()
    quiet(qtbot, studio)
    assert (session.user, session.item) == ("u3", "i11")  # it is in sight: nobody is sent anywhere


def test_explore_names_a_shopper_who_is_made_up_as_the_studio_does(studio: WhatIfView, qtbot: QtBot) -> None:
    history = HistoryView(studio._session, ThemeSource("light"), studio.thumbnails)
    qtbot.addWidget(history)
    history.resize(900, 160)
    history.show()
    assert history.heading.whole() == f"What shopper {USER} heeded"
    studio.past.invent_shopper()
    qtbot.waitUntil(lambda: studio._session.user == "new shopper 1")
    quiet(qtbot, studio)
    assert history.heading.whole() == "What new shopper 1 heeded"
    assert "add products in What-if" in history.empty.text()


def test_where_the_score_does_not_fit_beside_the_rank_it_stands_below(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.texts._rested("title", "A title")
    quiet(qtbot, studio)
    result = studio.result
    for width, beside in ((960, False), (1800, True)):
        studio.resize(width, 700)
        QApplication.processEvents()
        result.rank.setText("Rank 1,826 → 1,918")
        result.score.say("▼ 92 places down · score −0.87 → −1.01 (−0.14) · of 2,588")
        QApplication.processEvents()
        assert result.score.text() == result.score.whole(), width
        assert (result.score.x() > result.rank.x()) == beside


def test_a_past_choice_that_was_moved_or_added_is_marked_as_that_in_both_strips(
    studio: WhatIfView, qtbot: QtBot
) -> None:
    history = HistoryView(studio._session, ThemeSource("light"), studio.thumbnails)
    qtbot.addWidget(history)
    strip = studio.past.strip
    strip.setCurrentIndex(strip.rows.index(0))
    moved = strip.rows.events[0].item
    qtbot.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    quiet(qtbot, studio)
    for one in (history.strip, strip):
        states = {event.item: one.rows.state(row) for row, event in enumerate(one.rows.events)}
        assert {item: state for item, state in states.items() if state} == {moved: "moved"}
    assert "1 moved" in history.note.text()
    assert "added" not in history.note.text()
    assert "away" not in history.note.text()
    studio.past.add_product("i33")
    quiet(qtbot, studio)
    assert strip.rows.state(0) == "added"
    assert studio.past.note.text() == "1 added · 1 moved · newest first"
    assert "added" in str(strip.rows.index(0).data(Qt.ItemDataRole.AccessibleTextRole))
    studio.grab()  # draws the marks


def test_one_past_choice_after_another_is_taken_away_by_keys(studio: WhatIfView, qtbot: QtBot) -> None:
    strip = studio.past.strip
    was = [event.item for event in strip.rows.events]
    strip.setCurrentIndex(strip.rows.index(1))
    for _ in range(2):
        qtbot.keyClick(strip, Qt.Key.Key_Delete)
        quiet(qtbot, studio)
    assert [event.item for event in strip.rows.events] == [was[0], *was[3:]]
    assert strip.currentIndex().row() == 1
    assert studio.past.remove.isEnabled()


def test_a_step_whose_name_is_cut_tells_it_whole(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.past.remove_product(studio.past.strip.rows.events[0].item)
    studio.texts._rested("title", "Short")
    quiet(qtbot, studio)
    view = studio.steps.steps
    for row, width, whole in ((0, 400, ""), (1, 90, steps(studio)[0])):
        view.setFixedWidth(width)
        at = view.visualRect(view.model().index(row, 0)).center()
        event = QHelpEvent(QHelpEvent.Type.ToolTip, at, view.viewport().mapToGlobal(at))
        QApplication.sendEvent(view.viewport(), event)
        assert QToolTip.text() == whole
    QToolTip.hideText()
    qtbot.waitUntil(lambda: not QToolTip.isVisible())
