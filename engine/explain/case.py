"""One (shopper, product) pair laid open: raw tokens, their names, and the product with some of them removed."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dataset.history import History
from engine.explain.naming import named
from engine.explain.types import Token
from engine.features.page import Page
from engine.live import Session, without
from engine.model.scoring import place_ahead, reranked, scores_asked
from engine.model.tower import TokenBatch, Tower
from engine.recommend import Recommender

_VARIANTS = 512  # scored at once
_LEAST = 1e-30  # attention below this has lost digits of float32


@dataclass(frozen=True)
class Shown:
    """Rows of an explanation: the product's tokens, identity, past events that count directly (the linear term).

    row_of: int64[raw tokens], the row of each raw token.
    """

    tokens: tuple[Token, ...]
    row_of: NDArray[np.int64]


class Case:
    """A pair under explanation. Raw tokens are numbered modality by modality, in the model's order."""

    def __init__(self, recommender: Recommender, user: str, item: str, session: Session | None = None) -> None:
        self.recommender, self.model = recommender, recommender.model
        self.past = recommender.past(user, session)
        self.user, self.history = self.past.user, self.past.history
        self.item = recommender.item(item)
        shopper, scores = recommender.read(self.history)
        self.shopper: Tensor = shopper[0]
        scores[self.history.items] = np.where(self.history.items == self.item, scores[self.history.items], -np.inf)
        # Under `cross` fusion, who asks shapes the attention; None where the product is asked for by nobody.
        self.asking: Tensor | None = None
        if recommender.config.fusion == "cross":
            best, anew = reranked(self.model, recommender.tokens, self.shopper, self.history, scores)
            if self.item in best:
                self.asking = self.shopper[None]
                scores[np.isfinite(scores)] = np.finfo(np.float32).min
                scores[best] = anew
            else:
                scores[best] = np.inf
        self.score = float(scores[self.item])
        others = np.delete(scores, self.item)
        others = others[others > -np.inf]
        self._others = np.sort(others)
        self.catalogue = len(others) + 1
        self.index = torch.tensor([self.item], device=recommender.device)
        with torch.inference_mode():
            self.bias = float(self.model.bias(self.index)[0])
            self.tokens = recommender.tokens.batch(self.index)
        self.tokens = {name: batch for name, batch in self.tokens.items() if bool(batch.there.any())}
        # What past events add by themselves, past the sequence: float64[events].
        self.direct = self.model.linear.shares(self.history.items, self.item)

    def scores_without_each(self, events: NDArray[np.int64]) -> NDArray[np.float64]:
        """The product's score, had one past event not been, for each of these places in the history: float64[n]."""
        histories, shoppers = self.recommender.each_without(self.past, events)
        return self._scores_of(histories, shoppers)

    def scores_of(self, histories: list[History]) -> NDArray[np.float64]:
        """The product's score for shoppers of these pasts: float64[n]."""
        return self._scores_of(histories, self.recommender.shopper_vectors(histories))

    def _scores_of(self, histories: list[History], shoppers: Tensor) -> NDArray[np.float64]:
        if self.asking is not None:
            items = np.full(len(histories), self.item)
            return scores_asked(self.model, self.recommender.tokens, shoppers, histories, items).astype(np.float64)
        direct = self.model.linear.totals([one.items for one in histories], self.item)
        vector = self.recommender.matrix[self.item].double()
        scores: NDArray[np.float64] = (shoppers.double() @ vector).cpu().numpy() + self.bias + direct
        return scores

    def history_of(self, kept: NDArray[np.bool_]) -> History:
        """The past, had only the events `kept`, bool[events], been."""
        return without(self.recommender.data, self.past, kept).history

    def ranked_without(self, events: list[int]) -> tuple[float, int]:
        """The product's score and its rank in the whole catalogue, ranked anew, had these past events not been.

        What the shopper had stays out of the running, as before.
        """
        kept = np.ones(len(self.history), dtype=bool)
        kept[events] = False
        history = self.history_of(kept)
        shopper = self.recommender.shopper_vectors([history])
        scores = self.recommender.scores(shopper, [history])[0]
        if self.recommender.config.fusion == "cross":
            place_ahead(scores, *reranked(self.model, self.recommender.tokens, shopper[0], history, scores))
        scores[self.history.items] = np.where(self.history.items == self.item, scores[self.history.items], -np.inf)
        own = float(scores[self.item])
        return own, int((scores > own).sum()) + 1

    def rank_of(self, score: float) -> int:
        """The product's rank, from 1, had it this score; among what the shopper does not have yet."""
        return int(len(self._others) - np.searchsorted(self._others, score, side="right")) + 1

    def ranks_of(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        """The same for many scores, of any shape."""
        below: NDArray[np.int64] = np.searchsorted(self._others, scores, side="right")
        return len(self._others) - below + 1

    @cached_property
    def network(self) -> Tower:
        """The tower in float64, without its tables: what the methods that need gradients go through."""
        tower = self.model.tower
        shape = replace(tower.shape, items=1, attributes=0, links=0, identity=False)
        double = Tower(shape).double()
        tables = ("identity.", "attribute.", "link.", "bias")
        state = {name: value for name, value in tower.state_dict().items() if not name.startswith(tables)}
        double.load_state_dict(state, strict=False)
        return double.to(tower.bias.device).requires_grad_(False).eval()

    @cached_property
    def features(self) -> dict[str, Tensor]:
        """x of the product's tokens: float64[tokens, features] of each modality, in the order of raw tokens."""
        return {name: batch.x[0, : self.counts[name]].double() for name, batch in self.tokens.items()}

    @cached_property
    def own_vector(self) -> Tensor:
        """The identity term of the item vector: float64[dim]."""
        with torch.inference_mode():
            own = self.model.identity(self.index)[0].double()
        return own.clone()

    def scores_from(
        self, features: dict[str, Tensor], attention: dict[str, Tensor] | None = None, shopper: Tensor | None = None
    ) -> Tensor:
        """The product's score with other features, attention or shopper, in float64 and differentiable: float64[n].

        features: float64[n, tokens, features] of each modality; attention: float64[n, heads, tokens]; shopper:
        float64[dim]. All else stays: identity, bias, past events that count directly, and who asks (`cross` fusion).
        """
        shopper = self.shopper.double().clone() if shopper is None else shopper
        batches = {
            name: TokenBatch(x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device))
            for name, x in features.items()
        }
        rest = self.bias + float(self.direct.sum()) + self.own_vector @ shopper
        if not batches:
            return rest[None]
        if attention is None:
            rows = len(next(iter(features.values())))
            asking = None if self.asking is None else self.asking.double().clone().expand(rows, -1)
            attention = self.network.attention(batches, asking)
        content = torch.stack(list(self.network.content_under(attention, batches).values())).sum(dim=0)
        return content @ shopper + rest

    def shaken(self, noise: float, generator: torch.Generator) -> Case:
        """The same case with normal noise on its features, of `noise` times each modality's spread."""
        other = self._anew()
        other.tokens = {
            name: TokenBatch(
                batch.x + torch.randn(batch.x.shape, generator=generator).to(batch.x) * noise * batch.x.std(),
                batch.there,
                batch.count,
            )
            for name, batch in self.tokens.items()
        }
        with torch.no_grad():  # the features stay fit for gradients
            other.score = float(other.scores_from({name: x[None] for name, x in other.features.items()})[0])
        return other

    def asked_by_nobody(self) -> Case:
        """The same case where the shopper shapes no attention (`cross` fusion)."""
        other = self._anew()
        other.asking = None
        return other

    def _anew(self) -> Case:
        """A copy that holds nothing that follows from its tokens or from who asks."""
        other = copy.copy(self)
        for name in ("features", "attention", "heeded", "values", "_parts"):
            other.__dict__.pop(name, None)
        return other

    @cached_property
    def attention(self) -> dict[str, Tensor]:
        """The model's attention over the product's tokens: float[1, heads, tokens] of each modality."""
        with torch.inference_mode():
            return self.model.tower.attention(self.tokens, self.asking)

    @cached_property
    def heeded(self) -> NDArray[np.float64]:
        """The same of every raw token: float64[raw tokens, heads]."""
        parts = [self.attention[name][0, :, :count].double().T.cpu().numpy() for name, count in self.counts.items()]
        return np.concatenate(parts) if parts else np.zeros((0, self.model.tower.shape.heads))

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """What each raw token would add to the score if a head heeded it alone: float64[raw tokens, heads]."""
        tower, shopper, parts = self.model.tower, self.shopper.double(), []
        with torch.inference_mode():
            gates = None
            if tower.shape.fusion == "gated":
                gates = tower.gates(tower.pooled_under(self.attention, self.tokens), self.tokens)
            for name, count in self.counts.items():
                found = tower.token_shares(name, self.tokens[name].x[0, :count], shopper)
                parts.append((found if gates is None else found * gates[name].double()).cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, tower.shape.heads))

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the product itself."""
        edited = self.recommender.edited.get(self.item)
        of_edit = () if edited is None else edited.notes
        lent = self.model.lent
        if not len(lent.borrowers(self.index)):
            return of_edit
        near, share = lent.near[self.item].tolist(), lent.share[self.item].tolist()
        best = sorted(zip(share, near, strict=True), reverse=True)[:3]
        named = ", ".join(f"{self.recommender.texts.title[one]} ({part:.0%})" for part, one in best)
        counting = ("Each of those that the shopper had counts for it by itself.",)
        return (
            *of_edit,
            f"This product had no event when the run was trained. It borrows identity, popularity and what goes with it"
            f" from products of like content, most of all {named}.",
            *(counting if self.model.linear.lenders_count else ()),
        )

    @property
    def page(self) -> Page:
        """What the model reads of the product."""
        return self.recommender.page(self.item)

    @property
    def removed(self) -> tuple[Token, ...]:
        """Parts that a what-if took away from the page."""
        edited = self.recommender.edited.get(self.item)
        return () if edited is None else edited.removed

    @cached_property
    def counts(self) -> dict[str, int]:
        """Raw tokens per modality."""
        return {name: int(batch.there.sum()) for name, batch in self.tokens.items()}

    @cached_property
    def shown(self) -> Shown:
        """Name every raw token; word pieces of one word share a row."""
        tokens: list[Token] = []
        row_of: list[int] = []
        texts = {one.field: one.text for one in self.recommender.item_texts(self.item)}
        names = named(self.recommender, self.page, texts, self.recommender.texts.image[self.item] or "")
        for name in self.tokens:
            rows, places = names[name]
            row_of += [len(tokens) + place for place in places]
            tokens += rows
        own = [Token("identity", self.recommender.data.items[self.item])]
        own += [self._past(int(event)) for event in self.direct_events]
        return Shown((*tokens, *own), np.array(row_of, dtype=np.int64))

    @cached_property
    def direct_events(self) -> NDArray[np.int64]:
        """Places in the history of the events that add something directly, oldest first."""
        return np.flatnonzero(self.direct)

    def _past(self, event: int) -> Token:
        item = int(self.history.items[event])
        return Token("history", self.recommender.texts.title[item], self.recommender.data.items[item])

    @property
    def removable(self) -> int:
        """How many rows, the first ones, are words, cells and other parts of the product. Then come identity and past
        events."""
        return len(self.shown.tokens) - 1 - len(self.direct_events)

    def rows(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum float64[raw tokens, heads] into rows: float64[rows, heads]; identity and past events stay zero."""
        summed = np.zeros((len(self.shown.tokens), raw.shape[1]))
        np.add.at(summed, self.shown.row_of, raw)
        return summed

    def scores_without(self, removed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Scores with rows removed from the model's input: removed: bool[variants, rows] -> float64[variants].

        What is left shares the attention, as it would if the product had never had the removed parts. Without the row
        of identity its vector is left out; without that of a past event, what this adds directly.
        """
        if self._parts is not None:
            return self._sums_without(removed, *self._parts)
        return self.scores_of_towers(removed)

    @cached_property
    def _parts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Attention, and attention times value, of each removable row in the heads of its modality (of all modalities,
        under one softmax): float64[rows, parts] each. None where what is left shares the attention otherwise: under
        `gated` fusion, or where there is so little of it that it has lost digits.
        """
        tower = self.model.tower
        least = [
            self.attention[name][0, tower.heads_of(name), :count].min() for name, count in self.counts.items() if count
        ]
        if tower.shape.fusion == "gated" or any(float(one) < _LEAST for one in least):
            return None
        heads = tower.shape.heads
        joint = tower.shape.fusion == "attention"
        found = np.zeros((2, self.removable, 1 if joint else max(1, len(self.counts)), heads))
        start = 0
        for place, count in enumerate(self.counts.values()):
            raw = slice(start, start + count)
            for table, of in zip(found, (self.heeded, self.heeded * self.values), strict=True):
                np.add.at(table[:, 0 if joint else place], self.shown.row_of[raw], of[raw])
            start += count
        heeded, brought = found.reshape(2, self.removable, found.shape[2] * heads)
        return heeded, brought

    def _sums_without(
        self, removed: NDArray[np.bool_], heeded: NDArray[np.float64], brought: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What a head pools of the tokens that are left is the sum of attention times value over them, divided by the
        sum of their attention: the tower itself need not run for each variant."""
        left = (~removed[:, : self.removable]).astype(np.float64)
        whole = left @ heeded
        content = np.divide(left @ brought, whole, out=np.zeros_like(whole), where=whole > 0).sum(axis=1)
        with torch.inference_mode():
            own = float(self.own_vector @ self.shopper.double())
        direct = ~removed[:, self.removable + 1 :] @ self.direct[self.direct_events]
        found: NDArray[np.float64] = content + own * ~removed[:, self.removable] + self.bias + direct
        return found

    def scores_of_towers(self, removed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The same by the tower itself, which reads what is left of the product for each variant."""
        parts = [self._scores_without(some) for some in np.array_split(removed, max(1, -(-len(removed) // _VARIANTS)))]
        return np.concatenate(parts)

    def _scores_without(self, removed: NDArray[np.bool_]) -> NDArray[np.float64]:
        raw = torch.from_numpy(removed[:, self.shown.row_of]).to(self.recommender.device)
        batches: dict[str, TokenBatch] = {}
        start = 0
        for name, count in self.counts.items():
            there = ~raw[:, start : start + count]
            batches[name] = TokenBatch(self.tokens[name].x[:, :count], there)
            start += count
        own = torch.from_numpy(~removed[:, self.removable]).to(self.shopper)
        with torch.inference_mode():
            vectors = self.model.identity(self.index) * own[:, None]
            if batches:
                content = self.model.tower.content(batches, self.asking)
                vectors = vectors + torch.stack(list(content.values())).sum(dim=0)
            scores = vectors.double() @ self.shopper.double() + self.bias
        direct = ~removed[:, self.removable + 1 :] @ self.direct[self.direct_events]
        found: NDArray[np.float64] = scores.cpu().numpy() + direct
        return found
