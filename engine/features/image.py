"""Photos to grid cells. The whole photo is squeezed into the encoder's square, so that cells tile all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from engine.dataset.store import open_photo
from engine.features.encoder import About, Prepared

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Optics:
    """How a photo becomes numbers: squeezed to side x side, then (pixel - mean) / std, pixels in 0..255."""

    side: int
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resample: int = int(Image.Resampling.BICUBIC)

    def pixels(self, photo: Path | Image.Image) -> NDArray[np.float32]:
        """float32[3, side, side]. HeedmapError when the file cannot be read."""
        opened = photo.convert("RGB") if isinstance(photo, Image.Image) else open_photo(photo)
        squeezed = np.asarray(opened.resize((self.side, self.side), Image.Resampling(self.resample)), np.float32)
        normal = (squeezed - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1))


class ImageEncoder:
    """A backbone whose last map, averaged to at most `cells` x `cells`, gives a photo's tokens.

    read: (module, float[n, 3, side, side]) -> float[n, rows, columns, dim], differentiable.
    """

    def __init__(
        self,
        module: nn.Module,
        read: Callable[[nn.Module, Tensor], Tensor],
        optics: Optics,
        about: About,
        cells: int,
        device: str = "cpu",
        channels_last: bool = False,
    ) -> None:
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self.module = module.to(device)
        if channels_last:
            self.module = self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optics, self.about, self.device = optics, about, device
        self._read = read
        with torch.inference_mode():
            rows, columns, self.dim = self._map(torch.zeros(1, 3, optics.side, optics.side)).shape[1:]
        self.grid = (coarser(rows, cells), coarser(columns, cells))

    def prepare(self, raw: Sequence[Path | Image.Image]) -> Prepared:
        """Decode, squeeze and normalise photos."""
        pixels = torch.from_numpy(np.stack([self.optics.pixels(photo) for photo in raw]))
        count = self.grid[0] * self.grid[1]
        there = torch.ones(len(pixels), count, dtype=torch.bool)
        return Prepared({"pixel_values": pixels}, there, np.zeros((len(pixels), count, 2), np.int32))

    def tokens(self, prepared: Prepared) -> Tensor:
        """float[n, rows * columns, dim], cells row by row from the top left."""
        states = self._map(prepared.inputs["pixel_values"])
        rows, columns = self.grid
        if states.shape[1:3] != self.grid:
            size = (states.shape[1] // rows, states.shape[2] // columns)
            states = F.avg_pool2d(states.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)
        return states.flatten(1, 2)

    def _map(self, pixels: Tensor) -> Tensor:
        return self._read(self.module, pixels.to(self.device, memory_format=self._format))


def coarser(patches: int, most: int) -> int:
    """The largest count of cells, at most `most`, into which patches divide evenly; all of them if none is near."""
    found = max(count for count in range(1, min(patches, most) + 1) if patches % count == 0)
    return patches if found < most / 2 and found < patches else found
