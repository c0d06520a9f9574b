"""Whether shoppers stand out: by the combination of what is told of them, or by a few of their products."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold
from engine.audit.subject import Subject
from engine.jobs import Job, Progress
from engine.metrics.bootstrap import interval

FEW = 5  # shoppers; fewer who are alike are a group too small to hide in
KNOWN = (2, 4)  # products of a past that somebody knows of


def profiles(subject: Subject) -> Job:
    """k-anonymity (Sweeney 2002) of what is told of shoppers, of each attribute and of all together."""
    yield Progress("Counting profiles", 0, 1)
    told = subject.profiles
    if not told:
        raise NotRun(Note("no_profiles"))
    names = sorted(told)
    columns = {name: told[name].astype(str) for name in names}
    if len(names) > 1:
        columns["+".join(names)] = np.array(["\n".join(one) for one in zip(*columns.values(), strict=True)])
    figures: list[Figure] = []
    together = list(columns)[-1]
    for name, column in columns.items():
        _, group, counts = np.unique(column, return_inverse=True, return_counts=True)
        size = counts[group]
        judged = "all" if name == together else "one"
        figures.append(Figure(f"rare_{judged}", float((size < FEW).mean()), n=len(size), of={"attribute": name}))
        figures.append(Figure(f"smallest_{judged}", float(size.min()), n=len(size), of={"attribute": name}))
    table = {"shoppers_alike": [], "groups": []}  # type: dict[str, list[int]]
    sizes = np.unique(columns[together], return_counts=True)[1]
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        table["shoppers_alike"].append(int(size))
        table["groups"].append(int(count))
    return Measured(tuple(figures), tables={"groups": table})


def pasts(subject: Subject) -> Job:
    """How many shoppers are the only ones with a few of their own products, drawn by lot (de Montjoye et al. 2013)."""
    data = subject.run.data
    shoppers = subject.shoppers(PASTS)
    random = subject.random(PASTS.name)
    ones = np.ones(len(data.item), np.float32)
    matrix = sparse.csr_matrix((ones, (data.user, data.item)), (len(data.users), len(data.items)))
    by_item = matrix.T.tocsr()
    alone: dict[int, list[float]] = {known: [] for known in KNOWN}
    who: dict[int, list[int]] = {known: [] for known in KNOWN}
    for done, shopper in enumerate(shoppers.tolist()):
        if done % 100 == 0:
            yield Progress("Looking for shoppers who stand out", done, len(shoppers))
        own = random.permutation(data.item[data.events_of(shopper)])
        for known in KNOWN:
            if len(own) >= known:
                alone[known].append(float(_holders(by_item, own[:known]) == 1))
                who[known].append(shopper)
    if not who[KNOWN[0]]:
        raise NotRun(Note("too_few", {"n": 0, "least": 1}))
    figures = []
    for known in KNOWN:
        if who[known]:
            found = interval(np.array(alone[known]), np.array(who[known], np.int32), seed=subject.plan.seed)
            figures.append(Figure(f"alone_{known}", found.mean, found.low, found.high, len(who[known])))
    return Measured(tuple(figures))


def _holders(by_item: sparse.csr_matrix, products: NDArray[np.int32]) -> int:
    """How many shoppers have all of these products."""
    left: NDArray[np.int32] | None = None
    for product in products.tolist():
        own = by_item.indices[by_item.indptr[product] : by_item.indptr[product + 1]]
        left = own if left is None else np.intersect1d(left, own, assume_unique=True)
    return 0 if left is None else len(left)


PROFILES = Check("privacy.anonymity", profiles, (Threshold("rare_all", at_most=0.05),), cost=2.0)
PASTS = Check("privacy.pasts", pasts, spread=0.5, cost=0.003)
