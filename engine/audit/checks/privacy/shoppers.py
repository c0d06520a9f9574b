"""Whether the scores give away which shoppers were trained on, over several of their first events at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.audit.check import Check, Figure, Measured, Note, NotRun
from engine.audit.checks.privacy.membership import Standing, control_scores, standings, trained_on
from engine.audit.subject import Subject
from engine.jobs import Job
from engine.metrics.separation import weighted_aucs

NAME = "privacy.shoppers"
DRAWS = 500
FEWEST = 30  # shoppers of either sort
FEWEST_EVENTS, MOST_EVENTS = 2, 10  # of each shopper, the first that have a past

Floats = NDArray[np.float64]


def shoppers(subject: Subject) -> Job:
    """Shoppers who were trained on against those who came after the last training, by the mean score of their first
    events; and the same of the control."""
    data, trained = subject.run.data, trained_on(subject)
    events = _first_events(subject, trained)
    user = data.user[events]
    there, who, counts = np.unique(user, return_inverse=True, return_counts=True)
    member = np.bincount(data.user[trained], minlength=len(data.users))[there] > 0
    fewest = int(min(member.sum(), (~member).sum()))
    if fewest < FEWEST:
        raise NotRun(Note("too_few_shoppers", {"n": fewest, "least": FEWEST}))
    run: Standing = yield from standings(subject, events)
    control = yield from control_scores(data, trained, events)
    ours, theirs = (np.bincount(who, weights=one) / counts for one in (run.plain, control))
    figures = _figures(ours, theirs, member, subject.random(f"{NAME} bootstrap"))
    notes = (Note("attacked", {"members": int(member.sum()), "others": int((~member).sum())}),)
    table = {"member": member.tolist(), "run": ours.tolist(), "control": theirs.tolist()}
    return Measured(figures, notes, tables={"scores": table})


def _first_events(subject: Subject, trained: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64[n]: of drawn shoppers who were trained on, and of all who were not, the first events that have a past and
    whose product others have; of shoppers with enough of them."""
    data = subject.run.data
    known = np.bincount(data.user[trained], minlength=len(data.users)) > 0
    asked = ~known
    asked[subject.shoppers(CHECK)] = True
    place = np.arange(len(data.item)) - data.start[data.user]
    popularity = np.bincount(data.item[trained], minlength=len(data.items))[data.item] - trained
    usable = asked[data.user] & (place > 0) & (place <= MOST_EVENTS) & (popularity > 0) & (trained | ~known[data.user])
    enough = np.bincount(data.user[usable], minlength=len(data.users)) >= FEWEST_EVENTS
    return np.flatnonzero(usable & enough[data.user])


def _figures(
    ours: Floats, theirs: Floats, member: NDArray[np.bool_], random: np.random.Generator
) -> tuple[Figure, ...]:
    count = len(member)
    times = np.ones((DRAWS + 1, count))
    times[1:] = random.multinomial(count, np.full(count, 1 / count), DRAWS)
    run, control = (weighted_aucs(one, member, times) for one in (ours, theirs))
    columns = {"auc": run, "control": control, "excess": run - control}
    found = []
    for name, column in columns.items():
        low, high = np.nanquantile(column[1:], [0.025, 0.975]).tolist()
        found.append(Figure(name, float(column[0]), low, high, count))
    return tuple(found)


CHECK = Check(NAME, shoppers, spread=0.5, cost=0.02)
