"""Memory over an hour of use: python -m tests.bench.hour RUN... [--minutes 60] [--warm 10] [--out FILE.md]

The runs (of one dataset) are copied into a workspace of their own; then a scripted session goes through all views with
real mouse and key events, again and again, other shoppers and products each time. In every round the resident memory of
the window's process and of each engine's is taken. What comes out is a table and the growth from the end of warming up
(every cache is filled by then) to the end. Nothing here passes or fails but a fault of the window.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil  # type: ignore[import-untyped]
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QTabBar, QWidget

from app.main_window import MainWindow
from app.settings import Settings
from app.start import calm, make_application, make_window
from tests.acceptance.walk import Walk
from tests.bench.monkey import Faults, copy_run

WINDOW, LANES = "window", ("interactive", "study", "batch")
CONTROL, ALT, PLAIN = (
    Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.NoModifier,
)  # fmt: skip
WARM_ROUNDS = 6  # each of the rarer steps was done once by then, and every bounded cache can be full
CYCLE = 12  # rounds after which everything that is done only sometimes was done alike often
SEARCHED = ("blue", "waterproof", "red mug", "lamp")


@dataclass
class Sample:
    minute: float
    rounds: int
    megabytes: dict[str, float]  # resident memory by process
    counts: dict[str, int]  # of what lives in the window
    processes: dict[str, int] = field(default_factory=dict)  # name -> process id


def engines() -> dict[str, psutil.Process]:
    """The engines' processes by their lane: each lane gives way to the one before it."""
    found = [one for one in psutil.Process().children() if "resource_tracker" not in " ".join(one.cmdline())]
    found.sort(key=lambda one: (one.nice(), one.create_time()))
    return dict(zip(LANES, found, strict=False))


def sample(begun: float, rounds: int) -> Sample:
    own = {WINDOW: psutil.Process(), **engines()}
    return Sample(
        round((time.monotonic() - begun) / 60, 2),
        rounds,
        {name: round(one.memory_info().rss / 2**20, 1) for name, one in own.items()},
        {"widgets": len(QApplication.allWidgets()), "objects": len(gc.get_objects())},
        {name: one.pid for name, one in own.items()},
    )


class User:
    """What a user does in one round through the views. `rounds` tells them apart."""

    def __init__(self, window: MainWindow, out: Path, look: Callable[[], None]) -> None:
        self.look = look
        self.window: Any = window
        self.walk = Walk(window, out)
        self.out = out
        self.rounds = 0
        self.seconds: dict[str, float] = {}  # by step, of the last round

    def steps(self) -> list[Callable[[], None]]:
        """After `look` every view is made, whatever the steps after it take away: what is held then is comparable."""
        every = [
            self.explore,
            self.brush,
            self.edit,
            self.compare,
            self.map,
            self.segments,
            self.data,
            self.train,
            self.look,
        ]
        sometimes = [(3, self.change_run), (4, self.change_look), (5, self.export), (2, self.change_method)]
        return every + [step for rounds, step in sometimes if self.rounds % rounds == rounds - 1]

    def round(self, enough: Callable[[], bool]) -> None:
        for step in self.steps():
            if enough():
                return
            began = time.monotonic()
            step()
            self.seconds[step.__name__] = round(time.monotonic() - began, 1)
        self.rounds += 1

    # --- by hand ----------------------------------------------------------------------------------------------------

    def settle(self, what: str) -> None:
        QTest.qWait(30)
        self.walk.wait(self.walk.settled, what)

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = PLAIN) -> None:
        self.walk.keys(QApplication.focusWidget() or self.window, key, held)

    def view(self, name: str) -> Any:
        """Go to a view by its key."""
        self.key(Qt.Key(ord(str(self.window.names.index(name) + 1))), CONTROL)
        self.settle(name)
        assert self.window.current == name
        return self.window.view

    def drag(self, widget: QWidget, start: QPoint, end: QPoint) -> None:
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, PLAIN, start)
        for share in (0.25, 0.5, 0.75, 1.0):
            QTest.mouseMove(widget, start + (end - start) * share)
            QTest.qWait(10)
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, PLAIN, end)
        QTest.qWait(10)

    def wheel(self, widget: QWidget, turns: int, notches: int = -1) -> None:
        place = widget.rect().center()
        for _ in range(turns):
            event = QWheelEvent(
                QPointF(place), QPointF(widget.mapToGlobal(place)), QPoint(), QPoint(0, 120 * notches),
                Qt.MouseButton.NoButton, PLAIN, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(widget, event)
            QTest.qWait(16)

    def hover(self, widget: QWidget, share: float) -> None:
        QTest.mouseMove(widget, QPoint(round(widget.width() * share), round(widget.height() * share)))
        QTest.qWait(20)

    # --- view by view -----------------------------------------------------------------------------------------------

    def explore(self) -> None:
        """Other shoppers by keys, products by clicks, the pointer over everything."""
        view, session = self.view("explore"), self.window.session
        lists = view.shoppers.shoppers.list
        lists.setFocus()
        for _ in range(3):
            self.key(Qt.Key.Key_Down)
            self.settle("another shopper")
        if lists.currentIndex().row() > lists.model().rowCount() - 5:
            self.key(Qt.Key.Key_Home)
        ranked = view.ranked.list
        for row in range(1, 5):
            box = ranked.visualRect(ranked.model().index(row, 0))
            self.walk.click(ranked.viewport(), box.center())
            self.settle("another product")
            for piece in (view.product.photo, view.product.words, view.sum, view.history):
                for share in (0.3, 0.5, 0.7):
                    self.hover(piece, share)
        self.wheel(ranked.viewport(), 6)
        self.wheel(ranked.viewport(), 6, 1)
        products = view.shoppers.products.list
        view.shoppers.tabs.setCurrentIndex(1)
        self.wheel(products.viewport(), 12)
        view.shoppers.tabs.setCurrentIndex(0)
        assert session.explanation is not None

    def brush(self) -> None:
        """A brush over the photo or the words, taken away in the model, and brought back."""
        session, product = self.window.session, self.window.view.product
        photo = product.photo
        surface = photo if photo.isVisible() else product.words
        box: QRect = photo.frame().toRect() if surface is photo else surface.rect()
        self.drag(surface, box.center() - QPoint(box.width() // 4, box.height() // 4), box.center() + QPoint(10, 10))
        if not session.brush:  # there is nothing under it in some products
            return
        self.walk.keys(surface, Qt.Key.Key_Delete)
        self.walk.wait(lambda: session.scenario.changes and session.idle, "the removal")
        self.settle("the removal")
        self.walk.control(Qt.Key.Key_Z)
        self.walk.wait(lambda: not session.scenario.changes and session.idle, "the undo")

    def edit(self) -> None:
        """Words of the title, a stroke over the photo, both undone."""
        view, session, walk = self.view("whatif"), self.window.session, self.walk
        tabs = walk.named(QTabBar, "What of the page to edit")
        walk.click(tabs, tabs.tabRect(1).center())
        title = walk.named(QPlainTextEdit, "Title")
        title.setFocus()
        walk.keys(title, Qt.Key.Key_Home)
        for word in (f"Waterproof {self.rounds}", " blue "):
            before = session.scenario
            QTest.keyClicks(title, word)
            walk.wait(lambda before=before: session.scenario != before, "a step")  # type: ignore[misc]
            self.settle("the new rank")
        walk.click(tabs, tabs.tabRect(0).center())
        canvas = view.photo.canvas
        if canvas.isVisible() and canvas.isEnabled() and not canvas.place().isEmpty():
            box = canvas.place().toRect()
            self.drag(canvas, box.center() - QPoint(30, 30), box.center() + QPoint(30, 30))
            self.settle("the painted photo")
            QTest.qWait(200)
            self.settle("its rank")
        view.go_to_steps()
        while session.scenario.changes:
            changes = session.scenario.changes
            session.undo.undo()
            walk.wait(lambda: session.idle, "the undo")
            assert session.scenario.changes <= changes
        self.settle("the page as it was")

    def compare(self) -> None:
        """Runs, epochs, shoppers, products, methods."""
        view = self.view("compare")
        for number in range(1, 6):
            self.key(Qt.Key(ord(str(number))), ALT)
            QTest.qWait(50)
            self.settle("a comparison")
            self.wheel(view.scrolling.viewport(), 4)
            for share in (0.3, 0.6):
                self.hover(view.slope, share)
        self.key(Qt.Key.Key_S, ALT)
        self.settle("the sides the other way")

    def map(self) -> None:
        """Products, shoppers and reasons: zoom, a lasso, the legend; a segment of what is held."""
        view = self.view("map")
        for what in ("items", "users", "reasons"):
            view.show_what(what)
            QTest.qWait(50)
            self.settle("a map")
            self.wheel(view.canvas, 4, 1)
            self.wheel(view.canvas, 4)
            view.choose_tool("lasso")
            middle = view.canvas.rect().center()
            self.drag(view.canvas, middle - QPoint(150, 120), middle + QPoint(150, 120))
            view.choose_tool("rectangle")
            self.drag(view.canvas, middle - QPoint(150, 120), middle + QPoint(150, 120))
            for share in (0.4, 0.5, 0.6):
                self.hover(view.canvas, share)
            view.clear_selection()
            self.settle("the map at rest")
        view.choose_tool("move")

    def segments(self) -> None:
        """A segment of shoppers, looked into, used, deleted."""
        view, session = self.view("segments"), self.window.session
        users = session.run.shoppers.user
        first = (37 * self.rounds) % max(len(users) - 40, 1)
        made = session.segments.add(f"Round {self.rounds}", "users", users[first : first + 40])
        self.settle("what sells")
        view.show_segment(made)
        self.settle("what sells to them")
        session.choose_segment(made)
        self.settle("every view narrowed")
        session.choose_segment(None)
        session.segments.remove(made.name)
        self.settle("no segment")

    def data(self) -> None:
        """Every table: scrolled, searched, sorted, its rows looked at."""
        view, walk = self.view("data"), self.walk
        for place in range(view.tabs.count()):
            walk.click(view.tabs, view.tabs.tabRect(place).center())
            self.settle("a table")
            if not view.sheet.rows.isVisible():
                continue
            self.wheel(view.sheet.rows.viewport(), 12, -3)
            view.sheet.search.setFocus()
            view.sheet.search.selectAll()
            QTest.keyClicks(view.sheet.search, SEARCHED[(self.rounds + place) % len(SEARCHED)])
            QTest.qWait(200)
            self.settle("what is found")
            view.sheet.search.selectAll()
            walk.keys(view.sheet.search, Qt.Key.Key_Delete)
            QTest.qWait(200)
            self.settle("all rows")
            header = view.sheet.rows.header
            section = (self.rounds % max(header.count() - 1, 1)) + 1 if header.count() > 1 else 0
            at = QPoint(header.sectionViewportPosition(section) + 20, header.height() // 2)
            walk.click(header.viewport(), at)
            self.settle("sorted rows")
            view.sheet.rows.setFocus()
            for _ in range(3):
                self.key(Qt.Key.Key_Down)
            QTest.qWait(100)
            self.settle("a row")

    def train(self) -> None:
        """Its tabs and cards looked at; nothing is trained."""
        view = self.view("train")
        for place in range(view.tabs.count()):
            self.walk.click(view.tabs, view.tabs.tabRect(place).center())
            self.settle("a tab of Train")

    def change_run(self) -> None:
        """The other run of the workspace, then Explore."""
        runs = [one.folder for one in self.window.workspace.openable]
        session = self.window.session
        at = next((place for place, run in enumerate(runs) if Path(run) == Path(session.run.folder)), 0)
        self.window.open_run(runs[(at + 1) % len(runs)])
        self.walk.wait(lambda: session.idle and session.explanation is not None, "the other run")

    def change_method(self) -> None:
        """Every way to explain that answers within seconds, for one product: after two rounds none is new."""
        session = self.window.session
        self.view("explore")
        quick = [name for name in session.run.methods if name not in ("shapley", "lime")]
        for name in (*quick, "contribution"):
            session.choose_method(name)
            self.settle(f"method {name}")

    def change_look(self) -> None:
        """Dark, contrast, light; Chinese and back."""
        for theme in ("dark", "contrast", "light"):
            self.window.choose_theme(theme)
            QTest.qWait(100)
        for language in ("zh_CN", "en"):
            self.window.choose_language(language)
            self.settle("the language")
            self.view("explore")

    def export(self) -> None:
        """The picture of a view, as a file."""
        from app import exporting

        self.view("explore")
        exporting.picture(self.window.view).save(str(self.out / "view.png"))


def use(runs: list[Path], minutes: float, faults: Faults, out: Path, tell: Callable[[Sample], None]) -> int:
    """Go round until the time is up; how many rounds were done."""
    workspace = runs[0].parent.parent
    window = make_window(Settings(theme="light", language="en", tour="seen"), workspace, str(runs[0]), keep=True)
    calm(window.session)
    window.resize(1440, 900)
    window.show()
    begun = time.monotonic()

    def look() -> None:
        QTest.qWait(1500)  # a user's breath, in which what is free is given back
        tell(sample(begun, user.rounds))

    user = User(window, out, look)

    def enough() -> bool:
        return bool(faults.found) or time.monotonic() - begun >= minutes * 60

    try:
        user.walk.wait(lambda: window.session.explanation is not None and window.session.idle, "the first explanation")
        while not enough():
            user.round(enough)
            print(f"round {user.rounds}: {user.seconds}", file=sys.stderr, flush=True)
    finally:
        window.batch.tasks.clear()  # nobody is there to be asked whether to stop
        window.close()
        window.deleteLater()
        QTest.qWait(200)
    return user.rounds


def growth(samples: list[Sample], warm: float) -> dict[str, dict[str, float]]:
    """By process: megabytes after warming up and at the end, the most since then, and the growth in per cent.

    Both ends are means over a whole cycle of rounds: the first `CYCLE` after warming up, and the last.
    """
    found = {}
    for name in sorted({name for one in samples for name in one.megabytes}):
        there = [one for one in samples if name in one.megabytes and one.minute >= warm and one.rounds >= WARM_ROUNDS]
        if len(there) < 2:
            continue
        held = [one.megabytes[name] for one in there]
        first = statistics.fmean(one.megabytes[name] for one in there if one.rounds < there[0].rounds + CYCLE)
        last = statistics.fmean(one.megabytes[name] for one in there if one.rounds > there[-1].rounds - CYCLE)
        found[name] = {
            "after warming up": round(first, 1),
            "at the end": round(last, 1),
            "most": max(held),
            "growth %": round(100 * (last / first - 1), 2),
        }
    return found


def report(samples: list[Sample], rounds: int, warm: float, about: str) -> str:
    """The figures as Markdown."""
    names = [name for name in (WINDOW, *LANES) if any(name in one.megabytes for one in samples)]
    lines = [
        "# Memory over a scripted session", "", about, "",
        f"{rounds} rounds through all views; resident memory in MB. Warming up ends at minute {warm:g}, and not before "
        f"{WARM_ROUNDS} rounds; the figures of both ends are means over {CYCLE} rounds.", "",
        "| process | after warming up | at the end | most | growth |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, one in growth(samples, warm).items():
        figures = f"{one['after warming up']} | {one['at the end']} | {one['most']} | {one['growth %']} %"
        lines.append(f"| {name} | {figures} |")
    restarts = {name: len({one.processes[name] for one in samples if name in one.processes}) - 1 for name in names}
    lines += [
        "", f"Engines replaced meanwhile: {sum(restarts.values())}.", "",
        "| minute | rounds | " + " | ".join(names) + " | widgets | Python objects |",
        "|---|---|" + "---|" * (len(names) + 2),
    ]  # fmt: skip
    for sampled in samples:
        cells = [f"{sampled.megabytes.get(name, float('nan')):.0f}" for name in names]
        counts = f"{sampled.counts['widgets']} | {sampled.counts['objects']}"
        lines.append(f"| {sampled.minute:.0f} | {sampled.rounds} | {' | '.join(cells)} | {counts} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="trained runs of one dataset")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--warm", type=float, default=10.0)
    parser.add_argument("--out", type=Path, help="write the report there; it is printed as well")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args()
    faulthandler.enable()
    faults = Faults()
    make_application()
    samples: list[Sample] = []
    rounds = 0

    def tell(one: Sample) -> None:
        samples.append(one)
        print(json.dumps(vars(one)), file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HEEDMAP_CONFIG"] = str(Path(scratch) / "config")
        copies = [copy_run(run.resolve(), Path(scratch) / "workspace") for run in parsed.runs]
        try:
            rounds = use(copies, parsed.minutes, faults, Path(scratch), tell)
        except Exception:
            faults.found.append(traceback.format_exc())
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    nice = f"nice {os.getpriority(os.PRIO_PROCESS, 0)}, " if hasattr(os, "getpriority") else ""
    about = f"{parsed.minutes:g} minutes with {len(copies)} run(s) on {os.cpu_count()} cores; {nice}load {load}."
    if parsed.json:
        print(json.dumps({"about": about, "growth": growth(samples, parsed.warm), "samples": [*map(vars, samples)]}))
    else:
        print(report(samples, rounds, parsed.warm, about))
    if parsed.out is not None and samples:
        parsed.out.write_text(report(samples, rounds, parsed.warm, about), encoding="utf-8")
    for fault in faults.found:
        print(fault, file=sys.stderr, flush=True)
    return 1 if faults.found else 0


if __name__ == "__main__":
    sys.exit(main())
