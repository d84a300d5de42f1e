"""BlazePose's person detector: a square picture in, a box and four alignment points per anchor out."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demo.detectors.blazepose_trunk import Trunk
from demo.detectors.layers import anchors, convolution

SIZE = 224  # pixels, the side of the picture
LEVELS = ((8, 2), (16, 2), (32, 6))  # stride, anchors a cell
NUMBERS = 12  # an anchor's: center and size of the box, then four points


class Candidates(NamedTuple):
    """One for each of the 2254 anchors, in picture pixels, 0 being the left or upper edge."""

    scores: Tensor  # (B, 2254) probability
    boxes: Tensor  # (B, 2254, 4) x0, y0, x1, y1: of the head
    points: Tensor  # (B, 2254, 4, 2) middle of the hips, top of the circle around the body, two of the torso


class Refine(nn.Module):
    """A residual separable convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.filter = convolution(channels, channels, 3, depthwise=True)
        self.mix = convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x + self.mix(self.filter(x)))


class Merge(nn.Module):
    """Coarser features doubled and added to finer ones, then refined twice."""

    def __init__(self, coarse: int, fine: int, out: int) -> None:
        super().__init__()
        self.coarse = convolution(coarse, out)
        self.fine = nn.Sequential(
            convolution(fine, fine, 3, depthwise=True), convolution(fine, out, activation=nn.ReLU6())
        )
        self.refine = nn.Sequential(Refine(out), Refine(out))

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        # A 1x1 convolution and an interpolation commute; first the one, on a quarter of the pixels.
        x = F.interpolate(self.coarse(coarse), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.refine(F.relu6(x) + self.fine(fine))


def _unfold(x: Tensor) -> Tensor:
    """(B, 4 C, H, W) -> (B, C, 2 H, 2 W), the place in the 2x2 block being the slower part of the channel."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, 4, channels // 4, height, width).transpose(1, 2)
    return F.pixel_shuffle(x.reshape(batch, channels, height, width), 2)


class Head(nn.Module):
    """Score and numbers of each anchor at one stride: (B, cells * anchors, 1 and 12)."""

    def __init__(self, channels: int, anchors: int) -> None:
        super().__init__()
        thin = channels // 4
        self.score = nn.Sequential(convolution(thin, thin, 3, 2, depthwise=True), convolution(thin, anchors))
        self.numbers = nn.Sequential(
            convolution(thin, thin, 3, 2, depthwise=True), convolution(thin, NUMBERS * anchors)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = _unfold(x)
        score = self.score(x).permute(0, 2, 3, 1).reshape(len(x), -1)
        return score, self.numbers(x).permute(0, 2, 3, 1).reshape(len(x), -1, NUMBERS)


class DetectorNetwork(nn.Module):
    """BlazePose's single-shot detector; it knows a person by the head, and says where the body is."""

    anchors: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = (24, 40, 80, 112, 192)
        self.trunk = Trunk(widths)
        self.to_16 = Merge(6 * widths[4], widths[3], 192)
        self.to_8 = Merge(192, widths[1], 96)
        self.heads = nn.ModuleList(
            Head(channels, anchors)
            for channels, (_, anchors) in zip((96, 192, 6 * widths[4]), LEVELS, strict=True)
        )
        self.register_buffer("anchors", anchors(SIZE, LEVELS), persistent=False)

    def forward(self, pictures: Tensor) -> Candidates:
        """(B, 3, 224, 224) RGB in -1..1."""
        features = self.trunk(pictures)
        at_16 = self.to_16(features.at_32, features.at_16)
        at_8 = self.to_8(at_16, features.at_8)
        scores, numbers = zip(
            *(head(x) for head, x in zip(self.heads, (at_8, at_16, features.at_32), strict=True)), strict=True
        )
        pairs = torch.cat(numbers, 1).reshape(len(pictures), -1, NUMBERS // 2, 2)
        center, size, points = pairs[:, :, 0] + self.anchors, pairs[:, :, 1], pairs[:, :, 2:]
        boxes = torch.cat([center - size / 2, center + size / 2], -1)
        return Candidates(torch.sigmoid(torch.cat(scores, 1)), boxes, points + self.anchors[:, None])
