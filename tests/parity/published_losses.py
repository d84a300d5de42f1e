"""Published training batches in the words of the house, and losses of targets that no picture could have.

The published targets are random numbers: points lie beyond the view, and depths fit no joint in space. So
where a loss looks for roots, points are moved beforehand; where it reads depths in the volume of the heat
maps, that volume has no roots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.joints import POSE_53, SMPLX_55
from common.losses.joints import Joints3D
from common.losses.objective import Term
from common.losses.origins import origins
from common.losses.volume import Volume
from common.structures import BodyParams, Prediction, Target

PIXELS = 32  # of the view, to a cell of the published targets
BOXES = ("lhand", "rhand", "face")
FLAT = Volume(root=(), parts={})  # its depth in cells, 0 to 16, is -1 to 1 meters
NAMES = {
    "pose": "smplx_pose", "betas": "smplx_shape", "expression": "smplx_expr", "joints_3d": "joint_cam",
    "fitted_3d": "smplx_joint_cam", "left_hand_box": "lhand_bbox", "right_hand_box": "rhand_bbox",
    "face_box": "face_bbox", "joints_2d": "joint_proj", "positions": "joint_img",
    "fitted_positions": "smplx_joint_img", "face_positions": "joint_img_face", "root": "smplx_orient",
    "hand_roots": "hand_root", "hand_root_chain": "hand_root_chain",
}  # fmt: skip


def batch_of(numbers: Mapping[str, np.ndarray], group: str = "") -> dict[str, Tensor]:
    """The targets and masks of one published batch, by their published names."""
    places = (f"{group}targets/", f"{group}target/", f"{group}meta/")
    return {
        key.removeprefix(place): torch.from_numpy(numbers[key]).float()
        for key in numbers
        for place in places
        if key.startswith(place)
    }


def our_target(published: Mapping[str, Tensor], in_space: bool, in_view: bool = False) -> Target:
    """`in_space`: with the joints in meters; else with those whose depths the heat maps are compared with.

    `in_view`: joints in space are known wherever a person's are; which count follows from the picture.
    """
    count = len(published["joint_img"])
    known = torch.ones(count, 57)
    per_value = published["smplx_pose_valid"].shape[1] // 53
    known[:, :55] = _of_55(published["smplx_pose_valid"][:, ::per_value, None])[..., 0]
    known[:, 55], known[:, 56] = published["smplx_shape_valid"], published["smplx_expr_valid"]
    is_3d = published["is_3D"][:, None, None]
    pose = _of_55(published["smplx_pose"].reshape(count, 53, 3))
    masks = is_3d.expand(-1, 137, -1), torch.ones(count, 137, 1)
    points = [published["joint_cam"], published["smplx_joint_cam"]]
    if in_space and not in_view:
        masks = published["joint_valid"] * is_3d, published["smplx_joint_valid"]
    if not in_space:
        depths = [published[name][..., 2:] / 8 - 1 for name in ("joint_img", "smplx_joint_img")]
        points = [torch.cat([torch.zeros_like(depth).expand(-1, -1, 2), depth], -1) for depth in depths]
    joints_3d, fitted_3d = (torch.cat(pair, -1) for pair in zip(points, masks, strict=True))
    flat = [(f"{name}img", f"{name}trunc") for name in ("joint_", "smplx_joint_")]
    joints_2d, fitted_2d = (
        torch.cat([published[where][..., :2] * PIXELS, published[seen]], -1) for where, seen in flat
    )
    nothing = torch.zeros(count, dtype=torch.bool)
    return Target(
        joints_2d=joints_2d,
        joints_3d=joints_3d,
        joints_are_fitted=nothing,
        part_boxes=torch.stack([_box(published, part) for part in BOXES], 1),
        pose=pose,
        betas=published["smplx_shape"],
        expression=published["smplx_expr"],
        translation=torch.zeros(count, 3),
        known=known,
        flat_hand=nothing,
        gender=torch.zeros(count, dtype=torch.int64),
        vertices=torch.zeros(count, 0, 3),
        params=BodyParams(_matrices(pose), published["smplx_shape"], published["smplx_expr"]),
        fitted_2d=fitted_2d,
        fitted_3d=fitted_3d,
    )


def published_losses(
    terms: Mapping[str, Term], prediction: Prediction, batch: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The weighted terms of a config, by their published names."""
    values = {}
    for name, term in terms.items():
        loss: Any = term.loss
        guess = prediction
        target = our_target(batch, isinstance(loss, Joints3D), getattr(loss, "in_view", False))
        if isinstance(loss, Joints3D):
            assert loss.joint_set is not None
            known = torch.ones_like(prediction.joints[..., 0])
            seen_from, _ = origins(prediction.joints, known, loss.joint_set, loss.root, loss.parts)
            guess = replace(prediction, joints=prediction.joints - seen_from)
            loss = replace(loss, root=(), parts={})
        elif hasattr(loss, "volume"):
            loss = replace(loss, volume=FLAT)
        values[NAMES.get(name, name)] = term.weight * loss(guess, target)
    return values


def _of_55(values: Tensor) -> Tensor:
    """(B, 53, C) in the published order of joints -> (B, 55, C), zero for the eyes."""
    place = torch.tensor(SMPLX_55.taken_from(POSE_53))
    return torch.where(place[:, None] >= 0, values[:, place], 0.0)


def _matrices(pose: Tensor) -> Tensor:
    return torch.linalg.matrix_exp(_skew(pose))


def _skew(turns: Tensor) -> Tensor:
    x, y, z = turns.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


def _box(published: Mapping[str, Tensor], part: str) -> Tensor:
    center, size = published[f"{part}_bbox_center"], published[f"{part}_bbox_size"]
    corners = torch.cat([center - size / 2, center + size / 2], 1) * PIXELS
    return torch.cat([corners, published[f"{part}_bbox_valid"][:, None]], 1)
