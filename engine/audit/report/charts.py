"""Drawings of a report as SVG. Shapes carry classes; `PALETTE` says their colours on paper, a style sheet on a screen.

No meaning rests on colour alone: each verdict has a shape of its own, and every number stands beside its drawing.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.audit.check import WORST, Figure, Threshold, Verdict
from engine.audit.report.content import Drawing, Label
from engine.audit.report.words import plain

SLUG: Mapping[Verdict, str] = {"fail": "fail", "unsure": "unsure", "pass": "pass", "told": "told", "not run": "not-run"}
# class -> (on a light ground, on a dark one); text and line colours of DESIGN.md, verdicts that keep 4.5:1 on both.
PALETTE: Mapping[str, tuple[str, str]] = {
    "ink": ("#1c2430", "#e6e9ef"),
    "muted": ("#5b6675", "#93a0b3"),
    "line": ("#d5dae1", "#343c48"),
    "paper": ("#ffffff", "#1c2027"),
    "fail": ("#b42318", "#ff8577"),
    "unsure": ("#a15c07", "#f5b544"),
    "pass": ("#067647", "#4ad295"),
    "told": ("#475467", "#aab6c6"),
    "not-run": ("#7b8794", "#7f8b9b"),
    "accent": ("#2f6fed", "#6ea0ff"),
    "up": ("#c2410c", "#fb8a4c"),
    "down": ("#2563a8", "#6fb1ff"),
    "image": ("#d97706", "#f59e0b"),
    "text": ("#0f766e", "#2dd4bf"),
    "audio": ("#0369a1", "#38bdf8"),
    "attribute": ("#7c3aed", "#a78bfa"),
    "link": ("#4d7c0f", "#a3d94a"),
    "identity": ("#64748b", "#94a3b8"),
    "history": ("#be185d", "#f472b6"),
    "bias": ("#a3a8b4", "#5b6575"),
}
_ROW, _AXIS = 20.0, 12.0  # heights in the units of the drawings, of which 4 are a millimetre
_UNIT = 4.0


def svg(
    width: float,
    height: float,
    content: str,
    alt: str,
    millimetres: float | None = None,
    labels: tuple[Label, ...] = (),
) -> Drawing:
    """Wrap shapes; width and height in units."""
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img" aria-label="{html.escape(alt)}" class="drawing">{content}</svg>'
    )
    return Drawing(text, alt, millimetres or width / _UNIT, (width, height), labels)


def symbol(verdict: Verdict, x: float = 6, y: float = 6, size: float = 5) -> str:
    """A verdict's own shape around (x, y): a cross on a disc, a diamond, a tick on a disc, a ring, a dash in a ring."""
    name, s = SLUG[verdict], size

    def stroke(path: str) -> str:
        return f'<path d="{path}" class="s-paper" fill="none" stroke-width="{s * 0.32:.2f}" stroke-linecap="round"/>'

    disc = f'<circle cx="{x:g}" cy="{y:g}" r="{s:g}" class="f-{name}"/>'
    ring = f'<circle cx="{x:g}" cy="{y:g}" r="{s * 0.8:g}" class="s-{name}" fill="none" stroke-width="{s * 0.3:.2f}"/>'
    c, t = s * 0.42, s * 0.5
    if verdict == "fail":
        return disc + stroke(
            f"M{x - c:.2f} {y - c:.2f}L{x + c:.2f} {y + c:.2f}M{x + c:.2f} {y - c:.2f}L{x - c:.2f} {y + c:.2f}"
        )
    if verdict == "pass":
        return disc + stroke(f"M{x - t:.2f} {y:.2f}L{x - t * 0.2:.2f} {y + t * 0.7:.2f}L{x + t:.2f} {y - t * 0.6:.2f}")
    if verdict == "unsure":
        return f'<path d="M{x:g} {y - s:g}L{x + s:g} {y:g}L{x:g} {y + s:g}L{x - s:g} {y:g}Z" class="f-unsure"/>'
    if verdict == "told":
        return ring
    return ring + f'<path d="M{x - c:.2f} {y:g}L{x + c:.2f} {y:g}" class="s-not-run" stroke-width="{s * 0.3:.2f}"/>'


def verdict_mark(verdict: Verdict, name: str) -> Drawing:
    return svg(12, 12, symbol(verdict), name, 3.2)


def verdict_bar(counts: Mapping[Verdict, int], alt: str, most: int, width: float = 240) -> Drawing:
    """Counts side by side, in proportion to `most`; each segment begins with its verdict's symbol where it fits."""
    x, parts = 0.0, []
    for verdict in WORST:
        length = width * counts.get(verdict, 0) / max(most, 1)
        if length:
            parts.append(
                f'<rect x="{x:.1f}" y="2" width="{max(length - 1.5, 1):.1f}" height="12" class="t-{SLUG[verdict]}"/>'
            )
            if length >= 14:
                parts.append(symbol(verdict, x + 7, 8, 4))
            x += length
    return svg(width, 16, "".join(parts), alt)


@dataclass(frozen=True)
class Scale:
    """A range of values along a drawing of `width` units, with its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]
    width: float = 180

    def x(self, value: float) -> float:
        """Where a value stands; what lies beyond the range stands at its end."""
        share = (value - self.low) / (self.high - self.low)
        return 6 + (self.width - 12) * min(max(share, 0.0), 1.0)


def scale_of(figures: list[Figure], threshold: Threshold | None, zero: bool = False) -> Scale:
    """A range that holds all values, intervals and what is asked, from 0 where that is not far off."""
    values = [v for one in figures for v in (one.value, one.low, one.high) if v is not None and math.isfinite(v)]
    if threshold is not None:
        values += [v for v in (threshold.at_least, threshold.at_most) if v is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if zero or (low > 0 and low <= 0.5 * high):
        low = min(low, 0.0)
    if high < 0 and high >= 0.5 * low:
        high = 0.0
    if high - low < 1e-12:
        low, high = (min(low, 0.0), high) if high > 0 else (low, 1.0)
    step = _step((high - low) / 3)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(round(place * step, 12) for place in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough * 0.999)


def interval_row(
    figure: Figure, verdict: Verdict, threshold: Threshold | None, scale: Scale, alt: str, bar: str = ""
) -> Drawing:
    """One figure on a scale: its verdict's symbol at the value, the interval as a line with ends, what is asked as a
    dashed line with the side that is not allowed shaded. bar: a class; the value is then a bar from 0."""
    middle = _ROW / 2
    parts = [*_grid(scale, _ROW), *_asked(threshold, scale)]
    x = scale.x(figure.value)
    if bar:
        zero = scale.x(0.0)
        parts.append(
            f'<rect x="{min(zero, x):.1f}" y="{middle - 5:g}" width="{max(abs(x - zero), 0.8):.1f}" height="10"'
            f' rx="1.5" class="f-{bar}"/>'
        )
    if figure.low is not None and figure.high is not None:
        a, b = scale.x(figure.low), scale.x(figure.high)
        name = "ink" if bar else SLUG[verdict]
        parts.append(
            f'<path d="M{a:.1f} {middle:g}L{b:.1f} {middle:g}M{a:.1f} {middle - 3.5:g}L{a:.1f} {middle + 3.5:g}'
            f'M{b:.1f} {middle - 3.5:g}L{b:.1f} {middle + 3.5:g}" class="s-{name}" fill="none" stroke-width="1.4"/>'
        )
    if not bar:
        parts.append(symbol(verdict, x, middle, 4.4))
    return svg(scale.width, _ROW, "".join(parts), alt)


def axis_row(scale: Scale, alt: str) -> Drawing:
    """The numbers under a scale."""
    shown = [tick for place, tick in enumerate(scale.ticks) if len(scale.ticks) < 5 or place % 2 == 0]
    labels = []
    for tick in shown:
        x = scale.x(tick)
        if x < 12:
            labels.append(Label(0, 8, _tick(tick), "start", muted=True))
        elif x > scale.width - 12:
            labels.append(Label(scale.width, 8, _tick(tick), "end", muted=True))
        else:
            labels.append(Label(x, 8, _tick(tick), "middle", muted=True))
    return svg(scale.width, _AXIS, "", alt, labels=tuple(labels))


def _tick(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= 10_000 else plain(value, 1 if abs(value) < 1e-4 else 6)
    return text.replace("-", "−")


def _grid(scale: Scale, height: float) -> list[str]:
    return [
        f'<path d="M{scale.x(tick):.1f} 0L{scale.x(tick):.1f} {height:g}" class="s-line" stroke-width="0.7"/>'
        for tick in scale.ticks
    ]


def _asked(threshold: Threshold | None, scale: Scale) -> list[str]:
    """What is not allowed, shaded, and its bound."""
    if threshold is None:
        return []
    sides = [(threshold.at_least, 0.0, None), (threshold.at_most, None, scale.width)]
    found = []
    for bound, left, right in sides:
        if bound is None:
            continue
        x = scale.x(bound)
        start, end = (left, x) if left is not None else (x, right or x)
        found.append(f'<rect x="{start:.1f}" y="0" width="{max(end - start, 0):.1f}" height="{_ROW:g}" class="shade"/>')
        found.append(
            f'<path d="M{x:.1f} 0L{x:.1f} {_ROW:g}" class="s-ink" stroke-width="1" stroke-dasharray="2.5 1.8"/>'
        )
    return found


def parts_bars(parts: Mapping[str, float], names: Mapping[str, str], total: str, alt: str) -> Drawing:
    """A score as bars by part, left of 0 what pulls it down; names by part; `total` is written below."""
    width, name_width, number_width, line = 400.0, 96.0, 52.0, 16.0
    left = name_width + number_width + 8
    low, high = min(0.0, *parts.values()), max(0.0, *parts.values())
    unit = (width - left) / ((high - low) or 1.0)
    zero = left - low * unit
    shapes, labels = [f'<path d="M{zero:g} 0L{zero:g} {line * len(parts):g}" class="s-muted" stroke-width="0.8"/>'], []
    for place, (name, value) in enumerate(parts.items()):
        y, x = line * place, zero + min(value, 0.0) * unit
        labels.append(Label(0, y + 11.5, names[name]))
        labels.append(Label(name_width + number_width, y + 11.5, f"{value:+.3f}".replace("-", "−"), "end"))
        length = max(abs(value) * unit, 0.6)
        shapes.append(f'<rect x="{x:.1f}" y="{y + 3:g}" width="{length:.1f}" height="10" rx="1.5" class="f-{name}"/>')
    y = line * len(parts)
    end = name_width + number_width
    shapes.append(f'<path d="M0 {y + 1:g}L{end:g} {y + 1:g}" class="s-line" stroke-width="0.8"/>')
    labels.append(Label(0, y + 13.5, total, strong=True))
    return svg(width, y + 17, "".join(shapes), alt, labels=tuple(labels))
