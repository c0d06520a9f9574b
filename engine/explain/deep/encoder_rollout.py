"""Attention followed through the encoders' layers and the tower, down to words and cells.

`rollout` (Abnar and Zuidema 2020) multiplies the layers' mean attention, each with half of what passes it by.
`relevance` (Chefer et al. 2021, equations 5 to 10) weighs attention with its gradient and adds layer by layer. Either
ends in the tower's own attention over the last states. An encoder without attention passes the tower's on as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.explain import attention
from engine.explain.case import Case
from engine.explain.deep.attention_maps import Reading, has_attention, readings, without_prefix
from engine.explain.deep.inputs import DeepCase
from engine.explain.method import Map, Method
from engine.explain.relevance import relevance, weighted
from engine.explain.rollout import rollout


def attribute_rollout(case: Case) -> Map:
    deep = DeepCase(case)
    with torch.no_grad():
        tower = {name: one[0].mean(dim=0) for name, one in deep.tower_attention(deep.features).items()}
        read = {kind: readings(deep, kind) for kind in deep.kinds if has_attention(deep.encoders[kind])}
        shares = {kind: _through(tower[kind], read.get(kind, []), _rolled) for kind in deep.kinds}
    return Map(deep.rows(shares, attention.by_head(case).mean(axis=1)), notes=_notes(deep))


def attribute_relevance(case: Case) -> Map:
    deep = DeepCase(case)
    read = {kind: readings(deep, kind) for kind in deep.kinds if has_attention(deep.encoders[kind])}
    features = dict(deep.features)
    for kind, found in read.items():
        states = [one.states for one in found]
        features[kind] = deep.text_features(states) if kind == "text" else deep.cells_read(states[0])
    tower = {name: one.requires_grad_() for name, one in deep.tower_attention(features).items()}
    score = case.scores_from(deep.whole(features), tower)[0]
    layers = [one for found in read.values() for reading in found for one in reading.layers]
    gradients = torch.autograd.grad(score, [*tower.values(), *layers])
    weighed = {
        name: torch.from_numpy(weighted(_array(one), _array(gradient)))
        for (name, one), gradient in zip(tower.items(), gradients, strict=False)
    }
    inside = iter(gradients[len(tower) :])

    def flow(one: Reading) -> Tensor:
        return _counted(list(one.layers), [next(inside) for _ in one.layers]).to(one.pool)

    shares = {kind: _through(weighed[kind], read.get(kind, []), flow) for kind in deep.kinds}
    others = {name: one.numpy() for name, one in weighed.items() if name not in shares}
    return Map(deep.rows({**others, **shares}, np.zeros(len(case.shown.tokens))), notes=_notes(deep))


def _rolled(one: Reading) -> Tensor:
    layers = [_array(without_prefix(layer)) for layer in one.layers]
    return torch.from_numpy(rollout(layers)).to(one.pool)


def _counted(layers: list[Tensor], gradients: list[Tensor]) -> Tensor:
    """What each position's last state draws from each first one, half of it from its own where it draws at all."""
    own = [_array(without_prefix(layer)) for layer in layers]
    found = torch.from_numpy(relevance(own, [_array(without_prefix(one)) for one in gradients]))
    drawn = found / found.sum(dim=1, keepdim=True).clamp_min(1e-30)
    return drawn + torch.eye(len(found), dtype=torch.float64)


def _array(layer: Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = layer[0].detach().double().cpu().numpy()
    return found


def _through(last: Tensor, read: list[Reading], flow: Callable[[Reading], Tensor]) -> NDArray[np.float64]:
    """Shares of raw tokens from those of last states, float64[tokens], which came about as `flow` tells."""
    if not read:
        return last.detach().cpu().numpy()
    parts = last.split([len(one.pool) for one in read])
    shares = [part.to(one.pool) @ one.carried(flow(one)) for part, one in zip(parts, read, strict=True)]
    return torch.cat(shares).detach().cpu().numpy()


def _notes(deep: DeepCase) -> tuple[str, ...]:
    blind = [encoder for encoder in deep.encoders.values() if not has_attention(encoder)]
    return (
        *deep.notes,
        *(f"{one.about.name} has no attention of its own, so the tower's stands for it." for one in blind),
    )


ROLLOUT = Method(
    attribute_rollout,
    "The model's attention followed back through the encoders' own layers to words and photo cells.",
    signed=False,
    deep=True,
)
RELEVANCE = Method(
    attribute_relevance,
    "The same, where attention counts as far as the score grows with it.",
    signed=False,
    deep=True,
)
