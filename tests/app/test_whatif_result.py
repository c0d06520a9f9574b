"""The what-if studio: the past of a shopper, what becomes of a product, steps, scenarios, the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QInputDialog, QLineEdit, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import ThemeSource
from app.whatif.commands import ATTRIBUTES
from app.whatif.photo_editor import CROP
from app.whatif.studio import WhatIfView
from engine.errors import HeedmapError
from engine.scenario import Event, PastEdit, Scenario
from tests.app.studio import USER, answer, away, build, drag, opened, quiet, shown_past, steps


@pytest.fixture
def studio(qtbot: QtBot, engine: Any, tmp_path: Path) -> Iterator[WhatIfView]:
    view = opened(qtbot, build(engine, tmp_path / "workspace"), engine)
    yield view
    away(qtbot, view)


# --- the past -------------------------------------------------------------------------------------------------------


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
    session = studio._session
    session.choose_item("i33")
    quiet(qtbot, studio)
    studio.photo._picked("i22")
    photo_of_another = session.scenario.edit_of("i33").photo
    assert photo_of_another
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
    assert studio._session.scenario.edit_of("i33").photo == photo_of_another  # of the dataset, inside it
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


def test_state_comes_back_and_numbers_are_told(studio: WhatIfView, qtbot: QtBot, engine: Any, tmp_path: Path) -> None:
    studio.tabs.setCurrentIndex(ATTRIBUTES)
    studio.result.tabs.setCurrentIndex(1)
    studio.photo.choose_tool(CROP)
    other = build(engine, tmp_path / "other")
    other.restore(studio.state())
    assert {**other.state(), "sizes": 0} == {**studio.state(), "sizes": 0}
    other.restore({"editor": 99, "sizes": ["x"], "tool": 3, "unknown": None})
    numbers = studio.numbers()
    assert set(numbers) == {"parts", "product", "list"}
    assert all(len({len(column) for column in table.values()}) == 1 for table in numbers.values())
    away(qtbot, other)


def test_without_a_run_it_says_what_to_do(qtbot: QtBot, engine: Any, tmp_path: Path) -> None:
    view = build(engine, tmp_path / "workspace")
    assert view.result.empty.isVisible()
    assert view.result.empty.text() == "No run is open."
    assert not any(one.isEnabled() for one in (view.product, view.shopper, view.report, view.past.invent))
    for offer in view.offers():
        if offer.id not in ("whatif-swap", "whatif-product", "whatif-shopper", "whatif-past"):  # these open a window
            offer.run()
    assert view._session.scenario == Scenario()
    away(qtbot, view)


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


# --- what an edit waits for -----------------------------------------------------------------------------------------


def warmed(engine: Any) -> list[str]:
    return [arguments["run"] for _, name, arguments in engine.asked if name == "warm"]


def test_what_reads_edits_is_loaded_while_the_view_is_shown_and_nobody_waits(
    qtbot: QtBot, engine: Any, tmp_path: Path
) -> None:
    engine.held.add("warm")
    view = build(engine, tmp_path / "workspace")
    session = view._session
    qtbot.waitUntil(lambda: not view.busy)
    assert warmed(engine) == []  # no run is open yet
    opened(qtbot, view, engine)
    qtbot.waitUntil(lambda: len(warmed(engine)) == 1)
    assert not view.busy
    assert view.working.isHidden()
    session.choose_item("i22")  # goes first
    job = next(number for number, name, _ in engine.asked if name == "warm")
    assert ("cancel", job) in engine.calls
    qtbot.waitUntil(lambda: len(warmed(engine)) == 2)
    view.hide()
    engine.held.discard("warm")
    session.choose_item("i11")
    quiet(qtbot, view)
    assert not view._warming._rest.isActive()
    view.show()
    qtbot.waitUntil(lambda: len(warmed(engine)) == 3 and not view._warming.questions.busy)
    session.choose_item("i22")
    quiet(qtbot, view)
    assert not view._warming._rest.isActive()  # once for a run
    away(qtbot, view)
