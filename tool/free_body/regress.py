"""Joints from skin: a mean of a few vertices that lies where the joint does, in people of any shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from common.joints import JointSet

# MakeHuman's own helper joints slide along the limb: the knee lies at 67 % of the hip's height in a body of
# 1.3 m and at 49 % in one of 2.4 m, while the knee's skin stays at 55 to 59 %. Such joints go with the skin.
_SLIDING = ("spine1", "spine2", "spine3", "neck", "left_knee", "right_knee", "left_collar", "right_collar")
_CARRIERS = 800
_NEAREST, _NEAREST_SMALL = 260, 60
_MOST = 24  # vertices that make a joint
_SUM_COUNTS = 30.0  # meters: how dear it is that the weights do not sum to one


@dataclass(frozen=True)
class Carriers:
    """The skin that carries the sliding joints."""

    joints: list[int]
    shares: Tensor  # (L, V) rows sum to one


def carriers(mean: Tensor, center: Tensor, joint_set: JointSet, seen: Tensor) -> Carriers:
    """(V, 3) and (J, 3) of the mean body, (V,) bool what skin there is.

    A joint moves as the affine map does that fits the skin near it best: its place is linear in that skin.
    """
    chosen = [joint_set.index(joint) for joint in _SLIDING if joint in joint_set.names]
    shares = torch.zeros(len(chosen), len(mean))
    for row, joint in enumerate(chosen):
        near = _nearest(mean, center[joint], seen, _CARRIERS)
        offsets = torch.cat([torch.ones(len(near), 1), mean[near] - center[joint]], 1).double()
        shares[row, near] = torch.linalg.solve(offsets.mT @ offsets, offsets.mT)[
            0
        ].float()  # the map at the joint
    return Carriers(chosen, shares)


def carried(vertices: Tensor, joints: Tensor, by: Carriers) -> Tensor:
    """(S, V, 3), (S, J, 3) -> (S, J, 3), the sliding joints where the skin carries them."""
    moved = joints.clone()
    moved[:, by.joints] = torch.einsum("jv,svd->sjd", by.shares, vertices)
    return moved


def joint_regressor(
    vertices: Tensor, joints: Tensor, joint_set: JointSet, skin: Tensor, eyeball: Tensor, twin: Tensor
) -> Tensor:
    """(S, V, 3), (S, J, 3) -> (J, V), rows non-negative and summing to one, the right the mirrored left.

    `skin` (V,) bool is what may carry a joint; `eyeball` (V,) is 1 on the left one, which carries its own.
    """
    mean, center = vertices.mean(0), joints.mean(0)
    rows = torch.zeros(len(joint_set), len(mean), dtype=torch.float64)
    for j, name in enumerate(joint_set.names):
        if name.startswith("right_"):
            continue
        small = "eyeball" in name or (name[-1] in "123" and not name.startswith("spine"))
        allowed = eyeball > 0 if "eyeball" in name else skin
        near = _nearest(mean, center[j], allowed, _NEAREST_SMALL if small else _NEAREST)
        weights = _convex_weights(vertices[:, near], joints[:, j])
        rows[j, near] = weights
        if name.startswith("left_"):
            rows[joint_set.mirrored[j], twin[near]] = weights
        else:
            rows[j] = (rows[j] + rows[j, twin]) / 2
    return rows


def _nearest(points: Tensor, place: Tensor, allowed: Tensor, count: int) -> Tensor:
    """(V, 3), (3,), (V,) bool -> (count,) the allowed points nearest to a place, nearest first."""
    distance = (points - place).norm(dim=1).masked_fill(~allowed, torch.inf)
    return distance.argsort(stable=True)[: min(count, int(allowed.sum()))]


def _convex_weights(vertices: Tensor, joint: Tensor) -> Tensor:
    """(S, C, 3), (S, 3) -> (C,) weights whose mean is the joint, mostly 0: non-negative least squares."""
    system = vertices.transpose(1, 2).flatten(0, 1).double().numpy()
    wanted = joint.flatten().double().numpy()
    weights = _solved(system, wanted)
    if (weights > 1e-5).sum() > _MOST:
        largest = np.argsort(-weights)[:_MOST]
        weights = np.zeros_like(weights)
        weights[largest] = _solved(system[:, largest], wanted)
    return torch.from_numpy(weights / weights.sum())


def _solved(system: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    bordered = np.vstack([system, np.full((1, system.shape[1]), _SUM_COUNTS)])
    return nnls(bordered, np.append(wanted, _SUM_COUNTS), maxiter=20 * system.shape[1])[0]
