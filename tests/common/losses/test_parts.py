"""Hands and face in their predicted boxes: what is right costs nothing, what is outside teaches nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPLX_55, WHOLE_BODY_137
from common.losses.parts import FacePositions, JointsInParts, PartBox, Positions, in_box
from common.losses.volume import Volume
from common.losses.wrists import Wrists, wrists
from common.structures import Body, BodyParams, Perspective, Prediction, Target

B, CELL = 2, 32.0
LEFT, RIGHT, FACE = (WHOLE_BODY_137.parts[part] for part in ("left_hand", "right_hand", "face"))


def boxes() -> Tensor:
    """(B, 3, 4) in pixels of the view: left hand, right hand, face."""
    return torch.tensor([[64.0, 192, 160, 288], [192, 192, 288, 288], [128, 32, 224, 128]]).expand(B, 3, 4)


def truth() -> Target:
    generator = torch.Generator().manual_seed(5)
    joints_2d = torch.ones(B, 137, 3)
    joints_2d[..., :2] = torch.rand(B, 137, 2, generator=generator) * torch.tensor([380.0, 500])
    for place, members in enumerate((LEFT, RIGHT, FACE)):
        low, high = boxes()[:, place, None].split(2, -1)
        count = members.stop - members.start
        joints_2d[:, members, :2] = low + (high - low) * torch.rand(B, count, 2, generator=generator)
    joints_3d = torch.ones(B, 137, 4)
    joints_3d[..., :3] = 0.05 * torch.randn(B, 137, 3, generator=generator)
    turns = matrix_from_axis_angle(0.4 * torch.randn(B, 55, 3, generator=generator))
    nothing = torch.zeros(B, dtype=torch.bool)
    return Target(
        joints_2d, joints_3d, nothing, torch.cat([boxes(), torch.ones(B, 3, 1)], -1), torch.zeros(B, 55, 3),
        torch.zeros(B, 10), torch.zeros(B, 10), torch.zeros(B, 3), torch.ones(B, 57), nothing, nothing.long(),
        torch.zeros(B, 0, 3), params=BodyParams(turns, torch.zeros(B, 10), torch.zeros(B, 10)),
        fitted_2d=joints_2d, fitted_3d=joints_3d,
    )  # fmt: skip


def right(target: Target) -> Prediction:
    """A prediction that is right in every way; joints lie at depth 1 before a lens of focal length 1."""
    cells, _ = Volume().points(target.joints_2d, target.joints_3d)
    positions = cells[:, :65].clone()
    for place, members in enumerate((LEFT, RIGHT)):
        positions[:, members, :2] = in_box(cells[:, members, :2], boxes()[:, place] / CELL, 16)
    face = torch.cat([in_box(cells[:, FACE, :2], boxes()[:, 2] / CELL, 8), cells[:, FACE, 2:] / 2], -1)
    joints = torch.cat([target.joints_2d[..., :2], torch.ones(B, 137, 1)], -1)
    camera = Perspective(torch.ones(B, 2), torch.zeros(B, 2), torch.zeros(B, 3))
    low, high = boxes().split(2, -1)
    extras = {
        "part_centers": (low + high) / 2, "part_sizes": high - low, "part_boxes": boxes(),
        "positions": positions, "face_positions": face, "hand_roots": wrists(target.params.rotations),
    }  # fmt: skip
    return Prediction(target.params, Body(joints, joints, joints, "smplx"), joints, camera, extras=extras)


LOSSES = (
    PartBox("left_hand"), PartBox("face"), Positions(), Positions(fitted=True), FacePositions(),
    JointsInParts(), Wrists(), Wrists(chain=True),
)  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_what_is_right_costs_nothing(loss):
    target = truth()
    assert loss(right(target), target).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_who_is_not_annotated_costs_nothing_and_has_a_gradient(loss):
    target = truth()
    unknown = {
        name: torch.cat(
            [getattr(target, name)[..., :-1] + 1, torch.zeros_like(getattr(target, name)[..., -1:])], -1
        )
        for name in ("joints_2d", "joints_3d", "fitted_2d", "fitted_3d", "part_boxes")
    }
    prediction = right(target)
    prediction.joints.requires_grad_()
    extras = {name: value.clone().requires_grad_() for name, value in prediction.extras.items()}
    turns = prediction.params.rotations.clone().requires_grad_()
    prediction = replace(prediction, params=replace(prediction.params, rotations=turns), extras=extras)
    value = loss(prediction, replace(target, known=torch.zeros(B, 57), **unknown))
    assert value == 0 and value.requires_grad


def test_a_hand_that_is_moved_as_a_whole_costs_nothing_but_a_pose_does():
    target = truth()
    prediction = right(target)
    moved = prediction.joints.clone()
    moved[:, LEFT, :2] += 20
    assert JointsInParts()(replace(prediction, joints=moved), target).item() == pytest.approx(0, abs=1e-5)
    moved[:, LEFT.start, :2] += 20
    assert JointsInParts()(replace(prediction, joints=moved), target) > 0.01


def test_a_body_that_is_moved_costs_what_it_is_moved_by():
    target = truth()
    prediction = right(target)
    moved = prediction.joints.clone()
    moved[:, :25, 0] += CELL
    assert JointsInParts()(replace(prediction, joints=moved), target).item() == pytest.approx(
        25 / (137 * 2), rel=1e-4
    )


def test_only_the_camera_learns_where_that_is_asked_for():
    target = truth()
    prediction = right(target)
    joints = (prediction.joints + 0.1).requires_grad_()
    shift = torch.full((B, 3), 0.1, requires_grad=True)
    prediction = replace(prediction, joints=joints, camera=replace(prediction.camera, translation=shift))
    JointsInParts(camera_only=True)(prediction, target).backward()
    assert joints.grad is None and shift.grad.abs().sum() > 0


@pytest.mark.parametrize("loss", [Positions(), JointsInParts()], ids=repr)
def test_annotated_joints_outside_of_the_predicted_box_teach_nothing(loss):
    target = truth()
    far = target.joints_2d.clone()
    far[:, LEFT, :2] = 1.0
    prediction = right(target)
    assert loss(prediction, replace(target, joints_2d=far)).item() == pytest.approx(0, abs=1e-5)


def test_an_empty_box_breaks_nothing():
    target = truth()
    prediction = right(target)
    flat = torch.cat([boxes()[..., :2], boxes()[..., :2]], -1)
    positions = prediction.extras["positions"].clone().requires_grad_()
    prediction = replace(prediction, extras={**prediction.extras, "part_boxes": flat, "positions": positions})
    total = Positions()(prediction, target) + JointsInParts()(prediction, target)
    total.backward()
    assert total.isfinite() and positions.grad.isfinite().all()


def test_an_unknown_depth_counts_for_nothing():
    target = truth()
    prediction = right(target)
    deep = {**prediction.extras, "positions": prediction.extras["positions"] + torch.tensor([0.0, 0, 3])}
    flat = replace(target, joints_3d=torch.zeros(B, 137, 4))
    assert Positions()(replace(prediction, extras=deep), target).item() == pytest.approx(1, rel=1e-4)
    assert Positions()(replace(prediction, extras=deep), flat).item() == pytest.approx(0, abs=1e-5)


def test_a_wrist_turns_with_everything_above_it_but_the_pelvis_learns_nothing():
    target = truth()
    prediction = right(target)
    turns = prediction.params.rotations.clone()
    turns[:, SMPLX_55.index("left_elbow")] = torch.eye(3)
    turns.requires_grad_()
    prediction = replace(prediction, params=replace(prediction.params, rotations=turns))
    Wrists(chain=True)(prediction, target).backward()
    assert turns.grad[:, SMPLX_55.index("spine1")].abs().sum() > 0
    assert turns.grad[:, SMPLX_55.index("pelvis")].abs().sum() == 0
    assert turns.grad[:, SMPLX_55.index("left_hip")].abs().sum() == 0
