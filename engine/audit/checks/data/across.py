"""Doubles across the cut: what lies after it and stands before it too, so that to know it is no skill."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold
from engine.audit.checks.data.leakage import FEWEST_WORDS, plain
from engine.audit.draws import normal, redrawn
from engine.audit.subject import Subject
from engine.dataset.split import Interactions, Split
from engine.dataset.tables import Duplicates
from engine.jobs import Job, Progress

NAME = "data.across"
SOON = 86_400_000  # ms: what is repeated within a day is the same choice


def across(subject: Subject) -> Job:
    """Shares of the events after the cut that repeat one of before: the same product, the same page, the same photo."""
    run = subject.run
    if not len(run.parts.test):
        raise NotRun(Note("no_test"))
    yield Progress("Looking for doubles across the cut", 0, 3)
    number = {user: place for place, user in enumerate(run.data.users)}
    user, again, twice = repeated(_events(subject), _since(run.data, run.parts), number)
    yield Progress("Looking for doubles across the cut", 1, 3)
    alike: Duplicates = yield from subject.duplicates()
    place = {item: at for at, item in enumerate(run.data.items)}
    photos = [[place[item] for item, _, _ in one.photos if item in place] for one in alike.groups]
    yield Progress("Looking for doubles across the cut", 2, 3)
    targets, seed = run.data.user[run.parts.test], subject.plan.seed
    pages, pictures = _had(subject, _same_pages(subject, place)), _had(subject, photos)
    figures = (
        share("again_soon", again, user, seed),
        share("written_twice", twice, user, seed),
        share("same_page", pages, targets, seed),
        share("same_photo", pictures, targets, seed),
    )
    table = {
        "user": [run.data.users[one] for one in targets.tolist()],
        "item": [run.data.items[one] for one in run.data.item[run.parts.test].tolist()],
        "same_page": pages.tolist(),
        "same_photo": pictures.tolist(),
    }
    return Measured(figures, tables={"targets": table})


def share(name: str, found: NDArray[np.bool_], user: NDArray[np.int32], seed: int) -> Figure:
    """The share of events, with its interval by whole shoppers drawn anew; where none or all are found, that of so many
    shoppers alike (Clopper and Pearson 1934)."""
    if not len(found):
        return Figure(name, 0.0)
    value, shoppers = float(found.mean()), len(np.unique(user))
    if 0 < value < 1:
        drawn = redrawn(np.stack([found, np.ones(len(found))], axis=1).astype(np.float64), user, seed)
        low, high = normal(value, drawn[:, 0] / drawn[:, 1])
    else:
        far = float(0.025 ** (1 / shoppers))
        low, high = (0.0, 1 - far) if value == 0 else (far, 1.0)
    return Figure(name, value, max(low, 0.0), min(high, 1.0), len(found))


Event = tuple[str, str, int, str]  # shopper, product, ms since 1970, kind


def _events(subject: Subject) -> list[Event]:
    """All events as they stand in the table, also those that the run leaves out as repeated."""
    return list(subject.dataset.rows('SELECT "user", item, epoch_ms(time), kind FROM events'))


def _since(data: Interactions, parts: Split) -> NDArray[np.int64]:
    """When the test begins for each shopper, ms: int64[users]."""
    since = np.full(len(data.users), np.iinfo(np.int64).max)
    since[data.user[parts.test]] = data.time[parts.test]
    return np.full_like(since, since.min()) if parts.kind == "temporal" else since


def repeated(
    events: list[Event], since: NDArray[np.int64], number: dict[str, int]
) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each event after the cut: whose it is; whether the same shopper had the same product less than a day before,
    before the cut; whether it stands there more than once. number: shopper -> place in since."""
    before: dict[tuple[str, str], list[int]] = defaultdict(list)
    after: list[Event] = []
    standing: dict[Event, int] = defaultdict(int)
    for event in events:
        shopper, item, time, _ = event
        if shopper not in number:  # only of products that are not in the catalogue
            continue
        if time < since[number[shopper]]:
            before[shopper, item].append(time)
        else:
            after.append(event)
            standing[event] += 1
    user = np.array([number[shopper] for shopper, *_ in after], np.int32)
    again = [any(time - one < SOON for one in before.get((shopper, item), ())) for shopper, item, time, _ in after]
    return user, np.array(again, bool), np.array([standing[event] > 1 for event in after], bool)


def _same_pages(subject: Subject, place: dict[str, int]) -> list[list[int]]:
    """Groups of products whose title and description have the same words, long enough not to be so by chance."""
    groups: dict[str, list[int]] = defaultdict(list)
    for item, title, description in subject.dataset.rows("SELECT item, title, description FROM items"):
        page = f"{plain(title)}\n{plain(description or '')}"
        if len(page.split()) >= FEWEST_WORDS or len(page) >= 4 * FEWEST_WORDS:
            groups[page].append(place[item])
    return [one for one in groups.values() if len(one) > 1]


def _had(subject: Subject, groups: list[list[int]]) -> NDArray[np.bool_]:
    """bool[targets]: whether the shopper already had another product of a group of the one that is to be predicted."""
    data = subject.run.data
    of: dict[int, set[int]] = defaultdict(set)
    for group in groups:
        for item in group:
            of[item] |= set(group) - {item}
    found = []
    for event in subject.run.parts.test.tolist():
        others = of.get(int(data.item[event]), set())
        past = data.item[data.start[data.user[event]] : event] if others else ()
        found.append(any(int(one) in others for one in past))
    return np.array(found, bool)


CHECK = Check(NAME, across, (Threshold("same_page", at_most=0.05),), cost=10.0)
