"""A live session: a shopper's past with events that the dataset does not hold, or without some that it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from engine.dataset.context import FROM_TIME, GAPS, event_context, gap_codes
from engine.dataset.history import History, history_of
from engine.dataset.schema import EVENT_KINDS
from engine.dataset.split import Interactions
from engine.errors import HeedmapError
from engine.scenario import Event as Event

INVENTED = "an invented shopper"
_LOOKED_AT = 1000  # events of the dataset, for the usual kind
_OF_TIME = tuple(field for field in FROM_TIME if field != "kind")  # unknown of an event without a time


@dataclass(frozen=True)
class Session:
    """What changes a shopper's past: events added, and products removed by name. invented: of nobody in the dataset."""

    added: tuple[Event, ...] = ()
    removed: tuple[str, ...] = ()
    invented: bool = False


@dataclass(frozen=True)
class Past:
    """A shopper's past, as ranked and explained for. user: its index, or the number of shoppers for an invented one.

    time: int64[n], ms since 1970, and kind: str[n] of each event of `history`. notes: what must be said about it.
    """

    name: str
    user: int
    history: History
    time: NDArray[np.int64]
    kind: NDArray[np.object_]
    notes: tuple[str, ...] = ()


def past_of(data: Interactions, user: int) -> Past:
    """A shopper's past as the dataset holds it."""
    events = data.events_of(user)
    return Past(data.users[user], user, history_of(data, user), data.time[events], data.kind[events])


def live_past(data: Interactions, past: Past | None, session: Session, items: Mapping[str, int]) -> Past:
    """`past`, or nothing for an invented shopper, changed by a session. items: index of each product.

    As in training, only the first event of a product counts. The gaps between events are measured anew.
    HeedmapError names an unknown product, kind or field, or a product to remove that is not in the past.
    """
    if past is None:
        past = _blank(data)
    for one in session.removed:
        _check_item(one, items)
        places = np.flatnonzero(past.history.items == items[one])
        if not len(places):
            raise HeedmapError(f"{past.name} has no event of product {one!r} to remove.", "Look at the history first.")
        history = past.history.without(int(places[0]))
        past = replace(
            past, history=history, time=np.delete(past.time, places), kind=np.delete(past.kind, places, axis=0)
        )
    timeless = np.zeros(len(past.time), bool)
    for event in session.added:
        _check(event, items, data)
        if (past.history.items == items[event.item]).any():
            note = f"{event.item} is in the history already: only the first event of a product counts."
            past = replace(past, notes=(*past.notes, note))
            continue
        past = _then(data, past, event, items[event.item])
        timeless = np.append(timeless, event.time is None)
    order = np.argsort(past.time, kind="stable")
    return _with_context(data, past, order, timeless)


def without(data: Interactions, past: Past, kept: NDArray[np.bool_]) -> Past:
    """As if only the events `kept`, bool[n], had been: the gaps between those are measured anew."""
    time, context = past.time[kept], past.history.context[kept].copy()
    column = data.context.fields.index("gap")
    timed = context[:, column] >= 0
    codes = gap_codes(time, np.arange(len(time)) == 0)
    context[timed, column] = codes[timed] + data.context.names.index(("gap", GAPS[0]))
    history = replace(past.history, items=past.history.items[kept], context=context)
    return replace(past, history=history, time=time, kind=past.kind[kept])


def each_without(data: Interactions, past: Past, places: NDArray[np.int64]) -> list[History]:
    """The histories had one event not been, for each of `places`: `without` for many at once, where only the gap of the
    event that follows is another."""
    history, column = past.history, data.context.fields.index("gap")
    later = np.minimum(places + 1, len(past.time) - 1)
    pairs = np.stack([past.time[np.maximum(places - 1, 0)], past.time[later]], axis=1).ravel()
    oldest = np.stack([np.zeros(len(places), bool), places == 0], axis=1).ravel()
    codes = gap_codes(pairs, oldest)[1::2] + data.context.names.index(("gap", GAPS[0]))
    kept = np.arange(len(history) - 1)
    kept = kept + (kept >= places[:, None])  # int64[len(places), events left]
    items, context = history.items[kept], history.context[kept]
    followed = np.flatnonzero(places < len(history) - 1)
    gap = context[followed, places[followed], column]
    context[followed, places[followed], column] = np.where(gap >= 0, codes[followed], gap)
    return [History(one, about, history.about) for one, about in zip(items, context, strict=True)]


def _blank(data: Interactions) -> Past:
    nothing = np.zeros(0, np.int32)
    history = History(nothing, np.zeros((0, data.context.ids.shape[1]), np.int32), nothing)
    return Past(INVENTED, len(data.users), history, np.zeros(0, np.int64), np.zeros(0, object))


def _check_item(name: str, items: Mapping[str, int]) -> None:
    if name not in items:
        raise HeedmapError(f"There is no product {name!r} in the catalogue.", f"A product is {next(iter(items))!r}.")


def _check(event: Event, items: Mapping[str, int], data: Interactions) -> None:
    _check_item(event.item, items)
    if event.kind and event.kind not in EVENT_KINDS:
        raise HeedmapError(f"There is no kind of event {event.kind!r}.", f"Use one of {', '.join(EVENT_KINDS)}.")
    known = [field for field in data.context.fields if field not in FROM_TIME]
    for field, _ in event.context:
        if field not in known:
            raise HeedmapError(
                f"The events of this dataset carry no {field!r}.",
                f"They carry {', '.join(known)}." if known else "They carry nothing beside kind and time.",
            )


def _then(data: Interactions, past: Past, event: Event, item: int) -> Past:
    newest = int(past.time.max()) if len(past.time) else int(data.time.max()) if len(data.time) else 0
    usual = past.kind if len(past.kind) else data.kind[:_LOOKED_AT]
    kind = event.kind or Counter(usual.tolist()).most_common(1)[0][0]
    row = np.full(data.context.ids.shape[1], -1, np.int32)
    number = {pair: index for index, pair in enumerate(data.context.names)}
    for field, value in event.context:
        row[data.context.fields.index(field)] = number.get((field, value), -1)
    return replace(
        past,
        history=past.history.then(item, row),
        time=np.append(past.time, newest if event.time is None else event.time),
        kind=np.append(past.kind, np.array([kind], object)),
    )


def _with_context(data: Interactions, past: Past, order: NDArray[np.int64], timeless: NDArray[np.bool_]) -> Past:
    """In the order of time, with what follows from times (gap, hour) as if the dataset held the events."""
    time, kind, timeless = past.time[order], past.kind[order], timeless[order]
    context = past.history.context[order].copy()
    derived = event_context(np.zeros(len(time), np.int32), time, kind, [])
    number = {pair: index for index, pair in enumerate(data.context.names)}
    for column, field in enumerate(derived.fields):
        ids = np.array([number.get(derived.names[one], -1) if one >= 0 else -1 for one in derived.ids[:, column]])
        if field in _OF_TIME:
            ids[timeless] = -1
        context[:, data.context.fields.index(field)] = ids
    history = replace(past.history, items=past.history.items[order], context=context)
    return replace(past, history=history, time=time, kind=kind)


def read_event(text: str, kind: str = "", context: tuple[tuple[str, str], ...] = ()) -> Event:
    """An event as it is typed: ITEM or ITEM@TIME, the time in ISO 8601 (UTC where it names no zone).

    What follows an @ and is no time belongs to the product's name.
    """
    item, _, when = text.rpartition("@")
    try:
        moment = datetime.fromisoformat(when) if item else None
    except ValueError:
        moment = None
    if moment is None:
        return Event(text, None, kind, context)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Event(item, int(moment.timestamp() * 1000), kind, context)
