"""A shop with photos, texts and recordings, through tiny encoders of each kind, to exact explanations."""

from __future__ import annotations

import io
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine.dataset.store import DatasetWriter
from engine.explain.methods import explain
from engine.explain.types import Explanation
from engine.features.registry import Options, open_encoder
from engine.files import read_json
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from tests.engine.conftest import TINY, photo
from tests.engine.tiny_encoders import AUDIO_MODELS, IMAGE_MODELS, TEXT_MODELS, save

SETTINGS: dict[str, Any] = {**TINY, "epochs": 1, "components": 6}
ITEMS = 8


def _tone(item: int) -> bytes:
    """1.2 seconds of a tone that rises from product to product."""
    out = io.BytesIO()
    wave = 0.5 * np.sin(2 * np.pi * (200 + 100 * item) * np.arange(19_200) / 16_000)
    soundfile.write(out, wave, 16_000, format="WAV")
    return out.getvalue()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 products: i6 without a recording, i7 without anything but its title."""
    folder = tmp_path_factory.mktemp("shop") / "tones"
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with DatasetWriter(folder, name="tones", domain="music", source="a test", licence="CC0", synthetic=True) as writer:
        for item in range(ITEMS):
            bare = item == 7
            if item < 6:
                writer.add_file(f"media/tone-{item}.wav", _tone(item))
            writer.add(
                "items",
                {
                    "item": f"i{item}",
                    "title": f"Product {item}",
                    "description": None if bare else f"A waterproof jacket 防水外套雨, number {item}.",
                    "images": [] if bare else [writer.add_image(photo(item))],
                    "audio": [f"media/tone-{item}.wav"] if item < 6 else [],
                },
            )
        for user in range(6):
            for place in range(5):
                time = begin + timedelta(days=10 * place + user)
                bought = f"i{(user + place * (1 + user % 2)) % ITEMS}"
                writer.add("events", {"user": f"u{user}", "item": bought, "time": time, "kind": "purchase"})
    return folder


def _train(shop: Path, run: Path, **settings: Any) -> dict[str, Any]:
    finish(train(shop, run, Config.from_settings({**SETTINGS, **settings})))
    card: dict[str, Any] = read_json(run / "run.json")
    return card


def _explained(run: Path, item: str) -> Explanation:
    recommender = finish(Recommender.open(run, device="cpu"))
    one = explain(recommender, "u0", item)
    assert abs(one.contribution.sum() + one.bias - one.score) <= 1e-4 * max(1.0, abs(one.score))
    return one


def test_words_cells_and_seconds_add_up_to_the_score(shop: Path, tmp_path: Path) -> None:
    make, tokenizer = TEXT_MODELS["gpt2"]
    folders = {
        "text": save(tmp_path / "encoders" / "gpt2", make, tokenizer),
        "image": save(tmp_path / "encoders" / "vit", IMAGE_MODELS["vit"]),
        "audio": save(tmp_path / "encoders" / "wav2vec2", AUDIO_MODELS["wav2vec2"]),
    }
    run = tmp_path / "run"
    card = _train(shop, run, **{f"{kind}_encoder": str(folder) for kind, folder in folders.items()})
    for kind, folder in folders.items():
        digest = open_encoder(kind, str(folder), Options()).about.digest
        assert card["encoders"][kind] | {"name": folder.name, "digest": digest} == card["encoders"][kind]
        assert card["config"][f"{kind}_encoder"] == card["encoders"][kind]["setting"] == str(folder)
    shutil.rmtree(tmp_path / "encoders")  # a run that is opened later needs its cached tokens only
    one = _explained(run, "i3")
    texts = {text.field: text.text for text in one.texts}
    words = [token for token in one.tokens if token.modality == "text"]
    assert all(token.span and texts[token.field][slice(*token.span)] == token.label for token in words)
    # Byte-level pieces are joined to words, and the bytes of a Chinese character unknown to them to that character.
    assert [token.label for token in words if token.field == "description"] == [
        *("A", "waterproof", "jacket", "防水", "外套", "雨", ",", "number", "3", ".")
    ]
    boxes = [token.box for token in one.tokens if token.box]
    assert one.grid == (4, 4)
    assert len(boxes) == 16
    assert sum((box[2] - box[0]) * (box[3] - box[1]) for box in boxes) == pytest.approx(1.0)
    assert [token.time for token in one.tokens if token.modality == "audio"] == [(0.0, 0.5), (0.5, 1.0), (1.0, 1.2)]
    assert one.parts()["audio"] != 0.0
    for item in ("i6", "i7"):
        assert not [token for token in _explained(run, item).tokens if token.modality == "audio"]


def test_without_a_pretrained_encoder_an_untrained_one_reads_and_says_so(shop: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = {f"{kind}_encoder": "untrained" for kind in ("text", "image", "audio")}
    card = _train(shop, run, **settings)
    assert {about["pretrained"] for about in card["encoders"].values()} == {"no"}
    assert all(about["name"].endswith("(untrained)") for about in card["encoders"].values())
    one = _explained(run, "i3")
    assert {token.modality for token in one.tokens} >= {"text", "image", "audio"}
    assert [token.label for token in one.tokens if token.field == "title"] == ["Product", "3"]
    again = _train(shop, tmp_path / "again", **settings)
    assert again["encoders"] == card["encoders"]
    # Its word pieces were kept, so that the same encoder can be opened for a changed text.
    digest = card["encoders"]["text"]["digest"]
    kept = open_encoder("text", "untrained", Options(), home=shop / "features", digest=digest)
    prepared = kept.prepare(["Product 3"])
    assert prepared.places[0, prepared.there[0].numpy()].tolist()[-1] == [8, 9]


def test_a_run_from_before_recordings_still_opens(shop: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = {"text_encoder": "untrained", "image_encoder": "untrained", "modalities": "text,image"}
    _train(shop, run, **settings)
    before = _explained(run, "i3")
    for name in ("audio", "audio_start", "audio_span", "text_mean", "text_components"):
        (run / "tokens" / f"{name}.npy").unlink()
    assert _explained(run, "i3").score == before.score
