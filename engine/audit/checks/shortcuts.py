"""Whether scores hang on marks, borders, corners or backgrounds of photos: suspected marks are put into photos that do
not bear them, and places are painted over, all in the real pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from engine.audit.check import Check, Example, Figure, Measured, Note, NotRun, Threshold
from engine.audit.checks.shortcuts_exchange import Exchange, exchanged
from engine.audit.draws import normal, normal_ratio, redrawn
from engine.audit.photos import BATCH, Photos, filled
from engine.audit.subject import Subject
from engine.explain.shortcuts import cell_groups, cell_shares
from engine.jobs import Job, Progress

Floats = NDArray[np.float64]
Box = tuple[int, int, int, int]  # rows and columns of cells: top, left, bottom, right, the last two not in it
MOST = 1.5  # times what a random place of that size does
_JOINED = 0.7  # cosine of the centres of two groups
CANDIDATES = 5  # groups of like cells that are put into other photos
CARRIED = 0.05  # standard deviations of a shopper's scores, that a mark may move all products alike
FEWEST = 8
_RANDOM = 2  # random places of each photo
_TRIES = 50
# What is asked of a group: part of the photos that bear it, categories over those of as many random products, part of
# its cells that stand together, how long a side that has, of the photo's, and the mean cosine to its centre.
_PART, _SPREAD, _PLACED, _LARGEST, _ALIKE = 0.03, 0.6, 0.75, 0.45, 0.5
_CORNER, _BORDER = 2 / 7, 1 / 14  # of the photo's side
_LIKE = 0.12  # of the range of colours, that a background's differ at most
_EXAMPLES = 6
_STAGE = "Painting over places of photos"


@dataclass(frozen=True)
class Mark:
    """Cells that look alike on many products, close together at the edge of the photo. lift: their share of the score
    over that of all cells at the edge."""

    box: Box
    items: NDArray[np.int64]
    lift: float


def marks(subject: Subject) -> Job:
    """Groups of like cells at the edges of photos, on products of many categories: do scores hang on them?"""
    photos = Photos(subject)
    found: tuple[Mark, ...] = yield from suspected(subject)
    if not found:
        nothing = [Figure(name, 0.0, n=len(photos.with_photo())) for name in ("suspected", "confirmed")]
        return Measured(tuple(nothing), (Note("none"),))
    random = subject.random("shortcuts.marks")
    shoppers = photos.asking(random)
    every = photos.with_photo()
    figures = [Figure("suspected", float(len(found)), n=len(every))]
    examples: list[Example] = []
    notes: list[Note] = []
    confirmed = 0
    grid = subject.run.catalogue.grid
    for number, mark in enumerate(found):
        where = _named(mark.box, grid)
        of = {"place": f"{number + 1}: {where}"}
        figures.append(Figure("part", len(mark.items) / len(every), n=len(every), of=of))
        alike = [one.items for one in found if _overlap(one.box, mark.box)]
        others = np.setdiff1d(every, np.concatenate(alike))
        if len(others) < FEWEST:
            notes.append(Note("everywhere", {"place": where, "n": len(others), "least": FEWEST}))
            continue
        mask = _boxed(mark.box, grid, photos.pixels(int(mark.items[0])).shape[-1])
        exchange: Exchange = yield from exchanged(photos, mask, mark.items, others, shoppers, random)
        figures += _mark_figures(exchange, len(found), of)
        if exchange.alike(len(found))[1] > CARRIED:
            confirmed += 1
            note = Note("mark", {"place": where, "n": len(mark.items)})
            notes.append(note)
            box = (mark.box[1] / grid[1], mark.box[0] / grid[0], mark.box[3] / grid[1], mark.box[2] / grid[0])
            order = exchange.items[np.argsort(-np.abs(exchange.change).mean(axis=1), kind="stable")][:_EXAMPLES]
            items = subject.run.data.items
            examples += [Example("product", item=items[one], note=note, box=box) for one in order.tolist()]
    figures.append(Figure("confirmed", float(confirmed), n=len(found)))
    return Measured(tuple(figures), tuple(notes), tuple(examples))


def _overlap(one: Box, other: Box) -> bool:
    return all(one[axis] < other[axis + 2] and other[axis] < one[axis + 2] for axis in (0, 1))


def _mark_figures(exchange: Exchange, judged: int, of: dict[str, str]) -> list[Figure]:
    return [Figure("alike", *exchange.alike(judged), len(exchange.items), of), *_moved(exchange.change, of)]


def suspected(subject: Subject) -> Job:
    """Return the Marks worth a look, most suspicious first: found by features and shares, proven by nothing yet."""
    run = subject.run
    _, size = yield from cell_shares(run)
    start = np.asarray(run.catalogue.image_start)
    item = np.repeat(np.arange(len(start) - 1), np.diff(start))
    grid = run.catalogue.grid
    row, column = np.divmod(np.arange(len(item)) - start[item], grid[1])
    states = np.asarray(run.catalogue.image, np.float32)
    group, centre = yield from cell_groups(states)
    category = np.unique([one or "" for one in run.texts.category], return_inverse=True)[1]
    edge = (row % (grid[0] - 1) == 0) | (column % (grid[1] - 1) == 0)
    usual, photos = max(float(size[edge].mean()), 1e-12), np.unique(item)
    found = []
    for number in range(len(centre)):
        there = np.flatnonzero(group == number)
        box = _compact(row[there], column[there], grid)
        if box is None:
            continue
        inside = (row[there] >= box[0]) & (row[there] < box[2]) & (column[there] >= box[1]) & (column[there] < box[3])
        own = there[inside]
        items = np.unique(item[own])
        if len(items) < max(FEWEST, _PART * len(photos)):
            continue
        length = np.linalg.norm(states[own], axis=1) * max(float(np.linalg.norm(centre[number])), 1e-12)
        alike = float((states[own] @ centre[number] / np.maximum(length, 1e-12)).mean())
        if alike >= _ALIKE and _spread(category[items], category[photos]) >= _SPREAD:
            found.append((Mark(box, items, float(size[own].mean()) / usual), centre[number]))
    return tuple(_joined(sorted(found, key=lambda one: -one[0].lift))[:CANDIDATES])


def _joined(found: list[tuple[Mark, NDArray[np.float32]]]) -> list[Mark]:
    """Groups that look alike and stand in the same place are one mark that was grouped apart."""
    joined: list[tuple[Mark, NDArray[np.float32]]] = []
    for one, centre in found:
        for at, (other, like) in enumerate(joined):
            cosine = float(centre @ like / max(float(np.linalg.norm(centre) * np.linalg.norm(like)), 1e-12))
            if one.box == other.box and cosine >= _JOINED:
                joined[at] = Mark(other.box, np.union1d(other.items, one.items), other.lift), like
                break
        else:
            joined.append((one, centre))
    return [one for one, _ in joined]


def _compact(row: NDArray[np.int64], column: NDArray[np.int64], grid: tuple[int, int]) -> Box | None:
    """The smallest box at an edge of the photo that holds most cells of a group, None where none is small enough."""
    places = np.zeros((grid[0] + 1, grid[1] + 1))
    np.add.at(places, (row + 1, column + 1), 1.0)
    total = places.cumsum(axis=0).cumsum(axis=1)
    most = max(1, round(_LARGEST * max(grid)))
    boxes = [
        (top, left, top + height, left + width)
        for height in range(1, min(most, grid[0]) + 1)
        for width in range(1, min(most, grid[1]) + 1)
        for top in range(grid[0] - height + 1)
        for left in range(grid[1] - width + 1)
        if top == 0 or left == 0 or top + height == grid[0] or left + width == grid[1]
    ]
    for box in sorted(boxes, key=lambda box: ((box[2] - box[0]) * (box[3] - box[1]), box)):
        top, left, bottom, right = box
        held = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
        if held >= _PLACED * len(row) > 0:
            return box
    return None


def _spread(own: NDArray[np.int64], every: NDArray[np.int64]) -> float:
    """Different categories among products, over what as many random ones have."""
    random = np.random.default_rng(1)
    usual = np.mean([len(np.unique(random.choice(every, len(own)))) for _ in range(20)])
    return len(np.unique(own)) / max(float(usual), 1.0)


@dataclass(frozen=True)
class Effects:
    """Changes of scores in standard deviations of a shopper's scores: place float64[photos, shoppers] where the place
    is painted over, random float64[photos, n, shoppers] where n random places are."""

    place: Floats
    random: Floats

    def common(self) -> tuple[Floats, Floats]:
        """What the place, and what random places, do to all photos alike: the size of each shopper's mean change, in
        the mean over shoppers. The value and each draw of photos: float64[1 + draws]."""
        photos, times, shoppers = self.random.shape
        columns = np.concatenate([self.place, self.random.reshape(photos, -1)], axis=1)
        drawn = redrawn(columns, np.arange(photos, dtype=np.int32), 1) / photos
        means = np.abs(np.concatenate([columns.mean(axis=0)[None], drawn])).reshape(-1, 1 + times, shoppers)
        return means[:, 0].mean(axis=1), means[:, 1:].mean(axis=(1, 2))

    def over(self, figures: int) -> tuple[float, float, float]:
        """The place's common effect over a random place's: value, low, high."""
        place, other = self.common()
        value = float(place[0] / max(other[0], 1e-12))
        return (value, *normal_ratio(value, place[1:], other[1:], figures))


def _figures(effect: Effects, judged: int, of: dict[str, str]) -> list[Figure]:
    return [Figure("over_random", *effect.over(judged), len(effect.place), of), *_moved(effect.place, of)]


def _moved(change: Floats, of: dict[str, str]) -> list[Figure]:
    """How far scores moved, and which way, float64[photos, shoppers] -> the mean over photos."""
    n = len(change)
    columns = np.stack([np.abs(change).mean(axis=1), change.mean(axis=1)], axis=1)
    drawn = redrawn(columns, np.arange(n, dtype=np.int32), 1) / n
    moved, push = columns.mean(axis=0).tolist()
    return [
        Figure("moved", moved, *normal(moved, drawn[:, 0]), n, of),
        Figure("push", push, *normal(push, drawn[:, 1]), n, of),
    ]


def _effects(photos: Photos, items: NDArray[np.int64], masked: object, shoppers: Tensor,
             random: np.random.Generator) -> Job:  # fmt: skip
    """Return the Effects of painting over the place that `masked` gives of each product's pixels, None for none."""
    spread = photos.spread(shoppers)
    place, other = [], []
    for done, item in enumerate(items.tolist()):
        yield Progress(_STAGE, done, len(items))
        pixels = photos.pixels(item)
        mask = masked(item, pixels)  # type: ignore[operator]
        if mask is None:
            continue
        masks = [mask, *(_elsewhere(mask, random) for _ in range(_RANDOM))]
        variants = torch.cat([pixels[None], filled(pixels, masks)])
        with torch.inference_mode():
            cells = torch.cat([photos.cells(some) for some in variants.split(BATCH)])
        scores = photos.scores(np.full(len(variants), item), cells, shoppers) / spread
        change = scores[1:] - scores[0]
        place.append(change[0])
        other.append(change[1:])
    if not place:
        return Effects(np.zeros((0, 1)), np.zeros((0, 1, 1)))
    return Effects(np.stack(place), np.stack(other))


def _elsewhere(mask: Tensor, random: np.random.Generator) -> Tensor:
    """A place as large as the mask: of the same shape and beside it where the mask is a box that leaves room, else a
    rectangle anywhere."""
    side = mask.shape[-1]
    there = np.argwhere(mask.cpu().numpy())
    top, left = there.min(axis=0)
    bottom, right = there.max(axis=0) + 1
    height, width = int(bottom - top), int(right - left)
    boxed = len(there) == height * width
    if not boxed:  # a frame or a background
        height = min(side, max(1, round(np.sqrt(len(there)) * float(random.uniform(0.8, 1.25)))))
        width = min(side, max(1, round(len(there) / height)))
    for _ in range(_TRIES if boxed else 1):
        found = torch.zeros_like(mask)
        row, column = int(random.integers(side - height + 1)), int(random.integers(side - width + 1))
        found[row : row + height, column : column + width] = True
        if not (found & mask).any():
            break
    return found


def _boxed(box: Box, grid: tuple[int, int], side: int) -> Tensor:
    """bool[side, side] of a box of cells."""
    rows, columns = (np.arange(count + 1) * side // count for count in grid)
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[rows[box[0]] : rows[box[2]], columns[box[1]] : columns[box[3]]] = True
    return mask


def _named(box: Box, grid: tuple[int, int]) -> str:
    """Where in the photo: "lower right"."""
    row, column = (box[0] + box[2]) / 2 / grid[0], (box[1] + box[3]) / 2 / grid[1]
    vertical = "upper" if row < 1 / 3 else "lower" if row > 2 / 3 else "middle"
    return f"{vertical} {'left' if column < 1 / 3 else 'right' if column > 2 / 3 else 'centre'}"


def places(subject: Subject) -> Job:
    """Corners, border and background of drawn photos, painted over."""
    photos = Photos(subject)
    random = subject.random("shortcuts.places")
    shoppers = photos.asking(random)
    with_photo = photos.with_photo()
    count = min(len(with_photo), subject.plan.sample_of(PLACES))
    drawn = np.sort(random.permutation(with_photo)[:count])
    if count < FEWEST:
        raise NotRun(Note("too_few", {"n": count, "least": FEWEST}))
    side = photos.pixels(int(drawn[0])).shape[-1]
    masks = _places(side)
    judged = len(masks) + 1
    figures: list[Figure] = []
    for name, mask in masks.items():
        effect = yield from _effects(photos, drawn, lambda item, pixels, one=mask: one, shoppers, random)
        figures += _figures(effect, judged, {"place": name})
    effect = yield from _effects(photos, drawn, lambda item, pixels: background(pixels), shoppers, random)
    notes = []
    if len(effect.place) >= FEWEST:
        figures += _figures(effect, judged, {"place": "background"})
    else:
        notes.append(Note("no_background", {"n": len(effect.place)}))
    return Measured(tuple(figures), tuple(notes))


def _places(side: int) -> dict[str, Tensor]:
    corner, border = round(_CORNER * side), max(1, round(_BORDER * side))
    found = {}
    for vertical, rows in (("upper", slice(0, corner)), ("lower", slice(side - corner, side))):
        for horizontal, columns in (("left", slice(0, corner)), ("right", slice(side - corner, side))):
            mask = torch.zeros(side, side, dtype=torch.bool)
            mask[rows, columns] = True
            found[f"{vertical} {horizontal}"] = mask
    frame = torch.ones(side, side, dtype=torch.bool)
    frame[border:-border, border:-border] = False
    return {**found, "border": frame}


def background(pixels: Tensor) -> Tensor | None:
    """bool[side, side] of what joins the photo's edge in the edge's colour; None where that is next to nothing or
    nearly everything."""
    photo = pixels.float()
    edge = torch.cat([photo[:, 0], photo[:, -1], photo[:, :, 0], photo[:, :, -1]], dim=1)
    colour = edge.median(dim=1).values
    reach = _LIKE * float(photo.max() - photo.min())
    like = ((photo - colour[:, None, None]).abs().amax(dim=0) <= reach).cpu().numpy()
    labels, _ = ndimage.label(like)
    outer = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    mask = np.isin(labels, outer[outer > 0])
    return torch.from_numpy(mask).to(pixels.device) if 0.1 <= mask.mean() <= 0.9 else None


_ASKED = Threshold("over_random", at_most=MOST)
_CARRIED = Threshold("alike", at_most=CARRIED)
MARKS = Check("shortcuts.marks", marks, (Threshold("confirmed", at_most=0), _CARRIED), cost=40.0)
PLACES = Check("shortcuts.places", places, (_ASKED,), spread=0.15, most=100, cost=0.5)
CHECKS = (MARKS, PLACES)
