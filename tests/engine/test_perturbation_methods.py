"""Methods that remove parts: against Captum, against enumeration by hand, and on problems whose answer is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, ShapleyValueSampling
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.explain import lime, occlusion, regions, shapley, shapley_modalities
from engine.explain.case import Case
from engine.recommend import Recommender

FUSIONS = ["weighted", "gated", "cross"]
_ORDERS_AT_ONCE = 24


def case_of(opened: Callable[..., Recommender], item: str = "i1", **settings: str) -> Case:
    """The newest shopper has one purchase only, so most products are new to it."""
    return Case(opened(**settings), "u9", item)


def forward(case: Case) -> Callable[[Tensor], Tensor]:
    """The score over masks, 1 for a part that is there, in float64."""

    def scores(masks: Tensor) -> Tensor:
        return torch.from_numpy(case.scores_without(masks.numpy() < 0.5))

    return scores


def captums_shapley(case: Case, orders: Sequence[Sequence[int]], member: Tensor) -> NDArray[np.float64]:
    """The mean over these orders of its players, `member` of each row. Captum sums in float32, so it gets few orders at
    a time, and their means are averaged here."""
    found = np.zeros(member.shape[1])
    for first in range(0, len(orders), _ORDERS_AT_ONCE):
        part = orders[first : first + _ORDERS_AT_ONCE]
        method = ShapleyValueSampling(forward(case))
        method.permutation_generator = lambda players, samples, part=part: iter(part)
        whole = torch.ones(1, member.shape[1], dtype=torch.float64)
        mean = method.attribute(whole, feature_mask=member, n_samples=len(part), perturbations_per_eval=64)
        found += mean[0].double().numpy() * len(part) / len(orders)
    return found


def reference(case: Case, kept: NDArray[np.bool_]) -> float:
    """The score with only these rows, computed in float64 from gathered features, with no mask at all."""
    raw = kept[case.shown.row_of]
    start, features = 0, {}
    for name, x in case.features.items():
        features[name] = x[torch.from_numpy(raw[start : start + len(x)])][None]
        start += len(x)
    whole = float(case.scores_from({name: x for name, x in features.items() if x.shape[1]})[0])
    rest = kept[case.removable :]
    own = 0.0 if rest[0] else float(case.own_vector @ case.shopper.double())
    return whole - own - float(case.direct[case.direct_events][~rest[1:]].sum())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_occlusion_agrees_with_captum_and_with_a_score_without_masks(
    opened: Callable[..., Recommender], fusion: str
) -> None:
    case = case_of(opened, fusion=fusion)
    rows = len(case.shown.tokens)
    share = occlusion.attribute(case).share
    whole = torch.ones(1, rows, dtype=torch.float64)
    oracle = FeatureAblation(forward(case)).attribute(whole, perturbations_per_eval=64)[0].numpy()
    np.testing.assert_allclose(share, oracle, atol=1e-6)
    everything = np.ones(rows, dtype=bool)
    by_hand = [reference(case, everything) - reference(case, np.arange(rows) != row) for row in range(rows)]
    np.testing.assert_allclose(share, by_hand, atol=1e-5)
    assert np.abs(share).max() > 1e-4


@pytest.mark.parametrize("fusion", FUSIONS)
def test_modality_shapley_is_captums_and_sums_to_the_score(opened: Callable[..., Recommender], fusion: str) -> None:
    case = case_of(opened, fusion=fusion)
    worth, found = shapley_modalities.values(case), shapley_modalities.attribute(case)
    names = list(worth)
    member = torch.tensor([[names.index(one.modality) for one in case.shown.tokens]])
    oracle = captums_shapley(case, list(itertools.permutations(range(len(names)))), member)
    for place, name in enumerate(names):
        assert worth[name] == pytest.approx(oracle[member[0].numpy() == place][0], abs=1e-6)
        rows = [row for row, one in enumerate(case.shown.tokens) if one.modality == name]
        assert found.share[rows].sum() == pytest.approx(worth[name], abs=1e-9)
    assert found.share.sum() + case.bias == pytest.approx(case.score, abs=1e-5)


def test_exact_shapley_is_the_mean_over_all_orders() -> None:
    """A game of four players that no formula made: two that are alike, one that adds nothing."""
    table = np.random.default_rng(5).normal(size=(2, 3))

    def value(kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        twins, third = kept[:, 0].astype(int) + kept[:, 1], kept[:, 2].astype(int)
        return table[third, twins]  # the fourth player changes nothing

    found = shapley.exact(value, 4)
    by_hand = np.zeros(4)
    for order in itertools.permutations(range(4)):
        kept = np.zeros((1, 4), dtype=bool)
        for player in order:
            before = value(kept)[0]
            kept[0, player] = True
            by_hand[player] += value(kept)[0] - before
    np.testing.assert_allclose(found, by_hand / math.factorial(4), atol=1e-12)
    assert found[0] == pytest.approx(found[1], abs=1e-12)
    assert found[3] == pytest.approx(0, abs=1e-12)
    assert found.sum() == pytest.approx(table[1, 2] - table[0, 0], abs=1e-12)


def test_sampled_shapley_is_captums_over_the_same_orders(opened: Callable[..., Recommender]) -> None:
    case = case_of(opened)
    rows = len(case.shown.tokens)
    assert rows > shapley.EXACT_UP_TO
    found = shapley.attribute(case)
    orders = shapley.pairs_of_orders(rows, np.random.default_rng([case.user, case.item]))
    assert (orders[0] == orders[1][::-1]).all()
    gains = shapley.sampled(lambda kept: case.scores_without(~kept), orders)
    np.testing.assert_allclose(found.share, gains.mean(axis=0), atol=1e-12)
    captum = captums_shapley(case, orders[:8].tolist(), torch.arange(rows)[None])
    np.testing.assert_allclose(gains[:8].mean(axis=0), captum, atol=1e-6)
    assert found.share.sum() + case.bias == pytest.approx(case.score, abs=1e-5)
    assert "standard error" in found.notes[0]


def test_few_parts_are_enumerated_and_sampling_agrees_with_that(opened: Callable[..., Recommender]) -> None:
    case = case_of(opened, modalities="attribute,link")
    rows = len(case.shown.tokens)
    assert rows <= shapley.EXACT_UP_TO

    def value(kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        return case.scores_without(~kept)

    exact = shapley.attribute(case)
    assert exact.notes == ()
    gains = shapley.sampled(value, shapley.pairs_of_orders(rows, np.random.default_rng(3)))
    pairs = gains.reshape(-1, 2, rows).mean(axis=1)
    error = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    assert (np.abs(gains.mean(axis=0) - exact.share) <= 4 * error + 1e-6).all()


def test_lime_recovers_a_linear_model(opened: Callable[..., Recommender]) -> None:
    random = np.random.default_rng(1)
    weights = random.normal(size=40)
    kept = lime.masks(40, 160, random)
    found, explained = lime.fit(kept, kept @ weights + 3.0)
    np.testing.assert_allclose(found, weights, atol=2e-3)
    assert explained == pytest.approx(1.0, abs=1e-4)

    case = case_of(opened)
    first, second = lime.attribute(case).share, lime.attribute(case_of(opened)).share
    np.testing.assert_array_equal(first, second)
    alone = occlusion.attribute(case).share
    assert np.corrcoef(first, alone)[0, 1] > 0.9  # of a score that is nearly linear in its parts


def test_spans_and_regions_share_what_their_whole_is_worth(opened: Callable[..., Recommender]) -> None:
    case = case_of(opened)
    tokens = case.shown.tokens
    share = regions.attribute(case).share
    title = [row for row, one in enumerate(tokens) if one.field == "title"]
    assert len(title) == 2  # shorter than a span: removed as a whole
    removed = np.zeros((1, len(tokens)), dtype=bool)
    removed[0, title] = True
    np.testing.assert_allclose(share[title], occlusion.effects(case, removed)[0] / 2, atol=1e-7)
    longest = [row for row, one in enumerate(tokens) if one.field == "description"]
    spans = np.zeros((3, len(tokens)), dtype=bool)
    for place in range(3):
        spans[place, longest[place : place + 3]] = True
    effects = occlusion.effects(case, spans) / 3
    np.testing.assert_allclose(share[longest[:3]], [effects[0], effects[:2].mean(), effects.mean()], atol=1e-7)
    found, notes = regions.photo_regions(case)
    cells = [row for row, one in enumerate(tokens) if one.modality == "image"]
    assert sorted(np.concatenate(found).tolist()) == cells
    assert notes == ()
    own = [row for row, one in enumerate(tokens) if one.modality in ("attribute", "identity", "history")]
    np.testing.assert_allclose(share[own], occlusion.attribute(case).share[own], atol=1e-6)


def test_superpixels_follow_the_colours() -> None:
    photo = Image.new("RGB", (60, 60), (20, 120, 40))
    photo.paste((250, 250, 250), (0, 0, 60, 20))
    photo.paste((200, 30, 30), (40, 20, 60, 60))
    label = regions.superpixels(regions.cell_colours(photo, 6, 6), wanted=3)
    expected = np.zeros((6, 6), dtype=int)
    expected[2:] = 1
    expected[2:, 4:] = 2
    pairs = set(zip(label.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == 3


def test_a_photo_that_is_gone_is_cut_into_blocks_and_says_so(
    opened: Callable[..., Recommender], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(opened)
    monkeypatch.setattr(case.recommender.dataset, "folder", case.recommender.dataset.folder / "gone")
    found, notes = regions.photo_regions(case)
    assert "blocks" in notes[0]
    assert sum(len(one) for one in found) == case.counts["image"]


def test_a_product_without_a_photo_is_explained_too(opened: Callable[..., Recommender]) -> None:
    case = case_of(opened, item="i12")
    for method in (occlusion, regions, lime, shapley, shapley_modalities):
        assert np.isfinite(method.METHOD.attribute(case).share).all()
