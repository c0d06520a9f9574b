"""Image backbones: EfficientNet-Lite0, vision towers from Hugging Face folders, torchvision networks."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import HeedmapError
from engine.features.efficientnet import FeatureMap
from engine.features.encoder import About
from engine.features.hf import Folder, load_module, preprocessor
from engine.features.image import ImageEncoder, Optics
from engine.features.torchvision_cure import cure_torchvision

_FLEXIBLE = ("dinov2", "dinov2_with_registers")  # these interpolate their position embeddings by themselves
_SIDE = 224


def efficientnet_lite0(weights: Path, about: About, cells: int, device: str) -> ImageEncoder:
    """7 x 7 cells of 1,280 features, ImageNet weights."""
    module = FeatureMap(read_weights(weights)).eval().requires_grad_(False)
    optics = Optics(_SIDE, (127.0,) * 3, (128.0,) * 3)
    return ImageEncoder(module, _call, optics, about, cells, device, channels_last=True)


def _call(module: nn.Module, pixels: Tensor) -> Tensor:
    states: Tensor = module(pixel_values=pixels)
    return states


def vision_tower(folder: Folder, module: nn.Module, about: About, cells: int, device: str) -> ImageEncoder:
    """Patches of a ViT, DINOv2, CLIP or SigLIP tower; its class and register tokens are left out."""
    config: Any = module.config
    optics = _optics(folder, config)
    side = optics.side // int(config.patch_size)

    def read(module: nn.Module, pixels: Tensor) -> Tensor:
        states: Tensor = module(pixel_values=pixels).last_hidden_state
        return states[:, -side * side :].unflatten(1, (side, side))

    return ImageEncoder(module, read, optics, about, cells, device)


def open_vision_tower(folder: Folder) -> nn.Module:
    """Its module alone. HeedmapError when the folder holds no such tower."""
    return load_module(folder, "image")


def _optics(folder: Folder, config: Any) -> Optics:
    """Mean, deviation and resampling from preprocessor_config.json; ImageNet's where it is silent."""
    told = preprocessor(folder.path)
    native = config.image_size if isinstance(config.image_size, int) else int(config.image_size[0])
    side = native
    if config.model_type in _FLEXIBLE:
        size = told.get("crop_size") or told.get("size") or {}
        wanted = size if isinstance(size, int) else size.get("height", size.get("shortest_edge", min(native, _SIDE)))
        side = int(wanted) // int(config.patch_size) * int(config.patch_size)
    normal = told.get("do_normalize", True)
    scale = 1.0 / float(told.get("rescale_factor", 1 / 255)) if told.get("do_rescale", True) else 1.0
    mean = told.get("image_mean") or (0.485, 0.456, 0.406)
    deviation = told.get("image_std") or (0.229, 0.224, 0.225)
    return Optics(
        side,
        tuple(float(one) * scale for one in mean) if normal else (0.0,) * 3,
        tuple(float(one) * scale for one in deviation) if normal else (scale,) * 3,
        int(told.get("resample", 3)),
    )


def torchvision_backbone(name: str, weights: Path, about: About, cells: int, device: str) -> ImageEncoder:
    """A torchvision classifier up to its last map. HeedmapError when its weights do not fit or it has no map."""
    cure_torchvision()
    from torchvision import models

    if name not in models.list_models(module=models):
        raise HeedmapError(f"torchvision has no classifier {name!r}.", "Names are such as resnet18 or convnext_tiny.")
    module = models.get_model(name, weights=None)
    try:
        found = module.load_state_dict(read_weights(weights), strict=False)
    except RuntimeError as error:
        raise HeedmapError(
            f"{weights} does not fit {name} ({str(error).splitlines()[-1].strip()}).", "Name the network it is of."
        ) from error
    lost = [one for one in found.missing_keys if not one.startswith(("fc.", "classifier.", "heads.", "head."))]
    if lost or found.unexpected_keys:
        raise HeedmapError(
            f"{weights} does not fit {name} ({len(lost)} weights missing, {len(found.unexpected_keys)} unknown, "
            f"such as {(lost or found.unexpected_keys)[0]}).",
            "Name the network it is of, as in resnet18:FILE.",
        )
    side = int(getattr(module, "image_size", _SIDE))
    wrapped = VisionMap(module.eval(), name).requires_grad_(False)
    convolutional = not isinstance(module, models.VisionTransformer)
    return ImageEncoder(wrapped, _call, Optics(side), about, cells, device, channels_last=convolutional)


class VisionMap(nn.Module):
    """A torchvision network up to its last map: float[n, 3, side, side] -> float[n, rows, columns, dim]."""

    def __init__(self, net: nn.Module, name: str) -> None:
        super().__init__()
        from torchvision import models

        if isinstance(net, models.VisionTransformer):
            self._walk = self._patches
        elif isinstance(net, models.SwinTransformer):
            self._walk = self._shifted
        elif hasattr(net, "layer4"):
            self._walk = self._residual
        elif hasattr(net, "features"):
            self._walk = self._features
        else:
            raise HeedmapError(f"{name} has no feature map that Heedmap knows.", "Take a ResNet, ConvNeXt or ViT.")
        self.net: Any = net

    def forward(self, pixel_values: Tensor) -> Tensor:
        return self._walk(pixel_values)

    def _residual(self, x: Tensor) -> Tensor:
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        return net.layer4(net.layer3(net.layer2(net.layer1(x)))).permute(0, 2, 3, 1)

    def _features(self, x: Tensor) -> Tensor:
        return self.net.features(x).permute(0, 2, 3, 1)

    def _shifted(self, x: Tensor) -> Tensor:
        return self.net.norm(self.net.features(x))  # rows x columns x features already

    def _patches(self, x: Tensor) -> Tensor:
        net = self.net
        side = net.image_size // net.patch_size
        patches = net._process_input(x)
        start = net.class_token.expand(len(x), -1, -1)
        return net.encoder(torch.cat([start, patches], dim=1))[:, 1:].unflatten(1, (side, side))


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from .safetensors, or from .pt/.pth/.bin without unpickling anything but tensors."""
    if not path.is_file():
        raise HeedmapError(f"There are no weights at {path}.", "Check the path.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(str(path))
        content = torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise HeedmapError(
            f"{path} holds more than tensors and is not opened.", "Save its state dict, best as safetensors."
        ) from error
    except Exception as error:  # torch and safetensors raise many kinds on a damaged file
        first = (str(error).splitlines() or [""])[0]
        raise HeedmapError(f"{path} is damaged or no weights ({first}).", "Copy it again.") from error
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(isinstance(one, Tensor) for one in content.values()):
        raise HeedmapError(f"{path} holds no state dict.", "Save `model.state_dict()`.")
    return content
