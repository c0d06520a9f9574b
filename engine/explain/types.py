"""The explanation contract: small frozen arrays that travel between processes and serialise to JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.versions import current

if TYPE_CHECKING:  # the window is on the screen before it has loaded it
    import numpy as np
    from numpy.typing import NDArray

Modality = Literal["text", "image", "audio", "attribute", "link", "identity", "history"]
MODALITIES: tuple[Modality, ...] = ("image", "text", "audio", "attribute", "link", "identity", "history")


@dataclass(frozen=True)
class Token:
    """One part of a product, or a past event, that carries a share of the score.

    `field` names the text a word stands in (an `ItemText.field`), the photo's path, the attribute's name, the link's
    relation or the product of the past event (modality "history": what it adds directly, past the sequence). `span` is
    (start, end) in characters of the original text; `box` is (x0, y0, x1, y1) in 0..1 of the photo, from its top left
    corner; `time` is (start, end) in seconds of the recording.
    """

    modality: Modality
    label: str
    field: str = ""
    span: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None
    time: tuple[float, float] | None = None


@dataclass(frozen=True)
class ItemText:
    """A text of the product as it was written. `heeded` is False for one that the model was not given."""

    field: str  # "title", "description" or "review:<id>"
    text: str
    author: str = ""  # a pseudonym; empty when it was not written by a shopper of this dataset
    rating: float | None = None
    heeded: bool = True


@dataclass(frozen=True)
class HistoryEvent:
    """One past event of the shopper, oldest first, and its share of the score (None where it was not computed)."""

    item: str
    title: str
    time: str  # ISO 8601, UTC
    kind: str
    image: str | None
    contribution: float | None = None


@dataclass(frozen=True)
class RuleEffect:
    """What a business rule did to one product's place. Ranks are from 1, 0 for out of the list; score_change is a term
    of its own beside the model's score."""

    rule: str
    kind: str  # filter, exclude, boost, diversity, exposure or pin
    rank_before: int
    rank_after: int
    score_change: float


@dataclass(frozen=True)
class Removal:
    """A part that was removed for real, and where the product stood then."""

    kind: str  # word, words (all), photo, attribute, link, audio, or history
    label: str
    places: int  # tokens that were removed
    score: float
    rank: int


@dataclass(frozen=True)
class Faithfulness:
    """How much better a map finds what matters than 10 random orders do, measured in the model.

    `grade` is A to F and `z` what it rests on: see `engine/faithfulness/orders.py`. Figures are in units of score.
    `deletion` is the mean change of the score while content is removed in the map's order (largest share first) in ten
    equal steps, lower is better; `insertion` the same while only that is kept, higher is better; `rank_deletion` the
    mean change of 1 / log2(rank + 1) in the whole catalogue under deletion. `random...` hold the same for each random
    order. `drop` and `random_drop` are the falls in score when the first 20 % are removed (map; mean of random orders),
    `rank_after` and `random_rank_after` (median) the product's ranks after that. `comprehensiveness` and `sufficiency`
    are the mean falls while the first 10 to 50 % are removed, or alone kept (lower is better there). `necessary`: out
    of the top 10 without the first 20 %; `sufficient`: in it with only those; for random orders, how often.
    """

    grade: str
    deletion: float
    random: tuple[float, ...]
    drop: float
    random_drop: float
    rank_after: int
    random_rank_after: int
    z: float = 0.0
    insertion: float = 0.0
    random_insertion: tuple[float, ...] = ()
    rank_deletion: float = 0.0
    random_rank_deletion: tuple[float, ...] = ()
    comprehensiveness: float = 0.0
    random_comprehensiveness: float = 0.0
    sufficiency: float = 0.0
    random_sufficiency: float = 0.0
    necessary: bool = False
    random_necessary: float = 0.0
    sufficient: bool = False
    random_sufficient: float = 0.0


def _nothing() -> NDArray[np.float64]:
    import numpy as np

    return np.zeros(0)


@dataclass(frozen=True)
class Explanation:
    """Why `item` has `score` for `user`, token by token.

    contribution: float64[tokens]: under method `contribution` they and `bias` sum to `score`.
    contribution_by_head: float64[tokens, heads]; attention: float64[tokens, heads], each column sums to 1 within what
    the fusion normalises over. Identity is a token with attention 0. `completeness_gap` is sum + bias - score.
    """

    run: str
    user: str
    item: str
    title: str
    rank: int
    catalogue: int  # how many items were ranked
    score: float
    bias: float
    method: str
    tokens: tuple[Token, ...]
    contribution: NDArray[np.float64]
    contribution_by_head: NDArray[np.float64]
    attention: NDArray[np.float64]
    texts: tuple[ItemText, ...]
    # Paths inside the dataset folder, or whole ones of a what-if's photos; the model was given the first.
    images: tuple[str, ...]
    grid: tuple[int, int]  # rows and columns of image cells; (0, 0) without a photo
    history: tuple[HistoryEvent, ...]
    completeness_gap: float
    faithfulness: Faithfulness | None
    seconds: float
    sums_to_score: bool = True  # False for methods whose numbers are not shares of the score (attention)
    schema_version: int = current("explanation")
    effects: tuple[RuleEffect, ...] = ()  # of business rules, in their order; `rank` is the model's, before them
    shown_rank: int | None = None  # under the rules: 0 when one took the product out, None without rules
    notes: tuple[str, ...] = ()  # what a reader must know: of a live history, of what cannot be explained
    share: NDArray[np.float64] = field(default_factory=_nothing)  # the map under `method`, float64[tokens]
    history_method: str = "leave-one-out"  # what the contributions of `history` are
    removals: tuple[Removal, ...] = ()  # what the sentences rest on, largest fall first
    removed: tuple[Token, ...] = ()  # parts of the page that a what-if took away: they are in no row

    @property
    def place(self) -> int:
        """The rank that is shown: under business rules where there are some, 0 where one took the product out."""
        return self.rank if self.shown_rank is None else self.shown_rank

    def parts(self) -> dict[str, float]:
        """The sum of contributions per modality, and "bias"."""
        sums: dict[str, float] = dict.fromkeys(MODALITIES, 0.0)
        for token, share in zip(self.tokens, self.contribution, strict=True):
            sums[token.modality] += float(share)
        return {**sums, "bias": self.bias}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, arrays as nested lists."""
        content = asdict(self)
        for name in ("contribution", "contribution_by_head", "attention", "share"):
            content[name] = getattr(self, name).tolist()
        return content
