"""Reading runs ahead of encoding: the same numbers, a bounded lead, nothing left behind when it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.errors import HeedmapError
from engine.features.build import AHEAD, BATCH, READERS, encode_files, encode_texts, text_key
from engine.features.encoder import Prepared, encode
from engine.features.image import ImageEncoder
from engine.features.registry import Options, open_encoder
from engine.features.store import TokenStore
from engine.features.untrained import learn_pieces, patch_encoder
from engine.jobs import finish


class Watched:
    """An encoder that counts how many batches were read and not yet encoded."""

    def __init__(self, encoder: ImageEncoder) -> None:
        self._encoder = encoder
        self.about, self.module, self.dim = encoder.about, encoder.module, encoder.dim
        self.grid, self.device = encoder.grid, encoder.device
        self._changed = threading.Condition()
        self.waiting = self.most = 0

    def prepare(self, raw: Sequence[Any]) -> Prepared:
        prepared = self._encoder.prepare(raw)
        with self._changed:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            self._changed.notify_all()
        return prepared

    def tokens(self, prepared: Prepared) -> Tensor:
        with self._changed:
            if self.most <= AHEAD:  # give the readers the chance to run as far ahead as they may
                self._changed.wait_for(lambda: self.waiting > AHEAD, timeout=5)
            self.waiting -= 1
        return self._encoder.tokens(prepared)


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Path]:
    random = np.random.default_rng(0)
    found = {}
    for place in range(40):
        path = tmp_path / f"{place}.png"
        Image.fromarray(random.integers(0, 255, (20, 30, 3), dtype=np.uint8)).save(path)
        found[f"key-{place}"] = path
    return found


def test_reading_ahead_changes_no_number_and_stays_bounded(photos: dict[str, Path], tmp_path: Path) -> None:
    encoder = Watched(patch_encoder(8, 1, "cpu"))
    store = TokenStore(tmp_path / "store", encoder.dim)
    assert finish(encode_files(store, encoder, photos)) == len(photos)
    assert AHEAD < encoder.most <= AHEAD + 1 + torch.get_num_threads()
    encoder.waiting = 0
    for key, path in photos.items():
        alone = encode(encoder, encoder.prepare([path]))[0].states
        assert np.allclose(store.get(key)[0], alone, atol=1e-3)
    assert finish(encode_files(store, encoder, photos)) == 0


def test_two_threads_encode_to_the_same_bits(photos: dict[str, Path], tmp_path: Path) -> None:
    encoder = patch_encoder(8, 1, "cpu")
    stores = {}
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        stores[threads] = TokenStore(tmp_path / f"store-{threads}", encoder.dim)
        finish(encode_files(stores[threads], encoder, photos))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert all(np.array_equal(stores[1].get(key)[0], stores[2].get(key)[0]) for key in photos)


def test_a_stopped_job_leaves_no_thread_and_goes_on_later(photos: dict[str, Path], tmp_path: Path) -> None:
    encoder = patch_encoder(8, 1, "cpu")
    store = TokenStore(tmp_path / "store", encoder.dim)
    job = encode_files(store, encoder, photos)
    for progress in job:
        if progress.done >= 3 * BATCH["image"]:
            break
    job.close()
    assert not [one for one in threading.enumerate() if one.name.startswith(("reader", "encoder"))]
    assert finish(encode_files(store, encoder, photos)) == len(photos)


def test_a_broken_photo_stops_the_job_by_name(photos: dict[str, Path], tmp_path: Path) -> None:
    photos["key-20"].write_bytes(b"no photo")
    encoder = patch_encoder(8, 1, "cpu")
    with pytest.raises(HeedmapError, match=r"20\.png"):
        finish(encode_files(TokenStore(tmp_path / "store", encoder.dim), encoder, photos))


def test_texts_of_all_lengths_come_back_under_their_own_key(tmp_path: Path) -> None:
    texts = [f"number {place} " * (1 + place % 7) for place in range(100)]
    encoder = open_encoder("text", "untrained", Options(), lambda: texts, tmp_path)
    store = TokenStore(tmp_path / "store", encoder.dim)
    assert finish(encode_texts(store, encoder, texts)) == 100
    for text in texts:
        alone = encode(encoder, encoder.prepare([text]))[0]
        assert np.array_equal(store.get(text_key(text))[0], alone.states)
        assert np.array_equal(store.get(text_key(text))[1], alone.places)
    assert READERS["text"] == 1  # a tokenizer serves one thread at a time


def test_word_pieces_follow_from_the_corpus_alone() -> None:
    texts = ["A waterproof jacket 防水外套", "waterproof boots 防水靴"] * 20
    assert learn_pieces(texts) == learn_pieces(texts)
    assert learn_pieces(texts) != learn_pieces([*texts, "a jumper " * 30])
