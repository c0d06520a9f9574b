"""Integrated gradients of words and pixels, through the encoders (Sundararajan et al. 2017).

The straight path goes from blanked words and a blurred photo to the product as it is, all at once; the integral is
Gauss-Legendre's, of 16 points. From an even colour the score would jump as soon as the photo has any contrast, and the
integral miss it. Attributes, links, identity and past events keep their exact share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.explain.case import Case
from engine.explain.deep.inputs import DeepCase
from engine.explain.method import STAGE, Map, Method
from engine.jobs import Job, Progress, finish

STEPS = 16
_AT_ONCE = 8  # points of the path whose gradients are taken together: half a gigabyte for a long page
_MISSED = 0.02  # of the difference of scores, above which a reader is told


@dataclass(frozen=True)
class Path:
    """shares: float64[raw tokens] of "text" and "image"; gained: score - score at the path's start, which they sum to
    but for `gap`, the error of the integral."""

    shares: dict[str, NDArray[np.float64]]
    gained: float
    gap: float


def attribute(case: Case) -> Map:
    found: Map = finish(stepwise(case))
    return found


def stepwise(case: Case) -> Job:
    """The same, a few points of the path a step."""
    deep = DeepCase(case)
    path = yield from integrated(deep)
    notes = deep.notes
    if abs(path.gap) > _MISSED * max(1.0, abs(path.gained)):
        notes += (
            f"The shares of words and cells sum to {path.gained + path.gap:.4f}, but the score gains"
            f" {path.gained:.4f} on their path.",
        )
    return Map(deep.rows(path.shares, deep.exact()), notes=notes)


def integrated(deep: DeepCase, steps: int = STEPS) -> Job:
    """Return the Path: shares of pieces and cells over a path of so many points."""
    ends = [deep.embeddings_of(one) for one in deep.passages]
    starts = [deep.blank_of(one) for one in deep.passages]
    if "image" in deep.kinds:
        ends.append(deep.photo)
        starts.append(deep.blurred)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    sums = [torch.zeros_like(one) for one in ends]
    for part in np.array_split(np.arange(steps), -(-steps // _AT_ONCE)):
        points = _points(starts, ends, (nodes[part] + 1) / 2)
        for one in points:
            one.requires_grad_()
        scores = _scores(deep, points)
        weighted = (scores * torch.from_numpy(weights[part] / 2).to(scores)).sum()
        for total, gradient in zip(sums, torch.autograd.grad(weighted, points), strict=True):
            total += gradient.sum(dim=0)
        yield Progress(STAGE)
    with torch.no_grad():
        gained = deep.score - float(_scores(deep, [start[None] for start in starts])[0])
    products = [
        ((end - start).double() * total.double()).cpu() for start, end, total in zip(starts, ends, sums, strict=True)
    ]
    shares = _shares(deep, products)
    return Path(shares, gained, sum(float(one.sum()) for one in shares.values()) - gained)


def _points(starts: list[Tensor], ends: list[Tensor], along: NDArray[np.float64]) -> list[Tensor]:
    """Points of the path, 0 its start and 1 its end: float[n, ...] of each input."""
    found = []
    for start, end in zip(starts, ends, strict=True):
        part = torch.from_numpy(along).to(end).view(-1, *[1] * end.ndim)
        found.append(start + part * (end - start))
    return found


def _scores(deep: DeepCase, points: list[Tensor]) -> Tensor:
    features: dict[str, Tensor] = {}
    if deep.passages:
        texts = points[: len(deep.passages)]
        features["text"] = deep.text_features(
            [deep.states_of(passage, one) for passage, one in zip(deep.passages, texts, strict=True)]
        )
    if "image" in deep.kinds:
        features["image"] = deep.photo_features(points[-1])
    return deep.scores(features)


def _shares(deep: DeepCase, products: list[Tensor]) -> dict[str, NDArray[np.float64]]:
    """Sums over each piece's embedding and each cell's pixels."""
    shares: dict[str, NDArray[np.float64]] = {}
    if deep.passages:
        pieces = [one.sum(dim=1)[passage.places.cpu()] for passage, one in zip(deep.passages, products, strict=False)]
        shares["text"] = torch.cat(pieces).numpy()
    if "image" in deep.kinds:
        tops, lefts = deep.cells()
        pixels = products[-1].sum(dim=0).numpy()
        shares["image"] = np.add.reduceat(np.add.reduceat(pixels, tops, axis=0), lefts, axis=1).ravel()
    return shares


METHOD = Method(
    attribute,
    "What each word and each cell's pixels add to the score on the way from a blank page and a blurred photo.",
    deep=True,
    stepwise=stepwise,
)
