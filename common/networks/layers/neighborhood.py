"""The cells of a map around points: which they are, and how far from the points."""

from __future__ import annotations

import torch
from torch import Tensor


def neighborhood(points: Tensor, size: tuple[int, int], radius: int) -> tuple[Tensor, Tensor]:
    """(B, J, 2) points in cells of a map of that height and width -> the (2 radius)^2 cells around each.

    Places (B, J, N) in the map row by row, and offsets (B, J, N, 2) of the cells from the point over the
    radius. Cells outside of the map are the nearest inside, at the offset of those. Column by column, and
    one more to the right and below than to the left and above (published by SMPLer).
    """
    height, width = size
    steps = torch.arange(1 - radius, radius + 1, device=points.device, dtype=points.dtype)
    around = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1).flatten(0, 1)
    last = points.new_tensor([width - 1, height - 1])
    cells = (points.detach().floor()[:, :, None] + around).clamp(min=0).minimum(last)
    places = cells[..., 1] * width + cells[..., 0]
    return places.long(), (cells - points[:, :, None]) / radius


def at_places(features: Tensor, places: Tensor) -> Tensor:
    """(B, M, C) features of a map row by row, places (B, J, N) -> (B, J, N, C)."""
    sample = torch.arange(len(features), device=features.device)[:, None, None]
    return features[sample, places]
