"""Occlusion of larger units: spans of neighbouring words, and regions of like colour in the photo (superpixels).

One word of a phrase, or one cell of a stripe, is rarely missed alone: its neighbours say the same. Removing them
together shows what they are worth together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.dataset.store import open_photo
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.method import Map, Method
from engine.explain.occlusion import effects
from engine.explain.types import Token

SPAN = 3  # neighbouring words of one text
_BLOCK = 2  # cells a side, where the photo cannot be read


def attribute(case: Case) -> Map:
    """Each unit is removed whole and its effect shared evenly over its rows; a word in several spans takes the mean."""
    tokens = case.shown.tokens
    regions, notes = photo_regions(case)
    units = [*_spans(tokens), *regions]
    units += [np.array([row]) for row, one in enumerate(tokens) if one.modality not in ("text", "image")]
    removed = np.zeros((len(units), len(tokens)), dtype=bool)
    for place, rows in enumerate(units):
        removed[place, rows] = True
    even = effects(case, removed) / removed.sum(axis=1)
    share = (removed * even[:, None]).sum(axis=0) / removed.sum(axis=0)
    return Map(share, notes=notes)


def _spans(tokens: tuple[Token, ...]) -> list[NDArray[np.int64]]:
    """Every run of `SPAN` neighbouring words; all words of a shorter text."""
    fields: dict[str, list[int]] = {}
    for row, one in enumerate(tokens):
        if one.modality == "text":
            fields.setdefault(one.field, []).append(row)
    return [
        np.array(rows[first : first + SPAN])
        for rows in fields.values()
        for first in range(max(1, len(rows) - SPAN + 1))
    ]


def photo_regions(case: Case) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """The rows of each region of the photo, and what must be said of them. Nothing for a product without a photo."""
    rows = np.array([row for row, one in enumerate(case.shown.tokens) if one.modality == "image"], dtype=np.int64)
    if not len(rows):
        return [], ()
    height, width = case.recommender.catalogue.grid
    notes: tuple[str, ...] = ()
    try:
        photo = open_photo(case.recommender.dataset.folder / case.shown.tokens[rows[0]].field)
        label = superpixels(cell_colours(photo, height, width), wanted=max(2, 2 * round(len(rows) ** 0.5)))
    except HeedmapError:
        across = -(-width // _BLOCK)
        label = np.add.outer(np.arange(height) // _BLOCK * across, np.arange(width) // _BLOCK)
        notes = ("The photo's file cannot be read, so square blocks stand for regions of one colour.",)
    flat = label.ravel()[case.page.cells]
    return [rows[flat == one] for one in np.unique(flat)], notes


def cell_colours(photo: Image.Image, height: int, width: int) -> NDArray[np.float64]:
    """Mean luma and chroma of each cell (YCbCr, where distances lie nearer to what an eye sees than in RGB):
    float64[height, width, 3]."""
    return np.asarray(photo.convert("YCbCr").resize((width, height), Image.Resampling.BOX), dtype=np.float64)


def superpixels(colours: NDArray[np.float64], wanted: int) -> NDArray[np.int64]:
    """Connected regions of like colour, int64[height, width], by merging neighbours as Ward (1963): always the two
    whose union adds least to the squared distance of cells from their region's mean, until `wanted` are left."""
    height, width, _ = colours.shape
    label = np.arange(height * width).reshape(height, width)
    mean = {int(one): colour for one, colour in zip(label.ravel(), colours.reshape(-1, 3), strict=True)}
    size = dict.fromkeys(mean, 1)
    pairs = np.concatenate(
        [
            np.stack([label[:, :-1].ravel(), label[:, 1:].ravel()], axis=1),
            np.stack([label[:-1].ravel(), label[1:].ravel()], axis=1),
        ]
    )
    edges = {(int(a), int(b)) for a, b in pairs}

    def cost(edge: tuple[int, int]) -> float:
        a, b = edge
        return size[a] * size[b] / (size[a] + size[b]) * float(((mean[a] - mean[b]) ** 2).sum())

    costs = {edge: cost(edge) for edge in edges}
    while len(size) > wanted and costs:
        kept, gone = min(costs, key=lambda edge: (costs[edge], edge))
        mean[kept] = (size[kept] * mean[kept] + size[gone] * mean[gone]) / (size[kept] + size[gone])
        size[kept] += size.pop(gone)
        label[label == gone] = kept
        touched = {edge for edge in costs if kept in edge or gone in edge}
        for edge in touched:
            del costs[edge]
        for other in {one for edge in touched for one in edge} - {kept, gone}:
            edge = (min(kept, other), max(kept, other))
            costs[edge] = cost(edge)
    return label


METHOD = Method(
    attribute,
    "What the score loses when a span of three neighbouring words, or a region of like colour in the photo, is removed "
    "as a whole, shared evenly over its parts.",
)
