"""What a contrast says, and what makes parts of two products the same. Plain values, for the window too."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from engine.explain.types import Modality, Token


@dataclass(frozen=True)
class ContrastRow:
    """left and right: shares of the score, 0 where that side lacks the part; `span` and `box` as in `Token`."""

    modality: Modality
    label: str
    field: str
    left: float
    right: float
    span: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None

    @property
    def difference(self) -> float:
        return self.left - self.right


@dataclass(frozen=True)
class Contrast:
    """score_left - score_right = sum of the rows' differences + bias_left - bias_right, up to `gap`.

    kind: "products", "segment" or "runs". Rows are ordered by the size of their difference.
    """

    kind: str
    left: str
    right: str
    score_left: float
    score_right: float
    rank_left: float
    rank_right: float
    bias_left: float
    bias_right: float
    rows: tuple[ContrastRow, ...]
    gap: float

    def to_json(self) -> dict[str, Any]:
        rows = [asdict(row) | {"difference": row.difference} for row in self.rows]
        return asdict(self) | {"rows": rows}


def meaning(token: Token) -> Any:
    """What makes parts of two products the same: all places of a word are one."""
    if token.modality == "text":
        return token.modality, token.label.casefold()
    if token.modality == "image":
        return token.modality, token.box
    if token.modality == "identity":
        return (token.modality,)
    return token.modality, token.field, token.label


def place(token: Token) -> Any:
    """What makes parts of one product the same."""
    return token.modality, token.field, token.label, token.span, token.box
