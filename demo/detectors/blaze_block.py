"""BlazeFace's building block (Bazarevsky et al., 2019): palm detector and face mesh are made of it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from demo.detectors.layers import Shrinking


class BlazeBlock(nn.Module):
    """Filter each channel, mix them, add what came in: (B, C, H, W) -> (B, out, H / stride, W / stride).

    Where the block shrinks or widens, what came in is pooled, and followed by channels of zeros.
    """

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.wider = stride, out - channels
        self.filter = (
            Shrinking(channels, channels, kernel, groups=channels)
            if stride == 2
            else nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        )
        self.mix = nn.Conv2d(channels, out, 1)
        self.activation = nn.PReLU(out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(self.filter(x))
        x = F.max_pool2d(x, 2) if self.stride == 2 else x
        return self.activation(y + F.pad(x, (0, 0, 0, 0, 0, self.wider)))


def blocks(channels: int, kernel: int, count: int) -> list[nn.Module]:
    """So many blocks that keep size and channels."""
    return [BlazeBlock(channels, channels, kernel) for _ in range(count)]
