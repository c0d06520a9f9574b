"""How fast the map moves: python -m tests.bench.map [--points N] [--frames N] [--json]

Frames of generated points drawn off-screen while a hand pans, zooms and points, colours and shapes of eleven
categories: all in sight at 1280 x 800 and on a large screen; so near that few enough are in sight to be drawn smooth.
And how long a lasso and a look for the nearest point take. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPolygonF
from PySide6.QtWidgets import QApplication

from app.map.canvas import Canvas, Told
from app.map.cloud import Cloud
from app.map.colours import OTHER, colouring, point_colours
from app.map.layer import SMOOTH
from app.theme import ThemeSource
from app.thumbnails import Thumbnails
from engine.columns import categories

FRAME = 1000 / 60  # milliseconds


def made(points: int, themes: ThemeSource) -> Cloud:
    """Points in twelve heaps."""
    random = np.random.default_rng(7)
    heap = random.integers(0, 12, points)
    place = random.normal(size=(12, 2))[heap] * 3 + random.normal(size=(points, 2)) * 0.6
    found = colouring(categories("heap", ([str(one)] for one in heap.tolist())), points)
    shape = found.code.astype(np.uint8)
    assert shape.max() <= OTHER
    return Cloud(place.astype(np.float32), shape, point_colours(found, themes.theme), np.zeros(points, bool))


def timed(frames: int, act: Callable[[int], None], canvas: Canvas, screen: QImage) -> dict[str, float]:
    """Milliseconds of each frame: the act, and the whole canvas painted; and of the processor alone, which other work
    on the machine hardly changes."""
    spent, worked = [], []
    for frame in range(frames):
        began, busy = time.perf_counter(), time.thread_time()
        act(frame)
        canvas.render(screen)
        spent.append((time.perf_counter() - began) * 1000)
        worked.append((time.thread_time() - busy) * 1000)
    ranked = sorted(spent)
    return {
        "processor_median_ms": round(statistics.median(worked), 2),
        "processor_p95_ms": round(sorted(worked)[int(len(worked) * 0.95)], 2),
        "median_ms": round(statistics.median(spent), 2),
        "p95_ms": round(ranked[int(len(ranked) * 0.95)], 2),
        "worst_ms": round(ranked[-1], 2),
        "frames_per_second": round(1000 / statistics.mean(spent), 1),
        "frames_within_16.7_ms": round(sum(one <= FRAME for one in spent) / len(spent), 3),
    }


def shown(cloud: Cloud, themes: ThemeSource, width: int, height: int) -> Canvas:
    canvas = Canvas(themes, Thumbnails(themes), lambda _: Told(""))
    canvas.resize(width, height)
    canvas.show_cloud(cloud, anew=True)
    return canvas


def moved(canvas: Canvas, frames: int) -> dict[str, dict[str, float]]:
    """The hand pans, zooms and points."""
    screen = QImage(canvas.size(), QImage.Format.Format_RGB32)

    def pan(frame: int) -> None:
        canvas._look(canvas.camera.moved(*((9, 4) if frame % 40 < 20 else (-9, -4))))

    def zoom(frame: int) -> None:
        canvas.nearer(1.04 if frame % 40 < 20 else 1 / 1.04, QPointF(500, 300))

    def point(frame: int) -> None:
        assert canvas.cloud is not None
        canvas._point(canvas.cloud.nearest(canvas.camera, canvas.room, QPointF(300 + 3 * frame, 300), 10))

    return {act.__name__: timed(frames, act, canvas, screen) for act in (pan, zoom, point)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args()
    application = QApplication([])
    themes = ThemeSource("light")
    cloud = made(parsed.points, themes)
    said: dict[str, object] = {"points": parsed.points}
    for width, height in ((1280, 800), (2560, 1440)):
        said[f"{width} x {height}"] = moved(shown(cloud, themes, width, height), parsed.frames)
    canvas = shown(cloud, themes, 1280, 800)
    while len(canvas.in_sight()) > SMOOTH:  # into the middle of a heap
        x, y = canvas.cloud.place[0].tolist() if canvas.cloud is not None else (0.0, 0.0)
        canvas.look(x, y, canvas.zoom * 1.25)
    said[f"{len(canvas.in_sight())} smooth"] = moved(canvas, parsed.frames)
    canvas.fit()
    assert canvas.cloud is not None
    began = time.perf_counter()
    for step in range(20):
        canvas.cloud.nearest(canvas.camera, canvas.room, QPointF(400 + step, 300), 10)
    said["nearest_ms"] = round((time.perf_counter() - began) * 50, 2)
    outline = QPolygonF([QPointF(200, 100), QPointF(900, 160), QPointF(800, 700), QPointF(300, 600)])
    began = time.perf_counter()
    held = canvas.cloud.within(canvas.camera, canvas.room, outline)
    said["lasso"] = {"points": len(held), "ms": round((time.perf_counter() - began) * 1000, 2)}
    said["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(said, indent=None if parsed.json else 2))
    application.quit()


if __name__ == "__main__":
    main()
