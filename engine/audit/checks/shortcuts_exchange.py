"""What the content of one place of photos does to scores: it is put into photos that lack it, and what stands there
else is put into the same photos, so that the two differ in nothing but the mark."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from engine.audit.photos import Photos
from engine.jobs import Job, Progress

Floats = NDArray[np.float64]
PAIRS = 40  # photos that bear the mark, each beside one that does not
HOSTS = 2  # photos that each pair is put into
_STAGE = "Exchanging places of photos"


@dataclass(frozen=True)
class Exchange:
    """change: float64[pairs, shoppers], the score of a photo with the place of one that bears the mark, less that of
    the same photo with the place of one that does not, in standard deviations of a shopper's scores. items: whose mark
    it was, int64[pairs]."""

    change: Floats
    items: NDArray[np.int64]

    def alike(self, figures: int = 1) -> tuple[float, float, float]:
        """What the mark does to all products alike: the size of the mean change of a shopper's scores, as the root of
        the mean square over shoppers: value, low, high.

        Chance adds to the square of a mean, and the more the fewer photos there are. So it is taken from products of
        changes by different marks alone (a U-statistic, Hoeffding 1948), its error from leaving out one after the other
        (jackknife, Arvesen 1969). With several `figures` the 95 % interval holds for all together (Bonferroni)."""
        count, shoppers = self.change.shape
        products = self.change @ self.change.T / shoppers
        np.fill_diagonal(products, 0.0)
        each = products.sum(axis=1) / (count - 1)
        square = float(each.mean())
        error = 2.0 / (count - 2) * math.sqrt((count - 1) / count * float(np.square(each - square).sum()))
        reach = float(stats.t.ppf(1 - 0.025 / max(1, figures), count - 1)) * error
        value, low, high = (math.sqrt(max(one, 0.0)) for one in (square, square - reach, square + reach))
        return value, low, high


def exchanged(
    photos: Photos,
    mask: Tensor,
    bearers: NDArray[np.int64],
    others: NDArray[np.int64],
    shoppers: Tensor,
    random: np.random.Generator,
) -> Job:
    """Return the Exchange of a place, bool[side, side], between products that bear the mark there and others."""
    spread = photos.spread(shoppers)
    drawn, pool = random.permutation(bearers)[:PAIRS], _drawn(others, random)
    changes = []
    for done, item in enumerate(drawn.tolist()):
        yield Progress(_STAGE, done, len(drawn))
        other, *hosts = (next(pool) for _ in range(1 + HOSTS))
        with_mark, without = photos.pixels(item), photos.pixels(other)
        inside = [photos.pixels(host) for host in hosts]
        variants = [torch.where(mask, place, host) for place in (with_mark, without) for host in inside]
        with torch.inference_mode():
            cells = photos.cells(torch.stack(variants))
        scores = photos.scores(np.array(hosts * 2), cells, shoppers) / spread
        changes.append((scores[:HOSTS] - scores[HOSTS:]).mean(axis=0))
    return Exchange(np.stack(changes), drawn)


def _drawn(items: NDArray[np.int64], random: np.random.Generator) -> Iterator[int]:
    """Products in random order, all of them before one comes again."""
    while True:
        yield from random.permutation(items).tolist()
