"""Rotations from one direction to another, and about an axis."""

from __future__ import annotations

import torch
from torch import Tensor

from common.geometry.rotation import matrix_from_axis_angle


def unit(direction: Tensor) -> Tensor:
    """(..., 3) -> (..., 3) of length one."""
    return direction / direction.norm(dim=-1, keepdim=True).clamp_min(1e-9)


def turned(rotation: Tensor, direction: Tensor) -> Tensor:
    """(..., 3, 3), (..., 3) -> (..., 3)."""
    return (rotation @ direction[..., None])[..., 0]


def about(axis: Tensor, angle: Tensor) -> Tensor:
    """(..., 3), (...) radians -> (..., 3, 3)."""
    return matrix_from_axis_angle(unit(axis) * angle[..., None])


def between(start: Tensor, end: Tensor, share: float = 1.0) -> Tensor:
    """(..., 3), (..., 3) -> (..., 3, 3): the shortest turn from one to the other, or a share of it."""
    start, end = torch.broadcast_tensors(unit(start), unit(end))
    axis = torch.linalg.cross(start, end)
    angle = torch.atan2(axis.norm(dim=-1), (start * end).sum(-1))
    return about(axis, share * angle)


def angle_about(axis: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """(..., 3) each -> (...) the radians by which `start` turns about `axis` to face as `end` does."""
    axis = unit(axis)
    start, end = (unit(v - (v * axis).sum(-1, keepdim=True) * axis) for v in (start, end))
    return torch.atan2((torch.linalg.cross(start, end) * axis).sum(-1), (start * end).sum(-1))
