"""Photos with something changed in them, read again by the run's encoder: what a change of pixels does to scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.audit.check import Note, NotRun
from engine.audit.subject import Subject
from engine.dataset.history import History
from engine.errors import HeedmapError
from engine.explain.deep.inputs import precision
from engine.features.encoder import Prepared
from engine.model.scoring import scores_asked
from engine.model.tokens import TokenSource
from engine.model.tower import TokenBatch
from engine.recommend import Recommender

Floats = NDArray[np.float64]
BATCH = 8  # photos encoded at once: some 0.2 s of work
SHOPPERS, ASKED = 64, 8  # whose scores are looked at; where each has to ask for itself


class OtherPhotos:
    """Products, one per row, with these cells instead of their photo's own: float[rows, cells, components]."""

    def __init__(self, tokens: TokenSource, cells: Tensor) -> None:
        self.modalities = tokens.modalities
        self._tokens, self._cells = tokens, cells

    def buckets(self, items: Tensor, size: int = 512) -> list[Tensor]:
        return [torch.arange(len(items), device=items.device)]

    def batch(self, items: Tensor) -> dict[str, TokenBatch]:
        there = torch.ones(self._cells.shape[:2], dtype=torch.bool, device=self._cells.device)
        return {**self._tokens.batch(items), "image": TokenBatch(self._cells, there)}


class Photos:
    """The run's image encoder at work on products' first photos. NotRun where the run reads none, or it is not here."""

    def __init__(self, subject: Subject) -> None:
        run = subject.run
        if "image" not in run.model.shape.tower.features or not len(run.catalogue.image):
            raise NotRun(Note("no_photos"))
        try:
            if "image" not in run.catalogue.whitening:
                raise HeedmapError("The run does not say how its features were reduced.")
            self.encoder = run.encoder("image")
        except HeedmapError as error:
            raise NotRun(Note("no_encoder", {"reason": error.message})) from error
        self.run: Recommender = run
        whitening = run.catalogue.whitening["image"]
        self._mean = torch.from_numpy(whitening.mean).to(run.device)
        self._components = torch.from_numpy(whitening.components).to(run.device)
        optics: Any = getattr(self.encoder, "optics", None)
        # What one step of 0..255 is in the encoder's numbers, and what 0 is: float[3, 1, 1]; None where it is unknown.
        self.step: Tensor | None = None
        if optics is not None:
            self.step = (1.0 / torch.tensor(optics.std, device=run.device))[:, None, None]
            self.black = -torch.tensor(optics.mean, device=run.device)[:, None, None] * self.step

    def with_photo(self) -> NDArray[np.int64]:
        """Products whose photo the run reads."""
        there: NDArray[np.int64] = np.flatnonzero(np.diff(self.run.catalogue.image_start))
        return there

    def pixels(self, item: int) -> Tensor:
        """float[3, side, side], as the encoder gets it."""
        path = self.run.dataset.folder / (self.run.texts.image[item] or "")
        found: Tensor = self.encoder.prepare([path]).inputs["pixel_values"][0]
        return found.to(device=self.encoder.device, dtype=precision(self.encoder.module))

    def cells(self, pixels: Tensor) -> Tensor:
        """Reduced states float[n, cells, components] of photos float[n, 3, side, side]; differentiable."""
        none = torch.ones(len(pixels), 1, dtype=torch.bool)
        prepared = Prepared({"pixel_values": pixels}, none, np.zeros((len(pixels), 1, 2), np.int32))
        states = self.encoder.tokens(prepared)
        return (states.float() - self._mean) @ self._components

    def vectors(self, items: NDArray[np.int64], cells: Tensor) -> Tensor:
        """e(i) with these cells, float[n, dim]; differentiable."""
        index = torch.from_numpy(items).to(self.run.device)
        return self.run.model.item_vectors(index, OtherPhotos(self.run.tokens, cells))

    def scores(self, items: NDArray[np.int64], cells: Tensor, shoppers: Tensor) -> Floats:
        """What the product's vector adds to each shopper's score, without what the photo cannot change:
        float64[n, shoppers]."""
        with torch.inference_mode():
            if self.run.config.fusion != "cross":
                found: Floats = (self.vectors(items, cells) @ shoppers.T).double().cpu().numpy()
                return found
        nothing = [History(np.zeros(0, np.int32), np.zeros((0, 0), np.int32), np.zeros(0, np.int32))] * len(items)
        source = OtherPhotos(self.run.tokens, cells)
        columns = [scores_asked(self.run.model, source, one.expand(len(items), -1), nothing, items) for one in shoppers]
        return np.stack(columns, axis=1).astype(np.float64)

    def asking(self, random: np.random.Generator) -> Tensor:
        """Vectors of some shoppers with a past: float[shoppers, dim]."""
        run = self.run
        active = np.flatnonzero(np.diff(run.data.start) > 0)
        most = ASKED if run.config.fusion == "cross" else SHOPPERS
        drawn = np.sort(random.choice(active, min(most, len(active)), replace=False))
        return run.shopper_vectors([run.past(run.data.users[user]).history for user in drawn.tolist()])

    def spread(self, shoppers: Tensor) -> Floats:
        """The standard deviation of each shopper's scores over the catalogue, what changes are measured by."""
        with torch.inference_mode():
            found: Floats = (shoppers @ self.run.matrix.T).std(dim=1).double().cpu().numpy()
        return np.maximum(found, 1e-9)


def filled(pixels: Tensor, masks: Iterable[Tensor]) -> Tensor:
    """The photo once for each mask, bool[side, side], the masked place in the median colour of all the rest:
    float[n, 3, side, side]."""
    found = []
    for mask in masks:
        rest = pixels[:, ~mask]
        colour = rest.median(dim=1).values if rest.shape[1] else pixels.flatten(1).median(dim=1).values
        found.append(torch.where(mask, colour[:, None, None], pixels))
    return torch.stack(found)
