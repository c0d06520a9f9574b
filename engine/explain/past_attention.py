"""Which past purchases each head of each layer of the shopper's sequence reads, where the shopper stands now."""

from __future__ import annotations

import numpy as np
import torch

from engine.answers import PastAttention
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.sequence_flow import SequenceFlow


def attention_of_past(case: Case) -> PastAttention:
    """The attention of the newest place. HeedmapError where the sequence was trained elsewhere."""
    flow = SequenceFlow.of(case)
    if flow is None:
        raise HeedmapError(
            f"The sequence of {case.recommender.folder.name} was trained elsewhere.",
            "Its attention cannot be read; leave-one-out explains its past.",
        )
    with torch.no_grad():
        _, layers = flow.shoppers_and_attention(flow.vectors[None])
    newest = np.stack([layer[0, :, -1].cpu().numpy() for layer in layers])
    read = case.history.items[len(case.history) - len(flow.vectors) :]
    items = tuple(case.recommender.data.items[item] for item in read.tolist())
    return PastAttention(items, newest[:, :, 1:], newest[:, :, 0])
