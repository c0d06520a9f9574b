"""One explanation as it is read under a method and a head: a number per token, its scale, its share, its words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication

from app.session import ALL_HEADS, Pointed
from engine.explain.types import MODALITIES, Explanation, Token

PARTS = (*MODALITIES, "bias")
_WORD = re.compile(r"\w[\w'’-]*")
_TELLING = 4  # letters of a word that tells one title from another
HOLE = -(2**31)  # a place of the grid without a cell


def tr(text: str) -> str:
    return QCoreApplication.translate("Shown", text)


_PART_NAMES: dict[str, Callable[[], str]] = {
    "image": lambda: tr("photo"),
    "text": lambda: tr("words"),
    "audio": lambda: tr("sound"),
    "attribute": lambda: tr("attributes"),
    "link": lambda: tr("links"),
    "identity": lambda: tr("identity"),
    "history": lambda: tr("past choices"),
    "bias": lambda: tr("item bias"),
    "score": lambda: tr("score"),
}


def part_name(part: str) -> str:
    """What the window calls a part of the score."""
    name = _PART_NAMES.get(part)
    return part if name is None else name()


def token_name(token: Token) -> str:
    """What the window calls a token: an attribute and a link with the name before the value."""
    if token.modality == "identity":
        return part_name("identity")
    named = token.modality in ("attribute", "link") and token.field
    name = token.field.replace("_", " ")
    return f"{name}: {token.label}" if named and ":" not in token.label else token.label


def place_text(found: Explanation) -> str:
    """The rank that a product is shown at; a dash for one that a business rule took out of the list."""
    return f"{found.place:,}" if found.place else "–"


def digits(scale: float) -> int:
    """Decimal places that show numbers of this size with two or three figures."""
    size = abs(scale)
    return 1 if size >= 100 else 2 if size >= 0.5 or size == 0 else 3 if size >= 0.02 else 4


def number(value: float, places: int = 2) -> str:
    """A number with a true minus sign, and no minus before a zero."""
    text = f"{value:,.{places}f}"
    if text.startswith("-"):
        text = "−" + text[1:] if text.strip("-0.,") else text[1:]
    return text


def signed(value: float, places: int = 2) -> str:
    """A number with its sign: +0.62, −0.16, 0.00."""
    text = number(value, places)
    return text if text[0] == "−" or not text.strip("0.,") else "+" + text


def percent(share: float) -> str:
    size = abs(share) * 100
    return number(share * 100, 0 if size >= 9.95 or size == 0 else 1 if size >= 0.095 else 2) + " %"


def power_of_ten(value: float) -> str:
    """2·10⁻⁷: one figure and its power; plain 0 for nothing."""
    if value == 0 or not math.isfinite(value):
        return number(value, 0)
    power = math.floor(math.log10(abs(value)))
    lead = round(abs(value) / 10.0**power)
    if lead == 10:
        lead, power = 1, power + 1
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{lead}·10{raised}"


@dataclass(frozen=True)
class Shown:
    """`values` holds a number per token: its contribution (of one head, or of all) or the attention it gets."""

    explanation: Explanation
    head: int = ALL_HEADS

    def __post_init__(self) -> None:
        """A head that this map does not have is all of them: one was chosen under another method or run."""
        if not 0 <= self.head < self.heads:
            object.__setattr__(self, "head", ALL_HEADS)

    @cached_property
    def attention(self) -> bool:
        """Whether the numbers are attention, not shares of the score."""
        return self.explanation.method == "attention"

    @cached_property
    def heads(self) -> int:
        """Heads that can be looked at one by one: only the exact shares and attention are known by head."""
        if self.explanation.method not in ("contribution", "attention"):
            return 0
        return int(self.explanation.attention.shape[1]) if self.explanation.attention.ndim == 2 else 0

    @cached_property
    def values(self) -> NDArray[np.float64]:
        found = self.explanation
        if self.attention:
            return self.heeded
        if self.head != ALL_HEADS:
            return found.contribution_by_head[:, self.head]
        return found.share if len(found.share) else found.contribution

    @cached_property
    def heeded(self) -> NDArray[np.float64]:
        """Attention of each token under the chosen head, or the mean over heads."""
        attention = self.explanation.attention
        if attention.ndim != 2 or not attention.shape[1]:
            return np.zeros(len(self.explanation.tokens))
        return attention.mean(axis=1) if self.head == ALL_HEADS else attention[:, self.head]

    @cached_property
    def indices(self) -> dict[str, NDArray[np.intp]]:
        """The tokens of each modality, by index."""
        rows: dict[str, list[int]] = {name: [] for name in MODALITIES}
        for row, token in enumerate(self.explanation.tokens):
            rows[token.modality].append(row)
        return {name: np.array(found, dtype=np.intp) for name, found in rows.items()}

    @cached_property
    def spans(self) -> dict[str, list[tuple[int, int, int]]]:
        """The words of each text, by its field: token, start, end."""
        found: dict[str, list[tuple[int, int, int]]] = {}
        for row, token in enumerate(self.explanation.tokens):
            if token.modality == "text" and token.span is not None:
                found.setdefault(token.field, []).append((row, *token.span))
        return found

    @property
    def removed(self) -> tuple[Token, ...]:
        """The parts of the page that a scenario took away. A view counts them ~0, ~1, ... beside the tokens."""
        return self.explanation.removed

    @cached_property
    def struck(self) -> dict[str, list[tuple[int, int, int]]]:
        """The removed words of each text, as `spans` has those that stay: ~place in `removed`, start, end."""
        found: dict[str, list[tuple[int, int, int]]] = {}
        for place, token in enumerate(self.removed):
            if token.modality == "text" and token.span is not None:
                found.setdefault(token.field, []).append((~place, *token.span))
        return found

    def part(self, token: int) -> Token:
        """A token by its row, or a removed one by ~place."""
        return self.explanation.tokens[token] if token >= 0 else self.removed[~token]

    @cached_property
    def lattice(self) -> NDArray[np.intp]:
        """What stands where in the grid of the photo, intp[rows, columns]: a token, ~place of a removed one, or HOLE;
        intp[0, 0] when the tokens of the photo make no such grid."""
        cells = self._image_tokens
        none = np.zeros((0, 0), dtype=np.intp)
        height, width = self.explanation.grid
        if height * width == 0 and cells:  # not a cell is left: the removed ones tell how many there were
            one = self._boxes[0, 2:] - self._boxes[0, :2]
            whole = np.subtract(self.covered[2:], self.covered[:2])
            width, height = (int(n) for n in np.divide(whole, one, where=one > 0, out=np.zeros(2)).round())
        if height * width == 0 or not 0 < len(cells) <= height * width:
            return none
        made = np.full((height, width), HOLE, dtype=np.intp)
        left, top, right, bottom = self.covered
        places = (self._boxes[:, :2] - (left, top)) / ((right - left) / width, (bottom - top) / height)
        for token, (column, row) in zip(cells, places.round().astype(int), strict=True):
            if not (0 <= row < height and 0 <= column < width) or made[row, column] != HOLE:
                return none
            made[row, column] = token
        return made

    @cached_property
    def cells(self) -> NDArray[np.intp]:
        """The tokens that are cells of the photo, row by row of the grid; none when they make no grid."""
        return self.lattice[self.lattice >= 0]

    def on_grid(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """A number per token as a grid over the photo, float64[rows, columns], NaN where a cell was removed."""
        made = np.full(self.lattice.shape, np.nan)
        made[self.lattice >= 0] = values[self.cells]
        return made

    @cached_property
    def covered(self) -> tuple[float, float, float, float]:
        """The part of the photo that the cells cover, removed ones too: left, top, right, bottom in 0..1."""
        boxes = self._boxes
        if not len(boxes):
            return 0.0, 0.0, 1.0, 1.0
        left, top = boxes[:, :2].min(axis=0)
        right, bottom = boxes[:, 2:].max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    @cached_property
    def _image_tokens(self) -> list[int]:
        gone = [~place for place, token in enumerate(self.removed) if token.modality == "image"]
        return [*(int(row) for row in self.indices["image"]), *gone]

    @cached_property
    def _boxes(self) -> NDArray[np.float64]:
        boxes = [self.part(token).box or (0.0, 0.0, 0.0, 0.0) for token in self._image_tokens]
        return np.array(boxes, dtype=np.float64).reshape(-1, 4)

    @cached_property
    def scales(self) -> dict[str, float]:
        """Full heat of each modality: its largest magnitude.

        Attention is spread over all tokens, so even attention is pale: full heat is at least three even shares.
        """
        return {name: self.full_heat(self.values[rows]) if len(rows) else 0.0 for name, rows in self.indices.items()}

    def full_heat(self, values: NDArray[np.float64]) -> float:
        """The scale of the heat of one modality's numbers (of one head, or of several)."""
        largest = float(np.abs(values).max())
        return max(largest, 3 * float(values.mean())) if self.attention else largest

    @cached_property
    def parts(self) -> dict[str, float]:
        """Sums per modality, those that the product has; the bias too where the sum is the whole score."""
        sums = {name: float(self.values[rows].sum()) for name, rows in self.indices.items() if len(rows)}
        if not self.attention and self.head == ALL_HEADS:
            sums["bias"] = self.explanation.bias
        return sums

    @cached_property
    def total(self) -> float:
        return float(sum(self.parts.values()))

    @property
    def unfaithful(self) -> bool:
        """Whether the map loses to random order: it is shown in grey."""
        measured = self.explanation.faithfulness
        return measured is not None and measured.grade == "F"

    def strength(self, token: int) -> float:
        """A token's heat in -1..1, within its modality."""
        scale = self.scales.get(self.explanation.tokens[token].modality, 0.0)
        return float(self.values[token]) / scale if scale > 0 else 0.0

    def lit(self, pointed: Pointed) -> frozenset[int]:
        """The tokens that a pointer lights: its own, and those of the part it is on."""
        if pointed.part in self.indices:
            return pointed.tokens | frozenset(int(row) for row in self.indices[pointed.part])
        return pointed.tokens

    def lit_parts(self, pointed: Pointed) -> frozenset[str]:
        """The parts of the score that a pointer lights."""
        if pointed.part:
            return frozenset((pointed.part,))
        if pointed.history is not None and len(self.indices["history"]):
            return frozenset(("history",))  # what past choices add directly is a part of its own
        tokens = self.explanation.tokens
        return frozenset(tokens[row].modality for row in pointed.tokens if row < len(tokens))

    def counterparts(self, token: int) -> frozenset[int]:
        """The token and those that say the same: a word's other places, the attribute whose value it is."""
        mine = self.explanation.tokens[token]
        if mine.modality not in ("text", "attribute", "link"):
            return frozenset((token,))
        words = self.meanings[token]
        return frozenset(row for row, other in self.meanings.items() if other & words) | {token}

    def saying(self, title: str) -> frozenset[int]:
        """The tokens that a past choice's title says too."""
        words = title_words(title)
        return frozenset(row for row, means in self.meanings.items() if means & words)

    def titled_alike(self, tokens: Iterable[int]) -> frozenset[int]:
        """The past choices, by their place, whose titles say what one of these tokens does."""
        means = frozenset().union(*(self.meanings.get(row, frozenset()) for row in tokens))
        return frozenset(n for n, past in enumerate(self.explanation.history) if title_words(past.title) & means)

    @cached_property
    def meanings(self) -> dict[int, frozenset[str]]:
        """What each word, attribute and link says: a word itself, or the value after a name."""
        found = {}
        for row, token in enumerate(self.explanation.tokens):
            if token.modality == "text":
                found[row] = frozenset((_bare(token.label),))
            elif token.modality in ("attribute", "link"):
                found[row] = frozenset((_bare(token.label), _bare(token.label.rpartition(":")[2])))
        return found

    def sum_of(self, tokens: Iterable[int]) -> float:
        """What several tokens bring together."""
        return float(self.values[[*tokens]].sum())

    def amount(self, value: float, sign: bool = False) -> str:
        """0.86 of 7.02 · 12 %; for attention its percentage alone. sign: put one before the number."""
        if self.attention:
            return tr("{share} of the attention").format(share=percent(value))
        found = self.explanation
        places = max(digits(found.score), min(4, digits(value)))
        text = (signed if sign else number)(value, places)
        if not found.sums_to_score:
            return text
        text = tr("{value} of {score}").format(value=text, score=number(found.score, digits(found.score)))
        return f"{text} · {percent(value / abs(found.score))}" if abs(found.score) > 1e-9 else text

    def tip(self, token: int) -> tuple[str, list[str]]:
        """What a tooltip says of a token: its label, and lines below."""
        mine = self.explanation.tokens[token]
        rows = sorted(self.counterparts(token)) if mine.modality == "text" else [token]
        rows = [row for row in rows if self.explanation.tokens[row].modality == mine.modality]
        lines = [self.amount(float(self.values[token]))]
        if len(rows) > 1:
            together = self.amount(float(self.values[rows].sum()))
            lines.append(tr("{n} places together: {amount}").format(n=len(rows), amount=together))
        if not self.attention and self.heads and mine.modality != "identity":
            share = percent(float(self.heeded[token]))
            head = self.head_name()
            lines.append(tr("attention {share} ({head})").format(share=share, head=head))
        return self.name(token), lines

    def name(self, token: int) -> str:
        """What the window calls a token; a cell of the photo by its row and column."""
        place = np.argwhere(self.lattice == token)
        if not len(place):
            return token_name(self.part(token))
        row, column = (int(one) for one in place[0])
        return tr("row {row}, column {column}").format(row=row + 1, column=column + 1)

    def head_name(self) -> str:
        """Which attention is meant: one head's, or the mean of all."""
        if self.head == ALL_HEADS:
            return tr("mean of {n} heads").format(n=self.heads) if self.heads > 1 else tr("one head")
        return tr("head {n}").format(n=self.head + 1)

    def spread(self, part: str) -> tuple[int, int]:
        """On how few tokens half of a part's attention lies, and how many it has."""
        values = np.sort(self.values[self.indices[part]])[::-1]
        total = float(values.sum())
        if total <= 0:
            return 0, len(values)
        return int(np.searchsorted(np.cumsum(values), total / 2 - 1e-12)) + 1, len(values)


def title_words(title: str) -> frozenset[str]:
    """What a title says, in the words that `Shown.meanings` has; short ones, as "the" and "II", say nothing."""
    words = (_bare(word) for word in _WORD.findall(title))
    return frozenset(word for word in words if len(word) >= _TELLING or (len(word) > 1 and not word.isascii()))


def _bare(word: str) -> str:
    return word.strip(" \t.,;:!?\"'“”‘’()[]…—-").casefold()
