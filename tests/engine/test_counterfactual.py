"""Counterfactuals: every one that is found is confirmed by a ranking that this file computes itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.cli import main
from engine.counterfactual.drop import connected, drop, neighbours
from engine.counterfactual.lift import lift
from engine.counterfactual.types import Counterfactual, Lift
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.history import minimal_set
from engine.explain.smallest import Search
from engine.jobs import Progress, finish
from engine.live import Session
from engine.model.tower import TokenBatch
from engine.recommend import Recommender

Opened = Callable[..., Recommender]
K = 3  # of 7 products that are new to a shopper of the tiny shop
CONTENT = ("text", "image", "attribute", "link")


def ranks(scores: NDArray[np.float64], item: int) -> int:
    """1 + how many come before it, as lists show ties."""
    order = sorted(range(len(scores)), key=lambda one: (-scores[one], one))
    return order.index(item) + 1


def rank_without_past(recommender: Recommender, user: str, item: str, products: tuple[str, ...]) -> int:
    """By the list that a live session without these products gives; those that come back are not counted."""
    ranking = recommender.rank(user, len(recommender.data.items), Session(removed=products))
    return [one.item for one in ranking.items if one.item not in products].index(item) + 1


def rank_without_parts(recommender: Recommender, user: str, item: str, rows: tuple[int, ...]) -> int:
    """By cutting the tokens of the rows out, without a mask, and scoring the product anew in float64."""
    case = Case(recommender, user, item)
    kept = torch.from_numpy(~np.isin(case.shown.row_of, rows))
    features, start = {}, 0
    for name, x in case.features.items():
        left = x[kept[start : start + len(x)]]
        start += len(x)
        if len(left):
            features[name] = left[None]
    scores = recommender.running(case.past)[1].astype(np.float64)
    scores[case.item] = float(case.scores_from(features)[0])
    return ranks(scores, case.item)


def confirmed(recommender: Recommender, found: Counterfactual) -> int:
    if found.kind == "history":
        return rank_without_past(recommender, found.user, found.item, tuple(one.field for one in found.removed))
    return rank_without_parts(recommender, found.user, found.item, found.rows)


def pairs(recommender: Recommender, count: int = 4) -> list[tuple[str, str]]:
    return [(user, one.item) for user in recommender.data.users[:count] for one in recommender.rank(user, K).items]


@pytest.mark.parametrize("fusion", ["weighted", "cross"])
def test_every_drop_is_confirmed_and_minimal(opened: Opened, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    kinds = set()
    for user, item in pairs(recommender, 3):
        best = finish(drop(recommender, user, item, K))
        for one in (best, *best.others):
            if not one.found:
                continue
            kinds.add(one.kind)
            assert one.rank_before <= K < one.rank_after == confirmed(recommender, one)
            assert one.size == len(one.removed) == len(one.rows)
            assert one.rank_listed >= one.rank_after
            for left in range(one.size):  # without any one of its things it does not suffice
                rows = tuple(row for place, row in enumerate(one.rows) if place != left)
                if one.kind == "history":
                    fewer = tuple(thing.field for place, thing in enumerate(one.removed) if place != left)
                    assert not fewer or rank_without_past(recommender, user, item, fewer) <= K
                else:
                    assert rank_without_parts(recommender, user, item, rows) <= K
        assert [one.size for one in best.others] == sorted(one.size for one in best.others)
        assert not best.others or best.size <= best.others[0].size
    assert "history" in kinds
    assert kinds & set(CONTENT)


def test_a_set_that_is_proven_smallest_is(opened: Opened) -> None:
    """By trying every set of past purchases."""
    recommender = opened()
    for user, item in pairs(recommender, 2):
        found = finish(drop(recommender, user, item, K, kinds=("history",)))
        case = Case(recommender, user, item)
        sizes = [
            bin(mask).count("1")
            for mask in range(1, 2 ** len(case.history))
            if case.ranked_without([event for event in range(len(case.history)) if mask >> event & 1])[1] > K
        ]
        assert found.found is bool(sizes)
        if found.found and found.proven:
            assert found.size == min(sizes)
        alone = minimal_set(case, K)
        assert alone == (found.rows if found.found else None)


def test_the_smallest_set_is_found_where_it_is_known() -> None:
    """Things 2 and 5 and 7 only do it together, and a greedy choice of 0 first is a detour."""

    def gap(removed: NDArray[np.bool_]) -> NDArray[np.float64]:
        together = removed[:, [2, 5, 7]].sum(axis=1)
        return np.where(together == 3, -1.0, 3.0 - 0.5 * removed[:, 0] - 0.2 * together)

    search = Search(gap, 9, seconds=30)
    offers = [one for one in search.run() if one is not None]
    assert offers[-1] == search.best == (2, 5, 7)
    assert search.proven
    assert [len(one) for one in offers] == sorted((len(one) for one in offers), reverse=True)
    late = Search(gap, 9, seconds=0)
    assert list(late.run())[-1] != (2, 5, 7)
    assert late.late


def test_a_connected_region_is_preferred_to_scattered_cells_of_its_number() -> None:
    near = neighbours((3, 3))
    assert connected(near, (0, 1, 4))
    assert not connected(near, (0, 4))

    def gap(removed: NDArray[np.bool_]) -> NDArray[np.float64]:
        weight = np.array([1.0, 0.99, 0, 0, 0, 0, 0, 0, 1.01])
        return 1.95 - removed @ weight

    search = Search(gap, 9, seconds=30, near=near)
    assert [one for one in search.run() if one][-1] == search.best == (0, 1)
    scattered = Search(gap, 9, seconds=30)
    assert [one for one in scattered.run() if one][-1] == (0, 8)


def test_better_answers_stream_in(opened: Opened) -> None:
    recommender = opened()
    seen: list[Progress] = []
    user, item = pairs(recommender)[0]
    best = finish(drop(recommender, user, item, K), watch=seen.append)
    told = [one for one in seen if one.message]
    assert best.found
    assert any(one.data["size"] == best.size for one in told)
    sizes = [one.data["size"] for one in told]
    assert sizes == sorted(sizes, reverse=True)
    assert all(one.data["rank_after"] > K and "rank" in one.message for one in told)
    nothing = finish(drop(recommender, user, item, K, seconds=0.0))
    assert isinstance(nothing, Counterfactual)


def test_what_cannot_be_asked_says_why(opened: Opened) -> None:
    recommender = opened()
    ranking = recommender.rank("u0", 7)
    last, had = ranking.items[-1].item, ranking.history[0].item
    for user, item, kinds, said in (
        ("u0", last, ("history",), "below 3 already"),
        ("nobody", last, ("history",), "no shopper 'nobody'"),
        ("u0", "nothing", ("history",), "no product 'nothing'"),
        ("u0", had, ("history",), "has"),
        ("u0", ranking.items[0].item, ("colour",), "no kind of change 'colour'"),
        ("u0", ranking.items[0].item, (), "No kind"),
    ):
        with pytest.raises(HeedmapError, match=said) as refused:
            finish(drop(recommender, user, item, K, kinds))
        assert refused.value.hint
    with pytest.raises(HeedmapError, match="already"):
        finish(lift(recommender, ranking.items[0].item, "u0", K))
    with pytest.raises(HeedmapError, match="has"):
        finish(lift(recommender, had, "u0", K))


def rank_with(recommender: Recommender, found: Lift, user: str) -> int:
    """By putting the changes into the product's tokens one by one, as its page would read."""
    item = recommender.item(found.item)
    index = torch.tensor([item])
    model, catalogue = recommender.model, recommender.catalogue
    tokens = {name: batch.x[0][batch.there[0]] for name, batch in recommender.tokens.batch(index).items()}
    gone: dict[str, list[int]] = {name: [] for name in tokens}
    for one in found.changes:
        name: str = one.added.modality
        if name == "text":
            assert one.rows is not None
            source = recommender.item(one.source)
            start, end = catalogue.text_start[source], catalogue.text_start[source + 1]
            assert one.added.span is not None
            inside = [
                place
                for place in range(start, end)
                if catalogue.fields[catalogue.text_source[place]][1] == one.added.field
                and one.added.span[0] <= catalogue.text_span[place, 0] < one.added.span[1]
            ]
            x = torch.from_numpy(catalogue.text[inside].astype(np.float32))
        else:
            vocabulary = getattr(catalogue, name)
            x = getattr(model.tower, name).weight[[vocabulary.names.index((one.added.field, one.added.label))]]
            if one.replaced is not None:
                ids = vocabulary.ids[vocabulary.start[item] : vocabulary.start[item + 1]].tolist()
                gone[name].append(ids.index(vocabulary.names.index((one.replaced.field, one.replaced.label))))
        tokens[name] = torch.cat([tokens[name], x])
    past = recommender.past(user)
    shopper, running = recommender.running(past)
    batches = {}
    for name, x in tokens.items():
        x = x[[row for row in range(len(x)) if row not in gone[name]]]
        if len(x):
            batches[name] = TokenBatch(x[None], torch.ones(1, len(x), dtype=torch.bool))
    with torch.inference_mode():
        asking = shopper if recommender.config.fusion == "cross" else None
        vector = model.identity(index)[0] + torch.cat(list(model.tower.content(batches, asking).values())).sum(dim=0)
        score = float(vector @ shopper[0] + model.bias(index)[0])
    scores = running.astype(np.float64)
    scores[item] = score + float(model.linear.shares(past.history.items, item).sum())
    return ranks(scores, item)


@pytest.mark.parametrize("fusion", ["weighted", "gated", "cross"])
def test_every_lift_is_confirmed_and_made_of_what_the_catalogue_knows(opened: Opened, fusion: str) -> None:
    recommender = opened(fusion=fusion)
    found = []
    for user in recommender.data.users[:5]:
        items = recommender.rank(user, 6).items
        for one in items[2:]:
            lifted: Lift = finish(lift(recommender, one.item, user, 2))
            place = lifted.places[0]
            assert place.rank_before == one.rank
            assert place.rank_after == rank_with(recommender, lifted, user)
            assert lifted.found is (place.rank_after <= 2)
            assert lifted.size == sum(change.size for change in lifted.changes)
            for change in lifted.changes:
                texts = recommender.item_texts(recommender.item(change.source))
                if change.added.modality == "text":
                    written = next(text.text for text in texts if text.field == change.added.field)
                    assert change.added.span is not None
                    assert written[slice(*change.added.span)] == change.added.label
                assert change.source != lifted.item
            found.append(lifted.found)
    assert any(found)


def test_a_segment_is_counted_shopper_by_shopper(opened: Opened) -> None:
    recommender = opened()
    users = list(recommender.data.users)
    item = recommender.rank("u9", 14).items[8].item
    lifted: Lift = finish(lift(recommender, item, users, 5, share=1.0))
    place = recommender.item(item)
    had = [one for one in users if place in recommender.past(one).history.items]
    assert {one.user for one in lifted.places} == set(users) - set(had)
    assert lifted.before == sum(one.rank_before <= 5 for one in lifted.places)
    assert lifted.after == sum(one.rank_after <= 5 for one in lifted.places) >= lifted.before
    assert any(str(len(had)) in note for note in lifted.notes)


def test_the_command_and_the_desk_say_the_same(
    trained: Callable[..., Path], opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(trained())
    user, item = pairs(opened())[0]
    assert main(["counterfactual", run, "--user", user, "--item", item, "-k", str(K), "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    asked = finish(Desk().job("counterfactual", {"run": run, "item": item, "users": (user,), "k": K}))
    assert told["rows"] == list(asked.rows)
    assert told["rank_after"] == asked.rank_after
    assert main(["counterfactual", run, "--user", user, "--item", item, "-k", str(K)]) == 0
    assert "Without" in capsys.readouterr().out
    last = opened().rank(user, 7).items[-1].item
    assert main(["counterfactual", run, "--user", user, "--item", last, "-k", "1", "--lift"]) == 0
    assert "rank 7 ->" in capsys.readouterr().out
    (tmp_path / "segment.txt").write_text("u0\nu1\nu9\n", encoding="utf-8")
    segment = ["--segment", str(tmp_path / "segment.txt"), "--lift", "--json", "--share", "1"]
    worst = opened().rank("u9", 14).items[-1].item
    assert main(["counterfactual", run, "--item", worst, "-k", "1", *segment]) == 0
    told = json.loads(capsys.readouterr().out)
    had = [one for one in ("u0", "u1", "u9") if opened().item(worst) in opened().past(one).history.items]
    assert len(told["places"]) == 3 - len(had)
    assert main(["counterfactual", run, "--user", user, "--item", last, "-k", "1"]) == 2
    assert "below 1 already" in capsys.readouterr().err
