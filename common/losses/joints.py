"""Losses of joints: where they are in the picture, and where in space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from common.joints import JointSet
from common.losses.masked import Distance, Over, distance, masked_mean
from common.losses.origins import origins
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

    joint_set: JointSet | None = None  # needed to find roots and parts by name
    root: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    kind: Distance = "l1"
    over: Over = "all"
    fitted: bool = False  # against the fitted body's joints
    in_view: bool = False  # only joints annotated in the picture too, roots included (SMPLest-X)
    only: tuple[str, ...] = ()  # parts of the set, of which alone the mean is taken; all of it by default

    def __post_init__(self) -> None:
        if (self.root or self.parts or self.only) and self.joint_set is None:
            raise ValueError("Joints3D needs a joint_set to find its root and parts by name.")

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        points, confidence = (target.fitted_3d if self.fitted else target.joints_3d).split([3, 1], -1)
        guess, confidence = prediction.joints, confidence[..., 0]
        if self.in_view:
            confidence = torch.where(target.joints_2d[..., 2] > 0, confidence, 0.0)
        if self.joint_set is not None:
            seen_from = self.joint_set, self.root, self.parts
            guess = guess - origins(guess, torch.ones_like(confidence), *seen_from)[0]
            origin, known = origins(points, confidence, *seen_from)
            points, confidence = points - origin, confidence * known
        errors = distance(guess, points, self.kind)
        return masked_mean(self._chosen(errors), self._chosen(confidence), self.over)

    def _chosen(self, values: Tensor) -> Tensor:
        """(B, J, ...) -> the joints of the parts that count."""
        if self.joint_set is None or not self.only:
            return values
        return torch.cat([values[:, self.joint_set.parts[part]] for part in self.only], 1)
