"""Maps against the planted truth of the sample: do they point at what the shopper was made to be after?

Of each drawn shopper, the product that the run ranks best among those that answer one of their tastes is explained.
Cells are true where the planted region covers at least a quarter of them. A map cannot find what the model did not
learn, so all methods are read beside each other and beside a random map, not against 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.dataset.sample import Truth, load_truth
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.history import leave_one_out
from engine.explain.methods import METHODS
from engine.files import write_json
from engine.jobs import Job, Progress
from engine.metrics.bootstrap import interval
from engine.recommend import Recommender

FILE = "calibration.json"
STAGE = "Comparing maps with the planted truth"
RANDOM = "random"
EXPLANATIONS = 100
FIGURES = {
    "pointing": "The cell with the largest share lies in the planted region.",
    "region_auc": "ROC AUC of cells: how well shares tell cells of the region from the rest; 0.5 is chance.",
    "region_iou": "Intersection over union of the region and as many cells of largest share.",
    "word_auc": "ROC AUC of words: how well shares tell planted words from the rest; 0.5 is chance.",
    "attributes": "Part of true attributes among as many of largest share.",
    "past": "Part of the purchases made for this taste among as many past purchases of largest share.",
}
_GRID = 28  # of the truth's coverage
_COVERED = 0.25


def calibrate(
    recommender: Recommender,
    methods: tuple[str, ...] = (),
    explanations: int = EXPLANATIONS,
    seed: int = 1,
    keep: bool = True,
) -> Job:
    """Score methods (all that stay outside the encoders when none is named) and return the table; keep: in the run's
    folder too. HeedmapError when the run's dataset holds no planted truth, or names an unknown method."""
    names = methods or tuple(name for name, one in METHODS.items() if not one.deep)
    if unknown := [name for name in names if name not in METHODS]:
        raise HeedmapError(f"There is no method {unknown[0]!r}.", f"Use one of {', '.join(METHODS)}.")
    truth = load_truth(recommender.dataset.folder)
    drawn = _pairs(recommender, truth, explanations, seed)
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for done, (user, item) in enumerate(drawn):
        yield Progress(STAGE, done, len(drawn))
        case = Case(recommender, user, item)
        labels = labels_of(case, truth)
        random = np.random.default_rng([seed, case.user, case.item])
        maps = {name: METHODS[name].attribute(case) for name in names}
        shares = {name: (one.share, one.history) for name, one in maps.items()}
        shares["leave-one-out"] = (np.zeros(0), leave_one_out(case))
        shares[RANDOM] = (random.random(len(case.shown.tokens)), random.random(len(labels["past"])))
        for name, (share, history) in shares.items():
            for figure, value in scored(labels, share, history).items():
                found.setdefault(name, {}).setdefault(figure, []).append((case.user, value))
    result = {
        "run": recommender.folder.name,
        "explanations": len(drawn),
        "seed": seed,
        "figures": FIGURES,
        "methods": {name: {figure: _mean(rows) for figure, rows in row.items()} for name, row in found.items()},
    }
    if keep:
        write_json(recommender.folder / FILE, result)
    return result


def _mean(rows: list[tuple[int, float]]) -> dict[str, float]:
    one = interval(np.array([value for _, value in rows]), np.array([user for user, _ in rows], np.int32))
    return {"mean": one.mean, "low": one.low, "high": one.high, "of": float(len(rows))}


def _pairs(recommender: Recommender, truth: Truth, count: int, seed: int) -> list[tuple[str, str]]:
    """Shoppers with a taste and a past, each with the best ranked new product that answers one of their tastes."""
    random = np.random.default_rng(seed)
    users = {name: place for place, name in enumerate(recommender.data.users)}
    known = sorted({name for name in truth.tastes["user"] if name in users})
    answers = truth.tastes[["user", "preference", "value"]].merge(truth.holders, on=["preference", "value"])
    items = {name: place for place, name in enumerate(recommender.data.items)}
    found = []
    for name in random.permutation(known).tolist():
        past = recommender.past(name)
        _, scores = recommender.running(past)
        held = [items[one] for one in answers.loc[answers["user"] == name, "item"] if one in items]
        best = max(held, key=lambda item: scores[item], default=None)
        if best is not None and len(past.history) and np.isfinite(scores[best]):
            found.append((name, recommender.data.items[best]))
        if len(found) == count:
            break
    return found


def labels_of(case: Case, truth: Truth) -> dict[str, NDArray[np.bool_]]:
    """What is true of a case: "cells", "words", "attributes": bool[rows], all False outside their own rows, with the
    row's kind in "is cell" and so on; "past": bool[events that the sequence read]."""
    user, item = case.past.name, case.recommender.data.items[case.item]
    tables = truth.of(user, item)
    tokens = case.shown.tokens
    labels = {name: np.zeros(len(tokens), bool) for name in ("cells", "words", "attributes")}
    kinds = {"cells": "image", "words": "text", "attributes": "attribute"}
    labels |= {f"is {name}": np.array([one.modality == kind for one in tokens]) for name, kind in kinds.items()}
    regions = tables["regions"][tables["regions"]["photo"] == 0]
    if len(regions):
        covered = np.stack([np.asarray(one, float) for one in regions["grid"]]).max(axis=0).reshape(_GRID, _GRID)
        for row, token in enumerate(tokens):
            if token.modality == "image" and token.box is not None:
                left, top, right, bottom = (round(edge * _GRID) for edge in token.box)
                labels["cells"][row] = covered[top:bottom, left:right].mean() >= _COVERED
    for field, start, end in tables["words"][["field", "start", "end"]].itertuples(index=False):
        for row, token in enumerate(tokens):
            if token.modality == "text" and token.field == field and token.span is not None:
                labels["words"][row] |= token.span[0] < end and start < token.span[1]
    said = set(zip(tables["attributes"]["name"], tables["attributes"]["value"], strict=True))
    for row, token in enumerate(tokens):
        if token.modality == "attribute":
            labels["attributes"][row] = (token.field, token.label) in said
    held = set(
        truth.holders.loc[truth.holders["item"] == item, ["preference", "value"]].itertuples(index=False, name=None)
    )
    tastes = truth.tastes[truth.tastes["user"] == user]
    bought = {
        one
        for preference, value, purchases in tastes[["preference", "value", "purchases"]].itertuples(index=False)
        if (preference, value) in held
        for one in purchases
    }
    read = case.history.items[-case.recommender.config.history :] if len(case.history) else case.history.items
    labels["past"] = np.array([case.recommender.data.items[one] in bought for one in read], bool)
    return labels


def scored(
    labels: dict[str, NDArray[np.bool_]], share: NDArray[np.float64], history: NDArray[np.float64] | None
) -> dict[str, float]:
    """Figures of one map; those that the truth says nothing of are left out."""
    found: dict[str, float] = {}
    if len(share):
        cells, values = labels["cells"][labels["is cells"]], share[labels["is cells"]]
        if cells.any() and not cells.all():
            found["pointing"] = float(cells[int(np.argmax(values))])
            found["region_auc"] = roc_auc(values, cells)
            best = _largest(values, int(cells.sum()))
            found["region_iou"] = float((best & cells).sum() / (best | cells).sum())
        words, values = labels["words"][labels["is words"]], share[labels["is words"]]
        if words.any() and not words.all():
            found["word_auc"] = roc_auc(values, words)
        named, values = labels["attributes"][labels["is attributes"]], share[labels["is attributes"]]
        if named.any() and not named.all():
            found["attributes"] = float(named[_largest(values, int(named.sum()))].mean())
    past = labels["past"]
    if history is not None and past.any() and not past.all():
        found["past"] = float(past[_largest(history, int(past.sum()))].mean())
    return found


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(values), bool)
    chosen[np.argsort(-values, kind="stable")[:count]] = True
    return chosen


def roc_auc(values: NDArray[np.float64], true: NDArray[np.bool_]) -> float:
    """The chance that a true one has the larger value than a false one; ties count half (Mann and Whitney)."""
    ranks = scipy.stats.rankdata(values)
    positive = int(true.sum())
    return float((ranks[true].sum() - positive * (positive + 1) / 2) / (positive * (len(true) - positive)))


def calibration_text(table: dict[str, Any]) -> str:
    """The table for a terminal, random last."""
    names = {"pointing": "pointing", "region_auc": "region AUC", "region_iou": "IoU", "word_auc": "word AUC"}
    names |= {"attributes": "attributes", "past": "past"}
    rows = dict(sorted(table["methods"].items(), key=lambda one: one[0] == RANDOM))
    lines = [
        f"{table['run']}: {table['explanations']} products that answer a planted taste, seed {table['seed']};"
        " means, 95 % intervals of a bootstrap over shoppers.",
        "",
        f"{'method':<24}" + "".join(f"{one:>21}" for one in names.values()),
    ]
    for name, row in rows.items():
        cells = [
            f"{row[one]['mean']:.3f} ({row[one]['low']:.2f}-{row[one]['high']:.2f})" if one in row else "-"
            for one in names
        ]
        lines.append(f"{name:<24}" + "".join(f"{one:>21}" for one in cells))
    return "\n".join([*lines, "", *(f"{names[name]}: {about}" for name, about in table["figures"].items())])
