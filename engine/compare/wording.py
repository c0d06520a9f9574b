"""Why one product stands above another, in two or three sentences made only from measured numbers."""

from __future__ import annotations

from engine.compare.types import Above, PartPair
from engine.explain.sentences import PARTS

_MOST = 2  # parts that are named on each side
_TINY = 0.005  # differences below this are not told


def above_sentences(found: Above, language: str = "en") -> tuple[str, ...]:
    """language: one of `engine.explain.sentences.LANGUAGES`. The product with the higher score comes first."""
    words = _TEMPLATES[language]
    contrast = found.contrast
    first = contrast.score_left >= contrast.score_right
    sign = 1.0 if first else -1.0
    winner, loser = (found.left_title, found.right_title) if first else (found.right_title, found.left_title)
    ranks = (contrast.rank_left, contrast.rank_right) if first else (contrast.rank_right, contrast.rank_left)
    difference = sign * (contrast.score_left - contrast.score_right)
    said = [words["above"].format(winner=winner, rank=ranks[0], loser=loser, other=ranks[1], difference=difference)]
    gains = sorted(((sign * (one.left - one.right), one) for one in found.parts), key=lambda pair: -pair[0])
    ahead = [pair for pair in gains if pair[0] >= _TINY][:_MOST]
    behind = [pair for pair in reversed(gains) if pair[0] <= -_TINY][:_MOST]
    if ahead:
        said.append(words["mostly"].format(parts=_named(ahead, language)))
    if behind:
        said.append(words["against"].format(loser=loser, parts=_named(behind, language)))
    told = max(found.past, key=lambda one: sign * ((one.left or 0.0) - (one.right or 0.0)), default=None)
    if told is not None and (share := sign * ((told.left or 0.0) - (told.right or 0.0))) >= _TINY:
        said.append(words["past"].format(title=told.title, share=share))
    return tuple(said)


def _named(pairs: list[tuple[float, PartPair]], language: str) -> str:
    words = _TEMPLATES[language]
    return words["and"].join(
        words["part"].format(part=PARTS[language][one.part], share=_signed(gain)) for gain, one in pairs
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


_TEMPLATES = {
    "en": {
        "above": "{winner} (rank {rank:g}) scores {difference:.2f} more than {loser} (rank {other:g}).",
        "mostly": "What speaks for it most is {parts}.",
        "against": "{loser} is ahead by {parts}.",
        "past": "Of the shopper's past, “{title}” tells them apart most: without it the lead were {share:.2f} less.",
        "part": "{part} ({share})",
        "and": " and ",
    },
    "zh": {
        "above": "{winner}（第 {rank:g} 位）比 {loser}（第 {other:g} 位）高 {difference:.2f} 分。",
        "mostly": "最有利的是{parts}。",
        "against": "{loser} 领先之处是{parts}。",
        "past": "在该顾客的过往中，“{title}”最能区分二者：没有它，领先会减少 {share:.2f}。",
        "part": "{part}（{share}）",
        "and": "和",
    },
}
