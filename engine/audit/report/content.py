"""What a report holds, whatever it is written as: sections of paragraphs, facts, tables, drawings and cards.

All texts are plain: writers escape them, and nothing in them is markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.audit.check import Verdict

Tone = Literal["body", "lead", "muted", "label", "warning", "link"]


@dataclass(frozen=True)
class Label:
    """A text in a drawing, its baseline at (x, y) in the drawing's units; anchor: which end of it stands there."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    strong: bool = False
    muted: bool = False


@dataclass(frozen=True)
class Drawing:
    """An SVG document whose shapes have classes instead of colours (see `charts`). alt: it in words; width: mm on
    paper; size: width and height in its own units. Its texts are `labels`, which each writer sets in its own font."""

    svg: str
    alt: str
    width: float
    size: tuple[float, float]
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A place in a table: a text, a smaller one under it, a verdict (by symbol and word), or a drawing."""

    text: str = ""
    under: str = ""
    verdict: Verdict | None = None
    drawing: Drawing | None = None
    strong: bool = False


@dataclass(frozen=True)
class Paragraph:
    """anchor: the section that it leads to."""

    text: str
    tone: Tone = "body"
    anchor: str = ""


@dataclass(frozen=True)
class Points:
    """A list with a dot before each. anchors: the sections that the first ones lead to on a screen."""

    texts: tuple[str, ...]
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Names and what stands for them. plain: of technical values that are to be set in even letters, such as hashes;
    narrow: short names beside long texts."""

    rows: tuple[tuple[str, str], ...]
    plain: bool = False
    narrow: bool = False


@dataclass(frozen=True)
class Table:
    """widths: shares of the line, one per column; right: columns of numbers; groups: rows that head those below."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]
    right: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Card:
    """An example: a picture beside a title, lines, and a smaller drawing."""

    title: str
    lines: tuple[str, ...]
    picture: Drawing | None = None
    drawing: Drawing | None = None


Block = Drawing | Paragraph | Points | Facts | Table | Card


@dataclass(frozen=True)
class Section:
    """anchor: its name in links, of letters, digits and hyphens. verdict: of a check, shown beside the title. page:
    whether it begins a page of its own on paper."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    verdict: Verdict | None = None
    page: bool = False


@dataclass(frozen=True)
class Report:
    """`summary` fills the first page. made: when the audit began, None where it is not known. verdicts: their names
    in the report's language; head, foot: what stands on every page."""

    language: str
    title: str
    subtitle: str
    summary: tuple[Block, ...]
    contents: str  # heading of the table of contents
    sections: tuple[Section, ...]
    head: str
    foot: str
    made: datetime | None
    verdicts: dict[Verdict, str]
