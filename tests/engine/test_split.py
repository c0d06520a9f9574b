"""Splits, worked out by hand, and what training may read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.dataset.context import event_context, profiles
from engine.dataset.split import Interactions, interactions, split
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.features.catalogue import Reading, item_texts


def _events(rows: list[tuple[int, int, int]]) -> Interactions:
    user, item, time = (np.array(column) for column in zip(*rows, strict=True))
    users = int(user.max()) + 1
    kind = np.array(["purchase"] * len(rows), dtype=object)
    return Interactions(
        users=tuple(f"u{one}" for one in range(users)),
        items=tuple(f"i{one}" for one in range(int(item.max()) + 1)),
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        time=time.astype(np.int64),
        kind=kind,
        start=np.searchsorted(user, np.arange(users + 1)).astype(np.int64),
        value=np.full(len(rows), np.nan, np.float32),
        context=event_context(user.astype(np.int32), time.astype(np.int64), kind, []),
        profiles=profiles([[]] * users),
    )


# Shopper 0 buys at 0..7 and again at 8 and 9; shopper 1 appears at 9 only.
EVENTS = _events([(0, item, item) for item in range(8)] + [(0, 8, 8), (0, 9, 9), (1, 0, 9)])


def test_temporal_split_ranks_later_events_of_known_shoppers_only() -> None:
    parts = split("temporal", EVENTS)
    # 11 events: validation begins at the 8th time in order (8), test at the 9th (9).
    assert parts.cut == 8
    assert EVENTS.time[parts.train].max() < parts.cut
    assert parts.validation.tolist() == [8]
    assert parts.test.tolist() == [9]  # not shopper 1's first event: there is no history to rank by


def test_leave_one_out_takes_the_last_two_of_long_histories() -> None:
    parts = split("leave-one-out", EVENTS)
    assert parts.test.tolist() == [9]
    assert parts.validation.tolist() == [8]
    assert parts.train.tolist() == [True] * 8 + [False, False, True]  # a shopper with one event only trains


def test_too_few_events_say_so() -> None:
    with pytest.raises(HeedmapError, match="too few events"):
        split("temporal", _events([(0, 0, 0), (0, 1, 1)]))


def test_unknown_split_says_which_there_are() -> None:
    with pytest.raises(HeedmapError, match="leave-one-out"):
        split("random", EVENTS)


def test_only_the_first_event_of_a_pair_counts(tiny_shop: Path) -> None:
    data = interactions(Dataset.open(tiny_shop))
    pairs = list(zip(data.user.tolist(), data.item.tolist(), strict=True))
    assert len(pairs) == len(set(pairs)) == 64
    for user in range(len(data.users)):
        assert (np.diff(data.time[data.events_of(user)]) >= 0).all()


@pytest.mark.parametrize("kind", ["temporal", "leave-one-out"])
def test_no_review_from_after_the_cut_is_read(tiny_shop: Path, kind: str) -> None:
    dataset = Dataset.open(tiny_shop)
    data = interactions(dataset)
    parts = split(kind, data)
    when = dict(dataset.rows("SELECT review, epoch_ms(time) FROM reviews"))
    writer = dict(dataset.rows('SELECT review, "user" FROM reviews'))
    cut = dict(zip(data.users, parts.cut_of_user.tolist(), strict=True))
    read = [
        field.removeprefix("review:")
        for fields in item_texts(dataset, parts, data.users, Reading(reviews=50))
        for field, _ in fields
        if field.startswith("review:")
    ]
    assert read
    assert all(when[review] < cut[writer[review]] for review in read)
    assert set(read) == {review for review in when if when[review] < cut[writer[review]]}


def test_reviews_without_a_writer_are_a_named_option(tiny_shop: Path, tmp_path: Path) -> None:
    from engine.dataset.store import DatasetWriter

    with DatasetWriter(tmp_path / "film", name="film", domain="video", source="test", licence="") as writer:
        writer.add("items", {"item": "1", "title": "A film"})
        writer.add("reviews", {"review": "a", "item": "1", "text": "Seen elsewhere."})
    dataset = Dataset.open(tmp_path / "film")
    parts = replace(split("temporal", EVENTS))
    assert item_texts(dataset, parts, EVENTS.users, Reading()) == [[("title", "A film")]]
    with_them = item_texts(dataset, parts, EVENTS.users, Reading(outside_reviews=True))
    assert with_them == [[("title", "A film"), ("review:a", "Seen elsewhere.")]]
