"""How edits follow from what the user did, against orders worked out another way."""

from __future__ import annotations

import random

import pytest

from app.whatif.edits import added, baseline, removed, reordered, text_of, with_attributes, with_photo, with_text
from engine.explain.types import HistoryEvent, ItemText, Token
from engine.scenario import Event, ItemEdit, PastEdit, Scenario

WRITTEN = (ItemText("title", "A red hat"), ItemText("review:1", "red, very red"))


def history(*rows: tuple[str, int]) -> tuple[HistoryEvent, ...]:
    """Products with the second of 2025 in which they were chosen."""
    return tuple(
        HistoryEvent(item, item, f"2025-01-01T00:{second // 60:02d}:{second % 60:02d}+00:00", "purchase", None)
        for item, second in rows
    )


def order(past: PastEdit, events: tuple[HistoryEvent, ...]) -> list[str]:
    """The order that the engine makes of it: what stays of the dataset, then what is added, by time, stably."""
    from app.whatif.edits import milliseconds

    base = [(milliseconds(event.time), event.item) for event in events if event.item not in past.removed]
    newest = max((time for time, _ in base), default=0)
    rows = list(base)
    for event in past.added:
        newest = max((time for time, _ in rows), default=newest)
        rows.append((newest if event.time is None else event.time, event.item))
    return [item for _, item in sorted(rows, key=lambda row: row[0])]


@pytest.mark.parametrize("seed", range(20))
def test_any_order_can_be_reached_step_by_step(seed: int) -> None:
    dice = random.Random(seed)
    count = dice.randint(2, 7)
    seconds = sorted(dice.choice((0, 1, 1, 5, 600)) for _ in range(count))
    events = history(*((f"i{place}", second) for place, second in enumerate(seconds)))
    past = PastEdit("u")
    wanted = [event.item for event in events]
    for _ in range(6):
        at, to = dice.randrange(count), dice.randrange(count)
        now = order(past, events)
        assert now == wanted
        times = _times(past, events)
        past = reordered(past, [_as_shown(item, times[item]) for item in now], at, to)
        wanted.insert(to, wanted.pop(at))
    assert order(past, events) == wanted


def _times(past: PastEdit, events: tuple[HistoryEvent, ...]) -> dict[str, int]:
    from app.whatif.edits import milliseconds

    times = {event.item: milliseconds(event.time) for event in events}
    return times | {event.item: event.time for event in past.added if event.time is not None}


def _as_shown(item: str, time: int) -> HistoryEvent:
    from datetime import UTC, datetime

    return HistoryEvent(item, item, datetime.fromtimestamp(time / 1000, UTC).isoformat(), "purchase", None)


def test_a_past_choice_goes_and_comes() -> None:
    past = removed(added(PastEdit("u"), "i1"), "i1")
    assert past == PastEdit("u")
    assert removed(past, "i2") == PastEdit("u", removed=("i2",))
    assert added(removed(past, "i2"), "i2") == PastEdit("u", (Event("i2"),), ("i2",))


def test_a_text_as_it_was_is_no_edit() -> None:
    edit = with_text(ItemEdit("i"), WRITTEN, "title", "A blue hat")
    assert edit.texts == (("title", "A blue hat"),)
    assert text_of(edit, WRITTEN, "title") == "A blue hat"
    assert with_text(edit, WRITTEN, "title", "A red hat") == ItemEdit("i")
    assert with_text(ItemEdit("i"), WRITTEN, "review:new-1", "").empty


def test_words_that_were_taken_away_stay_so_while_their_text_is_edited() -> None:
    word = Token("text", "red", "review:1", (10, 13))
    edit = ItemEdit("i", (word, Token("image", "1, 1", "a.png", box=(0, 0, 1, 1))))
    longer = with_text(edit, WRITTEN, "review:1", "Oh red, very red")
    assert longer.dropped[0].span == (13, 16)
    gone = with_text(edit, WRITTEN, "review:1", "blue")
    assert [token.modality for token in gone.dropped] == ["image"]


def test_cells_follow_a_photo_only_where_places_stay() -> None:
    edit = ItemEdit("i", (Token("image", "1, 1", "a.png", box=(0, 0, 1, 1)),))
    assert with_photo(edit, "/b.png").dropped[0].field == "/b.png"
    assert with_photo(edit, "/b.png", same_places=False).dropped == ()


def test_attributes_as_they_were_are_no_edit() -> None:
    written = (("colour", "red"),)
    assert with_attributes(ItemEdit("i"), written, (("colour", "blue"),)).attributes == (("colour", "blue"),)
    assert with_attributes(ItemEdit("i"), written, written).empty


def test_a_made_up_shopper_is_compared_with_their_own_past() -> None:
    past = PastEdit("new", (Event("i1"),), (), True)
    assert baseline(Scenario(), "u") is None
    assert baseline(Scenario(pasts=(past,)), "new") is None
    assert baseline(Scenario(pasts=(past,)), "u") == Scenario()
    edited = Scenario((ItemEdit("i", photo=""),), (past,))
    assert baseline(edited, "new") == Scenario(pasts=(past,))
