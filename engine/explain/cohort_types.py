"""What sells a product to many shoppers: plain values, which travel to the window."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from engine.explain.types import Modality


@dataclass(frozen=True)
class CohortRow:
    """mean: the part's share of the score, in the mean over shoppers; low and high: its 95 % interval over them.

    places: tokens of the product that it stands for (a word may stand in several), or products that hold it.
    """

    modality: Modality
    label: str
    field: str
    mean: float
    low: float
    high: float
    places: int
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Cohort:
    """Rows from what helps most to what hurts most. `score` is the mean score; it is the sum of all rows and `bias`.

    Of what shoppers are shown: listed, the places of their lists that were looked at; rules, how many business rules
    these are under; risen, the places held by products that the model itself has further down.
    """

    item: str  # "" for all products that shoppers are recommended
    shoppers: int
    score: float
    bias: float
    rows: tuple[CohortRow, ...]
    gap: float = 0.0
    parts: tuple[CohortRow, ...] = ()  # the sum of each modality's rows
    products: tuple[str, ...] = ()  # that the means are taken over
    grid: tuple[int, int] = (0, 0)  # rows and columns of photo cells
    listed: int = 0
    risen: int = 0
    rules: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
