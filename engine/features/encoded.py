"""Tokens of all products from the encoders: what is missing is encoded, then reduced once to few dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.dataset.store import Dataset
from engine.device import choose_device
from engine.features.build import encode_files, encode_texts, text_key
from engine.features.encoder import Encoder
from engine.features.reduce import Whitening, fit_whitening
from engine.features.registry import Options, open_encoder
from engine.features.store import TokenStore
from engine.jobs import Job, Progress

_FIT_TOKENS = 60_000
_BLOCK = 8192  # tokens reduced at once
LOADING = {
    "text": "Loading the text encoder",
    "image": "Loading the image encoder",
    "audio": "Loading the audio encoder",
}
REDUCING = {
    "text": "Reducing text features",
    "image": "Reducing photo features",
    "audio": "Reducing audio features",
}


@dataclass(frozen=True)
class Earlier:
    """How an earlier run read a modality, which a run that goes on keeps: with what encoder, tuned or not, and its
    whitening. encoder: opens it, on demand."""

    encoder: Callable[[], Encoder]
    whitening: Whitening


@dataclass(frozen=True)
class Reading:
    """What is read of each product, and how: the part of a run's settings that features depend on.

    encoders: modality -> what `open_encoder` opens, "auto" where it is not named.
    """

    modalities: tuple[str, ...] = ("text", "image", "audio", "attribute", "link")
    reviews: int = 3
    outside_reviews: bool = False
    aspects: bool = False
    text_pieces: int = 64
    item_pieces: int = 192
    photo_cells: int = 8
    audio_seconds: float = 30.0
    encoders: dict[str, str] = field(default_factory=dict)
    quantise: str = "none"
    components: int = 64
    seed: int = 1
    device: str = "auto"
    earlier: dict[str, Earlier] = field(default_factory=dict)

    def options(self) -> Options:
        """The same, as encoders take it."""
        device = choose_device(self.device)
        return Options(self.text_pieces, self.photo_cells, self.audio_seconds, self.quantise, self.seed, device)


@dataclass
class Ragged:
    """Tokens of all items in one array. Those of item i lie at start[i]:start[i + 1].

    states: float16[n, components]; places: int32[n, 2]; source: int32[n], which text each token is of.
    """

    states: NDArray[np.float16]
    start: NDArray[np.int64]
    source: NDArray[np.int32]
    places: NDArray[np.int32]
    whitening: Whitening | None = None
    about: dict[str, str] | None = None
    grid: tuple[int, int] = (0, 0)


def no_tokens(items: int, components: int) -> Ragged:
    """A modality that no product has."""
    start = np.zeros(items + 1, np.int64)
    return Ragged(np.zeros((0, components), np.float16), start, np.zeros(0, np.int32), np.zeros((0, 2), np.int32))


def text_tokens(dataset: Dataset, texts: list[list[tuple[str, str]]], seen: NDArray[np.bool_], reading: Reading) -> Job:
    """Ragged tokens of texts (field, text) per item; an item's texts share `item_pieces`, the first ones first."""
    flat = [text for fields in texts for _, text in fields]
    encoder, store = yield from _open("text", dataset, reading, lambda: flat)
    yield from encode_texts(store, encoder, flat)
    counts, source, places, keys = [], [], [], []
    row = 0
    for fields in texts:
        room = reading.item_pieces
        for _, text in fields:
            piece = store.get(text_key(text))[1][:room]
            keys.append((text_key(text), len(piece)))
            source.append(np.full(len(piece), row, np.int32))
            places.append(piece)
            room -= len(piece)
            row += 1
        counts.append(reading.item_pieces - room)
    made = no_tokens(len(texts), reading.components)
    made.about = encoder.about.card()
    made.start[1:] = np.cumsum(counts)
    made.source = np.concatenate(source)
    made.places = np.concatenate(places)
    made.states, made.whitening = yield from _reduced(
        lambda index: store.get(keys[index][0])[0][: keys[index][1]],
        [count for _, count in keys],
        np.repeat(seen, [len(fields) for fields in texts]),
        reading,
        REDUCING["text"],
        reading.earlier.get("text"),
    )
    return made


def file_tokens(kind: str, dataset: Dataset, files: list[str | None], seen: NDArray[np.bool_], reading: Reading) -> Job:
    """Ragged tokens of one photo or recording per item. files: paths inside the dataset, None for an item without."""
    encoder, store = yield from _open(kind, dataset, reading, None)
    # A photo's path is its content hash already.
    keys = [dataset.manifest.files.get(path, path) if path and kind == "audio" else path for path in files]
    yield from encode_files(
        store, encoder, {key: dataset.folder / path for key, path in zip(keys, files, strict=True) if key and path}
    )
    kept = [key for key in keys if key]
    counts = [len(store.get(key)[1]) for key in kept]
    filled = iter(counts)
    made = no_tokens(len(files), reading.components)
    made.about, made.grid = encoder.about.card(), encoder.grid
    made.start[1:] = np.cumsum([next(filled) if key else 0 for key in keys])
    made.places = np.concatenate([store.get(key)[1] for key in kept])
    made.states, made.whitening = yield from _reduced(
        lambda index: store.get(kept[index])[0],
        counts,
        seen[np.array([bool(key) for key in keys])],
        reading,
        REDUCING[kind],
        reading.earlier.get(kind),
    )
    return made


def _open(kind: str, dataset: Dataset, reading: Reading, corpus: Callable[[], list[str]] | None) -> Job:
    yield Progress(LOADING[kind])
    home = dataset.folder / "features"
    if kind in reading.earlier:
        encoder = reading.earlier[kind].encoder()
    else:
        encoder = open_encoder(kind, reading.encoders.get(kind, "auto"), reading.options(), corpus, home)
    return encoder, TokenStore(home / f"{kind}-{encoder.about.digest[:16]}", encoder.dim)


def _reduced(
    read: Callable[[int], NDArray[np.float16]],
    counts: list[int],
    fit: NDArray[np.bool_],
    reading: Reading,
    stage: str,
    earlier: Earlier | None,
) -> Job:
    """Fit the whitening on a sample of the training products' entries, or take the earlier run's, and apply it to all,
    entry by entry."""
    random = np.random.default_rng(reading.seed)
    candidates = np.flatnonzero(fit & (np.array(counts) > 0))
    if not len(candidates):
        candidates = np.flatnonzero(np.array(counts) > 0)
    sampled: list[NDArray[np.float16]] = []
    tokens = 0
    for index in random.permutation(candidates):
        sampled.append(read(int(index)))
        tokens += len(sampled[-1])
        if tokens >= _FIT_TOKENS:
            break
    yield Progress(stage, 0, len(counts))
    whitening = earlier.whitening if earlier else fit_whitening(np.concatenate(sampled), reading.components)
    out = np.zeros((sum(counts), whitening.components.shape[1]), np.float16)
    block: list[NDArray[np.float16]] = []
    waiting = written = 0
    for index in range(len(counts)):
        block.append(read(index))
        waiting += len(block[-1])
        if waiting >= _BLOCK or index == len(counts) - 1:
            out[written : written + waiting] = whitening.apply(np.concatenate(block))
            block, waiting, written = [], 0, written + waiting
            yield Progress(stage, index + 1, len(counts))
    return out, whitening
