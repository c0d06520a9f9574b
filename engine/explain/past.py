"""One past purchase, one level down: which of its own words, cells and attributes its share of the score comes from.

A past product's vector is a sum over its tokens, like any product's. Its share by integrated gradients is the mean
slope of the score by that vector, times the vector; so it is the sum of the slope times what each token brings to it.
"""

from __future__ import annotations

import numpy as np

from engine.answers import PastSplit
from engine.errors import HeedmapError
from engine.explain import contribution
from engine.explain.case import Case
from engine.explain.integrated_gradients import slopes_on_the_way
from engine.explain.sequence_flow import SequenceFlow
from engine.live import Session


def split(case: Case, item: str, session: Session | None = None) -> PastSplit:
    """Split the share that the past purchase of `item` has in the case's score; session: what changed the case's past.
    HeedmapError when the sequence did not read it, or was trained elsewhere."""
    number = case.recommender.item(item)
    flow = SequenceFlow.of(case)
    if flow is None:
        raise HeedmapError(
            f"The sequence of {case.recommender.folder.name} was trained elsewhere.", "Leave-one-out explains its past."
        )
    read = case.history.items[len(case.history) - len(flow.vectors) :]
    found = np.flatnonzero(read == number)
    if not len(found):
        raise HeedmapError(
            f"The model read no past purchase of {item!r} by {case.past.name}.",
            f"It reads the last {case.recommender.config.history}.",
        )
    place = int(found[0])
    slopes, _ = slopes_on_the_way(flow)
    past = _laid_open(case, item, session)
    past.shopper = slopes[place]  # what asks the past product is the slope, not the shopper
    share = contribution.by_head(past).sum(axis=1)
    whole = float(slopes[place] @ flow.vectors[place])
    direct = float(case.direct[len(case.history) - len(read) + place])
    title = case.recommender.texts.title[number]
    return PastSplit(item, title, whole, direct, past.shown.tokens, share, float(share.sum()) - whole)


def _laid_open(case: Case, item: str, session: Session | None) -> Case:
    """The past product as it stands in the history: asked by nobody, with nothing that adds to it directly."""
    past = Case(case.recommender, case.past.name, item, session)
    past.asking, past.direct = None, np.zeros_like(past.direct)
    return past


def split_text(found: PastSplit, most: int = 12) -> str:
    """Lines for a terminal, the largest shares first."""
    lines = [
        f"{found.title} ({found.item}), a past purchase: {found.by_sequence:+.3f} by way of the sequence, which its"
        f" parts make (gap {found.gap:.1e}); {found.direct:+.3f} directly."
    ]
    for place in np.argsort(-np.abs(found.share), kind="stable")[:most]:
        token = found.tokens[int(place)]
        name = f"{token.field}: {token.label}" if token.modality in ("attribute", "link") else token.label
        lines.append(f"{found.share[place]:>+9.4f}  {token.modality}: {name}")
    return "\n".join(lines)
