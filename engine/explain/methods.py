"""The registry of methods, and the one function that makes an Explanation with its grade."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.explain import (
    attention,
    contribution,
    gradient_x_input,
    integrated_gradients,
    lime,
    occlusion,
    regions,
    relevance,
    rollout,
    shapley,
    shapley_modalities,
    smoothgrad,
)
from engine.explain.case import Case
from engine.explain.deep import deep_integrated_gradients, deep_occlusion, encoder_rollout
from engine.explain.history import leave_one_out
from engine.explain.method import STAGE, Map, Method
from engine.explain.removals import removals
from engine.explain.types import Explanation, Faithfulness, RuleEffect
from engine.faithfulness.choice import automatic
from engine.faithfulness.orders import capped, faithfulness
from engine.faithfulness.sanity import knows_nothing
from engine.foreign.run import ForeignRun
from engine.jobs import Job, Progress, finish
from engine.live import Session
from engine.recommend import Recommender
from engine.rules import Rule

AUTO = "auto"
METHODS: dict[str, Method] = {
    "contribution": contribution.METHOD,
    "attention": attention.METHOD,
    "rollout": rollout.METHOD,
    "relevance": relevance.METHOD,
    "gradient_x_input": gradient_x_input.METHOD,
    "integrated_gradients": integrated_gradients.METHOD,
    "smoothgrad": smoothgrad.METHOD,
    "occlusion": occlusion.METHOD,
    "occlusion_regions": regions.METHOD,
    "lime": lime.METHOD,
    "shapley": shapley.METHOD,
    "shapley_modalities": shapley_modalities.METHOD,
    "deep_integrated_gradients": deep_integrated_gradients.METHOD,
    "deep_occlusion": deep_occlusion.METHOD,
    "deep_rollout": encoder_rollout.ROLLOUT,
    "deep_relevance": encoder_rollout.RELEVANCE,
}


def methods_of(recommender: Recommender | ForeignRun) -> tuple[str, ...]:
    """The methods that can explain a run, `AUTO` among them; the deep ones where its encoders can be opened is theirs
    to say."""
    return ("contribution",) if isinstance(recommender, ForeignRun) else (AUTO, *METHODS)


def explain(
    recommender: Recommender | ForeignRun,
    user: str,
    item: str,
    method: str = "contribution",
    session: Session | None = None,
    rules: tuple[Rule, ...] = (),
) -> Explanation:
    """Explain one product's score for one shopper, of the past that a live session made; and its place under rules.

    method: one of METHODS, or "auto" for the one that was measured most faithful for this run. HeedmapError names an
    unknown shopper, product or method.
    """
    found: Explanation = finish(explaining(recommender, user, item, method, session, rules))
    return found


def explaining(
    recommender: Recommender | ForeignRun,
    user: str,
    item: str,
    method: str = "contribution",
    session: Session | None = None,
    rules: tuple[Rule, ...] = (),
) -> Job:
    """The same as a job: a reader who moves on can stop it between two steps."""
    reasons: tuple[str, ...] = ()
    if method == AUTO:
        if isinstance(recommender, ForeignRun):
            method = "contribution"
        else:
            method, reason = automatic(recommender.folder)
            reasons = (reason,)
    if method not in METHODS:
        raise HeedmapError(f"There is no method {method!r}.", f"Use one of {', '.join((AUTO, *METHODS))}.")
    if isinstance(recommender, ForeignRun):
        if method != "contribution":
            raise HeedmapError(
                f"{recommender.folder.name} was made elsewhere and shows nothing of its inside.",
                "Leave the method away: what can be told of it follows from its scores.",
            )
        return recommender.explain(user, item, session, rules)
    began = time.perf_counter()
    yield Progress(STAGE)
    case = Case(recommender, user, item, session)
    shown, effects, notes = _under_rules(case, rules)
    exact = contribution.by_head(case)
    chosen = Map(exact.sum(axis=1)) if method == "contribution" else (yield from _mapped(METHODS[method], case))
    yield Progress(STAGE)
    single = leave_one_out(case)
    return Explanation(
        run=recommender.folder.name,
        user=case.past.name,
        item=item,
        title=recommender.texts.title[case.item],
        rank=case.rank_of(case.score),
        catalogue=case.catalogue,
        score=case.score,
        bias=case.bias,
        method=method,
        tokens=case.shown.tokens,
        contribution=exact.sum(axis=1),
        contribution_by_head=exact,
        attention=attention.by_head(case),
        texts=recommender.item_texts(case.item),
        images=recommender.texts.images[case.item],
        grid=recommender.catalogue.grid if "image" in case.tokens else (0, 0),
        history=recommender.history_events(case.past, _of_past(case, METHODS[method], chosen.history, single)),
        completeness_gap=float(exact.sum() + case.bias - case.score),
        faithfulness=_graded(case, chosen.share),
        seconds=time.perf_counter() - began,
        sums_to_score=METHODS[method].sums,
        share=chosen.share,
        removals=removals(case, chosen.share, single),
        removed=case.removed,
        history_method="leave-one-out" if chosen.history is None else method,
        effects=effects,
        shown_rank=shown,
        notes=(*case.past.notes, *case.notes, *chosen.notes, *reasons, *notes),
    )


def _mapped(method: Method, case: Case) -> Job:
    if method.stepwise is None:
        return method.attribute(case)
    return (yield from method.stepwise(case))


def _of_past(
    case: Case, method: Method, sequence: NDArray[np.float64] | None, single: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What each past event is worth by a method: by way of the sequence, and what it adds directly, where both are
    shares of the score. A method that says nothing of the past leaves it to leave-one-out."""
    if sequence is None:
        return single
    return sequence + case.direct[len(case.direct) - len(sequence) :] if method.signed else sequence


def _graded(case: Case, share: NDArray[np.float64]) -> Faithfulness | None:
    """The test of a map; a model that knows nothing gets no good grade for it."""
    measured = faithfulness(case, share)
    if measured is None or not knows_nothing(case.recommender):
        return measured
    return replace(measured, grade=capped(measured.grade, "D"))


def _under_rules(case: Case, rules: tuple[Rule, ...]) -> tuple[int | None, tuple[RuleEffect, ...], tuple[str, ...]]:
    """The place that is shown, what each rule did, and what must be said of it."""
    if not rules:
        return None, (), ()
    if (case.history.items == case.item).any():
        return None, (), (f"{case.past.name} has this product already, so no rule places it.",)
    _, scores = case.recommender.running(case.past)
    ruled = case.recommender.under(rules, scores)
    if case.item not in ruled.before:
        return None, (), ("The product stands behind those that are ranked, so no rule places it.",)
    return ruled.rank(case.item), ruled.effects(case.item), tuple(ruled.notes)
