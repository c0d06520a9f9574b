"""Where the words and figures of a row of bars go, so that none runs into another: the most important ones first, each
whole where there is room, else shorter, else left out (pointing at its bar tells it)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QRectF

from app.views.shown import number, percent, signed
from app.views.sum_bars import Bar

LINE = 15.0  # the height of a line of either
ROWS = 3  # a figure stands on its bar, or so many lines above it
GAP = 4.0  # between two texts of one line
_ABOVE = 18.0  # from the top of a bar to the top of its figure
Width = Callable[[str], float]


@dataclass(frozen=True)
class Label:
    """A text and where it is drawn, in its middle."""

    text: str
    rect: QRectF


def figures(bars: Sequence[Bar], rects: Sequence[QRectF], width: Width, room: QRectF, first: int = -1) -> list[Label]:
    """The figure of each bar, in their order; one without a text is left out. `first`: the bar that is looked at."""
    order = sorted(range(len(bars)), key=lambda at: (at != first, bool(bars[at].part), -abs(bars[at].value)))
    found = [Label("", QRectF()) for _ in bars]
    for at in order:
        others = [rect for place, rect in enumerate(rects) if place != at]
        taken = [one.rect for one in found if one.text]
        found[at] = _figure(bars[at], rects[at], width, room, [*others, *taken])
    return found


def _figure(bar: Bar, rect: QRectF, width: Width, room: QRectF, taken: list[QRectF]) -> Label:
    for text in (bar.text, *shorter(bar)):
        wide = width(text)
        left = min(max(rect.center().x() - wide / 2, room.left()), room.right() - wide)
        for row in range(ROWS):
            place = QRectF(left, rect.top() - _ABOVE - row * LINE, wide, LINE)
            apart = place.adjusted(-GAP / 2, 0, GAP / 2, 0)
            if place.top() >= room.top() and not any(apart.intersects(other) for other in taken):
                return Label(text, place)
    return Label("", QRectF())


def shorter(bar: Bar) -> list[str]:
    """The figure of a bar with fewer and fewer decimal places, as long as it is not taken for nothing."""
    places = len(bar.text.rstrip(" %").partition(".")[2])
    if bar.text.endswith("%"):
        texts = [f"{number(bar.value * 100, few)} %" for few in reversed(range(places))]
        texts.append(percent(bar.value).removesuffix(" %") if not places else number(bar.value * 100, 0))
    else:
        written = signed if bar.text[:1] in ("+", "−") and bar.part else number
        texts = [written(bar.value, few) for few in reversed(range(places))]
    return [text for text in texts if text.strip("+−0., %") or not bar.value]


def on_one_line(widths: Sequence[float], step: float) -> bool:
    """Whether names of these widths stand apart below their bars, `step` from one to the next; the outer ones within
    their own room."""
    pairs = pairwise(widths)
    return max(widths[0], widths[-1]) <= step and all((one + other) / 2 + GAP <= step for one, other in pairs)
