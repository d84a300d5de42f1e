"""Both hands from their boxes, by one network that only knows right hands: the left one is mirrored."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.geometry.rotation import axis_angle_from_6d
from common.networks.heads.features import PartFeatures, PyramidFeatures
from common.networks.heads.keypoint_decoder import WIDTH, KeypointDecoder
from common.networks.heads.positions import PositionHead, QueryHead, joined, pointwise
from common.networks.layers.precision import in_float32
from common.networks.layers.sampling import at_points

KEYPOINTS, TURNS = 20, 15
CELLS = 16  # of a hand's volume, each way


class Hands(nn.Module):
    """Positions in a hand's box, then the pose from features read there."""

    def __init__(self, width: int, features: int = 512) -> None:
        super().__init__()
        self.roi_net = PartFeatures(width, CELLS)
        self.position_net = PositionHead(width, KEYPOINTS, CELLS)
        self.regressor = HandRegressor(pointwise(width, features), features)

    def forward(self, features: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Encoder features (B, C, 16, 12), boxes (B, 2, 4) in its cells -> left and right hand:
        positions (B, 2, 20, 3) in cells of their box's 16 x 16 x 16, axis-angles (B, 2, 15, 3) from the
        mean hand.
        """
        right = as_right(self.roi_net(features, boxes))
        positions, _ = self.position_net(right)
        return as_they_are(positions, self.regressor.at(right, positions))


class DecodedHands(nn.Module):
    """Positions in a hand's box, refined by a decoder that looks at features of several scales."""

    def __init__(self, width: int, features: int = 512) -> None:
        super().__init__()
        self.roi_net = PyramidFeatures(width, CELLS // 2)
        self.position_net = QueryHead(width // 2, KEYPOINTS, CELLS, WIDTH)
        self.decoder = KeypointDecoder(KEYPOINTS, self.roi_net.channels, self.roi_net.sizes)
        self.regressor = HandRegressor(nn.Sequential(nn.Linear(WIDTH, features)), features)

    def forward(self, features: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """As Hands."""
        right = [as_right(one) for one in self.roi_net(features, boxes)]
        positions, queries = self.position_net(right[1])
        tokens = self.decoder(queries, positions[..., :2].detach() / CELLS, *right)
        return as_they_are(positions, self.regressor(tokens, positions))


class HandRegressor(nn.Module):
    """A hand's pose from its key points' features and places."""

    def __init__(self, hand_conv: nn.Sequential, features: int) -> None:
        """`hand_conv` makes so many features of each point, or of each cell of a map."""
        super().__init__()
        self.hand_conv = hand_conv
        self.hand_pose_out = nn.Linear(KEYPOINTS * (features + 3), TURNS * 6)

    @in_float32
    def forward(self, points: Tensor, positions: Tensor) -> Tensor:
        """(B, 20, C), positions (B, 20, 3) -> (B, 15, 6) turns in the 6D form."""
        return self.hand_pose_out(joined(self.hand_conv(points), positions)).unflatten(-1, (TURNS, 6))

    @in_float32
    def at(self, features: Tensor, positions: Tensor) -> Tensor:
        """The same, the features read off a map (B, C, H, W)."""
        points = at_points(self.hand_conv(features), positions[..., :2].detach())
        return self.hand_pose_out(joined(points, positions)).unflatten(-1, (TURNS, 6))


def as_right(maps: Tensor) -> Tensor:
    """(2 * B, C, S, S): the left hands come first, and are flipped."""
    left, right = maps.chunk(2)
    return torch.cat([left.flip(-1), right])


def as_they_are(positions: Tensor, turns: Tensor) -> tuple[Tensor, Tensor]:
    """What was said of right hands, mirrored left hands first: (2 * B, 20, 3), 6D (2 * B, 15, 6)
    -> of left and right hands: (B, 2, 20, 3), axis-angle (B, 2, 15, 3).
    """
    left, right = positions.chunk(2)
    x, rest = left[..., :1], left[..., 1:]
    left_pose, right_pose = axis_angle_from_6d(turns).chunk(2)
    mirror = turns.new_tensor([1.0, -1.0, -1.0])
    places = torch.stack([torch.cat([CELLS - 1 - x, rest], -1), right], 1)
    return places, torch.stack([left_pose * mirror, right_pose], 1)
