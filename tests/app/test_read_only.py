"""A workspace that is open read-only: everything is looked at, nothing inside it changes, notes lie outside, signed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QObject, QPoint, Qt, QUrl
from pytestqt.qtbot import QtBot

from app import commands
from app.__main__ import main
from app.main_window import MainWindow
from app.read_only import told
from app.rules_view.view import RulesView
from app.segments import Segment
from app.segments_view.view import SegmentsView
from app.settings import audit_notes
from app.views.notes import NoteButton, NotePopover
from app.views.train import TrainView
from app.whatif.studio import WhatIfView
from engine.files import READ_ONLY, sha256_of
from engine.notes import list_notes, write_note
from engine.signed_notes import read_signed_notes
from tests.app.conftest import FakeEngine

Open = Callable[..., MainWindow]
LEFT = Qt.MouseButton.LeftButton


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Of each file and folder: when it was changed, its size, its hash."""
    return {
        str(one.relative_to(folder)): (
            one.stat().st_mtime_ns,
            one.stat().st_size,
            sha256_of(one) if one.is_file() else "",
        )
        for one in [folder, *folder.rglob("*")]
    }


class PlainEngine(FakeEngine):
    """Refuses what the made-up shop has no answer to, as an engine does: the views stay as they are."""

    def _answer(self, job: int, name: str, arguments: dict[str, Any]) -> None:
        if name in self.answers or hasattr(self, f"_answer_{name}"):
            super()._answer(job, name, arguments)
        else:
            self.failed.emit(job, f"The made-up shop does not know {name}.", "")


@pytest.fixture
def engine(qapp: QObject, shop: Path) -> FakeEngine:
    return PlainEngine(shop)


@pytest.fixture
def workspace(shop: Path, tmp_path: Path) -> Path:
    """With data, an older window's arrangement, a damaged list of segments and rules, and a note; all long ago."""
    folder = tmp_path / "workspace"
    (folder / "runs").mkdir()
    for name, text in (
        ("workspace.json", '{"version": 1}'),
        ("sessions/window.json", '{"version": 1, "view": "train", "open": true}'),
        ("sessions/segments-made-up.json", "{"),
        ("rules/made-up.json", "{"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    write_note(folder, "made-up", "product", "i33", "theirs", now=1)
    for one in [*folder.rglob("*"), folder]:
        os.utime(one, (1_600_000_000, 1_600_000_000))
    return folder


@pytest.fixture
def read_only(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEEDMAP_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv(READ_ONLY, str(workspace))
    return workspace


def take_note(qtbot: QtBot, window: MainWindow, text: str) -> None:
    window.show_view("explore")
    button = next(one for one in window.findChildren(NoteButton) if one.kind == "product")
    qtbot.mouseClick(button, LEFT)
    popover = NotePopover.of(window)
    qtbot.waitUntil(popover.edit.hasFocus)
    qtbot.keyClicks(popover.edit, text)


def test_looking_at_everything_changes_nothing(
    read_only: Path, open_window: Open, engine: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    before, notes = everything(read_only), tmp_path / "mine" / "notes.json"
    window = open_window(keep=True, notes=notes)
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    for name in window.names:
        window.show_view(name)
        assert window.status.read_only.isVisible()
    window.show_view("explore")
    qtbot.waitUntil(lambda: window.notebook.note(str(engine.folder), "product", "i33") is not None)
    window.session.choose_user("u7")
    window.session.choose_item("i12")
    qtbot.waitUntil(lambda: window.session.explanation is not None and window.session.explanation.item == "i12")
    window.choose_language("zh_CN")
    qtbot.waitUntil(window.status.read_only.isVisible)
    assert window.status.read_only.text() == "只读"
    window.choose_language("en")
    window.activateWindow()
    take_note(qtbot, window, "unfair")
    window.state.save()
    window.close()
    assert everything(read_only) == before
    assert [(one.dataset, one.kind, one.key, one.text) for one in read_signed_notes(notes)] == [
        ("datasets/made-up", "product", "i12", "unfair")
    ]
    assert not any(arguments.get("create") for _, name, arguments in engine.asked if name == "list_workspace")
    again = open_window(keep=True, notes=notes)
    qtbot.waitUntil(lambda: again.notebook.note(str(engine.folder), "product", "i12") is not None)
    assert {one.text for one in again.notebook.of(str(engine.folder))} == {"unfair", "theirs"}
    assert everything(read_only) == before


def test_what_would_write_is_off_and_says_why(read_only: Path, open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    actions = {action.objectName(): action for action in window.actions()}
    for name in ("import", "sample"):
        assert not actions[name].isEnabled()
    assert actions["open"].isEnabled()
    assert not [one for one in commands.find(window, "Import data") if one.text.startswith("Import data")]
    off: list[Any] = []
    window.show_view("train")
    train = window.view
    assert isinstance(train, TrainView)
    off.append(train.form.start)
    for name, control in (("rules", "add"), ("segments", "new"), ("audit", "start")):
        window.show_view(name)
        off.append(getattr(window.view, control))
    for name, action in (
        ("train", "train_start"),
        ("rules", "rules-new"),
        ("segments", "segment_new"),
        ("audit", "audit.begin"),
    ):
        view = window.views[name]
        off.append(next(one for one in view.actions() if one.objectName() == action))
    assert not [one for one in commands.find(window, "Audit a run") if one.text.startswith("Audit a run")]
    for one in off:
        assert (one.isEnabled(), one.toolTip()) == (False, told())


def test_no_view_offers_to_keep_anything(read_only: Path, open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    off: list[Any] = []
    for name, actions in (
        ("explore", ("rules-first", "rules-never")),
        ("rules", ("rules-add-boost", "rules-add-pin")),
        ("segments", ("segment_new", "segment_name", "segment_drop")),
        ("map", ("map_save",)),
        ("data", ("data-segment",)),
        ("whatif", ("whatif-save",)),
    ):
        window.show_view(name)
        made = {one.objectName(): one for one in window.views[name].actions()}
        off += [made[action] for action in actions]
    rules, segments = window.views["rules"], window.views["segments"]
    assert isinstance(rules, RulesView)
    assert isinstance(segments, SegmentsView)
    window.session.segments.all = (Segment("old", "users", ("u1",)),)
    window.session.segments.changed.emit()
    off += [rules.master, rules.form, segments.rename, segments.delete]
    for one in off:
        assert (one.isEnabled(), one.toolTip()) == (False, told()), one.objectName()


def test_a_photo_is_not_drawn_on_and_may_be_another_products(read_only: Path, open_window: Open, qtbot: QtBot) -> None:
    """A drawn picture, or a copy of a file, would be written into the workspace; a photo of it in another's place, or
    none, is not."""
    before = everything(read_only)
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    window.session.choose_item("i11")
    window.show_view("whatif")
    view = window.view
    assert isinstance(view, WhatIfView)
    photo = view.photo
    qtbot.waitUntil(lambda: photo.canvas.image is not None)
    for control in (*photo.tools.values(), photo.size_of_brush, photo.colour, photo.source, photo.canvas):
        assert (control.isEnabled(), control.toolTip()) == (False, told()), control.accessibleName()
    assert not photo.canvas.acceptDrops()
    qtbot.mouseClick(photo.canvas, LEFT, pos=photo.canvas.rect().center())
    assert not [
        one for one in commands.find(window, "Swap the photo") if one.text.startswith("Swap the photo for a file")
    ]
    menu = photo.swap.menu()
    menu.aboutToShow.emit()
    can = {one.text(): one.isEnabled() for one in menu.actions() if not one.isSeparator()}
    assert can == {"A file…": False, "Another product's photo…": True, "No photo": True, "The photo as it was": False}
    assert menu.actions()[0].toolTip() == told()
    assert "file" not in photo.swap.toolTip()
    photo._picked("i7")
    qtbot.waitUntil(lambda: window.session.scenario.edit_of("i11").photo == "media/7.png")
    photo.take_away()
    qtbot.waitUntil(lambda: window.session.scenario.edit_of("i11").photo == "")
    assert [window.session.undo.text(place) for place in range(window.session.undo.count())] == [
        "Photo: swapped for that of “Trail shoe 7, green”",
        "Photo: taken away",
    ]
    window.close()
    assert everything(read_only) == before


def test_what_is_dropped_is_refused_before_it_is_let_go(
    read_only: Path, open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    (tmp_path / "folder").mkdir()
    assert window.drops is not None
    for name in ("table.csv", "photo.png", "folder"):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
        offer = window.drops.offer(data, QPoint(5, 5))
        assert offer is not None
        assert (offer.text, offer.act) == (told(), None)


def test_a_workspace_opened_from_it_is_read_only_too_and_says_so(
    read_only: Path, open_window: Open, engine: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "workspace.heedmap").write_text('{"version": 2}', encoding="utf-8")
    before = everything(other)
    window = open_window(keep=True, notes=tmp_path / "notes.json")
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    window.open_workspace(other)
    qtbot.waitUntil(lambda: window.workspace.folder == other)
    qtbot.waitUntil(window.status.read_only.isVisible)
    actions = {action.objectName(): action for action in window.actions()}
    assert [(actions[one].isEnabled(), actions[one].toolTip()) for one in ("import", "sample")] == [(False, told())] * 2
    window.state.save()
    window.close()
    assert everything(other) == before
    assert not any(arguments.get("create") for _, name, arguments in engine.asked if name == "list_workspace")


def test_what_is_tried_all_the_same_is_refused_with_a_sentence(
    read_only: Path, open_window: Open, qtbot: QtBot
) -> None:
    before = everything(read_only)
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    window.session.segments.add("mine", "users", ["u1"])
    qtbot.waitUntil(window.banner.isVisible)
    qtbot.waitUntil(lambda: "read-only" in window.banner.message)
    window.close()
    assert everything(read_only) == before


def test_a_note_file_that_was_changed_is_not_written_over(
    read_only: Path, open_window: Open, engine: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.json"
    notes.write_text("{}", encoding="utf-8")
    window = open_window(notes=notes)
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    window.notebook.write(str(engine.folder), "product", "i1", "mine")
    window.notebook.flush()
    qtbot.waitUntil(lambda: "not as they were signed" in window.banner.message)
    assert notes.read_text(encoding="utf-8") == "{}"


def test_without_the_flag_all_is_as_before(
    workspace: Path, open_window: Open, engine: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(keep=True, notes=tmp_path / "notes.json")
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    assert window.status.read_only.isHidden()
    assert all(action.isEnabled() for action in window.actions() if action.objectName() in ("import", "sample"))
    window.notebook.write(str(engine.folder), "product", "i1", "mine")
    window.close()
    assert {note.text for note in list_notes(workspace)} == {"mine", "theirs"}
    assert not (tmp_path / "notes.json").exists()
    assert any(arguments.get("create") for _, name, arguments in engine.asked if name == "list_workspace")
    assert '"open": false' in (workspace / "sessions" / "window.json").read_text(encoding="utf-8")
    assert (workspace / "rules" / "made-up.damaged.json").is_file()


def test_the_command_says_it_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(READ_ONLY, "")  # put back at the end
    opened: list[tuple[str, Path | None, str]] = []

    def window(workspace: str, *, notes: Path | None, what: object) -> None:
        opened.append((workspace, notes, os.environ[READ_ONLY]))

    monkeypatch.setattr("app.__main__._window", window)
    inside = tmp_path / "notes.json"
    assert main(["open", str(tmp_path)]) == 0
    assert main(["open", str(tmp_path / "none"), "--read-only"]) == 2
    assert main(["open", "--read-only"]) == 2
    assert main(["open", str(tmp_path), "--notes", str(inside)]) == 2
    assert main(["open", str(tmp_path), "--read-only", "--notes", str(inside)]) == 2
    assert "read-only" in capsys.readouterr().err
    assert main(["open", str(tmp_path), "--read-only"]) == 0
    folder = str(tmp_path.resolve())
    assert opened == [(folder, None, ""), (folder, None, folder)]
    assert not audit_notes(tmp_path).is_relative_to(tmp_path)
    assert audit_notes(tmp_path).name.startswith(f"{tmp_path.name}-")
