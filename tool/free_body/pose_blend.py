"""Pose directions that give back the volume which linear skinning loses at bent joints.

Joint by joint, dual-quaternion skinning (Kavan et al., 2007) of two bones shows where the skin should be; the
difference, pulled back to the rest pose, is regressed on the joint's rotation matrix minus the identity.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from common.geometry.rotation import (
    matrix_from_axis_angle,
    matrix_from_quaternion,
    quaternion_from_matrix,
)
from common.joints import JointSet
from tool.free_body.symmetry import mirrored

_ROTATIONS = 120
_STRENGTH = 0.75  # dual quaternions bulge where they do not shrink: a little less than all of it
_LARGEST = 0.03  # meters
_SMALLEST = 2e-5  # meters a radian: less is left out, and the file stays small
_RIDGE = 0.05
_UNBENT = ("jaw", "left_eyeball", "right_eyeball")

# Least and largest turn about x, y, z in radians, of the left side and the middle.
_Range = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


def _even(x: float, y: float, z: float) -> _Range:
    return (-x, x), (-y, y), (-z, z)


_RANGES: dict[str, _Range] = {
    "hip": ((-2.0, 0.6), (-0.5, 0.5), (-0.5, 0.5)),
    "knee": ((0.0, 2.3), (-0.2, 0.2), (-0.2, 0.2)),
    "shoulder": _even(0.5, 0.5, 1.2),
    "elbow": ((-0.3, 0.3), (-2.4, 0.0), (-0.2, 0.2)),
    "wrist": _even(0.5, 0.4, 0.8),
    "finger": ((-0.15, 0.15), (-0.25, 0.25), (-1.6, 0.2)),
    "other": _even(0.35, 0.35, 0.35),
}


def pose_directions(
    rest: Tensor, weights: Tensor, joints: Tensor, joint_set: JointSet, parents: tuple[int, ...], twin: Tensor
) -> Tensor:
    """(V, 3), (V, J), (J, 3) -> (V, 3, 9 (J - 1)) meters, symmetric; nine a joint, its matrix by rows."""
    below = _weights_below(weights, parents)
    found = torch.zeros(len(rest), 3, len(parents) - 1, 9)
    random = np.random.default_rng(0)
    for joint, name in enumerate(joint_set.names):
        if joint == 0 or name.startswith("right_") or name in _UNBENT:
            continue
        touched = torch.nonzero((below[:, joint] > 0.01) & (below[:, joint] < 0.99))[:, 0]
        rotations = matrix_from_axis_angle(_draw(random, _RANGES[_kind(name)]))
        directions = torch.zeros(len(rest), 3, 9)
        directions[touched] = _fitted(rest[touched] - joints[joint], below[touched, joint], rotations)
        other = _mirrored(directions, twin)
        if name.startswith("left_"):
            found[:, :, joint - 1], found[:, :, joint_set.mirrored[joint] - 1] = directions, other
        else:
            found[:, :, joint - 1] = (directions + other) / 2
    return torch.where(found.abs() < _SMALLEST, 0.0, found).flatten(2)


def _weights_below(weights: Tensor, parents: tuple[int, ...]) -> Tensor:
    """(V, J) -> (V, J): how much of each vertex turns when a joint does, its descendants included."""
    below = list(weights.unbind(1))
    for joint in range(len(parents) - 1, 0, -1):
        below[parents[joint]] = below[parents[joint]] + below[joint]
    return torch.stack(below, 1)


def _kind(name: str) -> str:
    _, _, part = name.partition("_")
    if name[-1] in "123" and "_" in name:
        return "finger"
    return part if part in _RANGES else "other"


def _draw(random: np.random.Generator, limits: _Range) -> Tensor:
    low, high = np.array(limits).T
    return torch.from_numpy(random.uniform(low, high, (_ROTATIONS, 3))).float()


def _fitted(offsets: Tensor, below: Tensor, rotations: Tensor) -> Tensor:
    """(T, 3) from the joint, (T,), (R, 3, 3) -> (T, 3, 9)."""
    linear = _linear(below, rotations)
    lost = torch.einsum("rtij,tj->rti", _dual_quaternion(below, rotations) - linear, offsets)
    steady = linear + 1e-3 * torch.eye(3)  # at half a turn the blend has no inverse
    at_rest = torch.linalg.solve(steady, _STRENGTH * lost)
    length = at_rest.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    at_rest = at_rest * (_LARGEST / length).clamp_max(1.0)
    features = (rotations - torch.eye(3)).flatten(1)  # (R, 9)
    normal = features.mT @ features + _RIDGE * torch.eye(9)
    solution = torch.linalg.solve(normal, features.mT @ at_rest.flatten(1))
    return solution.unflatten(1, (-1, 3)).permute(1, 2, 0)


def _linear(below: Tensor, rotations: Tensor) -> Tensor:
    """(T,), (R, 3, 3) -> (R, T, 3, 3): the still and the turned bone, blended linearly."""
    share = below[None, :, None, None]
    return share * rotations[:, None] + (1 - share) * torch.eye(3)


def _dual_quaternion(below: Tensor, rotations: Tensor) -> Tensor:
    """(T,), (R, 3, 3) -> (R, T, 3, 3): as dual quaternions, which about one fixed point are quaternions."""
    quaternions = quaternion_from_matrix(rotations)
    still = quaternions.new_tensor([1.0, 0.0, 0.0, 0.0])
    share = below[None, :, None]
    return matrix_from_quaternion(share * quaternions[:, None] + (1 - share) * still)


def _mirrored(directions: Tensor, twin: Tensor) -> Tensor:
    """(V, 3, 9) of a joint -> of its twin: the mirror changes signs of displacements and of matrices."""
    sign = directions.new_tensor([-1.0, 1.0, 1.0])
    return mirrored(directions[twin].mT).mT * torch.outer(sign, sign).flatten()
