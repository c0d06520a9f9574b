"""Opening by a double-click, a drop, or a file that macOS hands over: a workspace, a run, a bundle, or a sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QUrl
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.__main__ import main
from app.audit.view import AuditView
from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.opening import open_path, placed, show_when_ready
from app.settings import Settings
from app.theme import ThemeSource
from engine.audit.bundle import zip_of
from engine.audit.listing import list_audits
from engine.audit.opened import opened_bundle
from engine.errors import HeedmapError
from engine.given_path import Given, given
from engine.jobs import finish
from engine.workspace import create, marker_of
from tests.app.test_audit import make_bundle
from tests.conftest import ROOT


@pytest.fixture
def new_window(qtbot: QtBot, engine: Any, batch_lane: Any, tmp_path: Path) -> Iterator[Callable[[], MainWindow]]:
    """Makes a window that is not shown yet."""
    create(tmp_path / "workspace")
    engine.answers["list_audits"] = lambda workspace: list_audits(Path(workspace))
    engine.answers["bundle"] = lambda path, signer="": finish(opened_bundle(Path(path), signer))
    languages, made = LanguageSource("en"), []

    def make() -> MainWindow:
        window = MainWindow(
            engine, batch_lane, study=engine, themes=ThemeSource("light"), languages=languages,
            settings=Settings(theme="light"), workspace=tmp_path / "workspace",
        )  # fmt: skip
        made.append(window)
        return window

    yield make
    for window in made:
        window.close()
        window.deleteLater()
    languages.remove()
    QApplication.processEvents()


def shown(window: MainWindow, qtbot: QtBot) -> MainWindow:
    with qtbot.waitSignals([window.ready, window.workspace.changed], timeout=20_000):
        window.show()
    return window


def audit_view(window: MainWindow) -> AuditView:
    assert isinstance(window.view, AuditView)
    return window.view


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """One file, outside of any workspace."""
    made = make_bundle(tmp_path / "elsewhere" / "spring")
    zip_of(made, tmp_path / "spring.heedaudit")
    return tmp_path / "spring.heedaudit"


def test_a_bundle_given_at_the_start_is_shown_verified(
    new_window: Callable[[], MainWindow], qtbot: QtBot, bundle: Path
) -> None:
    window = new_window()
    show_when_ready(window, given(bundle), None)
    view = audit_view(shown(window, qtbot))
    qtbot.waitUntil(lambda: view.bundle is not None)
    assert "All 5 files are as they were signed" in view.said.text()
    qtbot.waitUntil(lambda: window.session.explanation is not None)  # the run that was open comes back behind it
    assert window.current == "audit"
    assert view.list.currentItem().toolTip() == str(bundle)


def test_a_bundle_of_the_workspace_stands_once_in_its_list(
    new_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    folder = make_bundle(tmp_path / "workspace" / "audits" / "autumn")
    assert placed(Given("bundle", folder), "", "") == (str(tmp_path / "workspace"), "")
    window = new_window()
    show_when_ready(window, given(folder), None)
    view = audit_view(shown(window, qtbot))
    qtbot.waitUntil(lambda: view.bundle is not None and view.list.count() > 0)
    assert [view.list.item(row).toolTip() for row in range(view.list.count())] == [str(folder)]


def test_what_cannot_be_opened_is_said_in_the_window(
    new_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window = new_window()
    show_when_ready(window, None, HeedmapError("notes.txt is a file of another kind.", "Heedmap opens ..."))
    shown(window, qtbot)
    assert window.banner.isVisible()
    assert window.banner.message == "notes.txt is a file of another kind."
    open_path(window, str(tmp_path / "gone"))
    assert window.banner.message.startswith("There is nothing at")


def test_a_workspace_and_a_run_are_opened_in_the_window_that_is_there(
    new_window: Callable[[], MainWindow], qtbot: QtBot, tmp_path: Path, engine: Any
) -> None:
    window = shown(new_window(), qtbot)
    create(tmp_path / "other")
    with qtbot.waitSignal(window.workspace.changed):
        open_path(window, str(marker_of(tmp_path / "other")))
    assert window.workspace.folder == tmp_path / "other"
    asked = len(engine.asked)
    open_path(window, str(tmp_path / "other"))  # it is open
    assert all(name != "list_workspace" for _, name, _ in engine.asked[asked:])
    run = tmp_path / "runs" / "concat-02"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    open_path(window, str(run))
    qtbot.waitUntil(lambda: window.session.run is not None and window.session.run.run == "concat-02")
    assert window.current == "explore"


def test_markers_and_bundles_can_be_dropped(
    new_window: Callable[[], MainWindow], qtbot: QtBot, bundle: Path, tmp_path: Path
) -> None:
    window = shown(new_window(), qtbot)
    create(tmp_path / "other")
    (tmp_path / "bad.heedmap").write_text("{}")

    def offer(path: Path) -> Any:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        assert window.drops is not None
        return window.drops.offer(data, QPoint(5, 5))

    assert offer(marker_of(tmp_path / "other")).text == "Open the workspace other"
    assert offer(tmp_path / "elsewhere" / "spring").text == "Open the audit bundle spring"
    refused = offer(tmp_path / "bad.heedmap")
    assert refused.act is None
    assert "is no workspace" in refused.text
    found = offer(bundle)
    assert found.text == "Open the audit bundle spring.heedaudit"
    found.act()
    view = audit_view(window)
    qtbot.waitUntil(lambda: view.bundle is not None)


MACOS = """
import sys
from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QFileOpenEvent
import app.opening
from app.start import make_application

opened = []
app.opening.open_path = lambda window, path: opened.append(path)

class Window(QObject):
    ready = Signal()

application, window = make_application(), Window()
app.opening.follow_files(application, window)
def send(path):
    application.sendEvent(application, QFileOpenEvent(QUrl.fromLocalFile(path)))
send("/a/before.heedmap")
assert opened == [], opened  # the views are not there yet
window.ready.emit()
send("/a/after.heedaudit")
assert opened == ["/a/before.heedmap", "/a/after.heedaudit"], opened
print("seen")
"""


def test_files_that_macos_hands_over_wait_for_the_window() -> None:
    done = subprocess.run([sys.executable, "-c", MACOS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("seen\n", 0), done.stderr


def test_a_first_word_is_a_command_or_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[tuple[Any, Any]] = []

    def start(*_: Any, what: Any, fault: Any, **__: Any) -> int:
        started.append((what, fault))
        return 0

    monkeypatch.setattr("app.start.start", start)
    monkeypatch.chdir(tmp_path)
    create(tmp_path / "methods")  # as a command is called
    assert main([str(tmp_path / "methods"), "--in-process"]) == 0
    assert main(["./methods", "--in-process"]) == 0
    assert main(["--in-process", "methods"]) == 0
    assert [what for what, _ in started] == [Given("workspace", tmp_path / "methods")] * 3
    assert main(["methods"]) == 0
    assert "contribution" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["metods"])  # a slip of the keys is no path
    assert len(started) == 3
    # Without a terminal the window says it, with one the terminal.
    assert main([str(tmp_path / "gone"), "--in-process"]) == 0
    assert started[3][0] is None
    assert "There is nothing at" in started[3][1].message
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main([str(tmp_path / "gone"), "--in-process"]) == 2
    assert "There is nothing at" in capsys.readouterr().err
    assert len(started) == 4
