"""What the model reads of one product: its tokens, where each stands, and the vocabulary entries it has."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

MODALITIES = ("text", "image", "audio", "attribute", "link")  # of a page, each a field of `Page`
_BESIDE = {"text": ("text_source", "text_span"), "image": ("cells",), "audio": ("audio_span",)}


@dataclass(frozen=True)
class Page:
    """Tokens of each modality, in the model's order.

    text: float16[n, c]; text_source: int32[n], which of `fields` each piece stands in; text_span: int32[n, 2],
    characters. fields: the texts that the model was given. image: float16[n, c]; cells: int64[n], places in the grid,
    row by row. audio: float16[n, c]; audio_span: int32[n, 2], milliseconds. attribute, link: int32[n], ids.
    """

    text: NDArray[np.float16]
    text_source: NDArray[np.int32]
    text_span: NDArray[np.int32]
    fields: tuple[str, ...]
    image: NDArray[np.float16]
    cells: NDArray[np.int64]
    audio: NDArray[np.float16]
    audio_span: NDArray[np.int32]
    attribute: NDArray[np.int32]
    link: NDArray[np.int32]

    def only(self, modality: str, kept: NDArray[np.bool_]) -> Page:
        """The same with some tokens of one modality: bool[n]."""
        names = (modality, *_BESIDE.get(modality, ()))
        return replace(self, **{name: getattr(self, name)[kept] for name in names})
