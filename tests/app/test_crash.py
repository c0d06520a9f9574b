"""Reports of faults: written once each, without data, shown in the window, found again after a hard crash."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, QTimer, QUrl, qWarning
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.crash import MOST, Crashes, Report, described, plain
from app.fault_note import Faults
from engine.errors import HeedmapError
from tests.conftest import ROOT

Open = Callable[..., Any]


@pytest.fixture
def crashes(tmp_path: Path) -> Iterator[Crashes]:
    """Listening, in place of what pytest listens with."""
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    sys.excepthook, threading.excepthook, sys.unraisablehook = (lambda *_: None,) * 3
    made = Crashes(tmp_path / "log")
    made.watch()
    yield made
    made.end()
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def reports(crashes: Crashes) -> list[str]:
    found = sorted(crashes.folder.glob("crash-*.txt"), key=lambda path: path.stat().st_mtime_ns)
    return [path.read_text(encoding="utf-8") for path in found]


def fail(shopper: str) -> None:
    try:
        int({"": ""}[shopper])
    except KeyError as error:
        raise ValueError(f"no shopper '{shopper}' in {Path.home()}/shop") from error


def raised(shopper: str = "alice@example.com") -> BaseException:
    try:
        fail(shopper)
    except ValueError as error:
        return error
    raise AssertionError


def test_a_fault_becomes_one_report_without_a_shops_data(crashes: Crashes) -> None:
    crashes.note("run opened")
    crashes.note("looked for 'alice@example.com'")
    error = raised()
    for _ in range(3):  # in every paint, say
        sys.excepthook(type(error), error, error.__traceback__)
    (text,) = reports(crashes)
    assert text.startswith("Heedmap ")
    assert "ValueError: no shopper '…' in ~/shop" in text
    assert "after:\n" in text
    assert "KeyError: '…'" in text
    assert f'File "{ROOT / "tests"}'.replace(str(Path.home()), "~") in text
    assert "run opened" in text
    assert "alice" not in text
    assert "Python 3." in text


def test_faults_of_threads_and_of_what_cannot_be_raised_are_reported(crashes: Crashes) -> None:
    thread = threading.Thread(target=lambda: fail("bob"), name="reader")
    thread.start()
    thread.join()

    class Loud:
        def __del__(self) -> None:
            raise OSError("cannot be closed")

    Loud()
    first, second = reports(crashes)
    assert "A thread of the window (reader) met a fault" in first
    assert "could not pass on" in second
    assert "OSError: cannot be closed" in second


def test_only_the_newest_are_kept(crashes: Crashes) -> None:
    crashes.folder.mkdir(exist_ok=True)
    for number in range(MOST + 5):
        old = crashes.folder / f"crash-20200101-0000{number:02d}.txt"
        old.write_text("old")
        os.utime(old, (number, number))
    crashes.report("The window met a fault", "new")
    kept = sorted(path.name for path in crashes.folder.glob("crash-*.txt"))
    assert len(kept) == MOST
    assert "crash-20200101-000000.txt" not in kept
    assert "new" in (crashes.folder / kept[-1]).read_text()


def test_a_report_stays_where_the_others_are_of_a_later_date(crashes: Crashes) -> None:
    crashes.folder.mkdir(exist_ok=True)
    for number in range(MOST):
        later = crashes.folder / f"crash-20400101-0000{number:02d}.txt"
        later.write_text("later")
        os.utime(later, (2_208_988_800 + number,) * 2)
    report = crashes.report("The window met a fault", "new")
    assert report is not None
    assert report.path is not None
    assert "new" in report.path.read_text()
    assert len(list(crashes.folder.glob("crash-*.txt"))) == MOST


def test_a_folder_that_cannot_be_written_leaves_the_report_to_be_copied(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    crashes = Crashes(tmp_path / "log")
    told: list[Report] = []
    crashes.said = told.append
    crashes.watch()
    crashes.report("The window met a fault", "trace")
    crashes.end()
    assert told[0].path is None
    assert "trace" in told[0].text
    assert crashes.fallen() is None


DYING = """
import sys, ctypes
from pathlib import Path
from app.crash import Crashes
crashes = Crashes(Path(sys.argv[1]))
crashes.watch()
def paint():
    ctypes.string_at(0)
if sys.argv[2] == "falls":
    paint()
elif sys.argv[2] == "killed":
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
crashes.end()
"""


@pytest.mark.parametrize(("how", "code"), [("falls", -11), ("killed", -9), ("ends", 0)])
def test_the_next_start_finds_the_last_words_of_a_window(tmp_path: Path, how: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, str(tmp_path), how], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == code
    crashes = Crashes(tmp_path)
    crashes.watch()
    try:
        found = crashes.fallen()
        if how == "falls":
            assert found is not None
            assert found.path is not None
            assert "Segmentation fault" in found.text
            assert "in paint" in found.text
        else:
            assert found is None
        assert crashes.fallen() is None  # once
        assert len(list(tmp_path.glob("*.fault"))) == 1  # our own
    finally:
        crashes.end()
    assert list(tmp_path.glob("*.fault")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="an open file is its own mark there")
def test_the_words_of_a_window_that_lives_are_not_taken(tmp_path: Path) -> None:
    one, two = Crashes(tmp_path), Crashes(tmp_path)
    one.watch()
    assert one._words is not None
    one._words.write("said in passing\n")
    one._words.flush()
    assert two.fallen() is None
    assert len(list(tmp_path.glob("*.fault"))) == 1
    one.end()


def test_qt_is_heard_and_its_last_message_reported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.crash import Crashes\n"
        "from PySide6.QtCore import qFatal, qWarning\n"
        "c = Crashes(Path(sys.argv[1])); c.watch(); c.watch_qt(); qWarning('a small thing'); qFatal('no platform')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False, timeout=60, capture_output=True, text=True
    )
    assert done.returncode == -6
    assert "a small thing" in done.stderr
    (report,) = tmp_path.glob("crash-*.txt")
    text = report.read_text(encoding="utf-8")
    assert "Qt ended the window" in text
    assert "no platform" in text
    assert "Qt: a small thing" in text


def test_without_a_terminal_nothing_falls_over(crashes: Crashes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    crashes.watch_qt()
    qWarning("nobody reads this")
    assert "nobody reads this" in crashes.recent[-1]
    error = raised()
    sys.excepthook(type(error), error, error.__traceback__)
    assert len(reports(crashes)) == 1


@pytest.fixture
def told(open_window: Open, crashes: Crashes) -> Faults:
    window = open_window()
    return Faults(crashes, window)


def test_the_window_says_where_the_report_is(
    qtbot: QtBot, told: Faults, crashes: Crashes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    assert told.note.isHidden()
    sender = QObject()

    def slot() -> None:
        error = raised()
        sys.excepthook(type(error), error, error.__traceback__)  # as PySide does of a slot that raises

    QTimer.singleShot(0, sender, slot)
    qtbot.waitUntil(told.note.isVisible)
    assert "Something went wrong" in told.note.message
    assert "nothing was sent" in told.note.message
    note = told.note
    window = note.window()
    assert window.rect().contains(note.geometry())
    qtbot.mouseClick(note.open, Qt.MouseButton.LeftButton)
    assert opened == [QUrl.fromLocalFile(str(crashes.folder))]
    qtbot.mouseClick(note.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == reports(crashes)[0]
    note.away.setFocus()
    qtbot.keyClick(note.away, Qt.Key.Key_Escape)
    assert note.isHidden()
    for control in note.findChildren(QWidget):
        if control.focusPolicy() != Qt.FocusPolicy.NoFocus:
            assert control.accessibleName() or getattr(control, "text", str)()


def test_a_fault_of_the_engine_is_reported_with_its_log(
    qtbot: QtBot, told: Faults, crashes: Crashes, engine: Any
) -> None:
    (crashes.folder / "engine.log").write_text("Traceback\nZeroDivisionError: shopper 'eve'\n")
    engine.answers["rank"] = HeedmapError("A fault in Heedmap: ZeroDivisionError: 'eve'", "The details are in x.")
    told.parent().session.choose_user("u3")  # type: ignore[union-attr]
    qtbot.waitUntil(told.note.isVisible)
    (text,) = reports(crashes)
    assert "The engine met a fault" in text
    assert "ZeroDivisionError" in text
    assert "eve" not in text
    (crashes.folder / "crash.log").write_text("Fatal Python error: Illegal instruction\n")
    engine.restarted.emit()
    assert any("Illegal instruction" in one for one in reports(crashes))


def test_a_window_that_came_back_says_so_once(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    (log / "window-1-2.fault").write_text("Fatal Python error: Segmentation fault\n")
    crashes = Crashes(log)
    faults = Faults(crashes, open_window())
    qtbot.waitUntil(faults.note.isVisible)
    assert "was ended by a fault" in faults.note.message
    assert "restored" in faults.note.message
    assert "Segmentation fault" in reports(crashes)[0]
    assert crashes.fallen() is None


def test_what_people_wrote_is_not_repeated() -> None:
    assert plain(f"{Path.home()}/x: 'Ann' and \"Bob\" met") == "~/x: '…' and '…' met"
    assert plain('  File "app/x.py", line 3 in paint') == '  File "app/x.py", line 3 in paint'
    error = RuntimeError("x" * 5000)
    assert len(described(RuntimeError, error, None)) < 400
