"""The registry of methods, and the one function that makes an Explanation with its grade."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.explain import attention, contribution
from engine.explain.case import Case
from engine.explain.history import leave_one_out
from engine.explain.types import Explanation
from engine.faithfulness import faithfulness
from engine.recommend import Recommender

METHODS: dict[str, Callable[[Case], NDArray[np.float64]]] = {
    "contribution": contribution.attribute,
    "attention": attention.attribute,
}


def explain(recommender: Recommender, user: str, item: str, method: str = "contribution") -> Explanation:
    """Explain one product's score for one shopper. HeedmapError names an unknown shopper, product or method."""
    if method not in METHODS:
        raise HeedmapError(f"There is no method {method!r}.", f"Use one of {', '.join(METHODS)}.")
    began = time.perf_counter()
    case = Case(recommender, user, item)
    exact = contribution.attribute(case)
    chosen = exact if method == "contribution" else METHODS[method](case)
    return Explanation(
        run=recommender.folder.name,
        user=user,
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
        attention=attention.attribute(case),
        texts=recommender.item_texts(case.item),
        images=recommender.texts.images[case.item],
        grid=recommender.catalogue.grid if "image" in case.tokens else (0, 0),
        history=recommender.history_events(case.user, leave_one_out(case)),
        completeness_gap=float(exact.sum() + case.bias - case.score),
        faithfulness=faithfulness(case, chosen.sum(axis=1)),
        seconds=time.perf_counter() - began,
        sums_to_score=method == "contribution",
    )
