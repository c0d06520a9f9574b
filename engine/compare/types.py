"""What is compared, and what a comparison says: small frozen values without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.answers import Ranking
from engine.errors import HeedmapError
from engine.explain.contrast_types import Contrast
from engine.explain.types import Explanation, Token
from engine.scenario import Scenario

UNCHANGED = Scenario()
Unit = Literal["score", "share"]


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared. run: its folder; epoch: one that the run has kept, or None for the
    finished run."""

    run: str
    user: str
    item: str
    method: str = "contribution"
    epoch: int | None = None
    scenario: Scenario = UNCHANGED

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"scenario": self.scenario.to_json()}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Side:
        """HeedmapError when it is not what `to_json` writes."""
        try:
            epoch = content["epoch"]
            return Side(
                str(content["run"]),
                str(content["user"]),
                str(content["item"]),
                str(content["method"]),
                None if epoch is None else int(epoch),
                Scenario.from_json(content["scenario"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HeedmapError("This is not a side of a comparison.", "Choose it again.") from error


@dataclass(frozen=True)
class Aligned:
    """What the maps of two sides give to the same thing, row by row.

    tokens: a row each; left, right: float64[rows], 0 where that side lacks it. left_rows, right_rows: the tokens of
    that side's explanation that a row stands for: several where a word stands in several places of two products, or
    where photo cells were resampled; none where the side lacks it.
    """

    tokens: tuple[Token, ...]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    left_rows: tuple[tuple[int, ...], ...]
    right_rows: tuple[tuple[int, ...], ...]

    @property
    def difference(self) -> NDArray[np.float64]:
        """left - right: float64[rows]."""
        return self.left - self.right


@dataclass(frozen=True)
class PartPair:
    """A part of both maps: a modality, or "bias"."""

    part: str
    left: float
    right: float


@dataclass(frozen=True)
class PastPair:
    """A past event of one shopper or of both, and what it is worth on each side; None where it was not, or was not
    measured."""

    item: str
    title: str
    time: str
    kind: str
    image: str | None
    left: float | None
    right: float | None


@dataclass(frozen=True)
class Agreement:
    """How alike two ranked lists are, of `depth` places each.

    shared: products in both. tau: Kendall's tau-b of their places, None below two shared products. rbo: rank-biased
    overlap, see `engine/compare/lists.py`.
    """

    depth: int
    shared: int
    tau: float | None
    rbo: float

    @property
    def overlap(self) -> float:
        """The share of the lists that both hold, in 0..1."""
        return self.shared / self.depth if self.depth else 0.0


@dataclass(frozen=True)
class Comparison:
    """Two explanations, two lists, and what differs.

    unit: "score" where both maps are shares of a score: then the rows' differences and that of the biases sum to the
    difference of the scores, up to `gap`. Else "share": each map of the page (without identity and past choices, of
    which some methods say nothing) is divided by the sum of its magnitudes, for numbers of two methods have no unit in
    common. magnitudes: one method knows no sign, so signs are left out of both.
    grids: rows and columns of both maps' photo cells and of the grid on which they were resampled, (left, right,
    common); None where they are the same. left_figures, right_figures: NDCG@10 by split, from the runs' cards, or
    validation's alone for an epoch. same_product: whether tokens were matched by their place, not by their meaning.
    ruled: how many business rules each list is under.
    """

    sides: tuple[Side, Side]
    left: Explanation
    right: Explanation
    left_list: Ranking
    right_list: Ranking
    same_product: bool
    rows: Aligned
    parts: tuple[PartPair, ...]
    past: tuple[PastPair, ...]
    unit: Unit
    magnitudes: bool
    grids: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None
    gap: float
    agreement: Agreement
    left_figures: dict[str, float]
    right_figures: dict[str, float]
    seconds: float
    ruled: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Above:
    """Why one product stands above another for one shopper: the exact contrast of the two, and what each past event is
    worth to them, which is measured by leaving it out and is no part of the sum. parts: the contrast's rows summed by
    modality, and "bias": they sum to the scores. run: its folder."""

    run: str
    user: str
    contrast: Contrast
    left_title: str
    right_title: str
    parts: tuple[PartPair, ...]
    past: tuple[PastPair, ...]
