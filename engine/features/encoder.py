"""What an encoder is: raw texts, photos or recordings in, states of their tokens out, with each token's place.

    prepared = encoder.prepare(["A red jacket", "A tent"])   # any thread: reading, decoding, tokenising
    states = encoder.tokens(prepared)                        # differentiable: float[n, tokens, dim]
    cached = encode(encoder, prepared)                       # float16 arrays of each, padding removed

`tokens` calls `encoder.module`, so a module that was changed in place (LoRA) or wrapped (peft's prefix tuning:
`encoder.module = get_peft_model(encoder.module, ...)`) is what answers from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

KINDS = ("text", "image", "audio")
QUANTISE = ("none", "int8")


@dataclass(frozen=True)
class Prepared:
    """A batch ready for the encoder, on the CPU.

    inputs: what the module is called with, by name. there: bool[n, tokens], false where a state is padding or stands
    for nothing in the input (a class token). places: int32[n, tokens, 2], where each token stands: characters of the
    original text, milliseconds of the recording; zeros for a photo, whose cells lie row by row from the top left.
    """

    inputs: dict[str, Any]
    there: Tensor
    places: NDArray[np.int32]


@dataclass(frozen=True)
class Encoded:
    """One text, photo or recording. states: float16[tokens, dim]; places: int32[tokens, 2] as in `Prepared`."""

    states: NDArray[np.float16]
    places: NDArray[np.int32]


@dataclass(frozen=True)
class About:
    """What is known of an encoder without running it.

    digest: changes with anything that changes its states (weights, pieces, input size, quantisation). setting: what
    opens it again. licence: as its package or model card names it, or "unknown". attention_maps: whether its module
    can give attention weights (`module(..., output_attentions=True)` after `set_attn_implementation("eager")`).
    trainable_ok: False for one that cannot be fine-tuned (quantised).
    """

    kind: str
    name: str
    digest: str
    setting: str
    pretrained: bool
    licence: str = "unknown"
    attention_maps: bool = False
    trainable_ok: bool = True

    def card(self) -> dict[str, str]:
        """What a run's card keeps of it."""
        trained = "yes" if self.pretrained else "no"
        kept = {"name": self.name, "digest": self.digest, "setting": self.setting, "licence": self.licence}
        return {**kept, "pretrained": trained}


class Encoder(Protocol):
    """A text, image or audio encoder. `dim` is the size of a state; `grid` the rows and columns of a photo's cells."""

    about: About
    module: nn.Module
    dim: int
    grid: tuple[int, int]  # (0, 0) when it reads no photos
    device: str

    def prepare(self, raw: Sequence[Any]) -> Prepared:
        """Texts (str), photos (Path or PIL image) or recordings (Path) to tensors.

        HeedmapError names a file that cannot be read. Safe to call from another thread than `tokens`.
        """
        ...

    def tokens(self, prepared: Prepared) -> Tensor:
        """States float[n, tokens, dim] on `device`; gradients flow to `module` unless switched off."""
        ...


def encode(encoder: Encoder, prepared: Prepared) -> list[Encoded]:
    """States to keep: without gradients, rounded to float16, without padding."""
    with torch.inference_mode():
        states = encoder.tokens(prepared).clamp(-60000.0, 60000.0).half().cpu().numpy()
    there = prepared.there.numpy()
    return [
        Encoded(np.ascontiguousarray(states[row][there[row]]), np.ascontiguousarray(prepared.places[row][there[row]]))
        for row in range(len(there))
    ]
