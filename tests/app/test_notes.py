"""Notes in the window: written with keys, kept by themselves, undone, found again, and told in the heading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.notes import Notebook
from app.settings import Settings
from app.theme import ThemeSource
from app.views.notes import NoteButton, NotePopover
from engine.files import READ_ONLY, read_json, write_json
from engine.notes import Note, list_notes, write_note
from engine.signed_notes import read_signed_notes, write_signed_notes

CONTROL = Qt.KeyboardModifier.ControlModifier
Open = Callable[[], MainWindow]


@pytest.fixture
def open_window(qtbot: QtBot, engine: Any, tmp_path: Path) -> Iterator[Open]:
    languages = LanguageSource("en")
    windows: list[MainWindow] = []

    def make() -> MainWindow:
        window = MainWindow(
            engine, type(engine)(engine.folder), themes=ThemeSource("light"), languages=languages,
            settings=Settings(theme="light"), workspace=tmp_path / "workspace",
        )  # fmt: skip
        windows.append(window)
        with qtbot.waitSignals([window.ready, window.workspace.changed], timeout=20_000):
            window.show()
        qtbot.waitUntil(lambda: window.session.explanation is not None, timeout=20_000)
        window.activateWindow()
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()
    languages.remove()
    QApplication.processEvents()


def button(window: MainWindow, kind: str = "product") -> NoteButton:
    return next(one for one in window.findChildren(NoteButton) if one.kind == kind)


def opened(qtbot: QtBot, window: MainWindow, kind: str = "product") -> NotePopover:
    """The popover, opened by a click on its button."""
    qtbot.mouseClick(button(window, kind), Qt.MouseButton.LeftButton)
    popover = NotePopover.of(window)
    qtbot.waitUntil(popover.edit.hasFocus)
    return popover


def test_a_note_is_kept_while_it_is_written_and_is_there_next_time(
    open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window()
    item = window.session.item
    popover = opened(qtbot, window)
    assert popover.heading.whole() == f"Note on {button(window).title}"
    assert popover.when.text() == "Not written yet"
    qtbot.keyClicks(popover.edit, "Ask for a better photo")
    qtbot.waitUntil(lambda: button(window).note is not None)
    assert popover.when.text().startswith("Kept ")
    qtbot.waitUntil(lambda: bool(list_notes(tmp_path / "workspace")))
    assert button(window).toolTip() == "Ask for a better photo"
    window.session.choose_item("i33")
    assert button(window).note is None
    window.close()
    kept = list_notes(tmp_path / "workspace")
    assert [(note.dataset, note.kind, note.key, note.text) for note in kept] == [
        ("datasets/made-up", "product", item, "Ask for a better photo")
    ]
    again = open_window()
    qtbot.waitUntil(lambda: button(again).note is not None)
    assert opened(qtbot, again).edit.toPlainText() == "Ask for a better photo"


def test_closing_at_once_loses_no_letter(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    qtbot.keyClicks(opened(qtbot, window).edit, "quick")
    window.close()
    assert [note.text for note in list_notes(tmp_path / "workspace")] == ["quick"]


def test_undo_is_of_the_note_while_it_is_written(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    popover = opened(qtbot, window)
    qtbot.keyClicks(popover.edit, "first")
    qtbot.keyClick(popover.edit, Qt.Key.Key_A, CONTROL)
    qtbot.keyClick(popover.edit, Qt.Key.Key_Delete)
    assert popover.edit.toPlainText() == ""
    qtbot.keyClick(popover.edit, Qt.Key.Key_Escape)
    assert popover.isHidden()
    popover = opened(qtbot, window)  # what was deleted can still be had back
    qtbot.keyClick(popover.edit, Qt.Key.Key_Z, CONTROL)
    assert popover.edit.toPlainText() == "first"
    assert window.session.undo.count() == 0


def test_a_click_elsewhere_puts_it_away_and_a_shopper_has_another(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    popover = opened(qtbot, window, "shopper")
    qtbot.keyClicks(popover.edit, "Buys for the stripes")
    window.top.palette_field.setFocus()
    qtbot.waitUntil(popover.isHidden)
    assert button(window, "shopper").note is not None
    assert button(window, "product").note is None
    window.session.choose_user("u5")
    assert button(window, "shopper").note is None


def test_notes_are_opened_by_a_key_and_found_by_the_palette(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    qtbot.keyClick(window, Qt.Key.Key_N, CONTROL | Qt.KeyboardModifier.AltModifier)
    popover = NotePopover.of(window)
    qtbot.waitUntil(popover.edit.hasFocus)
    item = window.session.item
    qtbot.keyClicks(popover.edit, "zebra stripes")
    window.session.choose_item("i44")
    window.focus_search()
    field = window.top.palette_field
    qtbot.keyClicks(field, "zebra")
    assert [(one.kind, one.text) for one in field.answers] == [("note", "zebra stripes")]
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert window.session.item == item
    qtbot.waitUntil(lambda: popover.isVisible() and popover.edit.toPlainText() == "zebra stripes")


def test_what_was_noted_elsewhere_is_shown_not_written_over(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    write_note(tmp_path / "workspace", "made-up", "product", "i7", "from another machine", 1_700_000_000_000)
    window = open_window()
    window.session.choose_item("i7")
    qtbot.waitUntil(lambda: button(window).note is not None)
    popover = opened(qtbot, window)
    assert popover.edit.toPlainText() == "from another machine"
    year = QLocale("en").toString(2023)
    assert "23" in popover.when.text() or year in popover.when.text()
    popover.hide()
    window.close()
    assert [note.changed for note in list_notes(tmp_path / "workspace")] == [1_700_000_000_000]


def test_a_file_that_cannot_be_written_is_told(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "workspace" / "notes.sqlite").mkdir()
    window = open_window()
    qtbot.keyClicks(opened(qtbot, window).edit, "lost?")
    qtbot.waitUntil(lambda: window.banner.isVisible())
    assert "notes.sqlite" in window.banner.message
    assert button(window).note is not None  # still at hand
    window.banner.hide()


def test_what_could_not_be_written_is_written_with_the_next_note_or_at_the_end(qtbot: QtBot, tmp_path: Path) -> None:
    """As on a full disk on which room is made: what was told as not kept is kept after all."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    in_the_way = workspace / "notes.sqlite"
    in_the_way.mkdir()
    for last in ("another note", "the end"):
        notebook = Notebook()
        notebook.open(workspace)
        with qtbot.waitSignal(notebook.failed):
            notebook.write("shop", "product", f"i1 {last}", "Ask for better photos")
        in_the_way.rmdir()
        if last == "another note":
            notebook.write("shop", "product", "i2", "Too dear")
        notebook.flush()
        assert f"i1 {last}" in {note.key for note in list_notes(workspace)}
        in_the_way.unlink()
        in_the_way.mkdir()


def test_the_language_changes_with_a_note_open(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    qtbot.keyClicks(opened(qtbot, window).edit, "kept")
    window.choose_language("zh_CN")
    with qtbot.waitSignal(window.session.item_changed):
        window.session.choose_item("i9")
    assert button(window).accessibleName() == "此商品的备注"


@pytest.fixture
def shops(tmp_path: Path) -> tuple[Path, list[str]]:
    """A workspace; a dataset in it and two elsewhere, all called "shop"."""
    workspace = tmp_path / "workspace"
    folders = [workspace / "datasets" / "shop", tmp_path / "north" / "shop", tmp_path / "south" / "shop"]
    for folder in folders:
        write_json(folder / "dataset.json", {})
    return workspace, [str(folder) for folder in folders]


def notebook(qtbot: QtBot, workspace: Path, signed: Path | None = None) -> Notebook:
    made = Notebook(signed=signed)
    with qtbot.waitSignal(made._listed):
        made.open(workspace)
    return made


def seen(book: Notebook, folders: list[str]) -> list[str]:
    """What each dataset has noted of its product i1."""
    found = [book.note(folder, "product", "i1") for folder in folders]
    return [note.text if note is not None else "" for note in found]


def test_datasets_of_one_name_each_have_their_own_notes(qtbot: QtBot, shops: tuple[Path, list[str]]) -> None:
    workspace, folders = shops
    book = notebook(qtbot, workspace)
    for folder, text in zip(folders, ("inside", "north", "south"), strict=True):
        book.write(folder, "product", "i1", text)
    book.write(folders[1], "product", "i1", " ")
    book.write(folders[2], "shopper", "u1", "of the south")
    book.flush()
    for one in (book, notebook(qtbot, workspace)):
        assert seen(one, folders) == ["inside", "", "south"]
        assert [[note.text for note in one.of(folder)] for folder in folders[:2]] == [["inside"], []]
        assert sorted(note.text for note in one.of(folders[2])) == ["of the south", "south"]
    assert len(list_notes(workspace)) == 3


def test_notes_of_an_older_version_are_found_until_a_dataset_has_its_own(
    qtbot: QtBot, shops: tuple[Path, list[str]]
) -> None:
    workspace, folders = shops
    write_note(workspace, "shop", "product", "i1", "older", 5)  # by the name alone, as they were
    write_note(workspace, "shop", "product", "i2", "another", 6)
    book = notebook(qtbot, workspace)
    assert seen(book, folders) == ["older", "older", "older"]
    book.write(folders[0], "product", "i1", "mine")
    book.write(folders[1], "product", "i1", "")
    book.flush()
    again = notebook(qtbot, workspace)
    for one in (book, again):
        assert seen(one, folders) == ["mine", "", "older"]
        assert [len(one.of(folder)) for folder in folders] == [2, 1, 2]
    again.write(folders[0], "product", "i1", "")
    again.flush()
    assert seen(notebook(qtbot, workspace), folders) == ["", "", "older"]
    assert Note("shop", "product", "i1", "older", 5) in list_notes(workspace)


def test_an_auditors_signed_notes_are_kept_apart_as_well_and_older_ones_found(
    qtbot: QtBot, shops: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, folders = shops
    monkeypatch.setenv("HEEDMAP_CONFIG", str(tmp_path / "config"))
    write_note(workspace, "shop", "product", "i1", "theirs", 5)
    signed = tmp_path / "notes.json"
    write_signed_notes(signed, "workspace", [Note("shop", "product", "i2", "signed before", 6)])
    monkeypatch.setenv(READ_ONLY, str(workspace))
    book = notebook(qtbot, workspace, signed)
    book.write(folders[1], "product", "i1", "of the north")
    book.write(folders[2], "product", "i2", "")
    book.flush()
    for one in (book, notebook(qtbot, workspace, signed)):
        assert seen(one, folders) == ["theirs", "of the north", "theirs"]
        texts = [note.text if (note := one.note(folder, "product", "i2")) is not None else "" for folder in folders]
        assert texts == ["signed before", "signed before", ""]
    assert {note.text for note in read_signed_notes(signed)} == {"of the north", "signed before", ""}
    assert read_json(signed)["version"] == 1
