"""How an edit of a page or of a past follows from what the user did: plain functions of frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.answers import RunSummary
from engine.explain.types import HistoryEvent, ItemText, Token
from engine.scenario import Event, ItemEdit, PastEdit, Scenario

NEW_REVIEW = "review:new-"
_DAY = 86_400_000  # milliseconds


def with_text(edit: ItemEdit, written: Sequence[ItemText], field: str, text: str) -> ItemEdit:
    """The page with one text changed. written: the texts of the dataset; a text as it is there is no edit."""
    before = text_of(edit, written, field)
    known = next((one.text for one in written if one.field == field), "")
    others = tuple(pair for pair in edit.texts if pair[0] != field)
    texts = others if text == known else _in_place(edit.texts, field, text)
    dropped = tuple(
        kept for token in edit.dropped if (kept := _moved(token, before, text) if token.field == field else token)
    )
    return replace(edit, texts=texts, dropped=dropped)


def _in_place(texts: tuple[tuple[str, str], ...], field: str, text: str) -> tuple[tuple[str, str], ...]:
    if any(name == field for name, _ in texts):
        return tuple((name, text if name == field else other) for name, other in texts)
    return (*texts, (field, text))


def _moved(token: Token, before: str, after: str) -> Token | None:
    """A word that was taken away, where it stands in the text as it is now; None where it is gone."""
    if token.modality != "text" or token.span is None:
        return token
    word = before[slice(*token.span)]
    starts = [at for at in range(len(after) - len(word) + 1) if after.startswith(word, at)] if word else []
    if not starts:
        return None
    was, longer = token.span[0], len(after) - len(before)
    start = min(starts, key=lambda at: min(abs(at - was), abs(at - longer - was)))
    return replace(token, span=(start, start + len(word)))


def text_of(edit: ItemEdit, written: Sequence[ItemText], field: str) -> str:
    """A text as the edited page has it; empty where it is removed."""
    known = next((one.text for one in written if one.field == field), "")
    return next((text for name, text in edit.texts if name == field), known)


def new_reviews(edit: ItemEdit) -> list[str]:
    """The names of the reviews that the edit adds."""
    return [name for name, _ in edit.texts if name.startswith(NEW_REVIEW)]


def next_review(taken: Sequence[str]) -> str:
    """A free name for a review that is added."""
    number = 1
    while f"{NEW_REVIEW}{number}" in taken:
        number += 1
    return f"{NEW_REVIEW}{number}"


def with_photo(edit: ItemEdit, photo: str | None, *, same_places: bool = True) -> ItemEdit:
    """The page with another photo. same_places: whether what stood at a place still does, so that cells that were
    taken away stay so."""
    dropped = tuple(
        replace(one, field=photo) if one.modality == "image" and photo else one
        for one in edit.dropped
        if one.modality != "image" or (same_places and photo)
    )
    return replace(edit, photo=photo, dropped=dropped)


def with_attributes(
    edit: ItemEdit, written: tuple[tuple[str, str], ...], attributes: tuple[tuple[str, str], ...]
) -> ItemEdit:
    """The page with these attributes in all; as the dataset has them they are no edit."""
    return replace(edit, attributes=None if attributes == written else attributes)


def baseline(scenario: Scenario, user: str) -> Scenario | None:
    """What a scenario is compared with: nothing changed; for an invented shopper, only their past. None where that is
    the scenario itself."""
    past = scenario.past_of(user)
    before = Scenario(pasts=(past,)) if past.invented else Scenario()
    same = before == scenario if past.invented else not scenario.changes
    return None if same else before


def invented(scenario: Scenario) -> tuple[str, ...]:
    """The shoppers that a scenario makes up."""
    return tuple(past.user for past in scenario.pasts if past.invented)


def new_shopper(text: str, run: RunSummary, scenario: Scenario) -> str:
    """A free name for a shopper; text: "new shopper {n}"."""
    taken = {*run.shoppers.user, *(past.user for past in scenario.pasts)}
    number = 1
    while (name := text.format(n=number)) in taken:
        number += 1
    return name


def added(past: PastEdit, item: str) -> PastEdit:
    """The past with a product as its newest event. One that was removed before is put back at its end."""
    return replace(past, added=(*past.added, Event(item)))


def removed(past: PastEdit, item: str) -> PastEdit:
    """The past without a product."""
    others = tuple(event for event in past.added if event.item != item)
    if len(others) < len(past.added):
        return replace(past, added=others)
    return replace(past, removed=(*past.removed, item))


@dataclass(frozen=True)
class _Timed:
    event: HistoryEvent
    time: int
    moved: bool = False


def reordered(past: PastEdit, history: Sequence[HistoryEvent], at: int, to: int) -> PastEdit:
    """The past with its event number `at` (oldest first) moved to number `to`, by giving it a time between its new
    neighbours; neighbours that leave no room get later times too."""
    timeless = {event.item for event in past.added if event.time is None}
    rows = [_Timed(event, milliseconds(event.time), event.item in timeless) for event in history]
    one = rows.pop(at)
    to = min(max(to, 0), len(rows))
    rows.insert(to, replace(one, time=_between(rows, to), moved=True))
    for place in range(1, len(rows)):
        before, row = rows[place - 1], rows[place]
        if row.time < before.time or (row.time == before.time and (row.moved or before.moved)):
            rows[place] = replace(row, time=before.time + 1, moved=True)
    for row in rows:
        if row.moved:
            known = next((event for event in past.added if event.item == row.event.item), None)
            if known is not None:
                event = replace(known, time=row.time)
                past = replace(past, added=tuple(event if one is known else one for one in past.added))
            else:
                event = Event(row.event.item, row.time, row.event.kind)
                past = replace(past, added=(*past.added, event), removed=(*past.removed, row.event.item))
    return past


def _between(rows: Sequence[_Timed], place: int) -> int:
    if not rows:
        return 0
    if place == 0:
        return rows[0].time - _DAY
    if place == len(rows):
        return rows[-1].time + _DAY
    before, after = rows[place - 1].time, rows[place].time
    return before + max(1, (after - before) // 2)


def milliseconds(time: str) -> int:
    """An ISO 8601 time as milliseconds since 1970; 0 where it cannot be read."""
    try:
        return round(datetime.fromisoformat(time).timestamp() * 1000)
    except ValueError:
        return 0
