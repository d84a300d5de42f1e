"""Features read off a map at points and in boxes; both counted in cells from the center of the first one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample
from torchvision.ops import roi_align


def at_points(features: Tensor, points: Tensor) -> Tensor:
    """(B, C, H, W), points (B, J, 2) -> (B, J, C), interpolated; zero outside the map."""
    height, width = features.shape[-2:]
    grid = points * points.new_tensor([2 / (width - 1), 2 / (height - 1)]) - 1
    return grid_sample(features, grid[:, :, None].to(features.dtype), align_corners=True).squeeze(-1).mT


def in_boxes(features: Tensor, boxes: Tensor, size: int) -> Tensor:
    """(B, C, H, W), boxes (B, N, 4) x0 y0 x1 y1 -> (N * B, C, size, size): all first boxes, then all second...

    RoIAlign (He et al. 2017). Published: a box's corner is not shifted by half a cell, sides below one cell
    count as one, and a bin averages as many points each way as it is cells wide.
    """
    batch, count = boxes.shape[:2]
    place = torch.arange(batch, device=boxes.device).repeat(count).to(boxes.dtype)
    rows = torch.cat([place[:, None], boxes.transpose(0, 1).flatten(0, 1)], 1)
    return roi_align(features.float(), rows, size, sampling_ratio=0, aligned=False)
