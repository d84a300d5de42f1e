"""Where hands and face are: a center and a size for each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.networks.layers.boxes import square_boxes
from common.networks.layers.linear import Pointwise
from common.networks.layers.precision import in_float32
from common.networks.layers.sampling import at_points
from common.networks.layers.soft_argmax import soft_argmax
from common.networks.layers.upsampling import Upsampling

PARTS = ("left_hand", "right_hand", "face")
ENLARGED = (2.0, 2.0, 1.5)
FARTHEST = 100.0  # cells
FINER = 8  # the centers are found on a map so many times as fine


class BoxHead(nn.Module):
    """Part boxes from the encoder's features and the body's heat maps (Hand4Whole: Moon et al. 2022)."""

    def __init__(self, channels: int, width: int = 256) -> None:
        super().__init__()
        self.deconv = Upsampling(channels, width, width, width)
        self.bbox_center = Pointwise(width, len(PARTS))
        self.sizes = nn.ModuleDict(
            {part: nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)) for part in PARTS}
        )
        self.register_buffer("enlarged", torch.tensor(ENLARGED, device="cpu"), persistent=False)

    def forward(self, features: Tensor, volume: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, C, 16, 12), volume (B, J, D, 16, 12) -> centers, sizes (B, 3, 2) each, in their cells.

        Published: nothing keeps a size from being negative.
        """
        volume = volume.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        finer = self.deconv(torch.cat([features, volume.to(features.dtype)], 1))
        centers, _ = soft_argmax(self.bbox_center(finer))
        return centers / FINER, self.measured(at_points(finer, centers.detach()))

    @in_float32
    def measured(self, there: Tensor) -> Tensor:
        """(B, 3, width) the features at the centers -> (B, 3, 2)."""
        pairs = zip(PARTS, there.unbind(1), strict=True)
        return torch.stack([self.sizes[part](one) for part, one in pairs], 1)

    def boxes(self, centers: Tensor, sizes: Tensor) -> Tensor:
        """(B, 3, 4) x0 y0 x1 y1 in those cells: square, with room around the part, without gradient.

        Far outside of the map they end: cutting costs as much as a box is large, and there is nothing.
        """
        return square_boxes(centers, sizes, self.enlarged).detach().clamp(-FARTHEST, FARTHEST)
