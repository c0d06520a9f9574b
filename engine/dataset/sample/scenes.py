"""Where a product is photographed: studio sweeps, tables, shelves, rooms and bokeh, and the shadow it throws there."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from engine.dataset.sample.materials import Brush, wave
from engine.dataset.sample.paint import (
    SIZE,
    Canvas,
    Colour,
    Floats,
    Mask,
    blur,
    ellipse,
    noise,
    pixels,
    ramp,
    rounded,
    smooth,
    stroke,
)

PAPERS: tuple[Colour, ...] = (
    (246, 246, 245),
    (240, 240, 238),
    (228, 231, 234),
    (238, 230, 218),
    (222, 230, 226),
    (232, 222, 222),
    (214, 224, 234),
    (236, 228, 206),
)
WALLS: tuple[Colour, ...] = (
    (226, 220, 208),
    (206, 214, 214),
    (196, 206, 194),
    (222, 206, 192),
    (190, 200, 212),
    (214, 208, 216),
    (150, 162, 160),
    (112, 124, 136),
)
WOODS: tuple[Colour, ...] = ((196, 156, 112), (166, 122, 82), (126, 90, 64), (214, 184, 148), (98, 76, 62))
THINGS: tuple[Colour, ...] = (
    (186, 88, 70),
    (70, 104, 134),
    (214, 176, 92),
    (96, 128, 98),
    (232, 224, 208),
    (60, 64, 72),
    (168, 132, 158),
    (222, 150, 120),
    (120, 160, 168),
    (140, 100, 76),
)

_rows, _columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / np.float32(SIZE)
Scene = Callable[[Canvas, Random, float], None]


def _mix(canvas: Canvas, low: Colour, high: Colour, weight: Floats) -> None:
    a, b = (np.array(colour, np.float32)[:, None, None] for colour in (low, high))
    canvas.rgb[:] = a + (b - a) * weight


def _scaled(colour: Colour, factor: float) -> Colour:
    r, g, b = (min(int(value * factor), 255) for value in colour)
    return (r, g, b)


def sweep(canvas: Canvas, rng: Random, floor: float) -> None:
    """Seamless paper: a light wall that runs into a floor."""
    paper = rng.choice(PAPERS)
    _mix(canvas, paper, _scaled(paper, 0.9), ramp(_rows, floor - 0.16, floor + 0.08))
    x, y = rng.uniform(0.2, 0.5), rng.uniform(0.15, 0.4)
    far = (_columns - np.float32(x)) ** 2 + (_rows - np.float32(y)) ** 2
    canvas.dim(1.04 - np.float32(0.14) * ramp(far, 0.02, 0.9))


def flat(canvas: Canvas, rng: Random, floor: float) -> None:
    """A surface seen from above: paper, linen or boards."""
    if rng.random() < 0.45:
        _mix(canvas, rng.choice(PAPERS), rng.choice(PAPERS), np.zeros_like(_rows))
        canvas.dim(1 + np.float32(0.025) * noise(rng, (SIZE, SIZE), 1, 3) * noise(rng, (SIZE, SIZE), 3, 1))
    else:
        _boards(canvas, rng, rng.choice(WOODS), 0.0)
    far = (_columns - np.float32(0.3)) ** 2 + (_rows - np.float32(0.25)) ** 2
    canvas.dim(1.05 - np.float32(0.2) * ramp(far, 0.05, 1.0))


def _boards(canvas: Canvas, rng: Random, wood: Colour, top: float) -> None:
    mask = _band(top, 1.0)
    canvas.lay(mask, wood, solid=False)
    shape = (mask.alpha.shape[0], SIZE)
    rings = wave(_rows[mask.window] * np.float32(16) + np.float32(1.1) * noise(rng, shape, 26, 150))
    fibre = np.float32(0.05) * noise(rng, shape, 1, 34) + np.float32(0.05) * noise(rng, shape, 3, 80)
    canvas.tone(mask, 1 + np.float32(0.045) * rings + fibre + np.float32(0.05) * noise(rng, shape, 30, 90))
    for _ in range(rng.randint(2, 4)):
        cut = rng.uniform(top + 0.04, 0.98) * 100
        canvas.tone(pixels(stroke([(-2, cut), (102, cut)], 0.5)), 0.7)


def _band(top: float, low: float) -> Mask:
    first, last = int(top * SIZE), int(low * SIZE)
    return Mask(np.ones((last - first, SIZE), np.float32), first, 0)


def table(canvas: Canvas, rng: Random, floor: float) -> None:
    """A wooden table in front of a wall, a few blurred things behind."""
    wall = rng.choice(WALLS)
    _mix(canvas, _scaled(wall, 1.06), _scaled(wall, 0.86), ramp(_columns + _rows * np.float32(0.4), 0.1, 1.4))
    edge = floor - rng.uniform(0.10, 0.16)
    for _ in range(rng.randint(1, 4)):
        _thing(canvas, rng, rng.uniform(2, 98), edge * 100 + 2, rng.uniform(12, 34))
    _soften(canvas, rng.randint(3, 5))
    _boards(canvas, rng, rng.choice(WOODS), edge)
    canvas.tone(_band(edge, 1.0), np.float32(0.88) + np.float32(0.2) * ramp(_rows[int(edge * SIZE) :], edge, 1.0))


def shelf(canvas: Canvas, rng: Random, floor: float) -> None:
    """Shelves crowded with books, pots and boxes."""
    wall = rng.choice(WALLS)
    _mix(canvas, _scaled(wall, 0.98), _scaled(wall, 0.8), _columns)
    wood = rng.choice(WOODS)
    boards = [floor * 100 - 58, floor * 100 + 1]
    for level in boards:
        x = rng.uniform(-6, 2)
        while x < 100:
            x += _books(canvas, rng, x, level) if rng.random() < 0.5 else _one(canvas, rng, x, level)
            x += rng.uniform(1, 9)
        canvas.lay(pixels([[(-2, level), (102, level), (102, level + 5), (-2, level + 5)]]), wood, solid=False)
        canvas.tone(pixels([[(-2, level + 5), (102, level + 5), (102, level + 9), (-2, level + 9)]]), 0.8)
    _soften(canvas, rng.randint(2, 4))
    front = (boards[1] + 0.5) / 100
    if front < 0.97:
        _boards(canvas, rng, _scaled(wood, 1.05), front)


def _books(canvas: Canvas, rng: Random, x: float, level: float) -> float:
    start = x
    for _ in range(rng.randint(3, 7)):
        wide, tall = rng.uniform(2.2, 5), rng.uniform(22, 36)
        spine = pixels([rounded(x, level - tall, x + wide, level, 0.5)])
        canvas.lay(spine, rng.choice(THINGS), solid=False)
        canvas.tone(spine, np.linspace(1.1, 0.72, spine.alpha.shape[1], dtype=np.float32)[None, :])
        canvas.lay(
            pixels([rounded(x + 0.3, level - tall * 0.8, x + wide - 0.3, level - tall * 0.68, 0.2)]),
            rng.choice(THINGS),
            0.8,
            False,
        )
        x += wide + 0.2
    return x - start


def _one(canvas: Canvas, rng: Random, x: float, level: float) -> float:
    size = rng.uniform(12, 26)
    _thing(canvas, rng, x + size * 0.4, level, size)
    return size * 0.8


def _thing(canvas: Canvas, rng: Random, x: float, level: float, size: float) -> None:
    """A vase, a plant, a box or a ball that stands on `level`."""
    colour, kind, brush = rng.choice(THINGS), rng.randrange(4), Brush(canvas, rng)
    half = size * 0.32
    if kind == 0:
        right = [(x + half * 0.35, level - size), (x + half * 0.3, level - size * 0.8), (x + half, level - size * 0.4)]
        right += [(x + half * 0.55, level), (x - half * 0.55, level), (x - half, level - size * 0.4)]
        right += [(x - half * 0.3, level - size * 0.8), (x - half * 0.35, level - size)]
        brush.part(pixels([smooth(right)]), colour, "ceramic", 2.0, 0.5)
    elif kind == 1:
        for _ in range(9):
            tip = (x + rng.uniform(-1, 1) * size * 0.6, level - size * rng.uniform(0.7, 1.3))
            stem = (x + rng.uniform(-0.2, 0.2) * half, level - size * 0.4)
            side = ((tip[0] + stem[0]) / 2 + rng.uniform(-0.2, 0.2) * size, (tip[1] + stem[1]) / 2)
            green = rng.choice(((74, 112, 70), (96, 134, 80), (60, 92, 66)))
            canvas.lay(pixels([smooth([stem, stem, side, tip, tip]), *stroke([stem, tip], 0.5)]), green, solid=False)
        pot = [
            (x - half, level - size * 0.45),
            (x + half, level - size * 0.45),
            (x + half * 0.75, level),
            (x - half * 0.75, level),
        ]
        brush.part(pixels([pot]), colour, "stoneware", 2.0, 0.5)
    elif kind == 2:
        brush.part(
            pixels([rounded(x - half * 1.2, level - size * 0.6, x + half * 1.2, level, 0.8)]), colour, "paper", 1.6, 0.4
        )
    else:
        reach = size * 0.34
        brush.part(pixels([ellipse(x, level - reach, reach, reach)]), colour, "ceramic", 3.0, 0.7)


def room(canvas: Canvas, rng: Random, floor: float) -> None:
    """A room: wall, skirting, wooden floor, a picture or a plant, light from a window."""
    wall = rng.choice(WALLS)
    _mix(canvas, _scaled(wall, 1.05), _scaled(wall, 0.84), ramp(_columns, 0.0, 1.1))
    slant, start = rng.uniform(8, 20), rng.uniform(4, 40)
    for pane in range(2):
        x = start + pane * 17
        canvas.tone(pixels([[(x, 8), (x + 14, 8), (x + 14 - slant, 62), (x - slant, 62)]]), 1.1)
    if rng.random() < 0.6:
        x, y = rng.uniform(4, 74), rng.uniform(4, 16)
        wide, tall = rng.uniform(16, 24), rng.uniform(20, 28)
        canvas.tone(
            pixels(
                [[(x + 1, y + 1.4), (x + wide + 1, y + 1.4), (x + wide + 1, y + tall + 1.4), (x + 1, y + tall + 1.4)]]
            ),
            0.82,
        )
        canvas.lay(
            pixels([[(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall)]]), rng.choice(WOODS), solid=False
        )
        inner = pixels(
            [
                [
                    (x + 1.4, y + 1.4),
                    (x + wide - 1.4, y + 1.4),
                    (x + wide - 1.4, y + tall - 1.4),
                    (x + 1.4, y + tall - 1.4),
                ]
            ]
        )
        canvas.lay(inner, (238, 234, 226), solid=False)
        for _ in range(3):
            blob = ellipse(x + wide * rng.uniform(0.3, 0.7), y + tall * rng.uniform(0.3, 0.7), wide * 0.18, tall * 0.16)
            canvas.lay(pixels([blob]).within(inner), rng.choice(THINGS), 0.8, False)
    edge = floor - rng.uniform(0.12, 0.18)
    for _ in range(rng.randint(0, 2)):
        _thing(canvas, rng, rng.choice((rng.uniform(0, 16), rng.uniform(84, 100))), edge * 100 + 5, rng.uniform(20, 40))
    canvas.lay(_band(edge - 0.03, edge), _scaled(wall, 1.12), solid=False)
    _boards(canvas, rng, rng.choice(WOODS), edge)
    _soften(canvas, rng.randint(1, 3))


def bokeh(canvas: Canvas, rng: Random, floor: float) -> None:
    """Out-of-focus lights or leaves behind a plain table edge."""
    dusk = rng.random() < 0.5
    low, high = ((46, 52, 66), (112, 96, 88)) if dusk else ((146, 168, 130), (214, 220, 190))
    _mix(canvas, low, high, ramp(_rows + np.float32(0.3) * noise(rng, (SIZE, SIZE), 120, 120), 0.0, 0.9))
    lights = (
        ((252, 214, 150), (250, 236, 206), (236, 170, 120), (180, 200, 226))
        if dusk
        else (
            (232, 240, 200),
            (250, 248, 226),
            (190, 212, 160),
            (120, 150, 110),
        )
    )
    for _ in range(rng.randint(14, 26)):
        reach = rng.uniform(2.5, 8)
        disc = pixels([ellipse(rng.uniform(-4, 104), rng.uniform(-4, 78), reach, reach)])
        canvas.lay(disc, rng.choice(lights), rng.uniform(0.18, 0.5), False)
    _soften(canvas, 2)
    edge = floor - rng.uniform(0.08, 0.14)
    _boards(canvas, rng, rng.choice(WOODS), edge)
    canvas.tone(_band(edge, 1.0), np.float32(0.8) + np.float32(0.24) * ramp(_rows[int(edge * SIZE) :], edge, 1.0))


def wall(canvas: Canvas, rng: Random, floor: float) -> None:
    """A plastered wall for things that hang."""
    colour = rng.choice(WALLS[:6])
    _mix(canvas, _scaled(colour, 1.06), _scaled(colour, 0.88), ramp(_columns + _rows, 0.2, 1.8))
    canvas.dim(
        1 + np.float32(0.012) * noise(rng, (SIZE, SIZE), 5, 6) + np.float32(0.02) * noise(rng, (SIZE, SIZE), 40, 50)
    )


def _soften(canvas: Canvas, radius: int) -> None:
    """Put the background out of focus (blurred at half size, then enlarged smoothly)."""
    rows = canvas.rgb[:, 0::2] + canvas.rgb[:, 1::2]
    small = rows[:, :, 0::2] + rows[:, :, 1::2]
    for channel in range(3):
        soft = blur(small[channel] * np.float32(0.25), radius, passes=3)
        for axis in (0, 1):
            before, after = np.roll(soft, 1, axis), np.roll(soft, -1, axis)
            edge: list[slice | int] = [slice(None), slice(None)]
            for end, shifted in ((0, before), (-1, after)):
                edge[axis] = end
                shifted[tuple(edge)] = soft[tuple(edge)]
            pair = np.stack(
                [
                    soft * np.float32(0.75) + before * np.float32(0.25),
                    soft * np.float32(0.75) + after * np.float32(0.25),
                ],
                axis + 1,
            )
            soft = pair.reshape((SIZE, -1) if axis == 0 else (SIZE, SIZE))
        canvas.rgb[channel] = soft


STANDING: dict[str, tuple[Scene, int]] = {
    "sweep": (sweep, 10),
    "table": (table, 4),
    "shelf": (shelf, 4),
    "room": (room, 4),
    "bokeh": (bokeh, 3),
}
FURNITURE: dict[str, tuple[Scene, int]] = {"sweep": (sweep, 10), "room": (room, 9)}
HANGING: dict[str, tuple[Scene, int]] = {"sweep": (sweep, 6), "wall": (wall, 4), "flat": (flat, 3)}
LYING: dict[str, tuple[Scene, int]] = {"flat": (flat, 6), "sweep": (sweep, 4)}


def throw_shadow(canvas: Canvas, standing: bool, rng: Random) -> None:
    """The product's own shadow on what surrounds it: on the floor when it stands, behind it when it hangs or lies."""
    outside = 1 - canvas.silhouette
    factor = np.ones_like(outside)
    if not standing:
        dx, dy = rng.randint(4, 8), rng.randint(6, 11)
        for radius, dark in ((3, 0.22), (9, 0.26)):
            cast = np.roll(blur(canvas.silhouette, radius), (dy * radius // 7 + 2, dx * radius // 9 + 1), (0, 1))
            factor *= 1 - np.float32(dark) * cast * outside
        canvas.dim(factor)
        return
    rows = np.flatnonzero(canvas.silhouette.max(axis=1) > 0.5)
    foot = int(rows[-1])
    band = canvas.silhouette[max(foot - SIZE // 11, 0) : foot + 1].max(axis=0)
    columns = np.flatnonzero(band > 0.5)
    left, right = int(columns[0]), int(columns[-1])
    cx, rx = (left + right) / 2, (right - left) / 2
    for wide, tall, radius, shift, dark in (
        (0.98, 2.6, 3, 0.0, 0.55),
        (1.06, 6.0, 7, 5.0, 0.38),
        (1.2, 12.0, 13, 14.0, 0.22),
    ):
        outline = [(x / SIZE * 100, y / SIZE * 100) for x, y in ellipse(cx + shift, foot - 2.0, rx * wide, tall)]
        flat_shadow = pixels([outline])
        top, low = max(flat_shadow.y - 3 * radius, 0), min(flat_shadow.window[0].stop + 3 * radius, SIZE)
        cast = blur(flat_shadow.whole()[top:low], radius)
        factor[top:low] *= 1 - np.float32(dark) * cast * outside[top:low]
    canvas.dim(factor)
