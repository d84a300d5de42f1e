"""The trunk that BlazePose's networks and that of hands share: a MobileNet with features at five strides."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from demo.detectors.layers import InvertedResidual, convolution


class Features(NamedTuple):
    """What the trunk saw, by stride; H and W are the picture's."""

    at_2: Tensor  # (B, 16, H / 2, W / 2)
    at_4: Tensor  # (B, widths[0], H / 4, W / 4)
    at_8: Tensor  # (B, widths[1], H / 8, W / 8)
    at_16: Tensor  # (B, widths[3], H / 16, W / 16)
    at_32: Tensor  # (B, 6 * widths[4], H / 32, W / 32)


class Trunk(nn.Module):
    """`widths`: channels after each of the five stages that follow the stem; `far`: see `convolution`."""

    def __init__(self, widths: tuple[int, int, int, int, int], far: bool = False) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.stem = nn.Sequential(
            convolution(3, 24, 3, 2, activation=nn.ReLU6(), far=far),
            convolution(24, 24, 3, depthwise=True, activation=nn.ReLU6()),
            convolution(24, 16),
        )
        self.to_4 = nn.Sequential(InvertedResidual(16, 64, a, 3, 2, far), InvertedResidual(a, 6 * a, a, 3, 1))
        self.to_8 = nn.Sequential(
            InvertedResidual(a, 6 * a, b, 5, 2, far), InvertedResidual(b, 6 * b, b, 5, 1)
        )
        self.to_16 = nn.Sequential(
            InvertedResidual(b, 6 * b, c, 3, 2, far),
            *(InvertedResidual(c, 6 * c, c, 3, 1) for _ in range(2)),
            InvertedResidual(c, 6 * c, d, 5, 1),
            *(InvertedResidual(d, 6 * d, d, 5, 1) for _ in range(2)),
        )
        self.to_32 = nn.Sequential(
            InvertedResidual(d, 6 * d, e, 5, 2, far),
            *(InvertedResidual(e, 6 * e, e, 5, 1) for _ in range(3)),
            convolution(e, 6 * e, activation=nn.ReLU6()),
            convolution(6 * e, 6 * e, 3, depthwise=True, activation=nn.ReLU6()),
        )

    def forward(self, x: Tensor) -> Features:
        at_2 = self.stem(x)
        at_4 = self.to_4(at_2)
        at_8 = self.to_8(at_4)
        at_16 = self.to_16(at_8)
        return Features(at_2, at_4, at_8, at_16, self.to_32(at_16))
