"""What a check is, and what it answers: figures with intervals, thresholds, and the verdict that follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import HeedmapError

if TYPE_CHECKING:
    from engine.audit.subject import Subject
    from engine.jobs import Job

# pass: what is asked is met. unsure: it is not met, but its interval reaches to where it is; or it is met, but too
# little was measured to see a breach. fail: not met, beyond chance. told: a figure of which nothing is asked. not run:
# the check could not be measured; the reason says why.
Verdict = Literal["pass", "unsure", "fail", "told", "not run"]
WORST: tuple[Verdict, ...] = ("fail", "unsure", "pass", "told", "not run")

# In the order in which they are reported; a check's name begins with its family's.
FAMILIES = (
    "quality",
    "explanation",
    "shoppers",
    "sellers",
    "robustness",
    "shortcuts",
    "privacy",
    "diversity",
    "data",
)

Value = str | int | float


@dataclass(frozen=True)
class Figure:
    """A measured number. low, high: its 95 % interval, None where it was counted and not estimated; n: of how many
    shoppers, products or pairs; of: what it is of where a check measures several ("group": "women").

    Of figures with a threshold that are measured for many groups the intervals hold together (Bonferroni), so that
    nothing is failed for being one of many. blind: too little was measured for a plain breach of the threshold to be
    failed four times in five; what such a figure meets is unsure, unless its whole interval meets it.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    of: Mapping[str, str] = field(default_factory=dict)
    blind: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from the other figures of its check, here and in another audit."""
        return (self.name, *(f"{name}={value}" for name, value in sorted(self.of.items())))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Threshold:
    """What is asked of every figure of that name in a check; both bounds count as met."""

    figure: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise HeedmapError(f"The threshold of {self.figure} asks nothing.", "Give at_least or at_most.")

    def verdict(self, figure: Figure) -> Verdict:
        low = figure.value if figure.low is None else figure.low
        high = figure.value if figure.high is None else figure.high
        if self.at_least is not None and figure.value < self.at_least:
            return "fail" if high < self.at_least else "unsure"
        if self.at_most is not None and figure.value > self.at_most:
            return "fail" if low > self.at_most else "unsure"
        least = -math.inf if self.at_least is None else self.at_least
        most = math.inf if self.at_most is None else self.at_most
        certain = figure.low is not None and least <= low and high <= most
        return "unsure" if figure.blind and not certain else "pass"


@dataclass(frozen=True)
class Note:
    """A sentence of the check's texts (`resources/audit`), with what stands in its gaps."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """Something to look at: a shopper and a product, a product, or a text; kind says which, `note` what is to be seen.

    box: (left, top, right, bottom) in 0..1 of the product's first photo, where a place of it is meant.
    """

    kind: Literal["pair", "product", "shopper", "text"]
    user: str = ""
    item: str = ""
    text: str = ""
    note: Note | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Measured:
    """What a check found. tables: name -> column -> values, one length each; they travel as Parquet."""

    figures: tuple[Figure, ...]
    notes: tuple[Note, ...] = ()
    examples: tuple[Example, ...] = ()
    tables: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check. Its title, what it asks in short, its method and its source are texts under its name, "family.check",
    in `resources/audit`.

    measure: a job that returns Measured; it draws only from `subject.random(name)`, so that it can be run again alone.
    It raises NotRun where the run or the dataset lacks what it needs. thresholds: those of the presets; a plan may set
    others. spread: the standard deviation of one measured unit that sample sizes are derived from; 0 where a check
    measures everything. most: the largest sample that makes sense; cost: seconds per unit (of everything, where the
    spread is 0), for the time left. trains: it trains the run anew, so that only a full plan holds it, or one that
    names it.
    """

    name: str
    measure: Callable[[Subject], Job]
    thresholds: tuple[Threshold, ...] = ()
    spread: float = 0.0
    most: int = 5_000
    cost: float = 1.0
    trains: bool = False

    @property
    def family(self) -> str:
        return self.name.split(".")[0]


class NotRun(Exception):
    """A check that cannot be measured here; `note` is the reason, a sentence of the check's texts or of `common`."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.key)
        self.note = note


@dataclass(frozen=True)
class Result:
    """A check that was done, with what was asked of it. threshold and verdict stand beside each figure, in its order.

    seed, sample: what it was measured with; seconds: how long it took.
    """

    check: str
    verdict: Verdict
    figures: tuple[Figure, ...]
    thresholds: tuple[Threshold, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[Note, ...]
    examples: tuple[Example, ...]
    tables: tuple[str, ...]
    seed: int
    sample: int
    seconds: float

    @property
    def family(self) -> str:
        return self.check.split(".")[0]

    def threshold(self, figure: Figure) -> Threshold | None:
        return next((one for one in self.thresholds if one.figure == figure.name), None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Result:
        """The same, read back. HeedmapError where something is missing."""
        try:
            return Result(
                **{
                    **content,
                    "figures": tuple(Figure(**one) for one in content["figures"]),
                    "thresholds": tuple(Threshold(**one) for one in content["thresholds"]),
                    "verdicts": tuple(content["verdicts"]),
                    "notes": tuple(Note(**one) for one in content["notes"]),
                    "examples": tuple(_example(one) for one in content["examples"]),
                    "tables": tuple(content["tables"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise HeedmapError(f"A result of an audit is damaged ({error}).", "Run the audit again.") from error


def _example(content: Mapping[str, Any]) -> Example:
    note, box = content["note"], content["box"]
    return replace(
        Example(**{**content, "note": None}), note=Note(**note) if note else None, box=tuple(box) if box else None
    )


def judged(
    check: str, measured: Measured, thresholds: tuple[Threshold, ...], seed: int, sample: int, seconds: float
) -> Result:
    """A result from what was measured: the verdict of each figure, and the worst of them as the check's."""
    asked = {one.figure: one for one in thresholds}
    verdicts: tuple[Verdict, ...] = tuple(
        asked[one.name].verdict(one) if one.name in asked else "told" for one in measured.figures
    )
    return Result(
        check,
        next((one for one in WORST if one in verdicts), "told"),
        measured.figures,
        thresholds,
        verdicts,
        measured.notes,
        measured.examples,
        tuple(measured.tables),
        seed,
        sample,
        seconds,
    )


def not_run(check: str, reason: Note, thresholds: tuple[Threshold, ...], seed: int, seconds: float) -> Result:
    """The result of a check that could not be measured, and why."""
    return Result(check, "not run", (), thresholds, (), (reason,), (), (), seed, 0, seconds)
