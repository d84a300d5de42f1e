"""MediaPipe's palm detector: a square picture in, a box and seven points per anchor out."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demo.detectors.blaze_block import BlazeBlock, blocks
from demo.detectors.layers import Shrinking, anchors

SIZE = 192  # pixels, the side of the picture
LEVELS = ((8, 2), (16, 6))  # stride, anchors a cell
NUMBERS = 18  # an anchor's: center and size of the box, then seven points
WRIST, MIDDLE_KNUCKLE = 0, 2  # of the points


class Candidates(NamedTuple):
    """One for each of the 2016 anchors, in picture pixels, 0 being the left or upper edge."""

    scores: Tensor  # (B, 2016) probability
    boxes: Tensor  # (B, 2016, 4) x0, y0, x1, y1: of the palm
    points: Tensor  # (B, 2016, 7, 2) wrist, knuckles from index to pinky, root and knuckle of the thumb


class Merge(nn.Module):
    """Coarser features doubled, mixed and added to finer ones, then refined."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(coarse, fine, 1)
        self.activation = nn.PReLU(fine)
        self.refine = nn.Sequential(*blocks(fine, 5, 2))

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        # A 1x1 convolution and an interpolation commute; first the one, on a quarter of the pixels.
        x = F.interpolate(self.coarse(coarse), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.refine(fine + self.activation(x))


class Head(nn.Module):
    """Score and numbers of each anchor at one stride: (B, cells * anchors, 1 and 18)."""

    def __init__(self, channels: int, anchors: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, anchors, 1)
        self.numbers = nn.Conv2d(channels, anchors * NUMBERS, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        score = self.score(x).permute(0, 2, 3, 1).reshape(len(x), -1)
        return score, self.numbers(x).permute(0, 2, 3, 1).reshape(len(x), -1, NUMBERS)


class PalmNetwork(nn.Module):
    """The "full" single-shot detector of MediaPipe Hands (Zhang et al., 2020)."""

    anchors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Shrinking(3, 32, 5), nn.PReLU(32), *blocks(32, 5, 4))
        self.to_4 = nn.Sequential(BlazeBlock(32, 64, 5, 2), *blocks(64, 5, 4))
        self.to_8 = nn.Sequential(BlazeBlock(64, 128, 5, 2), *blocks(128, 5, 4))
        self.to_16 = nn.Sequential(BlazeBlock(128, 256, 5, 2), *blocks(256, 5, 4))
        self.to_32 = nn.Sequential(BlazeBlock(256, 256, 5, 2), *blocks(256, 5, 4))
        self.at_16, self.at_8 = Merge(256, 256), Merge(256, 128)
        self.heads = nn.ModuleList(
            Head(channels, anchors) for channels, (_, anchors) in zip((128, 256), LEVELS, strict=True)
        )
        self.register_buffer("anchors", anchors(SIZE, LEVELS), persistent=False)

    def forward(self, pictures: Tensor) -> Candidates:
        """(B, 3, 192, 192) RGB in 0..1."""
        at_8 = self.to_8(self.to_4(self.stem(pictures)))
        at_16 = self.to_16(at_8)
        at_16 = self.at_16(self.to_32(at_16), at_16)
        at_8 = self.at_8(at_16, at_8)
        seen = [head(x) for head, x in zip(self.heads, (at_8, at_16), strict=True)]
        scores = torch.cat([score for score, _ in seen], 1)
        numbers = torch.cat([number for _, number in seen], 1)
        pairs = numbers.reshape(len(pictures), -1, NUMBERS // 2, 2)
        center, size, points = pairs[:, :, 0] + self.anchors, pairs[:, :, 1], pairs[:, :, 2:]
        boxes = torch.cat([center - size / 2, center + size / 2], -1)
        return Candidates(torch.sigmoid(scores), boxes, points + self.anchors[:, None])
