"""The benchmark of new products: nobody is seen to have what it holds out, and each last event is asked for once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.dataset.split import interactions, split, through_validation
from engine.dataset.store import Dataset
from tests.bench.cold import drawn, hold_out, kept_events
from tests.engine.conftest import make_tiny_shop

FOLDS = 3


def test_folds_are_of_one_size_and_the_same_each_time() -> None:
    folds = drawn(14, FOLDS)
    assert sorted(np.bincount(folds).tolist()) == [4, 5, 5]
    assert (drawn(14, FOLDS) == folds).all()


def test_every_last_event_is_a_target_of_an_unseen_product_once(tmp_path: Path) -> None:
    whole = Dataset.open(make_tiny_shop(tmp_path / "whole"))
    data = interactions(whole)
    folds = drawn(len(data.items), FOLDS)
    last = {user: data.items[data.item[data.start[number + 1] - 1]] for number, user in enumerate(data.users)}
    asked: list[str] = []
    of_validation = 0
    for fold in range(FOLDS):
        shop = tmp_path / f"shop-{fold}"
        hold_out(whole, shop, data, kept_events(data, folds, fold))
        with_less = Dataset.open(shop)
        held = interactions(with_less)
        assert held.items == data.items
        assert with_less.rows("SELECT count(*) FROM reviews") == [(0,)]  # all of them were shoppers'
        parts = split("leave-one-out", held)
        learned, later = parts.train, through_validation(held, parts).train
        assert not (folds[held.item[later]] == fold).any()
        assert not (folds[held.item[learned]] == (fold + 1) % FOLDS).any()
        # What is of neither fold is all there.
        assert int((folds[held.item] == (fold + 2) % FOLDS).sum()) == int(
            (folds[data.item] == (fold + 2) % FOLDS).sum()
        )
        targets = {held.users[held.user[one]]: held.items[held.item[one]] for one in parts.test}
        assert targets == {user: last[user] for user in targets}
        asked += [user for user, item in targets.items() if folds[data.items.index(item)] == fold]
        of_validation += int((folds[held.item[parts.validation]] == (fold + 1) % FOLDS).sum())
        with_less.close()
    whole.close()
    # A shopper who is left with fewer than three events is no target; "u9" never had more than one.
    assert len(asked) == len(set(asked)) >= 6
    assert of_validation > 0
