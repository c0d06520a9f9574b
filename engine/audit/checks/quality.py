"""How well the run ranks: against baselines, on both splits, where it is hard, and whether its chances are true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold, Value
from engine.audit.checks.shoppers_groups import SHOWN
from engine.audit.draws import normal, redrawn
from engine.audit.subject import K, Subject
from engine.dataset.split import split, through_validation
from engine.evaluation.evaluate import Wanted, evaluate
from engine.evaluation.outcome import model_batches
from engine.jobs import Job, Progress
from engine.metrics.bootstrap import interval
from engine.metrics.ranking import measures
from engine.model.baselines.contract import without_history
from engine.model.scoring import target_ranks
from engine.segments import Segment

# Quick ones, of which some is hard to beat on any data: what is popular, what goes together, what looks alike.
BASELINES = ("popularity", "recent popularity", "ItemKNN", "EASE", "decaying EASE", "content kNN")
FEWEST = 30  # targets below which a slice is not shown
_BINS = 10
_OTHER = {"temporal": "leave-one-out", "leave-one-out": "temporal"}


def ranking(subject: Subject) -> Job:
    """Ranking metrics of the test part, and the run less the best of simple rankers, paired."""
    found = yield from evaluate(subject.run, Wanted(baselines=BASELINES, k=K, seed=subject.plan.seed, keep=False))
    metrics, targets = found["model"]["metrics"], found["targets"]
    figures = [
        Figure(name.replace(" ", "_"), one["mean"], one["low"], one["high"], targets) for name, one in metrics.items()
    ]
    rows = sorted(found["baselines"], key=lambda row: -row["metrics"]["ndcg"]["mean"])
    notes: list[Note] = []
    if rows:
        best = rows[0]
        gap = best["model_less_this"]
        figures.append(Figure("less_best", gap["difference"], gap["low"], gap["high"], targets))
        notes.append(Note("best", {"ranker": best["name"], "ndcg": round(best["metrics"]["ndcg"]["mean"], 4)}))
    for row in rows:
        one = row["metrics"]["ndcg"]
        figures.append(Figure("baseline_ndcg", one["mean"], one["low"], one["high"], targets, {"ranker": row["name"]}))
    return Measured(tuple(figures), tuple(notes))


def slices(subject: Subject) -> Job:
    """NDCG where ranking is hard: cold products, the long tail, short histories; by category; and by saved segment."""
    outcome = yield from subject.outcome()
    on = subject.ground
    worth = measures(outcome.ranks, K)["ndcg"]
    figures, notes = _by_segment(subject, worth)
    for name, there in on.parts.items():
        if there.sum() >= FEWEST:
            one = interval(worth[there], on.users[there], seed=subject.plan.seed)
            figures.append(Figure("ndcg", one.mean, one.low, one.high, int(there.sum()), {"slice": name}))
    return Measured(tuple(figures), tuple(notes))


def _by_segment(subject: Subject, worth: NDArray[np.float64]) -> tuple[list[Figure], list[Note]]:
    """Figures of each saved segment, and its size; of one that is too small its size alone. worth: of each target."""
    on = subject.ground
    figures: list[Figure] = []
    notes: list[Note] = []
    for segment in subject.segments:
        there = of_segment(subject, segment)
        n, shoppers = int(there.sum()), len(np.unique(on.users[there]))
        size: dict[str, Value] = {
            "segment": segment.name,
            "members": len(segment.members),
            "choices": n,
            "shoppers": shoppers,
        }
        if n < FEWEST or shoppers < SHOWN:
            notes.append(Note("small_segment", {**size, "least": FEWEST, "people": SHOWN}))
            continue
        notes.append(Note("products_segment" if segment.kind == "items" else "shoppers_segment", size))
        one = interval(worth[there], on.users[there], seed=subject.plan.seed)
        figures.append(Figure("ndcg", one.mean, one.low, one.high, n, {"segment": segment.name}))
        if not there.all():
            less = less_rest(worth, there, on.users, int(subject.random("quality.slices").integers(2**31)))
            figures.append(Figure("less_rest", *less, n, {"segment": segment.name}))
    return figures, notes


def of_segment(subject: Subject, segment: Segment) -> NDArray[np.bool_]:
    """bool[targets]: the choices of its shoppers, or of its products."""
    on = subject.ground
    names = on.data.items if segment.kind == "items" else on.data.users
    inside = np.array([name in segment.keys for name in names])
    mine: NDArray[np.bool_] = inside[on.data.item[on.targets] if segment.kind == "items" else on.users]
    return mine


def less_rest(
    values: NDArray[np.float64], there: NDArray[np.bool_], users: NDArray[np.int32], seed: int
) -> tuple[float, float, float]:
    """The mean of some targets less that of all others, with its interval; a shopper may have some of both."""
    own, rest = there.astype(np.float64), (~there).astype(np.float64)
    columns = np.stack([own, own * values, rest, rest * values], axis=1)
    sums = np.concatenate([columns.sum(axis=0)[None], redrawn(columns, users, seed)])
    less = sums[:, 1] / np.maximum(sums[:, 0], 1) - sums[:, 3] / np.maximum(sums[:, 2], 1)
    return float(less[0]), *normal(float(less[0]), less[1:])


def other_split(subject: Subject) -> Job:
    """The same run on the targets of the other split that it did not learn from either."""
    data, own = subject.run.data, subject.run.parts
    other = split(_OTHER[own.kind], data)
    learned = through_validation(data, own).train
    targets = other.test[~learned[other.test]]
    if len(targets) < FEWEST:
        raise NotRun(Note("too_few", {"n": len(targets), "least": FEWEST}))
    ranks = []
    for chunk in target_ranks(subject.run.model, subject.run.tokens, data, targets):
        ranks.append(chunk)
        yield Progress("Ranking the other split", sum(map(len, ranks)), len(targets))
    found = measures(np.concatenate(ranks), K)
    users = data.user[targets]
    return Measured(
        tuple(
            Figure(name, one.mean, one.low, one.high, len(targets))
            for name in ("ndcg", "recall")
            for one in [interval(found[name], users, seed=subject.plan.seed)]
        ),
        (Note("which", {"split": other.kind, "n": len(targets), "all": len(other.test)}),),
    )


def calibration(subject: Subject) -> Job:
    """Whether the chances that the model's softmax gives the products it shows are how often they are chosen."""
    if subject.run.config.objective != "softmax" or subject.run.config.fusion == "cross":
        raise NotRun(Note("no_chances", {"objective": subject.run.config.objective}))
    on = subject.ground
    chances, hits, users = [], [], []
    done = 0
    for chunk, histories, scores in model_batches(subject.run.model, subject.run.tokens, on.data, on.targets):
        without_history(scores, histories)
        chance = softmax(scores)
        shown = np.argpartition(-scores, K, axis=1)[:, :K]
        chances.append(np.take_along_axis(chance, shown, axis=1).ravel())
        hits.append((shown == on.data.item[chunk][:, None]).ravel())
        users.append(np.repeat(on.data.user[chunk], K))
        done += len(chunk)
        yield Progress("Comparing chances with choices", done, len(on.targets))
    p, hit, user = np.concatenate(chances), np.concatenate(hits).astype(np.float64), np.concatenate(users)
    error, rows = calibration_error(p, hit)
    # How far off the bins of a perfectly calibrated model of these very chances are, for being finite.
    random = subject.random("quality.calibration")
    chance_error = float(
        np.mean([calibration_error(p, (random.random(len(p)) < p).astype(np.float64))[0] for _ in range(20)])
    )
    gap = interval(hit - p, user, seed=subject.plan.seed)
    return Measured(
        (
            Figure("error", error, n=len(p)),
            Figure("error_by_chance", chance_error, n=len(p)),
            Figure("hits_less_said", gap.mean, gap.low, gap.high, len(p)),
        ),
        tables={
            "bins": {name: [row[at] for row in rows] for at, name in enumerate(("said", "chosen", "products"))},
        },
    )


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows that sum to 1; -inf is out of the running."""
    shifted = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    whole: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return whole


def calibration_error(
    p: NDArray[np.float64], hit: NDArray[np.float64], bins: int = _BINS
) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error over bins of equally many, and (mean chance, share chosen, number) of each bin."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    rows = [(float(p[part].mean()), float(hit[part].mean()), len(part)) for part in parts]
    return sum(abs(said - chosen) * n for said, chosen, n in rows) / len(p), rows


CHECKS = (
    Check("quality.ranking", ranking, (Threshold("less_best", at_least=0.0),), cost=60.0),
    Check("quality.other-split", other_split, cost=5.0),
    Check("quality.slices", slices, cost=10.0),
    Check("quality.calibration", calibration, cost=10.0),
)
