"""Predicted ratings: matrix factorisation with biases, fitted by SGD; a live history's shopper is folded in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.dataset.split import Interactions
from engine.errors import HeedmapError

_BATCH = 1024
# The ridge that validation likes best on films (0.1 to 0.2 of 0.02 to 0.2).
_FACTORS, _RIDGE, _EPOCHS, _RATE = 16, 0.1, 25, 0.01


@dataclass(frozen=True)
class RatingFactors:
    """r = mean + b_u + b_i + q . v (Koren, Bell and Volinsky 2009, equation 5).

    bias: float64[items]; factors: float64[items, n]. ridge: per rating, on b_u and v of a shopper who is folded in.
    """

    mean: float
    bias: NDArray[np.float64]
    factors: NDArray[np.float64]
    ridge: float

    def predict(
        self, items: NDArray[np.int32], histories: list[tuple[NDArray[np.int32], NDArray[np.float32]]]
    ) -> NDArray[np.float64]:
        """float64[n]: the rating of each item by the shopper of its history: (items, ratings), NaN for no rating.

        (b_u, v) is the ridge regression of the history's ratings on (1, q), the item factors being fixed. Without a
        rated history the shopper is like the mean one.
        """
        found = self.mean + self.bias[items]
        for row, (item, (past, rating)) in enumerate(zip(items, histories, strict=True)):
            there = ~np.isnan(rating)
            if there.any():
                x = np.column_stack([np.ones(there.sum()), self.factors[past[there]]])
                left = rating[there] - self.mean - self.bias[past[there]]
                ridge = self.ridge * len(x) * np.eye(x.shape[1])
                ridge[0, 0] = 1.0  # one rating says little of a shopper's level
                own = np.linalg.solve(x.T @ x + ridge, x.T @ left)
                found[row] += own[0] + self.factors[item] @ own[1:]
        return found


def fit_rating_mf(data: Interactions, mask: NDArray[np.bool_], seed: int = 1) -> RatingFactors:
    """Fit to the ratings under `mask`, bool[n], by mini-batch SGD (Adam). HeedmapError when none has a rating."""
    rated = mask & ~np.isnan(data.value)
    if not rated.any():
        raise HeedmapError("No event has a rating.", "Import ratings as the events' values.")
    draw = torch.Generator().manual_seed(seed)
    user, item = (torch.from_numpy(one[rated].astype(np.int64)) for one in (data.user, data.item))
    rating = torch.from_numpy(data.value[rated])
    mean = float(rating.mean())

    def start(*size: int) -> torch.Tensor:
        return (torch.randn(*size, generator=draw) * 0.05).requires_grad_()

    p, q = start(len(data.users), _FACTORS), start(len(data.items), _FACTORS)
    of_user, of_item = torch.zeros(len(data.users)), torch.zeros(len(data.items))
    parameters = [p, q, of_user.requires_grad_(), of_item.requires_grad_()]
    optimiser = torch.optim.Adam(parameters, lr=_RATE)
    for _ in range(_EPOCHS):
        for chunk in torch.randperm(len(item), generator=draw).split(_BATCH):
            u, i = user[chunk], item[chunk]
            error = rating[chunk] - mean - of_user[u] - of_item[i] - (p[u] * q[i]).sum(1)
            size = p[u].square().sum(1) + q[i].square().sum(1) + of_user[u].square() + of_item[i].square()
            loss = (error.square() + _RIDGE * size).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
    bias, factors = (one.detach().double().numpy() for one in (of_item, q))
    return RatingFactors(mean, bias, factors, _RIDGE)
