"""Every objective and augmentation trains to the end, and the heatmap of what comes out is still the score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.files import read_json
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.windows import augmented

Opened = Callable[..., Recommender]
EVERYTHING: dict[str, Any] = {
    "align": "infonce",
    "long_tail": 0.5,
    "history_crop": 0.5,
    "history_mask": 0.2,
    "history_reorder": 0.5,
    "word_dropout": 0.3,
    "adversarial": 0.1,
    "context": ("kind", "gap", "hour", "weekday", "season", "carried"),
}


@pytest.mark.parametrize(
    "settings",
    [{"objective": "bce"}, {"objective": "bpr", "align": "triplet"}, EVERYTHING],
    ids=["bce", "bpr and triplets", "everything"],
)
def test_it_trains_and_stays_exact(trained: Callable[..., Path], opened: Opened, settings: dict[str, Any]) -> None:
    losses = [row["loss"] for row in read_json(trained(**settings) / "history.json")]
    assert np.isfinite(losses).all()
    one = explain(opened(**settings), "u0", "i3")
    assert one.contribution.sum() + one.bias == pytest.approx(one.score, abs=1e-4)


def test_ratings_cannot_be_learned_where_there_are_none(trained: Callable[..., Path]) -> None:
    with pytest.raises(HeedmapError, match="carry no ratings"):
        trained(objective="mse")


def test_a_past_choice_has_its_direct_share_in_the_sum(opened: Opened) -> None:
    recommender = opened()
    recommender.model.linear.level.fill_(3.0)
    try:
        one = explain(recommender, "u0", "i3")
        rows = [place for place, token in enumerate(one.tokens) if token.modality == "history"]
        had = {recommender.data.items[item] for item in recommender.past("u0").history.items}
        assert rows
        assert {one.tokens[place].field for place in rows} <= had
        assert one.contribution.sum() + one.bias == pytest.approx(one.score, abs=1e-4)
        ranked = next(item for item in recommender.rank("u0", 14).items if item.item not in had)
        assert sum(ranked.parts.values()) == pytest.approx(ranked.score, abs=1e-4)
        assert "history" in ranked.parts
    finally:
        recommender.model.linear.level.zero_()


def test_augmented_histories_keep_events_and_change_them() -> None:
    config = Config(history_crop=1.0, history_mask=0.3, history_reorder=1.0)
    events = np.arange(40)
    random = np.random.default_rng(0)
    found = [augmented(events, random, config) for _ in range(50)]
    assert all(2 <= len(one) <= 40 and len(set(one.tolist())) == len(one) for one in found)
    assert len({len(one) for one in found}) > 5
    assert any((np.diff(one) < 0).any() for one in found)
    assert np.array_equal(augmented(events, random, Config()), events)
