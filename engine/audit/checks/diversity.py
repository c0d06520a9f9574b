"""What the lists are like as a whole: how much of the shop they show, how alike they are, and where they lead to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from engine.audit.check import Check, Figure, Measured, Note, Threshold
from engine.audit.subject import K, Subject
from engine.dataset.history import History, history_of
from engine.jobs import Job, Progress
from engine.metrics.beyond_accuracy import coverage, diversity, exposure_gini, novelty, top_lists
from engine.metrics.bootstrap import interval
from engine.model.scoring import live_history

ROUNDS = 20
_BATCH = 64  # shoppers at once
_DRAWS = 200  # of the bootstrap over shoppers, where each draw counts lists anew
_PATIENCE = 0.85  # chance that a shopper looks at the next place of a list, too (Moffat and Zobel 2008)


def lists(subject: Subject) -> Job:
    """Coverage, concentration, novelty, distance within lists, and popularity against the shoppers' own choices."""
    outcome = yield from subject.outcome()
    on = subject.ground
    items, popularity = len(on.data.items), on.popularity
    shoppers = len(np.unique(on.data.user[on.known]))
    measured: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "coverage": lambda shown: coverage(shown, items),
        "gini": lambda shown: exposure_gini(shown, items),
        "novelty": lambda shown: novelty(shown, popularity, shoppers),
    }
    figures = []
    redrawn = _redrawn(subject.random("diversity.lists"), on.users)
    for done, (name, of) in enumerate(measured.items()):
        yield Progress("Counting what the lists show", done, len(measured))
        value = of(outcome.lists)
        # Draws repeat lists, so they show fewer products: their spread tells the error, their place does not.
        error = 1.96 * float(np.std([of(outcome.lists[rows]) for rows in redrawn], ddof=1))
        figures.append(Figure(name, value, value - error, value + error, len(outcome.lists)))
    lift = _lift(outcome.lists, [live_history(on.data, int(one)) for one in on.targets], popularity)
    there = np.isfinite(lift)
    one = interval(lift[there], on.users[there], seed=subject.plan.seed)
    figures.append(Figure("popularity_lift", one.mean, one.low, one.high, int(there.sum())))
    some = np.sort(subject.random("diversity.lists content").permutation(len(outcome.lists))[:1_000])
    if on.content:
        apart = np.array([diversity(outcome.lists[row : row + 1], list(on.content)) for row in some])
        one = interval(apart, on.users[some], seed=subject.plan.seed)
        figures.append(Figure("distance", one.mean, one.low, one.high, len(some)))
    return Measured(tuple(figures))


def bubble(subject: Subject) -> Job:
    """A simulation: shoppers take what they are shown, round after round, and the lists follow."""
    check = CHECKS_BY_NAME["diversity.bubble"]
    users = subject.shoppers(check)
    random = subject.random(check.name)
    followed = [history_of(subject.run.data, int(user)) for user in users]
    strayed = list(followed)
    rows: list[tuple[int, float, float, float, float]] = []
    first = last = control = np.zeros(0)
    for done in range(ROUNDS):
        yield Progress("Simulating rounds", done, ROUNDS)
        shown = yield from _lists(subject, followed)
        apart = _apart(subject, shown)
        if done in (0, ROUNDS - 1):
            first, last = (apart, last) if not done else (first, apart)
            other = shown if not done else (yield from _lists(subject, strayed))
            control = _apart(subject, other)
        rows.append(
            (done + 1, float(apart.mean()), coverage(shown, len(subject.run.data.items)), alike(shown), len(users))
        )
        followed = [_chooses(history, shown[row], random) for row, history in enumerate(followed)]
        strayed = [_strays(history, len(subject.run.data.items), random) for history in strayed]
    kept = interval(last / np.maximum(first, 1e-9), users.astype(np.int32), seed=subject.plan.seed)
    beside = interval(control / np.maximum(first, 1e-9), users.astype(np.int32), seed=subject.plan.seed)
    names = ("round", "distance", "coverage", "alike", "shoppers")
    return Measured(
        (
            Figure("distance_kept", kept.mean, kept.low, kept.high, len(users)),
            Figure("distance_kept_at_random", beside.mean, beside.low, beside.high, len(users)),
            Figure("alike", rows[0][3], n=len(users), of={"round": "1"}),
            Figure("alike", rows[-1][3], n=len(users), of={"round": str(ROUNDS)}),
            Figure("coverage", rows[0][2], n=len(users), of={"round": "1"}),
            Figure("coverage", rows[-1][2], n=len(users), of={"round": str(ROUNDS)}),
        ),
        (Note("simulated", {"shoppers": len(users), "rounds": ROUNDS}),),
        tables={"rounds": {name: [row[at] for row in rows] for at, name in enumerate(names)}},
    )


def _redrawn(random: np.random.Generator, users: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """Rows of lists, shoppers drawn with replacement."""
    _, place = np.unique(users, return_inverse=True)
    order = np.argsort(place, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(place))])
    count = len(start) - 1
    return [
        np.concatenate([order[start[one] : start[one + 1]] for one in random.integers(0, count, count)])
        for _ in range(_DRAWS)
    ]


def _lift(
    shown: NDArray[np.int64], histories: list[NDArray[np.int32]], popularity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of each list, its mean popularity over that of the shopper's own choices, less 1; nan without a past."""
    found = np.full(len(shown), np.nan)
    for row, history in enumerate(histories):
        if len(history) and (shown[row] >= 0).any():
            had = max(float(popularity[history].mean()), 1e-9)
            found[row] = popularity[shown[row][shown[row] >= 0]].mean() / had - 1
    return found


def _lists(subject: Subject, histories: list[History]) -> Job:
    """The best products for each past: int64[shoppers, K]."""
    run, found = subject.run, []
    for at in range(0, len(histories), _BATCH):
        some = histories[at : at + _BATCH]
        with torch.inference_mode():
            scores = run.scores(run.shopper_vectors(some), some)
        for row, history in enumerate(some):
            scores[row, history.items] = -np.inf
        found.append(top_lists(scores, K))
        yield Progress("Simulating rounds", 0, 0)
    return np.concatenate(found)


def _apart(subject: Subject, shown: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean distance within each list by content; by the run's own product vectors where nothing has content."""
    features = list(subject.ground.content)
    if not features:
        vectors = subject.run.matrix.cpu().numpy()
        features = [vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)]
    return np.array([diversity(shown[row : row + 1], features) for row in range(len(shown))])


def alike(shown: NDArray[np.int64]) -> float:
    """How alike the lists of different shoppers are: the mean Jaccard index over all pairs of lists."""
    n, items = len(shown), int(shown.max()) + 1
    if n < 2:
        return 0.0
    there = np.zeros((n, items), np.float32)
    for row, one in enumerate(shown):
        there[row, one[one >= 0]] = 1
    both = there @ there.T
    size = there.sum(axis=1)
    either = size[:, None] + size[None, :] - both
    pairs = ~np.eye(n, dtype=bool)
    return float((both[pairs] / np.maximum(either[pairs], 1)).mean())


def _chooses(history: History, shown: NDArray[np.int64], random: np.random.Generator) -> History:
    """A shopper who reads the list from above and takes what he stops at."""
    there = shown[shown >= 0]
    if not len(there):
        return history
    weight = _PATIENCE ** np.arange(len(there))
    return history.then(int(random.choice(there, p=weight / weight.sum())))


def _strays(history: History, items: int, random: np.random.Generator) -> History:
    """A shopper who takes anything that he does not have yet."""
    new = np.setdiff1d(np.arange(items), history.items)
    return history.then(int(random.choice(new))) if len(new) else history


CHECKS = (
    Check("diversity.lists", lists, cost=20.0),
    Check(
        "diversity.bubble",
        bubble,
        (Threshold("distance_kept", at_least=0.5),),
        spread=0.5,
        most=400,
        cost=0.15,
    ),
)
CHECKS_BY_NAME = {one.name: one for one in CHECKS}
