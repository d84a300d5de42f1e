"""Synthetic key points: projections of the true joints by a camera that sees the person."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from common.body_models.smplx import SMPLX as Body
from common.joints import LIFTER_29, LIFTER_39, SMPL, SMPLX
from common.networks.lifter import Lifter
from common.structures import Batch, Perspective
from data.on_device.detection_errors import Detections
from data.on_device.synthetic_keypoints import Cameras, SyntheticKeypoints
from data.synthetic import SyntheticPeople

FAULTLESS = Detections(
    noise=(1e-9, 1e-9), offset=0.0, outliers=0.0, swapped=0.0, dropped=(0.0,), absent=0.0, cut_off=0.0,
    doubtful=0.0, outside_lost=0.0, untroubled=0.0,
)  # fmt: skip
COUNT = 64


@pytest.fixture(scope="module")
def model() -> Lifter:
    return Lifter(width=32, blocks=1, steps=1)


def people(count: int = COUNT) -> Batch:
    places = torch.arange(count)
    return SyntheticPeople(split="test").batch(places, places, LIFTER_39, SMPLX)


def seen(model: Lifter, cameras: Cameras = Cameras(guessed=0.0), mesh: bool = False) -> Batch:  # noqa: B008
    return SyntheticKeypoints(model, SMPLX, cameras, FAULTLESS, mesh)(people())


def camera(batch: Batch) -> Perspective:
    matrix = batch.inputs.intrinsics
    return Perspective(matrix.diagonal(dim1=1, dim2=2)[:, :2], matrix[:, :2, 2], batch.target.translation)


def test_points_are_projections_of_the_true_joints(model: Lifter) -> None:
    batch = seen(model)
    projected = camera(batch).project(batch.target.joints_3d[..., :3])
    in_view = batch.inputs.crops["keypoints"].points(projected)
    assert torch.allclose(in_view, batch.target.joints_2d[..., :2], atol=0.05)
    points = batch.inputs.views["keypoints"]
    places = list(LIFTER_29.taken_from(LIFTER_39))
    found = points[..., 2] > 0
    assert torch.allclose(points[found][:, :2], in_view[:, places][found], atol=0.05)


def test_points_outside_the_picture_are_not_found(model: Lifter) -> None:
    batch = SyntheticKeypoints(
        model, SMPLX, Cameras(distance=(1.5, 2.0), guessed=0.0), replace(FAULTLESS, outside_lost=1.0)
    )(people())
    points, crop = batch.inputs.views["keypoints"], batch.inputs.crops["keypoints"]
    found = points[..., 2] > 0
    whole = found.sum(1) < len(LIFTER_29)  # where hardly any would be found, all are
    pixels = crop.back(points[..., :2])
    inside = ((pixels > -1) & (pixels < crop.image_size[:, None])).all(-1)
    assert inside[whole][found[whole]].all()
    assert (~found).float().mean() > 0.1


def test_the_truth_is_the_body_in_the_cameras_frame(model: Lifter) -> None:
    batch = seen(model, mesh=True)
    places = list(LIFTER_39.taken_from(model.body_model.joint_set))
    assert torch.allclose(batch.target.body.joints[:, places], batch.target.joints_3d[..., :3], atol=1e-5)
    again = model.body_model.params(
        batch.target.pose, batch.target.betas, batch.target.expression, batch.target.flat_hand
    )
    assert torch.allclose(again.rotations, batch.target.params.rotations, atol=1e-4)


def test_a_sample_follows_from_its_seed_alone(model: Lifter) -> None:
    prepare = SyntheticKeypoints(model, SMPLX)
    together, alone = prepare(people()), prepare(people(8))
    assert torch.allclose(together.inputs.views["keypoints"][:8], alone.inputs.views["keypoints"], atol=1e-3)


def test_a_guessed_focal_length_still_sees_the_person_from_the_same_side(model: Lifter) -> None:
    exact, guessed = seen(model), seen(model, Cameras(guessed=1.0, guess_error=0.3))
    ratio = guessed.inputs.intrinsics[:, 0, 0] / exact.inputs.intrinsics[:, 0, 0]
    assert ratio.log().std() > 0.15
    projected = guessed.inputs.crops["keypoints"].points(
        camera(guessed).project(guessed.target.joints_3d[..., :3])
    )
    pelvis = LIFTER_39.index("pelvis")
    assert torch.allclose(projected[:, pelvis], guessed.target.joints_2d[:, pelvis, :2], atol=0.1)
    sizes = guessed.target.joints_3d[..., :3] - guessed.target.joints_3d[:, :1, :3]
    wanted = exact.target.joints_3d[..., :3] - exact.target.joints_3d[:, :1, :3]
    assert torch.allclose(sizes.norm(dim=-1), wanted.norm(dim=-1), atol=1e-4)


def test_cameras_are_as_asked_for(model: Lifter) -> None:
    batch = seen(model, Cameras(field_of_view=(50, 60), distance=(3.0, 4.0), guessed=0.0))
    longer = batch.inputs.crops["keypoints"].image_size.amax(1)
    angle = 2 * torch.atan(longer / 2 / batch.inputs.intrinsics[:, 0, 0]).rad2deg()
    assert (angle > 49.9).all() and (angle < 60.1).all()
    pelvis = batch.target.joints_3d[:, 0, :3] + batch.target.translation
    assert (pelvis.norm(dim=-1) > 2.99).all() and (pelvis.norm(dim=-1) < 4.01).all()


def test_another_body_is_refused_in_words(model: Lifter) -> None:
    with pytest.raises(ValueError, match="smplx bodies, not of smpl"):
        SyntheticKeypoints(model, SMPL)


def test_only_the_benchmark_pays_for_the_mesh(model: Lifter) -> None:
    assert seen(model).target.body is None
    assert seen(model, mesh=True).target.body.vertices.shape[1] == len(Body(free="only").template) // 3
