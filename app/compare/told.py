"""The maps of a comparison as views read them: two sides on one scale, their difference on its own; linked pointing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QObject

from app.session import NOTHING, Pointed, Session
from app.views.shown import Shown, digits, number, percent, signed, token_name
from engine.compare.align import values_of
from engine.compare.types import Aligned, Comparison


def tr(text: str) -> str:
    return QCoreApplication.translate("Compare", text)


def _no_lines(_token: int) -> list[str]:
    return []


@dataclass(frozen=True, eq=False)
class Told(Shown):
    """An explanation under numbers of a comparison. full: the least full heat of each modality; lines: what a tooltip
    says of a token below its name."""

    numbers: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    full: Mapping[str, float] = field(default_factory=dict)
    lines: Callable[[int], list[str]] = _no_lines

    @cached_property
    def attention(self) -> bool:
        return False

    @cached_property
    def values(self) -> NDArray[np.float64]:
        return self.numbers

    @cached_property
    def scales(self) -> dict[str, float]:
        return {
            name: max(self.full.get(name, 0.0), float(np.abs(self.numbers[rows]).max()) if len(rows) else 0.0)
            for name, rows in self.indices.items()
        }

    def tip(self, token: int) -> tuple[str, list[str]]:
        return token_name(self.explanation.tokens[token]), self.lines(token)


def amount(value: float, unit: str, scale: float) -> str:
    """A number of a comparison with its sign: of the score, or per cent of a map. scale: the size of its neighbours."""
    if unit == "share":
        return ("+" if value > 0 else "") + percent(value)
    return signed(value, digits(scale))


def plain(value: float, unit: str, scale: float) -> str:
    """The same without a plus."""
    return percent(value) if unit == "share" else number(value, digits(scale))


class Maps:
    """left, right: the sides, on one scale; difference: left less right, over the photo and the words of the left."""

    def __init__(self, found: Comparison) -> None:
        rows = found.rows
        self._found = found
        self._size = max((abs(float(one)) for one in (*rows.left, *rows.right)), default=0.0)
        self.left_rows = _by_token(rows.left_rows, len(found.left.tokens))
        self.right_rows = _by_token(rows.right_rows, len(found.right.tokens))
        left, right = (values_of(one, found.unit, found.magnitudes) for one in (found.left, found.right))
        full = _full(found, left, right)
        self.left = Told(found.left, numbers=left, full=full, lines=lambda t: self._lines(self.left_rows[t]))
        self.right = Told(found.right, numbers=right, full=full, lines=lambda t: self._lines(self.right_rows[t]))
        grid = found.grids[2] if found.grids is not None else found.left.grid
        between = replace(
            found.left,
            tokens=rows.tokens,
            contribution=rows.difference,
            share=rows.difference,
            contribution_by_head=np.zeros((len(rows.tokens), 0)),
            attention=np.zeros((len(rows.tokens), 0)),
            grid=grid,
            faithfulness=None,
            method="difference",
            sums_to_score=False,
        )
        even = full if found.magnitudes else {}
        self.difference = Told(between, numbers=rows.difference, full=even, lines=lambda t: self._lines((t,)))

    def _lines(self, rows: tuple[int, ...]) -> list[str]:
        if not rows:
            return []
        aligned, unit = self._found.rows, self._found.unit
        left, right = float(aligned.left[list(rows)].sum()), float(aligned.right[list(rows)].sum())
        text = tr("left {left} · right {right}").format(
            left=plain(left, unit, self._size), right=plain(right, unit, self._size)
        )
        return [text, tr("difference {value}").format(value=amount(left - right, unit, self._size))]


def _full(found: Comparison, left: NDArray[np.float64], right: NDArray[np.float64]) -> dict[str, float]:
    """Full heat of each modality, one for both sides. A map without signs that is spread evenly stays pale: full heat
    is at least three even shares."""
    full: dict[str, float] = {}
    for explanation, values in ((found.left, left), (found.right, right)):
        named = np.array([token.modality for token in explanation.tokens])
        for name in set(named.tolist()):
            sizes = np.abs(values[named == name])
            most = max(float(sizes.max()), 3 * float(sizes.mean()) if found.magnitudes and len(sizes) > 1 else 0.0)
            full[name] = max(full.get(name, 0.0), most)
    return full


def _by_token(rows: tuple[tuple[int, ...], ...], tokens: int) -> list[tuple[int, ...]]:
    found: list[list[int]] = [[] for _ in range(tokens)]
    for row, sources in enumerate(rows):
        for token in sources:
            found[token].append(row)
    return [tuple(one) for one in found]


class Linked(QObject):
    """A state of its own for what the pointer lights on each side and in the difference: one lights the others.

    Nothing can be brushed: what is compared is not edited here.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.left, self.right, self.difference = (Session(session.engine, self) for _ in range(3))
        self._maps: Maps | None = None
        self._rows: Aligned | None = None
        self._passing = False
        for place, one in enumerate((self.left, self.right, self.difference)):
            one.pointed_changed.connect(lambda pointed, place=place: self._pointed(place, pointed))
            one.brush_changed.connect(lambda brushed, one=one: one.brush_over(frozenset()) if brushed else None)

    def take(self, found: Comparison | None, maps: Maps | None) -> None:
        """Follow another comparison."""
        self._maps, self._rows = maps, None if found is None else found.rows
        for session, told in zip(
            (self.left, self.right, self.difference),
            (None, None, None) if maps is None else (maps.left, maps.right, maps.difference),
            strict=True,
        ):
            session.point(NOTHING)
            session.explanation = None if told is None else told.explanation

    def _pointed(self, place: int, pointed: Pointed) -> None:
        if self._passing or self._maps is None or self._rows is None:
            return
        by_token = (self._maps.left_rows, self._maps.right_rows, None)[place]
        rows = set(pointed.tokens)
        if by_token is not None:
            rows = {row for token in pointed.tokens if token < len(by_token) for row in by_token[token]}
        tokens = (
            frozenset(token for row in rows for token in self._rows.left_rows[row]),
            frozenset(token for row in rows for token in self._rows.right_rows[row]),
            frozenset(rows),
        )
        self._passing = True
        for other, session in enumerate((self.left, self.right, self.difference)):
            if other != place:
                session.point(Pointed(tokens[other], part=pointed.part) if rows or pointed.part else NOTHING)
        self._passing = False
