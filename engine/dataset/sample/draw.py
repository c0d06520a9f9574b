"""A product photo: scene, product, shadow and lens, with the regions where its pattern and its logo are seen."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from engine.dataset.sample import scenes
from engine.dataset.sample.carry import backpack, sneaker, watch
from engine.dataset.sample.home import chair, lamp, mug
from engine.dataset.sample.paint import SIZE, Canvas, Floats, noise
from engine.dataset.sample.studio import Look, Studio
from engine.dataset.sample.wear import cap, jacket

GRID = 28


@dataclass(frozen=True)
class Kind:
    """How a category is drawn: its silhouettes, what they are made of, and how it is put before the camera."""

    draw: Callable[[Studio], None]
    silhouettes: tuple[str, ...]
    materials: tuple[str, ...]
    places: dict[str, tuple[scenes.Scene, int]]
    size: float
    foot: float = 93.0  # where it stands, in product units
    turn: float = 0.0
    flips: bool = False


KINDS: dict[str, Kind] = {
    "jackets": Kind(
        jacket,
        ("bomber", "parka", "trucker", "puffer", "anorak"),
        ("cotton", "nylon", "leather", "denim", "wool"),
        scenes.HANGING,
        size=0.96,
        turn=3,
    ),
    "sneakers": Kind(
        sneaker,
        ("low", "high", "runner", "slip-on"),
        ("canvas", "leather", "suede", "mesh"),
        scenes.STANDING,
        size=0.88,
        foot=81,
        flips=True,
    ),
    "backpacks": Kind(
        backpack,
        ("daypack", "roll-top", "rucksack"),
        ("canvas", "nylon", "leather"),
        scenes.STANDING,
        size=0.88,
        foot=91,
    ),
    "caps": Kind(
        cap,
        ("baseball", "beanie", "bucket"),
        ("cotton", "wool", "leather", "denim"),
        scenes.LYING,
        size=0.86,
        turn=6,
        flips=True,
    ),
    "watches": Kind(
        watch, ("round", "square", "diver"), ("leather", "canvas", "nylon"), scenes.LYING, size=0.92, turn=24
    ),
    "mugs": Kind(
        mug,
        ("straight", "round", "tapered", "camp"),
        ("ceramic", "stoneware", "enamel"),
        scenes.STANDING,
        size=0.92,
        foot=86,
        flips=True,
    ),
    "lamps": Kind(
        lamp,
        ("bottle", "column", "tripod", "mushroom"),
        ("linen", "paper", "rattan"),
        scenes.STANDING,
        size=0.90,
    ),
    "chairs": Kind(
        chair,
        ("armchair", "wing", "shell", "dining"),
        ("velvet", "linen", "leather", "wool"),
        scenes.FURNITURE,
        size=0.88,
    ),
}


@dataclass(frozen=True)
class Photo:
    """Pixels (320, 320, 3), and per region ("pattern", "logo", "product") its coverage 0..1 of every pixel."""

    pixels: NDArray[np.uint8]
    regions: dict[str, Floats]

    def jpeg(self) -> bytes:
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(self.pixels).save(out, "JPEG", quality=90, subsampling=0, optimize=True)
        return out.getvalue()


def draw(look: Look, seed: str, number: int = 0) -> Photo:
    """Draw photo `number` of a product: 0 shows it whole, 1 comes closer, elsewhere.

    Everything but the pattern and the logo themselves is the same with and without them.
    """
    kind = KINDS[look.category]
    rng = Random(f"{seed}:view:{number}")
    canvas = _camera(kind, rng, number)
    standing = kind.places is scenes.STANDING or kind.places is scenes.FURNITURE
    names = list(kind.places)
    place = rng.choices(names, [kind.places[name][1] for name in names])[0]
    foot = canvas.place([(50, kind.foot)])[0, 1] / SIZE
    kind.places[place][0](canvas, Random(f"{seed}:scene:{number}"), min(float(foot), 0.97))
    kind.draw(Studio(look, canvas, seed))
    scenes.throw_shadow(canvas, standing, rng)
    _lens(canvas, rng)
    return Photo(canvas.finish(), {**canvas.regions, "product": canvas.silhouette})


def _camera(kind: Kind, rng: Random, number: int) -> Canvas:
    size = kind.size * rng.uniform(0.94, 1.03)
    if number:
        size *= rng.uniform(1.22, 1.4)
    scale = size * SIZE / 100
    slack = (SIZE - 100 * scale) / 2
    left = slack + rng.uniform(-6, 6)
    top = slack + rng.uniform(-4, 4) - (8 * scale if number else 0)
    return Canvas(scale, left, top, rng.uniform(-kind.turn, kind.turn), kind.flips and rng.random() < 0.5)


def _lens(canvas: Canvas, rng: Random) -> None:
    """Exposure, warmth and a little sensor noise, so that no two photos are lit alike."""
    warm, light = rng.uniform(-0.035, 0.035), rng.uniform(0.95, 1.04)
    canvas.rgb *= np.array([light * (1 + warm), light, light * (1 - warm)], np.float32)[:, None, None]
    canvas.rgb += np.float32(2.2) * noise(rng, (SIZE, SIZE), 1, 1)


def cells(region: Floats) -> list[float]:
    """A region's coverage of each cell of a 28 x 28 grid, row by row, rounded to 1/64."""
    edges = [round(index * SIZE / GRID) for index in range(GRID + 1)]
    levels = np.rint(region * 64).astype(np.int64)
    sums = np.add.reduceat(np.add.reduceat(levels, edges[:-1], axis=0), edges[:-1], axis=1)
    sides = np.diff(edges)
    return [int(value) / 64 for value in (sums // (sides[:, None] * sides)).ravel()]


def boxes(region: Floats) -> list[tuple[float, float, float, float]]:
    """The boxes (x0, y0, x1, y1 in 0..1) of a region's separate pieces, largest first; specks are left out.

    Pieces are told apart on a grid of 4 x 4 pixels: parts closer than that count as one.
    """
    seen = region > 0.5
    coarse: NDArray[np.bool_] = np.asarray(seen.reshape(SIZE // 4, 4, SIZE // 4, 4).any(axis=(1, 3)))
    found: list[tuple[int, tuple[float, float, float, float]]] = []
    while coarse.any():
        row, column = (int(value) for value in np.argwhere(coarse)[0])
        piece = _grow(coarse, row, column)
        coarse &= ~piece
        fine = seen & piece.repeat(4, 0).repeat(4, 1)
        area = int(fine.sum())
        if area >= 60:
            rows, columns = np.flatnonzero(fine.any(axis=1)), np.flatnonzero(fine.any(axis=0))
            ends = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            x0, y0, x1, y1 = (int(value) / SIZE for value in ends)
            found.append((area, (x0, y0, x1, y1)))
    return [box for _, box in sorted(found, key=lambda piece: (-piece[0], piece[1]))]


def _grow(seen: NDArray[np.bool_], row: int, column: int) -> NDArray[np.bool_]:
    """The connected piece of `seen` that holds one cell."""
    piece = np.zeros_like(seen)
    piece[row, column] = True
    size = 0
    while (total := int(piece.sum())) != size:
        size = total
        near = piece.copy()
        near[1:] |= piece[:-1]
        near[:-1] |= piece[1:]
        near[:, 1:] |= near[:, :-1].copy()
        near[:, :-1] |= near[:, 1:].copy()
        piece = near & seen
    return piece
