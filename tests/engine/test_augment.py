"""What an encoder reads while it learns: photos varied a little, words left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.features.registry import Options, open_encoder
from engine.training.augment import photo_augmentation, without_words
from tests.engine.tiny_encoders import TEXT_MODELS, save


def test_photos_vary_mildly_and_by_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((60, 90, 3), (200, 40, 40), np.uint8)).save(path)
    change = photo_augmentation(32)
    torch.manual_seed(1)
    first, second = np.asarray(change(path)), np.asarray(change(path))
    torch.manual_seed(1)
    assert np.array_equal(np.asarray(change(path)), first)
    assert first.shape == (32, 32, 3)
    assert not np.array_equal(first, second)
    red, green, blue = first.reshape(-1, 3).mean(axis=0)
    assert red > 2 * green  # still a red product
    assert red > 2 * blue


def test_dropped_words_are_hidden_from_the_others(tmp_path: Path) -> None:
    make, tokenizer = TEXT_MODELS["bert"]
    encoder = open_encoder("text", str(save(tmp_path / "bert", make, tokenizer)), Options(pieces=16))
    prepared = encoder.prepare(["A waterproof jacket", "red"])
    torch.manual_seed(0)
    thinned, kept = without_words(prepared, 0.5)
    hidden = prepared.there & ~kept
    assert hidden.any()
    assert kept.any(dim=1).all()
    assert not (kept & ~prepared.there).any()
    assert torch.equal(thinned.inputs["attention_mask"] == 0, (prepared.inputs["attention_mask"] == 0) | hidden)
    # Another word in a hidden place changes none of those that are left.
    other = {**thinned.inputs, "input_ids": thinned.inputs["input_ids"].masked_fill(hidden, 7)}
    with torch.no_grad():
        one = encoder.tokens(thinned)
        two = encoder.module(**other).last_hidden_state
    assert torch.allclose(one[kept], two[kept], atol=1e-6)
    everything, all_kept = without_words(prepared, 0.0)
    assert torch.equal(all_kept, prepared.there)
    assert torch.equal(everything.inputs["attention_mask"], prepared.inputs["attention_mask"])
