"""Two maps set against each other: what stands for the same thing on both sides is one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compare.types import Aligned, PartPair, PastPair, Unit
from engine.explain.contrast_types import meaning, place
from engine.explain.types import MODALITIES, Explanation, HistoryEvent, Token

Grid = tuple[int, int]
Box = tuple[float, float, float, float]


BESIDE = ("identity", "history")  # no part of the page: some methods say nothing of them


def values_of(found: Explanation, unit: Unit, magnitudes: bool) -> NDArray[np.float64]:
    """A number per token of an explanation in the unit of a comparison: float64[tokens]."""
    values = found.share if len(found.share) else found.contribution
    if unit == "score":
        return values
    values = np.where([token.modality in BESIDE for token in found.tokens], 0.0, values)
    if magnitudes:
        values = np.abs(values)
    total = float(np.abs(values).sum())
    return values / total if total > 0 else values


def common_grid(left: Grid, right: Grid) -> Grid | None:
    """The grid on which photo cells of two different grids are compared, the finer one along each side; None where they
    are the same or one side has no photo."""
    if left == right or 0 in left or 0 in right:
        return None
    return max(left[0], right[0]), max(left[1], right[1])


def aligned(
    left: Explanation, right: Explanation, left_values: NDArray[np.float64], right_values: NDArray[np.float64]
) -> Aligned:
    """Rows of both sides. Of one product, tokens are the same where their place is; of two, where their meaning is: all
    places of a word are one, an attribute is its name and value, photo cells are those of the same place.

    Photo cells of different grids are resampled to `common_grid`, each share spread evenly over its cell's area, so
    that sums stay what they are.
    """
    same = place if left.item == right.item else meaning
    grid = common_grid(left.grid, right.grid)
    rows: dict[Any, _Row] = {}
    for side, (found, values) in enumerate(((left, left_values), (right, right_values))):
        cells = [row for row, token in enumerate(found.tokens) if token.modality == "image"]
        for row, token in enumerate(found.tokens):
            if grid is None or token.modality != "image":
                rows.setdefault(same(token), _Row(token)).add(side, float(values[row]), row)
        if grid is not None and cells:
            for token, share, sources in _resampled(found.tokens, values, cells, grid):
                rows.setdefault(same(token), _Row(token)).add(side, share, *sources)
    each = list(rows.values())
    return Aligned(
        tuple(row.token for row in each),
        np.array([row.values[0] for row in each], dtype=np.float64),
        np.array([row.values[1] for row in each], dtype=np.float64),
        tuple(tuple(row.rows[0]) for row in each),
        tuple(tuple(row.rows[1]) for row in each),
    )


class _Row:
    def __init__(self, token: Token) -> None:
        self.token = token
        self.values = [0.0, 0.0]
        self.rows: tuple[list[int], list[int]] = ([], [])

    def add(self, side: int, value: float, *rows: int) -> None:
        self.values[side] += value
        self.rows[side].extend(rows)


def _resampled(
    tokens: Sequence[Token], values: NDArray[np.float64], cells: list[int], grid: Grid
) -> list[tuple[Token, float, list[int]]]:
    """The cells of a grid over the whole photo: a token each, its share, and the cells it was made of."""
    boxes = np.array([tokens[row].box or (0.0, 0.0, 1.0, 1.0) for row in cells], dtype=np.float64)
    down = _covered(boxes[:, 1], boxes[:, 3], grid[0])
    across = _covered(boxes[:, 0], boxes[:, 2], grid[1])
    parts = (down[:, :, None] * across[:, None, :]).reshape(len(cells), -1)
    shares = values[cells] @ parts
    made = []
    for number in range(parts.shape[1]):
        row, column = divmod(number, grid[1])
        box = (column / grid[1], row / grid[0], (column + 1) / grid[1], (row + 1) / grid[0])
        sources = [cells[at] for at in np.flatnonzero(parts[:, number] > 1e-9)]
        made.append((Token("image", f"{row + 1}, {column + 1}", "", box=box), float(shares[number]), sources))
    return made


def _covered(start: NDArray[np.float64], end: NDArray[np.float64], parts: int) -> NDArray[np.float64]:
    """How much of each stretch from `start` to `end` lies in each of `parts` equal parts of 0..1: float64[n, parts]."""
    edges = np.linspace(0, 1, parts + 1)
    shared = np.minimum(end[:, None], edges[None, 1:]) - np.maximum(start[:, None], edges[None, :-1])
    covered: NDArray[np.float64] = np.clip(shared, 0, None) / np.maximum(end - start, 1e-12)[:, None]
    return covered


def part_pairs(rows: Aligned, bias: tuple[float, float] | None) -> tuple[PartPair, ...]:
    """The rows of both sides summed by modality, those that either has; then the biases. bias: None where shares of
    the page alone are compared."""
    named = np.array([token.modality for token in rows.tokens])
    pairs = [
        PartPair(name, float(rows.left[named == name].sum()), float(rows.right[named == name].sum()))
        for name in MODALITIES
        if (named == name).any() and not (bias is None and name in BESIDE)
    ]
    return (*pairs, PartPair("bias", *bias)) if bias is not None else tuple(pairs)


def past_pairs(left: Sequence[HistoryEvent], right: Sequence[HistoryEvent]) -> tuple[PastPair, ...]:
    """The past events of both sides, newest first; the same product had twice is two events, matched by their order."""
    found: dict[tuple[str, int], tuple[HistoryEvent, list[float | None]]] = {}
    for side, events in enumerate((left, right)):
        times: dict[str, int] = {}
        for event in events:
            times[event.item] = times.get(event.item, 0) + 1
            both = found.setdefault((event.item, times[event.item]), (event, [None, None]))[1]
            both[side] = event.contribution
    pairs = [
        PastPair(event.item, event.title, event.time, event.kind, event.image, both[0], both[1])
        for event, both in found.values()
    ]
    return tuple(sorted(pairs, key=lambda one: one.time, reverse=True))
