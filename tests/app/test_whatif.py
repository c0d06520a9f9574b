"""The what-if studio: every edit by mouse and keys is one named step, and shows what becomes of the product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QInputDialog, QLineEdit, QMessageBox, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.session import Session
from app.settings import Settings
from app.theme import ThemeSource
from app.whatif.photo_editor import BLUR, BRUSH, CROP, REPLACE, WHITE
from app.whatif.studio import ATTRIBUTES, TEXTS, WhatIfView
from app.workspace import Workspace
from engine.answers import Ranking
from engine.errors import HeedmapError
from engine.explain.types import Explanation
from engine.scenario import Event, PastEdit, Scenario
from tests.app.conftest import COLOURS, make_explanation, make_ranking

USER = "u2"


def answer(engine: Any) -> None:
    """An engine whose answers follow the scenario: a new title lifts the product by its length."""

    def past(user: str, scenario: Scenario | None) -> tuple[Any, ...]:
        edit = scenario.past_of(user) if scenario else PastEdit(user)
        known = () if edit.invented else make_ranking(engine.run, user, 1).history
        kept = [event for event in known if event.item not in edit.removed]
        like = make_ranking(engine.run, "u2", 1).history[0]
        for event in edit.added:
            kept.append(replace(like, item=event.item, title=event.item, time=_iso(event.time)))
        return tuple(sorted(kept, key=lambda event: event.time))

    def rank(run: str, user: str, k: int = 100, scenario: Scenario | None = None) -> Ranking:
        if user not in engine.run.shoppers.user and not (scenario and scenario.past_of(user).invented):
            raise HeedmapError(f"There is no shopper {user!r}.", "")
        found = make_ranking(engine.run, user if user.startswith("u") else "u3", k)
        return replace(found, user=user, history=past(user, scenario))

    def explain(
        run: str, user: str, item: str, method: str = "contribution", scenario: Scenario | None = None
    ) -> Explanation:
        found = make_explanation(engine.run, user if user.startswith("u") else "u3", item, method)
        found = replace(found, user=user, history=past(user, scenario))
        edit = scenario.edit_of(item) if scenario else None
        if edit is None or edit.empty:
            return found
        words = dict(edit.texts)
        texts = tuple(replace(one, text=words.get(one.field, one.text)) for one in found.texts)
        share = found.contribution.copy()
        share[0] += 1.0
        images = found.images if edit.photo is None else (edit.photo,) if edit.photo else ()
        return replace(
            found, texts=texts, contribution=share, score=found.score + 1.0, rank=max(1, found.rank - 3), images=images
        )

    def guarded(job: Callable[..., Any]) -> Callable[..., Any]:
        def asked(**arguments: Any) -> Any:
            try:
                return job(**arguments)
            except HeedmapError as error:
                return error

        return asked

    engine.answers.update(rank=guarded(rank), explain=guarded(explain))


def _iso(time: int | None) -> str:
    from datetime import UTC, datetime

    return "2027-01-01T00:00:00Z" if time is None else datetime.fromtimestamp(time / 1000, UTC).isoformat()


@pytest.fixture
def make(qtbot: QtBot, engine: Any, tmp_path: Path) -> Iterator[Callable[[], WhatIfView]]:
    answer(engine)
    made: list[WhatIfView] = []

    def build() -> WhatIfView:
        session = Session(engine)
        view = WhatIfView(session, Workspace(engine, tmp_path / "workspace"), ThemeSource("light"))
        made.append(view)
        view.resize(1216, 724)
        view.show()
        return view

    yield build
    for view in (one for one in made if isValid(one)):
        qtbot.waitUntil(lambda view=view: not view.busy)  # type: ignore[misc]
        view.close()
        view.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def studio(qtbot: QtBot, make: Callable[[], WhatIfView], engine: Any) -> WhatIfView:
    return opened(qtbot, make(), engine)


def opened(qtbot: QtBot, view: WhatIfView, engine: Any) -> WhatIfView:
    session = view._session
    session.open_run(engine.run.folder)
    qtbot.waitUntil(lambda: session.explanation is not None)
    session.choose_user(USER)
    session.choose_item("i11")
    quiet(qtbot, view)
    return view


def quiet(qtbot: QtBot, view: WhatIfView) -> None:
    session = view._session
    qtbot.waitUntil(
        lambda: (
            session.idle
            and not view.busy
            and session.explanation is not None
            and (session.explanation.user, session.explanation.item) == (session.user, session.item)
        )
    )


def steps(view: WhatIfView) -> list[str]:
    stack = view._session.undo
    return [stack.text(place) for place in range(stack.count())]


def drag(qtbot: QtBot, view: WhatIfView, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the mouse over the photo, in 0..1 of it."""
    canvas = view.photo.canvas
    place = canvas.place()

    def at(share: tuple[float, float]) -> QPoint:
        return QPoint(round(place.left() + share[0] * place.width()), round(place.top() + share[1] * place.height()))

    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at(start))
    qtbot.mouseMove(canvas, at(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)))
    qtbot.mouseMove(canvas, at(end))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at(end))


def photo_of(view: WhatIfView) -> QImage:
    photo = view._session.scenario.edit_of("i11").photo
    assert photo
    return QImage(photo)


# --- texts ----------------------------------------------------------------------------------------------------------


def test_typing_becomes_one_step_after_a_rest_and_the_new_rank_shows(studio: WhatIfView, qtbot: QtBot) -> None:
    studio._go(TEXTS)
    field = studio.texts.rows["title"].field
    before = studio.result.after
    assert before is not None
    qtbot.keyClick(field, Qt.Key.Key_End)
    qtbot.keyClicks(field, " waterproof")
    assert steps(studio) == []
    qtbot.waitUntil(lambda: steps(studio) == ["Title edited"])
    quiet(qtbot, studio)
    assert dict(studio._session.scenario.edit_of("i11").texts)["title"].endswith(" waterproof")
    assert studio.result.rank.text() == f"Rank {before.rank} → {max(1, before.rank - 3)}"
    assert "(+1.00)" in studio.result.score.whole()
    assert {row.part: row.after - row.before for row in studio.result.parts.rows}["text"] == pytest.approx(1.0)


def test_leaving_a_field_makes_the_step_at_once_and_ctrl_z_takes_it_back(studio: WhatIfView, qtbot: QtBot) -> None:
    studio._go(TEXTS)
    field = studio.texts.rows["description"].field
    was = field.toPlainText()
    field.setFocus()
    qtbot.keyClicks(field, "New. ")
    qtbot.keyClick(field, Qt.Key.Key_Tab)
    assert steps(studio) == ["Description edited"]
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert field.toPlainText() == was
    assert studio._session.scenario == Scenario()
    qtbot.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert field.toPlainText().startswith("New. ")


def test_a_review_is_added_removed_and_put_back(studio: WhatIfView, qtbot: QtBot) -> None:
    studio._go(TEXTS)
    qtbot.mouseClick(studio.texts.add, Qt.MouseButton.LeftButton)
    field = studio.texts.rows["review:new-1"].field
    qtbot.keyClicks(field, "Warm")
    qtbot.waitUntil(lambda: steps(studio) == ["Review added"])
    assert studio._session.scenario.edit_of("i11").texts == (("review:new-1", "Warm"),)
    qtbot.mouseClick(studio.texts.rows["review:1"].button, Qt.MouseButton.LeftButton)
    assert dict(studio._session.scenario.edit_of("i11").texts)["review:1"] == ""
    row = studio.texts.rows["review:1"]
    assert row.field.isHidden()
    assert "removed" in row.label.text()
    qtbot.mouseClick(row.button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(studio.texts.rows["review:new-1"].button, Qt.MouseButton.LeftButton)
    assert studio._session.scenario == Scenario()
    assert steps(studio) == ["Review added", "Review removed", "Text put back", "Review removed"]


def test_what_is_being_typed_survives_a_step_that_comes_in_between(studio: WhatIfView, qtbot: QtBot) -> None:
    studio._go(TEXTS)
    field = studio.texts.rows["title"].field
    qtbot.keyClicks(field, "Half ")
    studio.past.add_product("i33")
    assert field.toPlainText().startswith("Half ")
    qtbot.keyClicks(field, "done ")
    qtbot.keyClick(field, Qt.Key.Key_Tab)
    assert steps(studio)[1:] == ["Title edited"]
    assert dict(studio._session.scenario.edit_of("i11").texts)["title"].startswith("Half done ")


def test_a_title_is_never_empty(studio: WhatIfView, qtbot: QtBot) -> None:
    studio._go(TEXTS)
    field = studio.texts.rows["title"].field
    was = field.toPlainText()
    field.setFocus()
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    qtbot.keyClick(field, Qt.Key.Key_Tab)
    assert steps(studio) == []
    assert field.toPlainText() == was


# --- the photo ------------------------------------------------------------------------------------------------------


def test_a_stroke_paints_out_on_a_copy_and_is_undone(studio: WhatIfView, qtbot: QtBot, shop: Path) -> None:
    original = QImage(str(shop / "media" / "11.png"))
    studio.photo.colour.setCurrentIndex(studio.photo.colour.findData(WHITE))
    drag(qtbot, studio, (0.3, 0.5), (0.7, 0.5))
    qtbot.waitUntil(lambda: steps(studio) == ["Photo: painted out"])
    quiet(qtbot, studio)
    edited = photo_of(studio)
    assert edited.pixelColor(112, 112).name() == "#ffffff" != original.pixelColor(112, 112).name()
    assert edited.pixelColor(112, 180) == original.pixelColor(112, 180)
    photo = studio._session.scenario.edit_of("i11").photo or ""
    assert Path(photo).parent == studio._workspace.folder / "scenarios" / "photos"
    assert QImage(str(shop / "media" / "11.png")) == original
    qtbot.mouseClick(studio.steps.undo, Qt.MouseButton.LeftButton)
    assert studio._session.scenario == Scenario()
    assert studio.photo.canvas.image is not None
    assert studio.photo.canvas.image.pixelColor(112, 112) == original.pixelColor(112, 112)


def test_strokes_in_a_row_build_on_each_other(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.photo.colour.setCurrentIndex(studio.photo.colour.findData(WHITE))
    drag(qtbot, studio, (0.3, 0.45), (0.7, 0.45))
    drag(qtbot, studio, (0.3, 0.75), (0.7, 0.75))
    qtbot.waitUntil(lambda: len(steps(studio)) == 2)
    edited = photo_of(studio)
    assert edited.pixelColor(112, 101).name() == edited.pixelColor(112, 168).name() == "#ffffff"


def test_regions_are_blurred_replaced_and_cropped(studio: WhatIfView, qtbot: QtBot, shop: Path) -> None:
    original = QImage(str(shop / "media" / "11.png"))
    studio.photo.choose_tool(BLUR)
    drag(qtbot, studio, (0.1, 0.1), (0.5, 0.5))
    qtbot.waitUntil(lambda: len(steps(studio)) == 1)
    blurred = photo_of(studio)
    assert blurred.pixelColor(50, 100) != original.pixelColor(50, 100)  # the edge of the product is soft now
    assert blurred.pixelColor(150, 150) == original.pixelColor(150, 150)
    studio.photo.choose_tool(REPLACE)
    studio.photo.source.setCurrentIndex(studio.photo.source.findData(WHITE))
    drag(qtbot, studio, (0.5, 0.5), (0.75, 0.75))
    qtbot.waitUntil(lambda: len(steps(studio)) == 2)
    assert photo_of(studio).pixelColor(140, 140).name() == "#ffffff"
    studio.photo.choose_tool(CROP)
    drag(qtbot, studio, (0.25, 0.0), (0.75, 1.0))
    qtbot.waitUntil(lambda: len(steps(studio)) == 3)
    size = photo_of(studio).size()
    assert abs(size.width() - 112) <= 2
    assert size.height() == 224
    assert steps(studio) == ["Photo: region blurred", "Photo: region replaced", "Photo: cropped"]


def test_the_photo_is_edited_by_keys(studio: WhatIfView, qtbot: QtBot) -> None:
    canvas = studio.photo.canvas
    studio.photo.choose_tool(CROP)
    for key in (Qt.Key.Key_Space, *[Qt.Key.Key_Right] * 5, *[Qt.Key.Key_Down] * 5, Qt.Key.Key_Space):
        qtbot.keyClick(canvas, key)
    qtbot.waitUntil(lambda: steps(studio) == ["Photo: cropped"])
    assert photo_of(studio).width() == photo_of(studio).height() == 56
    studio.photo.choose_tool(BRUSH)
    studio.photo.colour.setCurrentIndex(studio.photo.colour.findData(WHITE))
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(steps(studio)) == 2)


def test_a_file_is_dragged_in_and_a_broken_one_is_told(studio: WhatIfView, qtbot: QtBot, tmp_path: Path) -> None:
    picture = tmp_path / "mine.png"
    image = QImage(80, 60, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.green)
    image.save(str(picture))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    for file in (picture, broken):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(file))])
        mouse, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
        QApplication.sendEvent(studio.photo.canvas, QDragEnterEvent(QPoint(40, 40), copy, data, mouse, keys))
        QApplication.sendEvent(studio.photo.canvas, QDropEvent(QPointF(40, 40), copy, data, mouse, keys))
        quiet(qtbot, studio)
    assert steps(studio) == ["Photo: swapped for a file"]
    assert photo_of(studio).width() == 80
    assert studio.error.isVisible()
    assert "broken.png" in studio.error.text()
    assert "PNG" in studio.error.text()


def test_the_photo_is_swapped_for_another_products_and_taken_away(studio: WhatIfView, qtbot: QtBot, shop: Path) -> None:
    studio.photo.ask_product()
    finder = studio.photo._picker.finder
    qtbot.keyClicks(finder.search, "Trail shoe 7")
    finder._find()
    qtbot.keyClick(finder.search, Qt.Key.Key_Return)
    qtbot.keyClick(finder.list, Qt.Key.Key_Return)
    assert studio._session.scenario.edit_of("i11").photo == "media/7.png"
    quiet(qtbot, studio)
    assert studio.photo.canvas.image == QImage(str(shop / "media" / "7.png")).convertToFormat(
        QImage.Format.Format_RGB32
    )
    studio.photo.take_away()
    quiet(qtbot, studio)
    assert studio._session.scenario.edit_of("i11").photo == ""
    assert studio.result.new_photo.isHidden()
    assert studio.result.old_photo.isVisible()
    assert "taken away" in studio.photo.canvas.note
    studio.photo.put_back()
    assert studio._session.scenario == Scenario()


# --- attributes -----------------------------------------------------------------------------------------------------


def test_attributes_are_edited_in_place_with_known_values(studio: WhatIfView, qtbot: QtBot) -> None:
    studio._go(ATTRIBUTES)
    table = studio.attributes.table
    table.setCurrentIndex(studio.attributes.model.index(0, 1))
    qtbot.keyClick(table, Qt.Key.Key_Return)
    line = table.findChild(QLineEdit)
    assert line is not None
    completer = line.completer()
    assert completer is not None
    assert completer.model().rowCount() == len(COLOURS)
    line.selectAll()
    qtbot.keyClicks(line, "navy")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(steps(studio)) == 1)
    attributes = studio._session.scenario.edit_of("i11").attributes
    assert attributes is not None
    assert attributes[0] == ("colour", "navy")
    assert len(attributes) == 3
    table.setCurrentIndex(studio.attributes.model.index(2, 0))
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    studio.attributes.begin()
    model = studio.attributes.model
    model.setData(model.index(2, 0), "origin")
    model.setData(model.index(2, 1), "Peru")
    assert studio._session.scenario.edit_of("i11").attributes == (
        ("colour", "navy"), ("category", "striped hoodie"), ("origin", "Peru"),
    )  # fmt: skip
    assert steps(studio) == ["Attribute “colour” changed", "Attribute “price” removed", "Attribute “origin” added"]
    qtbot.mouseClick(studio.attributes.back, Qt.MouseButton.LeftButton)
    assert studio._session.scenario == Scenario()


# --- the past -------------------------------------------------------------------------------------------------------


def shown_past(view: WhatIfView) -> list[str]:
    return [event.item for event in view.past.strip.rows.events]


def test_past_choices_are_added_removed_and_moved_by_keys(studio: WhatIfView, qtbot: QtBot) -> None:
    strip = studio.past.strip
    was = shown_past(studio)
    strip.setCurrentIndex(strip.rows.index(1))
    qtbot.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    quiet(qtbot, studio)
    assert shown_past(studio) == [was[0], was[2], was[1], *was[3:]]
    assert strip.currentIndex().row() == 2
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    quiet(qtbot, studio)
    assert shown_past(studio) == [was[0], was[2], *was[3:]]
    studio.past.add_product("i33")
    quiet(qtbot, studio)
    assert shown_past(studio) == ["i33", was[0], was[2], *was[3:]]
    studio.past.add_product("i33")
    assert "already" in studio.past.note.text()
    assert len(steps(studio)) == 3
    studio._session.undo.setIndex(0)
    quiet(qtbot, studio)
    assert shown_past(studio) == was


def test_a_past_choice_is_dragged_to_another_place(studio: WhatIfView, qtbot: QtBot) -> None:
    strip = studio.past.strip
    was = shown_past(studio)
    start = strip.visualRect(strip.rows.index(0)).center()
    end = strip.visualRect(strip.rows.index(2)).center() + QPoint(20, 0)
    qtbot.mousePress(strip.viewport(), Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(strip.viewport(), (start + end) / 2)
    qtbot.mouseMove(strip.viewport(), end)
    assert strip.gap == 3
    qtbot.mouseRelease(strip.viewport(), Qt.MouseButton.LeftButton, pos=end)
    quiet(qtbot, studio)
    assert shown_past(studio) == [was[1], was[2], was[0], *was[3:]]
    assert steps(studio) == [f"Past: moved “{studio.past._title(was[0])}”"]


def test_an_invented_shopper_is_filled_and_undone(studio: WhatIfView, qtbot: QtBot) -> None:
    qtbot.mouseClick(studio.past.invent, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: studio._session.user == "new shopper 1")
    quiet(qtbot, studio)
    assert studio._session.item == "i11"  # the product that is edited stays
    assert studio.past.empty.isVisible()
    assert shown_past(studio) == []
    assert studio.result.compared is None
    assert "made up" in studio.result.hint.text()
    studio.past.add_product("i5")
    quiet(qtbot, studio)
    assert studio._session.scenario.pasts == (PastEdit("new shopper 1", (Event("i5"),), (), True),)
    assert shown_past(studio) == ["i5"]
    studio._session.undo.setIndex(0)
    quiet(qtbot, studio)
    assert studio._session.user == USER
    assert not studio.error.isVisible()
    studio._session.undo.redo()
    qtbot.waitUntil(lambda: studio._session.user == "new shopper 1")


# --- what becomes of it ---------------------------------------------------------------------------------------------


def test_what_was_before_is_asked_once_and_shown_beside(studio: WhatIfView, qtbot: QtBot, engine: Any) -> None:
    start = len(engine.asked)
    for place in range(3):
        studio.texts._rested("title", f"A title {place}")
        quiet(qtbot, studio)
    plain = [name for _, name, given in engine.asked[start:] if not given.get("scenario")]
    assert plain == []  # both were known from before the first edit
    assert studio.result.old_photo.isVisible()
    assert studio.result.new_photo.isVisible()
    old, new = studio.result.old_words.blocks(), studio.result.new_words.blocks()
    assert old[0].text == "Striped hoodie 11, red"
    assert new[0].text == "A title 2"
    studio._session.choose_item("i12")
    quiet(qtbot, studio)
    assert studio.result.compared is not None
    assert studio.result.compared.item == "i12"


def test_pointing_at_a_cell_lights_it_in_both_maps(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.texts._rested("title", "A title")
    quiet(qtbot, studio)
    result = studio.result
    assert result.compared is not None
    row = next(row for row, token in enumerate(result.compared.tokens) if token.modality == "image")
    result._old_session.point(replace(result._old_session.pointed, tokens=frozenset({row})))
    assert studio._session.pointed.tokens == frozenset({row})
    studio._session.point(replace(studio._session.pointed, tokens=frozenset()))
    assert result._old_session.pointed.tokens == frozenset()


def test_both_maps_are_enlarged_together_and_stay_so_while_the_photo_is_edited(
    studio: WhatIfView, qtbot: QtBot
) -> None:
    studio.texts._rested("title", "A title")
    quiet(qtbot, studio)
    old, new = studio.result.old_photo, studio.result.new_photo
    qtbot.keyClick(new, Qt.Key.Key_Plus)
    qtbot.keyClick(old, Qt.Key.Key_Plus)
    assert old.zoom == new.zoom == pytest.approx(1.25**2)
    drag(qtbot, studio, (0.3, 0.5), (0.7, 0.5))
    qtbot.waitUntil(lambda: len(steps(studio)) == 2)
    quiet(qtbot, studio)
    assert old.zoom == new.zoom == pytest.approx(1.25**2)
    studio._session.choose_item("i12")
    quiet(qtbot, studio)
    assert old.zoom == new.zoom == 1.0


def test_the_list_around_the_product_shows_in_which_way_it_moved(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.past.add_product("i33")
    quiet(qtbot, studio)
    studio.result.tabs.setCurrentIndex(2)
    rows = studio.result.neighbours.rows(1)
    assert "i11" in [row.item for row in rows]
    assert [row.rank for row in rows] == list(range(rows[0].rank, rows[0].rank + len(rows)))
    assert all(row.moved == 0 for row in rows)


def test_an_edit_that_fails_is_told_and_can_be_undone(studio: WhatIfView, qtbot: QtBot, engine: Any) -> None:
    engine.answers["rank"] = HeedmapError("The texts cannot be read here.", "Take words away instead.")
    studio.texts._rested("title", "Another")
    qtbot.waitUntil(lambda: studio.result.fault.isVisible())
    assert studio.result.error.text() == "The texts cannot be read here. Take words away instead."
    answer(engine)
    qtbot.mouseClick(studio.result.undo, Qt.MouseButton.LeftButton)
    quiet(qtbot, studio)
    assert not studio.result.fault.isVisible()
    assert studio._session.scenario == Scenario()


# --- steps, scenarios, report ---------------------------------------------------------------------------------------


def test_a_click_in_the_list_of_steps_goes_there(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.texts._rested("title", "One")
    studio.texts._rested("description", "Two")
    view = studio.steps.steps
    assert [view.model().index(row, 0).data() for row in range(3)] == [
        "As the dataset has it", "Title edited", "Description edited",
    ]  # fmt: skip
    where = view.visualRect(view.model().index(1, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert studio._session.scenario.edit_of("i11").texts == (("title", "One"),)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert studio._session.scenario == Scenario()
    qtbot.mouseClick(studio.steps.redo, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(studio.steps.reset, Qt.MouseButton.LeftButton)
    assert studio._session.scenario == Scenario()
    assert steps(studio) == ["Title edited", "Reset"]


def name_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def answer_now(dialog: QInputDialog) -> int:
        dialog.setTextValue(name)
        return 1

    monkeypatch.setattr(QInputDialog, "exec", answer_now)


def test_a_scenario_is_saved_noted_renamed_opened_in_a_moved_workspace_and_deleted(
    studio: WhatIfView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drag(qtbot, studio, (0.3, 0.5), (0.7, 0.5))
    qtbot.waitUntil(lambda: len(steps(studio)) == 1)
    name_it(monkeypatch, "Ohne/Logo 无")
    studio.steps.ask_name()
    qtbot.waitUntil(lambda: [one.name for one in studio.scenarios.saved] == ["Ohne/Logo 无"])
    qtbot.keyClicks(studio.steps.notes, "for Monday")
    qtbot.waitUntil(lambda: studio.scenarios.saved[0].note == "for Monday")
    name_it(monkeypatch, "Plain")
    qtbot.keyClick(studio.steps.saved, Qt.Key.Key_F2)
    qtbot.waitUntil(lambda: [(one.name, one.note) for one in studio.scenarios.saved] == [("Plain", "for Monday")])
    moved = (tmp_path / "workspace").rename(tmp_path / "moved")
    studio._workspace.folder = moved
    studio.scenarios.refresh()
    quiet(qtbot, studio)
    studio._session.undo.setIndex(0)
    qtbot.keyClick(studio.steps.saved, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: steps(studio) == ["“Plain” opened"])
    photo = Path(studio._session.scenario.edit_of("i11").photo or "")
    assert photo.is_file()
    assert photo.is_relative_to(moved)
    answers = ["Keep it", "Delete"]
    monkeypatch.setattr(QMessageBox, "exec", lambda box: None)
    monkeypatch.setattr(
        QMessageBox,
        "clickedButton",
        lambda box, answers=answers: next(one for one in box.buttons() if one.text() == answers[0]),
    )
    qtbot.keyClick(studio.steps.saved, Qt.Key.Key_Delete)
    quiet(qtbot, studio)
    assert len(studio.scenarios.saved) == 1
    answers.pop(0)
    qtbot.keyClick(studio.steps.saved, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: studio.scenarios.saved == ())
    assert studio.steps.empty.isVisible()


class _Page(HTMLParser):
    """What a page shows, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_report_is_one_page_with_both_photos_and_every_change(
    studio: WhatIfView, qtbot: QtBot, tmp_path: Path
) -> None:
    drag(qtbot, studio, (0.3, 0.5), (0.7, 0.5))
    qtbot.waitUntil(lambda: len(steps(studio)) == 1)
    studio.texts._rested("title", "A <new> title")
    studio.past.add_product("i33")
    quiet(qtbot, studio)
    new, old = studio.result.after, studio.result.compared
    assert new is not None
    assert old is not None
    file = tmp_path / "report.html"
    studio.write_report(file)
    qtbot.waitUntil(lambda: file.is_file() and not studio.busy)
    page = _Page(file.read_text(encoding="utf-8"))
    assert len(page.fetched) == 2
    assert all(one.startswith("data:image/png;base64,") for one in page.fetched)
    assert page.fetched[0] != page.fetched[1]
    text = " ".join(page.words)
    for word in ("A <new> title", "Striped hoodie 11, red", f"{old.rank} → {new.rank}", "Past of u2", "made-up"):
        assert word.casefold() in text.casefold()


def test_state_comes_back_and_numbers_are_told(
    studio: WhatIfView, make: Callable[[], WhatIfView], qtbot: QtBot
) -> None:
    studio.tabs.setCurrentIndex(ATTRIBUTES)
    studio.result.tabs.setCurrentIndex(1)
    studio.photo.choose_tool(CROP)
    other = make()
    other.restore(studio.state())
    assert {**other.state(), "sizes": 0} == {**studio.state(), "sizes": 0}
    other.restore({"editor": 99, "sizes": ["x"], "tool": 3, "unknown": None})
    numbers = studio.numbers()
    assert set(numbers) == {"parts", "product", "list"}
    assert all(len({len(column) for column in table.values()}) == 1 for table in numbers.values())


def test_without_a_run_it_says_what_to_do(make: Callable[[], WhatIfView], qtbot: QtBot) -> None:
    view = make()
    assert view.result.empty.isVisible()
    assert view.result.empty.text() == "No run is open."
    assert not any(one.isEnabled() for one in (view.product, view.shopper, view.report, view.past.invent))
    for offer in view.offers():
        if offer.id not in ("whatif-swap", "whatif-product", "whatif-shopper", "whatif-past"):  # these open a window
            offer.run()
    assert view._session.scenario == Scenario()


def test_every_control_has_a_name_and_is_reached_by_keys(studio: WhatIfView, qtbot: QtBot) -> None:
    kinds = (QAbstractButton, QComboBox, QLineEdit)
    nameless = [
        one
        for kind in kinds
        for one in studio.findChildren(kind)
        if one.isVisible() and not (one.accessibleName() or getattr(one, "text", str)())
    ]
    assert nameless == []
    reached: set[QWidget | None] = set()
    studio.product.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(60):
        reached.add(studio.focusWidget())
        qtbot.keyClick(studio.focusWidget(), Qt.Key.Key_Tab)
    assert {studio.photo.canvas, studio.past.strip, studio.steps.steps, studio.photo.swap} <= reached


def test_a_studio_that_is_gone_hears_nothing(studio: WhatIfView, qtbot: QtBot, engine: Any) -> None:
    session, workspace = studio._session, studio._workspace
    studio.texts._rested("title", "Another")
    quiet(qtbot, studio)
    with qtbot.waitSignal(studio.destroyed):
        studio.deleteLater()
    session.undo.undo()
    session.choose_user("u4")
    workspace.refresh()
    qtbot.waitUntil(lambda: session.idle)
    session.point(replace(session.pointed, tokens=frozenset({1})))
    session.close_run()


def test_a_photo_dropped_anywhere_on_the_studio_becomes_the_products(
    qtbot: QtBot, engine: Any, shop: Path, tmp_path: Path
) -> None:
    languages = LanguageSource("en")
    window = MainWindow(
        engine, type(engine)(shop), themes=ThemeSource("light"), languages=languages,
        settings=Settings(theme="light"), workspace=tmp_path / "workspace",
    )  # fmt: skip
    with qtbot.waitSignals([window.ready, window.workspace.changed]):
        window.show()
    session = window.session
    qtbot.waitUntil(lambda: session.explanation is not None)
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    view = window.view
    assert isinstance(view, WhatIfView)
    quiet(qtbot, view)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(shop / "media" / "3.png"))])
    where = view.past.mapTo(window, QPoint(20, 20))
    mouse, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    QApplication.sendEvent(window, QDragEnterEvent(where, copy, data, mouse, keys))
    QApplication.sendEvent(window, QDropEvent(QPointF(where), copy, data, mouse, keys))
    qtbot.waitUntil(lambda: steps(view) == ["Photo: swapped for a file"])
    quiet(qtbot, view)
    window.close()
    window.deleteLater()
    languages.remove()
    QApplication.processEvents()
