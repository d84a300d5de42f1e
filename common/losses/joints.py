"""Losses of joints: where they are in the picture, and where in space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from common.joints import JointSet
from common.losses.masked import Distance, Over, distance, masked_mean
from common.structures import Prediction, Target


@dataclass(frozen=True)
class Joints2D:
    """The model's joints seen by its camera, against the annotated points of the main view.

    The mean is over all entries, as published by OSX and SMPLer-X, unless `over` says otherwise.
    """

    pixels: float = 1.0  # view pixels to one unit of the loss: 32 a heat-map cell, 112 half of a view of 224
    kind: Distance = "l1"
    over: Over = "all"
    fitted: bool = False  # against the fitted body's joints
    camera_only: bool = False  # published, OSX on AGORA alone: the picture teaches only the camera

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        truth = target.fitted_2d if self.fitted else target.joints_2d
        joints = prediction.joints.detach() if self.camera_only else prediction.joints
        errors = distance(
            prediction.camera.project(joints) / self.pixels, truth[..., :2] / self.pixels, self.kind
        )
        return masked_mean(errors, truth[..., 2], self.over)


@dataclass(frozen=True)
class Joints3D:
    """The model's joints against the annotated ones, in meters.

    Both are seen from `root`, the middle of one joint or more, and each of the set's `parts` from a joint of
    its own, such as {"left_hand": "left_wrist"}. Without a root they are compared where they are. A person
    whose root, or a part whose joint, is not annotated teaches nothing. The mean is over all entries, as
    published by OSX and SMPLer-X, unless `over` says otherwise.
    """

    joint_set: JointSet | None = None  # needed to find roots by name
    root: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    kind: Distance = "l1"
    over: Over = "all"
    fitted: bool = False  # against the fitted body's joints

    def __post_init__(self) -> None:
        if (self.root or self.parts) and self.joint_set is None:
            raise ValueError("Joints3D needs a joint_set to find its root and parts by name.")

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        truth = target.fitted_3d if self.fitted else target.joints_3d
        points, confidence = truth[..., :3], truth[..., 3]
        guess_origin, _ = self._origin(prediction.joints, torch.ones_like(confidence))
        truth_origin, known = self._origin(points, confidence)
        errors = distance(prediction.joints - guess_origin, points - truth_origin, self.kind)
        return masked_mean(errors, confidence * known, self.over)

    def _origin(self, points: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
        """For each of (B, J, 3) points the one it is seen from, and (B, J) whether that is known."""
        origins = torch.zeros_like(points)
        known = torch.ones_like(confidence)
        for members, names in self._groups():
            chosen = list(self.joint_set.indices(names)) if self.joint_set else []
            inside = torch.zeros(points.shape[1], dtype=torch.bool, device=points.device)
            inside[members] = True
            origins = torch.where(inside[:, None], points[:, chosen].mean(1, keepdim=True), origins)
            known = torch.where(inside, (confidence[:, chosen] > 0).all(1, keepdim=True).float(), known)
        return origins, known

    def _groups(self) -> list[tuple[slice, tuple[str, ...]]]:
        """Which joints are seen from which; later ones take precedence."""
        if self.joint_set is None or not (self.root or self.parts):
            return []
        whole = [(slice(None), self.root)] if self.root else []
        return whole + [(self.joint_set.parts[part], (joint,)) for part, joint in self.parts.items()]
