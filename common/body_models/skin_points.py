"""Joints that lie on the skin: vertices, facial landmarks, and a contour that follows the turn of the head."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

LARGEST_YAW = 39  # degrees: the contour table has a row a degree, 0 to 39 first, then -1 to -39


class Points(NamedTuple):
    """Points by the three vertices around each and their weights, (..., 3) both."""

    corners: np.ndarray
    weights: np.ndarray

    @classmethod
    def at_vertices(cls, vertices: tuple[int, ...]) -> Points:
        """Points that are vertices."""
        return cls(np.repeat(np.array(vertices)[:, None], 3, 1), np.tile([1.0, 0.0, 0.0], (len(vertices), 1)))

    @classmethod
    def on_faces(cls, faces: np.ndarray, chosen: np.ndarray, weights: np.ndarray) -> Points:
        """Points in the chosen faces, by their barycentric coordinates."""
        return cls(faces[chosen.astype(np.int64)], weights)

    def and_then(self, other: Points) -> Points:
        """These points, then others."""
        return Points(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


class SkinPoints(nn.Module):
    """Reads points off posed meshes; the contour's faces are looked up by the yaw of the neck."""

    corners: Tensor  # (N, 3) vertices
    weights: Tensor  # (N, 3)
    contour_corners: Tensor  # (79, 17, 3) a row a degree of yaw
    contour_weights: Tensor

    def __init__(
        self,
        points: Points,
        contour: Points | None = None,
        neck: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.neck = neck
        self._constants("", points, dtype)
        if contour is not None:
            self._constants("contour_", contour, dtype)

    def _constants(self, prefix: str, points: Points, dtype: torch.dtype) -> None:
        self.register_buffer(
            prefix + "corners", torch.tensor(points.corners, dtype=torch.int64), persistent=False
        )
        self.register_buffer(prefix + "weights", torch.tensor(points.weights, dtype=dtype), persistent=False)

    def forward(self, vertices: Tensor, rotations: Tensor) -> Tensor:
        """(B, V, 3) posed vertices, (B, P, 3, 3) the joints' turns in space -> (B, N, 3) or (B, N + 17, 3)."""
        fixed = (vertices[:, self.corners] * self.weights[..., None]).sum(2)
        if self.neck is None:
            return fixed
        row = contour_row(rotations[:, self.neck])
        corners = self.contour_corners[row]  # (B, 17, 3)
        picked = vertices.gather(1, corners.flatten(1)[..., None].expand(-1, -1, 3)).unflatten(1, (-1, 3))
        return torch.cat([fixed, (picked * self.contour_weights[row][..., None]).sum(2)], 1)


def contour_row(neck: Tensor) -> Tensor:
    """(B, 3, 3) the neck's turn in space -> (B,) a row of the contour table.

    Published: one side goes in whole degrees up to 39, the other up to -39; beyond stays the last row.
    """
    yaw = torch.atan2(neck[:, 2, 0], torch.hypot(neck[:, 0, 0], neck[:, 1, 0])) * (180 / math.pi)
    degrees = yaw.detach().clamp(-LARGEST_YAW, LARGEST_YAW).round().long()
    return torch.where(degrees < 0, LARGEST_YAW - degrees, degrees)
