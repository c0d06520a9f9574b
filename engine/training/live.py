"""Products read by an encoder that learns: some anew, with gradients; the rest from what it said of them before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dataset.store import Dataset
from engine.features.build import BATCH
from engine.features.catalogue import Catalogue
from engine.features.encoder import Encoder
from engine.model.tokens import Tokens
from engine.model.tower import TokenBatch
from engine.training.augment import photo_augmentation, without_words

_REFRESHED = 64  # products encoded between two signs of progress
_SIDE = 256  # of a changed photo, where the encoder does not say


@dataclass(frozen=True)
class Source:
    """What an encoder reads of each product. Row r is one text, photo or recording and has count[r] tokens.

    first: int64[items + 1], the rows of item i are first[i]:first[i + 1].
    """

    raw: list[Any]
    count: NDArray[np.int64]
    first: NDArray[np.int64]

    def rows(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of these items, item by item."""
        ranges = [np.arange(self.first[item], self.first[item + 1]) for item in items]
        return np.concatenate(ranges) if ranges else np.zeros(0, np.int64)


def text_source(catalogue: Catalogue, texts: list[list[tuple[str, str]]]) -> Source:
    """texts: (field, text) of each item, as the catalogue was built from."""
    raw = [text for fields in texts for _, text in fields]
    count = np.bincount(catalogue.text_source, minlength=len(raw)).astype(np.int64)
    return Source(raw, count, _edges([len(fields) for fields in texts]))


def file_source(kind: str, catalogue: Catalogue, dataset: Dataset) -> Source:
    """Photos or recordings, one of a product at most."""
    column = {"image": "images", "audio": "audio"}[kind]
    files = [row[0][0] if row[0] else None for row in dataset.rows(f"SELECT {column} FROM items")]
    counts = np.diff(getattr(catalogue, f"{kind}_start"))
    raw: list[Any] = [dataset.folder / path for path in files if path]
    return Source(raw, counts[[bool(path) for path in files]], _edges([int(bool(path)) for path in files]))


def _edges(counts: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)


class Reader:
    """One modality's encoder, its products and its whitening: product -> reduced tokens, with or without gradients."""

    def __init__(self, kind: str, encoder: Encoder, source: Source, catalogue: Catalogue, dtype: torch.dtype) -> None:
        whitening = catalogue.whitening[kind]
        self.kind, self.encoder, self.source = kind, encoder, source
        self._mean = torch.from_numpy(whitening.mean).to(encoder.device)
        self._components = torch.from_numpy(whitening.components).to(encoder.device)
        self._dtype = dtype

    def has(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the items that the encoder has something to read of."""
        return items[self.source.first[items + 1] > self.source.first[items]]

    def read(self, items: NDArray[np.int64], words: float = 0.0, photos: bool = False) -> list[tuple[Tensor, Tensor]]:
        """Per item: its tokens float[n, components] in their order, and which are left by word dropout: bool[n].

        words: chance that a piece of a text is left out; photos: whether photos are changed a little.
        """
        rows = self.source.rows(items)
        raw = [self.source.raw[row] for row in rows]
        if photos and self.kind == "image":
            change = photo_augmentation(int(getattr(getattr(self.encoder, "optics", None), "side", _SIDE)))
            raw = [change(one) for one in raw]
        tokens: list[Any] = [None] * len(rows)
        for chunk in self._chunks(raw):
            prepared = self.encoder.prepare([raw[place] for place in chunk])
            kept = prepared.there
            if words and self.kind == "text":
                prepared, kept = without_words(prepared, words)
            with self._autocast():
                states = self.encoder.tokens(prepared)
            reduced = (states.float().clamp(-60000.0, 60000.0) - self._mean) @ self._components
            for row, place in enumerate(chunk):
                there = torch.nonzero(prepared.there[row])[: self.source.count[rows[place]], 0]
                tokens[place] = (reduced[row, there.to(reduced.device)], kept[row, there].to(reduced.device))
        place, found = 0, []
        for item in items:
            size = int(self.source.first[item + 1] - self.source.first[item])
            mine = tokens[place : place + size]
            found.append((torch.cat([x for x, _ in mine]), torch.cat([kept for _, kept in mine])))
            place += size
        return found

    def _chunks(self, raw: list[Any]) -> Iterator[list[int]]:
        """Places in `raw`, a few at once; texts of like length together, to spare padding."""
        order = list(range(len(raw)))
        if self.kind == "text":
            order.sort(key=lambda place: len(raw[place]))
        size = BATCH[self.kind]
        for first in range(0, len(order), size):
            yield order[first : first + size]

    def _autocast(self) -> AbstractContextManager[Any]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.encoder.device, dtype=self._dtype)

    def refresh(self, tokens: Tokens, out: NDArray[np.float16]) -> Iterator[tuple[int, int]]:
        """Encode all products as they are, into `tokens` and `out`: float16[n, components]. Yields (done, total)."""
        items = self.has(np.arange(len(self.source.first) - 1))
        for first in range(0, len(items), _REFRESHED):
            part = items[first : first + _REFRESHED]
            with torch.no_grad():
                found = [x for x, _ in self.read(part)]
            rounded = [x.clamp(-60000.0, 60000.0).half() for x in found]
            tokens.put(self.kind, torch.from_numpy(part), [x.float() for x in rounded])
            for item, x in zip(part, rounded, strict=True):
                start = tokens.start_of(self.kind, int(item))
                out[start : start + len(x)] = x.cpu().numpy()
            yield first + len(part), len(items)


class Live:
    """A catalogue's tokens, those of a few products replaced by what the encoders say of them now."""

    def __init__(self, tokens: Tokens) -> None:
        self.modalities = tokens.modalities
        self._tokens = tokens
        self._anew: dict[str, tuple[Tensor, Tensor, Tensor]] = {}

    def put(self, modality: str, items: NDArray[np.int64], read: list[tuple[Tensor, Tensor]]) -> None:
        """Take over tokens of these items, as `Reader.read` gave them."""
        device = self._tokens.device
        pad = torch.nn.utils.rnn.pad_sequence
        x = pad([one.to(device) for one, _ in read], batch_first=True)
        kept = pad([one.to(device) for _, one in read], batch_first=True)
        self._anew[modality] = (torch.from_numpy(items).to(device), x, kept)

    def clear(self) -> None:
        self._anew.clear()

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        return self._tokens.buckets(items, size)

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        found = self._tokens.batch(items)
        for modality, (anew, x, kept) in self._anew.items():
            row, place = torch.nonzero(items[:, None] == anew[None, :], as_tuple=True)
            if len(row):
                batch = found[modality]
                width = min(x.shape[1], batch.x.shape[1])
                mixed, there = batch.x.clone(), batch.there.clone()
                mixed[row, :width] = x[place, :width]
                there[row, :width] = there[row, :width] & kept[place, :width]
                found[modality] = TokenBatch(mixed, there)
        return found
