"""Scores of a product with parts left out: what is summed up from the parts is what the tower itself answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.audit.check import Check
from engine.audit.plan import preset
from engine.audit.subject import K, Subject
from engine.explain.case import Case
from engine.explain.methods import METHODS
from engine.faithfulness.orders import faithfulness
from engine.model.tower import Pooling, Tower, TowerShape
from engine.recommend import Recommender

Opened = Callable[..., Recommender]
FUSIONS = ["weighted", "concat", "gated", "attention", "cross"]


def _variants(case: Case) -> np.ndarray:
    """Nothing gone, everything gone, each modality gone, each alone left, and chance."""
    tokens = case.shown.tokens
    kinds = np.array([one.modality for one in tokens])
    rows = [np.zeros(len(tokens), bool), np.ones(len(tokens), bool)]
    rows += [kinds == kind for kind in np.unique(kinds)] + [kinds != kind for kind in np.unique(kinds)]
    random = np.random.default_rng(5)
    return np.concatenate([np.stack(rows), random.random((60, len(tokens))) < random.random((60, 1))])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_sums_over_what_is_left_are_what_the_tower_answers(opened: Opened, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    for user in ("u1", "u4"):
        for item in (recommender.rank(user, 1).items[0].item, recommender.data.items[5]):
            case = Case(recommender, user, item)
            removed = _variants(case)
            assert case.scores_without(removed) == pytest.approx(case.scores_of_towers(removed), abs=1e-6)
            changed = [case.shaken(0.3, torch.Generator().manual_seed(2))]
            changed += [] if case.asking is None else [case.asked_by_nobody()]
            for other in changed:  # nothing of the case that it was is held
                assert other.scores_without(removed) == pytest.approx(other.scores_of_towers(removed), abs=1e-6)


def test_attention_without_digits_is_left_to_the_tower(opened: Opened) -> None:
    """Where one token takes all attention, what the others would heed without it cannot be read from what they do."""
    recommender = opened()
    pooling = recommender.model.tower.pooling["text"]
    assert isinstance(pooling, Pooling)
    with torch.no_grad():
        pooling.query.mul_(3e4)
    case = Case(recommender, "u1", recommender.data.items[5])
    assert float(case.attention["text"].min()) == 0.0
    removed = _variants(case)
    assert case.scores_without(removed) == pytest.approx(case.scores_of_towers(removed), abs=1e-12)


def test_grades_are_the_same_either_way(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for fusion in FUSIONS:
        recommender = opened(fusion=fusion)
        case = Case(recommender, "u1", recommender.rank("u1", 3).items[1].item)
        share = METHODS["contribution"].attribute(case).share
        found = faithfulness(case, share)
        with monkeypatch.context() as patched:
            patched.setattr(Case, "scores_without", Case.scores_of_towers)
            expected = faithfulness(case, share)
        assert found is not None
        assert expected is not None
        assert found.grade == expected.grade
        for name in ("z", "deletion", "insertion", "comprehensiveness", "sufficiency"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("fusion", FUSIONS)
def test_shares_of_tokens_are_their_values_for_the_shopper(fusion: str) -> None:
    torch.manual_seed(4)
    tower = Tower(TowerShape(3, 8, 4, fusion, {"text": 5, "image": 6}, 0, 0, True, {"image": (1, 3)})).double()
    shopper = torch.randn(8, dtype=torch.float64)
    with torch.no_grad():
        for name, size in (("text", 5), ("image", 6)):
            x = torch.randn(7, size, dtype=torch.float64)
            expected = tower.token_values(name, x) @ shopper
            assert torch.allclose(tower.token_shares(name, x, shopper), expected, atol=1e-12)


def test_pairs_of_an_audit_are_drawn_from_the_lists_that_shoppers_see(opened: Opened) -> None:
    recommender = opened()
    subject = Subject(recommender, preset("quick"))
    check = Check("a.b", lambda subject: iter(()), spread=0.5)  # type: ignore[arg-type, return-value]
    random, expected = subject.random("a.b products"), []
    for user in subject.shoppers(check).tolist():
        rows = recommender.rank(recommender.data.users[user], K).items
        expected.append((recommender.data.users[user], rows[int(random.integers(len(rows)))].item))
    assert list(subject.pairs(check)) == expected


def test_shoppers_read_together_are_read_as_alone(opened: Opened) -> None:
    recommender, alone = opened(), opened()
    histories = [recommender.past(user).history for user in recommender.data.users]
    recommender.read_ahead(histories)
    for history in histories:
        shopper, scores = recommender.read(history)
        expected = alone.read(history)
        assert torch.allclose(shopper, expected[0], atol=1e-6)
        assert scores == pytest.approx(expected[1], abs=1e-5)
