"""Convolutions with their normalization folded in, as published inference weights come."""

from __future__ import annotations

from torch import Tensor, nn


def convolution(
    channels: int,
    out: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    depthwise: bool = False,
    activation: nn.Module | None = None,
) -> nn.Sequential:
    """A padded convolution and what follows it; the weights are always called `0.weight` and `0.bias`."""
    groups = channels if depthwise else 1
    layer = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups)
    return nn.Sequential(layer) if activation is None else nn.Sequential(layer, activation)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow again (MobileNetV2); added to its input where the shapes allow."""

    def __init__(self, channels: int, wide: int, out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.adds = stride == 1 and channels == out
        self.expand = convolution(channels, wide, activation=nn.ReLU6())
        self.filter = convolution(wide, wide, kernel, stride, depthwise=True, activation=nn.ReLU6())
        self.project = convolution(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.filter(self.expand(x)))
        return x + y if self.adds else y
