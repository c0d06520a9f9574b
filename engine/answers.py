"""What the engine answers the window and the command line with: small frozen values without torch or pandas."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.explain.types import HistoryEvent, ItemText, RuleEffect, Token

if TYPE_CHECKING:  # the window is on the screen before it has loaded it
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class DatasetSummary:
    """A dataset in one glance. `folder` is absolute on this machine; all paths of photos are relative to it."""

    folder: str
    name: str
    domain: str
    source: str
    licence: str
    synthetic: bool
    counts: dict[str, int]
    time_range: tuple[str, str] | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Items:
    """The catalogue, column by column, in the model's order."""

    item: tuple[str, ...]
    title: tuple[str, ...]
    category: tuple[str, ...]  # the leaf of the path, or ""
    image: tuple[str | None, ...]  # the first photo
    popularity: tuple[int, ...]  # events in training

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True)
class Shoppers:
    """The shoppers, column by column; `taste` is what they bought most: up to two category or attribute values."""

    user: tuple[str, ...]
    events: tuple[int, ...]
    taste: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class RunSummary:
    """A trained run, opened: what the window needs to fill its lists."""

    run: str  # its name
    folder: str  # absolute
    dataset: DatasetSummary
    items: Items
    shoppers: Shoppers
    fusion: str
    heads: int
    methods: tuple[str, ...]
    modalities: tuple[str, ...]  # those the model was given
    encoders: dict[str, str]  # modality -> name of its encoder
    metrics: dict[str, float]  # validation and test figures, as in run.json
    epoch: int
    device: str
    config: dict[str, Any]
    epochs: tuple[int, ...] = ()  # those whose weights are kept beside the best


@dataclass(frozen=True)
class RankedItem:
    """One product of a ranked list; `parts` is its score by modality, with "identity" and "bias": they sum to it.

    Under business rules `rank` is the place that is shown, `model_rank` the model's own (0: as `rank`), and `effects`
    what each rule did; what rules added to the score is theirs alone, `score` stays the model's.
    """

    item: str
    title: str
    image: str | None
    rank: int
    score: float
    parts: dict[str, float]
    model_rank: int = 0
    effects: tuple[RuleEffect, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """The catalogue ranked for one shopper, best first, without what they had; and what they had, oldest first."""

    run: str
    user: str
    catalogue: int
    items: tuple[RankedItem, ...]
    history: tuple[HistoryEvent, ...]
    seconds: float
    notes: tuple[str, ...] = ()  # what must be said of this list: of a live history, of a rule
    rule_notes: tuple[str, ...] = ()  # those of `notes` that tell what a rule could not do


@dataclass(frozen=True)
class PastSplit:
    """One past purchase's share of a score, split. share: float64[tokens], of the past product's own parts; they sum to
    `by_sequence` up to `gap`. direct: what the purchase adds besides, past the sequence, which has no parts."""

    item: str
    title: str
    by_sequence: float
    direct: float
    tokens: tuple[Token, ...]
    share: NDArray[np.float64]
    gap: float

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "share": self.share.tolist()}


@dataclass(frozen=True)
class PastAttention:
    """What the newest place of a shopper's sequence reads. items: the past products that the model read, oldest first.

    attention: float64[layers, heads, events]; profile: float64[layers, heads], on the token that stands for the shopper
    alone; for each head the two sum to 1. A layer beyond the first reads what the one before made of a purchase and of
    those before it.
    """

    items: tuple[str, ...]
    attention: NDArray[np.float64]
    profile: NDArray[np.float64]


@dataclass(frozen=True)
class PastPairs:
    """Which past event speaks for which part of a product. items: the past products that the model read, oldest first.

    share: float64[events, rows], by how much less a row of the explanation would count without that event; fall:
    float64[events], by how much the score falls (leave-one-out). Rows sum to it but for `elsewhere`, float64[events]:
    rounding, and under `cross` fusion what the attention's own change adds.
    """

    items: tuple[str, ...]
    share: NDArray[np.float64]
    fall: NDArray[np.float64]
    elsewhere: NDArray[np.float64]


@dataclass(frozen=True)
class ItemPage:
    """A product's page as the dataset has it. attributes: all (name, value) pairs, brand, category levels and price
    among them, as `ItemEdit.attributes` takes them. editable: whether the run reads pages at all."""

    item: str
    title: str
    texts: tuple[ItemText, ...]
    images: tuple[str, ...]  # paths inside the dataset folder; the model is given the first
    attributes: tuple[tuple[str, str], ...]
    editable: bool = True


@dataclass(frozen=True)
class AttributeValues:
    """One attribute's name and the values that training met, most frequent first. numeric: a product has a number,
    which falls into one of the ranges that `values` then are, rising."""

    name: str
    values: tuple[str, ...]
    numeric: bool = False
