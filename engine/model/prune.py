"""Attention heads that matter little are taken out of the tower, with their weights (Michel et al. 2019).

A head's importance is the mean size of what it adds to scores: |u_h . e_h(i, m)| over shoppers u and products i.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from engine.errors import HeedmapError
from engine.model.recommender import Model
from engine.model.tokens import TokenSource

_PER_HEAD = ("key", "query", "value", "level", "ask")
_AT_ONCE = 2048  # products


def head_importance(model: Model, tokens: TokenSource, shoppers: Tensor) -> dict[tuple[str, int], float]:
    """(modality, head) -> mean |contribution|. shoppers: float[n, dim], of a sample."""
    tower = model.tower
    width = tower.shape.dim // tower.shape.heads
    total: dict[tuple[str, int], float] = {}
    items = torch.arange(tower.shape.items, device=shoppers.device)
    with torch.no_grad():
        for chunk in items.split(_AT_ONCE):
            for bucket in tokens.buckets(chunk):
                batch = tokens.batch(chunk[bucket])
                pooled = tower.pooled(batch)
                gates = tower.gates(pooled, batch)
                for modality, one in pooled.items():
                    for head in tower.heads_of(modality):
                        alone = torch.zeros_like(one)
                        alone[:, head * width : (head + 1) * width] = one[:, head * width : (head + 1) * width]
                        added = (gates[modality] * tower.mix(modality, alone)) @ shoppers.T
                        key = (modality, head)
                        total[key] = total.get(key, 0.0) + float(added.abs().mean(dim=1).sum())
    return {key: value / tower.shape.items for key, value in total.items()}


def without_heads(model: Model, heads: list[tuple[str, int]]) -> Model:
    """A smaller model, the (modality, head) taken out and its tensors shrunk. HeedmapError where that cannot be."""
    tower = model.shape.tower
    if tower.fusion == "attention":
        raise HeedmapError("Under attention fusion all modalities share their heads.", "Prune a run of another fusion.")
    pruned = {name: list(one) for name, one in tower.pruned.items()}
    for modality, head in heads:
        pruned.setdefault(modality, []).append(head)
    sorted_heads = {name: tuple(sorted(one)) for name, one in pruned.items()}
    shape = replace(model.shape, tower=replace(tower, pruned=sorted_heads))
    smaller = Model(shape)
    state = model.state_dict()
    for modality in tower.features:
        before = model.tower.heads_of(modality)
        rows = [place for place, head in enumerate(before) if head in smaller.tower.heads_of(modality)]
        for name in _PER_HEAD:
            key = f"tower.pooling.{modality}.{name}"
            if key in state:
                state[key] = state[key][rows]
    smaller.load_state_dict(state)
    return smaller.to(model.seen.device).eval()


def least_important(importance: dict[tuple[str, int], float], count: int) -> list[tuple[str, int]]:
    """The `count` heads to take out; every modality keeps one. HeedmapError when so many are not there."""
    left: dict[str, int] = {}
    for modality, _ in importance:
        left[modality] = left.get(modality, 0) + 1
    most = sum(left.values()) - len(left)
    if count > most:
        raise HeedmapError(f"{count} heads cannot be taken out.", f"At most {most} can: each modality keeps one.")
    chosen: list[tuple[str, int]] = []
    for modality, head in sorted(importance, key=lambda one: (importance[one], one)):
        if len(chosen) < count and left[modality] > 1:
            chosen.append((modality, head))
            left[modality] -= 1
    return chosen
