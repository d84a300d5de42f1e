"""MediaPipe's hand network: a square crop of one hand in, 21 points of it out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from demo.detectors.blazepose_trunk import Trunk

SIZE = 224  # pixels, the side of the crop
FEATURES = 6 * 112
POINTS = 21  # the root, then four of each finger from the thumb on, the order of COCO-WholeBody


class Reading(NamedTuple):
    """What the network says about a batch of crops."""

    points: Tensor  # (B, 21, 3) x, y in crop pixels (0 is the left or upper edge), z likewise scaled
    is_hand: Tensor  # (B,) probability that there is a hand
    is_right: Tensor  # (B,) probability that it is a right hand, unless the picture is mirrored
    world: Tensor  # (B, 21, 3) meters, about the middle of the hand, axes of the crop


class HandNetwork(nn.Module):
    """The "lite" landmark network of MediaPipe Hands (Zhang et al., 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk((16, 24, 48, 64, 112), far=True)
        self.points = nn.Linear(FEATURES, 3 * POINTS)
        self.is_hand = nn.Linear(FEATURES, 1)
        self.side = nn.Linear(FEATURES, 1)
        self.world = nn.Linear(FEATURES, 3 * POINTS)

    def forward(self, pictures: Tensor) -> Reading:
        """(B, 3, 224, 224) RGB in 0..1."""
        x = self.trunk(pictures).at_32.mean((2, 3))
        return Reading(
            self.points(x).view(-1, POINTS, 3),
            torch.sigmoid(self.is_hand(x)[:, 0]),
            torch.sigmoid(self.side(x)[:, 0]),
            self.world(x).view(-1, POINTS, 3),
        )
