"""Where joints are in a part's own volume: the heads that say it, and what later heads read there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.networks.layers.linear import Pointwise
from common.networks.layers.precision import in_float32
from common.networks.layers.sampling import at_points
from common.networks.layers.soft_argmax import soft_argmax


class PositionHead(nn.Module):
    """A volume of scores for each joint, and the place it points to (Sun et al. 2018)."""

    def __init__(self, channels: int, joints: int, depth: int) -> None:
        super().__init__()
        self.joints = joints
        self.conv = Pointwise(channels, joints * depth)

    @in_float32
    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) -> positions (B, J, 3) x, y, z in cells, probabilities (B, J, D, H, W)."""
        return soft_argmax(self.conv(features).unflatten(1, (self.joints, -1)))


class QueryHead(PositionHead):
    """Positions, and features read there: the first queries of a decoder."""

    def __init__(self, channels: int, joints: int, depth: int, width: int) -> None:
        super().__init__(channels, joints, depth)
        self.features = pointwise(channels, width)

    @in_float32
    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) -> positions (B, J, 3) in cells, queries (B, J, width)."""
        positions, _ = soft_argmax(self.conv(features).unflatten(1, (self.joints, -1)))
        return positions, at_points(self.features(features), positions[..., :2].detach())


def pointwise(inputs: int, outputs: int) -> nn.Sequential:
    """A 1 x 1 convolution with batch norm and ReLU."""
    return nn.Sequential(Pointwise(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU())


def joined(features: Tensor, positions: Tensor) -> Tensor:
    """(B, J, C), (B, J, 3) -> (B, J * (C + 3)): each joint's features, then its place without gradient."""
    return torch.cat([features, positions.detach()], -1).flatten(1)
