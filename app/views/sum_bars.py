"""The bars of the sum: the parts of a score from its bias on, or the largest pieces of one part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.session import ALL_HEADS
from app.views.shown import PARTS, Shown, digits, number, part_name, percent, signed, tr

_ORDER = ("bias", *(part for part in PARTS if part != "bias"))
PAST = "history"
DOMINANT = 0.6  # of the magnitude of all parts: beyond it past choices leave the others no height


@dataclass(frozen=True)
class Bar:
    """One bar of the sum, from `start` to `end` on the scale of scores. tokens: those of a piece of a part; history:
    the past event that it is; opens: whether it has pieces to be looked at."""

    part: str  # "" for the total
    caption: str
    text: str
    start: float
    end: float
    value: float
    detail: str = ""  # a second line below the caption
    tokens: frozenset[int] = frozenset()
    history: int | None = None
    opens: bool = False


def past_dominates(shown: Shown) -> bool:
    """Whether what past choices add directly dwarfs every other part."""
    parts = shown.parts
    size = sum(abs(value) for value in parts.values())
    return PAST in parts and len(parts) > 1 and abs(parts[PAST]) > DOMINANT * size


def bars_of(shown: Shown, *, without_past: bool = False) -> list[Bar]:
    """The bars from left to right: each begins where the last one ended, and the total stands on zero.

    without_past: leave out what past choices add directly; the total is then that of the rest.
    """
    parts = shown.parts
    found = shown.explanation
    if shown.attention or not found.sums_to_score:
        return _side_by_side(shown)
    rest = {part: value for part, value in parts.items() if not (without_past and part == PAST)}
    places = digits(sum(rest.values()) if without_past else found.score)
    bars: list[Bar] = []
    at = 0.0
    for part in _ORDER:
        if part not in rest:
            continue
        value = rest[part]
        text = number(value, places) if not bars else signed(value, places)
        bars.append(Bar(part, part_name(part), text, at, at + value, value, opens=opens(shown, part)))
        at += value
    whole = shown.head == ALL_HEADS
    caption = tr("the rest") if without_past else part_name("score") if whole else shown.head_name()
    bars.append(Bar("", caption, number(at, places), 0.0, at, at))
    return bars


def opens(shown: Shown, part: str) -> bool:
    """Whether a part has pieces of its own."""
    return part in shown.indices and len(shown.indices[part]) > 1


def bars_within(shown: Shown, part: str, most: int = 8) -> list[Bar]:
    """The largest pieces of a part, by magnitude, then all that is left, then the part itself: they sum to it.

    Under attention and other numbers that do not add up, the pieces stand side by side.
    """
    rows = shown.indices[part]
    values = shown.values[rows]
    order = np.argsort(-np.abs(values), kind="stable")
    first = rows[order] if len(rows) <= most + 1 else rows[order][:most]
    adds = shown.explanation.sums_to_score and not shown.attention
    places = digits(float(np.abs(values).max()))
    bars: list[Bar] = []
    at = 0.0

    def add(caption: str, value: float, tokens: frozenset[int], history: int | None = None) -> None:
        text = percent(value) if shown.attention else signed(value, places)
        start = at if adds else 0.0
        bars.append(Bar(part, caption, text, start, start + value, value, tokens=tokens, history=history))

    for row in first.tolist():
        add(_piece(shown, row), float(shown.values[row]), frozenset((row,)), _event_of(shown, row))
        at += bars[-1].value
    rest = rows[order][len(first) :]
    if len(rest):
        add(tr("{n} more").format(n=len(rest)), float(shown.values[rest].sum()), frozenset(rest.tolist()))
        at += bars[-1].value
    if adds:
        bars.append(Bar("", part_name(part), number(at, places), 0.0, at, at))
    return bars


def _piece(shown: Shown, row: int) -> str:
    """A piece in few letters: an attribute by its value alone."""
    token = shown.explanation.tokens[row]
    if token.modality == "image":
        return tr("cell {place}").format(place=token.label)
    return token.label


def _event_of(shown: Shown, row: int) -> int | None:
    """The place in the explanation's past of what a past choice adds directly."""
    token = shown.explanation.tokens[row]
    if token.modality != PAST:
        return None
    items = [event.item for event in shown.explanation.history]
    return items.index(token.field) if token.field in items else None


def _side_by_side(shown: Shown) -> list[Bar]:
    """Numbers that do not add up stand side by side, each on zero, without a total."""
    bars = []
    for part in _ORDER:
        unheeded = shown.attention and part in ("identity", PAST)  # attention is paid to what stands on the page
        if part not in shown.parts or part == "bias" or unheeded:
            continue
        value = shown.parts[part]
        caption = part_name(part)
        text = percent(value) if shown.attention else signed(value, digits(value))
        detail = ""
        if shown.attention:
            few, many = shown.spread(part)
            detail = tr("half on {few} of {many}").format(few=few, many=many)
        bars.append(Bar(part, caption, text, 0.0, value, value, detail, opens=opens(shown, part)))
    return bars
