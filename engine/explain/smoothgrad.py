"""SmoothGrad (Smilkov et al. 2017) of gradient x input: its mean over copies of the features with a little noise."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.explain.case import Case
from engine.explain.gradient_x_input import in_rows, slopes_of_past, summed, token_slopes
from engine.explain.method import Map, Method
from engine.explain.sequence_flow import SequenceFlow

COPIES, NOISE = 16, 0.1


def noisy(x: Tensor, random: np.random.Generator) -> Tensor:
    """Copies of x, float64[n, features], with normal noise of a tenth of x's standard deviation: float64[copies, n,
    features]."""
    drawn = torch.from_numpy(random.standard_normal((COPIES, *x.shape))).to(x)
    deviation = x.std(correction=0) if x.numel() else 0.0
    return x + NOISE * deviation * drawn


def attribute(case: Case) -> Map:
    """The same pair has the same noise at every call: of each modality in its order, then of the past purchases."""
    random = np.random.default_rng([case.user, case.item])
    features = {name: noisy(x, random) for name, x in case.features.items()}
    _, slopes = token_slopes(case, features)
    tokens = [(slopes[name] * x).mean(dim=0) for name, x in features.items()]
    flow = SequenceFlow.of(case)
    if flow is None:
        return Map(in_rows(case, tokens))
    vectors = noisy(flow.vectors, random)
    _, slope = slopes_of_past(flow, vectors)
    return Map(in_rows(case, tokens), summed((slope * vectors).mean(dim=0)))


METHOD = Method(
    attribute, f"Gradient times input in the mean over {COPIES} copies of the features with a little noise."
)
