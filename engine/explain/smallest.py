"""Search for the smallest set of things whose removal brings something about, with the best so far at any time.

Each alone; then prefixes of the order of effects; where things are neighbours, connected sets; then greedy growth,
pruning, and one-for-one exchanges that make room for a smaller set. A set that is found is minimal (none of its things
can be left out), and proven smallest where every smaller set was tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Gap = Callable[[NDArray[np.bool_]], NDArray[np.float64]]  # removed: bool[variants, things] -> below 0 where it suffices
LARGEST = 30  # things: a larger set explains nothing to anyone
_AT_ONCE = 128
_SEEDS = 4  # things that a connected set starts from
_EXCHANGED = 24  # things that are tried in exchange for one of the set
_PAIRS = 3_000  # tried to show that no pair suffices


class Search:
    """best: the smallest set so far, ascending; None until one is found. tried: sets asked. late: time ran out."""

    def __init__(
        self,
        gap: Gap,
        things: int,
        seconds: float,
        near: NDArray[np.bool_] | None = None,
        below: int | None = None,
    ) -> None:
        """near: bool[things, things], which are neighbours; a connected set is preferred to a scattered one of its
        size. below: only sets smaller than that are of use."""
        self._gap, self._things, self._near = gap, things, near
        self._until = time.monotonic() + seconds
        self._most = min(things, LARGEST) if below is None else min(things, LARGEST, below - 1)
        self.best: tuple[int, ...] | None = None
        self.tried = 0
        self.proven = self.late = self._connected = False

    def run(self) -> Iterator[tuple[int, ...] | None]:
        """Yield each set that is smaller than those before, and None in between to let the caller breathe."""
        try:
            if self._things and self._most > 0:
                yield from self._phases()
        except _Late:
            self.late = True

    def _phases(self) -> Iterator[tuple[int, ...] | None]:
        alone = self._ask([(thing,) for thing in range(self._things)])
        order = np.argsort(alone, kind="stable")
        if alone[order[0]] < 0:
            self.proven = True
            yield from self._offer((int(order[0]),))
            return
        yield None
        gaps = self._ask([tuple(order[:size].tolist()) for size in range(2, self._most + 1)])
        if (gaps < 0).any():
            yield from self._offer(tuple(order[: int(np.argmax(gaps < 0)) + 2].tolist()))
        if self._near is not None and self.best is not None:
            for seed in order[:_SEEDS]:
                yield from self._grow((int(seed),), connected=True)
        yield from self._grow((int(order[0]),))
        yield from self._prune()
        yield from self._exchange(order)

    def _ask(self, sets: list[tuple[int, ...]]) -> NDArray[np.float64]:
        found = []
        for first in range(0, len(sets), _AT_ONCE):
            if time.monotonic() > self._until and self.tried:
                raise _Late
            some = sets[first : first + _AT_ONCE]
            removed = np.zeros((len(some), self._things), dtype=bool)
            for row, one in enumerate(some):
                removed[row, list(one)] = True
            found.append(self._gap(removed))
            self.tried += len(some)
        return np.concatenate(found) if found else np.zeros(0)

    def _offer(self, one: tuple[int, ...], connected: bool = False) -> Iterator[tuple[int, ...]]:
        before = self._most + 1 if self.best is None else len(self.best)
        if len(one) < before or (connected and not self._connected and len(one) == before):
            self.best, self._connected = tuple(sorted(one)), connected
            self.proven = self.proven or len(one) == 2  # each alone was tried
            yield self.best

    def _grow(self, chosen: tuple[int, ...], connected: bool = False) -> Iterator[tuple[int, ...] | None]:
        """Add what helps most until it suffices, or could be no smaller than the best."""
        lowest = np.inf
        before = self._most + 1 if self.best is None else len(self.best)
        most = before if connected and not self._connected else before - 1
        while len(chosen) < most:
            outside = [one for one in range(self._things) if one not in chosen]
            if connected and self._near is not None:
                outside = [one for one in outside if self._near[one, list(chosen)].any()]
            if not outside:
                return
            gaps = self._ask([(*chosen, one) for one in outside])
            place = int(np.argmin(gaps))
            if not gaps[place] < lowest:
                return  # more does no more
            lowest, chosen = float(gaps[place]), (*chosen, outside[place])
            if lowest < 0:
                yield from self._offer(chosen, connected)
                return
            yield None

    def _prune(self) -> Iterator[tuple[int, ...] | None]:
        while self.best is not None and len(self.best) > 2:
            fewer = [tuple(one for one in self.best if one != out) for out in self.best]
            gaps = self._ask(fewer)
            if not (gaps < 0).any():
                return
            yield from self._offer(fewer[int(np.argmin(gaps))])

    def _exchange(self, order: NDArray[np.int64]) -> Iterator[tuple[int, ...] | None]:
        """Look for a set that is smaller by one: all pairs, or the best set less one with things exchanged."""
        while self.best is not None and len(self.best) > 2:
            if len(self.best) == 3 and self._things * (self._things - 1) // 2 <= _PAIRS:
                pairs: list[tuple[int, ...]] = [(a, b) for a in range(self._things) for b in range(a)]
                gaps = self._ask(pairs)
                if (gaps < 0).any():
                    yield from self._offer(pairs[int(np.argmin(gaps))])
                self.proven = True
                return
            before = len(self.best)
            yield from self._smaller_by_one(order)
            yield from self._prune()
            if len(self.best) == before:
                return

    def _smaller_by_one(self, order: NDArray[np.int64]) -> Iterator[tuple[int, ...] | None]:
        assert self.best is not None
        fewer = [tuple(one for one in self.best if one != out) for out in self.best]
        gaps = self._ask(fewer)
        chosen, lowest = fewer[int(np.argmin(gaps))], float(gaps.min())
        while True:
            inside = [one for one in order.tolist() if one not in chosen][:_EXCHANGED]
            swapped = [(*(one for one in chosen if one != out), new) for out in chosen for new in inside]
            gaps = self._ask(swapped)
            if not gaps.min() < lowest:
                return
            chosen, lowest = swapped[int(np.argmin(gaps))], float(gaps.min())
            if lowest < 0:
                yield from self._offer(chosen)
                return
            yield None


class _Late(Exception):
    """Time ran out in the middle of a phase."""
