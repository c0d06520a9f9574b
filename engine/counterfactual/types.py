"""What a counterfactual says: small frozen values that travel between processes and serialise to JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.explain.types import Token

Kind = Literal["history", "text", "image", "audio", "attribute", "link", "page"]
DROP_KINDS: tuple[Kind, ...] = ("history", "text", "image", "audio", "attribute", "link")


@dataclass(frozen=True)
class Counterfactual:
    """Without `removed`, `item` stands at `rank_after` for `user`, below `k`.

    kind: what was removed; "page" for parts of the product of several kinds. removed: past purchases are tokens of
    modality "history", whose field is the product. rows: places of `removed` among an explanation's tokens; for past
    purchases, in the shopper's whole past, oldest first. In `rank_after` what the shopper had stays out of the running;
    `rank_listed` is the place that a list shows once removed purchases may be recommended again. size: how many things
    are removed. connected: whether photo cells hang together. proven: every smaller set of this kind was tried.
    others: the smallest of each other kind that suffices.
    """

    run: str
    user: str
    item: str
    title: str
    k: int
    found: bool
    kind: Kind | None
    removed: tuple[Token, ...]
    rows: tuple[int, ...]
    rank_before: int
    rank_after: int
    rank_listed: int
    score_before: float
    score_after: float
    size: int
    proven: bool
    connected: bool
    tried: int
    seconds: float
    notes: tuple[str, ...] = ()
    others: tuple[Counterfactual, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Change:
    """One change of a product's page. kind: "add" or "replace". added: a token, or a run of words as one token, as it
    stands on the page of `source`, its field included. replaced: the value that it takes the place of. rows: for words,
    first and last place among the words of the source's texts."""

    kind: str
    added: Token
    source: str
    source_title: str
    replaced: Token | None = None
    rows: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Words count one each."""
        return 1 if self.rows is None else self.rows[1] - self.rows[0] + 1


@dataclass(frozen=True)
class Place:
    """Where the product stands for one shopper, before and after."""

    user: str
    rank_before: int
    rank_after: int
    score_before: float
    score_after: float


@dataclass(frozen=True)
class Lift:
    """With `changes`, `item` is in the first k places of `after` of these shoppers, of `before` without.

    found: it is so for at least `share` of them. size: values, links and words that the changes hold. proven: no single
    change of smaller size that is known suffices.
    """

    run: str
    item: str
    title: str
    k: int
    share: float
    found: bool
    changes: tuple[Change, ...]
    before: int
    after: int
    places: tuple[Place, ...]
    size: int
    proven: bool
    tried: int
    seconds: float
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
