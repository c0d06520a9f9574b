"""Photos to grid cells: the last feature map of EfficientNet-Lite0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.dataset.store import open_photo
from engine.files import sha256, sha256_of

SIDE = 224
GRID = (7, 7)


def to_pixels(path: Path) -> NDArray[np.float32]:
    """Read a photo as float32[3, 224, 224]. The whole photo is squeezed into the square, so that cells tile it all."""
    photo = open_photo(path).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels = (np.asarray(photo, dtype=np.float32) - 127.0) / 128.0
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


class ImageEncoder:
    """EfficientNet-Lite0 with ImageNet weights, frozen: 7 x 7 cells of 1,280 features."""

    name = "EfficientNet-Lite0"
    dim = 1280
    grid = GRID

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        from efficientnet_lite_pytorch import EfficientNet

        model = EfficientNet.from_name("efficientnet-lite0")
        model.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
        self._model = model.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
        self._device = device
        self.digest = sha256(f"{sha256_of(weights)} image-1".encode())

    def encode(self, paths: list[Path]) -> list[NDArray[np.float16]]:
        """Encode photos to float16[49, 1280] each, cells row by row from the top left."""
        pixels = torch.from_numpy(np.stack([to_pixels(path) for path in paths]))
        with torch.inference_mode():
            grid = self._model.extract_features(pixels.to(self._device, memory_format=torch.channels_last))
        cells = grid.flatten(2).transpose(1, 2).half().cpu().numpy()
        return [np.ascontiguousarray(one) for one in cells]
