"""Rollout, relevance, gradient x input, integrated gradients and SmoothGrad against Captum and plain numpy."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients
from numpy.typing import NDArray
from scipy.special import erf
from torch import Tensor

from engine.dataset.history import History
from engine.explain import (
    contribution,
    gradient_x_input,
    integrated_gradients,
    relevance,
    rollout,
    smoothgrad,
)
from engine.explain.case import Case
from engine.explain.sequence_flow import SequenceFlow
from engine.foreign.adopt import adopt_state
from engine.jobs import finish
from engine.live import INVENTED, Session
from engine.model.adopt import Adopted, AdoptedShape, Style
from engine.model.sequence import Block, Sequence, SequenceShape
from engine.model.tower import TokenBatch
from engine.recommend import Recommender
from engine.training.config import FUSIONS

Opened = Callable[..., Recommender]
Array = NDArray[np.float64]
METHODS = {
    "rollout": rollout.METHOD,
    "relevance": relevance.METHOD,
    "gradient_x_input": gradient_x_input.METHOD,
    "integrated_gradients": integrated_gradients.METHOD,
    "smoothgrad": smoothgrad.METHOD,
}


def stirred(recommender: Recommender) -> Recommender:
    """The same run with weights far from their first values: after two epochs all attention is still near uniform."""
    random = torch.Generator().manual_seed(3)
    model = copy.deepcopy(recommender.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=random))
    return recommender.with_weights(model)


@pytest.fixture(scope="module")
def case_of(opened: Opened) -> Callable[..., Case]:
    runs: dict[str, Recommender] = {}

    def case(fusion: str, user: str = "u1", item: str = "i2", session: Session | None = None) -> Case:
        if fusion not in runs:
            runs[fusion] = stirred(opened(fusion=fusion))
        return Case(runs[fusion], user, item, session)

    return case


def flow_of(case: Case) -> SequenceFlow:
    flow = SequenceFlow.of(case)
    assert flow is not None
    return flow


def past_of(history: Array | None) -> Array:
    assert history is not None
    return history


def in_rows(case: Case, parts: list[Tensor]) -> Array:
    """Shares of features summed row by row, with the exact shares of identity and of past events."""
    raw = np.concatenate([part[0].detach().sum(dim=1).numpy() for part in parts])
    found = contribution.METHOD.attribute(case).share
    for row in range(case.removable):
        found[row] = raw[case.shown.row_of == row].sum()
    return found


def by_features(case: Case) -> tuple[Callable[..., Tensor], tuple[Tensor, ...]]:
    """The score as a function of the features of each modality, as Captum wants it."""

    def score(*features: Tensor) -> Tensor:
        return case.scores_from(dict(zip(case.features, features, strict=True)))

    return score, tuple(x[None].clone().requires_grad_() for x in case.features.values())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_what_gradients_go_through_is_the_model(case_of: Callable[..., Case], fusion: str) -> None:
    case = case_of(fusion)
    assert (case.asking is not None) is (fusion == "cross")
    flow = flow_of(case)
    assert float(case.scores_from({name: x[None] for name, x in case.features.items()})[0]) == pytest.approx(
        case.score, abs=2e-5
    )
    assert np.allclose(flow.shoppers(flow.vectors[None])[0].numpy(), case.shopper.numpy(), atol=2e-5)
    assert float(flow.scores(flow.vectors[None])[0]) == pytest.approx(case.score, abs=2e-5)
    read = len(flow.vectors)
    other = case.history.items.copy()
    other[-read:] = (other[-read:] + 5) % 14
    history = History(other, case.history.context, case.history.about)
    vectors = case.recommender.matrix[torch.from_numpy(other[-read:].astype(np.int64))].double()
    direct = case.model.linear.shares(other, case.item).sum() - case.direct.sum()
    found = float(flow.scores(vectors[None])[0]) + direct
    assert found == pytest.approx(float(case.scores_of([history])[0]), abs=2e-5)
    assert found != pytest.approx(case.score, abs=1e-2)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_eager_attention_and_the_fused_one_agree(dtype: torch.dtype, bound: float) -> None:
    torch.manual_seed(1)
    block = Block(16, 2, 0.2).to(dtype).eval()
    x = torch.randn(3, 9, 16, dtype=dtype)
    with torch.inference_mode():
        attention = block.attention(x)
        fused, eager, newest = block(x), block.under(x, attention), block.newest(x)
    assert torch.allclose(attention.sum(dim=3), torch.ones(3, 2, 9, dtype=dtype))
    assert float(attention.triu(diagonal=1).abs().max()) == 0.0
    assert float((fused - eager).abs().max()) < bound
    assert float((fused[:, -1:] - newest).abs().max()) < bound


def test_the_flow_with_attention_shown_is_the_flow_without(case_of: Callable[..., Case]) -> None:
    flow = flow_of(case_of("weighted"))
    vectors = torch.stack([flow.vectors, 0.5 * flow.vectors])
    eager, layers = flow.shoppers_and_attention(vectors)
    assert float((eager - flow.shoppers(vectors)).abs().max()) < 1e-10
    assert [tuple(one.shape) for one in layers] == [(2, 2, 7, 7)] * 2


@pytest.mark.parametrize("fusion", FUSIONS)
def test_gradient_x_input_is_captums(case_of: Callable[..., Case], fusion: str) -> None:
    case = case_of(fusion)
    score, features = by_features(case)
    found = gradient_x_input.METHOD.attribute(case)
    assert np.allclose(found.share, in_rows(case, list(InputXGradient(score).attribute(features))), rtol=0, atol=1e-6)
    flow = flow_of(case)
    past = InputXGradient(flow.scores).attribute(flow.vectors[None].clone().requires_grad_())
    assert np.allclose(past_of(found.history), past[0].sum(dim=1).detach().numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_integrated_gradients_are_captums(
    case_of: Callable[..., Case], fusion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captum rounds its steps to float32, hence the bound."""
    monkeypatch.setattr(integrated_gradients, "STEPS", (32,))
    case = case_of(fusion)
    score, features = by_features(case)
    found = integrated_gradients.METHOD.attribute(case)
    captum = IntegratedGradients(score).attribute(features, n_steps=32, method="gausslegendre")
    assert np.allclose(found.share, in_rows(case, list(captum)), rtol=0, atol=1e-6)
    flow = flow_of(case)
    (past,) = IntegratedGradients(flow.scores).attribute((flow.vectors[None],), n_steps=32, method="gausslegendre")
    assert np.allclose(past_of(found.history), past[0].sum(dim=1).detach().numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_integrated_gradients_are_complete(opened: Opened, case_of: Callable[..., Case], fusion: str) -> None:
    for case in (case_of(fusion), Case(opened(fusion=fusion), "u3", "i5")):
        found = integrated_gradients.METHOD.attribute(case)
        assert found.notes == ()
        assert found.share.sum() + case.bias == pytest.approx(case.score, abs=1e-4)
        flow = flow_of(case)
        start = float(flow.scores(torch.zeros_like(flow.vectors)[None])[0])
        assert past_of(found.history).sum() + start == pytest.approx(case.score, abs=1.1e-3)


def test_integrated_gradients_say_what_too_few_steps_leave(
    case_of: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrated_gradients, "STEPS", (1,))
    case = case_of("attention")
    found = integrated_gradients.METHOD.attribute(case)
    gap = found.share.sum() + case.bias - case.score
    assert found.notes[0] == f"Integrated gradients of the product in 1 steps miss the score by {gap:+.1e}."
    assert found.notes[1].startswith("Integrated gradients of the history in 1 steps miss the score by ")


@pytest.mark.parametrize("fusion", FUSIONS)
def test_smoothgrad_is_a_mean_of_captums_gradient_x_input(case_of: Callable[..., Case], fusion: str) -> None:
    case = case_of(fusion)
    score, features = by_features(case)
    random = np.random.default_rng([case.user, case.item])
    noisy = [smoothgrad.noisy(x[0].detach(), random) for x in features]
    flow = flow_of(case)
    pasts = smoothgrad.noisy(flow.vectors, random)
    deviations = [
        float((one - x[0].detach()).std() / x[0].detach().std(correction=0))
        for one, x in zip(noisy, features, strict=True)
    ]
    assert deviations == pytest.approx([0.1] * len(noisy), rel=0.2)
    shares, history = [], []
    for copied in range(16):
        at = tuple(one[copied][None].clone().requires_grad_() for one in noisy)
        shares.append(in_rows(case, list(InputXGradient(score).attribute(at))))
        past = InputXGradient(flow.scores).attribute(pasts[copied][None].clone().requires_grad_())
        history.append(past[0].sum(dim=1).detach().numpy())
    found = smoothgrad.METHOD.attribute(case)
    assert np.allclose(found.share, np.mean(shares, axis=0), rtol=0, atol=1e-6)
    assert np.allclose(past_of(found.history), np.mean(history, axis=0), rtol=0, atol=1e-10)
    assert np.array_equal(found.share, smoothgrad.METHOD.attribute(case_of(fusion)).share)


FIRST = np.array([[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.3, 0.7]]])
SECOND = np.array([[[1.0, 0.0], [0.8, 0.2]], [[1.0, 0.0], [0.8, 0.2]]])


def test_rollout_of_two_layers_by_hand() -> None:
    # Means over heads: rows 2 are (0.4, 0.6) and (0.8, 0.2); with half the identity (0.2, 0.8) and (0.4, 0.6).
    # The product's row 2: 0.4 (1, 0) + 0.6 (0.2, 0.8).
    assert np.allclose(rollout.rollout([FIRST, SECOND]), [[1.0, 0.0], [0.52, 0.48]])


def test_relevance_of_two_layers_by_hand() -> None:
    slopes = [
        np.array([[[0.0, 0.0], [2.0, -1.0]], [[0.0, 0.0], [1.0, 1.0]]]),
        np.array([[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [-1.0, 3.0]]]),
    ]
    # Layer 1, row 2: the mean of (1, 0) and (0.3, 0.7) is (0.65, 0.35); R = I + that: (0.65, 1.35).
    # Layer 2, row 2: the mean of (0.8, 0.2) and (0, 0.6) is (0.4, 0.4); times R: (0.66, 0.54); R: (1.31, 1.89).
    assert np.allclose(relevance.relevance([FIRST, SECOND], slopes), [[0.0, 0.0], [1.31, 0.89]])


class InNumpy:
    """The shopper's sequence of a case once more, in plain numpy, its attention open to be changed."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.state = {
            name: tensor.double().numpy() for name, tensor in case.model.sequence.state_dict().items() if "." in name
        }
        sequence, history = case.model.sequence, case.history.last(6)
        assert sequence.context is not None
        context = sequence.context.detach().double().numpy()
        vectors = case.recommender.matrix[torch.from_numpy(history.items.astype(np.int64))].double().numpy()
        read = history.context[:, list(case.model.shape.context)]
        events = vectors * 4.0 + np.array([sum(context[one] for one in row if one >= 0) for row in read])
        start = sequence.profile.detach().double().numpy()
        if sequence.about is not None and (known := [one for one in history.about if one >= 0]):
            start = start + sequence.about.detach().double().numpy()[known].mean(axis=0)
        self.x = np.concatenate([start[None], events])
        self.x += sequence.position.detach().double().numpy()[: len(self.x)]

    def run(self, changed: dict[int, Array] | None = None) -> tuple[float, list[Array]]:
        """The score and the attention of both blocks, float[heads, n, n], where some may be replaced."""
        x, layers = self.x, []
        for number in range(2):
            query, key, value = self._heads(number, x)
            logits = np.einsum("ihk,jhk->hij", query, key) / np.sqrt(query.shape[2])
            age = np.arange(len(x))[:, None] - np.arange(len(x))
            fall = np.log1p(np.exp(self.state[f"blocks.{number}.slope"]))
            powers = np.where(age >= 0, np.exp(logits - fall[:, None, None] * age), 0.0)
            attention = powers / powers.sum(axis=2, keepdims=True)
            attention = (changed or {}).get(number, attention)
            layers.append(attention)
            heeded = np.einsum("hij,jhk->ihk", attention, value).reshape(x.shape)
            x = x + self._linear(f"blocks.{number}.out", heeded)
            fed = self._linear(f"blocks.{number}.feed.0", self._norm(f"blocks.{number}.before_feed", x))
            x = x + self._linear(f"blocks.{number}.feed.3", fed * (1 + erf(fed / np.sqrt(2))) / 2)
        shopper = self._norm("last_norm", x)[-1]
        vector = self.case.recommender.matrix[self.case.item].double().numpy()
        return float(shopper @ vector) + self.case.bias + float(self.case.direct.sum()), layers

    def slopes(self) -> list[Array]:
        """The gradient of the score at each attention, by central differences."""
        _, layers = self.run()
        found = [np.zeros_like(one) for one in layers]
        for number, layer in enumerate(layers):
            for place in np.ndindex(layer.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = layer.copy()
                    moved[place] += step
                    ends.append(self.run({number: moved})[0])
                found[number][place] = (ends[0] - ends[1]) / 2e-5
        return found

    def _heads(self, number: int, x: Array) -> Array:
        read = self._norm(f"blocks.{number}.before_attention", x)
        parts = self._linear(f"blocks.{number}.query_key_value", read)
        return parts.reshape(len(x), 3, 2, -1).transpose(1, 0, 2, 3)

    def _linear(self, name: str, x: Array) -> Array:
        found: Array = x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]
        return found

    def _norm(self, name: str, x: Array) -> Array:
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        found: Array = scaled * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]
        return found


def test_history_under_rollout_and_relevance_worked_out_in_numpy(case_of: Callable[..., Case]) -> None:
    case = case_of("weighted")
    oracle = InNumpy(case)
    score, (first, second) = oracle.run()
    assert score == pytest.approx(case.score, abs=2e-5)

    size = len(first[0])
    half = [0.5 * one.mean(axis=0) + 0.5 * np.eye(size) for one in (first, second)]
    assert np.allclose(past_of(rollout.METHOD.attribute(case).history), (half[1] @ half[0])[-1, 1:], atol=1e-9)

    one, two = (np.mean(np.maximum(a * g, 0), axis=0) for a, g in zip((first, second), oracle.slopes(), strict=True))
    expected = (one + two + two @ one)[-1, 1:]
    assert expected.max() > 0.01
    assert np.allclose(past_of(relevance.METHOD.attribute(case).history), expected, atol=1e-5)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_products_under_rollout_and_relevance(case_of: Callable[..., Case], fusion: str) -> None:
    """The score is linear in attention, but for `gated` fusion: there the slope at attention is u . M V x itself."""
    case = case_of(fusion)
    heeded = rollout.METHOD.attribute(case).share
    assert heeded.sum() == pytest.approx(1.0)
    assert (heeded[case.removable :] == 0).all()
    found = relevance.METHOD.attribute(case).share
    assert (found[case.removable :] == 0).all()
    assert found.min() >= 0.0
    assert found.max() > 0.0
    if fusion == "gated":
        return
    tower = case.model.tower
    with torch.inference_mode():
        attention = tower.attention(case.tokens, case.asking)
        raw = [
            attention[name][0].T * (tower.token_values(name, batch.x[0]) @ case.shopper)
            for name, batch in case.tokens.items()
        ]
    positive = torch.cat(raw).clamp_min(0).mean(dim=1).double().numpy()
    expected = np.array([positive[case.shown.row_of == row].sum() for row in range(case.removable)])
    assert np.allclose(found[: case.removable], expected, atol=1e-6)


def test_relevance_under_gated_fusion_counts_the_gate(case_of: Callable[..., Case]) -> None:
    """Attention moves the gate too: against central differences of the score."""
    case = case_of("gated")
    features = {name: x[None] for name, x in case.features.items()}
    batches = {name: TokenBatch(x, torch.ones(x.shape[:2], dtype=torch.bool)) for name, x in features.items()}
    layer = case.network.attention(batches)
    raw = []
    for name, attention in layer.items():
        slope = np.zeros(attention[0].shape)
        for place in np.ndindex(slope.shape):
            step = torch.zeros_like(attention)
            step[(0, *place)] = 1e-5
            ends = [case.scores_from(features, {**layer, name: attention + sign * step}) for sign in (1, -1)]
            slope[place] = float(ends[0] - ends[1]) / 2e-5
        raw.append(np.maximum(slope * attention[0].numpy(), 0).mean(axis=0))
    expected = case.rows(np.concatenate(raw)[:, None])[:, 0]
    assert np.allclose(relevance.METHOD.attribute(case).share, expected, atol=1e-8)


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("fusion", ["weighted", "cross"])
def test_maps_without_photo_text_or_history(case_of: Callable[..., Case], fusion: str, method: str) -> None:
    for user, item, session, read in (
        ("u1", "i12", None, 6),
        ("u1", "i13", None, 6),
        ("u9", "i12", None, 1),
        (INVENTED, "i2", Session(invented=True), 0),
    ):
        case = case_of(fusion, user, item, session)
        found = METHODS[method].attribute(case)
        assert found.share.shape == (len(case.shown.tokens),)
        assert past_of(found.history).shape == (read,)
        assert np.isfinite(found.share).all()
        assert np.isfinite(past_of(found.history)).all()


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_product_with_nothing_but_its_name_has_a_map(opened: Opened, method: str) -> None:
    case = Case(opened(modalities=("image",), context=(), profile=False), "u1", "i12")
    assert case.tokens == {}
    found = METHODS[method].attribute(case)
    assert past_of(found.history).shape == (6,)
    exact = 0.0 if method in ("rollout", "relevance") else case.score - case.bias
    assert found.share.sum() == pytest.approx(exact, abs=1e-5)


def test_a_sequence_from_elsewhere_leaves_the_history_to_leave_one_out(tiny_shop: Path, tmp_path: Path) -> None:
    shape = AdoptedShape(8, 1, 5, 8, Style(heads=2), first_norm=False, last_norm=True)
    state = {**Adopted(shape).state_dict(), "item": torch.randn(14, 8)}
    torch.save(state, tmp_path / "state.pt")
    names = {name: name for name in state}
    (tmp_path / "map.json").write_text(json.dumps({"names": names, "style": {"heads": 2}}))
    run = finish(adopt_state(tmp_path / "state.pt", tiny_shop, tmp_path / "run", tmp_path / "map.json"))
    case = Case(finish(Recommender.open(run, "cpu")), "u1", "i2")
    for method in METHODS.values():
        found = method.attribute(case)
        assert found.history is None
        assert found.share.shape == (1,)


def test_a_sequence_of_many_blocks_shows_each() -> None:
    """The last block alone leaves out the older places: what stands before it must not."""
    torch.manual_seed(0)
    sequence = Sequence(SequenceShape(dim=8, blocks=3, history=4, dropout=0.0)).eval()
    vectors = torch.randn(2, 4, 8)
    with torch.inference_mode():
        x = sequence.embedded(vectors)
        for block in sequence.blocks[:-1]:
            x = block(x)
        last = sequence.blocks[-1]
        assert isinstance(last, Block)
        newest = sequence.last_norm(last.newest(x))[:, 0]
        assert torch.allclose(newest, sequence(vectors)[:, -1], atol=1e-6)
