"""What is written and shown of products, a row each: what is alike by content is measured with these."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.features.attributes import Vocabulary

CONTENT = ("text", "image", "attribute", "link")
_BLOCK = 1024  # products whose tokens are averaged at once


class Content(Protocol):
    """What is read of a catalogue: float16[n, c] tokens, item i's at start[i]:start[i + 1], and vocabularies."""

    @property
    def text(self) -> NDArray[np.float16]: ...
    @property
    def text_start(self) -> NDArray[np.int64]: ...
    @property
    def image(self) -> NDArray[np.float16]: ...
    @property
    def image_start(self) -> NDArray[np.int64]: ...
    @property
    def attribute(self) -> Vocabulary: ...
    @property
    def link(self) -> Vocabulary: ...


def content_features(catalogue: Content, modality: str) -> Any:
    """One row per product, of length 1 (0 where it lacks the modality): float32[items, n].

    text, image: the mean of the tokens' reduced features, centred over products. attribute, link: scipy CSR of the
    values it holds, rare ones weighing more (inverse document frequency).
    """
    if modality in ("text", "image"):
        return _unit(mean_tokens(getattr(catalogue, modality), getattr(catalogue, f"{modality}_start")))
    return _values(getattr(catalogue, modality))


def mean_tokens(states: NDArray[np.float16], start: NDArray[np.int64]) -> NDArray[np.float32]:
    """float32[items, n]: the mean feature of each product's tokens, centred; zero where there is none."""
    count = np.diff(start)
    held = np.flatnonzero(count)
    mean = np.zeros((len(count), states.shape[1]), np.float32)
    for chunk in np.array_split(held, max(1, len(held) // _BLOCK)):
        if len(chunk):
            block = np.asarray(states[start[chunk[0]] : start[chunk[-1] + 1]], np.float32)
            mean[chunk] = np.add.reduceat(block, start[chunk] - start[chunk[0]], axis=0) / count[chunk, None]
    mean[held] -= mean[held].mean(axis=0) if len(held) else 0.0
    return mean


def _values(vocabulary: Vocabulary) -> Any:
    items, size = len(vocabulary.start) - 1, len(vocabulary.names)
    held = np.bincount(vocabulary.ids, minlength=size)
    rarity = np.log(items / np.maximum(held, 1)).astype(np.float32)
    matrix = scipy.sparse.csr_matrix((rarity[vocabulary.ids], vocabulary.ids, vocabulary.start), shape=(items, size))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (scipy.sparse.diags_array(1.0 / np.maximum(length, 1e-9)) @ matrix).tocsr().astype(np.float32)


def _unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def held_modalities(catalogue: Content) -> tuple[str, ...]:
    """The modalities of content that at least one product has."""
    return tuple(
        name
        for name in CONTENT
        if len(getattr(catalogue, name) if name in ("text", "image") else getattr(catalogue, name).names)
    )
