"""Matrix factorisation: biased MF, BPR, VBPR (here, in torch), and iALS and BPR of the `implicit` library.

A live history is folded in: item factors stay as trained, and the shopper's vector is the best one for that history
alone. So a shopper who is new, or has bought since training, has a vector as good as anyone's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.errors import HeedmapError
from engine.features.content import mean_tokens
from engine.model.baselines.contract import Histories, Known, history_matrix

_BATCH = 2048
_PAIRS = 256  # drawn of a live history when it is folded in
_NEWTON = 6


@dataclass(frozen=True)
class FactorRanker:
    """score = u . q(i) + b(i), with u folded in: argmin over u of the mean logistic loss + ridge / 2 |u|^2.

    factors: float32[items, n]; bias: float32[items]. `pairwise`: the loss of BPR, log sigmoid of the score's lead over
    a drawn product's; else the loss of each product by itself, drawn ones being the negatives. Both are convex in u.
    """

    name: str
    setting: Mapping[str, Any]
    factors: NDArray[np.float32]
    bias: NDArray[np.float32]
    ridge: float
    pairwise: bool
    seed: int
    decay: float = 1.0

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        u = fold_in(self.factors, self.bias, histories, self.ridge, self.pairwise, self.seed, self.decay)
        return u @ self.factors.T + self.bias


def fold_in(
    factors: NDArray[np.float32],
    bias: NDArray[np.float32],
    histories: Histories,
    ridge: float,
    pairwise: bool,
    seed: int,
    decay: float = 1.0,
) -> NDArray[np.float32]:
    """u of each history, float32[n, factors], by Newton's method on pairs of a product of the history and a drawn one.

    The draw depends on the history alone, not on the batch it comes in.
    """
    u = torch.zeros(len(histories), factors.shape[1])
    busy = [row for row, one in enumerate(histories) if len(one)]
    if not busy:
        return u.numpy()
    liked = np.stack([_spread(histories[row], _PAIRS, decay) for row in busy])
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(factors), _PAIRS)
    q, b = torch.from_numpy(factors), torch.from_numpy(bias)
    if pairwise:
        x, offset = q[liked] - q[drawn], b[liked] - b[drawn]
        sign = torch.ones_like(offset)
    else:
        x = torch.cat([q[liked], q[drawn].expand(len(busy), -1, -1)], dim=1)
        offset = torch.cat([b[liked], b[drawn].expand(len(busy), -1)], dim=1)
        sign = torch.cat([torch.ones(len(busy), _PAIRS), -torch.ones(len(busy), _PAIRS)], dim=1)
    found = torch.zeros(len(busy), factors.shape[1])
    eye = ridge * torch.eye(factors.shape[1])
    for _ in range(_NEWTON):
        margin = sign * (torch.bmm(x, found[:, :, None])[:, :, 0] + offset)
        wrong = torch.sigmoid(-margin)
        slope = ridge * found - torch.bmm((sign * wrong)[:, None, :], x)[:, 0] / x.shape[1]
        bend = torch.bmm(x.transpose(1, 2), x * (wrong * (1 - wrong))[:, :, None]) / x.shape[1] + eye
        found = found - torch.linalg.solve(bend, slope)
    u[busy] = found
    return u.numpy()


def _spread(history: NDArray[np.int32], count: int, decay: float) -> NDArray[np.int64]:
    """int64[count]: products of a history, each as often as it weighs; under decay 1 equally often."""
    weight = np.cumsum(decay ** np.arange(len(history) - 1, -1, -1, dtype=np.float64))
    places = np.searchsorted(weight, (np.arange(count) + 0.5) / count * weight[-1])
    return history[places].astype(np.int64)


def fit_mf(known: Known, factors: int = 32, ridge: float = 0.02, epochs: int = 20) -> FactorRanker:
    """Matrix factorisation with biases by SGD (Koren, Bell and Volinsky 2009), r = mu + b_u + b_i + q . v, for events:

    r is the logit that an event happens, trained by logistic loss against one uniformly drawn product per event. mu
    and b_u move no ranking and are dropped from the scores. For ratings see `fit_rating_mf`.
    """
    q, b = _train(known, factors, ridge, epochs, pairwise=False, rate=0.02)
    setting = {"factors": factors, "ridge": ridge, "epochs": epochs}
    return FactorRanker("biased MF", setting, q, b, ridge, pairwise=False, seed=known.seed)


def fit_vbpr(known: Known, factors: int = 32, ridge: float = 0.02, epochs: int = 20) -> FactorRanker:
    """VBPR (He and McAuley 2016): x(u, i) = b_i + p_u . q_i + t_u . E f_i + beta . f_i, half of the factors visual.

    f_i is the mean reduced feature of the product's photos. [q_i, E f_i] are the factors that are folded in.
    """
    if known.catalogue is None or not len(known.catalogue.image):
        raise HeedmapError("VBPR needs photos, and the products have none.")
    photo = mean_tokens(known.catalogue.image, known.catalogue.image_start)
    photo /= max(float(np.linalg.norm(photo, axis=1).mean()), 1e-9)
    q, b = _train(known, factors, ridge, epochs, pairwise=True, rate=0.02, photo=torch.from_numpy(photo))
    setting = {"factors": factors, "ridge": ridge, "epochs": epochs}
    return FactorRanker("VBPR", setting, q, b, ridge, pairwise=True, seed=known.seed)


def _train(
    known: Known, factors: int, ridge: float, epochs: int, pairwise: bool, rate: float, photo: Tensor | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Item factors and biases by Adam on drawn pairs. The ridge is on the factors of each pair, as in BPR's SGD."""
    draw = torch.Generator().manual_seed(known.seed)
    user = torch.from_numpy(known.data.user[known.mask].astype(np.int64))
    item = torch.from_numpy(known.data.item[known.mask].astype(np.int64))
    own = factors if photo is None else factors // 2

    def random(*size: int, std: float = 0.1) -> Tensor:
        return (torch.randn(*size, generator=draw) * std).requires_grad_()

    p, q = random(len(known.data.users), factors), random(known.items, own)
    b = torch.zeros(known.items, requires_grad=True)
    level = torch.zeros(len(known.data.users), requires_grad=True)  # mu + b_u
    parameters = [p, q, b, level]
    if photo is not None:
        embed, beta = random(photo.shape[1], factors - own), torch.zeros(photo.shape[1], requires_grad=True)
        parameters += [embed, beta]

    def of(items: Tensor) -> tuple[Tensor, Tensor]:
        if photo is None:
            return q[items], b[items]
        seen = photo[items]
        return torch.cat([q[items], seen @ embed], dim=1), b[items] + seen @ beta

    optimiser = torch.optim.Adam(parameters, lr=rate)
    steps = epochs * -(-len(item) // _BATCH)
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0 - step / max(1, steps))
    for _ in range(epochs):
        for chunk in torch.randperm(len(item), generator=draw).split(_BATCH):
            shopper = user[chunk]
            drawn = torch.randint(known.items, (len(chunk),), generator=draw)
            (liked, liked_bias), (other, other_bias) = of(item[chunk]), of(drawn)
            u = p[shopper]
            good, bad = (u * liked).sum(1) + liked_bias, (u * other).sum(1) + other_bias
            if pairwise:
                loss = functional.softplus(bad - good).mean()
            else:
                good, bad = good + level[shopper], bad + level[shopper]
                loss = 0.5 * (functional.softplus(-good) + functional.softplus(bad)).mean()
            size = (u.square().sum(1) + liked.square().sum(1) + other.square().sum(1)).mean()
            loss = loss + 0.5 * ridge * (size + liked_bias.square().mean() + other_bias.square().mean())
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            falling.step()
    with torch.no_grad():
        vectors, bias = of(torch.arange(known.items))
    return vectors.detach().numpy(), bias.detach().numpy()


@dataclass(frozen=True)
class AlsRanker:
    """iALS with the shopper's vector solved for the live history: the same least squares that training solves."""

    name: str
    setting: Mapping[str, Any]
    model: Any
    decay: float = 1.0

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        # An old event fades to confidence 0: neither liked nor, as left out, a product that the shopper passed by.
        history = history_matrix(histories, len(self.model.item_factors), self.decay, least=0.0)
        u = self.model.recalculate_user(np.arange(len(histories)), history)
        return np.asarray(u @ self.model.item_factors.T, np.float32)


def fit_ials(
    known: Known, factors: int = 64, ridge: float = 0.01, alpha: float = 10.0, iterations: int = 15
) -> AlsRanker:
    """iALS (Hu, Koren and Volinsky 2008) by `implicit`; an event has confidence `alpha`, anything else 1."""
    als = _implicit("als").AlternatingLeastSquares
    with _one_thread():
        model = als(
            factors=factors,
            regularization=ridge,
            alpha=alpha,
            iterations=iterations,
            num_threads=1,
            random_state=known.seed,
        )
        model.fit(known.matrix(), show_progress=False)
    return AlsRanker("iALS", {"factors": factors, "ridge": ridge, "alpha": alpha}, model)


def fit_bpr(
    known: Known, factors: int = 32, ridge: float = 0.01, rate: float = 0.05, iterations: int = 100
) -> FactorRanker:
    """BPR (Rendle and others 2009) by `implicit`."""
    bpr = _implicit("bpr").BayesianPersonalizedRanking
    with _one_thread():
        model = bpr(
            factors=factors,
            learning_rate=rate,
            regularization=ridge,
            iterations=iterations,
            num_threads=1,
            random_state=known.seed,
        )
        model.fit(known.matrix(), show_progress=False)
    trained = np.asarray(model.item_factors, np.float32)  # its last column is the bias
    setting = {"factors": factors, "ridge": ridge, "rate": rate}
    return FactorRanker(
        "BPR", setting, trained[:, :-1].copy(), trained[:, -1].copy(), ridge, pairwise=True, seed=known.seed
    )


def _implicit(part: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"implicit.cpu.{part}")
    except ImportError as error:
        raise HeedmapError("The package `implicit` is not installed.", "pip install heedmap[baselines]") from error


def _one_thread() -> Any:
    """implicit warns unless BLAS keeps to one thread, and with one thread its numbers follow from the seed."""
    import threadpoolctl

    return threadpoolctl.threadpool_limits(1, "blas")
