"""The joints of a fitted body as targets: seen as the picture was, known as far as the fit is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from common.geometry.crop import after_mirror
from common.joints import SMPLX, SMPLX_55, WHOLE_BODY_137, JointSet
from common.losses.volume import Volume
from common.networks.whole_body import WholeBody
from common.structures import Batch, Crop, Inputs
from data.loading.dataset import bodies
from data.on_device.bearers import requirements
from data.on_device.fitted_targets import FittedTargets

COUNT = 3
SIZE = (128.0, 96.0)  # width and height of the picture


@pytest.fixture(scope="module")
def model() -> WholeBody:
    return WholeBody(free="only")


def crop_of(angle: float = 0.0, flipped: bool = False) -> Crop:
    cos, sin = math.cos(angle), math.sin(angle)
    matrix = torch.tensor([[3 * cos, 3 * sin, 20.0], [-3 * sin, 3 * cos, 60.0]])
    if flipped:
        matrix = torch.from_numpy(after_mirror(matrix.numpy(), SIZE[0]))
    return Crop(
        matrix.float().expand(COUNT, 2, 3),
        torch.full((COUNT,), angle),
        torch.full((COUNT,), flipped),
        torch.tensor(SIZE).expand(COUNT, 2),
    )


def people(crop: Crop | None = None, **known: torch.Tensor) -> Batch:
    generator = torch.Generator().manual_seed(1)
    pose = 0.2 * torch.randn(COUNT, 55, 3, generator=generator)
    numbers = {
        "pose": pose, "betas": torch.randn(COUNT, 10, generator=generator),
        "expression": torch.zeros(COUNT, 10), "translation": torch.tensor([[0.1, 0.2, 4.0]]).expand(COUNT, 3),
    }  # fmt: skip
    batch = bodies(("a", "b", "c"), torch.arange(COUNT), WHOLE_BODY_137, SMPLX, **(numbers | known))
    target = replace(batch.target, joints_are_fitted=torch.zeros(COUNT, dtype=torch.bool))
    lens = torch.tensor([[120.0, 0, 64], [0, 120, 40], [0, 0, 1]]).expand(COUNT, 3, 3)
    inputs = Inputs({}, {"body": crop or crop_of()}, lens, torch.zeros(COUNT, 3))
    return replace(batch, target=target, inputs=inputs)


def annotated(batch: Batch, **changes: torch.Tensor) -> Batch:
    return replace(batch, target=replace(batch.target, **changes))


def prepared(model: WholeBody, batch: Batch, as_published: bool = False):
    return FittedTargets(model, SMPLX, as_published=as_published)(batch).target


def test_a_fitted_joint_lies_where_the_picture_shows_it(model):
    batch = people()
    target = prepared(model, batch)
    points = target.fitted_3d[..., :3]
    lens = batch.inputs.intrinsics[0]
    expected = batch.inputs.crops["body"].points(
        (points / points[..., 2:])[..., :2] * lens[0, 0] + lens[:2, 2]
    )
    assert torch.allclose(target.fitted_2d[..., :2], expected, atol=1e-3)
    assert (target.fitted_3d[..., 3] == 1).all()


def test_a_flip_exchanges_sides_and_mirrors_points(model):
    straight, flipped = prepared(model, people()), prepared(model, people(crop_of(flipped=True)))
    swapped = list(WHOLE_BODY_137.mirrored)
    mirror = torch.tensor([-1.0, 1, 1])
    assert torch.allclose(flipped.fitted_3d[..., :3], straight.fitted_3d[:, swapped, :3] * mirror, atol=1e-6)
    ours, theirs = (
        crop.back(target.fitted_2d[..., :2])
        for crop, target in ((crop_of(), straight), (crop_of(flipped=True), flipped))
    )
    assert torch.allclose(theirs, ours[:, swapped], atol=1e-3)


def test_a_turn_turns_points_in_space_as_in_the_picture(model):
    angle = 0.4
    straight, turned = prepared(model, people()), prepared(model, people(crop_of(angle)))
    cos, sin = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    assert torch.allclose(turned.fitted_3d[..., :3], straight.fitted_3d[..., :3] @ turn.T, atol=1e-6)


def test_joints_are_read_before_a_shape_is_given_up(model):
    strange = torch.full((COUNT, 10), 3.5)
    target = prepared(model, people(betas=strange))
    assert (target.betas == 0).all() and (target.params.betas == 0).all()
    assert (
        target.fitted_3d - prepared(model, people(betas=torch.zeros(COUNT, 10))).fitted_3d
    ).abs().max() > 0.01


def test_points_out_of_the_view_teach_nothing_in_the_picture(model):
    aside = torch.tensor([[0.0, 0, 4], [100, 0, 4], [0, 0, -4]])
    target = prepared(model, people(translation=aside))
    seen = (target.fitted_2d[..., 2] > 0).any(1)
    assert seen.tolist() == [True, False, False]
    assert (target.fitted_3d[..., 3] == 1).all()


def test_without_a_camera_the_annotated_points_are_the_fitted_ones(model):
    points = torch.rand(COUNT, 137, 3) * torch.tensor([384.0, 512, 0]) + torch.tensor([0.0, 0, 1])
    batch = annotated(people(translation=torch.zeros(COUNT, 3)), joints_2d=points)
    target = prepared(model, batch)
    assert torch.equal(target.fitted_2d[..., :2], points[..., :2])


def test_where_annotation_and_fit_are_one_they_stay_one(model):
    points = torch.rand(COUNT, 137, 3) * torch.tensor([384.0, 512, 0]) + torch.tensor([0.0, 0, 1])
    deep = 0.1 * torch.rand(COUNT, 137, 4) + torch.tensor([0.0, 0, 0, 1])
    one = torch.tensor([True, True, False])
    batch = annotated(people(), joints_2d=points, joints_3d=deep, joints_are_fitted=one)
    target = prepared(model, batch)
    assert torch.equal(target.fitted_2d[one], target.joints_2d[one])
    assert torch.equal(target.fitted_3d[one], deep[one])
    assert not torch.equal(target.fitted_3d[~one], deep[~one])


def test_what_nobody_annotated_is_left_to_the_fit(model):
    left = torch.tensor([True, False, True])
    target = prepared(model, annotated(people(), joints_are_fitted=left))
    assert torch.equal(target.joints_3d[left], target.fitted_3d[left])
    assert (target.joints_3d[~left] == 0).all()


def test_as_published_points_without_depth_teach_nothing(model):
    points = torch.full((COUNT, 137, 3), 200.0)
    batch = annotated(people(), joints_2d=points)
    assert (prepared(model, batch).joints_2d[..., 2] > 0).all()
    published = prepared(model, batch, as_published=True)
    assert (published.joints_2d[..., 2] == 0).all()
    assert (published.fitted_2d[..., 2] > 0).any()


@pytest.mark.parametrize(
    ("unknown", "lost", "kept"),
    [
        ("left_ankle", ("left_big_toe", "left_heel"), ("left_ankle", "right_heel")),
        ("left_wrist", ("left_index_1", "left_thumb_tip"), ("left_wrist", "right_index_1")),
        ("left_index_2", ("left_index_1", "left_thumb_tip"), ("left_wrist", "right_index_1")),
        ("jaw", ("jaw", "chin", "head"), ("nose", "left_ear", "neck")),
        ("spine2", ("neck", "left_wrist", "nose"), ("left_hip", "left_big_toe")),
        ("pelvis", ("pelvis", "left_hip", "chin"), ()),
    ],
)
def test_a_joint_hangs_on_the_rotations_above_it(unknown, lost, kept):
    needs = requirements(WHOLE_BODY_137, SMPLX)[SMPLX_55.index(unknown)]
    assert all(needs[WHOLE_BODY_137.index(name)] for name in lost)
    assert not any(needs[WHOLE_BODY_137.index(name)] for name in kept)


def test_a_face_is_known_with_its_expression_alone():
    needs = requirements(WHOLE_BODY_137, SMPLX)[-1]
    assert needs[WHOLE_BODY_137.parts["face"]].all() and needs.sum() == 72


def test_a_joint_that_hangs_on_nothing_known_is_refused():
    with pytest.raises(ValueError, match="'tail'"):
        requirements(JointSet("cat", ("pelvis", "tail")), SMPLX)


def test_an_unknown_hand_is_unknown_on_the_other_side_of_a_mirror(model):
    known = torch.ones(COUNT, 57)
    known[:, SMPLX_55.parts["left_hand"]] = 0
    batch = annotated(people(crop_of(flipped=True)), known=known)
    target = prepared(model, batch)
    assert (target.fitted_3d[:, WHOLE_BODY_137.parts["right_hand"], 3] == 0).all()
    assert (target.fitted_3d[:, WHOLE_BODY_137.parts["left_hand"], 3] == 1).all()


def test_depth_in_cells_is_counted_from_the_root_of_each_part():
    volume = Volume()
    joints = torch.zeros(1, 137, 4)
    joints[..., 3] = 1
    wrist, tip = WHOLE_BODY_137.index("left_wrist"), WHOLE_BODY_137.index("left_index_tip")
    joints[0, wrist, 2], joints[0, tip, 2] = 0.5, 0.575
    points, known = volume.points(torch.zeros(1, 137, 3), joints)
    assert points[0, wrist, 2] == pytest.approx(12)
    assert points[0, tip, 2] == pytest.approx(12)
    assert known.all()
    unknown = joints.clone()
    unknown[0, wrist, 3] = 0
    points, known = volume.points(torch.zeros(1, 137, 3), unknown)
    assert not known[0, WHOLE_BODY_137.parts["left_hand"]].any() and points[0, tip, 2] == 0
