"""A new text or photo, read by the run's own encoder and reduced as the run reduces: what training would have made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.features.build import text_key
from engine.features.encoder import Encoded, encode
from engine.files import sha256_of
from engine.recommend import Recommender

KEPT = 400  # texts and photos of a run that stay in memory, the last ones
_NAMED = {"text": "texts", "image": "photos"}


def read_text(recommender: Recommender, text: str) -> Encoded:
    """The reduced states of a text's pieces, float16[n, components], and their places. HeedmapError where the run's
    encoder is not here."""
    return _kept(recommender, f"text {text_key(text)}", lambda: _read(recommender, "text", text))


def read_photo(recommender: Recommender, path: Path) -> Encoded:
    """The same of a photo's cells, row by row. HeedmapError, too, where the photo cannot be read."""
    if not path.is_file():
        raise HeedmapError(f"There is no photo at {path}.", "Choose another photo.")
    return _kept(recommender, f"image {sha256_of(path)}", lambda: _read(recommender, "image", path))


def _kept(recommender: Recommender, key: str, read: Callable[[], Encoded]) -> Encoded:
    kept = recommender.encoded
    kept[key] = kept.pop(key) if key in kept else read()  # the newest is last
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
    return kept[key]


def _read(recommender: Recommender, kind: str, raw: Any) -> Encoded:
    name, catalogue = recommender.folder.name, recommender.catalogue
    if kind not in catalogue.whitening:
        raise HeedmapError(
            f"{name} does not say how its {_NAMED[kind]} were reduced, so no new ones can be read.", "Train it again."
        )
    try:
        encoder = recommender.encoder(kind)
    except HeedmapError as error:
        raise HeedmapError(
            f"New {_NAMED[kind]} cannot be read here: {error.message}",
            f"{error.hint} Parts of the page can still be taken away.".strip(),
        ) from error
    found = encode(encoder, encoder.prepare([raw]))[0]
    return Encoded(catalogue.whitening[kind].apply(found.states), found.places)


def no_states(like: NDArray[np.float16]) -> NDArray[np.float16]:
    """float16[0, components]."""
    return np.zeros((0, like.shape[1]), np.float16)
