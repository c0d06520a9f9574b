"""Changes of what an encoder reads while it learns: photos cropped, turned and tinted a little, words left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from engine.dataset.store import open_photo
from engine.features.encoder import Prepared
from engine.features.torchvision_cure import cure_torchvision

_CROP, _RATIO = (0.75, 1.0), (0.9, 1.1)  # of a photo's area, and how far from its own shape
_LIGHT, _HUE = 0.2, 0.02


def photo_augmentation(side: int) -> Callable[[Path], Image.Image]:
    """A photo's file -> a changed photo of side x side pixels, drawn by torch's generator.

    Mild: what is sold stays in sight and keeps its colour's name.
    """
    cure_torchvision()
    from torchvision.transforms import v2

    change = v2.Compose(
        [
            v2.RandomResizedCrop(side, scale=_CROP, ratio=_RATIO, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(_LIGHT, _LIGHT, _LIGHT, _HUE),
        ]
    )

    def changed(path: Path) -> Image.Image:
        photo: Image.Image = change(open_photo(path))
        return photo

    return changed


def without_words(prepared: Prepared, chance: float) -> tuple[Prepared, Tensor]:
    """Texts with word pieces left out by chance, and which are left: bool[n, tokens].

    A dropped piece is hidden from the others by the attention mask, where the encoder has one, and is not to be read
    itself. Every text keeps its first piece.
    """
    kept = prepared.there & (torch.rand(prepared.there.shape) >= chance)
    first = prepared.there & (prepared.there.cumsum(dim=1) == 1)
    kept |= first
    mask = prepared.inputs.get("attention_mask")
    if mask is None:
        return prepared, kept
    hidden = prepared.there & ~kept
    return replace(prepared, inputs={**prepared.inputs, "attention_mask": mask.masked_fill(hidden, 0)}), kept
