"""Losses of joints."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from common.joints import JointSet
from common.losses.joints import Joints2D, Joints3D

HAND = JointSet("hand", ("pelvis", "left_wrist", "left_index_1", "left_index_2"), {"left_hand": slice(2, 4)})


class Flat:
    """A camera that looks straight on, 100 pixels to the meter."""

    def project(self, points):
        return 100 * points[..., :2]


def pair(count: int = 3):
    dice = torch.Generator().manual_seed(0)
    joints = torch.randn(count, 4, 3, generator=dice, requires_grad=True)
    truth = torch.randn(count, 4, 3, generator=dice)
    ones = torch.ones(count, 4, 1)
    target = SimpleNamespace(
        joints_2d=torch.cat([100 * truth[..., :2], ones], -1),
        joints_3d=torch.cat([truth, ones], -1),
        fitted_2d=torch.cat([100 * joints.detach()[..., :2], ones], -1),
        fitted_3d=torch.cat([joints.detach(), ones], -1),
    )
    return SimpleNamespace(joints=joints, camera=Flat()), target, truth


def test_what_is_not_annotated_teaches_nothing() -> None:
    prediction, target, _ = pair()
    target.joints_3d[1:, :, 3] = 0
    target.joints_3d[1:, :, :3] = float("nan")
    Joints3D()(prediction, target).backward()
    gradient = prediction.joints.grad
    assert gradient.isfinite().all() and gradient[0].abs().sum() > 0 and gradient[1:].abs().sum() == 0


def test_nothing_annotated_is_a_zero_with_a_gradient() -> None:
    for loss in (
        Joints2D(),
        Joints2D(over="entries"),
        Joints3D(over="persons"),
        Joints3D(HAND, root=("pelvis",)),
    ):
        prediction, target, _ = pair()
        target.joints_2d[..., 2], target.joints_3d[..., 3] = 0, 0
        value = loss(prediction, target)
        value.backward()
        assert value == 0 and prediction.joints.grad is not None


def test_the_three_means_divide_the_same_sum() -> None:
    prediction, target, truth = pair()
    target.joints_3d[0, :, 3] = 0
    target.joints_3d[1, :2, 3] = 0
    total = (prediction.joints - truth).abs()[target.joints_3d[..., 3] > 0].sum()
    for over, count in (("all", 36), ("persons", 24), ("entries", 18)):
        torch.testing.assert_close(Joints3D(over=over)(prediction, target), total / count)


def test_confidence_weighs_an_error() -> None:
    prediction, target, _ = pair()
    whole = Joints2D()(prediction, target)
    target.joints_2d[..., 2] = 0.5
    torch.testing.assert_close(Joints2D()(prediction, target), whole / 2)


def test_a_root_takes_out_where_the_person_stands() -> None:
    prediction, target, _ = pair()
    loss = Joints3D(HAND, root=("pelvis",))
    value = loss(prediction, target)
    prediction.joints = prediction.joints + torch.tensor([5.0, 6.0, 7.0])
    torch.testing.assert_close(loss(prediction, target), value)
    assert not torch.allclose(Joints3D()(prediction, target), value)


def test_a_part_is_seen_from_its_own_joint() -> None:
    prediction, target, truth = pair()
    loss = Joints3D(HAND, root=("pelvis",), parts={"left_hand": "left_wrist"})
    arm = torch.tensor([[0.0], [1.0], [1.0], [1.0]]) * torch.tensor([0.3, 0.0, 0.0])
    prediction.joints = truth + arm  # the arm is elsewhere, the hand on it is right
    torch.testing.assert_close(loss(prediction, target), torch.tensor(0.3 / 12))


def test_persons_without_their_root_teach_nothing() -> None:
    prediction, target, _ = pair()
    target.joints_3d[:, 0, 3] = 0
    assert Joints3D(HAND, root=("pelvis",))(prediction, target) == 0


def test_roots_need_names() -> None:
    with pytest.raises(ValueError, match="joint_set"):
        Joints3D(root=("pelvis",))


def test_fitted_joints_are_another_truth() -> None:
    prediction, target, _ = pair()
    assert Joints3D(fitted=True)(prediction, target) == 0
    assert Joints2D(fitted=True)(prediction, target) == 0


def test_pixels_and_squares_only_scale() -> None:
    prediction, target, _ = pair()
    torch.testing.assert_close(Joints2D(pixels=8)(prediction, target) * 8, Joints2D()(prediction, target))
    squares = (prediction.joints[..., :2] * 100 - target.joints_2d[..., :2]).square().mean()
    torch.testing.assert_close(Joints2D(kind="l2")(prediction, target), squares)


def test_camera_only_moves_no_joint() -> None:
    prediction, target, _ = pair()
    value = replace(Joints2D(), camera_only=True)(prediction, target)
    assert not value.requires_grad
    torch.testing.assert_close(value, Joints2D()(prediction, target).detach())
