"""NanoDet's network: a picture of any size in, a score and a box per cell of three grids out."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demo.detectors.layers import convolution

STRIDES = (8, 16, 32)
BINS = 11  # a side's distance is the mean of a distribution over 0..10 strides


class Candidates(NamedTuple):
    """One for each cell of the three grids, in picture pixels, 0 being the left or upper edge."""

    scores: Tensor  # (B, N) probability that it is a person
    boxes: Tensor  # (B, N, 4) x0, y0, x1, y1


def _convolution(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return convolution(channels, out, 3, stride, activation=nn.LeakyReLU(0.1))


class Pair(nn.Module):
    """Two convolutions, the results of both side by side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels // 2)
        self.second = _convolution(channels // 2, channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        return torch.cat([self.second(first), first], 1)


class Stage(nn.Module):
    """A cross-stage partial block (Wang et al., 2020): (B, C, H, W) -> (B, 2 C, H / stride, W / stride)."""

    def __init__(self, channels: int, pairs: int, stride: int) -> None:
        super().__init__()
        self.start = _convolution(channels, channels, stride)
        self.pairs = nn.Sequential(*(Pair(channels) for _ in range(pairs)))
        self.end = _convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)
        return torch.cat([self.end(self.pairs(x)), x], 1)


class NanoDetNetwork(nn.Module):
    """NanoDet-g (RangiLyu, 2021), its 80 COCO classes cut down to the first, the person."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(3, 32, 2)
        self.stages = nn.ModuleList([Stage(32, 1, 1), Stage(64, 2, 2), Stage(128, 2, 2), Stage(256, 3, 2)])
        self.laterals = nn.ModuleList(convolution(channels, 128) for channels in (128, 256, 512))
        self.heads = nn.ModuleList(
            nn.Sequential(_convolution(128, 128), convolution(128, 1 + 4 * BINS)) for _ in STRIDES
        )

    def forward(self, pictures: Tensor) -> Candidates:
        """(B, 3, H, W) RGB, normalized as ImageNet; H and W are multiples of 32."""
        x = F.max_pool2d(self.stem(pictures), 3, 2, 1)
        seen = []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        levels = self._aggregate([lateral(x) for lateral, x in zip(self.laterals, seen[1:], strict=True)])
        found = [
            self._decode(head(x), stride) for head, x, stride in zip(self.heads, levels, STRIDES, strict=True)
        ]
        return Candidates(torch.cat([f.scores for f in found], 1), torch.cat([f.boxes for f in found], 1))

    @staticmethod
    def _aggregate(levels: list[Tensor]) -> list[Tensor]:
        """Down to the finest level and up again (PANet, Liu et al., 2018), with sums alone."""
        fine, middle, coarse = levels
        middle = middle + _resized(coarse, 2.0)
        fine = fine + _resized(middle, 2.0)
        middle = middle + _resized(fine, 0.5)
        return [fine, middle, coarse + _resized(middle, 0.5)]

    @staticmethod
    def _decode(x: Tensor, stride: int) -> Candidates:
        height, width = x.shape[2:]
        x = x.flatten(2).mT
        bins = torch.arange(BINS, dtype=x.dtype, device=x.device) * stride
        left, top, right, bottom = (x[..., 1:].unflatten(-1, (4, BINS)).softmax(-1) @ bins).unbind(-1)
        row = (torch.arange(height, device=x.device) + 0.5) * stride
        column = (torch.arange(width, device=x.device) + 0.5) * stride
        y, x_ = (grid.flatten() for grid in torch.meshgrid(row, column, indexing="ij"))
        boxes = torch.stack([x_ - left, y - top, x_ + right, y + bottom], -1)
        return Candidates(torch.sigmoid(x[..., 0]), boxes)


def _resized(x: Tensor, scale: float) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
