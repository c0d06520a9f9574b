"""Paint parts onto a photo: exact rasterising, soft light, and regions that know what later covers them.

Everything here is integer or plain IEEE arithmetic (no BLAS, no vectorised libm), so that the same seed gives the
same pixels on every machine. Products are designed in a box of 100 x 100 units, y pointing down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

SIZE = 320
_FINE = 4
_SUB = 16

Point = tuple[float, float]
Path = list[Point]
Colour = tuple[int, int, int]
Floats = NDArray[np.float32]


def smooth(points: Sequence[Point], closed: bool = True, steps: int = 8) -> Path:
    """A Catmull-Rom curve through `points`; a point given twice in a row is a corner."""
    count = len(points)
    path: Path = []
    for index in range(count if closed else count - 1):
        p1, p2 = points[index], points[(index + 1) % count]
        if p1 == p2:
            continue
        p0 = points[(index - 1) % count] if closed or index else p1
        p3 = points[(index + 2) % count] if closed or index + 2 < count else p2
        for step in range(steps):
            t = step / steps
            path.append((_catmull(p0[0], p1[0], p2[0], p3[0], t), _catmull(p0[1], p1[1], p2[1], p3[1], t)))
    if not closed:
        path.append(points[-1])
    return path


def _catmull(a: float, b: float, c: float, d: float, t: float) -> float:
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def mirror(points: Sequence[Point], axis: float = 50.0) -> Path:
    """The points and their reflection about the vertical line x = axis, as one closed outline."""
    return [*points, *((2 * axis - x, y) for x, y in reversed(points) if x != axis)]


def flip(points: Sequence[Point], axis: float = 50.0) -> Path:
    return [(2 * axis - x, y) for x, y in points]


@cache
def _circle(start: float, end: float, steps: int) -> tuple[Point, ...]:
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + (end - start < 360))]
    return tuple((round(math.cos(angle), 9), round(math.sin(angle), 9)) for angle in angles)


def ellipse(
    cx: float, cy: float, rx: float, ry: float, start: float = 0.0, end: float = 360.0, steps: int = 48
) -> Path:
    """Points on an ellipse, clockwise on the screen from `start` to `end` degrees (0 is to the right)."""
    return [(cx + rx * x, cy + ry * y) for x, y in _circle(start, end, steps)]


def rounded(x0: float, y0: float, x1: float, y1: float, r: float) -> Path:
    """A rectangle with round corners."""
    return [
        *ellipse(x1 - r, y0 + r, r, r, 270, 360, 6),
        *ellipse(x1 - r, y1 - r, r, r, 0, 90, 6),
        *ellipse(x0 + r, y1 - r, r, r, 90, 180, 6),
        *ellipse(x0 + r, y0 + r, r, r, 180, 270, 6),
    ]


def stroke(points: Sequence[Point], width: float, closed: bool = False) -> list[Path]:
    """A line of the given width with round joints, as paths to be filled together."""
    half = width / 2
    paths: list[Path] = [ellipse(x, y, half, half, steps=10) for x, y in points]
    ends = [*points[1:], points[0]] if closed else points[1:]
    for (x0, y0), (x1, y1) in zip(points, ends, strict=False):
        length = math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
        if length:
            nx, ny = (y0 - y1) / length * half, (x1 - x0) / length * half
            paths.append([(x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)])
    return paths


def dashes(points: Sequence[Point], width: float, dash: float = 1.2) -> list[Path]:
    """A stitched seam along a line."""
    paths: list[Path] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
        count = int(length / (2 * dash))
        for index in range(count):
            a, b = (index + 0.25) / count, (index + 0.75) / count
            ends = [(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (a, b)]
            paths.extend(stroke(ends, width))
    return paths


def luma(colour: Colour) -> int:
    """How bright a colour looks, 0..255."""
    return (3 * colour[0] + 6 * colour[1] + colour[2]) // 10


@dataclass(frozen=True)
class Mask:
    """Coverage 0..1 of a part, in a window of the photo whose top left pixel is (y, x)."""

    alpha: Floats
    y: int
    x: int

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.alpha.shape
        return slice(self.y, self.y + height), slice(self.x, self.x + width)

    def times(self, factor: Floats) -> Mask:
        return Mask(self.alpha * factor, self.y, self.x)

    def whole(self) -> Floats:
        canvas = np.zeros((SIZE, SIZE), np.float32)
        canvas[self.window] = self.alpha
        return canvas

    def within(self, other: Mask) -> Mask:
        return self.times(other.whole()[self.window])


def rasterise(points: NDArray[np.float64], sizes: Sequence[int]) -> Mask:
    """Coverage of closed paths (`sizes` points each, in photo pixels), filled where any lies, 4 x 4 samples a pixel."""
    ends = _edges(np.rint(points * (_FINE * _SUB)).astype(np.int64), np.array(sizes, np.int64))
    low_x, high_x = _span(ends[:, [0, 2]])
    low_y, high_y = _span(ends[:, [1, 3]])
    fine = np.zeros(((high_y - low_y) * _FINE, (high_x - low_x) * _FINE + 1), np.int8)
    x0, y0, x1, y1, sign = ends.T
    first = np.maximum((y0 + _SUB // 2 - 1) // _SUB, low_y * _FINE)
    last = np.minimum((y1 + _SUB // 2 - 1) // _SUB, high_y * _FINE)
    counts = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(ends)), counts)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    cross = x0[edge] + (row * _SUB + _SUB // 2 - y0[edge]) * (x1 - x0)[edge] // (y1 - y0)[edge]
    column = np.clip((cross + _SUB // 2 - 1) // _SUB - low_x * _FINE, 0, fine.shape[1] - 1)
    np.add.at(fine, (row - low_y * _FINE, column), sign[edge].astype(np.int8))
    # A byte is enough: 256 paths would have to lie over each other for the count to wrap to zero.
    inside = (np.cumsum(fine, axis=1, dtype=np.int8)[:, :-1] != 0).view(np.uint8)
    rows = inside[0::4] + inside[1::4] + inside[2::4] + inside[3::4]
    total = (rows.view(np.uint32) * np.uint32(0x01010101)) >> np.uint32(24)  # the sum of each four bytes
    return Mask(total.astype(np.float32) * np.float32(1 / 16), low_y, low_x)


def pixels(paths: Sequence[Sequence[Point]]) -> Mask:
    """Coverage of paths given in hundredths of the photo's side."""
    points = np.array([point for path in paths for point in path], np.float64) * (SIZE / 100)
    return rasterise(points, [len(path) for path in paths])


def _edges(points: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Edges (x0, y0, x1, y1, sign) with y0 < y1 on the subpixel grid; every path turns the same way."""
    starts = np.cumsum(sizes) - sizes
    following = np.arange(1, len(points) + 1)
    following[starts + sizes - 1] = starts
    ahead = points[following]
    areas = np.add.reduceat(points[:, 0] * ahead[:, 1] - ahead[:, 0] * points[:, 1], starts)
    turn = np.repeat(np.where(areas >= 0, 1, -1), sizes)
    down = ahead[:, 1] > points[:, 1]
    start, end = np.where(down[:, None], points, ahead), np.where(down[:, None], ahead, points)
    edges = np.concatenate([start, end, np.where(down, turn, -turn)[:, None]], axis=1)
    sloped: NDArray[np.int64] = edges[edges[:, 1] != edges[:, 3]]
    return sloped


def _span(values: NDArray[np.int64]) -> tuple[int, int]:
    if not values.size:
        return 0, 1
    low = min(max(int(values.min()) // (_FINE * _SUB), 0), SIZE - 1)
    return low, min(max(-(-int(values.max()) // (_FINE * _SUB)), low + 1), SIZE)


def blur(alpha: Floats, radius: int, passes: int = 2) -> Floats:
    """Box blur by exact integer sums; outside the array counts as the nearest edge pixel."""
    values = (alpha * 4096).astype(np.int32)
    width = 2 * radius + 1
    for axis in (1, 0):
        values = np.ascontiguousarray(values.T) if axis == 0 else values
        length = values.shape[1]
        for _ in range(passes):
            total = np.empty((values.shape[0], length + width), np.int32)
            total[:, : radius + 1] = values[:, :1]
            total[:, radius + 1 : radius + 1 + length] = values
            total[:, radius + 1 + length :] = values[:, -1:]
            np.cumsum(total, axis=1, out=total)
            values = (total[:, width:] - total[:, :length]) // width
    return (values.T * np.float32(1 / 4096)).astype(np.float32)


def noise(rng: Random, shape: tuple[int, int], tall: float, wide: float) -> Floats:
    """Smooth value noise in -1..1 with cells of `tall` x `wide` pixels."""
    rows, columns = int(shape[0] / tall) + 2, int(shape[1] / wide) + 2
    grid = np.frombuffer(rng.randbytes(rows * columns), np.uint8).reshape(rows, columns)
    values = grid.astype(np.float32) * np.float32(2 / 255) - np.float32(1)
    for axis, (length, cell) in enumerate(zip(shape, (tall, wide), strict=True)):
        place = np.arange(length, dtype=np.float32) / np.float32(cell)
        low = place.astype(np.int64)
        t = place - low.astype(np.float32)
        t = t * t * (3 - 2 * t)
        t = t[:, None] if axis == 0 else t[None, :]
        values = np.take(values, low, axis) * (1 - t) + np.take(values, low + 1, axis) * t
    return values.astype(np.float32)


def ramp(values: Floats, low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, smooth between; `high` may lie below `low`."""
    t = np.clip((values - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    smoothed: Floats = (t * t * (3 - 2 * t)).astype(np.float32)
    return smoothed


@dataclass
class Canvas:
    """A photo being painted: RGB 0..255 (colour first: 3 x height x width) and the named regions seen in it."""

    scale: float = SIZE / 100
    left: float = 0.0
    top: float = 0.0
    turn: float = 0.0
    flipped: bool = False
    rgb: Floats = field(default_factory=lambda: np.full((3, SIZE, SIZE), 245, np.float32))
    regions: dict[str, Floats] = field(default_factory=dict)
    silhouette: Floats = field(default_factory=lambda: np.zeros((SIZE, SIZE), np.float32))

    @property
    def _turn(self) -> tuple[float, float]:
        return round(math.cos(math.radians(self.turn)), 9), round(math.sin(math.radians(self.turn)), 9)

    def place(self, path: Sequence[Point]) -> NDArray[np.float64]:
        """Product units to photo pixels: turn about the middle, mirror, scale, shift."""
        cos, sin = self._turn
        x, y = np.array(path, np.float64).reshape(-1, 2).T - 50
        across, down = x * cos - y * sin, x * sin + y * cos
        if self.flipped:
            across = -across
        return np.stack([self.left + self.scale * (50 + across), self.top + self.scale * (50 + down)], axis=1)

    def mask(self, *paths: Sequence[Point]) -> Mask:
        return rasterise(self.place([point for path in paths for point in path]), [len(path) for path in paths])

    def units(self, mask: Mask) -> tuple[Floats, Floats]:
        """Product coordinates (x, y) of every pixel of the mask's window."""
        cos, sin = self._turn
        rows, columns = mask.window
        px = (np.arange(columns.start, columns.stop, dtype=np.float32) + np.float32(0.5 - self.left)) / self.scale - 50
        py = (np.arange(rows.start, rows.stop, dtype=np.float32) + np.float32(0.5 - self.top)) / self.scale - 50
        x, y = (-px if self.flipped else px)[None, :], py[:, None]
        return (
            (x * np.float32(cos) + y * np.float32(sin) + 50).astype(np.float32),
            (y * np.float32(cos) - x * np.float32(sin) + 50).astype(np.float32),
        )

    def lay(self, mask: Mask, colour: Colour, opacity: float = 1.0, solid: bool = True) -> None:
        """Cover with a colour; a solid layer hides the regions below it."""
        alpha = mask.alpha * np.float32(opacity)
        target = self.rgb[(slice(None), *mask.window)]
        target += (np.array(colour, np.float32)[:, None, None] - target) * alpha
        if solid:
            for region in self.regions.values():
                region[mask.window] *= 1 - alpha
            seen = self.silhouette[mask.window]
            np.maximum(seen, mask.alpha, out=seen)

    def tone(self, mask: Mask, factor: Floats | float) -> None:
        """Multiply the light under a mask."""
        self.rgb[(slice(None), *mask.window)] *= 1 + (np.asarray(factor, np.float32) - 1) * mask.alpha

    def dim(self, factor: Floats) -> None:
        """Multiply the light of the whole photo."""
        self.rgb *= factor

    def mark(self, name: str, mask: Mask) -> None:
        """Remember where something that a shopper may heed is seen."""
        region = self.regions.setdefault(name, np.zeros((SIZE, SIZE), np.float32))
        np.maximum(region[mask.window], mask.alpha, out=region[mask.window])

    def line(self, points: Sequence[Point], width: float, colour: Colour, opacity: float = 1.0) -> None:
        self.lay(self.mask(*stroke(points, width)), colour, opacity, solid=False)

    def finish(self) -> NDArray[np.uint8]:
        """The photo as 8-bit RGB."""
        whole = np.clip(self.rgb + np.float32(0.5), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.moveaxis(whole, 0, 2))


def light(mask: Mask, radius: int, strength: float, shade: float = 0.25) -> Floats:
    """How a padded, rounded part is lit from the top left: a factor about 1, darker towards its far edge.

    The part's height is its blurred coverage; the slope of that height towards the lamp brightens or darkens.
    """
    height = blur(np.pad(mask.alpha, radius), radius)
    dx = np.zeros_like(height)
    dy = np.zeros_like(height)
    dx[:, 1:-1] = (height[:, 2:] - height[:, :-2]) * np.float32(radius)
    dy[1:-1] = (height[2:] - height[:-2]) * np.float32(radius)
    lit = 1 + np.float32(strength) * (dx * np.float32(0.45) + dy * np.float32(0.6)) - np.float32(shade) * (1 - height)
    return lit[radius:-radius, radius:-radius].astype(np.float32)
