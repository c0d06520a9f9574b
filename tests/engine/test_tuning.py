"""Encoders that learn: each method on tiny models, adapters alone and merged, a run killed or short of memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from torch import Tensor, nn

from engine.audit.anew import PLAIN, told_of, trained_anew
from engine.audit.plan import Plan
from engine.audit.subject import Subject
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.features.catalogue import Catalogue
from engine.features.encoder import Encoder, encode
from engine.features.hf import quiet_transformers
from engine.features.registry import Options, open_encoder
from engine.files import read_json
from engine.jobs import finish
from engine.model.tuning import NAMES, WEIGHTS, Tuned, Tuning, open_run_encoder
from engine.recommend import Recommender
from engine.training import finetune
from engine.training.checkpoint import load_tensors
from engine.training.config import Config
from engine.training.loop import reading_of, train
from engine.training.merge import merge
from engine.training.precision import chosen_dtype
from tests.engine.conftest import TINY
from tests.engine.tiny_encoders import AUDIO_MODELS, IMAGE_MODELS, TEXT_MODELS, save

WORDS = ["A waterproof jacket", "Product number red blue for rain"]
LEARNING = {"tune_epochs": 2, "tune_items": 6, "tune_batch": 5, "tune_rank": 4, "epochs": 2, "attention_epochs": 1}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    make, tokenizer = TEXT_MODELS["bert"]
    return save(tmp_path_factory.mktemp("encoders") / "bert", make, tokenizer)


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("encoders") / "vit", IMAGE_MODELS["vit"])


@pytest.fixture(scope="module")
def tuned_run(tiny_shop: Path, bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Train and tune once per choice of settings; the run's folder."""
    root, made = tmp_path_factory.mktemp("tuned"), {}

    def run(**settings: Any) -> Path:
        name = "-".join(f"{key}-{value}" for key, value in sorted(settings.items())).replace("/", "_")
        if name not in made:
            made[name] = finish(train(tiny_shop, root / name, _config(bert, **settings)))
        return Path(made[name])

    return run


def _config(bert: Path, **settings: Any) -> Config:
    return Config.from_settings({**TINY, **LEARNING, "text_encoder": str(bert), "modalities": "text", **settings})


def _taught(encoder: Encoder, method: str, steps: int = 3) -> Tuned:
    """A few steps towards smaller states."""
    tuned = Tuned(encoder, Tuning(method, 4, steps))
    optimiser = torch.optim.AdamW(tuned.learning.values(), lr=0.01)
    prepared = encoder.prepare(WORDS)
    for step in range(steps):
        optimiser.zero_grad()
        states = encoder.tokens(prepared)
        penalty = tuned.penalty()
        loss = (states * torch.arange(states.shape[-1])).mean()
        (loss if penalty is None else loss + penalty).backward()
        optimiser.step()
        tuned.after_step(step)
    return tuned


def _states(encoder: Encoder) -> Tensor:
    with torch.no_grad():
        return encoder.tokens(encoder.prepare(WORDS))


@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_every_method_learns_and_is_opened_again_from_its_adapter_alone(
    model: str, method: str, tmp_path: Path
) -> None:
    make, tokenizer = TEXT_MODELS[model]
    folder = save(tmp_path / model, make, tokenizer)
    encoder = open_encoder("text", str(folder), Options(pieces=16))
    before, frozen = _states(encoder), {name: one.clone() for name, one in encoder.module.named_parameters()}
    tuned = _taught(encoder, method)
    after = _states(encoder)
    assert (after - before).abs().max() > 1e-4
    assert tuned.trainable == sum(one.numel() for one in tuned.learning.values())
    if method != "full":
        assert tuned.trainable < tuned.total / 2
        now = dict(encoder.module.named_parameters())
        kept = [name for name in frozen if name in now]
        assert all(torch.equal(now[name], frozen[name]) for name in kept)
    tuned.save(tmp_path / "adapter")
    again = open_encoder("text", str(folder), Options(pieces=16))
    other = Tuned(again, tuned.tuning)
    other.restore(tmp_path / "adapter")
    assert torch.equal(_states(again), after)
    assert again.about.digest == encoder.about.digest != tuned.base.digest


def test_prefixes_and_adapters_begin_near_what_was_there(bert: Path) -> None:
    """An untouched adapter changes nothing; only a prefix must."""
    for method in ("lora", "adalora", "adapter", "full"):
        encoder = open_encoder("text", str(bert), Options(pieces=16))
        before = _states(encoder)
        Tuned(encoder, Tuning(method, 4))
        assert torch.equal(_states(encoder), before)


@pytest.mark.parametrize("model", ["vit", "dinov2", "clip", "wav2vec2", "whisper"])
def test_photos_and_recordings_learn_too(model: str, tmp_path: Path) -> None:
    kind = "audio" if model in AUDIO_MODELS else "image"
    folder = save(tmp_path / model, (AUDIO_MODELS if kind == "audio" else IMAGE_MODELS)[model])
    soundfile.write(tmp_path / "tone.wav", np.sin(np.arange(16000) * 0.05), 16000)
    raw = tmp_path / "tone.wav" if kind == "audio" else Image.new("RGB", (40, 40), (9, 90, 200))
    for method in ("lora", "adalora", "adapter", "full"):
        encoder = open_encoder(kind, str(folder), Options())
        tuned = Tuned(encoder, Tuning(method, 2))
        prepared = encoder.prepare([raw])
        before = encoder.tokens(prepared)
        optimiser = torch.optim.SGD(tuned.learning.values(), lr=0.5)
        (before * torch.arange(before.shape[-1])).mean().backward()
        optimiser.step()
        with torch.no_grad():
            assert (encoder.tokens(prepared) - before).abs().max() > 0, method


@pytest.mark.parametrize("method", ["lora", "adalora"])
def test_peft_itself_reads_the_adapter(bert: Path, tmp_path: Path, method: str) -> None:
    encoder = open_encoder("text", str(bert), Options(pieces=16))
    _taught(encoder, method).save(tmp_path / "adapter")
    transformers = quiet_transformers()
    import peft

    base = transformers.AutoModel.from_pretrained(str(bert), local_files_only=True).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        module = peft.PeftModel.from_pretrained(base, str(tmp_path / "adapter")).eval()
    inputs = encoder.prepare(WORDS).inputs
    with torch.no_grad():
        assert torch.allclose(module(**inputs).last_hidden_state, _states(encoder), atol=1e-6)


def test_what_cannot_be_tuned_says_so(bert: Path, vit: Path) -> None:
    photos = open_encoder("image", str(vit), Options())
    with pytest.raises(HeedmapError, match="takes no prefix"):
        Tuned(photos, Tuning("prefix", 4))
    with pytest.raises(HeedmapError, match="low-rank"):
        Tuned(open_encoder("image", "untrained", Options()), Tuning("lora", 4))
    with pytest.raises(HeedmapError, match="no stack"):
        Tuned(open_encoder("image", "untrained", Options()), Tuning("adapter", 4))
    with pytest.raises(HeedmapError, match="cannot learn"):
        Tuned(open_encoder("text", str(bert), Options(quantise="int8")), Tuning("lora", 4))
    with pytest.raises(HeedmapError, match="cannot learn"):
        Config(tune="lora", quantise="int8")
    with pytest.raises(HeedmapError, match="no encoder to tune"):
        Config(tune="lora", modalities=("attribute",))


def test_a_tuned_run_holds_the_tuned_encoders_features(
    tuned_run: Callable[..., Path], tiny_shop: Path, vit: Path
) -> None:
    run = tuned_run(tune="lora", tune_modalities="text,image", modalities="text,image", image_encoder=str(vit))
    card = read_json(run / "run.json")
    about, cost = card["encoders"]["text"], card["tuned"]["encoders"]["text"]
    assert card["tuned"]["method"] == about["tuned"] == "lora"
    assert about["digest"] != about["base"]
    assert 0 < cost["trainable"] < cost["total"]
    assert cost["adapter_bytes"] == (run / "adapters" / "text" / WEIGHTS).stat().st_size
    options = reading_of(Config.from_settings(card["config"])).options()
    encoder = open_run_encoder(run, "text", about, options, tiny_shop / "features")
    catalogue = Catalogue.load(run / "tokens")
    recommender = finish(Recommender.open(run, device="cpu"))
    title = next(row for row, (item, field) in enumerate(catalogue.fields) if (item, field) == (3, "title"))
    found = encode(encoder, encoder.prepare(["Product 3"]))[0].states
    expected = catalogue.whitening["text"].apply(found)
    actual = catalogue.text[catalogue.text_source == title]
    assert np.abs(actual.astype(np.float32) - expected).max() < 2e-2  # two roundings to 16 bits
    one = explain(recommender, "u0", "i3")
    assert abs(one.contribution.sum() + one.bias - one.score) <= 1e-4 * max(1.0, abs(one.score))
    with pytest.raises(HeedmapError, match="not the run's own"):
        open_run_encoder(run, "text", {**about, "digest": "other"}, options, tiny_shop / "features")


def test_a_merged_folder_is_the_tuned_encoder(tuned_run: Callable[..., Path], tiny_shop: Path, tmp_path: Path) -> None:
    run = tuned_run(tune="lora")
    (folder,) = finish(merge(run, tmp_path / "merged"))
    card = read_json(run / "run.json")
    options = reading_of(Config.from_settings(card["config"])).options()
    tuned = open_run_encoder(run, "text", card["encoders"]["text"], options, tiny_shop / "features")
    assert torch.allclose(_states(open_encoder("text", str(folder), options)), _states(tuned), atol=1e-5)
    with pytest.raises(HeedmapError, match="already"):
        finish(merge(run, tmp_path / "merged"))
    with pytest.raises(HeedmapError, match="cannot be merged"):
        finish(merge(tuned_run(tune="prefix"), tmp_path / "prefix"))
    assert not (tmp_path / "prefix").exists()


@pytest.mark.parametrize("method", ["lora", "adalora"])
def test_tuning_that_was_stopped_goes_on_to_the_same_run(
    tuned_run: Callable[..., Path], tiny_shop: Path, bert: Path, tmp_path: Path, method: str
) -> None:
    whole = tuned_run(tune=method)
    stopped, epochs = tmp_path / "stopped", set()
    job = train(tiny_shop, stopped, _config(bert, tune=method))
    for progress in job:
        if progress.stage == "Fine-tuning":
            epochs.add(progress.data["epoch"])
        if len(epochs) == 2:
            break  # in the middle of the second epoch of tuning
    job.close()
    assert read_json(stopped / "run.json")["state"] == "running"
    finish(train(tiny_shop, stopped, Config(), resume=True))
    expected, actual = (load_tensors(run / "model.safetensors")[0] for run in (whole, stopped))
    for name, tensor in expected.items():
        assert torch.equal(tensor, actual[name]), name
    assert (stopped / "adapters" / "text" / WEIGHTS).read_bytes() == (
        whole / "adapters" / "text" / WEIGHTS
    ).read_bytes()
    assert np.array_equal(Catalogue.load(stopped / "tokens").text, Catalogue.load(whole / "tokens").text)


class _ShortOfMemory(nn.Module):
    """Refuses batches of more than `most` texts while gradients are kept, as a small device would."""

    def __init__(self, inner: nn.Module, most: int) -> None:
        super().__init__()
        self.inner, self.most, self.refused = inner, most, 0

    def forward(self, **inputs: Tensor) -> Any:
        if torch.is_grad_enabled() and len(inputs["input_ids"]) > self.most:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return self.inner(**inputs)


def _train_short_of_memory(
    monkeypatch: pytest.MonkeyPatch, shop: Path, run: Path, config: Config, most: int
) -> tuple[list[str], list[_ShortOfMemory]]:
    """Train with encoders on a device that is too small; the sentences told, and the encoders."""
    modules: list[_ShortOfMemory] = []

    def opened(*given: Any, **named: Any) -> Encoder:
        encoder = open_encoder(*given, **named)
        modules.append(_ShortOfMemory(encoder.module, most))
        encoder.module = modules[-1]
        return encoder

    monkeypatch.setattr(finetune, "open_encoder", opened)
    told: list[str] = []
    finish(train(shop, run, config), lambda progress: told.append(progress.message))
    return [message for message in told if message], modules


def test_short_of_memory_the_batch_is_halved_and_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tiny_shop: Path, bert: Path, tmp_path: Path
) -> None:
    config = _config(bert, tune="lora", tune_epochs=1, tune_items=8, tune_batch=8)
    told, (module,) = _train_short_of_memory(monkeypatch, tiny_shop, tmp_path / "run", config, most=12)
    assert module.refused > 0
    assert told[0] == "Out of memory: batches are computed in 2 portions from here on."
    assert read_json(tmp_path / "run" / "run.json")["state"] == "done"
    with pytest.raises(HeedmapError, match="does not fit into memory"):
        _train_short_of_memory(monkeypatch, tiny_shop, tmp_path / "none", config, most=0)


def test_steps_in_portions_have_the_gradients_of_the_whole(trained: Callable[..., Path], tiny_shop: Path) -> None:
    """Without dropout, a step in three portions is the step: the same loss and weights."""
    plain = {
        "dropout": 0.0,
        "modality_dropout": 0.0,
        "identity_dropout": 0.0,
        "epochs": 1,
        "attention_epochs": 0,
        "refit": 0,
    }
    losses = [read_json(trained(accumulate=count, **plain) / "history.json")[0]["loss"] for count in (1, 3)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_sixteen_bits_only_where_the_device_is_fast_at_them() -> None:
    assert chosen_dtype("fp32", "cpu") == torch.float32
    assert chosen_dtype("auto", "mps") == torch.float32
    with pytest.raises(HeedmapError, match="precision=fp16"):
        chosen_dtype("fp16", "cpu")


def test_an_audit_trains_a_tuned_run_anew_on_what_its_encoders_learned(tuned_run: Callable[..., Path]) -> None:
    run: Recommender = finish(Recommender.open(tuned_run(tune="lora"), device="cpu"))
    subject = Subject(run, Plan())
    found = finish(trained_anew(subject, PLAIN))
    assert found.ranks.shape == finish(subject.outcome()).ranks.shape
    assert [one.key for one in told_of(subject)] == ["tuned"]
