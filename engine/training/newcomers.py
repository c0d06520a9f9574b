"""Products without a training event: what they borrow, and how much they are worth besides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split
from engine.features.catalogue import Catalogue
from engine.jobs import Job, Progress
from engine.metrics.ranking import rank_of_target
from engine.model.lent import lenders
from engine.model.recommender import Model
from engine.model.scoring import target_scores
from engine.model.tokens import TokenSource
from engine.training.config import Config
from engine.training.linear_term import sampled

ENOUGH = 10  # new products wanted in validation that can tell how much they may cost
BIASES = tuple(np.arange(-2.0, 6.5, 0.5).tolist())


def lend(model: Model, catalogue: Catalogue, data: Interactions, learned: NDArray[np.bool_]) -> None:
    """Let what the model has not seen borrow from what it has. learned: bool[events], what it was trained on."""
    if model.shape.lent:
        popularity = np.bincount(data.item[learned], minlength=len(data.items))
        seen = model.seen.cpu().numpy() > 0
        model.lent.put(*lenders(catalogue, seen, popularity, tuple(model.shape.tower.features)))


def choose_cold(model: Model, tokens: TokenSource, data: Interactions, parts: Split, config: Config) -> Job:
    """Return the bias, in units of score, that all products without a training event share; 0 where no such product is
    wanted in validation.

    It is the one under which a softmax over the catalogue, the loss of the default objective, finds validation's
    targets likeliest. What is never shown is never known, so where validation wants enough new products to tell, it is
    raised as far as `config.newcomers` of the best NDCG allows (of the whole ranking, smoother than its first places).
    A model that reads no content cannot tell one new product from another, and pays nothing.
    """
    unseen = (model.seen == 0).cpu().numpy()
    targets = sampled(parts.validation, config)
    wanted = int(unseen[data.item[targets]].sum())
    if not wanted:
        return 0.0
    likely, gain = dict.fromkeys(BIASES, 0.0), dict.fromkeys(BIASES, 0.0)
    done = 0
    model.cold.zero_()
    for chunk, histories, scores in target_scores(model, tokens, data, targets):
        for row, history in enumerate(histories):
            scores[row, history.items] = -np.inf
        scores -= scores.max(axis=1, keepdims=True)
        target = data.item[chunk].astype(np.int64)
        warm, cold = (np.exp(scores[:, part], dtype=np.float64).sum(axis=1) for part in (~unseen, unseen))
        own = scores[np.arange(len(chunk)), target].astype(np.float64)
        for bias in BIASES:
            ranks = rank_of_target((scores + bias * unseen).astype(np.float32), target)
            gain[bias] += float((1 / np.log2(ranks + 1.0)).sum())
            likely[bias] += float((own + bias * unseen[target] - np.log(warm + np.exp(bias) * cold)).sum())
        done += len(chunk)
        yield Progress("Weighing new products", done, len(targets))
    best = max(likely, key=lambda bias: (likely[bias], -abs(bias)))
    if wanted < ENOUGH or not model.shape.tower.features:
        return best
    enough = (1 - config.newcomers) * max(gain.values())
    return max(best, *(bias for bias in BIASES if gain[bias] >= enough))
