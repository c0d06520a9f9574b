"""A product's texts and photo read again by the run's own encoders, differentiable from pieces and pixels to score.

The tokens that a run holds already mix their context. Here they are made anew: pieces or pixels -> states -> whitening
-> score, the first in the encoder's own precision, the last two in float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import HeedmapError
from engine.explain import contribution
from engine.explain.case import Case
from engine.features.encoder import Encoder, Prepared
from engine.model.tower import TokenBatch
from engine.recommend import Recommender
from engine.training.loop import reading_of

READ = ("text", "image")
# How far features may lie from those that the run holds, in parts of their size: float16 and its 8-bit kin round.
_ALIKE, _ALIKE_IN_16_BITS = 0.02, 0.15
_BROAD = 7  # colours across a blurred photo
_INSTEAD = "Use a method that needs no encoder, such as contribution."


@dataclass(frozen=True)
class Passage:
    """One text of the product. prepared: of it alone; places: int64[n], where its tokens stand among its pieces."""

    prepared: Prepared
    places: Tensor

    @property
    def ids(self) -> Tensor:
        """int64[1, pieces]."""
        ids: Tensor = self.prepared.inputs["input_ids" if "input_ids" in self.prepared.inputs else "input"]
        return ids


class DeepCase:
    """A case whose texts and photo can be changed. HeedmapError where the encoders are not here, cannot be gone
    through, or do not say what the run holds."""

    def __init__(self, case: Case) -> None:
        self.case, self.kinds = case, tuple(kind for kind in READ if kind in case.tokens)
        if not self.kinds:
            raise HeedmapError(
                f"The run {case.recommender.folder.name} reads neither text nor photo of this product.", _INSTEAD
            )
        self.encoders = {kind: run_encoder(case.recommender, kind) for kind in self.kinds}
        self._whitening: dict[str, tuple[Tensor, Tensor]] = {}
        for kind in self.kinds:
            if kind not in case.recommender.catalogue.whitening:
                raise HeedmapError(
                    f"The run {case.recommender.folder.name} does not say how its features were reduced.",
                    f"Train it again. {_INSTEAD}",
                )
            one, device = case.recommender.catalogue.whitening[kind], case.recommender.device
            self._whitening[kind] = (
                torch.from_numpy(one.mean).to(device).double(),
                torch.from_numpy(one.components).to(device).double(),
            )
        self.passages = _passages(case, self.encoders["text"]) if "text" in self.kinds else ()
        self._check()

    @cached_property
    def photo(self) -> Tensor:
        """float[3, side, side], as the image encoder gets it."""
        recommender, encoder = self.case.recommender, self.encoders["image"]
        path = recommender.texts.image[self.case.item] or ""
        pixels: Tensor = encoder.prepare([recommender.dataset.folder / path]).inputs["pixel_values"][0]
        return pixels.to(device=encoder.device, dtype=precision(encoder.module))

    @cached_property
    def blurred(self) -> Tensor:
        """This photo with its broad colours only: float[3, side, side]."""
        coarse = functional.adaptive_avg_pool2d(self.photo[None], _BROAD)
        return functional.interpolate(coarse, self.photo.shape[-2:], mode="bicubic")[0]

    @cached_property
    def features(self) -> dict[str, Tensor]:
        """What the encoders say of the product as it is: float64[1, tokens, components] of "text" and "image"."""
        with torch.no_grad():
            found: dict[str, Tensor] = {}
            if "text" in self.kinds:
                found["text"] = self.text_features([self.states_of(one) for one in self.passages])
            if "image" in self.kinds:
                found["image"] = self.photo_features(self.photo[None])
        return found

    def embeddings_of(self, passage: Passage) -> Tensor:
        """What the encoder starts from: float[pieces, width], an embedding for each piece."""
        layer = _embedding(self.encoders["text"])
        found: Tensor = layer(passage.ids.to(self.case.recommender.device))[0]
        return found.detach()

    def blank_of(self, passage: Passage) -> Tensor:
        """The same with the passage's words blanked: the encoder's piece that says least, else zeros."""
        blanked = self.embeddings_of(passage).clone()
        blank = getattr(self.encoders["text"], "blank", None)
        layer = _embedding(self.encoders["text"])
        with torch.no_grad():
            blanked[passage.places] = (
                0.0 if blank is None else layer(torch.tensor([[blank]], device=blanked.device))[0, 0]
            )
        return blanked

    def states_of(self, passage: Passage, embeddings: Tensor | None = None) -> Tensor:
        """States of a passage: float[n, pieces, dim]; with other embeddings, float[n, pieces, width], where given."""
        encoder = self.encoders["text"]
        if embeddings is None:
            return encoder.tokens(passage.prepared)
        inputs = {
            name: value.expand(len(embeddings), *value.shape[1:]) for name, value in passage.prepared.inputs.items()
        }
        with _started_from(encoder, embeddings):
            return encoder.tokens(replace(passage.prepared, inputs=inputs))

    def photo_states(self, pixels: Tensor) -> Tensor:
        """States of photos' cells, float[n, cells, dim], from float[n, 3, side, side]."""
        none = torch.ones(len(pixels), 1, dtype=torch.bool)
        prepared = Prepared({"pixel_values": pixels}, none, np.zeros((len(pixels), 1, 2), np.int32))
        return self.encoders["image"].tokens(prepared)

    def text_features(self, states: Sequence[Tensor]) -> Tensor:
        """float64[n, tokens, components] of the states of each passage, float[n, pieces, dim]."""
        tokens = [one[:, passage.places] for one, passage in zip(states, self.passages, strict=True)]
        return self.reduced("text", torch.cat(tokens, dim=1))

    def photo_features(self, pixels: Tensor) -> Tensor:
        """float64[n, cells, components] of photos, float[n, 3, side, side]."""
        return self.cells_read(self.photo_states(pixels))

    def cells_read(self, states: Tensor) -> Tensor:
        """float64[n, tokens, components] of the states of all cells, float[n, cells, dim], less those taken away."""
        return self.reduced("image", states[:, torch.from_numpy(self.case.page.cells).to(states.device)])

    def reduced(self, kind: str, states: Tensor) -> Tensor:
        """The whitening: float[..., dim] -> float64[..., components]."""
        mean, components = self._whitening[kind]
        return (states.double() - mean) @ components

    def whole(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """These features, float64[n, tokens, components], and as they are those of every other modality.

        A modality without tokens is left out, as it is of a product that lacks it.
        """
        rows = len(next(iter(features.values())))
        kept = {**self.case.features, **{kind: one[0] for kind, one in self.features.items()}}
        full = {name: features.get(name, one.expand(rows, *one.shape)) for name, one in kept.items()}
        return {name: one for name, one in full.items() if one.shape[1]}

    def scores(self, features: dict[str, Tensor]) -> Tensor:
        """The product's score with these features of "text" or "image": float64[n], differentiable."""
        rows = len(next(iter(features.values())))
        return self.case.scores_from(self.whole(features)).expand(rows)

    @cached_property
    def score(self) -> float:
        """The product's score as the encoders read it here; the run's own up to its rounded features."""
        return float(self.scores(self.features)[0])

    def tower_attention(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tower's attention over the encoders' last states: float64[n, heads, tokens] of each modality."""
        full = self.whole(features)
        rows = len(next(iter(full.values())))
        asking = self.case.asking
        asked = None if asking is None else asking.double().clone().expand(rows, -1)
        batches = {
            name: TokenBatch(x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)) for name, x in full.items()
        }
        return self.case.network.attention(batches, asked)

    def cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the photo's cells begin, in pixels: rows and columns."""
        height, width = self.encoders["image"].grid
        side = self.photo.shape[-1]
        return np.arange(height) * side // height, np.arange(width) * side // width

    def rows(self, shares: dict[str, NDArray[np.float64]], rest: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[rows] from shares of raw tokens of "text" and "image", or of all cells; rest: float64[rows], for all
        others."""
        counts = self.case.counts
        if "image" in shares and len(shares["image"]) != counts["image"]:
            shares = {**shares, "image": shares["image"][self.case.page.cells]}
        raw = [shares.get(name, np.zeros(counts[name])) for name in self.case.tokens]
        summed = self.case.rows(np.concatenate(raw)[:, None])[:, 0]
        deep = np.array([token.modality in shares for token in self.case.shown.tokens])
        return np.where(deep, summed, rest)

    def exact(self) -> NDArray[np.float64]:
        """The exact contribution of every row: what stands for parts that no encoder makes."""
        return contribution.by_head(self.case).sum(axis=1)

    @property
    def notes(self) -> tuple[str, ...]:
        if "audio" not in self.case.tokens:
            return ()
        return ("The recording is not followed into its encoder.",)

    def _check(self) -> None:
        """HeedmapError where the encoders do not say of this product what the run holds of it."""
        card = self.case.recommender.card
        for kind, found in self.features.items():
            held = self.case.features[kind]
            tuned = card.get("tuned", {}).get("precision", "float32") if "base" in self._about(kind) else "float32"
            most = _ALIKE if tuned == "float32" else _ALIKE_IN_16_BITS
            alike = found[0].shape == held.shape
            if not alike or float((found[0] - held).norm() / held.norm().clamp_min(1e-12)) > most:
                raise HeedmapError(
                    f"The {kind} encoder {self._about(kind)['name']!r} does not say here what the run"
                    f" {self.case.recommender.folder.name} holds of this product.",
                    f"Put the encoder and the dataset's files back that it was trained with. {_INSTEAD}",
                )

    def _about(self, kind: str) -> dict[str, str]:
        return self.case.recommender.catalogue.encoders[kind]


def run_encoder(recommender: Recommender, kind: str) -> Encoder:
    """The encoder that made the run's features. HeedmapError where it is not here or is quantised."""
    about = recommender.about_encoder(kind)
    if reading_of(recommender.config).quantise != "none" and about["pretrained"] == "yes":
        raise HeedmapError(f"The {kind} encoder {about['name']} is quantised: no gradient goes through it.", _INSTEAD)
    try:
        return recommender.encoder(kind)
    except HeedmapError as error:
        raise HeedmapError(
            f"This map goes through the {kind} encoder {about['name']}, which cannot be opened here: {error.message}",
            f"{error.hint} {_INSTEAD}".strip(),
        ) from error


def precision(module: nn.Module) -> torch.dtype:
    """In which numbers a module computes."""
    return next((one.dtype for one in module.parameters() if one.is_floating_point()), torch.float32)


def _passages(case: Case, encoder: Encoder) -> tuple[Passage, ...]:
    """The texts that the model was given, in its order, those of which no piece had room left out."""
    page = case.page
    texts = {one.field: one.text for one in case.recommender.item_texts(case.item)}
    found = []
    for source in np.unique(page.text_source).tolist():
        prepared = encoder.prepare([texts.get(page.fields[source], "")])
        there = torch.nonzero(prepared.there[0])[:, 0]
        places = _kept(prepared.places[0][there.numpy()], page.text_span[page.text_source == source])
        found.append(Passage(prepared, there[places].to(encoder.device)))
    return tuple(found)


def _kept(spans: NDArray[np.int32], held: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places among a text's pieces, int32[n, 2], of those that the model holds, in the same order: the first ones, but
    for what a what-if took out. Where the spans tell nothing of it, the first ones."""
    found: list[int] = []
    place = 0
    for span in held.tolist():
        while place < len(spans) and spans[place].tolist() != span:
            place += 1
        found.append(place)
        place += 1
    if place > len(spans):
        return np.arange(min(len(held), len(spans)))
    return np.array(found, dtype=np.int64)


def _embedding(encoder: Encoder) -> nn.Module:
    """The layer that turns pieces into embeddings."""
    module: Any = encoder.module
    layer: nn.Module = module if isinstance(module, nn.Embedding) else module.get_input_embeddings()
    return layer


@contextmanager
def _started_from(encoder: Encoder, embeddings: Tensor) -> Iterator[None]:
    """While it lasts, the encoder starts from these embeddings, whatever its pieces are."""

    def swap(layer: nn.Module, given: Any, made: Tensor) -> Tensor:
        return embeddings if made.shape == embeddings.shape else embeddings.transpose(0, 1)  # XLNet's order

    hook = _embedding(encoder).register_forward_hook(swap)
    try:
        yield
    finally:
        hook.remove()
