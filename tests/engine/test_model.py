"""The tower and the sequence: sums that must hold, and what a hand can work out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient

from engine.model.dropout import Dropout
from engine.model.losses import bce, bpr, infonce, logits, mse, softmax, triplet
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
        gates = tower.gates(tower.pooled(tokens), tokens)
        for modality, batch in tokens.items():
            for item in range(3):
                values = tower.token_values(modality, batch.x[item]) * gates[modality][item]
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


def _batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(4)
    return torch.randn(20, 8), torch.randn(500, 8) * 0.3, torch.randn(500) * 0.1, torch.randint(0, 500, (20,))


def test_full_softmax_is_cross_entropy() -> None:
    shoppers, items, bias, target = _batch()
    expected = torch.nn.functional.cross_entropy(shoppers @ items.T + bias, target)
    assert torch.allclose(softmax(logits(shoppers, items, bias, target, None, 500), torch.ones(20)), expected)


def test_sampled_softmax_estimates_the_full_one() -> None:
    shoppers, items, bias, target = _batch()
    exact = float(softmax(logits(shoppers, items, bias, target, None, 500), torch.ones(20)))
    estimates = []
    for _ in range(200):
        drawn = torch.randint(0, 500, (100,))
        estimates.append(float(softmax(logits(shoppers, items, bias, target, drawn, 500), torch.ones(20))))
    assert np.mean(estimates) == pytest.approx(exact, abs=0.03)


def test_pairwise_and_pointwise_losses_by_hand() -> None:
    """One shopper (1), products 2, 0, -1; the target is the first: its score is 2 and the others' are 0 and -1."""
    found = logits(torch.ones(1, 1), torch.tensor([[2.0], [0.0], [-1.0]]), torch.zeros(3), torch.tensor([0]), None, 3)
    soft = [np.log1p(np.exp(x)) for x in (-2.0, -3.0, 0.0, -1.0)]
    assert float(bpr(found, torch.ones(1))) == pytest.approx((soft[0] + soft[1]) / 2, abs=1e-6)
    assert float(bce(found, torch.ones(1))) == pytest.approx(soft[0] + (soft[2] + soft[3]) / 2, abs=1e-6)
    assert float(mse(torch.tensor([1.0, 5.0]), torch.tensor([3.0, float("nan")]))) == 4.0


def test_weights_of_targets_count_in_the_mean() -> None:
    shoppers, items, bias, target = _batch()
    found = logits(shoppers, items, bias, target, None, 500)
    first = torch.zeros(20)
    first[0] = 5.0
    alone = softmax(logits(shoppers[:1], items, bias, target[:1], None, 500), torch.ones(1))
    assert torch.allclose(softmax(found, first), alone)


def test_alignment_is_lowest_where_modalities_agree() -> None:
    torch.manual_seed(5)
    one = torch.randn(16, 8)
    for loss in (infonce, triplet):
        assert float(loss(one, one)) < float(loss(one, one.roll(1, dims=0)))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_averaged_tokens_are_the_same_model_while_attention_is_uniform(fusion: str) -> None:
    torch.manual_seed(0)
    tower = Tower(TowerShape(7, 8, 2, fusion, FEATURES, 0, 0, identity=True)).double()
    tokens = _tokens(3, missing="image")
    averaged = {}
    for name, batch in tokens.items():
        count = batch.there.sum(dim=1, keepdim=True)
        mean = (batch.x * batch.there[..., None]).sum(dim=1, keepdim=True) / count.clamp_min(1)[..., None]
        averaged[name] = TokenBatch(mean, count > 0, count.clamp_min(1).double())
    with torch.no_grad():
        whole, short = tower.content(tokens), tower.content(averaged)
    for name in whole:
        assert torch.allclose(whole[name], short[name], atol=1e-12)


def test_under_cross_fusion_the_shopper_shapes_attention() -> None:
    tower, tokens = _tower("cross"), _tokens(2)
    shoppers = torch.randn(2, 8, dtype=torch.float64)
    with torch.no_grad():
        asked, plain = tower.attention(tokens, shoppers), tower.attention(tokens)
        # By hand: the logit of token t is (q + A u) . K x(t).
        pooling, x = tower._pool("text"), tokens["text"].x[0]
        query = pooling.query + torch.einsum("hkd,d->hk", pooling.ask, shoppers[0])
        logit = torch.einsum("hk,hkf,tf->ht", query, pooling.key, x).masked_fill(~tokens["text"].there[0], -np.inf)
    assert torch.allclose(asked["text"][0], torch.softmax(logit, dim=1), atol=1e-12)
    assert not torch.allclose(asked["text"], plain["text"])


def test_what_follows_a_profile_and_contexts_reaches_the_shopper_vector() -> None:
    shape = ModelShape(TowerShape(7, 8, 2, "weighted", FEATURES, 0, 0, True), 1, 5, 0.0, (0, 1), contexts=6, profiles=3)
    model = Model(shape).eval()
    assert model.sequence.context is not None
    assert model.sequence.about is not None
    with torch.no_grad():
        model.sequence.context.normal_()
        model.sequence.about.normal_()
        vectors, unknown = torch.randn(1, 3, 8), torch.full((1, 3, 2), -1)
        plain = model.sequence(vectors)
        assert torch.allclose(model.sequence(vectors, unknown, torch.tensor([[-1]])), plain, atol=1e-6)
        later = unknown.clone()
        later[0, 2, 1] = 4
        assert torch.allclose(model.sequence(vectors, later)[:, :3], plain[:, :3], atol=1e-6)
        assert not torch.allclose(model.sequence(vectors, later)[:, 3], plain[:, 3])
        assert not torch.allclose(model.sequence(vectors, unknown, torch.tensor([[1]]))[:, 0], plain[:, 0])


def test_dropout_keeps_the_mean_and_silences_its_share() -> None:
    torch.manual_seed(6)
    layer, x = Dropout(0.25), torch.ones(1001, 101)
    dropped = layer(x)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.01)
    assert layer.eval()(x) is x


def test_a_new_product_borrows_identity_and_bias_of_those_that_lend_to_it() -> None:
    torch.manual_seed(2)
    shape = ModelShape(TowerShape(7, 8, 2, "weighted", FEATURES, 0, 0, identity=True), 2, 5, 0.0, lent=2)
    model = Model(shape).eval()
    near, share = np.zeros((7, 2), np.int32), np.zeros((7, 2), np.float32)
    near[3], share[3] = (1, 5), (0.25, 0.75)
    model.lent.put(near, share)
    with torch.no_grad():
        model.tower.bias.copy_(torch.arange(7.0))
        model.seen[3] = 0.0
        model.cold.fill_(2.0)
        items = torch.tensor([2, 3])
        table = model.tower.identity.weight
        assert torch.allclose(model.identity(items)[1], 0.25 * table[1] + 0.75 * table[5])
        assert torch.equal(model.identity(items)[0], table[2])
        assert model.bias(items).tolist() == [2.0, 2.0 + 0.25 * 1 + 0.75 * 5]


def test_the_newest_state_is_that_of_the_whole_sequence() -> None:
    model = _model()
    vectors, lengths = torch.randn(4, 5, 8), torch.tensor([0, 5, 2, 4])
    with torch.no_grad():
        states = model.sequence(vectors)[torch.arange(4), lengths]
        assert torch.allclose(model.sequence.newest(vectors, lengths), states, atol=1e-6)
