"""Two bundles compared: what became better or worse beyond chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.audit.check import Figure, Result, Verdict
from engine.audit.summary import figure_label
from engine.audit.texts import texts

LEVEL = 0.05
_NORMAL = 1.959964  # half-width of a 95 % interval in standard errors

Change = Literal["better", "worse", "changed", "same"]


@dataclass(frozen=True)
class Moved:
    """A figure in both bundles. p: of there being no change, adjusted for all that were compared (Holm 1979); None
    where a figure was counted and any change is one. change: "changed" where nothing says which way is better."""

    check: str
    figure: str
    of: Mapping[str, str]
    before: float
    after: float
    p: float | None
    change: Change
    verdicts: tuple[Verdict, Verdict]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """moved: of figures in both; verdicts: check -> before and after, where they differ; only: checks in one alone."""

    moved: tuple[Moved, ...]
    verdicts: dict[str, tuple[Verdict, Verdict]]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def difference(before: tuple[Result, ...], after: tuple[Result, ...]) -> Difference:
    """What moved from one audit to another.

    Two figures with intervals are compared by a normal test whose standard errors are the intervals' half-widths over
    1.96. The two are taken for independent: of the same shoppers they are mostly alike, and then the test is careful.
    """
    one, two = {result.check: result for result in before}, {result.check: result for result in after}
    both = [name for name in one if name in two]
    found: list[tuple[str, Figure, Figure, Verdict, Verdict, float | None]] = []
    for name in both:
        later = {figure.key: place for place, figure in enumerate(two[name].figures)}
        for place, figure in enumerate(one[name].figures):
            there = later.get(figure.key)
            if there is not None:
                other = two[name].figures[there]
                found.append(
                    (name, figure, other, one[name].verdicts[place], two[name].verdicts[there], _p(figure, other))
                )
    adjusted = iter(_holm([row[-1] for row in found if row[-1] is not None]))
    moved = []
    for name, figure, other, was, now, p in found:
        corrected = None if p is None else next(adjusted)
        way = _way(two[name], figure.name)
        moved.append(
            Moved(
                name,
                figure.name,
                figure.of,
                figure.value,
                other.value,
                corrected,
                _change(figure.value, other.value, corrected, way),
                (was, now),
            )
        )
    changed = {name: (one[name].verdict, two[name].verdict) for name in both if one[name].verdict != two[name].verdict}
    return Difference(
        tuple(moved),
        changed,
        tuple(name for name in one if name not in two),
        tuple(name for name in two if name not in one),
    )


def difference_text(found: Difference, language: str = "en") -> str:
    """Lines for a terminal: verdicts that changed, then figures that moved beyond chance."""
    words = texts(language)
    told, verdicts = words["common"]["told"], words["common"]["verdicts"]

    def title(check: str) -> str:
        return str(words[check]["title"]) if check in words else check

    lines = [
        told["verdict"].format(check=title(name), before=verdicts[was], after=verdicts[now])
        for name, (was, now) in found.verdicts.items()
    ]
    for one in found.moved:
        if one.change != "same":
            said = {
                "change": told[one.change],
                "check": title(one.check),
                "figure": figure_label(one.check, one.figure, one.of, language),
                "before": f"{one.before:.4g}",
                "after": f"{one.after:.4g}",
            }
            lines.append(
                told["moved"].format(**said) if one.p is None else told["moved_p"].format(**said, p=f"{one.p:.3f}")
            )
    lines += [told["only_before"].format(check=title(name)) for name in found.only_before]
    lines += [told["only_after"].format(check=title(name)) for name in found.only_after]
    same = sum(one.change == "same" for one in found.moved)
    lines.append(told["same"].format(same=same, all=len(found.moved)))
    return "\n".join(lines)


def _p(one: Figure, two: Figure) -> float | None:
    if one.low is None or one.high is None or two.low is None or two.high is None:
        return None
    error = math.hypot(one.high - one.low, two.high - two.low) / (2 * _NORMAL)
    if error == 0:
        return float(one.value == two.value)
    return math.erfc(abs(two.value - one.value) / error / math.sqrt(2))


def _holm(found: list[float]) -> list[float]:
    """p-values adjusted so that all hold together, in the order given."""
    order = sorted(range(len(found)), key=found.__getitem__)
    adjusted, largest = [1.0] * len(found), 0.0
    for place, at in enumerate(order):
        largest = max(largest, min(1.0, (len(found) - place) * found[at]))
        adjusted[at] = largest
    return adjusted


def _way(result: Result, figure: str) -> int:
    """1 where more is better, -1 where less is, 0 where nothing is asked, or both bounds are."""
    asked = next((one for one in result.thresholds if one.figure == figure), None)
    if asked is None:
        return 0
    return (asked.at_least is not None) - (asked.at_most is not None)


def _change(was: float, now: float, p: float | None, way: int) -> Change:
    if was == now or (p is not None and p >= LEVEL):
        return "same"
    if not way:
        return "changed"
    return "better" if (now > was) == (way > 0) else "worse"
