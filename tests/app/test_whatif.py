"""The what-if studio, its page: every edit by mouse and keys is one named step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.whatif.commands import ATTRIBUTES, TEXTS
from app.whatif.photo_editor import BLUR, BRUSH, CROP, REPLACE, WHITE
from app.whatif.studio import WhatIfView
from engine.scenario import Scenario
from tests.app.conftest import COLOURS
from tests.app.studio import away, build, drag, opened, photo_of, quiet, steps


@pytest.fixture
def studio(qtbot: QtBot, engine: Any, tmp_path: Path) -> Iterator[WhatIfView]:
    view = opened(qtbot, build(engine, tmp_path / "workspace"), engine)
    yield view
    away(qtbot, view)


# --- texts ----------------------------------------------------------------------------------------------------------


def test_typing_becomes_one_step_after_a_rest_and_the_new_rank_shows(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.go(TEXTS)
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
    studio.go(TEXTS)
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
    studio.go(TEXTS)
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
    assert steps(studio) == ["Review added", "Review by u3 removed", "Review by u3 put back", "Review removed"]


def test_what_is_being_typed_survives_a_step_that_comes_in_between(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.go(TEXTS)
    field = studio.texts.rows["title"].field
    qtbot.keyClicks(field, "Half ")
    studio.past.add_product("i33")
    assert field.toPlainText().startswith("Half ")
    qtbot.keyClicks(field, "done ")
    qtbot.keyClick(field, Qt.Key.Key_Tab)
    assert steps(studio)[1:] == ["Title edited"]
    assert dict(studio._session.scenario.edit_of("i11").texts)["title"].startswith("Half done ")


def test_a_title_is_never_empty(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.go(TEXTS)
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
    assert studio.result.new_photo.image() is None
    assert studio.result.old_photo.isVisible()
    assert "taken away" in studio.photo.canvas.note
    studio.photo.put_back()
    assert studio._session.scenario == Scenario()


# --- attributes -----------------------------------------------------------------------------------------------------


def test_attributes_are_edited_in_place_with_known_values(studio: WhatIfView, qtbot: QtBot) -> None:
    studio.go(ATTRIBUTES)
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
