"""Baselines against their formulas written out, and the rules of the harness: live history, nothing from later."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.dataset.context import event_context, profiles
from engine.dataset.split import Interactions, split, through_validation
from engine.errors import HeedmapError
from engine.features.attributes import Vocabulary
from engine.features.content import mean_tokens
from engine.jobs import finish
from engine.metrics.ranking import ndcg
from engine.model.baselines import BASELINES
from engine.model.baselines.choose import all_ranks, choose
from engine.model.baselines.contract import Baseline, Known, history_matrix, with_decay
from engine.model.baselines.factors import fit_bpr, fit_ials, fit_mf, fit_vbpr, fold_in
from engine.model.baselines.neighbours import fit_content_knn, fit_ease, fit_item_knn
from engine.model.baselines.popularity import fit_recent_popularity
from engine.model.baselines.ratings import fit_rating_mf

DAY = 86_400_000


def shop(users: int, items: int, seed: int = 0, length: int = 8) -> Interactions:
    """Shoppers of two tastes: even and odd products; their events follow one another a day apart."""
    random = np.random.default_rng(seed)
    rows = []
    for shopper in range(users):
        liked = np.arange(shopper % 2, items, 2)
        for place, product in enumerate(random.permutation(liked)[:length]):
            rows.append((shopper, int(product), (place * users + shopper) * DAY))
    table = np.array(rows)
    user, item, time = table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), table[:, 2].astype(np.int64)
    kind = np.array(["view"] * len(item), dtype=object)
    return Interactions(
        users=tuple(f"u{one}" for one in range(users)),
        items=tuple(f"i{one}" for one in range(items)),
        user=user,
        item=item,
        time=time,
        kind=kind,
        start=np.searchsorted(user, np.arange(users + 1)).astype(np.int64),
        value=np.full(len(item), np.nan, np.float32),
        context=event_context(user, time, kind, []),
        profiles=profiles([[] for _ in range(users)]),
    )


@dataclass(frozen=True)
class Written:
    text: NDArray[np.float16]
    text_start: NDArray[np.int64]
    image: NDArray[np.float16]
    image_start: NDArray[np.int64]
    attribute: Vocabulary
    link: Vocabulary


def catalogue(items: int) -> Written:
    """Photos of even products point one way, those of odd ones the other; product 0 has no photo."""
    random = np.random.default_rng(1)
    start = np.maximum(0, np.arange(items + 1) * 3 - 3)
    taste = np.where(np.arange(items) % 2, 1.0, -1.0)[np.repeat(np.arange(items), np.diff(start))]
    image = (random.normal(size=(int(start[-1]), 6)) * 0.2 + taste[:, None]).astype(np.float16)
    none = Vocabulary((), np.zeros(0, np.int32), np.zeros(items + 1, np.int64))
    colours = Vocabulary(
        (("colour", "blue"), ("colour", "red")), (np.arange(items) % 2).astype(np.int32), np.arange(items + 1)
    )
    return Written(
        text=np.zeros((0, 6), np.float16),
        text_start=np.zeros(items + 1, np.int64),
        image=image,
        image_start=start.astype(np.int64),
        attribute=colours,
        link=none,
    )


def known(data: Interactions) -> Known:
    return Known(data, np.ones(len(data.item), bool), catalogue(len(data.items)))


def dense(data: Interactions) -> NDArray[np.float64]:
    x = np.zeros((len(data.users), len(data.items)))
    x[data.user, data.item] = 1.0
    return x


@pytest.mark.parametrize(("users", "items"), [(9, 30), (40, 30)])
def test_ease_is_steck_s_closed_form_whichever_gram_matrix_is_smaller(users: int, items: int) -> None:
    data = shop(users, items)
    inverse = np.linalg.inv(dense(data).T @ dense(data) + 7.0 * np.eye(items))
    expected = np.eye(items) - inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    histories = [np.array([1, 5, 2], np.int32), np.array([], np.int32)]
    scores = fit_ease(known(data), 7.0).scores(np.array([0, 1], np.int32), histories)
    assert scores[0] == pytest.approx(expected[[1, 5, 2]].sum(axis=0), abs=1e-5)
    assert not scores[1].any()


def test_ease_is_refused_where_it_would_not_fit_in_memory() -> None:
    data = shop(4, 8)
    wide = Interactions(**{**data.__dict__, "items": tuple(str(one) for one in range(20_001))})
    with pytest.raises(HeedmapError, match="EASE is not run on 20,001 products"):
        fit_ease(Known(wide, np.ones(len(data.item), bool)))


def test_item_knn_is_the_shrunk_cosine_of_the_nearest_neighbours() -> None:
    data = shop(30, 12)
    mask = np.random.default_rng(2).random(len(data.item)) < 0.6
    x = np.zeros((30, 12))
    x[data.user[mask], data.item[mask]] = 1.0
    together = x.T @ x
    alike = together / (np.sqrt(np.outer(np.diag(together), np.diag(together))) + 3.0)
    np.fill_diagonal(alike, 0.0)
    for row in alike:
        row[row < np.sort(row)[-4] - 1e-9] = 0.0  # neighbours that tie for the last place all stay
    assert len(np.unique(alike.round(6))) > 5
    scores = fit_item_knn(Known(data, mask), 4, 3.0).scores(np.array([0], np.int32), [np.array([3, 7], np.int32)])
    assert scores[0] == pytest.approx(alike[:, 3] + alike[:, 7], abs=1e-6)


def test_a_decaying_history_weighs_the_newest_event_most() -> None:
    weights = history_matrix([np.array([4, 1, 3], np.int32), np.array([0], np.int32)], 5, 0.5).toarray()
    assert weights.tolist() == [[0, 0.5, 0, 1, 0.25], [1, 0, 0, 0, 0]]


def test_ials_solves_the_live_history_by_its_own_least_squares() -> None:
    data = shop(30, 20)
    ranker = fit_ials(known(data), factors=4, ridge=0.1, alpha=5.0)
    q = np.asarray(ranker.model.item_factors, np.float64)
    history = np.array([2, 6, 9], np.int32)
    confidence = np.ones(20)
    confidence[history] = 5.0
    liked = np.isin(np.arange(20), history).astype(float)
    u = np.linalg.solve(q.T @ (confidence[:, None] * q) + 0.1 * np.eye(4), q.T @ (confidence * liked))
    scores = ranker.scores(np.array([0, 1], np.int32), [history, np.array([], np.int32)])
    assert scores[0] == pytest.approx(q @ u, abs=1e-4)
    assert not scores[1].any()


def test_what_fades_from_an_ials_history_is_not_taken_for_a_dislike() -> None:
    data = shop(30, 40)
    ranker = with_decay(fit_ials(known(data), factors=4, ridge=0.1, alpha=5.0), 0.3)
    q = np.asarray(ranker.model.item_factors, np.float64)
    history = np.arange(0, 25, dtype=np.int32)
    confidence, liked = np.ones(40), np.zeros(40)
    confidence[history], liked[history] = 5.0 * 0.3 ** np.arange(24, -1, -1), 1.0
    u = np.linalg.solve(q.T @ (confidence[:, None] * q) + 0.1 * np.eye(4), q.T @ (confidence * liked))
    assert ranker.scores(np.zeros(1, np.int32), [history])[0] == pytest.approx(q @ u, abs=1e-4)


@pytest.mark.parametrize("pairwise", [True, False])
def test_a_folded_in_shopper_is_at_the_loss_s_minimum_and_alone_in_the_batch(pairwise: bool) -> None:
    random = np.random.default_rng(5)
    q, b = random.normal(size=(40, 3)).astype(np.float32), random.normal(size=40).astype(np.float32)
    history = np.array([4, 8, 15, 16], np.int32)
    u = fold_in(q, b, [history], 0.05, pairwise, seed=3)[0].astype(np.float64)
    liked = np.repeat(history, 64)
    drawn = np.random.default_rng(3).integers(0, 40, 256)

    def loss(v: NDArray[np.float64]) -> float:
        good, bad = q[liked] @ v + b[liked], q[drawn] @ v + b[drawn]
        if pairwise:
            terms = np.log1p(np.exp(bad - good))
        else:
            terms = np.concatenate([np.log1p(np.exp(-good)), np.log1p(np.exp(bad))])
        return float(terms.mean() + 0.025 * v @ v)

    for step in 0.02 * np.vstack([np.eye(3), -np.eye(3)]):
        assert loss(u) < loss(u + step)
    both = fold_in(q, b, [np.array([], np.int32), history, history[:1]], 0.05, pairwise, seed=3)
    assert both[1] == pytest.approx(u, abs=1e-5)
    assert not both[0].any()


@pytest.mark.parametrize("fit", [fit_mf, fit_bpr, fit_vbpr, fit_ials, fit_content_knn, fit_item_knn, fit_ease])
def test_every_baseline_learns_the_taste_and_serves_a_stranger(fit: object) -> None:
    data = shop(40, 24)
    ranker = fit(known(data))  # type: ignore[operator]
    again = fit(known(data))  # type: ignore[operator]
    strangers, histories = np.array([-1, -1], np.int32), [np.array([2, 4, 6], np.int32), np.array([1, 3, 5], np.int32)]
    scores = ranker.scores(strangers, histories)
    assert scores.dtype == np.float32
    assert scores.shape == (2, 24)
    even, odd = np.arange(8, 24, 2), np.arange(7, 24, 2)
    assert scores[0, even].mean() > scores[0, odd].mean()
    assert scores[1, odd].mean() > scores[1, even].mean()
    assert np.array_equal(scores, again.scores(strangers, histories))


def test_recent_popularity_forgets() -> None:
    data = shop(10, 12)
    last = data.item[np.argmax(data.time)]
    worth = fit_recent_popularity(known(data), half_life=0.1).scores(np.zeros(1, np.int32), [np.zeros(0, np.int32)])
    assert worth[0].argmax() == last


def test_mean_features_of_products_without_tokens_are_zero() -> None:
    states = np.array([[1, 0], [3, 0], [0, 4]], np.float16)
    start = np.array([0, 0, 2, 2, 3], np.int64)
    assert mean_tokens(states, start).tolist() == [[0, 0], [1, -2], [0, 0], [-1, 2]]


@pytest.mark.parametrize("kind", ["temporal", "leave-one-out"])
def test_nothing_from_the_test_reaches_a_baseline(kind: str) -> None:
    data = shop(30, 24)
    parts = split(kind, data)
    seen = through_validation(data, parts).train
    assert not seen[parts.test].any()
    assert (seen & ~parts.train).any()
    if kind == "temporal":
        assert data.time[seen].max() < data.time[parts.test].min()


def test_the_setting_that_validation_likes_is_chosen_and_fitted_again() -> None:
    data = shop(40, 24)
    parts = split("temporal", data)
    baseline = Baseline("EASE", fit_ease, ({"regularisation": 1e7}, {"regularisation": 5.0}), (1.0, 0.5))
    found = {
        (setting["regularisation"], decay): ndcg(
            all_ranks(with_decay(fit_ease(Known(data, parts.train), **setting), decay), data, parts.validation)
        )
        for setting in baseline.grid
        for decay in baseline.decays
    }
    best = max(found, key=lambda one: found[one])
    ranker = finish(choose(baseline, data, parts))
    assert (ranker.setting["regularisation"], ranker.setting.get("decay", 1.0)) == best
    users, histories = np.zeros(1, np.int32), [np.array([1, 2], np.int32)]
    refitted = with_decay(fit_ease(Known(data, through_validation(data, parts).train), best[0]), best[1])
    assert np.array_equal(ranker.scores(users, histories), refitted.scores(users, histories))
    plain = finish(choose(baseline, data, parts, refit=False))
    assert not np.array_equal(ranker.scores(users, histories), plain.scores(users, histories))


def test_ranks_leave_out_what_the_shopper_had() -> None:
    data = shop(12, 10, length=5)
    parts = split("leave-one-out", data)
    ranks = all_ranks(BASELINES["popularity"].fit(Known(data, parts.train)), data, parts.test)
    assert ranks.max() <= 10 - 4  # four of ten products are gone


def test_ratings_are_mean_and_biases_and_tastes() -> None:
    data = shop(60, 24, length=11)
    random = np.random.default_rng(8)
    level, quality = random.normal(size=60) * 0.5, random.normal(size=24) * 0.5
    taste, kind = random.normal(size=60), random.normal(size=24)
    rating = 3.0 + level[data.user] + quality[data.item] + taste[data.user] * kind[data.item]
    data = replace(data, value=rating.astype(np.float32))
    mask = random.random(len(data.item)) < 0.8
    fitted = fit_rating_mf(data, mask)
    rows = np.flatnonzero(~mask)
    histories = []
    for row in rows:
        own = np.flatnonzero((data.user == data.user[row]) & mask)
        histories.append((data.item[own], data.value[own]))
    predicted = fitted.predict(data.item[rows], histories)
    spread = rating[rows].std()
    assert np.sqrt(np.mean((predicted - rating[rows]) ** 2)) < 0.75 * spread
    stranger = (np.array([3], np.int32), np.array([np.nan], np.float32))
    assert fitted.predict(data.item[:1], [stranger])[0] == fitted.mean + fitted.bias[data.item[0]]
    with pytest.raises(HeedmapError, match="No event has a rating"):
        fit_rating_mf(shop(4, 8), np.ones(32, bool)[: len(shop(4, 8).item)])
