"""Attention inside the encoders, layer by layer, brought to a product's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.deep.inputs import DeepCase
from engine.features.encoder import Encoder

Layers = tuple[Tensor, ...]


@dataclass(frozen=True)
class Reading:
    """How an encoder read one passage, or the photo.

    states: float[1, pieces or cells, dim], as the encoder gives them; layers: each float[1, heads, positions, prefix +
    positions]; pool: float64[tokens, positions], how a token is the mean of positions (a word piece is one of them, a
    cell of a photo the mean of its patches).
    """

    states: Tensor
    layers: Layers
    pool: Tensor

    def carried(self, flow: Tensor) -> Tensor:
        """What each token draws from each: float64[..., tokens, tokens] from float[..., positions, positions]."""
        return self.pool @ without_prefix(flow).double() @ (self.pool > 0).double().T


def without_prefix(layer: Tensor) -> Tensor:
    """float[..., positions, positions] of float[..., positions, prefix + positions]."""
    return layer[..., -layer.shape[-2] :]


def has_attention(encoder: Encoder) -> bool:
    """Whether its module can give attention weights."""
    return encoder.about.attention_maps


def readings(deep: DeepCase, kind: str) -> list[Reading]:
    """One for each passage, or one for the photo; gradients flow through the weights where the grad mode says so."""
    encoder = deep.encoders[kind]
    found = []
    with watched(encoder) as seen:
        if kind == "text":
            for passage in deep.passages:
                states = deep.states_of(passage, deep.embeddings_of(passage)[None].requires_grad_())
                pool = torch.zeros(len(passage.places), states.shape[1], dtype=torch.float64, device=states.device)
                pool[torch.arange(len(passage.places), device=states.device), passage.places] = 1.0
                found.append(Reading(states, seen.pop(), pool))
        else:
            states = deep.photo_states(deep.photo[None].clone().requires_grad_())
            layers = seen.pop()
            patches = _patches(encoder, layers[0].shape[-2])[deep.case.page.cells]
            found.append(Reading(states, layers, patches.to(states.device)))
    return found


def _patches(encoder: Any, positions: int) -> Tensor:
    """pool of a photo; its patches are the last of an image encoder's positions, row by row."""
    across = encoder.optics.side // int(encoder.module.config.patch_size)
    height, width = encoder.grid
    cell = (torch.arange(across) * height // across)[:, None] * width + torch.arange(across) * width // across
    pool = torch.zeros(height * width, positions, dtype=torch.float64)
    pool[cell.flatten(), positions - across * across + torch.arange(across * across)] = 1.0
    return pool / pool.sum(dim=1, keepdim=True)


@contextmanager
def watched(encoder: Encoder) -> Iterator[list[Layers]]:
    """While it lasts, the encoder computes its attention step by step, and each call's weights join the list.

    float[n, heads, positions, prefix + positions] of each layer: a learned prefix, which stands for no piece, is first.
    """
    module: Any = encoder.module
    before = module.config._attn_implementation
    seen: list[Layers] = []

    def ask(module: nn.Module, given: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return given, {**named, "output_attentions": True}

    def keep(module: nn.Module, given: Any, made: Any) -> None:
        seen.append(tuple(made.attentions))

    module.set_attn_implementation("eager")
    hooks = [module.register_forward_pre_hook(ask, with_kwargs=True), module.register_forward_hook(keep)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
        module.set_attn_implementation(before)


def encoder_layers(case: Case) -> dict[str, tuple[int, int]]:
    """Layers and heads of the encoders that attend: modality -> (layers, heads). HeedmapError as `DeepCase`."""
    deep = DeepCase(case)
    with torch.no_grad():
        read = {kind: readings(deep, kind)[0].layers for kind in deep.kinds if has_attention(deep.encoders[kind])}
    return {kind: (len(layers), layers[0].shape[1]) for kind, layers in read.items()}


def encoder_attention(case: Case, layer: int) -> dict[str, NDArray[np.float64]]:
    """How tokens look at each other in one layer of the encoders: modality -> float64[heads, tokens, tokens].

    Row t is where token t looks; what it gives to class and end pieces is missing from its sum. Texts do not see each
    other. layer: from 0, or from the end if negative. Modalities whose encoder does not attend are left out.
    HeedmapError as `DeepCase`, and for a layer that an encoder lacks.
    """
    deep = DeepCase(case)
    found: dict[str, NDArray[np.float64]] = {}
    for kind in deep.kinds:
        if not has_attention(deep.encoders[kind]):
            continue
        with torch.no_grad():
            read = readings(deep, kind)
        layers = len(read[0].layers)
        if not -layers <= layer < layers:
            raise HeedmapError(
                f"{deep.encoders[kind].about.name} has {layers} layers, no layer {layer}.", f"0 to {layers - 1} exist."
            )
        parts = [one.carried(one.layers[layer][0]) for one in read]
        blocks = [torch.block_diag(*(part[head] for part in parts)) for head in range(len(parts[0]))]
        found[kind] = torch.stack(blocks).cpu().numpy()
    return found
