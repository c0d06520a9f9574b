"""What is printed on a product: patterns over a part and logos, each leaving the region where it is seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from engine.dataset.sample.paint import Canvas, Colour, Floats, Mask, Path, Point, ellipse, luma, ramp, rounded, smooth

Axes = Callable[[Floats, Floats], tuple[Floats, Floats]]
Layer = tuple[Floats, Colour]


def flat(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return x, y


def turned(degrees: float) -> Axes:
    """Pattern axes turned with a part (a sleeve, a sole)."""
    cos, sin = round(math.cos(math.radians(degrees)), 9), round(math.sin(math.radians(degrees)), 9)

    def axes(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return x * np.float32(cos) + y * np.float32(sin), y * np.float32(cos) - x * np.float32(sin)

    return axes


def around(left: float, right: float, sag: float) -> Axes:
    """Pattern axes on a standing cylinder: closer at its sides, level lines sagging by `sag` units in the middle."""
    middle, half = (left + right) / 2, (right - left) / 2

    def axes(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        t = np.clip((x - np.float32(middle)) / np.float32(half), -1, 1)
        bulge = np.sqrt(1 - t * t * np.float32(0.98))
        wide = t * (1 + np.float32(0.35) * t * t * t * t) * np.float32(half * 1.15)
        return wide.astype(np.float32), (y - np.float32(sag) * bulge).astype(np.float32)

    return axes


def _saw(t: Floats) -> Floats:
    """Distance to the nearest whole number, 0..0.5."""
    distance: Floats = np.abs(t - np.floor(t + np.float32(0.5))).astype(np.float32)
    return distance


def stripes(u: Floats, v: Floats, ink: Colour, other: Colour, rng: Random) -> list[Layer]:
    pitch = rng.choice((5.4, 6.4, 7.6))
    edge = 0.16 / pitch
    layers = [(ramp(_saw(v / pitch), 0.235 + edge, 0.235 - edge), ink)]
    if rng.random() < 0.35:
        layers.append((ramp(_saw(v / pitch + 0.5), 0.05 + edge, 0.05 - edge), other))
    return layers


def dots(u: Floats, v: Floats, ink: Colour, other: Colour, rng: Random) -> list[Layer]:
    pitch = rng.choice((6.2, 7.4, 8.6))
    radius = pitch * rng.choice((0.25, 0.29))
    row = np.floor(v / pitch)
    a = _saw(u / pitch + (row % 2) * np.float32(0.5)) * pitch
    b = (v / pitch - row - np.float32(0.5)) * pitch
    return [(ramp(np.sqrt(a * a + b * b), radius + 0.18, radius - 0.18), ink)]


def checks(u: Floats, v: Floats, ink: Colour, other: Colour, rng: Random) -> list[Layer]:
    pitch = rng.choice((8.0, 9.5, 11.0))
    across, down = (ramp(_saw(t / pitch), 0.26, 0.24) for t in (u, v))
    thin = np.maximum(ramp(_saw(u / pitch + 0.5), 0.035, 0.02), ramp(_saw(v / pitch + 0.5), 0.035, 0.02))
    return [(across * np.float32(0.55), ink), (down * np.float32(0.55), ink), (thin * np.float32(0.7), other)]


def zigzag(u: Floats, v: Floats, ink: Colour, other: Colour, rng: Random) -> list[Layer]:
    pitch, reach = rng.choice((7.0, 8.0, 9.0)), rng.choice((4.2, 5.0))
    bent = v + _saw(u / (2 * reach)) * np.float32(2 * reach)
    edge = 0.2 / pitch
    return [(ramp(_saw((bent / pitch).astype(np.float32)), 0.22 + edge, 0.22 - edge), ink)]


def floral(u: Floats, v: Floats, ink: Colour, other: Colour, rng: Random) -> list[Layer]:
    """Five-petalled flowers with leaves, one to a cell, shifted and turned at random."""
    pitch = rng.choice((10.0, 11.5))
    petals, hearts, leaves = (np.zeros_like(u) for _ in range(3))
    low_u, low_v = math.floor(float(u.min()) / pitch) - 1, math.floor(float(v.min()) / pitch) - 1
    high_u, high_v = math.ceil(float(u.max()) / pitch) + 1, math.ceil(float(v.max()) / pitch) + 1
    for row in range(low_v, high_v):
        for column in range(low_u, high_u):
            cell = Random(f"flower:{row}:{column}")
            cu = (column + 0.5 * (row % 2) + 0.5 + cell.uniform(-0.12, 0.12)) * pitch
            cv = (row + 0.5 + cell.uniform(-0.12, 0.12)) * pitch
            size, start = pitch * cell.uniform(0.26, 0.36), cell.random() * 72
            box = _near(u, v, cu, cv, size * 2)
            if box is None:
                continue
            bu, bv = u[box], v[box]
            for petal in range(5):
                angle = math.radians(start + 72 * petal)
                pu, pv = cu + round(math.cos(angle), 9) * size * 0.62, cv + round(math.sin(angle), 9) * size * 0.62
                _stamp(petals[box], bu, bv, pu, pv, size * 0.46)
            _stamp(hearts[box], bu, bv, cu, cv, size * 0.30)
            angle = math.radians(start + 36)
            lu, lv = round(math.cos(angle), 9), round(math.sin(angle), 9)
            for reach in (1.1, 1.35, 1.6):
                _stamp(
                    leaves[box], bu, bv, cu + lu * size * reach, cv + lv * size * reach, size * (0.36 - 0.08 * reach)
                )
    return [(leaves, (88, 122, 82)), (petals, ink), (hearts, other)]


def _near(u: Floats, v: Floats, cu: float, cv: float, reach: float) -> tuple[slice, slice] | None:
    near = (np.abs(u - np.float32(cu)) < reach) & (np.abs(v - np.float32(cv)) < reach)
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _stamp(target: Floats, u: Floats, v: Floats, cu: float, cv: float, radius: float) -> None:
    du, dv = u - np.float32(cu), v - np.float32(cv)
    np.maximum(target, ramp(np.sqrt(du * du + dv * dv), radius + 0.15, radius - 0.15), out=target)


PATTERNS: dict[str, Callable[[Floats, Floats, Colour, Colour, Random], list[Layer]]] = {
    "stripes": stripes,
    "dots": dots,
    "checks": checks,
    "zigzag": zigzag,
    "floral": floral,
}


def print_pattern(
    canvas: Canvas, mask: Mask, pattern: str, inks: tuple[Colour, Colour], seed: str, axes: Axes = flat
) -> None:
    """Print a pattern on a part, before its texture and light, and mark the region where it is seen."""
    x, y = canvas.units(mask)
    u, v = axes(x + np.zeros_like(mask.alpha), y + np.zeros_like(mask.alpha))
    for alpha, colour in PATTERNS[pattern](u, v, *inks, Random(seed)):
        canvas.lay(mask.times(alpha), colour, solid=False)
    canvas.mark("pattern", mask)


BOLT: Path = [(14, -50), (-32, 8), (-4, 8), (-16, 50), (32, -12), (4, -12), (24, -50)]
MOUNTAIN: list[Path] = [
    [(-70, 46), (-22, -46), (6, 8), (18, -12), (70, 46)],
]
_LEAF: Path = smooth([(0, -52), (0, -52), (30, -18), (26, 22), (0, 46), (0, 46), (-26, 22), (-30, -18)])
_WAVE: Path = smooth(
    [
        (-54, 6),
        (-54, 6),
        (-28, -16),
        (0, 2),
        (28, 18),
        (54, -6),
        (54, -6),
        (54, 12),
        (54, 12),
        (28, 36),
        (0, 20),
        (-28, 4),
        (-54, 26),
        (-54, 26),
    ]
)


def _star() -> Path:
    points: Path = []
    for index in range(10):
        angle, reach = math.radians(36 * index - 90), 54 if index % 2 == 0 else 23
        points.append((reach * round(math.cos(angle), 9), reach * round(math.sin(angle), 9)))
    return points


def _at(paths: list[Path], centre: Point, size: float) -> list[Path]:
    return [[(centre[0] + x * size / 100, centre[1] + y * size / 100) for x, y in path] for path in paths]


def _hexagon() -> Path:
    angles = [math.radians(60 * index - 90) for index in range(6)]
    return [(84 * round(math.cos(angle), 9), 84 * round(math.sin(angle), 9)) for angle in angles]


_SHIELD: Path = smooth(
    [(-62, -70), (-62, -70), (0, -78), (62, -70), (62, -70), (64, 0), (40, 56), (0, 88), (0, 88), (-40, 56), (-64, 0)]
)


@dataclass(frozen=True)
class Logo:
    """A brand mark in hundredths of its height: its shapes, what is cut out of them, its badge and its own colours."""

    shapes: list[Path]
    cuts: list[Path]
    badge: Path
    colour: Colour
    ink: Colour


LOGOS: dict[str, Logo] = {
    "bolt": Logo([BOLT], [], ellipse(0, 0, 78, 78), (246, 192, 44), (40, 40, 46)),
    "mountain": Logo(
        MOUNTAIN,
        [[(-22, -46), (-37, -17), (-25, -23), (-17, -10), (-5, -14)]],
        rounded(-92, -70, 92, 70, 22),
        (52, 92, 148),
        (244, 244, 240),
    ),
    "leaf": Logo([_LEAF], [[(-2.5, -30), (2.5, -30), (2.5, 44), (-2.5, 44)]], _SHIELD, (62, 122, 70), (240, 242, 226)),
    "star": Logo([_star()], [], _hexagon(), (196, 52, 56), (250, 246, 236)),
    "wave": Logo(
        [[(x, y + shift) for x, y in _WAVE] for shift in (-26, 10)],
        [],
        ellipse(0, 0, 98, 66),
        (34, 142, 150),
        (244, 248, 246),
    ),
}


def print_logo(canvas: Canvas, logo: str, centre: Point, size: float, ground: Colour, badge: bool) -> None:
    """A logo `size` units high over a part of colour `ground`, and the region where it is seen.

    On a badge it has its own colours and a pale rim; printed bare it keeps its colour where that shows, else it is
    black or white.
    """
    mark = LOGOS[logo]
    paper, ink = mark.colour, mark.ink
    if badge:
        outline = _at([mark.badge], centre, size)[0]
        below = [(x + 0.4, y + 0.7) for x, y in outline]
        shadow = canvas.mask(below)
        canvas.tone(shadow.times(canvas.silhouette[shadow.window]), 0.72)
        canvas.lay(canvas.mask(outline), (246, 244, 238))
        canvas.lay(canvas.mask(_at([mark.badge], centre, size * 0.9)[0]), paper, solid=False)
        canvas.mark("logo", canvas.mask(outline, below))
    else:
        far = max(abs(a - b) for a, b in zip(ground, mark.colour, strict=True))
        paper, ink = ground, mark.colour
        if far < 90 or abs(luma(ground) - luma(ink)) < 40:
            ink = (46, 48, 54) if luma(ground) > 128 else (243, 240, 232)
    glyph = canvas.mask(*_at(mark.shapes, centre, size))
    canvas.lay(glyph, ink, solid=False)
    canvas.mark("logo", glyph)
    if mark.cuts:
        canvas.lay(canvas.mask(*_at(mark.cuts, centre, size)), paper, solid=False)
