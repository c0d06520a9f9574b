"""A shopper's past as the model reads it: products in order, the context of each event, the shopper's profile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions


@dataclass(frozen=True)
class History:
    """items: int32[n], oldest first. context: int32[n, fields], ids; about: int32[k], ids of the profile."""

    items: NDArray[np.int32]
    context: NDArray[np.int32]
    about: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.items)

    def last(self, count: int) -> History:
        """The newest `count` events."""
        first = max(0, len(self.items) - count)
        return replace(self, items=self.items[first:], context=self.context[first:])

    def without(self, place: int) -> History:
        """As if the event at `place` had not been; -1 is the newest."""
        return replace(self, items=np.delete(self.items, place), context=np.delete(self.context, place, axis=0))

    def then(self, item: int, context: NDArray[np.int32] | None = None) -> History:
        """With one more event at the end; without a context, one of which nothing is known."""
        row = np.full((1, self.context.shape[1]), -1, np.int32) if context is None else context[None]
        return replace(
            self,
            items=np.append(self.items, np.int32(item)),
            context=np.concatenate([self.context, row.astype(np.int32)]),
        )


def history_before(data: Interactions, event: int) -> History:
    """The live history of an event: everything of the same shopper before it."""
    user = int(data.user[event])
    return _history(data, user, slice(int(data.start[user]), event))


def history_of(data: Interactions, user: int) -> History:
    """All events of a shopper."""
    return _history(data, user, data.events_of(user))


def _history(data: Interactions, user: int, events: slice) -> History:
    return History(data.item[events], data.context.ids[events], data.profiles.of(user))
