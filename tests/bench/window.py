"""How fast the window is: python -m tests.bench.window RUN [--train-seconds N] [--json]

First paint in a fresh process; from choosing a product or a shopper to every view repainted; and the longest time that
the Qt thread was busy while a training ran beside it and products were being chosen; what a change of theme takes with
every view made. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.main_window import MainWindow

ROOT = Path(__file__).resolve().parents[2]
FIRST_PAINT = """
import gc, sys, time
begun = float(sys.argv[1])
gc.disable()
from app.ahead import start_engine  # as app.__main__ does
engine = start_engine()
from PySide6.QtCore import QEvent, QObject, QTimer
from app.start import make_application, make_window
from app.settings import Settings
from pathlib import Path
application = make_application()
window = make_window(Settings(), Path(sys.argv[2]), sys.argv[3], engine=engine)
def tell(what):
    print(what, time.time() - begun, time.process_time(), flush=True)
class Eye(QObject):
    seen = False
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and not self.seen:
            self.seen = True
            QTimer.singleShot(0, lambda: tell("paint"))
        return False
eye = Eye()
window.installEventFilter(eye)  # told before the window itself, so its timer runs out first
def usable(explanation):
    if explanation is not None:
        tell("usable")
        QTimer.singleShot(0, window.close)
window.session.explanation_changed.connect(usable)
window.show()
application.exec()
print("heavy", *[m for m in ("torch", "torchvision", "transformers", "pandas", "duckdb") if m in sys.modules])
"""


def first_paint(run: Path) -> dict[str, float]:
    """Seconds from the start of a fresh Python to the first frame, and to the first explanation on the screen; and
    the processor's own time for each: of the window's process up to the frame, of all processes in the end.

    As for a user who starts it again: app and engine are compiled.
    """
    for package in ("app", "engine"):
        compileall.compile_dir(ROOT / package, quiet=1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", FIRST_PAINT, str(time.time()), str(run.parent.parent), str(run)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [line.split() for line in said.splitlines()]
    if heavy := next((line[1:] for line in lines if line[0] == "heavy"), []):
        print(f"loaded in the window's process: {', '.join(heavy)}", file=sys.stderr)
    found = {line[0]: float(line[1]) for line in lines if line[0] in ("paint", "usable")}
    found["paint, processor"] = next(float(line[2]) for line in lines if line[0] == "paint")
    found["all, processor"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and worst, in milliseconds."""
    ordered = sorted(seconds)
    return {
        "median": statistics.median(ordered) * 1000,
        "p95": ordered[min(round(0.95 * (len(ordered) - 1)), len(ordered) - 1)] * 1000,
        "worst": ordered[-1] * 1000,
    }


def measure(run: Path, choices: int, train_seconds: float) -> dict[str, dict[str, float]]:
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtWidgets import QApplication

    from app.settings import Settings
    from app.start import calm, make_application, make_window

    make_application()
    window = make_window(Settings(theme="light"), run.parent.parent, str(run))
    window.resize(1600, 1000)
    window.show()
    session = window.session
    calm(session)

    def wait(condition: Callable[[], bool]) -> None:
        loop = QEventLoop()
        look = QTimer(interval=1)  # one of 0 would keep Python's lock from the thread that brings the answers
        look.timeout.connect(lambda: loop.quit() if condition() else None)
        look.start()
        loop.exec()

    def settled() -> bool:
        view = window.view
        return session.idle and session.explanation is not None and not (view is not None and view.busy)

    def timed(choose: Callable[[], None]) -> float:
        begun = time.perf_counter()
        choose()
        wait(settled)
        QApplication.processEvents()  # draws what changed
        return time.perf_counter() - begun

    wait(settled)
    opened = session.run
    assert opened is not None
    items, users = opened.items.item, opened.shoppers.user
    for warm in items[:3]:
        timed(lambda warm=warm: session.choose_item(warm))  # type: ignore[misc]
    found = {
        "choose a product": spread(
            [timed(lambda n=n: session.choose_item(items[(7 * n + 5) % len(items)])) for n in range(choices)]  # type: ignore[misc]
        ),
        "choose a shopper": spread(
            [timed(lambda n=n: session.choose_user(users[(3 * n + 1) % len(users)])) for n in range(choices)]  # type: ignore[misc]
        ),
    }
    if not train_seconds:
        found.update(_themes(window, lambda: wait(settled)))
        window.close()
        return found
    with tempfile.TemporaryDirectory() as scratch:
        config = dict(opened.config) | {"epochs": 10_000, "patience": 10_000}
        window.show_view("train")
        window.tasks.train(opened.dataset.folder, str(Path(scratch) / "runs" / "bench"), config)
        wait(lambda: (task := window.batch.current) is None or task.epoch > 0)
        if window.batch.current is None:
            raise SystemExit(f"the training did not start: {window.banner.message}")
        for name, busy in (("Qt tick, Train in sight", False), ("Qt tick, choosing in Explore", True)):
            window.show_view("explore" if busy else "train")
            wait(settled)
            found[name] = spread(
                _ticks(train_seconds, (lambda n: session.choose_item(items[n % len(items)])) if busy else None)
            )
        window.batch.cancel(window.batch.current.job)
        wait(lambda: window.batch.current is None)
    found.update(_themes(window, lambda: wait(settled)))
    window.close()
    return found


def _themes(window: MainWindow, settle: Callable[[], None]) -> dict[str, dict[str, float]]:
    """What a change of theme takes of the Qt thread's processor, from the call to painted, with every view made."""
    from PySide6.QtWidgets import QApplication

    for name in window.names:
        window.show_view(name)
        settle()
    found = {}
    for name in ("explore", "train"):
        window.show_view(name)
        settle()
        taken = []
        for choice in ("dark", "contrast", "light") * 3:
            begun = time.thread_time()
            window.choose_theme(choice)
            QApplication.processEvents()
            taken.append(time.thread_time() - begun)
            settle()
        found[f"change the theme, {name} in front"] = spread(taken)
    return found


def _ticks(seconds: float, choose: Callable[[int], None] | None) -> list[float]:
    """How long the Qt thread was away between two turns of a timer of 4 ms, beyond those 4 ms."""
    from PySide6.QtCore import QEventLoop, Qt, QTimer

    gaps: list[float] = []
    loop = QEventLoop()
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        gaps.append(max(now - last[0] - 0.004, 0.0))
        last[0] = now

    timer = QTimer(interval=4, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start()
    chosen = [0]

    def next_choice() -> None:
        chosen[0] += 1
        if choose is not None:
            choose(chosen[0])

    chooser = QTimer(interval=400)
    chooser.timeout.connect(next_choice)
    chooser.start()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()
    return gaps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the folder of a trained run")
    parser.add_argument("--choices", type=int, default=40)
    parser.add_argument("--train-seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    run = parsed.run.resolve()
    start = first_paint(run)
    found = measure(run, parsed.choices, parsed.train_seconds)
    if parsed.json:
        print(json.dumps({"start": start, "milliseconds": found}, indent=2))
        return 0
    for name, seconds in start.items():
        print(f"{name:<40}{seconds:>8.2f} s")
    for name, figures in found.items():
        print(f"{name:<40}" + "".join(f"{key} {value:7.1f} ms   " for key, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
