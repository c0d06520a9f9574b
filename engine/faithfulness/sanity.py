"""Whether maps say something of the model at all: random weights, uniform attention, agreement, small changes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.explain.case import Case
from engine.model.recommender import Model
from engine.recommend import Recommender

# From the score down to the features, as in Adebayo et al. 2018: each stage is randomised with all before it.
STAGES: dict[str, tuple[str, ...]] = {
    "linear term and bias": ("linear.weight", "linear.near", "tower.bias", "cold"),
    "sequence": ("sequence.", "adopted."),
    "identity": ("tower.identity.",),
    "values": (
        "tower.joint.",
        *(f"tower.pooling.{name}.value" for name in ("text", "image", "audio", "attribute", "link")),
    ),
    "attention": ("tower.pooling.",),
    "embeddings": ("tower.attribute.", "tower.link."),
}
SURE = 3.0  # standard errors that a model must be better than chance
_NOISE, _COPIES = 0.05, 5  # of max-sensitivity: part of the features' spread; copies
_MASKS = 64  # of infidelity


def randomised(recommender: Recommender, stages: Sequence[str] = tuple(STAGES), seed: int = 1) -> Recommender:
    """The run with the weights of some stages drawn anew: normal, of each tensor's own mean and spread; a table of
    neighbours is filled with any products."""
    model: Model = copy.deepcopy(recommender.model)
    generator = torch.Generator().manual_seed(seed)
    names = tuple(name for stage in stages for name in STAGES[stage])
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.startswith(names) and tensor.numel() > 1:
                tensor.copy_(_drawn(tensor, generator, model.shape.tower.items))
    return recommender.with_weights(model)


def _drawn(tensor: Tensor, generator: torch.Generator, items: int) -> Tensor:
    if not tensor.is_floating_point():
        return torch.randint(0, items, tensor.shape, generator=generator, dtype=tensor.dtype)
    values = tensor.float()
    return torch.randn(tensor.shape, generator=generator).to(values.device) * values.std() + values.mean()


def knows_nothing(recommender: Recommender) -> bool:
    """Whether the model ranks what shoppers chose no better than chance would: then no map of it is worth a grade.

    Under chance each product's percentile is uniform, of variance 1/12.
    """
    if recommender.percentile is None:
        return False
    percentile, products = recommender.percentile
    return percentile > 0.5 - SURE * math.sqrt(1 / 12 / products)


def cascade(
    recommender: Recommender,
    pairs: Sequence[tuple[str, str]],
    attribute: Callable[[Case], NDArray[np.float64]],
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Spearman's correlation of each pair's map with that under random weights, stage upon stage: float64[pairs] of
    each stage. A map that stays alike says little of what the model learned."""
    maps = [_content(case, attribute) for case in (Case(recommender, *pair) for pair in pairs)]
    found = {}
    names = list(STAGES)
    for count, stage in enumerate(names, start=1):
        other = randomised(recommender, names[:count], seed)
        anew = [_content(Case(other, *pair), attribute) for pair in pairs]
        found[stage] = np.array([correlation(one, two) for one, two in zip(maps, anew, strict=True)])
    return found


def _content(case: Case, attribute: Callable[[Case], NDArray[np.float64]]) -> NDArray[np.float64]:
    return attribute(case)[: case.removable]


def correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; 0 where one of the two is constant."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return 0.0
    return float(scipy.stats.spearmanr(one, two).statistic)


def agreement(maps: dict[str, NDArray[np.float64]]) -> dict[tuple[str, str], float]:
    """Kendall's tau between the maps of each two methods, over the same rows."""
    names = list(maps)
    found = {}
    for place, one in enumerate(names):
        for two in names[place + 1 :]:
            flat = np.ptp(maps[one]) == 0 or np.ptp(maps[two]) == 0 if len(maps[one]) > 1 else True
            found[one, two] = 0.0 if flat else float(scipy.stats.kendalltau(maps[one], maps[two]).statistic)
    return found


def uniform_swap(case: Case) -> tuple[float, int]:
    """The product's score and rank if every head heeded all its tokens alike: does attention matter here at all?
    (Jain and Wallace 2019.)"""
    features = {name: x[None] for name, x in case.features.items()}
    if not features:
        return case.score, case.rank_of(case.score)
    heads = case.network.shape.heads
    count = sum(x.shape[1] for x in features.values())
    joint = case.network.shape.fusion == "attention"
    attention = {}
    for name, x in features.items():
        alpha = x.new_full((1, heads, x.shape[1]), 1 / (count if joint else x.shape[1]))
        pruned = [head for head in range(heads) if head not in case.network.heads_of(name)]
        alpha[:, pruned] = 0.0
        attention[name] = alpha
    with torch.inference_mode():
        score = float(case.scores_from(features, attention)[0])
    return score, case.rank_of(score)


def max_sensitivity(
    case: Case, attribute: Callable[[Case], NDArray[np.float64]], noise: float = _NOISE, copies: int = _COPIES
) -> float:
    """The largest relative change of the map when the features shake by `noise` of their spread (Yeh et al. 2019)."""
    own = _content(case, attribute)
    size = float(np.linalg.norm(own))
    if not size:
        return 0.0
    generator = torch.Generator().manual_seed(case.item)
    worst = 0.0
    for _ in range(copies):
        shaken = _content(case.shaken(noise, generator), attribute)
        worst = max(worst, float(np.linalg.norm(shaken - own)) / size)
    return worst


def infidelity(case: Case, share: NDArray[np.float64], masks: int = _MASKS) -> float:
    """How badly the shares add up to what the model does when random rows go (Yeh et al. 2019), the map scaled as fits
    best: 0 is perfect, 1 is no better than a map of zeros."""
    rows = case.removable
    if not rows:
        return 0.0
    random = np.random.default_rng([case.user, case.item, 2])
    removed = np.zeros((masks, len(case.shown.tokens)), bool)
    removed[:, :rows] = random.random((masks, rows)) < random.uniform(0.1, 0.9, (masks, 1))
    fall = case.score - case.scores_without(removed)
    said = removed[:, :rows] @ share[:rows]
    power = float(said @ said)
    left = fall - (float(said @ fall) / power if power else 0.0) * said
    total = float(fall @ fall)
    return float(left @ left) / total if total else 0.0
