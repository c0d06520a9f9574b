"""What recommendations rest on: measured shares of their parts, the list without profiling, what-ifs of shoppers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import Tensor

from engine.audit.check import Check, Example, Figure, Measured, Note, NotRun, Value
from engine.audit.subject import K, Subject
from engine.counterfactual.drop import drop
from engine.counterfactual.types import Counterfactual
from engine.dataset.history import History
from engine.evaluation.outcome import Batch, Outcome, observe
from engine.explain.types import MODALITIES
from engine.jobs import Job, every
from engine.live import Past, Session
from engine.metrics.bootstrap import interval
from engine.metrics.order import best
from engine.metrics.ranking import measures
from engine.model.baselines.choose import batches
from engine.model.baselines.contract import without_history
from engine.model.scoring import RERANKED, live_history, place_ahead, reranked
from engine.recommend import Recommender

_FEWEST = 10  # shoppers below which nothing is said
_SHOWN = 4  # shoppers told of, and past choices named of each
_PATIENCE = 60.0  # seconds for one shopper; a search ends long before


def main_parameters(subject: Subject) -> Job:
    """Mean absolute share of each part in the scores of listed products, and how much of a list it decides."""
    run, drawn = subject.run, subject.shoppers(SHARES)
    if len(drawn) < _FEWEST:
        raise NotRun(Note("too_few", {"n": len(drawn), "least": _FEWEST}))
    shares: dict[str, list[float]] = {}
    replaced: dict[str, list[float]] = {}
    owner: list[int] = []
    for user, step in every("Taking scores apart", drawn.tolist(), len(drawn)):
        past = run.past(run.data.users[user])
        listed, columns, rest = _parts(run, past)
        total = sum(np.abs(one[listed]) for one in columns.values())
        for name, column in columns.items():
            each = np.divide(np.abs(column[listed]), total, out=np.zeros(len(listed)), where=total > 0)
            shares.setdefault(name, []).extend(each.tolist())
            without = best(np.where(np.isfinite(rest), rest - column, -np.inf), K)
            replaced.setdefault(name, []).append(1 - len(np.intersect1d(without, listed)) / max(len(listed), 1))
        owner.extend([user] * len(listed))
        if step is not None:
            yield step
    there = {kind: values for kind, values in shares.items() if any(values)}  # a run without identity has zeros for it
    replaced = {kind: replaced[kind] for kind in there}
    figures = [*_figures("share", there, np.array(owner), subject), *_figures("replaced", replaced, drawn, subject)]
    return Measured(tuple(figures))


def _figures(name: str, values: dict[str, list[float]], user: NDArray[np.int64], subject: Subject) -> list[Figure]:
    found = []
    for kind in (*MODALITIES, "bias"):
        if kind in values:
            one = interval(np.array(values[kind]), user.astype(np.int32), seed=subject.plan.seed)
            found.append(Figure(name, one.mean, one.low, one.high, len(np.unique(user)), {"kind": kind}))
    return found


def _parts(
    run: Recommender, past: Past
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """The list (places among the products looked at), each part of their scores, float64[products], and the scores.

    All products are looked at; under `cross` fusion those that the shopper asks for, as only these can be listed.
    """
    shopper, scores = run.running(past)
    looked = best(scores, RERANKED) if run.config.fusion == "cross" else np.arange(len(scores))
    index = torch.from_numpy(looked).to(run.device)
    with torch.inference_mode():
        if run.config.fusion == "cross":
            vectors = run.model.item_parts(index, run.tokens, shopper.expand(len(index), -1))
        else:
            vectors = run.parts_of_items
        columns = {name: _column(one @ shopper[0]) for name, one in vectors.items()}
        columns["bias"] = _column(run.model.bias(index))
        if run.model.shape.linear:
            columns["history"] = _column(run.model.linear.scores([past.history.items])[0, index])
    rest = scores[looked].astype(np.float64)
    return best(rest, K), columns, rest


def _column(values: Tensor) -> NDArray[np.float64]:
    return values.double().cpu().numpy()


def no_profiling(subject: Subject) -> Job:
    """The test part ranked for a shopper of whom nothing is known, beside the same ranked with each one's past."""
    run, on = subject.run, subject.ground
    if not len(on.targets):
        raise NotRun(Note("too_few", {"n": 0, "least": 1}))
    own: Outcome = yield from subject.outcome()
    nobody = run.past("", Session(invented=True)).history
    stage = "Ranking for a shopper of whom nothing is known"
    plain: Outcome = yield from observe(
        _plain_batches(run, nobody, on.targets), on.data, on.popularity == 0, K, len(on.targets), stage
    )
    with_past, without = measures(own.ranks, K)["ndcg"], measures(plain.ranks, K)["ndcg"]
    pairs = zip(own.lists, plain.lists, strict=True)
    kept = np.array(
        [len(np.intersect1d(one[one >= 0], two[two >= 0])) / max((one >= 0).sum(), 1) for one, two in pairs]
    )
    figures = []
    for name, values in (("ndcg", with_past), ("plain_ndcg", without), ("lost", with_past - without), ("kept", kept)):
        one = interval(values, on.users, seed=subject.plan.seed)
        figures.append(Figure(name, one.mean, one.low, one.high, len(values)))
    return Measured(tuple(figures))


def _plain_batches(run: Recommender, nobody: History, targets: NDArray[np.int64]) -> Iterator[Batch]:
    """The same scores for everyone, but for what each shopper already had."""
    shopper = run.shopper_vectors([nobody])
    scores = run.scores(shopper, [nobody])
    for chunk in batches(targets, scores.shape[1]):
        histories = [live_history(run.data, int(target)) for target in chunk]
        rows = without_history(np.repeat(scores, len(chunk), axis=0), histories)
        if run.config.fusion == "cross":
            for row in rows:
                place_ahead(row, *reranked(run.model, run.tokens, shopper[0], nobody, row))
        yield chunk, histories, rows


def counterfactuals(subject: Subject) -> Job:
    """For drawn shoppers, the fewest past choices without which a listed product is not listed."""
    pairs = list(subject.pairs(SINGLE))
    if len(pairs) < _FEWEST:
        raise NotRun(Note("too_few", {"n": len(pairs), "least": _FEWEST}))
    sizes: list[float] = []
    examples: list[Example] = []
    found_at: list[bool] = []
    for (user, item), step in every("Searching for the smallest change", pairs, len(pairs)):
        found: Counterfactual = yield from drop(subject.run, user, item, K, ("history",), _PATIENCE)
        found_at.append(found.found)
        if found.found:
            sizes.append(float(found.size))
            if len(examples) < _SHOWN:
                examples.append(Example("pair", user, item, note=_told(found, subject.run)))
        if step is not None:
            yield step
    share = binomtest(sum(found_at), len(pairs))  # one pair of each shopper, so the pairs are independent
    exact = share.proportion_ci(0.95, method="exact")
    figures = [Figure("found", float(share.statistic), float(exact.low), float(exact.high), len(pairs))]
    if sizes:
        size = interval(np.array(sizes), np.arange(len(sizes), dtype=np.int32), seed=subject.plan.seed)
        figures.append(Figure("size", size.mean, size.low, size.high, len(sizes)))
    return Measured(tuple(figures), examples=tuple(examples))


def _told(found: Counterfactual, run: Recommender) -> Note:
    titles = [run.texts.title[run.shop.item_index[one.field]] for one in found.removed]
    values: dict[str, Value] = {
        "names": "; ".join(titles[:_SHOWN]),
        "title": found.title,
        "before": found.rank_before,
        "after": found.rank_after,
    }
    if len(titles) <= _SHOWN:
        return Note("without", values)
    return Note("without_more", values | {"n": len(titles) - _SHOWN})


SHARES = Check("explanation.main-parameters", main_parameters, spread=0.25, most=1_000, cost=0.01)
SINGLE = Check("explanation.counterfactuals", counterfactuals, spread=0.5, most=60, cost=0.5)
PLAIN = Check("quality.no-profiling", no_profiling, cost=5.0)

CHECKS = (SHARES, SINGLE, PLAIN)
