"""Random use of the real window: python -m tests.bench.monkey RUN [--actions 2000] [--seed 1] [--minutes M]

The run and its dataset are copied into a workspace of its own; then clicks, drags, wheel turns, keys and text fall on
random controls of random views, with a fixed seed. It ends with exit code 1 when an exception, a warning of Qt or of
Python, or a thread was left behind; 0 otherwise, through the interpreter's own exit. With --minutes it goes on for
that long and reports the memory of the window's process and of its engines along the way.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil  # type: ignore[import-untyped]
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QInputMethodEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLineEdit,
    QWidget,
)

from app.main_window import MainWindow
from app.settings import Settings
from app.start import make_application, make_window

PATIENCE_SECONDS = 0.4  # with a menu or dialog that waits for an answer
SETTLE_MS = 15  # between two actions, for answers to arrive
KEYS = (
    Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right,
    Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Escape, Qt.Key.Key_Delete, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_PageDown, Qt.Key.Key_F1, Qt.Key.Key_H, Qt.Key.Key_L, Qt.Key.Key_O, Qt.Key.Key_Plus, Qt.Key.Key_Minus,
)  # fmt: skip
CONTROLLED = "ZKFDE123456701"  # with Ctrl; not Q, W and O: they end the program or leave the workspace
WORDS = ("blue", "red mug", "雨衣", "004b", "zzz", "' OR 1=1 --", "12.5", "\U0001f45f", "")
HEAVY = ("train", "sample", "import", "evaluate", "quit", "language", "workspace", "open")  # not pressed at random


def copy_run(run: Path, folder: Path) -> Path:
    """The run and its dataset in a workspace of its own; the copy's folder."""
    card = json.loads((run / "run.json").read_text(encoding="utf-8"))
    dataset = (run / card["dataset"]["folder"]).resolve()
    copy = folder / "runs" / run.name
    shutil.copytree(run, copy)
    shutil.copytree(dataset, folder / "datasets" / dataset.name, dirs_exist_ok=True)
    card["dataset"]["folder"] = f"../../datasets/{dataset.name}"
    (copy / "run.json").write_text(json.dumps(card), encoding="utf-8")
    return copy


class Faults:
    """Everything that must not happen, as it happens."""

    def __init__(self) -> None:
        self.found: list[str] = []
        qInstallMessageHandler(self._qt)
        sys.excepthook = self._exception
        threading.excepthook = lambda raised: self.found.append(f"in a thread: {raised.exc_value!r}")
        sys.unraisablehook = lambda raised: self.found.append(f"unraisable: {raised.exc_value!r} in {raised.object!r}")
        warnings.showwarning = self._warning  # type: ignore[assignment]  # the rest of its arguments is not told

    def _qt(self, kind: QtMsgType, _: object, text: str) -> None:
        # The platform without a screen says what it cannot do; a real one can.
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and "This plugin does not support" not in text:
            self.found.append(f"Qt: {text}")

    def _exception(self, kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        self.found.append("".join(traceback.format_exception(kind, value, trace)))

    def _warning(self, message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
        self.found.append(f"{filename}:{lineno}: {category.__name__}: {message}")


class Monkey:
    """Acts on the window; `done` counts what it did."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        self.window = window
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.acting_since = time.monotonic()
        self.timer = QTimer(window, interval=100)
        self.timer.timeout.connect(self.clear)
        self.timer.start()
        self.actions = [
            (self.click, 30), (self.key, 25), (self.control, 10), (self.drag, 10), (self.wheel, 8), (self.hover, 8),
            (self.write, 5), (self.view, 6), (self.undo, 5), (self.theme, 1), (self.resize, 2), (self.find, 2),
        ]  # fmt: skip

    def act(self) -> None:
        self.acting_since = time.monotonic()
        chosen = self.random.choices([act for act, _ in self.actions], [weight for _, weight in self.actions])[0]
        chosen()
        self.done[chosen.__name__] += 1
        QTest.qWait(SETTLE_MS)

    def clear(self) -> None:
        """Put away a menu or dialog that holds an action up, as a user does who did not mean it. A timer calls this
        within the loops of their own that these run."""
        held_up = time.monotonic() - self.acting_since > PATIENCE_SECONDS
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if held_up and top is not None:
            top.close()
            self.acting_since = time.monotonic()

    def targets(self) -> list[QWidget]:
        top: QWidget = QApplication.activeModalWidget() or self.window
        return [
            one
            for one in top.findChildren(QWidget)
            if one.isVisible() and one.isEnabled() and one.width() > 3 and one.height() > 3 and not self.heavy(one)
        ]

    @staticmethod
    def heavy(widget: QWidget) -> bool:
        if not isinstance(widget, QAbstractButton):
            return False
        name = f"{widget.accessibleName()} {widget.text()}".casefold()
        return any(word in name for word in HEAVY)

    def pick(self) -> tuple[QWidget, QPoint]:
        widget = self.random.choice(self.targets())
        return widget, QPoint(self.random.randrange(widget.width()), self.random.randrange(widget.height()))

    def click(self) -> None:
        widget, place = self.pick()
        held = self.random.choice((Qt.KeyboardModifier.NoModifier,) * 4 + (Qt.KeyboardModifier.ControlModifier,))
        if self.random.random() < 0.1:
            QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, held, place)
        else:
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton, held, place)

    def key(self) -> None:
        widget = QApplication.focusWidget() or self.window
        held = self.random.choice((Qt.KeyboardModifier.NoModifier,) * 3 + (Qt.KeyboardModifier.ShiftModifier,))
        QTest.keyClick(widget, self.random.choice(KEYS), held)

    def control(self) -> None:
        key = Qt.Key(ord(self.random.choice(CONTROLLED)))
        QTest.keyClick(QApplication.focusWidget() or self.window, key, Qt.KeyboardModifier.ControlModifier)

    def drag(self) -> None:
        widget, start = self.pick()
        end = QPoint(self.random.randrange(widget.width()), self.random.randrange(widget.height()))
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
        for step in range(1, 5):
            QTest.mouseMove(widget, start + (end - start) * step / 4)
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)

    def hover(self) -> None:
        widget, place = self.pick()
        QTest.mouseMove(widget, place)

    def wheel(self) -> None:
        widget, place = self.pick()
        turned = QPoint(0, self.random.choice((-240, -120, 120, 240)))
        held = Qt.KeyboardModifier.NoModifier
        event = QWheelEvent(
            QPointF(place), QPointF(widget.mapToGlobal(place)), QPoint(), turned, Qt.MouseButton.NoButton, held,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def write(self) -> None:
        fields = [one for one in self.targets() if isinstance(one, QLineEdit)]
        if fields:
            self.type(self.random.choice(fields), self.random.choice(WORDS))

    @staticmethod
    def type(field: QWidget, text: str) -> None:
        """By keys; what no key has, as an input method writes it."""
        if text.isascii():
            QTest.keyClicks(field, text)
        else:
            event = QInputMethodEvent()
            event.setCommitString(text)
            QApplication.sendEvent(field, event)

    def view(self) -> None:
        self.window.show_view(self.random.choice(self.window.names))

    def undo(self) -> None:
        stack = self.window.session.undo
        self.random.choice((stack.undo, stack.undo, stack.redo))()

    def theme(self) -> None:
        self.window.choose_theme(self.random.choice(("light", "dark", "contrast")))
        if self.random.random() < 0.3:
            self.window.choose_language(self.random.choice(("en", "zh_CN")))

    def resize(self) -> None:
        self.window.resize(self.random.randrange(960, 2000), self.random.randrange(620, 1200))

    def find(self) -> None:
        self.window.focus_search()
        self.type(self.window.top.palette_field, self.random.choice(WORDS))
        QTest.keyClick(self.window.top.palette_field, Qt.Key.Key_Escape)


def megabytes() -> str:
    """Resident memory of this process and of each engine, the oldest first."""
    own = psutil.Process()
    engines = sorted(own.children(), key=lambda one: one.create_time())
    held = [one.memory_info().rss / 2**20 for one in engines if "resource_tracker" not in str(one.cmdline())]
    each = " + ".join(f"{one:,.0f}" for one in held)
    return f"window {own.memory_info().rss / 2**20:,.0f} MB, engines {each} = {sum(held):,.0f} MB"


def use(run: Path, workspace: Path, actions: int, seed: int, minutes: float, faults: Faults) -> None:
    window = make_window(Settings(theme="light", language="en", tour="seen"), workspace, str(run), keep=True)
    window.resize(1440, 900)
    window.show()
    session = window.session
    while session.explanation is None and not faults.found:
        QTest.qWait(50)
    monkey = Monkey(window, seed)
    began, told = time.monotonic(), 0.0
    count = 0
    while not faults.found and (count < actions or time.monotonic() - began < minutes * 60):
        monkey.act()
        count += 1
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{(told - began) / 60:6.1f} min  {count:6} actions  {megabytes()}", flush=True)
    print(megabytes())
    print(f"{count} actions in {time.monotonic() - began:.0f} s: {dict(monkey.done)}", flush=True)
    for top in QApplication.topLevelWidgets():
        if top is not window and top.isVisible():
            top.close()
    window.batch.tasks.clear()  # nobody is there to be asked whether to stop
    window.close()
    window.deleteLater()
    QTest.qWait(200)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--actions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.0)
    parsed = parser.parse_args()
    faulthandler.enable()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    faults = Faults()
    make_application()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HEEDMAP_CONFIG"] = str(Path(scratch) / "config")
        copy = copy_run(parsed.run.resolve(), Path(scratch) / "workspace")
        try:
            use(copy, Path(scratch) / "workspace", parsed.actions, parsed.seed, parsed.minutes, faults)
        except Exception:
            faults.found.append(traceback.format_exc())
    left = [one.name for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    faults.found += [f"thread left: {name}" for name in left]
    engines = [one for one in psutil.Process().children(recursive=True) if "resource_tracker" not in str(one.cmdline())]
    faults.found += [f"process left: {one.cmdline()}" for one in engines]
    for fault in faults.found:
        print(fault, file=sys.stderr, flush=True)
    return 1 if faults.found else 0


if __name__ == "__main__":
    sys.exit(main())
