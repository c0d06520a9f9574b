"""The real program, driven from outside by the keys that a user presses.

On a screen (Xvfb) the keys are real ones, by XTEST (xdotool). Without one, `python -m tests.bench.driving` is the
program: the same window on the platform without a screen, which takes the keys from its standard input.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

PATIENCE_SECONDS = 90.0  # for a start on a busy machine
KEY_SECONDS = 0.012  # between two letters


def wait_for(what: Callable[[], Any], seconds: float = PATIENCE_SECONDS, every: float = 0.05) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(every)
    return bool(what())


@contextmanager
def screen() -> Iterator[str]:
    """A screen of our own; its DISPLAY."""
    reading, writing = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1440x900x24", "-nolisten", "tcp"],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as said:
            number = said.readline().strip()
        try:
            yield f":{number}"
        finally:
            server.terminate()


def lift_session(process: int, nice: int) -> None:
    """Give a process's session more of the machine (-20) or less (19) than others have. Linux shares processor time out
    among sessions first, so that `nice` counts within one alone; a program that is started has a session of its own."""
    if nice:
        Path(f"/proc/{process}/autogroup").write_text(str(nice))


def has_screen() -> bool:
    return shutil.which("Xvfb") is not None and shutil.which("xdotool") is not None


class Program:
    """A started window on a workspace. display "": without a screen, by the keys on its standard input."""

    def __init__(
        self,
        workspace: Path,
        config: Path,
        *,
        program: str = "",
        display: str = "",
        env: Mapping[str, str] | None = None,
        lift: int = 0,
    ) -> None:
        self.workspace, self._config, self._display = workspace, config, display
        own = {
            "HEEDMAP_CONFIG": str(config), "OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "xcb" if display else "offscreen",
            "DISPLAY": display, "PYTHONDONTWRITEBYTECODE": "1", "XDG_STATE_HOME": str(config / "state"),
            "XDG_CACHE_HOME": str(config / "cache"),
        }  # fmt: skip
        command = [program or str(Path(sys.executable).with_name("heedmap"))]
        if not display:
            command = [sys.executable, "-m", "tests.bench.driving"]
        self._said = (config / "said.txt").open("ab")
        self.process = subprocess.Popen(
            [*command, "--workspace", str(workspace)],
            env={**os.environ, **own, **(env or {})}, stdin=subprocess.PIPE, stdout=self._said,
            stderr=subprocess.STDOUT, cwd=Path(__file__).resolve().parents[2], start_new_session=True,
        )  # fmt: skip
        self._root = psutil.Process(self.process.pid)
        lift_session(self.process.pid, lift)
        self._window = ""

    # --- looking ----------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def processes(self) -> list[psutil.Process]:
        """The window's process and all that came of it."""
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def engines(self) -> list[psutil.Process]:
        found = []
        for one in self.processes()[1:]:
            try:
                words = " ".join(one.cmdline())
            except psutil.Error:
                continue
            if "spawn_main" in words or "--multiprocessing-fork" in words:
                found.append(one)
        return found

    def arrangement(self) -> dict[str, Any]:
        """What the window keeps of itself, as it lies on the disk now."""
        try:
            content = json.loads((self.workspace / "sessions" / "window.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def settings(self) -> dict[str, Any]:
        """What this machine remembers, as it lies on the disk now."""
        try:
            content = json.loads((self._config / "settings.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def wait_until_usable(self) -> bool:
        """Until a shopper's list is there and was kept."""
        begun = time.time()

        def there() -> bool:
            place = self.workspace / "sessions" / "window.json"
            fresh = place.is_file() and place.stat().st_mtime >= begun - 1
            return not self.alive or (fresh and bool(self.arrangement().get("item")))

        if not wait_for(there) or not self.alive:
            return False
        return self._focus()

    def _focus(self) -> bool:
        """Without a window manager nobody gives a window the keyboard."""
        if not self._display:
            return True

        def found() -> bool:
            said = self._x("search", "--onlyvisible", "--pid", str(self.process.pid)).split()
            if not said:
                said = self._x("search", "--onlyvisible", "--name", "Heedmap").split()
            self._window = said[-1] if said else ""
            return bool(said)

        if wait_for(found, 10):
            self._x("windowfocus", "--sync", self._window)
            return True
        return False

    # --- acting -----------------------------------------------------------------------------------------------------

    def _x(self, *arguments: str) -> str:
        env = {**os.environ, "DISPLAY": self._display}
        try:
            return subprocess.run(["xdotool", *arguments], env=env, capture_output=True, text=True, timeout=10).stdout
        except subprocess.TimeoutExpired:
            return ""  # the window was killed while it was waited for

    def _tell(self, what: str, text: str) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError, ValueError):  # it was killed
            self.process.stdin.write(f"{json.dumps([what, text])}\n".encode())
            self.process.stdin.flush()

    def key(self, keys: str) -> None:
        """Press keys together, as in "ctrl+k"."""
        if self._display:
            self._x("key", "--clearmodifiers", keys)
        else:
            self._tell("key", keys)
        time.sleep(0.1)

    def type(self, text: str) -> None:
        if self._display:
            self._x("type", "--delay", str(int(KEY_SECONDS * 1000)), text)
        else:
            self._tell("type", text)
            time.sleep(KEY_SECONDS * len(text))
        time.sleep(0.1)

    def command(self, text: str) -> None:
        """Find something in the palette and do it."""
        self.key("ctrl+k")
        self.type(text)
        time.sleep(0.25)
        self.key("Return")

    def go(self, keys: str, view: str) -> bool:
        """Change to a view; whether it is in front and was kept as such."""
        self.key(keys)
        return wait_for(lambda: self.arrangement().get("view") == view or not self.alive, 8)

    @contextmanager
    def dialog(self) -> Iterator[bool]:
        """The keyboard for a dialog that opens now; whether one did."""
        if not self._display:
            time.sleep(1.0)
            yield True
            return

        def others() -> list[str]:
            windows = self._x("search", "--onlyvisible", "--pid", str(self.process.pid)).split()
            return [one for one in windows if one != self._window]

        there = wait_for(lambda: others() or not self.alive, 4) and self.alive
        if there:
            self._x("windowfocus", "--sync", others()[-1])
        yield there
        wait_for(lambda: not others() or not self.alive, 2)
        self._x("windowfocus", "--sync", self._window)

    # --- ending -----------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """As hard as can be."""
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def close(self) -> int | None:
        """As a user who presses Ctrl+C in the terminal; killed where that does not end it."""
        if self.alive:
            self.process.send_signal(signal.SIGINT)
            wait_for(lambda: not self.alive, 15)
        if self.alive:
            self.kill()
            return None
        self._end()
        return self.process.returncode

    def _end(self) -> None:
        self.process.wait()
        self._said.close()
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()


# --- the program without a screen ------------------------------------------------------------------------------------


def main() -> int:
    """Open the window as the command does, and press the keys that are told on standard input."""
    import threading

    from PySide6.QtCore import QObject, Qt, QTimer, Signal
    from PySide6.QtGui import QKeySequence
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from app import start as starting
    from app.__main__ import window_parser
    from app.main_window import MainWindow
    from app.surroundings import prepare

    prepare()

    class Keys(QObject):
        told = Signal(str, str)

    starting.make_application()
    keys = Keys()

    def listen() -> None:
        for line in sys.stdin:
            what, text = json.loads(line)
            keys.told.emit(what, text)

    def press(what: str, text: str) -> None:
        window = QApplication.activeWindow() or next(iter(QApplication.topLevelWidgets()), None)
        at = QApplication.focusWidget() or window
        if at is None:
            return
        if what == "type":
            QTest.keyClicks(at, text)
            return
        chord: Any = QKeySequence(text.replace("Escape", "Esc"))
        QTest.keyClick(at, chord[0].key(), chord[0].keyboardModifiers())

    said: list[str] = []

    def look() -> None:
        """Tell what the window says, for those who cannot see it."""
        for window in QApplication.topLevelWidgets():
            if isinstance(window, MainWindow):
                shown = [window.banner.accessibleName()] if window.banner.isVisible() else []
                shown += [window.remark.message] if window.remark.isVisible() else []
                for text in [one for one in shown if one not in said]:
                    said.append(text)
                    print(f"heedmap: in the window: {text}", flush=True)

    ticking = QTimer(interval=200)
    ticking.timeout.connect(look)
    ticking.start()
    keys.told.connect(press, Qt.ConnectionType.QueuedConnection)
    threading.Thread(target=listen, daemon=True).start()
    options = window_parser().parse_args()
    return starting.start(str(options.workspace or ""), "")


if __name__ == "__main__":
    sys.exit(main())
