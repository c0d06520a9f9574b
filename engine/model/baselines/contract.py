"""What every baseline is: fitted on the events it may see, then asked to score live histories."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.dataset.split import Interactions
from engine.features.content import Content

_LEAST = 1e-6  # weight of an event that still counts

Histories = list[NDArray[np.int32]]


class Ranker(Protocol):
    """A fitted baseline. `setting` is what it was fitted with."""

    name: str
    setting: Mapping[str, Any]

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        """float32[n, items] for n live histories (item indices, oldest first), whose shoppers are `users`: int32[n].

        What a shopper already had still holds a score: whoever ranks takes it out (`without_history`).
        """
        ...


@dataclass(frozen=True)
class Known:
    """What a baseline may learn from: the events under `mask`, bool[n], and what is written and shown of products."""

    data: Interactions
    mask: NDArray[np.bool_]
    catalogue: Content | None = None
    seed: int = 1

    @property
    def items(self) -> int:
        return len(self.data.items)

    def popularity(self) -> NDArray[np.float64]:
        """float64[items]: shoppers who had each product."""
        return np.bincount(self.data.item[self.mask], minlength=self.items).astype(np.float64)

    def matrix(self) -> Any:
        """scipy CSR float32[users, items], 1 where a shopper had a product."""
        user, item = self.data.user[self.mask], self.data.item[self.mask]
        shape = (len(self.data.users), self.items)
        return scipy.sparse.csr_matrix((np.ones(len(item), np.float32), (user, item)), shape=shape)


@dataclass(frozen=True)
class Baseline:
    """How to fit one family. `fit(known, **setting)`; `grid` holds the settings that validation chooses from.

    decays: weights of an event of the live history relative to the one after it; 1 is the textbook's form, in which
    all of a history counts alike. Also chosen by validation; needs no fitting again.
    """

    name: str
    fit: Callable[..., Any]
    grid: tuple[dict[str, Any], ...] = ({},)
    decays: tuple[float, ...] = (1.0,)
    content: bool = False  # needs a catalogue of features


@dataclass(frozen=True)
class LinearRanker:
    """scores = weighted history @ weights. weights: scipy or numpy float32[items, items]."""

    name: str
    setting: Mapping[str, Any]
    weights: Any
    items: int
    decay: float = 1.0

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        product = history_matrix(histories, self.items, self.decay) @ self.weights
        found = product.toarray() if scipy.sparse.issparse(product) else np.asarray(product)
        return found.astype(np.float32, copy=False)


@dataclass(frozen=True)
class FixedRanker:
    """The same ranking for everyone. worth: float32[items]."""

    name: str
    setting: Mapping[str, Any]
    worth: NDArray[np.float32]

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        return np.tile(self.worth, (len(histories), 1))


def with_decay(ranker: Any, decay: float) -> Any:
    """The same fitted ranker, reading histories with another decay."""
    return ranker if decay == 1.0 else replace(ranker, decay=decay, setting={**ranker.setting, "decay": decay})


def history_matrix(histories: Histories, items: int, decay: float = 1.0, least: float = _LEAST) -> Any:
    """scipy CSR float32[n, items]: weight `decay` ** (events since) of each product in each history.

    Weights under `least` are left out, unless it is 0: long histories then cost what their newest events do.
    """
    if decay < 1.0 and least:
        read = math.ceil(math.log(least) / math.log(decay))
        histories = [one[-read:] for one in histories]
    lengths = [len(one) for one in histories]
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    columns = np.concatenate(histories) if histories else np.zeros(0, np.int32)
    age = np.repeat(start[1:], lengths) - 1 - np.arange(len(columns))
    weights = np.ones(len(columns), np.float32) if decay == 1.0 else (decay**age).astype(np.float32)
    return scipy.sparse.csr_matrix((weights, columns, start), shape=(len(histories), items))


def without_history(scores: NDArray[np.float32], histories: Histories) -> NDArray[np.float32]:
    """Take out, in place, what each shopper already had: -inf."""
    rows = np.repeat(np.arange(len(histories)), [len(one) for one in histories])
    if len(rows):
        scores[rows, np.concatenate(histories)] = -np.inf
    return scores
