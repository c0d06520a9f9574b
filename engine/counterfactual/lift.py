"""What would bring a product into the lists: the smallest change of its page that this catalogue knows of."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from engine.counterfactual.drop import label, own_run, place_of
from engine.counterfactual.types import Change, Lift, Place
from engine.counterfactual.wording import Known, known_changes
from engine.errors import HeedmapError
from engine.explain.history import MARGIN, kth_best
from engine.foreign.run import ForeignRun
from engine.jobs import Job, Progress
from engine.live import Past
from engine.model.scoring import RERANKED
from engine.model.tower import TokenBatch
from engine.recommend import Recommender

_AT_ONCE = 256
_MOST_SHOPPERS, _MOST_ASKING = 500, 20  # the latter under `cross` fusion, where each asks for itself
_MOST_CHANGES = 5
_TRIED_TOGETHER = 200  # changes that are tried beside those chosen
_TRUTH_NOTE = "This is what the model would reward, not what is true of the product: change only what is."
_WORDING_NOTE = (
    "Added words keep the meaning that they have on the page they come from; the encoder may read them a little "
    "differently among other words."
)


def lift(
    recommender: Recommender | ForeignRun,
    item: str,
    users: str | Sequence[str],
    k: int = 10,
    share: float = 0.5,
    seconds: float = 20.0,
) -> Job:
    """Return the smallest Lift found within `seconds` that brings the product into the first k places of at least
    `share` of these shoppers; where none does, the one that reaches most. Better ones on the way are Progress.

    Of more than 500 shoppers (20 under `cross` fusion) so many are drawn by the run's seed. Those who have the product
    are left out. HeedmapError names an unknown shopper or product, shoppers who all have it, or a product that is in
    the first k places of enough of them already.
    """
    began = time.perf_counter()
    names = [users] if isinstance(users, str) else list(dict.fromkeys(users))
    page = _Page(own_run(recommender), item, names, k)
    wanted = max(1, int(np.ceil(share * len(page.pasts))))
    before = page.reached([])
    if before >= wanted:
        raise HeedmapError(
            f"{item} is among the first {k} of {before} of {len(page.pasts)} already.", "Ask what drops it instead."
        )
    yield Progress("Searching for the smallest change")
    search = _Search(page, known_changes(page.recommender, page.item, page.shoppers), wanted, began + seconds)
    for better in search.run():
        figures = {"tried": float(search.tried), "seconds": time.perf_counter() - began}
        if better is None:
            yield Progress("Searching for the smallest change", data=figures)
            continue
        reached = page.reached(better)
        figures |= {"size": float(sum(one.change.size for one in better)), "reached": float(reached)}
        message = sentence([one.change for one in better], reached, len(page.pasts), k)
        yield Progress("Searching for the smallest change", message=message, data=figures)
    return page.answer(search, wanted, share, time.perf_counter() - began)


def sentence(changes: Sequence[Change], after: int, of: int, k: int) -> str:
    """One line: what is changed, and whom it reaches."""
    told = []
    for one in changes:
        from_page = f" (as on {one.source_title})"
        if one.rows is not None:
            told.append(f'add "{one.added.label}"{from_page}')
        elif one.replaced is not None:
            told.append(f"{one.replaced.field} = {one.added.label} instead of {one.replaced.label}{from_page}")
        else:
            told.append(f"add {label(one.added)}{from_page}")
    return f"{'; '.join(told)}: in the first {k} of {after} of {of}"


class _Page:
    """A product's tokens with changes, and its place for some shoppers. Other products' scores do not change."""

    def __init__(self, recommender: Recommender, item: str, users: list[str], k: int) -> None:
        if k < 1:
            raise HeedmapError(f"A list of {k} products shows none.", "Give a k of 1 or more.")
        self.recommender, self.model, self.k = recommender, recommender.model, k
        self.item = recommender.item(item)
        self.asks = recommender.config.fusion == "cross"
        most = _MOST_ASKING if self.asks else _MOST_SHOPPERS
        every = [recommender.past(user) for user in drawn(users, most, recommender.config.seed)]
        self.named = len(users)
        self.pasts: list[Past] = [one for one in every if not (one.history.items == self.item).any()]
        if not self.pasts:
            raise HeedmapError(
                f"{'They have' if len(users) > 1 else f'{users[0]} has'} {item} already, so it is in no list."
                if users
                else "No shopper is named.",
                "Name a shopper to whom the product is new.",
            )
        self.asked, self.left_out = len(every), len(every) - len(self.pasts)
        self.index = torch.tensor([self.item], device=recommender.device)
        histories = [one.history for one in self.pasts]
        self.shoppers = recommender.shopper_vectors(histories)
        self.direct = np.array([self.model.linear.shares(one.items, self.item).sum() for one in histories])
        self.running = [recommender.running(one)[1] for one in self.pasts]
        self.limit = self._limits(self.running, k)
        if self.asks:
            first = recommender.scores(self.shoppers, histories)
            for row, history in enumerate(histories):
                first[row, history.items] = -np.inf
            self.first_limit = self._limits(list(first), RERANKED)
        with torch.inference_mode():
            self.tokens = recommender.tokens.batch(self.index)
            self.identity = self.model.identity(self.index)[0]
            self.bias = float(self.model.bias(self.index)[0])

    def _limits(self, scores: list[NDArray[np.float32]], k: int) -> NDArray[np.float64]:
        return np.array([float(kth_best(np.delete(one, self.item)[None], k)[0]) for one in scores])

    def reached(self, changes: Sequence[Known]) -> int:
        """How many shoppers have it in the first k places under these changes."""
        return int((self.gaps([list(changes)])[0] < 0).sum()) if changes else self.reached_before

    @property
    def reached_before(self) -> int:
        return sum(place_of(scores, self.item) <= self.k for scores in self.running)

    def gaps(self, variants: list[list[Known]]) -> NDArray[np.float64]:
        """How far the score is below that of the k-th best other product, float64[variants, shoppers]; below 0 it is in
        the first k places."""
        return np.concatenate(
            [self._gaps(variants[first : first + _AT_ONCE]) for first in range(0, len(variants), _AT_ONCE)]
        )

    def _gaps(self, variants: list[list[Known]]) -> NDArray[np.float64]:
        batches = self._batches(variants)
        scores = self._scores(batches)
        if not self.asks:
            return below(scores, self.limit)
        asked = np.stack([self._scores(batches, row)[:, row] for row in range(len(self.pasts))], axis=1)
        return np.maximum(below(asked, self.limit), below(scores, self.first_limit))

    def _scores(self, batches: dict[str, TokenBatch], asking: int | None = None) -> NDArray[np.float64]:
        with torch.inference_mode():
            count = len(next(iter(batches.values())).x)
            shopper = None if asking is None else self.shoppers[asking].expand(count, -1)
            parts = self.model.tower.content(batches, shopper).values()
            vectors = self.identity + torch.stack(list(parts)).sum(dim=0)
            scores = (vectors.double() @ self.shoppers.double().T).cpu().numpy()
        return np.asarray(scores + self.bias + self.direct, dtype=np.float64)

    def _batches(self, variants: list[list[Known]]) -> dict[str, TokenBatch]:
        found = {}
        for modality, own in self.tokens.items():
            added = [[one for one in some if one.modality == modality] for some in variants]
            longest = max(sum(len(one.x) for one in some) for some in added)
            x = torch.zeros(len(variants), longest, own.x.shape[2], device=own.x.device)
            there = torch.zeros(len(variants), longest, dtype=torch.bool, device=own.x.device)
            kept = own.there.expand(len(variants), -1).clone()
            for row, some in enumerate(added):
                at = 0
                for one in some:
                    x[row, at : at + len(one.x)] = one.x
                    there[row, at : at + len(one.x)] = True
                    at += len(one.x)
                    if one.gone is not None:
                        kept[row, one.gone] = False
            whole = torch.cat([own.x.expand(len(variants), -1, -1), x], dim=1)
            found[modality] = TokenBatch(whole, torch.cat([kept, there], dim=1))
        return found

    def answer(self, search: _Search, wanted: int, share: float, seconds: float) -> Lift:
        changes = tuple(one.change for one in search.best)
        scores = self._after(search.best)
        places = tuple(
            Place(
                user=past.name,
                rank_before=place_of(running, self.item),
                rank_after=self._rank(row, scores),
                score_before=float(running[self.item]),
                score_after=float(scores[0][row]),
            )
            for row, (past, running) in enumerate(zip(self.pasts, self.running, strict=True))
        )
        after = sum(one.rank_after <= self.k for one in places)
        notes = [f"{self.asked} of the {self.named} shoppers were drawn."] if self.asked < self.named else []
        notes += [f"{self.left_out} of these shoppers have it already and are left out."] if self.left_out else []
        notes += [_TRUTH_NOTE] if changes else []
        notes += [_WORDING_NOTE] if any(one.rows for one in changes) else []
        return Lift(
            run=self.recommender.folder.name,
            item=self.recommender.data.items[self.item],
            title=self.recommender.texts.title[self.item],
            k=self.k,
            share=share,
            found=after >= wanted,
            changes=changes,
            before=self.reached_before,
            after=after,
            places=places,
            size=sum(one.size for one in changes),
            proven=search.proven,
            tried=search.tried,
            seconds=seconds,
            notes=tuple(notes),
        )

    def _after(self, changes: list[Known]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Final and first scores of each shopper under the changes: float64[shoppers] each."""
        batches = self._batches([changes])
        first = self._scores(batches)[0]
        if not self.asks:
            return first, first
        return np.array([self._scores(batches, row)[0, row] for row in range(len(self.pasts))]), first

    def _rank(self, row: int, scores: tuple[NDArray[np.float64], NDArray[np.float64]]) -> int:
        """The place in the whole list of a shopper, ranked anew."""
        running = self.running[row].astype(np.float64)
        if self.asks:
            plain = self.recommender.scores(self.shoppers[[row]], [self.pasts[row].history])[0].astype(np.float64)
            plain[self.pasts[row].history.items] = -np.inf
            plain[self.item] = scores[1][row]
            if (rank := place_of(plain, self.item)) > RERANKED:
                return rank
        running[self.item] = scores[0][row]
        return place_of(running, self.item)


def drawn(users: list[str], most: int, seed: int) -> list[str]:
    """At most so many of these shoppers, in their order."""
    if len(users) <= most:
        return users
    places = np.random.default_rng(seed).choice(len(users), most, replace=False)
    return [users[place] for place in np.sort(places)]


def below(own: NDArray[np.float64], limit: NDArray[np.float64]) -> NDArray[np.float64]:
    """limit - own with a margin, so that a place that is won is won for any order of additions."""
    return limit - own + MARGIN * np.maximum(1.0, np.abs(own))


class _Search:
    """best: the changes so far that reach most shoppers, of those that reach enough the smallest."""

    def __init__(self, page: _Page, known: list[Known], wanted: int, until: float) -> None:
        self._page, self._known, self._wanted, self._until = page, known, wanted, until
        self.best: list[Known] = []
        self.tried = 0
        self.proven = False
        self._worth: tuple[float, ...] = self._worth_of([], page.gaps([[]])[0])

    def _worth_of(self, changes: list[Known], gaps: NDArray[np.float64]) -> tuple[float, ...]:
        """Larger is better: enough shoppers, then few changed things; else shoppers reached, then little missing."""
        reached = int((gaps < 0).sum())
        missing = float(np.maximum(gaps, 0.0).mean())
        if reached < self._wanted:
            return (0.0, float(reached), -missing)
        return (1.0, -float(sum(one.change.size for one in changes)), float(reached), -float(gaps.mean()))

    def run(self) -> Iterator[list[Known] | None]:
        """Yield better changes as they are found, None in between. Each alone, then greedily together, then pruned."""
        single: list[tuple[tuple[float, ...], Known]] = []
        for first in range(0, len(self._known), _AT_ONCE):
            part = self._known[first : first + _AT_ONCE]
            for one, gaps in zip(part, self._ask([[one] for one in part]), strict=True):
                single.append((self._worth_of([one], gaps), one))
            yield from self._take([[one] for _, one in single], [worth for worth, _ in single])
            if time.perf_counter() > self._until:
                return
        if self._worth[0] == 1.0:
            self.proven = len(self.best) == 1
            return
        single.sort(key=lambda pair: pair[0], reverse=True)
        beside = [one for _, one in single[:_TRIED_TOGETHER]]
        while self._worth[0] == 0.0 and self.best and len(self.best) < _MOST_CHANGES:
            sets = [[*self.best, one] for one in beside if fits(self.best, one)]
            if not sets or time.perf_counter() > self._until:
                return
            found = list(self._take(sets, self._worths(sets)))
            yield from found
            if not found:
                return
        while self._worth[0] == 1.0 and len(self.best) > 1 and time.perf_counter() < self._until:
            sets = [[one for one in self.best if one is not out] for out in self.best]
            found = list(self._take(sets, self._worths(sets)))
            yield from found
            if not found:
                return

    def _ask(self, sets: list[list[Known]]) -> NDArray[np.float64]:
        self.tried += len(sets)
        return self._page.gaps(sets)

    def _worths(self, sets: list[list[Known]]) -> list[tuple[float, ...]]:
        return [self._worth_of(one, gaps) for one, gaps in zip(sets, self._ask(sets), strict=True)]

    def _take(self, sets: list[list[Known]], worths: list[tuple[float, ...]]) -> Iterator[list[Known] | None]:
        place = max(range(len(sets)), key=worths.__getitem__)
        if worths[place] > self._worth:
            self._worth, self.best = worths[place], sets[place]
            yield self.best


def fits(chosen: list[Known], one: Known) -> bool:
    """Whether a change can be made beside others: none is made twice, and no value takes two values' place."""
    for other in chosen:
        same = other.modality == one.modality and other.change.added.field == one.change.added.field
        if other is one or (same and one.gone is not None and one.gone == other.gone):
            return False
        if one.modality == "text" and other.modality == "text" and _overlap(other.change, one.change):
            return False
    return True


def _overlap(a: Change, b: Change) -> bool:
    """Whether two wordings share words of one page, or say the same."""
    if a.source != b.source or a.rows is None or b.rows is None:
        return a.added.label.casefold() == b.added.label.casefold()
    return a.rows[0] <= b.rows[1] and b.rows[0] <= a.rows[1]
