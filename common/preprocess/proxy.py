"""The proxy of a person: a silhouette, then a heat map a joint (Sengupta et al. 2020).

Its pixels are counted from the view's corner, as published: pixel i spans i to i + 1, so points here are half
a pixel more than by the house's own count. A weak-perspective camera speaks the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

STD = 4.0 / 256  # published: deviation of a heat map, in sides of the view
CORNER = 0.5  # from the center of a pixel to its corner


def deviation(side: int) -> float:
    """The deviation of the heat maps of a view, in pixels: 4 at 256, 2 at 128."""
    return STD * side


def proxy(mask: Tensor, points: Tensor, drawn: Tensor, std: float) -> Tensor:
    """(B, h, w) bool, (B, J, 2) points counted from the corner, (B, J) bool -> (B, 1 + J, h, w) float32.

    The heat maps are the published ones: a point is cut to whole pixels towards zero, a kernel of 4 std a
    side laid about it that ends at 2 std; the last row and column stay empty; what is not drawn, or lies
    further out, leaves no trace. Laid out channels-last, as the network takes it.
    """
    count, joints = drawn.shape
    height, width = mask.shape[1:]
    reach = round(2 * std)
    bell = torch.exp(-torch.linspace(-reach, reach, 2 * reach, device=points.device).square() / (2 * std**2))
    drawn = drawn & points.isfinite().all(-1)
    first = torch.where(drawn[..., None], points, 0.0).clamp(-1e6, 1e6).trunc().long() - reach
    column, row = (first[..., None] + torch.arange(2 * reach, device=points.device)).unbind(2)
    values = (bell * ((row >= 0) & (row < height - 1)))[..., :, None]
    values = values * (bell * ((column >= 0) & (column < width - 1)) * drawn[..., None])[..., None, :]
    place = row.clamp(0, height - 1)[..., :, None] * width + column.clamp(0, width - 1)[..., None, :]
    channel = torch.arange(1, 1 + joints, device=points.device)[:, None, None]
    picture = points.new_zeros(count, height * width, 1 + joints)
    picture[..., 0] = mask.flatten(1)
    # clamped places are met again by values of zero: the sum is the one value that counts
    picture.flatten(1).scatter_add_(1, (place * (1 + joints) + channel).flatten(1), values.flatten(1))
    return picture.unflatten(1, (height, width)).permute(0, 3, 1, 2)
