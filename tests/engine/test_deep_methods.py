"""Maps through the encoders: words and pixels against hand-made encoders, Captum, and pages read anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.deep.attention_maps import encoder_attention, encoder_layers, watched
from engine.explain.deep.deep_integrated_gradients import integrated
from engine.explain.deep.inputs import DeepCase
from engine.explain.methods import METHODS, explain, explaining
from engine.features.registry import Options, open_encoder
from engine.jobs import finish
from engine.model.tower import TokenBatch
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from tests.engine.conftest import TINY
from tests.engine.tiny_encoders import IMAGE_MODELS, TEXT_MODELS, save

DEEP = ("deep_integrated_gradients", "deep_occlusion", "deep_rollout", "deep_relevance")
Array = NDArray[np.float64]
Made = Callable[..., Recommender]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """A tiny model of a family on disk."""
    root = tmp_path_factory.mktemp("encoders")

    def folder(kind: str, family: str) -> Path:
        home = root / f"{kind}-{family}"
        if not home.exists():
            if kind == "text":
                save(home, *TEXT_MODELS[family])
            else:
                save(home, IMAGE_MODELS[family])
        return home

    return folder


@pytest.fixture(scope="module")
def made(tiny_shop: Path, folders: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A run on the tiny shop, trained once per choice of encoders and settings, opened anew each time."""
    root = tmp_path_factory.mktemp("runs")
    runs: dict[str, Path] = {}

    def run(text: str = "bert", image: str = "vit", **settings: Any) -> Recommender:
        name = f"{text}-{image}-{settings}"
        if name not in runs:
            encoders = {"text_encoder": str(folders("text", text)), "image_encoder": str(folders("image", image))}
            config = Config.from_settings(
                {**TINY, "epochs": 1, "components": 6, "photo_cells": 2, **encoders} | settings
            )
            runs[name] = finish(train(tiny_shop, root / str(len(runs)), config))
        recommender: Recommender = finish(Recommender.open(runs[name], device="cpu"))
        return recommender

    return run


def _double(deep: DeepCase) -> None:
    for encoder in deep.encoders.values():
        encoder.module.double()
    for kept in ("photo", "features", "score"):
        deep.__dict__.pop(kept, None)


def _texts(case: Case) -> list[str]:
    """The product's texts in the order in which the model read them."""
    read = [field for item, field in case.recommender.catalogue.fields if item == case.item]
    known = {one.field: one.text for one in case.recommender.item_texts(case.item)}
    return [known[field] for field in read]


def _words(case: Case) -> list[tuple[int, str, tuple[int, int]]]:
    """(row, field, span) of every word."""
    return [
        (row, one.field, one.span)
        for row, one in enumerate(case.shown.tokens)
        if one.modality == "text" and one.span is not None
    ]


def _whitened(case: Case, kind: str, states: Tensor) -> Tensor:
    one = case.recommender.catalogue.whitening[kind]
    found: Tensor = (states.double() - torch.from_numpy(one.mean).double()) @ torch.from_numpy(one.components).double()
    return found


def _score(case: Case, replaced: dict[str, Tensor]) -> float:
    """The product's score with other tokens of a modality, float[tokens, components], by the tower itself."""
    tokens = {name: x.float() for name, x in case.features.items()} | {n: x.float() for n, x in replaced.items()}
    batches = {
        name: TokenBatch(x[None], torch.ones(1, len(x), dtype=torch.bool)) for name, x in tokens.items() if len(x)
    }
    with torch.no_grad():
        vectors = list(case.model.tower.content(batches).values())
        vector = torch.stack(vectors).sum(dim=0)[0] + case.model.identity(case.index)[0]
        return float(vector @ case.shopper) + case.bias + float(case.direct.sum())


@pytest.mark.parametrize("kind", ["tiny", "real"])
def test_the_encoders_say_again_what_the_run_holds(made: Made, opened: Made, kind: str) -> None:
    case = Case(made() if kind == "tiny" else opened(), "u1", "i2")
    deep = DeepCase(case)
    assert set(deep.kinds) == {"text", "image"}
    for name, found in deep.features.items():
        whitening = case.recommender.catalogue.whitening[name]
        # float16 rounds states before the whitening and features after it, each by 2^-11 of their size at most.
        states = [deep.states_of(one)[0, one.places] for one in deep.passages] if name == "text" else []
        whole = torch.cat(states) if states else deep.photo_states(deep.photo[None])[0]
        rounded = whole.detach().abs().double() @ torch.from_numpy(np.abs(whitening.components)).double()
        bound = 2.0**-11 * (rounded + found[0].abs()) + 1e-4
        assert ((found[0] - case.features[name]).abs() <= bound).all()
    assert deep.score == pytest.approx(case.score, abs=2e-3)


def test_shares_of_words_and_cells_are_what_the_score_gains_over_a_blank_page(made: Made, opened: Made) -> None:
    deep = DeepCase(Case(made(), "u1", "i2"))
    path = finish(integrated(deep))
    assert sum(one.sum() for one in path.shares.values()) == pytest.approx(path.gained, abs=1e-3)
    # Without the photo, MiniLM's own share is the score's loss when the words' embeddings are [UNK]'s.
    case = Case(opened(modalities=("text", "attribute")), "u1", "i2")
    deep = DeepCase(case)
    path = finish(integrated(deep, steps=32))
    module: Any = deep.encoders["text"].module
    tokens = []
    for text in _texts(case):
        prepared = deep.encoders["text"].prepare([text])
        with torch.no_grad():
            start = module.get_input_embeddings()(prepared.inputs["input_ids"]).clone()
            start[:, prepared.there[0]] = module.get_input_embeddings()(torch.tensor([[100]]))  # BERT's [UNK]
            states = module(inputs_embeds=start, attention_mask=prepared.inputs["attention_mask"]).last_hidden_state
        tokens.append(_whitened(case, "text", states[0, prepared.there[0]]))
    gained = _score(case, {"text": deep.features["text"][0]}) - _score(case, {"text": torch.cat(tokens)})
    assert abs(gained) > 1e-4
    assert path.shares["text"].sum() == pytest.approx(gained, abs=1e-3)


def test_integrated_gradients_of_pieces_and_pixels_are_captums(made: Made) -> None:
    deep = DeepCase(Case(made(), "u1", "i2"))
    _double(deep)
    case, passages = deep.case, deep.passages
    bert: Any = deep.encoders["text"].module
    vit: Any = deep.encoders["image"].module

    def score(*given: Tensor) -> Tensor:
        tokens = [
            bert(inputs_embeds=one).last_hidden_state[:, passage.places]
            for one, passage in zip(given, passages, strict=False)
        ]
        patches = vit(pixel_values=given[-1]).last_hidden_state[:, 1:].unflatten(1, (2, 2, 2, 2))
        features = {"text": torch.cat(tokens, dim=1), "image": patches.mean(dim=(2, 4)).flatten(1, 2)}
        whitened = {name: _whitened(case, name, one) for name, one in features.items()}
        whole = {name: x.expand(len(given[0]), *x.shape) for name, x in case.features.items()}
        return case.scores_from({**whole, **whitened})

    ends = [deep.embeddings_of(one)[None] for one in passages]
    starts = []
    for end, passage in zip(ends, passages, strict=True):
        start = end.clone()
        start[0, passage.places] = bert.get_input_embeddings()(torch.tensor(1))  # [UNK]
        starts.append(start)
    inputs = (*ends, deep.photo[None])
    found = IntegratedGradients(score).attribute(
        inputs, (*starts, deep.blurred[None]), n_steps=16, method="gausslegendre"
    )
    words = torch.cat([one[0, passage.places].sum(dim=1) for one, passage in zip(found, passages, strict=False)])
    cells = found[-1][0].sum(dim=0).unflatten(0, (2, 16)).unflatten(2, (2, 16)).sum(dim=(1, 3)).flatten()
    mine = finish(integrated(deep, steps=16))
    assert np.abs(words.detach().numpy()).max() > 1e-5
    assert np.abs(cells.detach().numpy()).max() > 1e-5
    assert mine.shares["text"] == pytest.approx(words.detach().numpy(), abs=1e-6)
    assert mine.shares["image"] == pytest.approx(cells.detach().numpy(), abs=1e-6)
    share = METHODS["deep_integrated_gradients"].attribute(case).share
    rows = case.shown.tokens
    assert sum(share[row] for row, _, _ in _words(case)) == pytest.approx(mine.shares["text"].sum(), abs=1e-9)
    exact = explain(case.recommender, "u1", "i2").contribution
    for row, token in enumerate(rows):
        if token.modality not in ("text", "image"):
            assert share[row] == pytest.approx(exact[row], abs=1e-9)


def test_a_word_counts_what_its_text_is_worth_with_it_and_without(made: Made, folders: Any) -> None:
    case = Case(made(), "u1", "i2")
    share = METHODS["deep_occlusion"].attribute(case).share
    encoder = open_encoder("text", str(folders("text", "bert")), Options())
    known = {one.field: one.text for one in case.recommender.item_texts(case.item)}
    read = [field for item, field in case.recommender.catalogue.fields if item == case.item]

    def tokens(texts: dict[str, str]) -> Tensor:
        found = []
        for field in read:
            prepared = encoder.prepare([texts[field]])
            with torch.no_grad():
                found.append(_whitened(case, "text", encoder.tokens(prepared)[0, prepared.there[0]]))
        return torch.cat(found)

    whole = _score(case, {"text": tokens(known)})
    seen = set()
    for row, field, (start, end) in _words(case):
        text = known[field]
        without = tokens({**known, field: text[:start] + text[end:]})
        assert share[row] == pytest.approx(whole - _score(case, {"text": without}), abs=1e-5)
        seen.add(text[start:end])
    assert {"waterproof", "外", "says"} <= seen
    assert max(abs(share[row]) for row, _, _ in _words(case)) > 1e-4


def test_a_cell_counts_what_the_photo_is_worth_with_it_and_with_it_blurred(made: Made, folders: Any) -> None:
    case = Case(made(), "u1", "i2")
    share = METHODS["deep_occlusion"].attribute(case).share
    encoder = open_encoder("image", str(folders("image", "vit")), Options(cells=2))
    recommender = case.recommender
    prepared = encoder.prepare([recommender.dataset.folder / str(recommender.texts.image[case.item])])
    photo = prepared.inputs["pixel_values"]

    def score(pixels: Tensor) -> float:
        prepared.inputs["pixel_values"] = pixels
        with torch.no_grad():
            return _score(case, {"image": _whitened(case, "image", encoder.tokens(prepared)[0])})

    whole = score(photo)
    coarse = functional.adaptive_avg_pool2d(photo, 7)
    blurred = functional.interpolate(coarse, (32, 32), mode="bicubic")[0]
    cells = [(row, one.box) for row, one in enumerate(case.shown.tokens) if one.modality == "image"]
    assert len(cells) == 4
    for row, box in cells:
        assert box is not None
        left, top, right, bottom = (round(32 * edge) for edge in box)
        changed = photo.clone()
        changed[0, :, top:bottom, left:right] = blurred[:, top:bottom, left:right]
        assert share[row] == pytest.approx(whole - score(changed), abs=1e-5)
    gone = np.zeros((1, len(share)), dtype=bool)
    other = next(row for row, one in enumerate(case.shown.tokens) if one.modality == "attribute")
    gone[0, other] = True
    assert share[other] == pytest.approx(case.score - case.scores_without(gone)[0], abs=1e-5)


class HandBert:
    """BERT as its paper tells it, in float64: one text's pieces to states, with the attention of each layer kept."""

    def __init__(self, folder: Path, heads: int = 2) -> None:
        self._weights = {name: one.double() for name, one in load_file(folder / "model.safetensors").items()}
        self._heads = heads

    def __call__(self, ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        get = self._weights.__getitem__
        x = get("embeddings.word_embeddings.weight")[ids] + get("embeddings.position_embeddings.weight")[: len(ids)]
        x = self._norm("embeddings.LayerNorm", x + get("embeddings.token_type_embeddings.weight")[0])
        attention = []
        for layer in ("encoder.layer.0", "encoder.layer.1"):
            asked, keys, values = (
                self._linear(f"{layer}.attention.self.{name}", x).unflatten(1, (self._heads, -1)).transpose(0, 1)
                for name in ("query", "key", "value")
            )
            looks = torch.softmax(asked @ keys.transpose(1, 2) / keys.shape[2] ** 0.5, dim=2).requires_grad_()
            attention.append(looks)
            mixed = self._linear(f"{layer}.attention.output.dense", (looks @ values).transpose(0, 1).flatten(1))
            x = self._norm(f"{layer}.attention.output.LayerNorm", x + mixed)
            wide = functional.gelu(self._linear(f"{layer}.intermediate.dense", x))
            x = self._norm(f"{layer}.output.LayerNorm", x + self._linear(f"{layer}.output.dense", wide))
        return x, attention

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _norm(self, name: str, x: Tensor) -> Tensor:
        return functional.layer_norm(
            x, x.shape[-1:], self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], 1e-12
        )


def _read_by_hand(deep: DeepCase, folder: Path) -> tuple[Tensor, list[list[Tensor]], list[Tensor]]:
    """Features of all texts, the attention of each layer over each text, and where its tokens stand."""
    bert = HandBert(folder)
    read = [bert(one.ids[0]) for one in deep.passages]
    places = [one.places for one in deep.passages]
    states = torch.cat([states[at] for (states, _), at in zip(read, places, strict=True)])
    return _whitened(deep.case, "text", states), [layers for _, layers in read], places


def test_rollout_follows_attention_by_hand(made: Made, folders: Any) -> None:
    case = Case(made(), "u1", "i2")
    features, layers, places = _read_by_hand(DeepCase(case), folders("text", "bert"))
    batch = TokenBatch(features.float()[None], torch.ones(1, len(features), dtype=torch.bool))
    with torch.no_grad():
        tower = case.model.tower.attention({**case.tokens, "text": batch})["text"][0].double().mean(dim=0).numpy()
    found = np.zeros(len(case.shown.tokens))
    start = list(case.tokens).index("text")
    row_of = case.shown.row_of[sum(list(case.counts.values())[:start]) :][: len(features)]
    token = 0
    for (first, second), at in zip(layers, places, strict=True):
        eye = np.eye(first.shape[1])
        lower, upper = (0.5 * one.detach().numpy().mean(axis=0) + 0.5 * eye for one in (first, second))
        flow = (upper @ lower)[at][:, at]
        np.add.at(found, row_of[token : token + len(at)], tower[token : token + len(at)] @ flow)
        token += len(at)
    share = METHODS["deep_rollout"].attribute(case).share
    words = [row for row, _, _ in _words(case)]
    assert share[words] == pytest.approx(found[words], abs=1e-5)
    one = encoder_attention(case, 1)["text"]
    size = len(places[0])
    assert one.shape == (2, len(features), len(features))
    assert one[:, :size, :size] == pytest.approx(layers[0][1][:, places[0]][:, :, places[0]].detach().numpy(), abs=1e-5)
    assert not one[:, :size, size:].any()  # texts do not see each other


def test_relevance_weighs_attention_with_its_gradient_by_hand(made: Made, folders: Any) -> None:
    case = Case(made(), "u1", "i2")
    features, layers, places = _read_by_hand(DeepCase(case), folders("text", "bert"))
    deep = DeepCase(case)
    full = {**case.features, "image": deep.features["image"][0], "text": features}
    batches = {name: TokenBatch(x[None], torch.ones(1, len(x), dtype=torch.bool)) for name, x in full.items()}
    tower = case.network.attention({name: batches[name] for name in case.features})
    score = case.scores_from({name: batch.x for name, batch in batches.items()}, tower)[0]
    weighed = {}
    for name, one in tower.items():
        slope = torch.autograd.grad(score, one, retain_graph=True)[0] if one.requires_grad else None
        if slope is not None:
            weighed[name] = (slope * one).clamp_min(0)[0].mean(dim=0)
    flows = []
    for first, second in layers:
        slopes = torch.autograd.grad(score, [first, second], retain_graph=True)
        lower, upper = ((s * a).clamp_min(0).mean(dim=0) for s, a in zip(slopes, (first, second), strict=True))
        eye = torch.eye(len(lower), dtype=torch.float64)
        drawn = lower + upper @ (eye + lower)
        flows.append(eye + drawn / drawn.sum(dim=1, keepdim=True))
    shares = [
        part @ flow[at][:, at]
        for part, flow, at in zip(weighed["text"].split([len(at) for at in places]), flows, places, strict=True)
    ]
    begin = sum(list(case.counts.values())[: list(case.tokens).index("text")])
    found = np.zeros(len(case.shown.tokens))
    np.add.at(found, case.shown.row_of[begin : begin + len(features)], torch.cat(shares).detach().numpy())
    share = METHODS["deep_relevance"].attribute(case).share
    words = [row for row, _, _ in _words(case)]
    assert share[words].max() > 1e-6
    assert share[words] == pytest.approx(found[words], rel=1e-3, abs=1e-7)


@pytest.mark.parametrize(
    ("kind", "family"), [("text", "bert"), ("text", "gpt2"), ("text", "llama"), ("image", "vit"), ("image", "dinov2")]
)
def test_attention_told_and_attention_computed_fast_agree(folders: Any, kind: str, family: str) -> None:
    encoder = open_encoder(kind, str(folders(kind, family)), Options())
    random = np.random.default_rng(0)
    raw = ["A waterproof jacket for rain."] if kind == "text" else [_noise(random)]
    prepared = encoder.prepare(raw)
    module: Any = encoder.module
    assert module.config._attn_implementation == "sdpa"
    with torch.no_grad():
        fast = encoder.tokens(prepared)
        with watched(encoder) as seen:
            told = encoder.tokens(prepared)
    assert torch.allclose(told, fast, atol=1e-5)
    assert len(seen[0]) == 2
    assert all(torch.allclose(one.sum(dim=-1), torch.ones(()), atol=1e-5) for one in seen[0])
    assert module.config._attn_implementation == "sdpa"
    assert not module._forward_hooks
    assert not module._forward_pre_hooks


def _noise(random: np.random.Generator) -> Any:
    from PIL import Image

    return Image.fromarray(random.integers(0, 255, (40, 40, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("text", "image", "settings"),
    [
        ("roberta", "dinov2", {"fusion": "attention"}),
        ("gpt2", "dinov2_with_registers", {"fusion": "cross"}),
        ("llama", "clip", {"fusion": "concat"}),
        ("siglip", "siglip", {"fusion": "gated"}),
        ("clip", "vit", {"tune": "lora", "tune_epochs": 1, "precision": "fp32"}),
        ("bert", "vit", {"tune": "prefix", "tune_modalities": "text", "tune_epochs": 1, "precision": "fp32"}),
    ],
)
def test_every_family_fusion_and_tuning(made: Made, text: str, image: str, settings: dict[str, Any]) -> None:
    recommender = made(text, image, **settings)
    case = Case(recommender, "u1", "i2")
    path = finish(integrated(DeepCase(case)))
    assert abs(path.gap) < 2e-3
    for name in DEEP:
        found = METHODS[name].attribute(case)
        assert np.isfinite(found.share).all()
        words, cells = (
            [abs(found.share[row]) for row, one in enumerate(case.shown.tokens) if one.modality == kind]
            for kind in ("text", "image")
        )
        assert max(words) > 0
        assert max(cells) > 0
        assert METHODS[name].signed or (found.share >= 0).all()
    for encoder in recommender.encoders.values():  # transformers keeps hooks of its own; ours are gone
        hooks = [hook for one in encoder.module.modules() for hook in one._forward_hooks.values()]
        assert not [hook for hook in hooks if hook.__module__.startswith("engine.explain")]
    assert encoder_layers(case) == {"text": (2, 2), "image": (2, 2)}
    looks = encoder_attention(case, -1)
    for name, one in looks.items():
        assert one.shape == (2, case.counts[name], case.counts[name])
        assert (one >= 0).all()
        assert (one.sum(axis=2) <= 1 + 1e-5).all()


def test_an_image_encoder_without_attention_says_so(opened: Made) -> None:
    case = Case(opened(), "u1", "i2")
    found = METHODS["deep_rollout"].attribute(case)
    assert any("EfficientNet-Lite0 has no attention" in note for note in found.notes)
    cells = [row for row, one in enumerate(case.shown.tokens) if one.modality == "image"]
    assert found.share[cells] == pytest.approx(METHODS["attention"].attribute(case).share[cells], abs=1e-3)
    assert set(encoder_attention(case, 5)) == {"text"}
    with pytest.raises(HeedmapError, match="6 layers, no layer 6"):
        encoder_attention(case, 6)


@pytest.mark.parametrize("method", DEEP)
def test_what_cannot_be_gone_through_is_refused(made: Made, opened: Made, method: str) -> None:
    with pytest.raises(HeedmapError, match="reads neither text nor photo") as caught:
        METHODS[method].attribute(Case(opened(modalities=("attribute",)), "u1", "i2"))
    assert "contribution" in caught.value.hint


def test_an_encoder_that_is_gone_quantised_or_another_one_is_named(
    made: Made, opened: Made, folders: Any, tmp_path: Path
) -> None:
    recommender = made("roberta", "dinov2", fusion="attention")
    home = folders("text", "roberta")
    shutil.move(home, tmp_path / "away")
    try:
        with pytest.raises(HeedmapError, match="text encoder text-roberta, which cannot be opened here") as caught:
            explain(recommender, "u1", "i2", "deep_occlusion")
        assert str(home) in caught.value.message
        assert "contribution" in caught.value.hint
    finally:
        shutil.move(tmp_path / "away", home)
    assert explain(recommender, "u1", "i2", "deep_rollout").share.any()
    case = Case(recommender, "u1", "i2")
    with torch.no_grad():
        for weights in recommender.encoders["image"].module.parameters():
            weights.mul_(1.5)
    with pytest.raises(HeedmapError, match="does not say here what the run"):
        DeepCase(case)
    with pytest.raises(HeedmapError, match="quantised"):
        DeepCase(Case(opened(quantise="int8", modalities=("text",), epochs=1), "u1", "i2"))


@pytest.mark.parametrize("method", ["deep_occlusion", "deep_integrated_gradients"])
def test_a_reader_who_moves_on_stops_a_deep_map_between_two_readings(made: Made, method: str) -> None:
    job = explaining(made(), "u1", "i2", method)
    for _ in range(4):  # opened, and some readings done
        next(job)
        assert torch.is_grad_enabled()
    job.close()
    with pytest.raises(StopIteration):
        next(job)
    assert torch.is_grad_enabled()
