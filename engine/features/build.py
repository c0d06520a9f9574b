"""Encode what is not encoded yet: a job, in batches, resumed where it was stopped."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from engine.features.image import ImageEncoder
from engine.features.store import TokenStore
from engine.features.text import TextEncoder
from engine.files import sha256
from engine.jobs import Job, Progress

TEXT_BATCH, TEXT_SHARD = 32, 1024
IMAGE_BATCH, IMAGE_SHARD = 8, 256


def text_key(text: str) -> str:
    return sha256(text.encode())


def encode_texts(store: TokenStore, encoder: TextEncoder, texts: list[str]) -> Job:
    """Encode the texts that `store` lacks, longest first so that batches hold texts of one length."""
    missing = sorted({text for text in texts if text_key(text) not in store}, key=lambda text: (-len(text), text))
    total, done, began = len(missing), 0, time.monotonic()
    for first in range(0, total, TEXT_SHARD):
        shard = []
        chunk = missing[first : first + TEXT_SHARD]
        for start in range(0, len(chunk), TEXT_BATCH):
            batch = chunk[start : start + TEXT_BATCH]
            yield Progress("Encoding texts", done, total, data=_rate(done, began))
            shard += [
                (text_key(text), one.states, one.spans) for text, one in zip(batch, encoder.encode(batch), strict=True)
            ]
            done += len(batch)
        store.add(shard)
    return done


def encode_images(store: TokenStore, encoder: ImageEncoder, paths: dict[str, Path]) -> Job:
    """Encode the photos that `store` lacks. `paths` maps a content hash to a file."""
    missing = sorted((key, path) for key, path in paths.items() if key not in store)
    total, done, began = len(missing), 0, time.monotonic()
    for first in range(0, total, IMAGE_SHARD):
        shard = []
        chunk = missing[first : first + IMAGE_SHARD]
        for start in range(0, len(chunk), IMAGE_BATCH):
            batch = chunk[start : start + IMAGE_BATCH]
            yield Progress("Encoding photos", done, total, data=_rate(done, began))
            states = encoder.encode([path for _, path in batch])
            shard += [(key, one, _pad(len(one))) for (key, _), one in zip(batch, states, strict=True)]
            done += len(batch)
        store.add(shard)
    return done


def _pad(count: int) -> np.ndarray:
    return np.zeros((count, 2), dtype=np.int32)


def _rate(done: int, began: float) -> dict[str, float]:
    seconds = time.monotonic() - began
    return {"per second": done / seconds} if done and seconds > 0 else {}
