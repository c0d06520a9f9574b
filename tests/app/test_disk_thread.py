"""Files are written to the end, whatever becomes of their owner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.disk_thread import DiskThread
from tests.conftest import ROOT

# In a program of its own: where it fails, two threads wait for each other and nothing can end them.
WRITING = """
import sys, time
from functools import partial
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtTest import QTest
from shiboken6 import delete
from app.disk_thread import DiskThread
application = QCoreApplication([])
file, how = Path(sys.argv[1]), sys.argv[2]

class Owner(QObject):
    def __init__(self, parent):
        super().__init__(parent)
        self.disk = DiskThread()

def write(what):
    time.sleep(0.1)
    file.write_text(file.read_text() + what)

window = QObject()
owner = Owner(window)
file.write_text("")
for what in "abc":
    owner.disk.start(partial(write, what))
if how == "later":
    window.deleteLater()
    QTest.qWait(10)
elif how == "now":
    delete(window)
else:
    del owner, window
"""


@pytest.mark.parametrize("how", ["later", "now", "forgotten"])
def test_what_was_begun_is_written_in_order_when_its_owner_is_deleted(tmp_path: Path, how: str) -> None:
    command = [sys.executable, "-c", WRITING, str(tmp_path / "written"), how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert (tmp_path / "written").read_text() == "abc", done.stderr
    assert not done.stderr


def test_a_fault_is_told_and_what_waits_behind_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, fault, _trace: told.append(str(fault)))
    disk, done = DiskThread(), list[int]()
    disk.start(lambda: dict[str, int]()["no such key"])
    disk.start(lambda: done.append(1))
    disk.wait()
    assert (told, done) == (["'no such key'"], [1])
