"""The validation period, ranked by the run as it was before it took that period in: as many targets as the test has.

A run keeps the weights of its best epoch, learned from the training period alone, before a last training on all events
before the test. With what is solved and not trained, from the training period alone too, they are the run that was
measured on the validation period when it was trained.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np

from engine.audit.subject import K, Subject
from engine.evaluation.outcome import Outcome, model_batches, observe
from engine.jobs import Job
from engine.metrics.ranking import measures
from engine.model.recommender import Model
from engine.model.tokens import TokenSource
from engine.training.checkpoint import load_tensors, load_weights
from engine.training.linear_term import Chosen, solve
from engine.training.newcomers import lend

BEST = "best.safetensors"
_NEAR = 1e-3  # of the run's own NDCG@10 of the validation period: another device may round otherwise


def earlier(subject: Subject) -> Job:
    """Return the Outcome on the validation targets, or None where the run cannot be brought back to before that period:
    where its weights were not kept, or do not give the figure that the training wrote down."""
    run, targets = subject.run, subject.run.parts.validation
    written = run.card.get("metrics", {}).get("validation ndcg@10")
    made = before_validation(subject) if len(targets) and written is not None else None
    if made is None:
        return None
    cold = np.bincount(run.data.item[run.parts.train], minlength=len(run.data.items)) == 0
    batches = model_batches(*made, run.data, targets)
    found: Outcome = yield from observe(batches, run.data, cold, K, len(targets), "Ranking the validation part")
    return found if abs(float(measures(found.ranks, K)["ndcg"].mean()) - written) <= _NEAR else None


def before_validation(subject: Subject) -> tuple[Model, TokenSource] | None:
    """The run's model and tokens before it took in the validation period; None where its weights were not kept."""
    run = subject.run
    if not run.config.refit:
        return run.model, run.tokens
    kept = Path(run.folder) / BEST
    if not kept.is_file():
        return None
    model = copy.deepcopy(run.model)
    load_weights(model, load_tensors(kept)[0])
    lend(model, run.catalogue, run.data, run.parts.train)
    if model.shape.linear and "linear" in run.card:
        chosen = Chosen(**run.card["linear"])
        near, weight = solve(run.data, run.parts.train, chosen, model.shape.linear, model.lent)
        model.linear.put(near, weight, chosen.level, chosen.half_life)
    model.cold.fill_(run.card.get("cold_bias", 0.0))
    return model, run.tokens.of(model.tower)
