"""Convolutions with their normalization folded in, as published inference weights come."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Shrinking(nn.Conv2d):
    """A convolution that halves an even size; as published, padded more on the far side than on the near."""

    def __init__(self, channels: int, out: int, kernel: int, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride=2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        less, more = (self.kernel_size[0] - 2) // 2, (self.kernel_size[0] - 1) // 2
        return super().forward(F.pad(x, (less, more, less, more)))


def convolution(
    channels: int,
    out: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    depthwise: bool = False,
    activation: nn.Module | None = None,
    far: bool = False,
) -> nn.Sequential:
    """A padded convolution and what follows it; the weights are always called `0.weight` and `0.bias`.

    With `far`, one of stride 2 is padded as `Shrinking` is, else alike on all sides.
    """
    groups = channels if depthwise else 1
    layer = (
        Shrinking(channels, out, kernel, groups)
        if far and stride == 2
        else nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups)
    )
    return nn.Sequential(layer) if activation is None else nn.Sequential(layer, activation)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow again (MobileNetV2); added to its input where the channels allow.

    Where it shrinks, the input is pooled before it is added.
    """

    def __init__(
        self, channels: int, wide: int, out: int, kernel: int, stride: int, far: bool = False
    ) -> None:
        super().__init__()
        self.stride, self.adds = stride, channels == out
        self.expand = convolution(channels, wide, activation=nn.ReLU6())
        self.filter = convolution(wide, wide, kernel, stride, depthwise=True, activation=nn.ReLU6(), far=far)
        self.project = convolution(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.filter(self.expand(x)))
        if not self.adds:
            return y
        return y + (F.max_pool2d(x, 2) if self.stride == 2 else x)


def anchors(size: int, levels: Sequence[tuple[int, int]]) -> Tensor:
    """The centers of a single-shot detector's anchors (N, 2), in pixels of a square picture.

    `levels` are strides, and how many anchors each cell of that size has.
    """
    centers = []
    for stride, count in levels:
        line = (torch.arange(size // stride) + 0.5) * stride
        y, x = torch.meshgrid(line, line, indexing="ij")
        centers.append(torch.stack([x, y], -1).reshape(-1, 1, 2).expand(-1, count, 2).reshape(-1, 2))
    return torch.cat(centers)
