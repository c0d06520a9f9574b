"""EfficientNet-Lite0 laid out for a CPU: the same numbers as the package's network at twice its speed.

Batch norms are folded into the convolutions before them. A 1 x 1 convolution is a matrix product over channels-last
pixels, which torch would otherwise unfold first. TensorFlow's lopsided padding of a strided convolution (none before,
one after) becomes a kernel with one more row and column of zeros, which saves a copy of the map.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval


class FeatureMap(nn.Module):
    """Up to the last feature map: float[n, 3, 224, 224] -> float[n, 7, 7, 1280]."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        net: Any = EfficientNet.from_name("efficientnet-lite0")
        net.load_state_dict(weights)
        net.eval()
        self.stem = _spatial(net._conv_stem, net._bn0)
        self.blocks = nn.ModuleList([Block(block) for block in net._blocks])
        self.head = _pointwise(net._conv_head, net._bn1)

    def forward(self, pixel_values: Tensor) -> Tensor:
        x = _relu6(self.stem(pixel_values)).permute(0, 2, 3, 1)
        for block in self.blocks:
            x = block(x)
        return _relu6(self.head(x))


class Block(nn.Module):
    """Widen, look at neighbours channel by channel, narrow: float[n, rows, columns, channels], channels last."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        widens = hasattr(block, "_expand_conv")
        self.expand = _pointwise(block._expand_conv, block._bn0) if widens else None
        self.depthwise = _spatial(block._depthwise_conv, block._bn1)
        self.project = _pointwise(block._project_conv, block._bn2)
        about = block._block_args
        self.skips = bool(block.id_skip and about.stride == 1 and about.input_filters == about.output_filters)

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else _relu6(self.expand(x))
        y = _relu6(self.depthwise(y.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        y = self.project(y)
        return y + x if self.skips else y


def _relu6(x: Tensor) -> Tensor:
    return F.hardtanh(x, 0.0, 6.0, inplace=True)


def _pointwise(convolution: Any, norm: Any) -> nn.Linear:
    fused = fuse_conv_bn_eval(convolution, norm)
    layer = nn.Linear(fused.in_channels, fused.out_channels)
    with torch.no_grad():
        layer.weight.copy_(fused.weight.flatten(1))
        layer.bias.copy_(fused.bias)
    return layer


def _spatial(convolution: Any, norm: Any) -> nn.Conv2d:
    fused = fuse_conv_bn_eval(convolution, norm)
    left, right, top, bottom = tuple(getattr(convolution.static_padding, "padding", (0, 0, 0, 0)))
    more = right - left  # 0 or 1; alike in both directions, as kernels and maps are square
    assert (left, right) == (top, bottom)
    kernel = fused.kernel_size[0] + more
    layer = nn.Conv2d(
        fused.in_channels, fused.out_channels, kernel, fused.stride, padding=right, groups=convolution.groups
    )
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.copy_(F.pad(fused.weight, (more, 0, more, 0)))
        layer.bias.copy_(fused.bias)
    return layer
