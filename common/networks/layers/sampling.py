"""Features read off a map at points and in boxes; both counted in cells from the center of the first one."""

from __future__ import annotations

import torch
from torch import Tensor


def at_points(features: Tensor, points: Tensor) -> Tensor:
    """(B, C, H, W), points (B, J, 2) -> (B, J, C): interpolated among four cells, zero outside the map."""
    height, width = features.shape[-2:]
    x, along = around(points[..., 0], width)
    y, down = around(points[..., 1], height)
    places = (y[..., :, None] * width + x[..., None, :]).flatten(2).long()
    shares = (down[..., :, None] * along[..., None, :]).flatten(2)
    sample = torch.arange(len(features), device=features.device)[:, None, None]
    return (features.flatten(2).mT[sample, places] * shares[..., None]).sum(2)


def around(place: Tensor, size: Tensor | int) -> tuple[Tensor, Tensor]:
    """A coordinate in cells -> the cells (..., 2) on both sides of it, and how much of each is there.

    Cells outside of a map of that size have no share; the nearest inside is named in their stead.
    """
    low = place.detach().floor()
    part = place - low
    cells = torch.stack([low, low + 1], -1)
    last = size[..., None] - 1 if isinstance(size, Tensor) else cells.new_tensor(size - 1)
    inside = cells.clamp(min=0).minimum(last)
    return inside, torch.stack([1 - part, part], -1) * (cells == inside)


def in_boxes(features: Tensor, boxes: Tensor, size: int) -> Tensor:
    """(B, C, H, W), boxes (B, N, 4) x0 y0 x1 y1 -> (N * B, C, size, size): all first boxes, then all second.

    RoIAlign (He et al. 2017). Published: a box's corner is not shifted by half a cell, sides below one cell
    count as one, and a bin averages as many points each way as it is cells wide.
    """
    from torchvision.ops import roi_align  # 160 MB that building and loading a network need not hold

    batch, count = boxes.shape[:2]
    place = torch.arange(batch, device=boxes.device).repeat(count).to(boxes.dtype)
    rows = torch.cat([place[:, None], boxes.transpose(0, 1).flatten(0, 1)], 1)
    return roi_align(features.float(), rows, size, sampling_ratio=0, aligned=False)
