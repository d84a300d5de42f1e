"""Conversions between rotation matrices, axis-angle, unit quaternions (w, x, y, z) and the 6D form."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def matrix_from_axis_angle(axis_angle: Tensor) -> Tensor:
    """(..., 3) radians times unit axis -> (..., 3, 3), by Rodrigues' formula; exact and smooth at zero."""
    squared = (axis_angle * axis_angle).sum(-1, keepdim=True)[..., None]
    small = squared < 1e-4 if axis_angle.dtype == torch.float64 else squared < 1e-3
    safe = torch.where(small, torch.ones_like(squared), squared)
    angle = safe.sqrt()
    # Taylor series up to the eighth power of the angle: below the rounding of either precision here
    sine_series = 1 - squared / 6 * (1 - squared / 20 * (1 - squared / 42 * (1 - squared / 72)))
    cosine_series = 0.5 - squared / 24 * (1 - squared / 30 * (1 - squared / 56 * (1 - squared / 90)))
    sine_part = torch.where(small, sine_series, angle.sin() / angle)
    cosine_part = torch.where(small, cosine_series, (1 - angle.cos()) / safe)
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return identity + sine_part * skew + cosine_part * (skew @ skew)


def quaternion_from_matrix(matrix: Tensor) -> Tensor:
    """(..., 3, 3) -> (..., 4) unit quaternion (w, x, y, z), w >= 0, by the best conditioned of four ways."""
    m = matrix.flatten(-2).unbind(-1)
    trace = torch.stack([m[0] + m[4] + m[8], m[0] - m[4] - m[8], m[4] - m[0] - m[8], m[8] - m[0] - m[4]], -1)
    best = trace.argmax(-1, keepdim=True)
    candidates = torch.stack(
        [
            torch.stack([1 + trace[..., 0], m[7] - m[5], m[2] - m[6], m[3] - m[1]], -1),
            torch.stack([m[7] - m[5], 1 + trace[..., 1], m[3] + m[1], m[2] + m[6]], -1),
            torch.stack([m[2] - m[6], m[3] + m[1], 1 + trace[..., 2], m[7] + m[5]], -1),
            torch.stack([m[3] - m[1], m[2] + m[6], m[7] + m[5], 1 + trace[..., 3]], -1),
        ],
        -2,
    )
    chosen = candidates.take_along_dim(best[..., None], -2).squeeze(-2)
    chosen = normalize(chosen, dim=-1)
    return torch.where(chosen[..., :1] < 0, -chosen, chosen)


def matrix_from_quaternion(quaternion: Tensor) -> Tensor:
    """(..., 4) quaternion (w, x, y, z), normalised here -> (..., 3, 3)."""
    w, x, y, z = normalize(quaternion, dim=-1).unbind(-1)
    return torch.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ],
        -1,
    ).unflatten(-1, (3, 3))  # fmt: skip


def axis_angle_from_quaternion(quaternion: Tensor) -> Tensor:
    """(..., 4) unit quaternion (w, x, y, z) -> (..., 3) axis-angle of at most pi; smooth at the identity."""
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    w, vector = quaternion[..., :1], quaternion[..., 1:]
    squared = (vector * vector).sum(-1, keepdim=True)
    small = squared < 1e-8 if quaternion.dtype == torch.float64 else squared < 1e-6
    length = torch.where(small, torch.ones_like(squared), squared).sqrt()
    factor = torch.where(small, 2 / w.clamp(min=0.5) * (1 - squared / 3), 2 * torch.atan2(length, w) / length)
    return factor * vector


def quaternion_from_axis_angle(axis_angle: Tensor) -> Tensor:
    """(..., 3) -> (..., 4) unit quaternion (w, x, y, z); smooth at zero."""
    squared = (axis_angle * axis_angle).sum(-1, keepdim=True)
    small = squared < 1e-6
    angle = torch.where(small, torch.ones_like(squared), squared).sqrt()
    sine = torch.where(small, 0.5 - squared / 48, (angle / 2).sin() / angle)
    cosine = torch.where(small, 1 - squared / 8 + squared * squared / 384, (angle / 2).cos())
    return torch.cat([cosine, sine * axis_angle], -1)


def axis_angle_from_matrix(matrix: Tensor) -> Tensor:
    """(..., 3, 3) -> (..., 3) axis-angle of at most pi."""
    return axis_angle_from_quaternion(quaternion_from_matrix(matrix))


def matrix_from_6d(numbers: Tensor) -> Tensor:
    """(..., 6) -> (..., 3, 3), by Gram-Schmidt (Zhou et al., 2019).

    The six numbers are a 3x2 matrix read row by row: the first two columns of the rotation, before they
    are made orthonormal. All five published systems order them so.
    """
    first, second = numbers.unflatten(-1, (3, 2)).unbind(-1)
    x = normalize(first, dim=-1)
    y = normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y, dim=-1)], -1)


def six_d_from_matrix(matrix: Tensor) -> Tensor:
    """(..., 3, 3) -> (..., 6): the first two columns, read row by row."""
    return matrix[..., :2].flatten(-2)


def axis_angle_from_6d(numbers: Tensor) -> Tensor:
    """(..., 6) -> (..., 3) axis-angle of at most pi."""
    return axis_angle_from_matrix(matrix_from_6d(numbers))
