"""Files of another version in the window: older ones come forward with a backup, newer ones are refused and stay."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app import start as starting
from app.main_window import MainWindow
from app.newer import tell_settings_kept, workspace_to_start_with
from app.settings import Settings, keep_others, load, save
from engine.errors import HeedmapError
from engine.files import sha256_of
from engine.upgrade import open_workspace
from engine.versions import SCHEMAS
from engine.workspace import WorkspaceSummary

OLD = Path(__file__).parent.parent / "old"
NEWER = '{"heedmap": "workspace", "version": 3, "made_by": "9.1"}'
Open = Callable[..., MainWindow]


@pytest.fixture
def workspace(shop: Path, tmp_path: Path, engine: Any) -> Path:
    """The made-up shop in a workspace of version 1, opened as the engine does."""
    folder = tmp_path / "workspace"
    shutil.copytree(OLD / "workspace-1", folder, dirs_exist_ok=True)
    (folder / "rules" / "shop.json").rename(folder / "rules" / "made-up.json")
    (folder / "sessions" / "segments-shop.json").rename(folder / "sessions" / "segments-made-up.json")
    listed = engine._answer_list_workspace

    def answer(workspace: str, create: bool = False) -> WorkspaceSummary:
        made = open_workspace(Path(workspace)) if create else None
        found: WorkspaceSummary = listed(workspace)
        return replace(found, backups=made.backups, not_forward=made.not_forward) if made is not None else found

    engine.answers["list_workspace"] = answer
    return folder


def everything(folder: Path) -> dict[str, str]:
    return {str(one): sha256_of(one) for one in sorted(folder.rglob("*")) if one.is_file()}


def test_the_window_says_that_a_workspace_came_forward_and_shows_the_backup(
    workspace: Path, open_window: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    window = open_window(keep=True)
    qtbot.waitUntil(window.remark.isVisible)
    assert window.remark.message.startswith("This workspace was brought forward to this version of Heedmap.")
    qtbot.mouseClick(window.remark._button, Qt.MouseButton.LeftButton)
    assert [Path(url.toLocalFile()) for url in opened] == [workspace / "backups"]
    assert {one.name.rsplit("-", 2)[0] for one in (workspace / "backups").iterdir()} == {
        "scenario-v1", "rules-v0", "notes-v1", "workspace-v1",
    }  # fmt: skip
    qtbot.waitUntil(lambda: window.session.run is not None)
    assert [rule.name for rule in window.session.rules.book.rules] == ["own brand"]
    assert [segment.name for segment in window.session.segments.all] == ["Cups"]
    assert window.current == "train"
    window.close()
    again = open_window(keep=True)
    assert not again.remark.isVisible()
    assert (workspace / "workspace.heedmap").is_file()


def test_one_that_cannot_be_written_is_used_as_it_is(workspace: Path, open_window: Open, qtbot: QtBot) -> None:
    (workspace / "backups").write_text("in the way of the folder")
    window = open_window(keep=True)
    qtbot.waitUntil(window.banner.isVisible)
    assert window.banner.message.startswith("This workspace is of an older Heedmap and could not be brought forward.")
    qtbot.waitUntil(lambda: window.session.run is not None)
    assert [rule.name for rule in window.session.rules.book.rules] == ["own brand"]
    assert (workspace / "workspace.json").is_file()


def test_an_older_arrangement_is_backed_up_before_it_is_written_over(
    workspace: Path, open_window: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renamed(content: dict[str, Any], _: Path) -> dict[str, Any]:
        return {**content, "version": 2, "view": "map"}

    monkeypatch.setitem(SCHEMAS, "window", replace(SCHEMAS["window"], current=2, steps={1: renamed}))
    before = (workspace / "sessions" / "window.json").read_bytes()
    window = open_window(keep=True)
    assert window.current == "map"
    window.close()
    (backup,) = (workspace / "backups").glob("window-v1-*")
    assert (backup / "sessions" / "window.json").read_bytes() == before
    assert json.loads((workspace / "sessions" / "window.json").read_text(encoding="utf-8"))["version"] == 2


def test_rules_and_segments_of_a_newer_program_are_left_and_told(
    workspace: Path, open_window: Open, qtbot: QtBot
) -> None:
    files = [workspace / "rules" / "made-up.json", workspace / "sessions" / "segments-made-up.json"]
    for file in files:
        file.write_text('{"version": 99, "tomorrow": true}')
    window = open_window(keep=True)
    qtbot.waitUntil(lambda: window.session.run is not None)
    qtbot.waitUntil(lambda: "version 99" in window.banner.message)
    window.session.segments.add("mine", "users", ["u1"])
    window.session.rules.take(window.session.rules.book)
    window.close()
    assert [file.read_text() for file in files] == ['{"version": 99, "tomorrow": true}'] * 2
    assert not [one for file in files for one in file.parent.glob("*damaged*")]


def test_the_window_stays_where_it_is_when_another_workspace_is_newer(
    workspace: Path, open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "workspace.heedmap").write_text(NEWER)
    window = open_window(keep=True)
    qtbot.waitUntil(lambda: window.session.run is not None)
    run, before = window.session.run, everything(newer)
    window.open_workspace(newer)
    assert window.banner.isVisible()
    assert "a newer Heedmap, 9.1 (workspace version 3" in window.banner.message
    assert (window.workspace.folder, window.session.run, window.remembered.settings.workspace) == (workspace, run, "")
    window.close()
    assert everything(newer) == before


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    folder = tmp_path / "newer"
    (folder / "runs" / "r").mkdir(parents=True)
    (folder / "workspace.heedmap").write_text(NEWER)
    return folder


def press(qtbot: QtBot, said: list[str], texts: list[str]) -> None:
    """Answer the questions that come, each with the button of that text."""

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        said.append(f"{box.text()} {box.informativeText()}")
        wanted = texts.pop(0)
        button = next(one for one in box.buttons() if one.text() == wanted)
        if texts:
            QTimer.singleShot(0, answer)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, answer)


def test_at_the_start_another_workspace_can_be_chosen(
    newer: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [str(newer), str(tmp_path)]  # the same once more, then another
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: chosen.pop(0))
    said: list[str] = []
    press(qtbot, said, ["Open another workspace…", "Open another workspace…"])
    assert workspace_to_start_with(newer, str(newer / "runs" / "r"), Settings(language="en")) == (tmp_path, "")
    assert all("a newer Heedmap, 9.1 (workspace version 3" in one and "Install Heedmap 9.1" in one for one in said)
    assert len(said) == 2
    assert workspace_to_start_with(tmp_path, "run", Settings(language="en")) == (tmp_path, "run")


def test_at_the_start_it_ends_without_touching_anything(
    newer: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEEDMAP_CONFIG", "HEEDMAP_LOG"):
        monkeypatch.setenv(name, str(tmp_path / name))
    save(Settings(language="zh_CN"), tmp_path / "HEEDMAP_CONFIG" / "settings.json")
    before = everything(newer)
    said: list[str] = []
    press(qtbot, said, ["退出"])
    assert starting.start(str(newer), "", in_process=True) == 2
    assert len(said) == 1
    assert everything(newer) == before


def test_settings_without_a_version_come_forward_with_a_backup(tmp_path: Path) -> None:
    place = tmp_path / "settings.json"
    shutil.copyfile(OLD / "settings-0.json", place)
    before = place.read_bytes()
    assert keep_others(place) == ""
    assert load(place) == Settings("dark", "blue-orange", "zh_CN", export_format="svg", tour="seen")
    assert json.loads(place.read_text(encoding="utf-8"))["version"] == 1
    (backup,) = (tmp_path / "backups").glob("settings-v0-*")
    assert (backup / "settings.json").read_bytes() == before
    written = place.read_bytes()
    assert keep_others(place) == ""
    assert place.read_bytes() == written
    assert len(list((tmp_path / "backups").iterdir())) == 1


def test_settings_of_a_newer_program_are_kept_aside_and_the_window_opens(
    tmp_path: Path, open_window: Open, qtbot: QtBot
) -> None:
    place = tmp_path / "settings.json"
    place.write_text('{"version": 9, "theme": {"name": "night"}}')
    assert load(place) == Settings()
    aside = keep_others(place)
    assert (tmp_path / aside).read_text() == '{"version": 9, "theme": {"name": "night"}}'
    save(load(place), place)
    assert load(place) == Settings()
    assert keep_others(place) == ""
    window = open_window()
    tell_settings_kept(window, aside)
    assert aside in window.remark.message


@pytest.mark.parametrize("content", ["", "[]", '{"version": "x"}', '{"version": 9}'])
def test_settings_that_cannot_be_kept_do_not_stop_the_window(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "settings.json"
    place.write_text(content)

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refused)
    assert keep_others(place) == ""
    assert load(place) == Settings()
    assert keep_others(tmp_path / "none.json") == ""
    with pytest.raises(HeedmapError, match="No permission"):
        save(Settings(), place)
    assert place.read_text() == content
