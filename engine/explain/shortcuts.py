"""Shortcuts in photos: a watermark, a border, a price tag, a background that carries score across many products.

Such a thing looks alike on every photo that bears it, and often stands in one place, whatever the product is. So the
cells of all photos are grouped by their features (k-means), and a group is reported when its cells look alike, come
from many different products, and carry clearly more of the score than cells usually do.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from engine.errors import HeedmapError
from engine.explain.cohort import SHOPPERS
from engine.jobs import Job, Progress
from engine.recommend import Recommender

STAGE = "Looking for shortcuts"
GROUPS = 64
LIFT, ALIKE, PRODUCTS, SPREAD = 2.0, 0.85, 0.02, 0.6  # what is asked of a group, in the terms of `Shortcut`
_SAMPLE = 40_000  # cells that groups are formed on
_PHOTOS = 256  # at once
_SHOWN = 6


@dataclass(frozen=True)
class Shortcut:
    """A group of cells that look alike. lift: mean size of their share of the score over that of all cells; alike: mean
    cosine to the group's centre; part: of products with a photo that bear one; spread: different categories among
    them, over what as many random products have; place: (row, column) of the grid where most of them stand, and
    `placed` what part of them stands there; push: mean signed share; examples: (product, row, column)."""

    lift: float
    alike: float
    part: float
    spread: float
    place: tuple[int, int]
    placed: float
    push: float
    examples: tuple[tuple[str, int, int], ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def shortcuts(recommender: Recommender) -> Job:
    """Return the Shortcuts of a run, largest lift first. HeedmapError when it reads no photos."""
    catalogue = recommender.catalogue
    if "image" not in recommender.model.shape.tower.features or not len(catalogue.image):
        raise HeedmapError(f"{recommender.folder.name} reads no photos.", "Train a run with the image modality.")
    share, size = yield from cell_shares(recommender)
    start = np.asarray(catalogue.image_start)
    item = np.repeat(np.arange(len(start) - 1), np.diff(start))
    cell = np.arange(len(item)) - start[item]
    states = np.asarray(catalogue.image, np.float32)
    group, centre = yield from cell_groups(states)
    category = np.unique([facts or "" for facts in recommender.texts.category], return_inverse=True)[1]
    found = []
    for number in range(len(centre)):
        rows = np.flatnonzero(group == number)
        one = _described(rows, share, size, states, centre[number], item, cell, category, recommender)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda one: -one.lift))


def cell_shares(recommender: Recommender) -> Job:
    """Of every cell of every photo: the mean share over shoppers, signed and by size: float64[cells] each."""
    data = recommender.data
    active = np.flatnonzero(np.diff(data.start) > 0)
    random = np.random.default_rng(recommender.config.seed)
    asked = active if len(active) <= SHOPPERS else np.sort(random.choice(active, SHOPPERS, replace=False))
    histories = [recommender.past(data.users[user]).history for user in asked]
    shoppers = recommender.shopper_vectors(histories)
    tower = recommender.model.tower
    signed, size = [], []
    items = np.flatnonzero(np.diff(recommender.catalogue.image_start))
    for first in range(0, len(items), _PHOTOS):
        yield Progress(STAGE, first, len(items))
        index = torch.from_numpy(items[first : first + _PHOTOS]).to(recommender.device)
        with torch.inference_mode():
            tokens = recommender.tokens.batch(index)
            alpha, gates = tower.attention(tokens)["image"], tower.gates(tower.pooled(tokens), tokens)["image"]
            batch = tokens["image"]
            values = tower.token_values("image", batch.x.flatten(0, 1)).view(*batch.x.shape[:2], alpha.shape[1], -1)
            heeded = torch.einsum("iht,ithd->itd", alpha, values) * gates[:, :, None]
            shares = (heeded @ shoppers.T)[batch.there]
        signed.append(shares.mean(dim=1).double().cpu().numpy())
        size.append(shares.abs().mean(dim=1).double().cpu().numpy())
    return np.concatenate(signed), np.concatenate(size)


def cell_groups(states: NDArray[np.float32]) -> Job:
    """The group of each cell: int64[cells], and the centres: float32[groups, features]."""
    yield Progress("Grouping cells of photos")
    random = np.random.default_rng(1)
    sample = states if len(states) <= _SAMPLE else states[np.sort(random.choice(len(states), _SAMPLE, replace=False))]
    groups = max(2, min(GROUPS, len(sample) // 20))
    centre, _ = kmeans2(sample, groups, iter=20, minit="++", seed=1, missing="warn")
    blocks = np.array_split(states, max(1, len(states) // 20_000))
    sizes = np.square(centre).sum(axis=1) / 2
    group = np.concatenate([(block @ centre.T - sizes).argmax(axis=1) for block in blocks])
    return group, centre


def _described(
    rows: NDArray[np.int64],
    share: NDArray[np.float64],
    size: NDArray[np.float64],
    states: NDArray[np.float32],
    centre: NDArray[np.float32],
    item: NDArray[np.int64],
    cell: NDArray[np.int64],
    category: NDArray[np.int64],
    recommender: Recommender,
) -> Shortcut | None:
    """The group as a Shortcut, None where it is none."""
    bearers, photos = np.unique(item[rows]), len(np.unique(item))
    if len(bearers) < max(3, PRODUCTS * photos):
        return None
    lift = float(size[rows].mean() / max(size.mean(), 1e-12))
    length = np.linalg.norm(states[rows], axis=1) * max(float(np.linalg.norm(centre)), 1e-12)
    alike = float((states[rows] @ centre / np.maximum(length, 1e-12)).mean())
    if lift < LIFT or alike < ALIKE:
        return None
    random = np.random.default_rng(1)
    usual = float(np.mean([len(np.unique(random.choice(category[np.unique(item)], len(bearers)))) for _ in range(20)]))
    spread = len(np.unique(category[bearers])) / max(usual, 1.0)
    if spread < SPREAD:  # what all lamps have is a lamp's
        return None
    grid = max(1, recommender.catalogue.grid[1])
    places = np.bincount(cell[rows])
    best = int(places.argmax())
    shown = rows[np.argsort(-size[rows], kind="stable")]
    examples: dict[int, tuple[str, int, int]] = {}
    for row in shown.tolist():
        name = recommender.data.items[int(item[row])]
        examples.setdefault(int(item[row]), (name, int(cell[row]) // grid, int(cell[row]) % grid))
        if len(examples) == _SHOWN:
            break
    return Shortcut(
        lift,
        alike,
        len(bearers) / photos,
        spread,
        (best // grid, best % grid),
        float(places[best] / len(rows)),
        float(share[rows].mean()),
        tuple(examples.values()),
    )


def shortcuts_text(found: tuple[Shortcut, ...]) -> str:
    """Lines for a terminal."""
    if not found:
        return "No group of like cells carries clearly more of the score than cells do."
    lines = ["Cells that look alike on many products and carry more of the score than cells do:"]
    for one in found:
        where = f"row {one.place[0] + 1}, column {one.place[1] + 1} ({one.placed:.0%} of them)"
        lines.append(
            f"{one.lift:.1f} times the usual share ({one.push:+.4f} a cell), on {one.part:.0%} of the products, in"
            f" {one.spread:.0%} of the categories to be expected, most at {where}; see "
            + ", ".join(f"{name} ({row + 1}, {column + 1})" for name, row, column in one.examples)
        )
    return "\n".join(lines)
