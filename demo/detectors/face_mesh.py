"""MediaPipe's face mesh: a square crop of one face in, 468 points of it out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from demo.detectors.blaze_block import BlazeBlock, blocks
from demo.detectors.layers import Shrinking

SIZE = 192  # pixels, the side of the crop
POINTS = 468


class Reading(NamedTuple):
    """What the network says about a batch of crops."""

    points: Tensor  # (B, 468, 3) x, y in crop pixels (0 is the left or upper edge), z likewise scaled
    is_face: Tensor  # (B,) probability that there is a face


class Branch(nn.Module):
    """From features of stride 32 to numbers: narrowed, refined once, then all of the picture at once."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(128, 32, 1), nn.PReLU(32))
        self.refine = BlazeBlock(32, 32, 3)
        self.out = nn.Conv2d(32, out, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.refine(self.narrow(x))).flatten(1)


class FaceNetwork(nn.Module):
    """The face mesh without attention (Kartynnik et al., 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Sequential(Shrinking(3, 16, 3), nn.PReLU(16), *blocks(16, 3, 2)),
            nn.Sequential(BlazeBlock(16, 32, 3, 2), *blocks(32, 3, 2)),
            nn.Sequential(BlazeBlock(32, 64, 3, 2), *blocks(64, 3, 2)),
            nn.Sequential(BlazeBlock(64, 128, 3, 2), *blocks(128, 3, 2)),
            nn.Sequential(BlazeBlock(128, 128, 3, 2), *blocks(128, 3, 2)),
        )
        self.to_points = nn.Sequential(BlazeBlock(128, 128, 3, 2), *blocks(128, 3, 2), Branch(3 * POINTS))
        self.to_face = nn.Sequential(BlazeBlock(128, 128, 3, 2), Branch(1))

    def forward(self, pictures: Tensor) -> Reading:
        """(B, 3, 192, 192) RGB in 0..1."""
        x = self.trunk(pictures)
        return Reading(self.to_points(x).view(-1, POINTS, 3), torch.sigmoid(self.to_face(x)[:, 0]))
