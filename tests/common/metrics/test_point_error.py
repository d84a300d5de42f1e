"""Distances of points after an alignment."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pytest
import torch

from common.body_models.smplx import SMPLX
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPL_45, JointSet
from common.metrics.point_error import PointError
from common.metrics.points import (
    AnnotatedJoints,
    AnnotatedRegressed,
    InPicture,
    Joints,
    Regressed,
    Vertices,
    read_joints,
)
from common.structures import Body, Crop, Perspective

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


@cache
def free_body() -> SMPLX:
    return SMPLX(free="only")


def posed(seed: int) -> Body:
    """Two real bodies of the shipped model."""
    dice = torch.Generator().manual_seed(seed)
    model = free_body()
    pose, betas = 0.3 * torch.randn(2, 55, 3, generator=dice), torch.randn(2, 10, generator=dice)
    return model(model.params(pose, betas, torch.zeros(2, 10), torch.zeros(2, dtype=torch.bool)))


@pytest.mark.parametrize("points", [Joints(NAMES), Vertices(), Vertices(rest=True)], ids=str)
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
    for points in (Joints(NAMES), Vertices()):
        assert error(PointError("e", points, "root"), moved(truth, shift=2.0), truth).max() < 1e-2
        assert error(PointError("e", points, "none"), moved(truth, shift=2.0), truth).min() > 3000


def test_errors_are_millimeters_of_the_mean_point() -> None:
    truth = body()
    guess = replace(truth, vertices=truth.vertices + torch.tensor([0.0, 0.03, 0.04]))
    torch.testing.assert_close(
        error(PointError("e", Vertices(), "none"), guess, truth), torch.full((4,), 50.0)
    )


def test_the_root_can_be_the_middle_of_two_joints() -> None:
    truth = body()
    hips = Joints(NAMES, root=("left_hip", "right_hip"))
    by_hand = truth.joints[:, [SMPL_45.index("left_hip"), SMPL_45.index("right_hip")]].mean(1, keepdim=True)
    torch.testing.assert_close(hips.read(truth).origin, by_hand)


def test_annotated_joints_count_where_they_are_annotated() -> None:
    joint_set = JointSet("annotated", ("pelvis", "head", "neck", "left_wrist"))
    truth = body()
    places = list(SMPL_45.indices(joint_set.names))
    joints_3d = torch.cat([truth.joints[:, places] + 5, torch.ones(4, 4, 1)], -1)
    joints_3d[0, 1] = torch.tensor([9.0, 9.0, 9.0, 0.0])  # a head nobody annotated
    joints_3d[1, 0, 3] = 0  # a person without a root
    metric = PointError("mpjpe", AnnotatedJoints(("head", "neck", "left_wrist"), joint_set=joint_set))
    values = error(metric, truth, joints_3d=joints_3d)
    assert values[1].isnan() and values[[0, 2, 3]].max() < 1e-2


def test_the_mean_leaves_out_whom_it_does_not_apply_to() -> None:
    metric = PointError("mpjpe", Joints(NAMES))
    assert metric.summary({"mpjpe": torch.tensor([10.0, float("nan"), 20.0])}) == {"mpjpe": 15.0}


def test_meshes_of_two_topologies_are_not_compared() -> None:
    with pytest.raises(ValueError, match="the smpl mesh with the other mesh"):
        error(PointError("mpvpe", Vertices()), body(), replace(body(), topology="other"))


def test_a_benchmark_without_a_true_body_says_so() -> None:
    with pytest.raises(ValueError, match="PosedTargets"):
        error(PointError("mpvpe", Vertices()), body(), None)


def test_joints_regressed_from_the_mesh_are_near_those_that_turned_it() -> None:
    body = posed(0)
    names = ("left_knee", "right_elbow", "left_wrist", "nose", "left_index_tip")
    turned, regressed = read_joints(body, names), read_joints(body, names, from_mesh=True)
    distance = (turned - regressed).norm(dim=-1)
    assert 1e-4 < distance[:, :3].max() < 0.05
    assert distance[:, 3:].max() == 0  # points on the skin are vertices either way
    assert PointError("e", Joints(names, from_mesh=True)).measure(*both(body, body))["e"].max() == 0


def both(guess: Body, truth: Body, **extra):
    return SimpleNamespace(body=guess, **extra), SimpleNamespace(target=SimpleNamespace(body=truth), **extra)


def test_named_points_are_read_by_each_mesh_s_own_file() -> None:
    body, other = posed(0), posed(1)
    whole = Regressed("j14").read(body)
    assert whole.points.shape == (2, 14, 3)
    some = Regressed("j14", rows=(3, 5), root=(2, 3)).read(body)
    assert torch.equal(some.points, whole.points[:, [3, 5]])
    torch.testing.assert_close(some.origin, whole.points[:, 2:4].mean(1, keepdim=True))
    assert error(PointError("pa_mpjpe", Regressed("j14"), "procrustes"), body, other).min() > 1


def test_hands_and_head_are_parts_of_the_mesh() -> None:
    body, other = posed(0), posed(1)
    hands = tuple(
        Vertices(part, root=(side,))
        for part, side in (("left_hand", "left_wrist"), ("right_hand", "right_wrist"))
    )
    left, right = (error(PointError("e", hand), body, other) for hand in hands)
    torch.testing.assert_close(error(PointError("e", hands), body, other), (left + right) / 2)
    head = Vertices("head").read(body)
    assert 0 < head.points.shape[1] < body.vertices.shape[1]
    with pytest.raises(ValueError, match="'hoof' is not defined"):
        Vertices("hoof").read(body)


def test_only_what_is_in_the_picture_counts_but_all_is_aligned() -> None:
    truth = posed(0)
    count = truth.vertices.shape[1]
    guess = replace(truth, vertices=truth.vertices + torch.tensor([0.0, 0.01, 0.0]))
    crop = Crop(
        torch.eye(3)[:2].expand(2, 2, 3),
        torch.zeros(2),
        torch.zeros(2, dtype=torch.bool),
        torch.tensor([[100.0, 100.0]] * 2),
    )
    camera = Perspective(torch.full((2, 2), 100.0), torch.full((2, 2), 50.0), torch.zeros(2, 3))
    translation = torch.tensor([[0.0, 0.0, 5.0], [1000.0, 0.0, 5.0]])  # the second is out of the picture
    prediction = SimpleNamespace(body=guess, camera=camera)
    batch = SimpleNamespace(
        target=SimpleNamespace(body=truth, translation=translation),
        inputs=SimpleNamespace(crops={"body": crop}),
    )
    for alignment, wanted in (("none", 10.0), ("procrustes", 0.0)):
        measured = PointError("e", InPicture(Vertices()), alignment).measure(prediction, batch)["e"]
        assert measured[0].item() == pytest.approx(wanted, abs=1e-2) and measured[1].isnan()
    halves = replace(camera, center=torch.tensor([[0.0, 50.0]] * 2))
    _, seen = InPicture(Vertices()).pair(SimpleNamespace(body=guess, camera=halves), batch)
    right = truth.vertices[0, :, 0] > 0
    assert torch.equal(seen.counted[0] > 0, right) and 0 < right.sum() < count


def test_a_hand_that_does_not_apply_leaves_the_other() -> None:
    class Absent(Joints):
        def pair(self, prediction, batch):
            guess, truth = super().pair(prediction, batch)
            return guess, replace(truth, counted=torch.tensor([[0.0], [1.0]]))

    truth = posed(0)
    guess = replace(truth, joints=truth.joints + torch.tensor([0.0, 0.0, 0.02]))
    one, absent = Joints(("left_wrist",), root=()), Absent(("right_wrist",), root=())
    values = error(PointError("e", (one, absent), "none"), guess, truth)
    torch.testing.assert_close(values, torch.full((2,), 20.0))
    assert error(PointError("e", absent, "none"), guess, truth).isnan().tolist() == [True, False]


def test_regressed_points_count_where_they_are_annotated_and_the_root_is_too() -> None:
    points = AnnotatedRegressed("j14", rows=(1, 2, 3), root=(0,))
    read = Regressed("j14")
    one = posed(0)
    truth = torch.cat([read.read(one).points, torch.ones(2, 14, 1)], -1)
    truth[0, 2] = torch.tensor([9.0, 9.0, 9.0, 0.0])  # nowhere
    truth[1, 0, 3] = 0  # the root
    found = error(PointError("mpjpe", points), one, joints_3d=truth)
    assert found[0] < 1e-3 and found[1].isnan()
    truth[0, 2, 3] = 1
    assert error(PointError("mpjpe", points), one, joints_3d=truth)[0] > 1000


def test_the_aligned_error_of_the_same_points_is_said_besides() -> None:
    guess, truth = body(0), body(1)
    both = PointError("mpjpe", Joints(NAMES), with_pa=True)
    rows = both.measure(SimpleNamespace(body=guess), SimpleNamespace(target=SimpleNamespace(body=truth)))
    assert list(rows) == ["mpjpe", "pa_mpjpe"]
    torch.testing.assert_close(rows["mpjpe"], error(PointError("mpjpe", Joints(NAMES)), guess, truth))
    alone = PointError("pa", Joints(NAMES), "procrustes")
    torch.testing.assert_close(rows["pa_mpjpe"], error(alone, guess, truth))
    assert (rows["pa_mpjpe"] < rows["mpjpe"]).all()


def test_joints_off_the_mesh_come_in_the_order_of_their_names() -> None:
    one = posed(0)
    names = ("left_index_tip", "right_wrist", "pelvis", "left_thumb_tip", "left_wrist", "pelvis")
    found = read_joints(one, names, from_mesh=True)
    assert found.shape == (2, 6, 3)
    for place, name in enumerate(names):
        torch.testing.assert_close(found[:, place], read_joints(one, (name,), from_mesh=True)[:, 0])
    torch.testing.assert_close(found[:, [0, 3]], read_joints(one, (names[0], names[3])))
