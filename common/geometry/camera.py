"""Weak-perspective and perspective projection, focal lengths, and where a body stands before a camera."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

ASSUMED_FIELD_OF_VIEW = math.radians(
    55
)  # over a picture's longer side: a 35 mm lens, between phones and portraits
DIAGONAL_35MM = math.hypot(36, 24)  # of the film that "35 mm equivalent" speaks of


def perspective(points: Tensor, focal: Tensor, center: Tensor, epsilon: float = 0.0) -> Tensor:
    """(B, N, 3) camera points, (B, 2) focal lengths, (B, 2) principal points -> (B, N, 2) pixels.

    `epsilon` is added to the depth before dividing (published: 1e-4).
    """
    flat = points[..., :2] / (points[..., 2:] + epsilon)
    return flat * focal[:, None] + center[:, None]


def weak_perspective(points: Tensor, scale: Tensor, shift: Tensor, size: Tensor) -> Tensor:
    """(B, N, 3) points, (B,) scale, (B, 2) shift in meters, (B, 2) width and height -> (B, N, 2) pixels.

    Published (the SPIN family, SMPLer, PyMAF-X, STRAPS): -1 to 1 spans the picture from 0 to `size`, as their
    labels do (2 x / size - 1). With pixel centers at whole numbers the view's own middle is (size - 1) / 2:
    these pixels are half a pixel off within the view, but labels are as much, so nothing is lost between
    the two, nor in the full picture, where the crop takes both back alike.
    """
    flat = scale[:, None, None] * (points[..., :2] + shift[:, None])
    return (flat + 1) / 2 * size[:, None]


def rays(pixels: Tensor, focal: Tensor, center: Tensor) -> Tensor:
    """(B, N, 2) pixels -> (B, N, 3) what they look at, at depth 1."""
    flat = (pixels - center[:, None]) / focal[:, None]
    return torch.cat([flat, torch.ones_like(flat[..., :1])], -1)


def rotation_towards(ray: Tensor) -> Tensor:
    """(..., 3) a ray of positive depth -> (..., 3, 3) the least rotation that turns the optical axis to it.

    A body in the frame of a camera that looks along `ray` is in the picture's own frame after this rotation.
    """
    x, y, z = normalize(ray, dim=-1).unbind(-1)
    share = 1 / (1 + z)
    return torch.stack(
        [1 - x * x * share, -x * y * share, x, -x * y * share, 1 - y * y * share, y, -x, -y, z], -1
    ).unflatten(-1, (3, 3))


def focal_from_field_of_view(angle: float, length: float) -> float:
    """The focal length in pixels of a lens that sees `angle` radians over `length` pixels."""
    return length / 2 / math.tan(angle / 2)


def focal_from_35mm(focal_mm: float, width: float, height: float) -> float:
    """The focal length in pixels from a "35 mm equivalent" as EXIF data give it: by the diagonal."""
    return focal_mm * math.hypot(width, height) / DIAGONAL_35MM


def assumed_intrinsics(
    width: float, height: float, focal: float | None = None, field_of_view: float = ASSUMED_FIELD_OF_VIEW
) -> Tensor:
    """(3, 3) for a picture of which nobody said more: seen through its middle, 55 degrees wide.

    The field of view spans the longer side, unless a focal length in pixels is given. Raises ValueError where
    the picture has no size.
    """
    if min(width, height) <= 0:
        raise ValueError(
            f"A picture of {width} x {height} pixels has no camera; give its true width and height."
        )
    focal = focal or focal_from_field_of_view(field_of_view, max(width, height))
    return torch.tensor(
        [[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]], dtype=torch.float32
    )


def solve_translation(
    points: Tensor,
    pixels: Tensor,
    confidence: Tensor,
    focal: Tensor,
    center: Tensor,
    fallback_depth: float = 10.0,
) -> Tensor:
    """The translation that puts points over their pixels, by weighted linear least squares.

    points (B, N, 3), pixels (B, N, 2), confidence (B, N), focal (B, 2), center (B, 2) -> (B, 3). The
    equations are those of SPIN: f (X + t_x) = (u - c) (Z + t_z), each weighted by its confidence. t_x and
    t_y are eliminated first, which keeps float32 sound for far bodies. Where fewer than two distinct pixels
    count, nothing tells the depth: `fallback_depth` is taken. A negative depth is possible where the pixels
    contradict the points.
    """
    flat = (pixels - center[:, None]) / focal[:, None]  # (B, N, 2)
    weight = confidence[..., None]
    total = weight.sum(1, keepdim=True)
    share = weight / torch.where(total > 0, total, torch.ones_like(total))
    offset = flat * points[..., 2:] - points[..., :2]  # t_xy = offset + flat * t_z, were all exact
    mean_flat = (share * flat).sum(1)
    mean_offset = (share * offset).sum(1)
    spread = (flat - mean_flat[:, None]) * focal[:, None]
    pull = (offset - mean_offset[:, None]) * focal[:, None]
    denominator = (share * spread * spread).sum((1, 2))
    seen = denominator > 1e-10 * focal.square().sum(-1)  # apart by a hundred-thousandth of the focal length
    depth = -(share * spread * pull).sum((1, 2)) / torch.where(
        seen, denominator, torch.ones_like(denominator)
    )
    depth = torch.where(seen, depth, torch.full_like(depth, fallback_depth))
    return torch.cat([mean_offset + mean_flat * depth[:, None], depth[:, None]], -1)
