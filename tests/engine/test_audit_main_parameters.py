"""Main parameters against explanations, pair by pair; the list without profiling and what-ifs against ranking anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.audit.check import Check, Measured, NotRun
from engine.audit.checks import main_parameters as checks
from engine.audit.plan import Plan
from engine.audit.subject import Subject
from engine.explain.methods import explain
from engine.jobs import finish
from engine.live import Session
from engine.metrics.bootstrap import interval
from engine.recommend import Recommender

Opened = Callable[..., Recommender]


def measured(subject: Subject, check: Check) -> Measured:
    found: Measured = finish(check.measure(subject))
    return found


@pytest.mark.parametrize("fusion", ["weighted", "cross"])
def test_shares_are_those_of_the_explanations(opened: Opened, fusion: str) -> None:
    run = opened() if fusion == "weighted" else opened(fusion=fusion)
    subject = Subject(run, Plan())
    found = measured(subject, checks.SHARES)
    shares: dict[str, list[float]] = {}
    owner: list[int] = []
    for user in subject.shoppers(checks.SHARES).tolist():
        name = run.data.users[user]
        for row in run.rank(name, 10).items:
            parts = explain(run, name, row.item).parts()
            total = sum(map(abs, parts.values()))
            for kind, value in parts.items():
                shares.setdefault(kind, []).append(abs(value) / total)
            owner.append(user)
    told = {one.of["kind"]: one for one in found.figures if one.name == "share"}
    assert set(told) == {kind for kind, values in shares.items() if any(values)}
    for kind, figure in told.items():
        expected = interval(np.array(shares[kind]), np.array(owner, np.int32))
        assert (figure.value, figure.low, figure.high) == pytest.approx(
            (expected.mean, expected.low, expected.high), abs=1e-4
        )
    assert sum(one.value for one in told.values()) == pytest.approx(1.0)


def test_what_is_replaced_is_what_another_ranking_shows(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "K", 3)
    run = opened()
    subject = Subject(run, Plan())
    found = {one.of["kind"]: one.value for one in measured(subject, checks.SHARES).figures if one.name == "replaced"}
    lost: dict[str, list[float]] = {kind: [] for kind in found}
    for user in subject.shoppers(checks.SHARES).tolist():
        rows = run.rank(run.data.users[user], 100).items
        listed = {one.item for one in rows[:3]}
        for kind, kept in lost.items():
            without = sorted(rows, key=lambda one: -(one.score - one.parts[kind]))[:3]
            kept.append(1 - len(listed & {one.item for one in without}) / 3)
    assert found == pytest.approx({kind: np.mean(values) for kind, values in lost.items()})
    assert max(found.values()) > 0


def test_a_part_that_a_run_does_not_have_has_no_share(opened: Opened) -> None:
    run = opened(modalities=("text",), identity=False)
    kinds = {one.of["kind"] for one in measured(Subject(run, Plan()), checks.SHARES).figures}
    assert kinds == {"text", "bias"}


def test_without_profiling_all_get_the_same_list_but_for_what_they_have(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "K", 3)
    run = opened()
    subject = Subject(run, Plan())
    found = {one.name: one for one in measured(subject, checks.PLAIN).figures}
    same = [one.item for one in run.rank("", 100, Session(invented=True)).items]
    worth = []
    for target in subject.ground.targets.tolist():
        user = int(run.data.user[target])
        had = {run.data.items[one] for one in run.data.item[run.data.start[user] : target].tolist()}
        place = [one for one in same if one not in had].index(run.data.items[run.data.item[target]])
        worth.append(1 / np.log2(place + 2) if place < 3 else 0.0)
    assert found["plain_ndcg"].value == pytest.approx(np.mean(worth))
    assert found["lost"].value == pytest.approx(found["ndcg"].value - found["plain_ndcg"].value)
    assert 0 <= found["kept"].value <= 1


def test_what_ifs_hold_when_ranked_anew(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "K", 2)
    monkeypatch.setattr("engine.audit.subject.K", 2)
    run = opened()
    found = measured(Subject(run, Plan()), checks.SINGLE)
    share = found.figures[0]
    assert share.n == 10
    if share.value == 1.0:  # Clopper and Pearson by hand: all of n, so low is the n-th root of 0.025
        assert (share.low, share.high) == pytest.approx((0.025**0.1, 1.0))
    assert found.examples
    titles = dict(zip(run.texts.title, run.data.items, strict=True))
    for one in found.examples:
        assert one.note is not None
        names = str(one.note.values["names"]).split("; ")
        had = {run.data.items[item] for item in run.past(one.user).history.items.tolist()}
        rows = run.rank(one.user, 100, Session(removed=tuple(titles[name] for name in names))).items
        new = [row.item for row in rows if row.item not in had]
        assert new.index(one.item) + 1 == one.note.values["after"]
        assert int(one.note.values["after"]) > 2
        assert int(one.note.values["before"]) <= 2


def test_too_few_shoppers_are_said_to_be(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_FEWEST", 11)
    subject = Subject(opened(), Plan())
    for one in (checks.SHARES, checks.SINGLE):
        with pytest.raises(NotRun) as caught:
            measured(subject, one)
        assert caught.value.note.values == {"n": 10, "least": 11}
