"""What an explanation's sentences rest on: a few parts removed for real, and where the product stands then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.explain.types import Removal

_WORDS, _OTHERS = 3, 2  # different words, and attributes and links, that are tried


def removals(case: Case, share: NDArray[np.float64], history: NDArray[np.float64]) -> tuple[Removal, ...]:
    """The words (every place of a word at once), attributes and links of largest share, the whole photo, all words, and
    the past purchase of largest effect, each removed alone; ordered by how far the score falls.

    share: float64[rows]; history: float64[events read]. Without a past purchase the whole catalogue is ranked anew.
    """
    tokens = case.shown.tokens[: case.removable]
    groups: dict[tuple[str, str], list[int]] = {}
    for row, token in enumerate(tokens):
        kind = "photo" if token.modality == "image" else "word" if token.modality == "text" else token.modality
        label = "" if kind == "photo" else token.label.casefold() if kind == "word" else f"{token.field}: {token.label}"
        if kind != "word" or any(character.isalnum() for character in label):
            groups.setdefault((kind, label), []).append(row)
    weight = {key: float(share[rows].sum()) for key, rows in groups.items()}
    words = sorted((key for key in groups if key[0] == "word"), key=lambda key: -weight[key])[:_WORDS]
    others = sorted((key for key in groups if key[0] not in ("word", "photo")), key=lambda key: -weight[key])[:_OTHERS]
    chosen = [*words, *others, *(key for key in groups if key[0] == "photo")]
    rows = {key: groups[key] for key in chosen}
    every = [row for row, token in enumerate(tokens) if token.modality == "text"]
    if every:
        rows["words", ""] = every
    removed = np.zeros((len(rows), len(case.shown.tokens)), bool)
    for place, some in enumerate(rows.values()):
        removed[place, some] = True
    scores = case.scores_without(removed) if rows else np.zeros(0)
    found = [
        Removal(kind, _named(case, kind, label, some), len(some), float(score), case.rank_of(float(score)))
        for ((kind, label), some), score in zip(rows.items(), scores, strict=True)
    ]
    if len(history) and history.max() > 0:
        found.append(_without_purchase(case, int(np.argmax(history)), len(history)))
    return tuple(sorted(found, key=lambda one: one.score))


def _named(case: Case, kind: str, label: str, rows: list[int]) -> str:
    return case.shown.tokens[rows[0]].label if kind == "word" else label


def _without_purchase(case: Case, place: int, read: int) -> Removal:
    event = len(case.history) - read + place
    score, rank = case.ranked_without([event])
    return Removal("history", case.recommender.texts.title[int(case.history.items[event])], 1, score, rank)
