"""The tower and the sequence: sums that must hold, and what a hand can work out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient

from engine.model.losses import full_softmax, sampled_softmax
from engine.model.recommender import Model, ModelShape
from engine.model.tower import TokenBatch, Tower, TowerShape
from engine.training.config import FUSIONS

FEATURES = {"text": 6, "image": 5}


def _tower(fusion: str) -> Tower:
    torch.manual_seed(0)
    tower = Tower(TowerShape(7, 8, 2, fusion, FEATURES, 0, 0, identity=True)).double()
    with torch.no_grad():
        for parameter in tower.parameters():
            parameter.normal_()
    return tower


def _tokens(items: int, missing: str = "") -> dict[str, TokenBatch]:
    torch.manual_seed(1)
    batches = {}
    for modality, size in FEATURES.items():
        there = torch.rand(items, 4) > 0.3
        there[:, 0] = True
        if modality == missing:
            there[0] = False
        batches[modality] = TokenBatch(torch.randn(items, 4, size, dtype=torch.float64), there)
    return batches


@pytest.mark.parametrize("missing", ["", "image", "text"])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_token_values_times_attention_sum_to_the_vector(fusion: str, missing: str) -> None:
    tower, tokens = _tower(fusion), _tokens(3, missing)
    with torch.no_grad():
        attention, content = tower.attention(tokens), tower.content(tokens)
        for modality, batch in tokens.items():
            for item in range(3):
                values = tower.token_values(modality, batch.x[item])
                summed = torch.einsum("ht,thd->d", attention[modality][item], values)
                assert torch.allclose(summed, content[modality][item], atol=1e-12)
    if missing:
        assert content[missing][0].abs().max() == 0


@pytest.mark.parametrize("fusion", FUSIONS)
def test_attention_sums_to_one_over_what_it_is_shared_among(fusion: str) -> None:
    with torch.no_grad():
        attention = _tower(fusion).attention(_tokens(3))
    sums = torch.stack([one.sum(dim=2) for one in attention.values()])
    total = sums.sum(dim=0) if fusion == "attention" else sums
    assert torch.allclose(total, torch.ones_like(total))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_contributions_agree_with_captum_under_frozen_attention(fusion: str) -> None:
    """With attention held fixed the score is linear in x, where input x gradient is the exact share of each token."""
    tower, tokens = _tower(fusion), _tokens(1)
    shopper = torch.randn(8, dtype=torch.float64)
    with torch.no_grad():
        attention = tower.attention(tokens)

    def score(x: torch.Tensor) -> torch.Tensor:
        pooling = tower._pool("text")
        return tower.mix("text", pooling.pooled(attention["text"], TokenBatch(x, tokens["text"].there))) @ shopper

    x = tokens["text"].x.clone().requires_grad_(True)
    expected = InputXGradient(score).attribute(x)[0].sum(dim=1)
    with torch.no_grad():
        shares = attention["text"][0].T * (tower.token_values("text", x[0]) @ shopper)
    assert torch.allclose(shares.sum(dim=1), expected, atol=1e-6)


def test_weighted_fusion_by_hand() -> None:
    tower = Tower(TowerShape(1, 2, 1, "weighted", {"text": 1}, 0, 0, identity=False))
    with torch.no_grad():
        tower._pool("text").value.copy_(torch.tensor([[[1.0], [2.0]]]))
        tower.weight["text"].fill_(3.0)
        # Queries start at zero: attention is uniform, the mean of 1 and 3 is 2.
        batch = TokenBatch(torch.tensor([[[1.0], [3.0]]]), torch.ones(1, 2, dtype=torch.bool))
        assert tower.content({"text": batch})["text"].tolist() == [[6.0, 12.0]]


def _model() -> Model:
    torch.manual_seed(2)
    shape = ModelShape(TowerShape(7, 8, 2, "weighted", FEATURES, 0, 0, identity=True), 2, 5, 0.0)
    return Model(shape).eval()


def test_the_future_does_not_reach_the_past() -> None:
    model = _model()
    vectors = torch.randn(1, 5, 8)
    changed = vectors.clone()
    changed[0, 3:] += torch.randn(2, 8)
    with torch.no_grad():
        before, after = model.sequence(vectors), model.sequence(changed)
    assert torch.allclose(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_a_product_never_seen_in_training_has_no_identity_and_no_bias() -> None:
    model = _model()
    with torch.no_grad():
        model.tower.bias.fill_(1.0)
        model.seen[3] = 0.0
        items = torch.tensor([2, 3])
        assert model.identity(items)[1].abs().max() == 0 < model.identity(items)[0].abs().max()
        assert model.bias(items).tolist() == [1.0, 0.0]


def test_sampled_softmax_estimates_the_full_one() -> None:
    torch.manual_seed(4)
    items, bias, shoppers = torch.randn(500, 8) * 0.3, torch.randn(500) * 0.1, torch.randn(20, 8)
    target = torch.randint(0, 500, (20,))
    exact = float(full_softmax(shoppers, items, bias, target))
    estimates = []
    for _ in range(200):
        drawn = torch.randint(0, 500, (100,))
        hit = drawn[None, :] == target[:, None]
        estimates.append(
            float(sampled_softmax(shoppers, items[target], bias[target], items[drawn], bias[drawn], hit, 500))
        )
    assert np.mean(estimates) == pytest.approx(exact, abs=0.03)
