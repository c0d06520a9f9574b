"""A text as it is drawn: its lines, and where each word of it lies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from PySide6.QtCore import QRectF
from PySide6.QtGui import QTextLayout

LINE = 23.0
MARK = 18.0  # height of the ground behind a word


@dataclass
class Block:
    """One text: a small label above it (or none), whether it was given to the model, and where its words lie."""

    name: str  # an `ItemText.field`
    text: str
    label: str = ""
    heeded: bool = True
    strong: bool = False
    top: float = 0.0
    bottom: float = 0.0
    layout: QTextLayout | None = None
    words: list[tuple[int, int, int]] = field(default_factory=list)  # token (~place of a removed one), start, end
    lines: list[float] = field(default_factory=list)  # where each line begins
    found: list[tuple[int, QRectF]] | None = None

    def key(self) -> tuple[str, str, str, bool]:
        """What makes a block look as it does, apart from weights."""
        return self.name, self.text, self.label, self.heeded

    @property
    def marks(self) -> list[tuple[int, QRectF]]:
        """Each word's token (~place of a removed one) and where it is drawn, in the order of reading; worked out when
        a block is first looked at."""
        if self.found is None:
            self.found = list(self._find()) if self.layout is not None else []
        return self.found

    def _find(self) -> Iterator[tuple[int, QRectF]]:
        assert self.layout is not None
        lines = [self.layout.lineAt(row) for row in range(self.layout.lineCount())]
        starts = [line.textStart() for line in lines]
        ends = [start + line.textLength() for start, line in zip(starts, lines, strict=True)]
        tops = [top + (LINE - MARK) / 2 for top in self.lines]
        offsets = utf16_offsets(self.text)
        for token, start, end in self.words:
            first, last = offsets[min(start, len(offsets) - 1)], offsets[min(end, len(offsets) - 1)]
            at = max(0, bisect_right(starts, first) - 1)
            while at < len(lines) and starts[at] < last:
                begin, stop = max(first, starts[at]), min(last, ends[at])
                if stop > begin:
                    left, right = lines[at].cursorToX(begin)[0], lines[at].cursorToX(stop)[0]  # type: ignore[index]
                    yield token, QRectF(left + 1, tops[at], right - left + 2, MARK)
                at += 1


def utf16_offsets(text: str) -> Sequence[int]:
    """Where each character of a text begins in UTF-16, as Qt counts; one more for the end."""
    if text.isascii() or max(map(ord, text)) <= 0xFFFF:
        return range(len(text) + 1)
    return [0, *accumulate(2 if ord(letter) > 0xFFFF else 1 for letter in text)]


def joined(marks: Sequence[QRectF]) -> list[QRectF]:
    """Marks in the order of reading, those side by side on a line made one."""
    made: list[QRectF] = []
    for mark in marks:
        if made and made[-1].top() == mark.top() and -12 < mark.left() - made[-1].right() < 12:
            made[-1] = made[-1].united(mark)
        else:
            made.append(QRectF(mark))
    return made
