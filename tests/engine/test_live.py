"""A live session: what happens now changes the ranking at once, as if the dataset had held it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.cli import main
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.jobs import finish
from engine.live import Event, Session, each_without, read_event, without
from engine.recommend import Recommender
from engine.scenario import PastEdit, Scenario

Opened = Callable[..., Recommender]


def _replayed(recommender: Recommender, user: str) -> Session:
    """An invented shopper who does just what `user` did."""
    past = recommender.past(user)
    items = [recommender.data.items[item] for item in past.history.items]
    added = [Event(*one) for one in zip(items, past.time.tolist(), past.kind.tolist(), strict=True)]
    return Session(tuple(added), invented=True)


def test_the_same_events_live_are_the_same_ranking(opened: Opened) -> None:
    recommender = opened(context="kind,gap,hour,weekday,season")
    live, stored = recommender.rank("", 20, _replayed(recommender, "u3")), recommender.rank("u3", 20)
    assert [one.item for one in live.items] == [one.item for one in stored.items]
    assert [one.score for one in live.items] == pytest.approx([one.score for one in stored.items], abs=1e-6)
    assert live.history == stored.history
    assert live.user != "u3"


def test_added_and_removed_events_undo_each_other(opened: Opened) -> None:
    recommender = opened()
    past = recommender.past("u4")
    item = recommender.data.items[past.history.items[-1]]
    shorter = recommender.past("u4", Session(removed=(item,)))
    assert len(shorter.history) == len(past.history) - 1
    again = recommender.past("u4", Session((Event(item, int(past.time[-1]), "purchase"),), (item,)))
    assert np.array_equal(again.history.items, past.history.items)
    assert np.array_equal(again.history.context, past.history.context)


def test_taking_out_an_event_in_the_middle_measures_the_gap_anew(opened: Opened) -> None:
    recommender = opened()
    past, names = recommender.past("u0"), recommender.data.context.names
    gap = recommender.data.context.fields.index("gap")
    first, second = (recommender.data.items[item] for item in past.history.items[:2])
    left = recommender.past("u0", Session(removed=(first, second)))
    assert names[left.history.context[0, gap]] == ("gap", "first")
    assert names[past.history.context[2, gap]] != ("gap", "first")


def test_a_new_event_changes_the_list_and_leaves_it(opened: Opened) -> None:
    recommender = opened()
    before = recommender.rank("u9", 20)
    best = before.items[0].item
    after = recommender.rank("u9", 20, Session((Event(best),)))
    assert after.history[-1].item == best
    assert best not in {one.item for one in after.items}
    assert [one.score for one in after.items] != [one.score for one in before.items if one.item != best]


def test_the_explanation_is_of_the_live_history(opened: Opened) -> None:
    recommender, session = opened(), Session((Event("i3"), Event("i5")), invented=True)
    ranking = recommender.rank("", 20, session)
    one = explain(recommender, "", ranking.items[4].item, session=session)
    assert one.rank == 5
    assert one.score == pytest.approx(ranking.items[4].score, abs=1e-5)
    assert [event.item for event in one.history] == ["i3", "i5"]
    assert all(event.contribution for event in one.history)
    assert one.contribution.sum() + one.bias == pytest.approx(one.score, abs=1e-4)
    nobody = explain(recommender, "", "i3", session=Session(invented=True))
    assert nobody.history == ()


def test_a_repeat_says_that_it_does_not_count(opened: Opened) -> None:
    recommender = opened()
    had = recommender.data.items[recommender.past("u9").history.items[0]]
    ranking = recommender.rank("u9", 3, Session((Event(had),)))
    assert len(ranking.history) == 1
    assert had in ranking.notes[0]


def test_wrong_events_are_answered(opened: Opened) -> None:
    recommender = opened()
    for session, fault in (
        (Session((Event("nothing"),)), "no product 'nothing'"),
        (Session((Event("i1", kind="sniff"),)), "no kind of event 'sniff'"),
        (Session((Event("i1", context=(("device", "phone"),)),)), "carry no 'device'"),
        (Session(removed=("nothing",)), "no product 'nothing'"),
    ):
        with pytest.raises(HeedmapError, match=fault):
            recommender.rank("u9", 3, session)
    had = recommender.past("u9").history.items[0]
    other = next(item for index, item in enumerate(recommender.data.items) if index != had)
    with pytest.raises(HeedmapError, match="no event of product"):
        recommender.rank("u9", 3, Session(removed=(other,)))


def test_events_as_they_are_typed() -> None:
    moment = int(datetime(2024, 5, 1, 18, 30, tzinfo=UTC).timestamp() * 1000)
    assert read_event("i1@2024-05-01T18:30", "view") == Event("i1", moment, "view")
    assert read_event("i1@2024-05-01T20:30+02:00").time == moment
    assert read_event("i1") == Event("i1")
    assert read_event("me@shop") == Event("me@shop")


def test_the_command_line_and_the_window_take_a_session(
    trained: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(trained())
    added = ["--add", "i3@2024-05-01", "--add", "i5@2024-05-02T10:00", "--invented"]
    assert main(["recommend", run, *added, "-k", "3", "--json"]) == 0
    ranking = json.loads(capsys.readouterr().out)
    assert [event["item"] for event in ranking["history"]] == ["i3", "i5"]
    assert main(["explain", run, *added, "--item", ranking["items"][1]["item"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rank"] == 2
    events = tuple(read_event(one) for one in added[1:4:2])
    scenario = Scenario(pasts=(PastEdit("somebody", events, invented=True),))
    found = finish(Desk().job("rank", {"run": run, "user": "somebody", "k": 3, "scenario": scenario}))
    assert [one.item for one in found.items] == [one["item"] for one in ranking["items"]]


def test_a_past_with_some_events_only_is_what_a_session_makes_of_it(opened: Opened) -> None:
    recommender = opened()
    past = recommender.past("u2")
    kept = ~np.isin(np.arange(len(past.history)), (0, 3, 4))
    gone = tuple(recommender.data.items[item] for item in past.history.items[~kept])
    expected, found = recommender.past("u2", Session(removed=gone)), without(recommender.data, past, kept)
    assert (found.history.items == expected.history.items).all()
    assert (found.history.context == expected.history.context).all()
    assert (found.history.context != past.history.context[kept]).any()  # longer gaps
    assert (found.time == expected.time).all()


def test_many_histories_without_one_event_are_those_without_each(opened: Opened) -> None:
    recommender = opened()
    data = recommender.data
    for past in (
        recommender.past("u1"),
        recommender.past("u1", Session((Event("i3", None), Event("i5", int(data.time.max()) + 5_000_000)))),
        recommender.past("u9"),
    ):
        count = len(past.history)
        many = each_without(data, past, np.arange(count))
        for place, found in enumerate(many):
            expected = without(data, past, np.arange(count) != place).history
            assert found.items.tolist() == expected.items.tolist()
            assert found.context.tolist() == expected.context.tolist()
