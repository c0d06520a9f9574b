"""What a product's place hangs on: the smallest set of past purchases or parts of it without which it is not shown."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.counterfactual.types import DROP_KINDS, Counterfactual, Kind
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.history import PastRemoved, above, kth_best
from engine.explain.smallest import LARGEST, Gap, Search
from engine.explain.types import Token
from engine.foreign.run import ForeignRun
from engine.jobs import Job, Progress
from engine.live import Session, without
from engine.model.scoring import RERANKED
from engine.recommend import Recommender

NAMES: dict[Kind, tuple[str, str]] = {
    "history": ("past purchase", "past purchases"),
    "text": ("word", "words"),
    "image": ("photo cell", "photo cells"),
    "audio": ("stretch of sound", "stretches of sound"),
    "attribute": ("attribute", "attributes"),
    "link": ("link", "links"),
    "page": ("part of the page", "parts of the page"),
}


def drop(
    recommender: Recommender | ForeignRun,
    user: str,
    item: str,
    k: int = 10,
    kinds: Sequence[str] = DROP_KINDS,
    seconds: float = 10.0,
    session: Session | None = None,
) -> Job:
    """Return the smallest Counterfactual found within `seconds`; each smaller one on the way is a Progress, with `size`
    and `rank_after` in its data.

    Each kind is searched alone, then parts of the page of all kinds together. HeedmapError names an unknown shopper,
    product or kind, a product that the shopper has, and one that is not in the first k places.
    """
    began = time.perf_counter()
    found = _Drop(own_run(recommender), user, item, k, session)
    searches = found.searches(_checked(kinds))
    best: dict[Kind, Counterfactual] = {}
    notes: list[str] = []
    for place, one in enumerate(searches):
        left = seconds - (time.perf_counter() - began)
        below = min((known.size for known in best.values()), default=None) if one.kind == "page" else None
        search = Search(one.gap, one.things, left / (len(searches) - place), one.near, below)
        shown = 0.0
        for offer in search.run():
            message = ""
            if offer is not None and (better := found.confirmed(one, offer, search)) is not None:
                best[one.kind] = better
                message = sentence(better)
            if message or time.perf_counter() - shown > 0.1:
                shown = time.perf_counter()
                smallest = min(best.values(), key=lambda known: known.size, default=None)
                figures = _figures(smallest, found.tried + search.tried, shown - began)
                yield Progress("Searching for the smallest change", place, len(searches), message, figures)
        if one.kind in best:
            best[one.kind] = replace(best[one.kind], tried=search.tried, proven=search.proven)
        elif one.things and below is None:
            notes.append(found.why_not(one, search.late))
        found.tried += search.tried
    return found.answer(best, tuple(notes), time.perf_counter() - began)


def own_run(recommender: Recommender | ForeignRun) -> Recommender:
    """HeedmapError for a run that was made elsewhere."""
    if isinstance(recommender, ForeignRun):
        raise HeedmapError(
            f"{recommender.folder.name} was made elsewhere and shows nothing of its inside.",
            "Ask a run that Heedmap trained.",
        )
    return recommender


def _checked(kinds: Sequence[str]) -> list[Kind]:
    for one in kinds:
        if one not in DROP_KINDS:
            raise HeedmapError(f"There is no kind of change {one!r}.", f"Use some of {', '.join(DROP_KINDS)}.")
    if not kinds:
        raise HeedmapError("No kind of change is named.", f"Use some of {', '.join(DROP_KINDS)}.")
    return [one for one in DROP_KINDS if one in kinds]


def _figures(best: Counterfactual | None, tried: int, seconds: float) -> dict[str, float]:
    figures = {"tried": float(tried), "seconds": seconds}
    return figures if best is None else {**figures, "size": float(best.size), "rank_after": float(best.rank_after)}


def sentence(found: Counterfactual) -> str:
    """One line: what is removed, and what that does."""
    if found.kind is None:
        return f"No small set of things was found without which {found.title} leaves the first {found.k}."
    named = ", ".join(label(one) for one in found.removed[:6]) + (" ..." if found.size > 6 else "")
    return f"Without {counted(found.size, found.kind)} ({named}): rank {found.rank_before} -> {found.rank_after}"


def counted(count: int, kind: Kind) -> str:
    """ "1 word", "2 words"."""
    return f"{count} {NAMES[kind][count != 1]}"


def label(token: Token) -> str:
    """A token in a list of several kinds."""
    if token.modality == "image":
        return f"cell {token.label}"
    return f"{token.field} = {token.label}" if token.modality in ("attribute", "link") else token.label


@dataclass(frozen=True)
class _Searched:
    """rows: of the case, or places in the past, that may be removed."""

    kind: Kind
    rows: NDArray[np.int64]
    gap: Gap
    near: NDArray[np.bool_] | None = None

    @property
    def things(self) -> int:
        return len(self.rows)


class _Drop:
    """A product's place in a shopper's list, and what can be taken from under it."""

    def __init__(self, recommender: Recommender, user: str, item: str, k: int, session: Session | None) -> None:
        if k < 1:
            raise HeedmapError(f"A list of {k} products shows none.", "Give a k of 1 or more.")
        self.recommender, self.k = recommender, k
        self.case = Case(recommender, user, item, session)
        self.past = self.case.past
        if (self.case.history.items == self.case.item).any():
            raise HeedmapError(
                f"{user} has {item} already, so it is in no list.", "Name a product that is new to them."
            )
        _, self.scores = recommender.running(self.past)
        self.rank = place_of(self.scores, self.case.item)
        if self.rank > k:
            raise HeedmapError(
                f"{item} stands at rank {self.rank} for {user}, below {k} already.",
                f"Give a k of {self.rank} or more, or ask what lifts it.",
            )
        others = np.delete(self.scores, self.case.item)
        self.limit = float(kth_best(others[None], k)[0])
        self.tried = 0

    def searches(self, kinds: list[Kind]) -> list[_Searched]:
        past = PastRemoved(self.case, self.k)
        modalities = [one.modality for one in self.case.shown.tokens[: self.case.removable]]
        found = [_Searched("history", past.events, past.gaps)] if "history" in kinds else []
        content = [kind for kind in kinds if kind in modalities]
        for kind in content:
            rows = np.array([row for row, one in enumerate(modalities) if one == kind])
            near = None
            if kind == "image":
                cells = self.case.page.cells
                near = neighbours(self.recommender.catalogue.grid)[np.ix_(cells, cells)]
            found.append(_Searched(kind, rows, self._gap(rows), near))
        if len(content) > 1:
            rows = np.array([row for row, one in enumerate(modalities) if one in content])
            found.append(_Searched("page", rows, self._gap(rows)))
        return found

    def _gap(self, rows: NDArray[np.int64]) -> Gap:
        """How far the score lies above the k-th best other product's, which does not change."""

        def gap(removed: NDArray[np.bool_]) -> NDArray[np.float64]:
            return above(self.case.scores_without(self._all_rows(rows, removed)), self.limit)

        return gap

    def _all_rows(self, rows: NDArray[np.int64], removed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        everything = np.zeros((len(removed), len(self.case.shown.tokens)), dtype=bool)
        everything[:, rows] = removed
        return everything

    def confirmed(self, one: _Searched, offer: tuple[int, ...], search: Search) -> Counterfactual | None:
        """The set as an answer, the catalogue ranked anew without it; None where the place is kept after all."""
        rows = one.rows[list(offer)]
        score, rank, listed = self._without_past(rows) if one.kind == "history" else self._without_rows(rows)
        if rank <= self.k:
            return None
        case = self.case
        tokens = [self._event(int(row)) if one.kind == "history" else case.shown.tokens[row] for row in rows]
        return replace(
            self._nothing(),
            found=True,
            kind=one.kind,
            removed=tuple(tokens),
            rows=tuple(rows.tolist()),
            rank_after=rank,
            rank_listed=listed,
            score_after=score,
            size=len(rows),
            connected=one.near is not None and connected(one.near, offer),
            tried=search.tried,
        )

    def _without_past(self, events: NDArray[np.int64]) -> tuple[float, int, int]:
        """Score, rank among what the shopper never had, and rank in the list that would be shown."""
        score, rank = self.case.ranked_without(events.tolist())
        kept = np.ones(len(self.past.history), dtype=bool)
        kept[events] = False
        _, scores = self.recommender.running(without(self.recommender.data, self.past, kept))
        return score, rank, place_of(scores, self.case.item)

    def _without_rows(self, rows: NDArray[np.int64]) -> tuple[float, int, int]:
        case = self.case
        removed = self._all_rows(rows, np.ones((1, len(rows)), dtype=bool))
        scores = self.scores.astype(np.float64)
        scores[case.item] = case.scores_without(removed)[0]
        if case.asking is not None:  # it must come among the products that are looked at twice, too
            plain = case.asked_by_nobody()
            first = self.recommender.scores(case.shopper[None], [case.history])[0].astype(np.float64)
            first[case.history.items] = -np.inf
            first[case.item] = plain.scores_without(removed)[0]
            if place_of(first, case.item) > RERANKED:
                return float(scores[case.item]), place_of(first, case.item), place_of(first, case.item)
        rank = place_of(scores, case.item)
        return float(scores[case.item]), rank, rank

    def _event(self, event: int) -> Token:
        item = int(self.case.history.items[event])
        return Token("history", self.recommender.texts.title[item], self.recommender.data.items[item])

    def why_not(self, one: _Searched, late: bool) -> str:
        """What is left when everything of a kind is removed."""
        rows = one.rows
        rank = self._without_past(rows)[1] if one.kind == "history" else self._without_rows(rows)[1]
        if rank <= self.k:
            return f"Without the {counted(len(rows), one.kind)}, all of them, it still stands at rank {rank}."
        many = NAMES[one.kind][1]
        return f"No set of {many} was found in time." if late else f"No set of {LARGEST} or fewer {many} was found."

    def _nothing(self) -> Counterfactual:
        case = self.case
        return Counterfactual(
            run=self.recommender.folder.name,
            user=self.past.name,
            item=self.recommender.data.items[case.item],
            title=self.recommender.texts.title[case.item],
            k=self.k,
            found=False,
            kind=None,
            removed=(),
            rows=(),
            rank_before=self.rank,
            rank_after=self.rank,
            rank_listed=self.rank,
            score_before=case.score,
            score_after=case.score,
            size=0,
            proven=False,
            connected=False,
            tried=0,
            seconds=0.0,
        )

    def answer(self, best: dict[Kind, Counterfactual], notes: tuple[str, ...], seconds: float) -> Counterfactual:
        notes = (*self.past.notes, *self.case.notes, *notes)
        order = sorted(best.values(), key=lambda one: (one.size, -one.rank_after))
        first = order[0] if order else self._nothing()
        return replace(first, tried=self.tried, seconds=seconds, notes=notes, others=tuple(order[1:]))


def place_of(scores: NDArray[np.float32] | NDArray[np.float64], item: int) -> int:
    """The product's rank, from 1, ties by the catalogue's order, as lists show it."""
    return int((scores > scores[item]).sum() + (scores[:item] == scores[item]).sum()) + 1


def neighbours(grid: tuple[int, int]) -> NDArray[np.bool_]:
    """bool[cells, cells]: which cells of a photo share a side."""
    row, column = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    found: NDArray[np.bool_] = np.abs(row[:, None] - row) + np.abs(column[:, None] - column) == 1
    return found


def connected(near: NDArray[np.bool_], cells: Sequence[int]) -> bool:
    """Whether these cells hang together by their sides."""
    inside = near[np.ix_(cells, cells)]
    reached = np.zeros(len(cells), dtype=bool)
    reached[0] = True
    for _ in cells:
        reached |= inside[reached].any(axis=0)
    return bool(reached.all())
