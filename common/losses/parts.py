"""Losses of hands and face in one-stage networks: their boxes, and joints inside the predicted ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from common.losses.masked import distance, masked_mean
from common.losses.volume import Volume
from common.structures import Prediction, Target

Part = Literal["left_hand", "right_hand", "face"]
PARTS: tuple[Part, ...] = ("left_hand", "right_hand", "face")  # the order of `part_boxes`
HANDS: tuple[Part, ...] = PARTS[:2]
THINNEST = 1e-6  # cells: what a box without width counts as


@dataclass(frozen=True)
class PartBox:
    """Center and size of a part's box, `part_centers` and `part_sizes` of the extras, against the annotated.

    Both are in `pixels` of the view; their absolute differences are added. The mean is over all persons.
    """

    part: Part
    pixels: float = 32.0

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        place = PARTS.index(self.part)
        low, high, confidence = target.part_boxes[:, place].split([2, 2, 1], -1)
        center, size = (prediction.extras[name][:, place] for name in ("part_centers", "part_sizes"))
        errors = distance(center, (low + high) / 2, "l1") + distance(size, high - low, "l1")
        return masked_mean(errors[:, None] / self.pixels, confidence, "all")


@dataclass(frozen=True)
class Positions:
    """Where heat maps see joints, `positions` of the extras (B, N, 3) in cells, against the annotated ones.

    Hands are compared in the volume of the box that the network itself put around them; what lies outside of
    that teaches nothing, nor does an unknown depth. The mean is over all entries. `as_published` (SMPLer-X):
    in a batch without any annotated hand box, hands are compared with places in the body's volume.
    """

    volume: Volume = field(default_factory=Volume)
    fitted: bool = False  # against the fitted body's joints
    as_published: bool = False

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        guess = prediction.extras["positions"]
        joints = (target.fitted_2d, target.fitted_3d) if self.fitted else (target.joints_2d, target.joints_3d)
        truth, deep = self.volume.points(*joints)
        around = prediction, target, self.volume, self.as_published
        truth, confidence = in_hands(truth, joints[0][..., 2], *around)
        count = guess.shape[1]
        return positions_mean(guess, truth[:, :count], deep[:, :count], confidence[:, :count])


@dataclass(frozen=True)
class FacePositions:
    """Where heat maps see the face's joints, `face_positions` of the extras (B, F, 3), in `cells` of its box.

    The truth is moved into the box that the network itself put around the face; what lies outside of that
    teaches nothing, nor does an unknown depth. The mean is over all entries. `as_published` (OSX): the truth
    stays in the body's volume, although the guess is none of it.
    """

    volume: Volume = field(default_factory=Volume)
    cells: int = 8
    as_published: bool = False

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        guess, face = prediction.extras["face_positions"], self.volume.joint_set.parts["face"]
        truth, deep = self.volume.points(target.joints_2d, target.joints_3d)
        truth, deep, confidence = truth[:, face], deep[:, face], target.joints_2d[:, face, 2]
        if not self.as_published:
            box = prediction.extras["part_boxes"][:, 2] / self.volume.pixels
            xy = in_box(truth[..., :2], box, self.cells)
            confidence = confidence * inside(xy, self.cells)
            truth = torch.cat([xy, truth[..., 2:] * (self.cells / self.volume.cells[2])], -1)
        return positions_mean(guess, truth, deep, confidence)


@dataclass(frozen=True)
class JointsInParts:
    """The model's joints seen by its camera, against annotated points, in cells: parts each in their place.

    Hands are compared in the volume of the box that the network itself put around them. Each hand, and the
    face, is moved so that the middle of its annotated joints is where it should be: only its own pose
    counts, for where it is depends on the body. The mean is over all entries. `camera_only` (published, for
    AGORA alone): the picture teaches only the camera. `as_published` (SMPLer-X): in a batch without any
    annotated hand box, hands stay in the body's volume and where they are; so does, without any box of it,
    the face.
    """

    volume: Volume = field(default_factory=Volume)
    camera_only: bool = False
    as_published: bool = False

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        joints = prediction.joints.detach() if self.camera_only else prediction.joints
        guess = prediction.camera.project(joints) / self.volume.pixels
        truth, confidence = target.joints_2d[..., :2] / self.volume.pixels, target.joints_2d[..., 2]
        around = prediction, target, self.volume, self.as_published
        guess, _ = in_hands(guess, confidence, *around)
        truth, confidence = in_hands(truth, confidence, *around)
        guess = self._aligned(guess, truth, confidence, target)
        return masked_mean(distance(guess, truth, "l1"), confidence, "all")

    def _aligned(self, guess: Tensor, truth: Tensor, confidence: Tensor, target: Target) -> Tensor:
        offset = torch.zeros_like(guess)
        for part in PARTS:
            members = self.volume.joint_set.parts[part]
            mean = mean_offset(guess[:, members], truth[:, members], confidence[:, members])
            if self.as_published:
                mean = torch.where(annotated(target, HANDS if part in HANDS else (part,)), mean, 0.0)
            offset = _with(offset, members, mean)
        return guess + offset


def in_hands(
    points: Tensor,
    confidence: Tensor,
    prediction: Prediction,
    target: Target,
    volume: Volume,
    as_published: bool,
) -> tuple[Tensor, Tensor]:
    """(B, J, 2 or 3) in the body's cells -> hands in cells of their predicted boxes, confident only inside.

    `as_published`: only where the batch has an annotated hand box.
    """
    boxes, cells = prediction.extras["part_boxes"] / volume.pixels, volume.cells[2]
    for place, part in enumerate(HANDS):
        members = volume.joint_set.parts[part]
        xy = in_box(points[:, members, :2], boxes[:, place], cells)
        seen = confidence[:, members] * inside(xy, cells)
        moved = torch.cat([xy, points[:, members, 2:]], -1)
        if as_published:
            applies = annotated(target, HANDS)
            moved = torch.where(applies, moved, points[:, members])
            seen = torch.where(applies, seen, confidence[:, members])
        points, confidence = _with(points, members, moved), _with(confidence, members, seen)
    return points, confidence


def in_box(points: Tensor, boxes: Tensor, cells: int) -> Tensor:
    """(B, N, 2) points, (B, 4) boxes in one unit -> (B, N, 2) in cells of the box, without its gradient."""
    corner, size = boxes.detach()[:, None, :2], (boxes[:, 2:] - boxes[:, :2]).detach()[:, None]
    size = torch.where(size.abs() < THINNEST, THINNEST, size)
    return (points - corner) * cells / size


def inside(points: Tensor, cells: int) -> Tensor:
    """(B, N, 2) in cells -> (B, N) bool, whether a box holds them."""
    return ((points >= 0) & (points < cells)).all(-1)


def mean_offset(guess: Tensor, truth: Tensor, confidence: Tensor) -> Tensor:
    """(B, N, C) twice, (B, N) -> (B, 1, C) the mean way from guess to truth where it is known, else zero."""
    known = (confidence > 0)[..., None]
    total = torch.where(known, truth - guess, 0.0).sum(1, keepdim=True)
    return total / known.sum(1, keepdim=True).clamp(min=1)


def positions_mean(guess: Tensor, truth: Tensor, deep: Tensor, confidence: Tensor) -> Tensor:
    """(B, N, 3) twice, (B, N) is the depth known, (B, N) -> the mean of absolute errors over all entries."""
    errors = distance(guess, truth, "l1")
    counted = torch.stack([torch.ones_like(deep), torch.ones_like(deep), deep], -1)
    return masked_mean(torch.where(counted, errors, 0.0), confidence, "all")


def annotated(target: Target, parts: tuple[Part, ...]) -> Tensor:
    """Whether anybody in the batch has a box of any of the parts: a scalar, true or false."""
    return (target.part_boxes[:, [PARTS.index(part) for part in parts], 4] > 0).any()


def _with(whole: Tensor, members: slice, values: Tensor) -> Tensor:
    """(B, J, ...) with the members replaced by (B, N, ...) or (B, 1, ...)."""
    values = values.expand_as(whole[:, members])
    return torch.cat([whole[:, : members.start], values, whole[:, members.stop :]], 1)
