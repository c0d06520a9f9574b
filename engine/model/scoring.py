"""A model in use: all item vectors, shopper vectors from histories, scores, ranks of targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dataset.history import History, history_before
from engine.dataset.split import Interactions
from engine.metrics.order import best
from engine.metrics.ranking import rank_of_target
from engine.model.recommender import Model
from engine.model.tokens import TokenSource

_ITEMS, _ROWS = 4096, 256  # encoded at once
RERANKED = 200  # products that `cross` fusion looks at once more


def item_matrix(model: Model, tokens: TokenSource) -> Tensor:
    """e(i) of the whole catalogue: float32[items, dim], on the model's device."""
    items = torch.arange(model.shape.tower.items, device=model.seen.device)
    with torch.inference_mode():
        return torch.cat([model.item_vectors(part, tokens) for part in items.split(_ITEMS)])


def shopper_vectors(model: Model, matrix: Tensor, histories: list[History]) -> Tensor:
    """u of each history (the model reads the last `history` events of each): float32[n, dim]."""
    device = matrix.device
    cut = [history.last(model.shape.history) for history in histories]
    lengths = torch.tensor([len(one) for one in cut], device=device)
    items = torch.from_numpy(_padded([one.items for one in cut], 0)).to(device)
    context = about = None
    if model.shape.context:
        columns = list(model.shape.context)
        context = torch.from_numpy(_padded([one.context[:, columns] for one in cut], -1)).to(device)
    if model.shape.profiles:
        about = torch.from_numpy(_padded([one.about for one in cut], -1)).to(device)
    with torch.inference_mode():
        if model.shape.adopted is not None:
            return model.adopted(matrix[items], lengths)
        return model.sequence.newest(matrix[items], lengths, context, about)


def _padded(arrays: list[NDArray[np.int32]], filler: int) -> NDArray[np.int64]:
    longest = max(1, max(len(one) for one in arrays))
    padded = np.full((len(arrays), longest, *arrays[0].shape[1:]), filler, np.int64)
    for row, one in enumerate(arrays):
        padded[row, : len(one)] = one
    return padded


def item_bias(model: Model) -> Tensor:
    """bias(i) of the whole catalogue: float32[items]. It takes as long as a shopper's scores, so callers hold it."""
    with torch.inference_mode():
        return model.bias(torch.arange(model.shape.tower.items, device=model.seen.device))


def all_scores(
    model: Model, matrix: Tensor, shoppers: Tensor, histories: list[History], bias: Tensor | None = None
) -> Tensor:
    """float32[n, items]: u . e(i) + bias(i) + linear(history, i). bias: of the whole catalogue, where it is held."""
    with torch.inference_mode():
        scores = torch.addmm(item_bias(model) if bias is None else bias, shoppers, matrix.T)
        if model.shape.linear:
            scores += model.linear.scores([history.items for history in histories])
        return scores


def target_ranks(
    model: Model, tokens: TokenSource, data: Interactions, targets: NDArray[np.int64], matrix: Tensor | None = None
) -> Iterator[NDArray[np.int64]]:
    """Yield, batch by batch, the rank of each target among the catalogue without what its shopper already had.

    matrix: `item_matrix` where it is held.
    """
    for chunk, _, scores in running_scores(model, tokens, data, targets, matrix):
        yield rank_of_target(scores, data.item[chunk].astype(np.int64))


def running_scores(
    model: Model, tokens: TokenSource, data: Interactions, targets: NDArray[np.int64], matrix: Tensor | None = None
) -> Iterator[tuple[NDArray[np.int64], list[History], NDArray[np.float32]]]:
    """`target_scores` as lists are made of them: -inf for what a shopper already had; under `cross` fusion the best
    products, which the shopper itself has asked for, ahead of all others."""
    matrix = item_matrix(model, tokens) if matrix is None else matrix
    for chunk, histories, scores in target_scores(model, tokens, data, targets, matrix):
        for row, history in enumerate(histories):
            scores[row, history.items] = -np.inf
        if model.shape.tower.fusion == "cross":
            for row, shopper in enumerate(shopper_vectors(model, matrix, histories)):
                place_ahead(scores[row], *reranked(model, tokens, shopper, histories[row], scores[row]))
        yield chunk, histories, scores


def reranked(
    model: Model, tokens: TokenSource, shopper: Tensor, history: History, scores: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `RERANKED` best products of a shopper under `cross` fusion, and their scores when the shopper itself asks.

    shopper: float[dim]; scores: float32[items], -inf where a product is out of the running.
    """
    first = best(scores, RERANKED)
    count = len(first)
    return first, scores_asked(model, tokens, shopper.expand(count, -1), [history] * count, first)


def scores_asked(
    model: Model, tokens: TokenSource, shoppers: Tensor, histories: list[History], items: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Scores of pairs, float32[n], each product's attention asked for by its shopper: float[n, dim]."""
    index = torch.from_numpy(items).to(shoppers.device)
    with torch.inference_mode():
        vectors = model.item_vectors(index, tokens, shoppers=shoppers)
        scores = (vectors * shoppers).sum(dim=1) + model.bias(index)
        for row, history in enumerate(histories if model.shape.linear else []):
            scores[row] += float(model.linear.shares(history.items, int(items[row])).sum())
    return scores.cpu().numpy()


def place_ahead(scores: NDArray[np.float32], first: NDArray[np.int64], anew: NDArray[np.float32]) -> None:
    """Give the `first` products their new scores, and lower all others, in place, so that they stay behind them."""
    rest = np.ones(len(scores), bool)
    rest[first] = False
    if len(first) and rest.any():
        scores[rest] -= max(0.0, float(scores[rest].max()) - float(anew.min()) + 1e-3)
    scores[first] = anew


def target_scores(
    model: Model, tokens: TokenSource, data: Interactions, targets: NDArray[np.int64], matrix: Tensor | None = None
) -> Iterator[tuple[NDArray[np.int64], list[History], NDArray[np.float32]]]:
    """Yield, batch by batch, targets, their live histories, and the scores of the catalogue: float32[n, items]."""
    matrix, bias = item_matrix(model, tokens) if matrix is None else matrix, item_bias(model)
    for first in range(0, len(targets), _ROWS):
        chunk = targets[first : first + _ROWS]
        histories = [history_before(data, int(target)) for target in chunk]
        scores = all_scores(model, matrix, shopper_vectors(model, matrix, histories), histories, bias)
        yield chunk, histories, scores.cpu().numpy()


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
