"""Products that are changed for one shopper each: where they stood in the list, and where they stand then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.audit.check import Check, Example, Figure, Note, NotRun
from engine.audit.draws import normal, redrawn
from engine.audit.subject import K, Subject
from engine.features.page import Page
from engine.live import Past
from engine.metrics.order import best
from engine.metrics.ranking import rank_of_target
from engine.model.scoring import scores_asked
from engine.model.tokens import Edited, Tokens
from engine.recommend import Recommender

FAR = 10  # places
OUTSIDE = 50  # places: attacks start from a product behind the list and within these
_EXAMPLES = 6


@dataclass(frozen=True)
class Pair:
    """A shopper and a product. shopper: u, float[dim]; scores: float32[items] as lists are made of them."""

    user: str
    item: int
    past: Past
    shopper: Tensor
    scores: NDArray[np.float32]

    @property
    def rank(self) -> int:
        return int(rank_of_target(self.scores[None], np.array([self.item]))[0])

    def rank_at(self, score: float) -> int:
        """Its rank with another score."""
        scores = self.scores.copy()
        scores[self.item] = score
        return int(rank_of_target(scores[None], np.array([self.item]))[0])


def pair(run: Recommender, user: str, item: int) -> Pair:
    past = run.past(user)
    shopper, scores = run.running(past)
    return Pair(user, item, past, shopper[0], scores)


def listed(subject: Subject, check: Check) -> Iterator[Pair]:
    """Drawn shoppers, each with a product of their list."""
    return _drawn(subject, check, 0, K)


def outside(subject: Subject, check: Check) -> Iterator[Pair]:
    """Drawn shoppers, each with a product that stands behind the list, within `OUTSIDE` places."""
    return _drawn(subject, check, K, OUTSIDE)


def _drawn(subject: Subject, check: Check, first: int, last: int) -> Iterator[Pair]:
    run, random = subject.run, subject.random(f"{check.name} products")
    for user in subject.shoppers(check).tolist():
        one = pair(run, run.data.users[user], 0)
        order = best(one.scores, last)[first:]
        if len(order):
            yield replace(one, item=int(order[int(random.integers(len(order)))]))


def changed_score(run: Recommender, one: Pair, page: Page) -> float:
    """The product's score for this shopper with another page."""
    assert isinstance(run.tokens, Tokens)
    source = Edited(run.tokens, {one.item: page})
    index = np.array([one.item])
    if run.config.fusion == "cross":
        return float(scores_asked(run.model, source, one.shopper[None], [one.past.history], index)[0])
    with torch.inference_mode():
        vector = run.model.item_vectors(torch.from_numpy(index).to(run.device), source)[0]
        return float(one.scores[one.item]) + float(one.shopper @ (vector - run.matrix[one.item]))


@dataclass
class Moves:
    """Ranks of pairs before and after a change."""

    user: list[str]
    item: list[str]
    before: list[int]
    after: list[int]

    @staticmethod
    def none() -> Moves:
        return Moves([], [], [], [])

    def add(self, run: Recommender, one: Pair, after: int) -> None:
        self.user.append(one.user)
        self.item.append(run.data.items[one.item])
        self.before.append(one.rank)
        self.after.append(after)

    def checked(self, least: int) -> None:
        if len(self.user) < least:
            raise NotRun(Note("too_few", {"n": len(self.user), "least": least}))

    def table(self) -> dict[str, list[object]]:
        return {"user": [*self.user], "item": [*self.item], "before": [*self.before], "after": [*self.after]}

    def figures(self, seed: int, of: dict[str, str], attack: bool = False) -> list[Figure]:
        """Places moved, the share moved far, and the share that left the list, or that an attack brought into it."""
        before, after = np.array(self.before), np.array(self.after)
        crossed = (after <= K) & (before > K) if attack else (after > K) & (before <= K)
        signed = before - after if attack else np.abs(after - before)
        columns = np.stack([signed, np.abs(after - before) > FAR, crossed], axis=1).astype(np.float64)
        users = np.unique(self.user, return_inverse=True)[1].astype(np.int32)
        drawn = redrawn(np.concatenate([columns, np.ones((len(columns), 1))], axis=1), users, seed)
        names = ("raised", "far", "entered") if attack else ("moved", "far", "left")
        found = []
        for at, name in enumerate(names):
            value = float(columns[:, at].mean())
            low, high = normal(value, drawn[:, at] / drawn[:, -1])
            if name in ("far", "entered", "left"):  # a share: with none or all met, by the rule of three
                low, high = max(0.0, low), min(1.0, high)
                high = max(high, min(1.0, 3 / len(columns))) if value == 0 else high
                low = min(low, max(0.0, 1 - 3 / len(columns))) if value == 1 else low
            found.append(Figure(name, value, low, high, len(columns), of))
        return found

    def examples(self, key: str) -> tuple[Example, ...]:
        """The pairs that moved most."""
        order = np.argsort(-np.abs(np.array(self.after) - np.array(self.before)), kind="stable")[:_EXAMPLES]
        return tuple(
            Example("pair", self.user[at], self.item[at],
                    note=Note(key, {"before": self.before[at], "after": self.after[at]}))
            for at in order.tolist() if self.before[at] != self.after[at]
        )  # fmt: skip
