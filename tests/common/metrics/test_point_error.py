"""Distances of points after an alignment."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPL_45, JointSet
from common.metrics.point_error import PointError
from common.metrics.points import AllVertices, AnnotatedJoints, Joints
from common.structures import Body

NAMES = ("left_hip", "right_knee", "head", "left_wrist", "neck")


def body(seed: int = 0, count: int = 4) -> Body:
    dice = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 145, 3, generator=dice)
    return Body(points[:, 45:], points[:, :45], points[:, 45:].flip(0), "smpl")


def moved(one: Body, scale: float = 1.0, turn: float = 0.0, shift: float = 0.0) -> Body:
    matrix = scale * matrix_from_axis_angle(torch.tensor([0.3, turn, -0.2]) * bool(turn))
    return replace(one, **{n: getattr(one, n) @ matrix.mT + shift for n in ("vertices", "joints", "rest")})


def error(metric: PointError, guess: Body, truth: Body | None = None, joints_3d=None) -> torch.Tensor:
    target = SimpleNamespace(body=truth, joints_3d=joints_3d)
    return metric.measure(SimpleNamespace(body=guess), SimpleNamespace(target=target))[metric.name]


@pytest.mark.parametrize("points", [Joints(NAMES), AllVertices(), AllVertices(rest=True)], ids=str)
def test_each_alignment_forgives_what_it_aligns(points) -> None:
    truth = body()
    for alignment, guess in (
        ("none", truth),
        ("scale", moved(truth, scale=1.4, shift=2.0)),
        ("procrustes", moved(truth, scale=0.7, turn=2.0, shift=-1.0)),
    ):
        assert error(PointError("e", points, alignment), guess, truth).max() < 5e-3  # millimeters
    assert error(PointError("e", points, "scale"), moved(truth, turn=0.5), truth).min() > 100


def test_a_root_forgives_where_a_person_stands() -> None:
    truth = body()
    for points in (Joints(NAMES), AllVertices()):
        assert error(PointError("e", points, "root"), moved(truth, shift=2.0), truth).max() < 1e-2
        assert error(PointError("e", points, "none"), moved(truth, shift=2.0), truth).min() > 3000


def test_errors_are_millimeters_of_the_mean_point() -> None:
    truth = body()
    guess = replace(truth, vertices=truth.vertices + torch.tensor([0.0, 0.03, 0.04]))
    torch.testing.assert_close(
        error(PointError("e", AllVertices(), "none"), guess, truth), torch.full((4,), 50.0)
    )


def test_the_root_can_be_the_middle_of_two_joints() -> None:
    truth = body()
    hips = Joints(NAMES, root=("left_hip", "right_hip"))
    by_hand = truth.joints[:, [SMPL_45.index("left_hip"), SMPL_45.index("right_hip")]].mean(1, keepdim=True)
    torch.testing.assert_close(hips.predicted(truth).origin, by_hand)


def test_annotated_joints_count_where_they_are_annotated() -> None:
    joint_set = JointSet("annotated", ("pelvis", "head", "neck", "left_wrist"))
    truth = body()
    places = list(SMPL_45.indices(joint_set.names))
    joints_3d = torch.cat([truth.joints[:, places] + 5, torch.ones(4, 4, 1)], -1)
    joints_3d[0, 1] = torch.tensor([9.0, 9.0, 9.0, 0.0])  # a head nobody annotated
    joints_3d[1, 0, 3] = 0  # a person without a root
    metric = PointError("mpjpe", AnnotatedJoints(joint_set, ("head", "neck", "left_wrist")))
    values = error(metric, truth, joints_3d=joints_3d)
    assert values[1].isnan() and values[[0, 2, 3]].max() < 1e-2


def test_the_mean_leaves_out_whom_it_does_not_apply_to() -> None:
    metric = PointError("mpjpe", Joints(NAMES))
    assert metric.summary({"mpjpe": torch.tensor([10.0, float("nan"), 20.0])}) == {"mpjpe": 15.0}


def test_meshes_of_two_topologies_are_not_compared() -> None:
    with pytest.raises(ValueError, match="'other' mesh"):
        error(PointError("mpvpe", AllVertices()), body(), replace(body(), topology="other"))


def test_a_benchmark_without_a_true_body_says_so() -> None:
    with pytest.raises(ValueError, match="PosedTargets"):
        error(PointError("mpvpe", AllVertices()), body(), None)
