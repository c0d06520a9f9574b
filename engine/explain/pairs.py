"""Which past purchase speaks for which part of the product: a number for each pair.

score = u . e(i) + bias + direct, and e(i) is a sum of what each token t brings, c(t). Without past event h the
shopper's vector is u(h), so what t is worth falls by

    pair(h, t) = (u - u(h)) . c(t)

and the falls of all tokens, of identity (c is its vector) and of what past events add directly sum to the fall of the
score: leave-one-out of h, exactly, wherever e(i) does not depend on who asks. Under `cross` fusion it does: there the
attention is held as it is, and what its change adds is `elsewhere`.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.answers import PastPairs
from engine.dataset.history import History
from engine.explain.case import Case
from engine.live import each_without


def pairs(case: Case) -> PastPairs:
    """The pairs of every event that the model read with every row of the case's explanation."""
    count = min(len(case.history), case.recommender.config.history)
    places = np.arange(len(case.history) - count, len(case.history))
    histories = each_without(case.recommender.data, case.past, places)
    share = np.zeros((count, len(case.shown.tokens)))
    fall = np.zeros(count)
    if count:
        moved = case.shopper.double() - case.recommender.shopper_vectors(histories).double()
        share[:, : case.removable + 1] = (moved @ token_vectors(case).T).cpu().numpy()
        share[:, case.removable + 1 :] = _direct(case, places, histories)
        fall = case.score - case.scores_of(histories)
    items = tuple(case.recommender.data.items[item] for item in case.history.items[places].tolist())
    return PastPairs(items, share, fall, fall - share.sum(axis=1))


def token_vectors(case: Case) -> Tensor:
    """c(t): what each part of the product brings to its vector, attention as it is: float64[rows, dim]. The last row is
    identity; all rows sum to e(i)."""
    tower = case.model.tower
    found = torch.zeros(case.removable + 1, tower.shape.dim, dtype=torch.float64, device=case.shopper.device)
    row_of = torch.from_numpy(case.shown.row_of).to(case.shopper.device)
    start = 0
    with torch.inference_mode():
        attention = tower.attention(case.tokens, case.asking)
        gates = tower.gates(tower.pooled(case.tokens, case.asking), case.tokens)
        for name, batch in case.tokens.items():
            count = case.counts[name]
            values = tower.token_values(name, batch.x[0, :count]).double() * gates[name].double()
            alpha = attention[name][0, :, :count].double().T
            brought = (alpha[:, :, None] * values).sum(dim=1)
            found.index_add_(0, row_of[start : start + count], brought)
            start += count
        found[case.removable] = case.model.identity(case.index)[0].double()
    return found


def _direct(case: Case, places: NDArray[np.int64], histories: list[History]) -> NDArray[np.float64]:
    """How much less each past event adds directly without each of `places`: float64[len(places), direct events].

    An event's own part goes with it; those before it come one place nearer, so theirs may grow.
    """
    left = np.zeros((len(places), len(case.direct)))
    for row, (place, history) in enumerate(zip(places.tolist(), histories, strict=True)):
        left[row, np.arange(len(case.direct)) != place] = case.model.linear.shares(history.items, case.item)
    found: NDArray[np.float64] = (case.direct - left)[:, case.direct_events]
    return found
