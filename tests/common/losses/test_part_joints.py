"""Losses of joints of parts: seen from their roots, by confidence, over those who count."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from common.joints import JointSet
from common.losses.part_joints import CameraScale, HandVisibility, PartJoints2D, PartJoints3D
from common.structures import Body, BodyParams, Perspective, Prediction, Target

HANDS = JointSet(
    "hands_6",
    tuple(f"{side}_{name}" for side in ("left", "right") for name in ("root", "a", "b")),
    {"left_hand": slice(0, 3), "right_hand": slice(3, 6)},
)


def told(joints: Tensor, **extras: Tensor) -> Prediction:
    count = len(joints)
    camera = Perspective(torch.full((count, 2), 100.0), torch.zeros(count, 2), torch.tensor([[0.0, 0, 5]]))
    params = BodyParams(torch.eye(3).expand(count, 1, 3, 3), torch.zeros(count, 1), torch.zeros(count, 0))
    return Prediction(params, Body(joints, joints, joints, "any"), joints, camera, extras=extras)


def truth(flat: Tensor, space: Tensor) -> Target:
    count = len(flat)
    none = torch.zeros(count)
    return Target(
        flat, space, none.bool(), torch.zeros(count, 3, 5), torch.zeros(count, 1, 3), none[:, None],
        none[:, None], torch.zeros(count, 3), torch.ones(count, 3), none.bool(), none.long(),
        torch.zeros(count, 0, 3),
    )  # fmt: skip


@pytest.fixture
def pair() -> tuple[Prediction, Target]:
    """Two persons, seen just where they are."""
    torch.manual_seed(0)
    joints = torch.randn(2, 6, 3, requires_grad=True)
    prediction = told(joints)
    ones = torch.ones(2, 6, 1)
    flat = torch.cat([prediction.camera.project(joints).detach(), ones], 2)
    return prediction, truth(flat, torch.cat([joints.detach(), ones], 2))


def test_who_is_where_annotated_loses_nothing(pair: tuple[Prediction, Target]) -> None:
    for loss in (
        PartJoints2D(HANDS, "left_hand"),
        PartJoints2D(HANDS, "left_hand", "left_root"),
        PartJoints3D(HANDS, "right_hand", ("right_root",)),
    ):
        assert loss(*pair).item() == pytest.approx(0, abs=1e-9)


def test_from_its_root_a_hand_may_be_anywhere(pair: tuple[Prediction, Target]) -> None:
    prediction, target = pair
    moved = replace(
        target,
        joints_2d=target.joints_2d + torch.tensor([3.0, 4, 0]),
        joints_3d=target.joints_3d + torch.tensor([1.0, 2, 3, 0]),
    )
    assert PartJoints2D(HANDS, "left_hand", "left_root")(prediction, moved).item() == pytest.approx(
        0, abs=1e-9
    )
    assert PartJoints3D(HANDS, "left_hand", ("left_root",))(prediction, moved).item() == pytest.approx(
        0, abs=1e-9
    )
    place = PartJoints2D(HANDS, "left_hand", pixels=1.0)(prediction, moved)
    assert place.item() == pytest.approx((9 + 16) / 2, rel=1e-4)


def test_who_lacks_a_root_neither_teaches_nor_counts(pair: tuple[Prediction, Target]) -> None:
    prediction, target = pair
    wrong = target.joints_3d + torch.tensor([0.0, 0, 0, 0])
    wrong[:, 1, 0] += 1  # by a meter, of both
    wrong[1, 0, 3] = 0  # whose root nobody annotated
    loss = PartJoints3D(HANDS, "left_hand", ("left_root",))(prediction, replace(target, joints_3d=wrong))
    assert loss.item() == pytest.approx(1 / 9, rel=1e-5)  # one number of the nine of the one who counts
    published = PartJoints3D(HANDS, "left_hand", ("left_root",), as_published=True)
    assert published(prediction, replace(target, joints_3d=wrong)).item() == pytest.approx(2 / 18, rel=1e-5)


def test_a_still_root_gets_no_gradient(pair: tuple[Prediction, Target]) -> None:
    prediction, target = pair
    moved = replace(target, joints_3d=target.joints_3d * 2)
    gradients = []
    for still in (False, True):
        loss = PartJoints3D(HANDS, "left_hand", ("left_root",), still)(prediction, moved)
        gradients.append(torch.autograd.grad(loss, prediction.joints)[0][:, 0])
    assert gradients[0].abs().max() > 1e-3 and gradients[1].abs().max() == 0


def test_nobody_annotated_is_a_zero_with_a_gradient(pair: tuple[Prediction, Target]) -> None:
    prediction, target = pair
    nobody = replace(target, joints_2d=target.joints_2d * 0, joints_3d=target.joints_3d * 0)
    for loss in (
        PartJoints2D(HANDS, "left_hand", "left_root"),
        PartJoints3D(HANDS, "left_hand", ("left_root",)),
    ):
        value = loss(prediction, nobody)
        assert value.item() == 0 and value.requires_grad


def test_a_hand_is_as_visible_as_its_share_of_joints(pair: tuple[Prediction, Target]) -> None:
    target = pair[1]
    seen = target.joints_2d.clone()
    seen[0, 1:3, 2] = 0.05  # of three joints of the left hand two are hardly seen
    said = torch.tensor([[1 / 3, 1.0], [1.0, 0.5]])
    prediction = told(pair[0].joints, visibility=said)
    loss = HandVisibility(HANDS)(prediction, replace(target, joints_2d=seen))
    assert loss.item() == pytest.approx(0.5 / 4)


def test_a_camera_that_sees_nothing_is_pushed_away(pair: tuple[Prediction, Target]) -> None:
    near, far = (told(pair[0].joints, scale=torch.full((2, 1), value)) for value in (0.9, 0.0))
    assert CameraScale(10.0)(far, pair[1]).item() == 1
    assert CameraScale(10.0)(near, pair[1]).item() < 1e-7
