"""A model in use: all item vectors, shopper vectors from histories, ranks of targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dataset.split import Interactions
from engine.metrics.ranking import rank_of_target
from engine.model.recommender import Model, Tokens

_ITEMS, _ROWS = 4096, 256  # encoded at once


def item_matrix(model: Model, tokens: Tokens) -> Tensor:
    """e(i) of the whole catalogue: float32[items, dim], on the model's device."""
    items = torch.arange(model.shape.tower.items, device=model.seen.device)
    with torch.inference_mode():
        return torch.cat([model.item_vectors(part, tokens) for part in items.split(_ITEMS)])


def shopper_vectors(model: Model, matrix: Tensor, histories: list[NDArray[np.int32]]) -> Tensor:
    """u of each history (item indices, oldest first; the model reads the last `history` of them): float32[n, dim]."""
    most = model.shape.history
    cut = [history[-most:] for history in histories]
    lengths = torch.tensor([len(one) for one in cut], device=matrix.device)
    padded = np.zeros((len(cut), int(lengths.max())), np.int64)
    for row, one in enumerate(cut):
        padded[row, : len(one)] = one
    with torch.inference_mode():
        states = model.sequence(matrix[torch.from_numpy(padded).to(matrix.device)])
    return states[torch.arange(len(cut), device=matrix.device), lengths]


def all_scores(model: Model, matrix: Tensor, shoppers: Tensor) -> Tensor:
    """float32[n, items]: u . e(i) + bias(i)."""
    items = torch.arange(len(matrix), device=matrix.device)
    with torch.inference_mode():
        return shoppers @ matrix.T + model.bias(items)


def target_ranks(
    model: Model, tokens: Tokens, data: Interactions, targets: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Yield, batch by batch, the rank of each target among the catalogue without what its shopper already had."""
    matrix = item_matrix(model, tokens)
    for first in range(0, len(targets), _ROWS):
        chunk = targets[first : first + _ROWS]
        histories = [live_history(data, int(target)) for target in chunk]
        scores = all_scores(model, matrix, shopper_vectors(model, matrix, histories)).cpu().numpy()
        for row, history in enumerate(histories):
            scores[row, history] = -np.inf
        yield rank_of_target(scores, data.item[chunk].astype(np.int64))


def live_history(data: Interactions, event: int) -> NDArray[np.int32]:
    """Items of the same shopper before `event`, oldest first."""
    return data.item[data.start[data.user[event]] : event]


def baseline_ranks(scores: NDArray[np.float32], data: Interactions, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks of targets under one ranking for everyone, what the shopper already had removed."""
    ranks = []
    for target in targets:
        row = scores.copy()
        row[live_history(data, int(target))] = -np.inf
        ranks.append(rank_of_target(row[None, :], data.item[[target]].astype(np.int64)))
    return np.concatenate(ranks) if ranks else np.zeros(0, np.int64)
