"""Joints that lie on the skin: vertices, facial landmarks, and a contour that follows the head."""

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
    """Reads points off posed meshes; the faces of the contour are looked up by the yaw of a joint."""

    corners: (
        Tensor  # (rows, N * 3) vertices, three a point; a row a degree of yaw from -39 on, or one for all
    )
    weights: Tensor  # (rows, N * 3)

    def __init__(
        self,
        points: Points,
        contour: Points | None = None,
        turning: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`contour` is the official table, (79, 17, 3): 0 to 39 degrees of yaw first, then -1 to -39."""
        super().__init__()
        self.turning = turning
        by_degree = [*range(2 * LARGEST_YAW, LARGEST_YAW, -1), *range(LARGEST_YAW + 1)]
        for name, kind in (("corners", torch.int64), ("weights", dtype)):
            table = getattr(points, name)[None]
            if contour is not None:
                moving = getattr(contour, name)[by_degree]
                table = np.concatenate([table.repeat(len(moving), 0), moving], 1)
            # on the processor, also where a network around it is built on the meta device
            constant = torch.tensor(table.reshape(len(table), -1), dtype=kind, device="cpu")
            self.register_buffer(name, constant, persistent=False)

    def forward(self, vertices: Tensor, rotations: Tensor) -> Tensor:
        """(V, 3, B) posed vertices, (B, P, 3, 3) the joints' turns in space -> (B, N, 3)."""
        corners, weights = self.corners, self.weights
        if self.turning is not None:
            row = contour_row(rotations[:, self.turning])
            corners, weights = (table.index_select(0, row) for table in (corners, weights))
        corners = corners.mT[:, None].expand(-1, 3, vertices.shape[2])
        points = vertices.gather(0, corners) * weights.mT[:, None]
        return points.unflatten(0, (-1, 3)).sum(1).permute(2, 0, 1)


def contour_row(turn: Tensor) -> Tensor:
    """(B, 3, 3) a turn in space -> (B,) its yaw in degrees, counted from -39, kept within 39."""
    yaw = torch.atan2(turn[:, 2, 0], torch.hypot(turn[:, 0, 0], turn[:, 1, 0])).detach() * (180 / math.pi)
    return yaw.clamp(-LARGEST_YAW, LARGEST_YAW).round().long() + LARGEST_YAW
