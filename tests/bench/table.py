"""How fast large tables are: python -m tests.bench.table [--rows N] [--keep FOLDER] [--json]

A made-up dataset of N products, N events and N reviews (a million by default): seconds to open it, to sort and to
search; milliseconds for a page of 200 rows anywhere; and, in the Data view itself, how long each frame takes while
the table is scrolled. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.dataset.browse import Browser
from engine.dataset.schema import TABLES
from engine.dataset.store import Dataset, DatasetWriter
from engine.dataset.tables import Query
from engine.versions import current

WORDS = (
    "waterproof", "jacket", "red", "blue", "stripes", "tent", "lamp", "mug", "warm", "soft", "sturdy", "light", "fine",
    "雨衣", "很好", "红色", "camping", "the", "a", "of",
)  # fmt: skip
BRANDS = ("Northway", "Arbor", "Finch", "Kuma")
PHOTOS = 200
START = 1_600_000_000_000
PAGE = 200
WHEELS = {"a notch a frame": 1.0, "a flick": 6.0, "a touchpad's crawl": 0.1}  # notches a frame


def make(folder: Path, count: int) -> None:
    """Write the dataset, table by table, as an import would."""
    random = np.random.default_rng(7)
    with DatasetWriter(folder, name="bench", domain="shop", source="made up", licence="none", synthetic=True) as writer:
        writer.add("items", {"item": "first", "title": "first"})
    photos = _draw(folder, random)
    keys = [f"i{n:07d}" for n in range(count)]
    users = [f"u{n:06d}" for n in range(max(count // 20, 1))]

    def texts(words: int) -> list[str]:
        chosen = np.array(WORDS)[random.integers(0, len(WORDS), (count, words))]
        return [" ".join(row) for row in chosen.tolist()]

    def times(table: str, name: str) -> pa.Array:
        moments = pa.array(START + random.integers(0, 10**11, count), pa.int64())
        return moments.cast(TABLES[table].field(name).type)

    buyers = np.sort(random.integers(0, len(users), count))
    bought = random.integers(0, count, (2, count))
    _write(folder, "items", 50_000, {
        "item": keys, "title": texts(4), "description": texts(12), "brand": [BRANDS[n % 4] for n in range(count)],
        "price": random.gamma(2, 20, count).round(2), "first_seen": times("items", "first_seen"),
        "images": [[photos[n % PHOTOS]] if n % 10 else None for n in range(count)],
        "attributes": [[{"name": "colour", "value": WORDS[n % 5]}] for n in range(count)],
    })  # fmt: skip
    _write(folder, "users", 50_000, {"user": users})
    _write(folder, "events", 1 << 20, {
        "user": [users[n] for n in buyers], "item": [keys[n] for n in bought[0]], "time": times("events", "time"),
        "kind": ["purchase"] * count, "value": random.integers(1, 6, count).astype(float),
    })  # fmt: skip
    _write(folder, "reviews", 50_000, {
        "review": [f"r{n}" for n in range(count)], "item": [keys[n] for n in bought[1]], "text": texts(30),
        "rating": random.integers(1, 6, count).astype(float), "time": times("reviews", "time"),
    })  # fmt: skip


def _draw(folder: Path, random: np.random.Generator) -> list[str]:
    from PIL import Image

    names = []
    for n in range(PHOTOS):
        name = f"media/{n:03d}.jpg"
        patches = random.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(patches).resize((300, 300)).save(folder / name, quality=85)
        names.append(name)
    return names


def _write(folder: Path, table: str, group: int, columns: dict[str, Any]) -> None:
    schema = TABLES[table]
    count = len(next(iter(columns.values())))
    arrays = [
        pa.array(columns[field.name], type=field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in schema
    ]
    whole = pa.Table.from_arrays(arrays, schema=schema)
    pq.write_table(whole, folder / f"{table}.parquet", compression="zstd", row_group_size=group)


def timed(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def spread(milliseconds: list[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    place = min(round(0.95 * (len(ordered) - 1)), len(ordered) - 1)
    return {"median": statistics.median(ordered), "p95": ordered[place], "worst": ordered[-1]}


def measure_engine(folder: Path) -> dict[str, dict[str, float]]:
    """Milliseconds, by what was done."""
    held: list[Browser] = []
    found = {"open": spread([timed(lambda: held.append(Browser(Dataset.open(folder))))])}
    browser = held[0]
    for table, sort in (("items", "price"), ("events", "value"), ("reviews", "rating")):
        names = tuple(column.name for column in browser.columns(table) if column.shown)
        count = browser.counts[table]
        places = np.random.default_rng(1).integers(0, max(count - PAGE, 1), 40).tolist()
        found[f"{table}: first page"] = spread([timed(lambda: browser.page(table, Query(), names))])  # noqa: B023
        browser._laid_out.wait()

        def page(at: int, by: str = "", table: str = table, names: tuple[str, ...] = names) -> float:
            return timed(lambda: browser.page(table, Query(), names, by, offset=at, limit=PAGE))

        page(0)
        found[f"{table}: any page"] = spread([page(at) for at in places])
        found[f"{table}: sort by {sort}"] = spread([page(0, sort)])
        found[f"{table}: any page, sorted"] = spread([page(at, sort) for at in places])
        for name, text in (("first search", "te"), ("search", "tent 雨衣"), ("search for nothing", "zzz")):
            found[f"{table}: {name}"] = spread([timed(lambda: browser.count(table, Query(text)))])  # noqa: B023
        found[f"{table}: distribution"] = spread([timed(lambda: browser.distribution(table, sort, Query()))])  # noqa: B023
    browser.close()
    return found


def measure_view(folder: Path, frames: int) -> dict[str, dict[str, float]]:
    """Milliseconds of the Qt thread for a frame while the products are scrolled: by the wheel, by pages, by jumps."""
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtWidgets import QApplication

    from app.data.view import DataView
    from app.engine_thread import EngineLane
    from app.session import Session
    from app.start import make_application
    from app.theme import ThemeSource
    from app.workspace import Workspace

    make_application()
    lane = EngineLane(newest_wins=True)
    session = Session(lane)
    view = DataView(session, Workspace(lane, folder.parent), ThemeSource("light"))
    view.resize(1600, 1000)
    view.show()
    view.choose_dataset(str(folder))

    def turn(milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    while not view.model.total or view.busy:
        turn(20)
    bar = view.sheet.rows.verticalScrollBar()
    turn(4000)  # rows are laid out meanwhile
    found = {f"wheel, {name}": _wheel(view, frames, notches) for name, notches in WHEELS.items()}
    for name, step in (("page", 800), ("jump", bar.maximum() // 97)):
        spent, blank = [], 0
        for n in range(frames):
            begun = time.perf_counter()
            bar.setValue((n * step) % bar.maximum())
            QApplication.processEvents()
            spent.append((time.perf_counter() - begun) * 1000)
            blank += view.model.text(view.sheet.rows.rowAt(10), 1) is None
            turn(max(0, round(16 - spent[-1])))
        found[f"frame while scrolling by {name}"] = spread(spent) | {"blank %": 100 * blank / frames}
    lane.stop()
    view.close()
    return found


def _wheel(view: Any, frames: int, notches: float) -> dict[str, float]:
    """Turns of the wheel that come 60 times a second, downwards from where the table is. "processor": of the Qt thread
    for a frame with all that happens in it: the turn, the painting, pages and photos that arrive."""
    from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    viewport = view.sheet.rows.viewport()
    place = QPointF(viewport.rect().center())
    turned = QPoint(0, round(-120 * notches))
    worked: list[float] = []
    spent: list[float] = []
    painted = [0]
    blank = [0]
    loop = QEventLoop()
    last = [time.thread_time()]

    class Eye(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            painted[0] += event.type() == QEvent.Type.Paint
            return False

    eye = Eye()
    viewport.installEventFilter(eye)

    def one() -> None:
        now = time.thread_time()
        worked.append((now - last[0]) * 1000)
        last[0] = now
        begun = time.perf_counter()
        event = QWheelEvent(
            place, QPointF(viewport.mapToGlobal(place)), QPoint(), turned, Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(viewport, event)
        QApplication.sendPostedEvents(None, QEvent.Type.UpdateRequest)
        QApplication.sendPostedEvents(view.window(), QEvent.Type.UpdateRequest)
        spent.append((time.perf_counter() - begun) * 1000)
        rows = range(view.sheet.rows.rowAt(5), view.sheet.rows.rowAt(viewport.height() - 5) + 1)
        blank[0] += any(view.model.text(row, 1) is None for row in rows)
        if len(spent) >= frames:
            loop.quit()

    ticks = QTimer(interval=1000 // 60, timerType=Qt.TimerType.PreciseTimer)
    ticks.timeout.connect(one)
    begun = time.perf_counter()
    ticks.start()
    loop.exec()
    ticks.stop()
    seconds = time.perf_counter() - begun
    viewport.removeEventFilter(eye)
    busy = spread(worked[1:])
    return spread(spent) | {
        "processor median": busy["median"], "processor p95": busy["p95"], "processor worst": busy["worst"],
        "frames/s": frames / seconds, "frames with blanks %": 100 * blank[0] / frames,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="make the dataset here, or take the one that is there")
    parser.add_argument("--only-view", action="store_true", help="leave the engine's own figures out")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder = parsed.keep or Path(tempfile.mkdtemp()) / "bench"
    try:
        if not (folder / "dataset.json").is_file():
            make(folder, parsed.rows)
        found = {} if parsed.only_view else measure_engine(folder)
        found |= measure_view(folder, parsed.frames)
    finally:
        if parsed.keep is None:
            shutil.rmtree(folder.parent)
    load = [round(one, 1) for one in os.getloadavg()] if hasattr(os, "getloadavg") else []
    if parsed.json:
        about = {"rows": parsed.rows, "schema": current("dataset"), "load": load}
        print(json.dumps(about | {"milliseconds": found}, indent=2))
        return 0
    for name, figures in found.items():
        print(f"{name:<34}" + "".join(f"{key} {value:9.1f}   " for key, value in figures.items()))
    print(f"load {load}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
