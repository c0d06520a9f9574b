"""What a model is worth: full ranking of every target with the live history, beside popularity on the same targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split
from engine.jobs import Job, Progress
from engine.metrics.ranking import ndcg, recall
from engine.model.baselines import popularity
from engine.model.recommender import Model
from engine.model.scoring import baseline_ranks, target_ranks
from engine.model.tokens import TokenSource


def ranks_of(model: Model, tokens: TokenSource, data: Interactions, targets: NDArray[np.int64], stage: str) -> Job:
    """Return int64[targets], the rank of each; the model is left in evaluation mode."""
    model.eval()
    found: list[NDArray[np.int64]] = []
    done = 0
    for batch in target_ranks(model, tokens, data, targets):
        found.append(batch)
        done += len(batch)
        yield Progress(stage, done, len(targets))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def measure(model: Model, tokens: TokenSource, data: Interactions, parts: Split, which: tuple[str, ...]) -> Job:
    """Return figures such as "test ndcg@10" and "popularity test recall@10". which: "validation", "test" or both."""
    metrics: dict[str, float] = {}
    baseline = popularity(data, parts)
    for name in which:
        targets = parts.validation if name == "validation" else parts.test
        ranks = yield from ranks_of(model, tokens, data, targets, f"Measuring on {name}")
        for who, found in (("", ranks), ("popularity ", baseline_ranks(baseline, data, targets))):
            metrics[f"{who}{name} ndcg@10"] = ndcg(found)
            metrics[f"{who}{name} recall@10"] = recall(found)
        metrics[f"{name} targets"] = float(len(targets))
    return metrics
