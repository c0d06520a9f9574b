"""The rows of an explanation by name: the words, cells, stretches, attributes and links that raw tokens stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.explain.types import Token
from engine.features.attributes import Vocabulary
from engine.features.page import Page
from engine.recommend import Recommender


def _is_word(character: str) -> bool:
    """Whether a letter or digit that joins with its neighbours into one word (Chinese and Japanese ones do not)."""
    return character.isalnum() and not ("\u2e80" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af")


def _joins(text: str, begun: tuple[int, int], start: int) -> bool:
    """Whether a piece at `start` goes on with the word that has begun: inside it, or right after it without a blank.

    Byte-level pieces may be parts of one character; they all have that character's place.
    """
    if begun[0] <= start < begun[1]:
        return True
    return begun[1] == start > 0 and _is_word(text[start - 1]) and _is_word(text[start])


Named = tuple[list[Token], list[int]]  # rows, and the place among them of each raw token


def words(recommender: Recommender, item: int) -> Named:
    """The words of a product's texts, and the place among them of each piece that the model reads."""
    page = recommender.page(item)
    return words_of(page, {one.field: one.text for one in recommender.item_texts(item)})


def words_of(page: Page, texts: Mapping[str, str]) -> Named:
    """The same of any page. texts: field -> what is written there."""
    rows: list[Token] = []
    places: list[int] = []
    previous = -1
    for source, (start, end) in zip(page.text_source.tolist(), page.text_span.tolist(), strict=True):
        field = page.fields[source]
        text = texts.get(field, "")
        begun = rows[-1].span if source == previous and rows else None
        if begun is not None and _joins(text, begun, start):
            end = max(end, begun[1])
            rows[-1] = Token("text", text[begun[0] : end], field, (begun[0], end))
        else:
            rows.append(Token("text", text[start:end], field, (start, end)))
        places.append(len(rows) - 1)
        previous = source
    return rows, places


def cells_of(page: Page, grid: tuple[int, int], photo: str) -> Named:
    """The cells of a photo that the model reads."""
    height, width = grid
    rows = [
        Token(
            "image",
            f"{row + 1}, {column + 1}",
            photo,
            box=(column / width, row / height, (column + 1) / width, (row + 1) / height),
        )
        for row, column in (divmod(cell, width) for cell in page.cells.tolist())
    ]
    return rows, list(range(len(rows)))


def stretches_of(page: Page) -> Named:
    """The stretches of a recording."""
    times = [(start / 1000, end / 1000) for start, end in page.audio_span.tolist()]
    rows = [Token("audio", f"{start:.1f}-{end:.1f} s", "audio", time=(start, end)) for start, end in times]
    return rows, list(range(len(rows)))


def pairs_of(modality: Literal["attribute", "link"], ids: NDArray[np.int32], vocabulary: Vocabulary) -> Named:
    """Attributes or links."""
    named = [vocabulary.names[one] for one in ids.tolist()]
    return [Token(modality, value, name) for name, value in named], list(range(len(named)))


def named(recommender: Recommender, page: Page, texts: Mapping[str, str], photo: str) -> dict[str, Named]:
    """Every raw token of a page by its name: modality -> rows and places."""
    catalogue = recommender.catalogue
    return {
        "text": words_of(page, texts),
        "image": cells_of(page, catalogue.grid, photo),
        "audio": stretches_of(page),
        "attribute": pairs_of("attribute", page.attribute, catalogue.attribute),
        "link": pairs_of("link", page.link, catalogue.link),
    }
