"""The mirror of the body: which vertex is whose twin, and what the two agree on."""

from __future__ import annotations

import torch
from scipy.spatial import cKDTree
from torch import Tensor


def twins(vertices: Tensor) -> Tensor:
    """(N, 3) -> (N,): for each vertex the one at its mirror image (left is +x).

    Raises ValueError where a vertex has no twin, or none within a hundredth of a millimeter.
    """
    distance, twin = cKDTree(vertices.numpy()).query(mirrored(vertices).numpy())
    twin = torch.from_numpy(twin)
    if distance.max() > 1e-5 or not torch.equal(twin[twin], torch.arange(len(twin))):
        raise ValueError(
            f"The mesh is not mirror-symmetric: a vertex lacks its twin by {distance.max():.2g} m."
        )
    return twin


def mirrored(points: Tensor) -> Tensor:
    """(..., 3) -> (..., 3) seen in the mirror."""
    return points * points.new_tensor([-1.0, 1.0, 1.0])


def symmetric(points: Tensor, twin: Tensor) -> Tensor:
    """(..., N, 3) points or displacements -> the same, each vertex the mirror image of its twin."""
    return (points + mirrored(points[..., twin, :])) / 2
