"""Losses of the joints of one part, seen from where they are or from a root of their own (PyMAF-X)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from common.joints import JointSet
from common.losses.masked import distance, masked_mean
from common.structures import Prediction, Target


@dataclass(frozen=True)
class PartJoints2D:
    """Joints of a part seen by the model's camera, against annotated ones: squares, by confidence.

    Without a `root` the mean is over all entries. With one, both sides are seen from it, and the mean is over
    all joints of the persons whose root is annotated with more than `least`.
    """

    joint_set: JointSet
    part: str
    root: str | None = None
    pixels: float = 112.0  # view pixels to one unit of the loss: half of a view of 224
    least: float = 0.1

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        members = self.joint_set.parts[self.part]
        guess = prediction.camera.project(prediction.joints)
        truth, confidence = target.joints_2d.split([2, 1], -1)
        if self.root is None:
            errors = distance(guess[:, members], truth[:, members], "l2") / self.pixels**2
            return masked_mean(errors, confidence[:, members, 0], "all")
        root = self.joint_set.index(self.root)
        errors = distance(
            guess[:, members] - guess[:, root, None], truth[:, members] - truth[:, root, None], "l2"
        )
        return rooted_mean(
            errors / self.pixels**2, confidence[:, members, 0], confidence[:, root, 0] > self.least
        )


@dataclass(frozen=True)
class PartJoints3D:
    """Joints of a part in meters, seen from the middle of its `root`, against annotated ones: squares.

    The mean is over all joints of the persons whose whole root is annotated. `still`: the predicted root
    gets no gradient, as published for hands and faces. `as_published` (for bodies): whoever has any joint of
    the part counts, seen from where an unknown root is said to be.
    """

    joint_set: JointSet
    part: str
    root: tuple[str, ...]
    still: bool = False
    as_published: bool = False

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        members, root = self.joint_set.parts[self.part], list(self.joint_set.indices(self.root))
        guess, (truth, confidence) = prediction.joints, target.joints_3d.split([3, 1], -1)
        origin = guess[:, root].mean(1, keepdim=True)
        origin = origin.detach() if self.still else origin
        errors = distance(
            guess[:, members] - origin, truth[:, members] - truth[:, root].mean(1, keepdim=True), "l2"
        )
        confidence, known = confidence[:, members, 0], (confidence[:, root, 0] > 0).all(1)
        return rooted_mean(errors, confidence, (confidence > 0).any(1) if self.as_published else known)


@dataclass(frozen=True)
class HandVisibility:
    """How much of each hand the network says is seen, `visibility` of the extras (B, 2), against the share of
    its joints that are annotated in the picture with more than `least`: absolute differences.
    """

    joint_set: JointSet
    least: float = 0.1

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        seen = target.joints_2d[..., 2] > self.least
        parts = (self.joint_set.parts[part] for part in ("left_hand", "right_hand"))
        truth = torch.stack([seen[:, part].to(target.joints_2d.dtype).mean(1) for part in parts], 1)
        return (prediction.extras["visibility"] - truth).abs().mean()


@dataclass(frozen=True)
class CameraScale:
    """What keeps a camera's `scale`, of the extras (B, 1), away from zero: exp(-steep * scale), squared."""

    steep: float = 10.0

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        return torch.exp(-self.steep * prediction.extras["scale"]).square().mean()


def rooted_mean(errors: Tensor, confidence: Tensor, known: Tensor) -> Tensor:
    """The mean of (B, N, C) errors times (B, N) confidence over all entries of those known (B,) bool."""
    confidence = torch.where(known[:, None], confidence, 0.0)
    total = (torch.where(confidence[..., None] > 0, errors, 0.0) * confidence[..., None]).sum()
    return total / (known.sum() * errors.shape[1] * errors.shape[2]).clamp(min=1)
