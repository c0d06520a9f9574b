"""All tokens of all products, ready for the model: reduced features, places in texts and photos, vocabularies."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Split
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.features.aspects import is_english, item_aspects
from engine.features.attributes import Vocabulary, item_attributes, item_links
from engine.features.encoded import Reading as Reading
from engine.features.encoded import file_tokens, no_tokens, text_tokens
from engine.features.page import Page
from engine.features.reduce import Whitening
from engine.files import atomic, make_folder, write_json
from engine.int8 import restored
from engine.jobs import Job, Progress

ENCODED = ("text", "image", "audio")
_EVERY = 1_000_000  # reviews
_REVIEWS_JUDGED = 20  # of each product, the newest, whose praise and criticism are counted
_ARRAYS = (
    "text",
    "text_start",
    "text_source",
    "text_span",
    "image",
    "image_start",
    "audio",
    "audio_start",
    "audio_span",
)


@dataclass(frozen=True)
class Catalogue:
    """Tokens of item i lie at start[i]:start[i + 1] of each modality.

    text: float16[n, c]; text_source: int32[n], row of `fields` = (item index, field); text_span: int32[n, 2].
    image: float16[n, c], whole grids of `grid` cells. audio: float16[n, c]; audio_span: int32[n, 2], milliseconds.
    attribute, link: ids into vocabularies. encoders: modality -> the card of the encoder that made its features, and
    whitening: modality -> how its states were reduced (absent in runs from before it was kept).
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
    audio: NDArray[np.float16]
    audio_start: NDArray[np.int64]
    audio_span: NDArray[np.int32]
    attribute: Vocabulary
    link: Vocabulary
    encoders: dict[str, dict[str, str]]
    whitening: dict[str, Whitening] = field(default_factory=dict)

    def page(self, item: int) -> Page:
        """What the model reads of one product."""
        text, image, audio, attribute, link = (
            slice(start[item], start[item + 1])
            for start in (
                self.text_start,
                self.image_start,
                self.audio_start,
                self.attribute.start,
                self.link.start,
            )
        )
        first, last = np.searchsorted(self._text_items, [item, item + 1]).tolist()
        return Page(
            text=self.text[text],
            text_source=self.text_source[text] - np.int32(first),
            text_span=self.text_span[text],
            fields=tuple(field for _, field in self.fields[first:last]),
            image=self.image[image],
            cells=np.arange(image.stop - image.start),
            audio=self.audio[audio],
            audio_span=self.audio_span[audio],
            attribute=self.attribute.ids[attribute],
            link=self.link.ids[link],
        )

    @cached_property
    def _text_items(self) -> NDArray[np.int64]:
        """The item of each of `fields`."""
        return np.array([item for item, _ in self.fields], dtype=np.int64)

    def save(self, folder: Path) -> None:
        """Write to a folder: arrays as .npy, names as JSON."""
        make_folder(folder)
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        for name in ("attribute", "link"):
            arrays[f"{name}_ids"] = getattr(self, name).ids
            arrays[f"{name}_start"] = getattr(self, name).start
        for name, one in self.whitening.items():
            arrays[f"{name}_mean"], arrays[f"{name}_components"] = one.mean, one.components
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
                path.stem: np.load(path, mmap_mode="r" if path.stem in ENCODED else None, allow_pickle=False)
                for path in folder.glob("*.npy")
            }
            for name in ENCODED:  # a compressed run keeps them in 8 bits
                if f"{name}_scale" in loaded:
                    loaded[name] = restored(loaded[name], loaded[f"{name}_scale"]).astype(np.float16)
            if "audio" not in loaded:  # a run from before recordings were read
                none = no_tokens(len(names["items"]), 0)
                loaded |= {"audio": none.states, "audio_start": none.start, "audio_span": none.places}
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
                whitening={
                    name: Whitening(loaded[f"{name}_mean"], loaded[f"{name}_components"])
                    for name in ENCODED
                    if f"{name}_components" in loaded
                },
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
    chosen = _newest_reviews(dataset, split, users, reading.outside_reviews, reading.reviews)
    texts = []
    for item, title, description in dataset.rows("SELECT item, title, description FROM items"):
        fields = [("title", title), ("description", description), *((one.field, one.text) for one in chosen[item])]
        texts.append([(field, text) for field, text in fields if text and text.strip()])
    return texts


def texts_of(
    dataset: Dataset, split: Split, users: tuple[str, ...], reading: Reading, item: str
) -> list[tuple[str, str]]:
    """The same of one product, with all of its reviews that the model may read, however many."""
    chosen = _newest_reviews(dataset, split, users, reading.outside_reviews, _EVERY, item) if reading.reviews else {}
    title, description = dataset.rows("SELECT title, description FROM items WHERE item = $1", [item])[0]
    fields = [("title", title), ("description", description)]
    fields += [(one.field, one.text) for one in chosen.get(item, [])]
    return [(field, text) for field, text in fields if text and text.strip()]


@dataclass(frozen=True)
class _Review:
    time: int  # ms, -1 where there is none
    field: str
    text: str
    language: str | None


def _newest_reviews(
    dataset: Dataset, split: Split, users: tuple[str, ...], outside: bool, most: int, only: str | None = None
) -> dict[str, list[_Review]]:
    """Reviews that the model may read of each item, or of one, the newest first; see `item_texts`."""
    cut_of = dict(zip(users, split.cut_of_user.tolist(), strict=True))
    chosen: dict[str, list[_Review]] = defaultdict(list)
    if not most:
        return chosen
    for review, item, user, text, time, language in dataset.rows(
        'SELECT review, item, "user", text, epoch_ms(time), language FROM reviews '
        f"WHERE text IS NOT NULL{'' if only is None else ' AND item = $1'} ORDER BY review",
        [] if only is None else [only],
    ):
        if time is None or user is None:
            if outside and (time is None or split.cut is None or time < split.cut):
                chosen[item].append(_Review(-1, f"review:{review}", text, language))
        elif time < cut_of.get(user, split.cut if split.cut is not None else np.inf):
            chosen[item].append(_Review(time, f"review:{review}", text, language))
    for item, reviews in chosen.items():
        chosen[item] = sorted(reviews, key=lambda one: (-one.time, one.field))[:most]
    return chosen


def _aspects(dataset: Dataset, split: Split, users: tuple[str, ...], reading: Reading) -> Job:
    """Return what the English reviews of each item praise and criticise, as (aspect, judgement) pairs."""
    chosen = _newest_reviews(dataset, split, users, reading.outside_reviews, _REVIEWS_JUDGED)
    items = [row[0] for row in dataset.rows("SELECT item FROM items")]
    english = [[one.text for one in chosen[item] if is_english(one.text, one.language)] for item in items]
    return (yield from item_aspects(english))


def build_catalogue(
    dataset: Dataset,
    split: Split,
    users: tuple[str, ...],
    seen: NDArray[np.bool_],
    reading: Reading,
    earlier: Catalogue | None = None,
) -> Job:
    """Encode what is missing, reduce, and return the Catalogue. seen: bool[items], those with a training event.

    earlier: of the run that this one goes on from; its vocabularies come first, in their order.
    """
    texts = item_texts(dataset, split, users, reading)
    found = {name: no_tokens(len(texts), reading.components) for name in ENCODED}
    if "text" in reading.modalities and any(texts):
        found["text"] = yield from text_tokens(dataset, texts, seen, reading)
    for kind, column in (("image", "images"), ("audio", "audio")):
        files = [row[0][0] if row[0] else None for row in dataset.rows(f"SELECT {column} FROM items")]
        if kind in reading.modalities and any(files):
            found[kind] = yield from file_tokens(kind, dataset, files, seen, reading)
    empty = Vocabulary((), np.zeros(0, np.int32), np.zeros(len(texts) + 1, np.int64))
    known = {name: getattr(earlier, name).names if earlier else () for name in ("attribute", "link")}
    aspects: list[list[tuple[str, str]]] = []
    if reading.aspects and "attribute" in reading.modalities:
        aspects = yield from _aspects(dataset, split, users, reading)
    yield Progress("Reading attributes")
    return Catalogue(
        items=tuple(row[0] for row in dataset.rows("SELECT item FROM items")),
        text=found["text"].states,
        text_start=found["text"].start,
        text_source=found["text"].source,
        text_span=found["text"].places,
        fields=tuple((index, field) for index, fields in enumerate(texts) for field, _ in fields),
        image=found["image"].states,
        image_start=found["image"].start,
        grid=found["image"].grid,
        audio=found["audio"].states,
        audio_start=found["audio"].start,
        audio_span=found["audio"].places,
        attribute=item_attributes(dataset, known["attribute"], aspects) if "attribute" in reading.modalities else empty,
        link=item_links(dataset, known["link"]) if "link" in reading.modalities else empty,
        encoders={name: one.about for name, one in found.items() if one.about is not None},
        whitening={name: one.whitening for name, one in found.items() if one.whitening is not None},
    )
