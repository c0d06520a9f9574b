"""What a part is made of: the tone of cloth, leather, metal, wood and glaze, as factors about 1 over a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from engine.dataset.sample.paint import Canvas, Floats, Mask, blur, light, noise, ramp, stroke

Tone = Callable[[Floats, Floats, Random, tuple[int, int]], Floats]


@dataclass(frozen=True)
class Material:
    """`tone` is the texture, `folds` how much it creases, `gloss` how sharp its highlight is (0 matt, 1 mirror)."""

    tone: Tone
    folds: float = 0.0
    gloss: float = 0.0
    relief: float = 0.35


def wave(t: Floats) -> Floats:
    """A smooth wave in -1..1 with period 1, without a sine (whose last bit differs between machines)."""
    saw = np.abs(2 * (t - np.floor(t)) - 1)
    values: Floats = (2 * saw * saw * (3 - 2 * saw) - 1).astype(np.float32)
    return values


def weave(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    grain = noise(rng, shape, 1, 1)
    tone: Floats = 1 + 0.035 * wave(x * 1.15 + 0 * y) * wave(y * 1.15 + 0 * x) + 0.05 * grain
    return tone


def twill(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    worn = noise(rng, shape, 30, 25)
    tone: Floats = 1 + 0.07 * wave((x + y) * 0.95) + 0.06 * noise(rng, shape, 1, 1) + 0.08 * worn
    return tone


def knit(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    lean = np.abs(2 * (x / 2.2 - np.floor(x / 2.2)) - 1)
    tone: Floats = (
        1 + 0.11 * wave(y / 1.5 + lean * 0.7) + 0.05 * wave(x / 2.2 + 0 * y) + 0.05 * noise(rng, shape, 1.5, 1.5)
    )
    return tone


def pebble(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    grain = noise(rng, shape, 2, 2)
    bump = np.zeros_like(grain)
    bump[1:, 1:] = grain[:-1, :-1] - grain[1:, 1:]
    tone: Floats = 1 - 0.06 * bump - 0.05 * np.abs(noise(rng, shape, 3.5, 3)) + 0.06 * noise(rng, shape, 25, 20)
    return tone


def suede(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    tone: Floats = (
        1 + 0.05 * noise(rng, shape, 1, 1.5) + 0.07 * noise(rng, shape, 7, 11) + 0.05 * noise(rng, shape, 20, 20)
    )
    return tone


def crinkle(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    crease = np.abs(noise(rng, shape, 13, 17))
    tone: Floats = (
        1 + 0.07 * ramp(crease, 0.12, 0.0) * -1 + 0.06 * noise(rng, shape, 9, 11) + 0.015 * noise(rng, shape, 1, 1)
    )
    return tone


def mesh(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    u, v = (x + y) * 0.62, (x - y) * 0.62
    hole = (u - np.floor(u) - 0.5) ** 2 + (v - np.floor(v) - 0.5) ** 2
    tone: Floats = 1 - 0.22 * ramp(hole.astype(np.float32), 0.10, 0.03) + 0.03 * noise(rng, shape, 1.5, 1.5)
    return tone


def plain(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    tone: Floats = 1 + 0.012 * noise(rng, shape, 1, 1)
    return tone


def speckle(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    spots = ramp(noise(rng, shape, 1.5, 1.5), 0.72, 0.95)
    tone: Floats = 1 - 0.32 * spots + 0.05 * noise(rng, shape, 15, 30) + 0.03 * noise(rng, shape, 1.5, 1.5)
    return tone


def brushed(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    tone: Floats = (
        1 + 0.018 * noise(rng, shape, 1, 40) + 0.02 * noise(rng, shape, 1.5, 80) + 0.10 * noise(rng, shape, 25, 40)
    )
    return tone


def grain(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    bend = noise(rng, shape, 45, 14)
    rings = wave(x * 0.28 + 0.02 * y + bend * 0.9)
    tone: Floats = 1 + 0.09 * rings + 0.06 * noise(rng, shape, 20, 1) + 0.03 * noise(rng, shape, 1.5, 1)
    return tone


def wicker(x: Floats, y: Floats, rng: Random, shape: tuple[int, int]) -> Floats:
    u, v = x / 2.6, y / 2.6
    odd = (np.floor(u) + np.floor(v)) % 2
    across, down = wave(u * 2 + 0 * v), wave(v * 2 + 0 * u)
    tone: Floats = 1 + 0.10 * np.where(odd > 0, across, down) - 0.10 * odd + 0.04 * noise(rng, shape, 1, 1)
    return tone


MATERIALS: dict[str, Material] = {
    "cotton": Material(weave, folds=0.16),
    "canvas": Material(weave, folds=0.07),
    "linen": Material(weave, folds=0.10),
    "denim": Material(twill, folds=0.13),
    "wool": Material(knit, folds=0.06, relief=0.45),
    "nylon": Material(crinkle, folds=0.15, gloss=0.25),
    "leather": Material(pebble, folds=0.12, gloss=0.45, relief=0.5),
    "suede": Material(suede, folds=0.08),
    "mesh": Material(mesh, folds=0.03),
    "velvet": Material(suede, folds=0.08, gloss=0.2, relief=0.6),
    "ceramic": Material(plain, gloss=0.9, relief=0.15),
    "stoneware": Material(speckle, gloss=0.3, relief=0.15),
    "enamel": Material(plain, gloss=0.7, relief=0.15),
    "steel": Material(brushed, gloss=0.8, relief=0.25),
    "brass": Material(brushed, gloss=0.7, relief=0.25),
    "wood": Material(grain, gloss=0.12, relief=0.25),
    "rattan": Material(wicker, relief=0.25),
    "rubber": Material(plain, gloss=0.15, relief=0.3),
    "paper": Material(weave, relief=0.1),
}


@dataclass(frozen=True)
class Brush:
    """Paints parts of one product: its canvas and one stream of random numbers for texture."""

    canvas: Canvas
    rng: Random

    def part(
        self,
        mask: Mask,
        colour: tuple[int, int, int],
        material: str,
        round_: float = 2.5,
        relief: float | None = None,
    ) -> None:
        """Cover a part with a colour and give it its material's texture, folds and light."""
        self.canvas.lay(mask, colour)
        self.model(mask, material, round_, relief)

    def model(self, mask: Mask, material: str, round_: float = 2.5, relief: float | None = None) -> None:
        """Texture and light over what is already painted (also over a printed pattern, as on real cloth)."""
        kind = MATERIALS[material]
        x, y = self.canvas.units(mask)
        shape = mask.alpha.shape
        tone = kind.tone(x, y, self.rng, (shape[0], shape[1]))
        if kind.folds:
            fold = noise(self.rng, (shape[0], shape[1]), 55, 15) + 0.5 * noise(self.rng, (shape[0], shape[1]), 25, 30)
            tone = tone * (1 + np.float32(kind.folds) * fold)
        depth = kind.relief if relief is None else relief
        self.canvas.tone(mask, tone * light(mask, self._pixels(round_), depth, depth * 0.75))
        if kind.gloss:
            self.shine(mask, round_, kind.gloss)

    def shine(self, mask: Mask, round_: float, gloss: float) -> None:
        """A soft highlight along the edge that faces the lamp."""
        lit = light(mask, self._pixels(round_ * 0.67), 1.0, 0.0) - 1
        self.canvas.lay(mask.times(ramp(lit, 0.15, 0.6)), (255, 252, 246), 0.30 * gloss, solid=False)

    def _pixels(self, units: float) -> int:
        return max(round(units * self.canvas.scale), 1)

    def cylinder(self, mask: Mask, left: float, right: float, gloss: float, depth: float = 0.5) -> None:
        """Light a part as a standing cylinder between two x in product units: dark edges, a highlight band."""
        x, _ = self.canvas.units(mask)
        t = np.clip((x - np.float32(left)) / np.float32(right - left), 0, 1)
        dark = (t - np.float32(0.36)) ** 2
        reflex = ramp(np.abs(t - np.float32(0.95)), 0.07, 0.0) * np.float32(0.12)
        self.canvas.tone(mask, np.float32(1.06) - np.float32(depth * 2.1) * dark + reflex)
        band = ramp(np.abs(t - np.float32(0.24)), 0.07, 0.02) * np.float32(0.5) + ramp(
            np.abs(t - np.float32(0.25)), 0.2, 0.02
        ) * np.float32(0.4)
        self.canvas.lay(mask.times(band), (255, 253, 248), 0.5 * gloss, solid=False)

    def seam(self, points: list[tuple[float, float]], width: float = 0.5, dark: float = 0.35) -> None:
        """A sewn line: a dark groove with a lit lip below it."""
        lip = [(x + 0.35, y + 0.35) for x, y in points]
        for line, factor in ((lip, 1.0 + dark * 0.35), (points, 1.0 - dark)):
            mask = self.canvas.mask(*stroke(line, width))
            self.canvas.tone(mask.times(self.canvas.silhouette[mask.window]), factor)

    def cast(self, mask: Mask, onto: Mask, radius: int = 4, dx: int = 2, dy: int = 3, dark: float = 0.35) -> None:
        """The shadow that a part throws on the part below it."""
        whole = np.roll(np.roll(blur(mask.whole(), radius), dy, axis=0), dx, axis=1)
        self.canvas.tone(onto, 1 - np.float32(dark) * whole[onto.window])
