"""All tokens of all products, ready for the model: reduced features, places in texts and photos, vocabularies."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Split
from engine.dataset.store import Dataset
from engine.device import choose_device
from engine.errors import HeedmapError
from engine.features.attributes import Vocabulary, item_attributes, item_links
from engine.features.build import encode_images, encode_texts, text_key
from engine.features.image import ImageEncoder
from engine.features.packs import efficientnet_weights, minilm_folder
from engine.features.reduce import fit_whitening
from engine.features.store import TokenStore
from engine.features.text import TextEncoder
from engine.files import atomic, make_folder, write_json
from engine.jobs import Job, Progress

_FIT_TOKENS = 60_000
_BLOCK = 8192  # tokens reduced at once
_ARRAYS = ("text", "text_start", "text_source", "text_span", "image", "image_start")


@dataclass(frozen=True)
class Reading:
    """What is read of each product, and how: the part of a run's settings that features depend on."""

    modalities: tuple[str, ...] = ("text", "image", "attribute", "link")
    reviews: int = 3
    outside_reviews: bool = False
    text_pieces: int = 64
    item_pieces: int = 192
    components: int = 64
    seed: int = 1
    device: str = "auto"


@dataclass(frozen=True)
class Catalogue:
    """Tokens of item i lie at start[i]:start[i + 1] of each modality.

    text: float16[n, c]; text_source: int32[n], row of `fields` = (item index, field); text_span: int32[n, 2].
    image: float16[n, c], whole grids of `grid` cells. attribute, link: ids into vocabularies.
    encoders: modality -> {"name", "digest"} of the encoder that made its features.
    """

    items: tuple[str, ...]
    text: NDArray[np.float16]
    text_start: NDArray[np.int64]
    text_source: NDArray[np.int32]
    text_span: NDArray[np.int32]
    fields: tuple[tuple[int, str], ...]
    image: NDArray[np.float16]
    image_start: NDArray[np.int64]
    grid: tuple[int, int]
    attribute: Vocabulary
    link: Vocabulary
    encoders: dict[str, dict[str, str]]

    def save(self, folder: Path) -> None:
        """Write to a folder: arrays as .npy, names as JSON."""
        make_folder(folder)
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        for name in ("attribute", "link"):
            arrays[f"{name}_ids"] = getattr(self, name).ids
            arrays[f"{name}_start"] = getattr(self, name).start
        for name, array in arrays.items():
            with atomic(folder / f"{name}.npy") as temporary, temporary.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        names = {
            "items": self.items,
            "fields": self.fields,
            "grid": self.grid,
            "attribute": self.attribute.names,
            "link": self.link.names,
            "encoders": self.encoders,
        }
        write_json(folder / "names.json", names)

    @staticmethod
    def load(folder: Path) -> Catalogue:
        """Read back, features memory-mapped. HeedmapError when a file is missing or damaged."""
        try:
            names: dict[str, Any] = json.loads((folder / "names.json").read_text(encoding="utf-8"))
            loaded = {
                path.stem: np.load(path, mmap_mode="r" if path.stem in ("text", "image") else None, allow_pickle=False)
                for path in folder.glob("*.npy")
            }
            vocabulary = {
                name: Vocabulary(
                    tuple((one[0], one[1]) for one in names[name]), loaded[f"{name}_ids"], loaded[f"{name}_start"]
                )
                for name in ("attribute", "link")
            }
            return Catalogue(
                items=tuple(names["items"]),
                fields=tuple((one[0], one[1]) for one in names["fields"]),
                grid=(names["grid"][0], names["grid"][1]),
                encoders=names["encoders"],
                attribute=vocabulary["attribute"],
                link=vocabulary["link"],
                **{name: loaded[name] for name in _ARRAYS},
            )
        except (OSError, ValueError, KeyError) as error:
            raise HeedmapError(
                f"The features in {folder} are missing or damaged ({error}).", "Train again with --resume."
            ) from error


def item_texts(dataset: Dataset, split: Split, users: tuple[str, ...], reading: Reading) -> list[list[tuple[str, str]]]:
    """Texts the model may read of each item, as (field, text): title, description, the newest training reviews.

    A review counts as training's when it lies before the cut (its writer's, under leave-one-out). Reviews without a
    time or by nobody of this shop are read only under `outside_reviews`.
    """
    cut_of = dict(zip(users, split.cut_of_user.tolist(), strict=True))
    chosen: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    if reading.reviews:
        for review, item, user, text, time in dataset.rows(
            'SELECT review, item, "user", text, epoch_ms(time) FROM reviews WHERE text IS NOT NULL ORDER BY review'
        ):
            if time is None or user is None:
                if reading.outside_reviews and (time is None or split.cut is None or time < split.cut):
                    chosen[item].append((-1, f"review:{review}", text))
            elif time < cut_of.get(user, split.cut if split.cut is not None else np.inf):
                chosen[item].append((time, f"review:{review}", text))
    texts = []
    for item, title, description in dataset.rows("SELECT item, title, description FROM items"):
        newest = sorted(chosen.get(item, []), key=lambda one: (-one[0], one[1]))[: reading.reviews]
        fields = [("title", title), ("description", description), *((field, text) for _, field, text in newest)]
        texts.append([(field, text) for field, text in fields if text and text.strip()])
    return texts


def build_catalogue(
    dataset: Dataset, split: Split, users: tuple[str, ...], seen: NDArray[np.bool_], reading: Reading
) -> Job:
    """Encode what is missing, reduce, and return the Catalogue. seen: bool[items], those with a training event."""
    texts = item_texts(dataset, split, users, reading)
    photos = [row[0][0] if row[0] else None for row in dataset.rows("SELECT images FROM items")]
    encoders: dict[str, dict[str, str]] = {}
    text = _Ragged(len(texts), reading.components)
    if "text" in reading.modalities and any(texts):
        text = yield from _text_tokens(dataset, texts, seen, reading, encoders)
    image, grid = _Ragged(len(photos), reading.components), (0, 0)
    if "image" in reading.modalities and any(photos):
        image = yield from _image_tokens(dataset, photos, seen, reading, encoders)
        grid = ImageEncoder.grid
    empty = Vocabulary((), np.zeros(0, np.int32), np.zeros(len(texts) + 1, np.int64))
    yield Progress("Reading attributes")
    return Catalogue(
        items=tuple(row[0] for row in dataset.rows("SELECT item FROM items")),
        text=text.states,
        text_start=text.start,
        text_source=text.source,
        text_span=text.spans,
        fields=tuple((index, field) for index, fields in enumerate(texts) for field, _ in fields),
        image=image.states,
        image_start=image.start,
        grid=grid,
        attribute=item_attributes(dataset) if "attribute" in reading.modalities else empty,
        link=item_links(dataset) if "link" in reading.modalities else empty,
        encoders=encoders,
    )


class _Ragged:
    """Tokens of all items in one array, built item by item."""

    def __init__(self, items: int, dim: int) -> None:
        self.states = np.zeros((0, dim), np.float16)
        self.start = np.zeros(items + 1, np.int64)
        self.source = np.zeros(0, np.int32)
        self.spans = np.zeros((0, 2), np.int32)


def _text_tokens(
    dataset: Dataset,
    texts: list[list[tuple[str, str]]],
    seen: NDArray[np.bool_],
    reading: Reading,
    encoders: dict[str, dict[str, str]],
) -> Job:
    yield Progress("Loading the text encoder")
    encoder = TextEncoder(minilm_folder(), reading.text_pieces, device=choose_device(reading.device))
    encoders["text"] = {"name": encoder.name, "digest": encoder.digest}
    store = TokenStore(dataset.folder / "features" / f"text-{encoder.digest[:16]}", encoder.dim)
    yield from encode_texts(store, encoder, [text for fields in texts for _, text in fields])
    counts, source, spans, keys = [], [], [], []
    row = 0
    for fields in texts:
        room = reading.item_pieces
        for _, text in fields:
            piece = store.get(text_key(text))[1][:room]
            keys.append((text_key(text), len(piece)))
            source.append(np.full(len(piece), row, np.int32))
            spans.append(piece)
            room -= len(piece)
            row += 1
        counts.append(reading.item_pieces - room)
    made = _Ragged(len(texts), reading.components)
    made.start[1:] = np.cumsum(counts)
    made.source = np.concatenate(source)
    made.spans = np.concatenate(spans)
    made.states = yield from _reduced(
        lambda index: store.get(keys[index][0])[0][: keys[index][1]],
        [count for _, count in keys],
        np.repeat(seen, [len(fields) for fields in texts]),
        reading,
        "Reducing text features",
    )
    return made


def _image_tokens(
    dataset: Dataset,
    photos: list[str | None],
    seen: NDArray[np.bool_],
    reading: Reading,
    encoders: dict[str, dict[str, str]],
) -> Job:
    yield Progress("Loading the image encoder")
    encoder = ImageEncoder(efficientnet_weights(), device=choose_device(reading.device))
    encoders["image"] = {"name": encoder.name, "digest": encoder.digest}
    store = TokenStore(dataset.folder / "features" / f"image-{encoder.digest[:16]}", encoder.dim)
    yield from encode_images(store, encoder, {photo: dataset.folder / photo for photo in photos if photo})
    cells = encoder.grid[0] * encoder.grid[1]
    made = _Ragged(len(photos), reading.components)
    made.start[1:] = np.cumsum([cells if photo else 0 for photo in photos])
    kept = [photo for photo in photos if photo]
    made.states = yield from _reduced(
        lambda index: store.get(kept[index])[0],
        [cells] * len(kept),
        seen[np.array([bool(photo) for photo in photos])],
        reading,
        "Reducing photo features",
    )
    return made


def _reduced(
    read: Callable[[int], NDArray[np.float16]], counts: list[int], fit: NDArray[np.bool_], reading: Reading, stage: str
) -> Job:
    """Fit the whitening on a sample of the training products' entries and apply it to all, entry by entry."""
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
    whitening = fit_whitening(np.concatenate(sampled), reading.components)
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
    return out
