"""A small model that learns from a large one: the teacher's soft scores beside the events (Hinton et al. 2015).

For each target the teacher's best products and their probabilities are what the student's scores shall follow, as in
ranking distillation (Tang and Wang 2018), and the next-product loss stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.model.recommender import Model
from engine.model.scoring import item_matrix
from engine.model.tokens import Tokens
from engine.training.step import Step
from engine.training.windows import Batch

TOP, TEMPERATURE, SHARE = 100, 2.0, 0.5


class TaughtStep:
    """A student's step with the teacher's word in it; everything else is the student's own step's."""

    def __init__(self, step: Step, teacher: Model, tokens: Tokens) -> None:
        self._step, self._teacher = step, teacher.eval()
        self._matrix = item_matrix(teacher, tokens).clone()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def loss(self, batch: Batch, random: np.random.Generator) -> Tensor:
        """(1 - share) of the next-product loss and share of the cross-entropy to the teacher's best products."""
        step = self._step
        own = step.loss(batch, random)
        items, context, about, counted = step.inputs(batch)
        seen = torch.nonzero(step.model.seen)[:, 0]
        place = torch.zeros(len(step.model.seen), dtype=torch.int64, device=seen.device)
        place[seen] = torch.arange(len(seen), device=seen.device)
        with torch.no_grad():
            states = self._teacher.sequence(self._matrix[items[:, :-1]], context, about)[counted]
            scores = states @ self._matrix[seen].T + self._teacher.bias(seen)
            best = scores.topk(min(TOP, len(seen)), dim=1)
            wanted = torch.softmax(best.values / TEMPERATURE, dim=1)
        vectors = step.model.item_vectors(seen, step.tokens)
        student = step.model.sequence(vectors[place[items[:, :-1]]], context, about)[counted]
        answered = (student @ vectors.T + step.model.bias(seen)).gather(1, best.indices) / TEMPERATURE
        soft = -(wanted * torch.log_softmax(answered, dim=1)).sum(dim=1).mean() * TEMPERATURE**2
        return (1 - SHARE) * own + SHARE * soft
