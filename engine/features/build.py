"""Encode what is not encoded yet: a job, in batches, resumed where it was stopped.

Reading (decoding photos and recordings, cutting texts) and encoding run in threads, a few batches ahead at most.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from engine.features.encoder import Encoded, Encoder, encode
from engine.features.store import TokenStore
from engine.files import sha256
from engine.jobs import Job, Progress

BATCH = {"text": 32, "image": 4, "audio": 4}  # on a CPU: what its caches hold; eight times that elsewhere
SHARD = {"text": 1024, "image": 256, "audio": 256}
STAGE = {"text": "Encoding texts", "image": "Encoding photos", "audio": "Encoding recordings"}
# Threads that read, and batches that may wait. One for texts: a tokenizer serves one thread at a time.
READERS, AHEAD = {"text": 1, "image": 2, "audio": 2}, 4


def text_key(text: str) -> str:
    return sha256(text.encode())


def encode_texts(store: TokenStore, encoder: Encoder, texts: Iterable[str]) -> Job:
    """Encode the texts that `store` lacks, longest first so that batches hold texts of one length."""
    missing = sorted({text for text in texts if text_key(text) not in store}, key=lambda text: (-len(text), text))
    return (yield from _encode(store, encoder, [(text_key(text), text) for text in missing]))


def encode_files(store: TokenStore, encoder: Encoder, paths: dict[str, Path]) -> Job:
    """Encode the photos or recordings that `store` lacks. `paths` maps a key, such as a content hash, to a file."""
    return (yield from _encode(store, encoder, sorted((key, path) for key, path in paths.items() if key not in store)))


def _encode(store: TokenStore, encoder: Encoder, missing: list[tuple[str, Any]]) -> Job:
    kind = encoder.about.kind
    total, done, began = len(missing), 0, time.monotonic()
    size, shard_size = BATCH[kind] * (1 if encoder.device == "cpu" else 8), SHARD[kind]
    batches = [missing[first : first + size] for first in range(0, total, size)]
    shard: list[tuple[str, Any, Any]] = []
    with _encoded(encoder, [[raw for _, raw in batch] for batch in batches]) as ready:
        for batch in batches:
            yield Progress(STAGE[kind], done, total, data=_rate(done, began))
            shard += [(key, one.states, one.places) for (key, _), one in zip(batch, next(ready), strict=True)]
            done += len(batch)
            if len(shard) >= shard_size or done == total:
                store.add(shard)
                shard = []
    return done


@contextmanager
def _encoded(encoder: Encoder, batches: list[list[Any]]) -> Iterator[Iterator[list[Encoded]]]:
    """Encoded batches in order. Threads read and encode ahead; they end with the block, also when a job is cancelled.

    On a CPU each of torch's threads takes batches of its own: sharing every layer of one batch leaves cores waiting.
    """
    threads = torch.get_num_threads()
    workers = threads if encoder.device == "cpu" else 1
    readers = ThreadPoolExecutor(READERS[encoder.about.kind], thread_name_prefix="reader")
    encoders = ThreadPoolExecutor(workers, thread_name_prefix="encoder")

    def ready() -> Iterator[list[Encoded]]:
        waiting: deque[Future[list[Encoded]]] = deque()
        for batch in batches:
            prepared = readers.submit(encoder.prepare, batch)
            waiting.append(encoders.submit(lambda one: encode(encoder, one.result()), prepared))
            if len(waiting) > AHEAD + workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    if encoder.device == "cpu":
        torch.set_num_threads(1)
    try:
        yield ready()
    finally:
        readers.shutdown(wait=True, cancel_futures=True)
        encoders.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)


def _rate(done: int, began: float) -> dict[str, float]:
    seconds = time.monotonic() - began
    return {"per second": done / seconds} if done and seconds > 0 else {}
