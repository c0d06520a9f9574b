"""A sequence part trained elsewhere: the common shapes of SASRec, and how its weights find their places here.

A file maps their names to ours, {} standing for the number of a block, and says what weights do not show:

    {"names": {"item_emb.weight": "item", "pos_emb.weight": "position",
               "attention_layers.{}.in_proj_weight": "blocks.{}.attention.weight", ...},
     "ignore": ["dev"], "first_item": 1, "first_position": 1,
     "style": {"heads": 2, "activation": "relu", "norm": "query", "newest_last": true, "padding_heeded": true}}

Our names: item (rows of products), bias (one per product), position; first_norm, last_norm; and of each block attention
(queries, keys and values stacked) or query, key and value apart, out, attention_norm, feed_in, feed_out, feed_norm; all
but the first three with .weight and .bias. A kernel-1 convolution is read as the linear map that it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import HeedmapError

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": functional.relu, "gelu": functional.gelu}
NORMS = ("pre", "query", "post")


@dataclass(frozen=True)
class Style:
    """What the weights of a sequence model do not show.

    norm: "pre" x + f(norm(x)); "post" norm(x + f(x)); "query" norms the queries only and adds to the normed ones, as
    the widespread PyTorch port of SASRec does. scale: whether product vectors come in multiplied by sqrt(dim).
    newest_last: positions are counted back from the newest event, as with padding in front; padding_heeded: padding in
    front is attended to, as zero vectors. epsilon: of the layer norms.
    """

    heads: int = 1
    activation: str = "gelu"
    norm: str = "pre"
    scale: bool = True
    newest_last: bool = False
    padding_heeded: bool = False
    epsilon: float = 1e-5


@dataclass(frozen=True)
class AdoptedShape:
    """Sizes of an adopted sequence part. feed: width between the two maps of the feed-forward part."""

    dim: int
    blocks: int
    history: int
    feed: int
    style: Style
    first_norm: bool
    last_norm: bool

    @staticmethod
    def from_json(content: Mapping[str, Any] | None) -> AdoptedShape | None:
        return None if content is None else AdoptedShape(**{**content, "style": Style(**content["style"])})


class AdoptedBlock(nn.Module):
    """Self-attention and feed-forward in one of the styles."""

    def __init__(self, shape: AdoptedShape) -> None:
        super().__init__()
        dim, self.style = shape.dim, shape.style
        self.attention = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.feed_in, self.feed_out = nn.Linear(dim, shape.feed), nn.Linear(shape.feed, dim)
        self.attention_norm = nn.LayerNorm(dim, eps=shape.style.epsilon)
        self.feed_norm = nn.LayerNorm(dim, eps=shape.style.epsilon)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """float[rows, n, dim] -> the same; mask: bool[rows, 1, n, n], which event reads which."""
        if self.style.norm == "query":
            asked = self.attention_norm(x)
            x = self.feed_norm(asked + self._attend(asked, x, mask))
            return x + self._feed(x)
        if self.style.norm == "post":
            x = self.attention_norm(x + self._attend(x, x, mask))
            normed: Tensor = self.feed_norm(x + self._feed(x))
            return normed
        normed = self.attention_norm(x)
        x = x + self._attend(normed, normed, mask)
        return x + self._feed(self.feed_norm(x))

    def _attend(self, asking: Tensor, asked: Tensor, mask: Tensor) -> Tensor:
        rows, length, dim = asked.shape
        weights, biases = self.attention.weight.split(dim), self.attention.bias.split(dim)
        query, key, value = (
            functional.linear(x, weight, bias).view(rows, length, self.style.heads, -1).transpose(1, 2)
            for x, weight, bias in zip((asking, asked, asked), weights, biases, strict=True)
        )
        heeded = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        found: Tensor = self.out(heeded.transpose(1, 2).reshape(rows, length, dim))
        return found

    def _feed(self, x: Tensor) -> Tensor:
        found: Tensor = self.feed_out(ACTIVATIONS[self.style.activation](self.feed_in(x)))
        return found


class Adopted(nn.Module):
    """Shopper vectors from histories by a sequence model that was trained elsewhere. It is used, not trained on."""

    def __init__(self, shape: AdoptedShape) -> None:
        super().__init__()
        self.shape = shape
        self.position = nn.Parameter(torch.zeros(shape.history, shape.dim))
        self.blocks = nn.ModuleList(AdoptedBlock(shape) for _ in range(shape.blocks))
        if shape.first_norm:
            self.first_norm = nn.LayerNorm(shape.dim, eps=shape.style.epsilon)
        if shape.last_norm:
            self.last_norm = nn.LayerNorm(shape.dim, eps=shape.style.epsilon)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """u of each row: float[rows, dim]; zero for an empty history, of which such a model knows nothing.

        vectors: float[rows, n, dim] of the past products, oldest first, padding behind; lengths: int64[rows].
        """
        style = self.shape.style
        in_front = style.newest_last or style.padding_heeded
        slots = self.shape.history if in_front else vectors.shape[1]
        skipped = (slots - lengths if in_front else torch.zeros_like(lengths))[:, None]
        place = torch.arange(slots, device=vectors.device) - skipped
        there = (place >= 0) & (place < lengths[:, None])
        row = torch.arange(len(vectors), device=vectors.device)[:, None]
        x = vectors[row, place.clamp(0, vectors.shape[1] - 1)] * (self.shape.dim**0.5 if style.scale else 1.0)
        slot = torch.arange(slots, device=vectors.device).expand_as(place) if style.newest_last else place.clamp_min(0)
        x = x + self.position[slot.clamp(0, self.shape.history - 1)]
        if self.shape.first_norm:
            x = self.first_norm(x)
        x = x * there[..., None]
        read = torch.ones(slots, slots, dtype=torch.bool, device=x.device).tril()[None]
        if not style.padding_heeded:
            # What is padding reads itself: a row that reads nothing would hold no numbers.
            read = read & (there[:, None, :] | torch.eye(slots, dtype=torch.bool, device=x.device))
        for block in self.blocks:
            x = block(x, read[:, None]) * there[..., None]
        if self.shape.last_norm:
            x = self.last_norm(x)
        newest = (lengths - 1 + skipped[:, 0]).clamp(0, slots - 1)
        return x[row[:, 0], newest] * (lengths > 0)[:, None]


@dataclass(frozen=True)
class Map:
    """A read map of names; see the module's docstring."""

    names: dict[str, str]
    ignore: tuple[str, ...]
    first_item: int
    first_position: int
    style: Style


def read_map(content: Any, source: str) -> Map:
    """Check a decoded map. HeedmapError names what is wrong in it."""
    known = ("names", "ignore", "first_item", "first_position", "style")
    if not isinstance(content, dict) or not isinstance(content.get("names"), dict):
        raise HeedmapError(f"{source} maps no names.", 'Write {"names": {"their name": "our name"}, ...}.')
    if unknown := [name for name in content if name not in known]:
        raise HeedmapError(f"{source}: there is no field {unknown[0]!r}.", f"The fields are {', '.join(known)}.")
    style, hints = content.get("style", {}), {one.name: type(getattr(Style(), one.name)) for one in fields(Style)}
    for name, value in style.items():
        if name not in hints:
            raise HeedmapError(f"{source}: style has no {name!r}.", f"It has {', '.join(hints)}.")
        if type(value) is not hints[name] and not (hints[name] is float and type(value) is int):
            raise HeedmapError(f"{source}: {name} cannot be {value!r}.", f"It must be of type {hints[name].__name__}.")
    made = Style(**style)
    for name, value, choices in (("activation", made.activation, ACTIVATIONS), ("norm", made.norm, NORMS)):
        if value not in choices:
            raise HeedmapError(f"{source}: {name} cannot be {value!r}.", f"Choose from {', '.join(choices)}.")
    firsts = [content.get(name, 0) for name in ("first_item", "first_position")]
    if not all(isinstance(one, int) and one >= 0 for one in firsts):
        raise HeedmapError(f"{source}: first_item and first_position are rows, counted from 0.", "Write 0 or 1.")
    return Map(content["names"], tuple(content.get("ignore", ())), firsts[0], firsts[1], made)


def renamed(state: Mapping[str, Tensor], map: Map) -> dict[str, Tensor]:
    """Their tensors under our names, float32. HeedmapError names one that the map does not mention, or twice."""
    patterns = [(re.compile(re.escape(theirs).replace(r"\{\}", r"(\d+)")), ours) for theirs, ours in map.names.items()]
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if any(re.fullmatch(re.escape(one).replace(r"\{\}", r"\d+"), name) for one in map.ignore):
            continue
        hits = [(hit, ours) for pattern, ours in patterns if (hit := pattern.fullmatch(name))]
        if not hits:
            raise HeedmapError(
                f"The map does not say what {name} ({_size(tensor)}) is.", 'Map it, or list it under "ignore".'
            )
        hit, ours = hits[0]
        ours = ours.replace("{}", hit[1]) if hit.groups() else ours
        if ours in found:
            raise HeedmapError(f"Two tensors of the state are mapped to {ours}.", "Each of ours is one of theirs.")
        found[ours] = tensor.detach().float()
    return found


def _size(tensor: Tensor) -> str:
    return " x ".join(str(one) for one in tensor.shape) or "a number"


def adopted_shape(tensors: Mapping[str, Tensor], map: Map) -> AdoptedShape:
    """Sizes as the weights show them. HeedmapError says what is missing or cannot be."""
    for name in ("item", "position", "blocks.0.feed_in.weight"):
        if name not in tensors:
            raise HeedmapError(f"The state holds no {name}.", "Complete the map of names.")
    items, position = tensors["item"], tensors["position"]
    if items.dim() != 2 or position.dim() != 2 or items.shape[1] != position.shape[1]:
        raise HeedmapError(
            f"Products ({_size(items)}) and positions ({_size(position)}) must be tables of one width.",
            "Models that reduce product vectors on the way in cannot be adopted.",
        )
    dim, history = items.shape[1], position.shape[0] - map.first_position
    if history < 1:
        raise HeedmapError(f"first_position={map.first_position} leaves no position.", "Mend the map.")
    if dim % map.style.heads:
        raise HeedmapError(f"heads={map.style.heads} does not divide the width {dim}.", "Mend the map's style.")
    numbers = [int(name.split(".")[1]) for name in tensors if name.startswith("blocks.")]
    feed = tensors["blocks.0.feed_in.weight"].shape[0]
    first, last = (f"{one}.weight" in tensors for one in ("first_norm", "last_norm"))
    return AdoptedShape(dim, max(numbers) + 1, history, feed, map.style, first, last)


def adopted_weights(tensors: Mapping[str, Tensor], map: Map, shape: AdoptedShape) -> dict[str, Tensor]:
    """Weights of `Adopted`. HeedmapError names what is missing, of another size, or has no place here."""
    expected = Adopted(shape).state_dict()
    given = {name: one for name, one in tensors.items() if name not in ("item", "bias")}
    given["position"] = given["position"][map.first_position :]
    for block in range(shape.blocks):
        for kind in ("weight", "bias"):
            apart = [f"blocks.{block}.{one}.{kind}" for one in ("query", "key", "value")]
            if all(one in given for one in apart):
                given[f"blocks.{block}.attention.{kind}"] = torch.cat([given.pop(one) for one in apart])
    if unknown := [name for name in given if name not in expected]:
        raise HeedmapError(f"There is no place for {unknown[0]} here.", f"Ours are {', '.join(expected)}.")
    found = {}
    for name, place in expected.items():
        if name not in given and name.endswith(".bias"):
            found[name] = torch.zeros_like(place)  # a map without a bias
            continue
        if name not in given:
            raise HeedmapError(f"The state holds no {name}.", "Complete the map of names.")
        tensor = given[name].squeeze(-1) if given[name].dim() == place.dim() + 1 else given[name]
        if tensor.shape != place.shape:
            raise HeedmapError(
                f"{name} is {_size(given[name])}, where {_size(place)} is needed.", "Check the map and its style."
            )
        found[name] = tensor
    return found
