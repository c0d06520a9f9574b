"""Predicted ratings of the targets: the model's rating head where it has one, beside means and factorisation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.dataset.history import history_before
from engine.dataset.split import Interactions
from engine.jobs import Job, Progress
from engine.metrics.ratings import mae, rmse, verdicts
from engine.model.baselines.ratings import fit_rating_mf
from engine.model.recommender import Model
from engine.model.scoring import item_matrix, shopper_vectors
from engine.model.tokens import TokenSource

LIKED_FROM = 0.8  # of the highest rating: 4 of 5 stars
_ROWS = 256


def rating_figures(
    model: Model, tokens: TokenSource, data: Interactions, targets: NDArray[np.int64], known: NDArray[np.bool_]
) -> Job:
    """Return {"targets", "threshold", "rows": name -> RMSE, MAE, and precision, recall, F1, accuracy of "liked"}.

    None when the targets or the known events, bool[n], hold no rating.
    """
    rated = targets[~np.isnan(data.value[targets])]
    there = known & ~np.isnan(data.value)
    if not len(rated) or not there.any():
        return None
    yield Progress("Measuring ratings", 0, len(rated))
    truth = data.value[rated].astype(np.float64)
    threshold = LIKED_FROM * float(data.value[there].max())
    predicted: dict[str, NDArray[np.float64]] = {"mean rating": np.full(len(rated), data.value[there].mean())}
    factors = fit_rating_mf(data, known)
    yield Progress("Measuring ratings", 1, len(rated))
    before = [slice(int(data.start[data.user[target]]), int(target)) for target in rated]
    histories = [(data.item[past], data.value[past]) for past in before]
    predicted["biased MF"] = factors.predict(data.item[rated], histories)
    if model.shape.rating:
        predicted["this run"] = yield from _by_model(model, tokens, data, rated)
    rows: dict[str, Any] = {
        name: {"rmse": rmse(one, truth), "mae": mae(one, truth), **asdict(verdicts(one, truth, threshold))}
        for name, one in predicted.items()
    }
    return {"targets": len(rated), "threshold": threshold, "rows": rows}


def _by_model(model: Model, tokens: TokenSource, data: Interactions, targets: NDArray[np.int64]) -> Job:
    matrix = item_matrix(model, tokens)
    found = []
    for first in range(0, len(targets), _ROWS):
        chunk = targets[first : first + _ROWS]
        shoppers = shopper_vectors(model, matrix, [history_before(data, int(target)) for target in chunk])
        items = torch.from_numpy(data.item[chunk].astype(np.int64)).to(matrix.device)
        with torch.inference_mode():
            found.append(model.rating(shoppers, matrix[items], items).double().cpu().numpy())
        yield Progress("Measuring ratings", first + len(chunk), len(targets))
    return np.concatenate(found)
