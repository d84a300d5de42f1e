"""The lifter: the body lies over the points, whatever the camera; what is not seen does not matter."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from common.checkpoint import about, load_weights
from common.geometry.camera import rays
from common.geometry.rotation import matrix_from_axis_angle
from common.joints import LIFTER_29, LIFTER_39, SMPLX
from common.networks.lifter import Lifter, look_straight
from common.structures import Batch, Crop, Inputs, Prediction
from common.utils.paths import FREE
from data.on_device.detection_errors import Detections
from data.on_device.synthetic_keypoints import Cameras, SyntheticKeypoints
from data.synthetic import SyntheticPeople
from main.evaluator import evaluate

WEIGHTS = FREE / "lifter.safetensors"
SEEN = list(LIFTER_29.taken_from(LIFTER_39))


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    model = Lifter()
    load_weights(model, WEIGHTS)
    return model.eval()


@pytest.fixture(scope="module")
def batch(lifter: Lifter) -> Batch:
    places = torch.arange(64)
    people = SyntheticPeople(split="test").batch(places, places, LIFTER_39, SMPLX)
    return SyntheticKeypoints(lifter, SMPLX, Cameras(distance=(3, 8), guessed=0.0), Detections.good())(people)


def predict(lifter: Lifter, inputs: Inputs) -> Prediction:
    with torch.no_grad():
        return lifter(inputs)


def miss(prediction: Prediction, inputs: Inputs) -> Tensor:
    """(B,) mean distance of the body's joints from the points, in sizes of the person."""
    points = inputs.views["keypoints"]
    known = (points[..., 2] > 0).float()
    fallen = prediction.camera.project(prediction.joints[:, SEEN])
    distance = (fallen - points[..., :2]).norm(dim=-1)
    low = torch.where(known[..., None] > 0, points[..., :2], torch.inf).amin(1)
    high = torch.where(known[..., None] > 0, points[..., :2], -torch.inf).amax(1)
    return (distance * known).sum(1) / known.sum(1) / (high - low).amax(1)


def with_view(inputs: Inputs, points: Tensor) -> Inputs:
    return replace(inputs, views={"keypoints": points})


def test_the_body_lies_over_the_points(lifter: Lifter, batch: Batch) -> None:
    assert miss(predict(lifter, batch.inputs), batch.inputs).median() < 0.03


@pytest.mark.parametrize("factor", [0.6, 1.5, 5.0])
def test_it_lies_there_with_any_focal_length(lifter: Lifter, batch: Batch, factor: float) -> None:
    scale = torch.tensor([factor, factor, 1.0]).diag()
    matrix = batch.inputs.intrinsics.clone()
    matrix[:, :2, :2] = (matrix @ scale)[:, :2, :2]
    inputs = replace(batch.inputs, intrinsics=matrix)
    prediction = predict(lifter, inputs)
    assert miss(prediction, inputs).median() < 0.035
    assert (prediction.camera.translation[:, 2] > 0).all()


def test_it_lies_over_the_person_in_the_full_picture(lifter: Lifter, batch: Batch) -> None:
    prediction, crop = predict(lifter, batch.inputs), batch.inputs.crops["keypoints"]
    in_view = prediction.camera.project(prediction.joints)
    in_image = prediction.camera.in_image(crop)
    assert torch.allclose(crop.back(in_view), in_image.project(prediction.joints), atol=0.05)
    lens = batch.inputs.intrinsics
    assert torch.allclose(in_image.focal[:, 0], lens[:, 0, 0], rtol=1e-4)
    assert torch.allclose(in_image.center, lens[:, :2, 2], atol=0.05)


def test_where_the_crop_was_cut_does_not_matter(lifter: Lifter, batch: Batch) -> None:
    crop, points = batch.inputs.crops["keypoints"], batch.inputs.views["keypoints"]
    pixels = crop.back(points[..., :2])
    matrix = torch.cat([0.7 * crop.matrix[..., :2], 0.5 * crop.matrix[..., 2:] + 20], -1)
    moved = replace(crop, matrix=matrix)
    view = torch.cat([moved.points(pixels), points[..., 2:]], -1)
    inputs = replace(with_view(batch.inputs, view), crops={"keypoints": moved})
    first, second = predict(lifter, batch.inputs), predict(lifter, inputs)
    assert torch.allclose(first.body.vertices, second.body.vertices, atol=2e-3)
    assert torch.allclose(
        first.camera.in_image(crop).translation,
        second.camera.in_image(moved).translation,
        rtol=2e-3,
        atol=2e-2,
    )


def test_a_camera_turned_about_itself_sees_the_same_body(lifter: Lifter, batch: Batch) -> None:
    """Turning the camera moves a person across the picture and distorts it; the body stays what it was."""
    turn = matrix_from_axis_angle(torch.tensor([0.05, 0.12, 0.0]))
    crop, points = batch.inputs.crops["keypoints"], batch.inputs.views["keypoints"]
    lens = batch.inputs.intrinsics
    pixels = crop.back(points[..., :2])
    homogeneous = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)
    directions = homogeneous @ torch.linalg.inv(lens).mT @ turn.mT
    turned = (directions / directions[..., 2:]) @ lens.mT
    view = torch.cat([crop.points(turned[..., :2]), points[..., 2:]], -1)
    first, second = predict(lifter, batch.inputs), predict(lifter, with_view(batch.inputs, view))
    pelvis = [prediction.joints[:, :1] for prediction in (first, second)]
    wanted = (first.joints - pelvis[0]) @ turn.mT
    # the direction of the person is one of the inputs, so the two agree closely, not exactly
    assert ((second.joints - pelvis[1]) - wanted).norm(dim=-1).mean() < 0.02


def test_what_was_not_found_does_not_matter(lifter: Lifter, batch: Batch) -> None:
    points = batch.inputs.views["keypoints"]
    garbage = torch.where(points[..., 2:] > 0, points[..., :2], 1000.0)
    inputs = with_view(batch.inputs, torch.cat([garbage, points[..., 2:]], -1))
    first, second = predict(lifter, batch.inputs), predict(lifter, inputs)
    assert torch.allclose(first.body.vertices, second.body.vertices, atol=1e-5)


def test_one_point_astray_does_not_carry_the_body_off(lifter: Lifter, batch: Batch) -> None:
    points = batch.inputs.views["keypoints"].clone()
    wrist = LIFTER_29.index("left_wrist")
    points[:, wrist, 0] += 60
    points[:, wrist, 2] = points[:, wrist, 2].clamp(min=0.5)
    before, after = predict(lifter, batch.inputs), predict(lifter, with_view(batch.inputs, points))
    crop = batch.inputs.crops["keypoints"]
    pelvis = LIFTER_39.index("pelvis")
    moved = before.camera.project(before.joints)[:, pelvis] - after.camera.project(after.joints)[:, pelvis]
    assert moved.norm(dim=-1).median() < 8 and crop.matrix.isfinite().all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_points_still_give_finite_numbers(lifter: Lifter, batch: Batch, count: int) -> None:
    points = batch.inputs.views["keypoints"].clone()
    points[..., 2] = 0
    points[:, :count, 2] = 1
    prediction = predict(lifter, with_view(batch.inputs, points))
    assert prediction.body.vertices.isfinite().all() and prediction.camera.translation.isfinite().all()


def test_the_mirrored_person_gets_the_mirrored_body(lifter: Lifter, batch: Batch) -> None:
    points, crop, lens = (
        batch.inputs.views["keypoints"],
        batch.inputs.crops["keypoints"],
        batch.inputs.intrinsics,
    )
    pixels = crop.back(points[..., :2])
    across = torch.stack([2 * lens[:, None, 0, 2] - pixels[..., 0], pixels[..., 1]], -1)
    view = torch.cat([crop.points(across), points[..., 2:]], -1)[:, list(LIFTER_29.mirrored)]
    first, second = predict(lifter, batch.inputs), predict(lifter, with_view(batch.inputs, view))
    swapped = second.joints[:, list(LIFTER_39.mirrored)] * torch.tensor([-1.0, 1.0, 1.0])
    assert (swapped - first.joints).norm(dim=-1).max() < 5e-3


def test_in_training_joints_are_those_of_the_mesh_and_stages_are_kept(lifter: Lifter, batch: Batch) -> None:
    whole = predict(lifter, batch.inputs)
    try:
        alone = predict(lifter.train(), batch.inputs)
    finally:
        lifter.eval()
    places = list(LIFTER_39.taken_from(lifter.body_model.joint_set))
    posed = lifter.body_model(alone.params).joints[:, places]
    assert torch.allclose(alone.joints, posed, atol=1e-4)
    assert (alone.joints - whole.joints).norm(dim=-1).mean() < 0.05
    assert len(alone.stages) == lifter.steps and alone.body.vertices.shape[1] == 0 and not whole.stages


def test_straight_ahead_is_the_middle_of_the_points() -> None:
    seen = torch.tensor([[[0.5, 0.1, 1.0], [0.7, -0.1, 1.0], [9.0, 9.0, 1.0]]])
    sight = look_straight(seen, torch.tensor([[1.0, 0.8, 0.0]]))
    assert torch.allclose(sight.turn @ sight.turn.mT, torch.eye(3), atol=1e-6)
    assert sight.flat[:, :2].mean(1).abs().max() < 0.01
    assert sight.turn[0, 0, 2] > 0.4


def test_the_pull_on_a_joint_is_the_turn_that_shrinks_the_misses_fastest(lifter: Lifter) -> None:
    places = torch.arange(16)
    people = SyntheticPeople(split="test").batch(places, places, LIFTER_39, SMPLX)
    far = Cameras(distance=(9, 10), guessed=0.0)
    batch = SyntheticKeypoints(lifter, SMPLX, far, Detections.good())(people)
    keypoints, crop = batch.inputs.views["keypoints"], batch.inputs.crops["keypoints"]
    focal = batch.inputs.intrinsics.diagonal(dim1=1, dim2=2)[:, :2]
    seen = rays(crop.back(keypoints[..., :2]), focal, batch.inputs.intrinsics[:, :2, 2])
    sight = look_straight(seen, keypoints[..., 2])
    rotations = batch.target.params.rotations[:, :22]
    root = sight.turn.mT[:, None] @ rotations[:, :1]
    disturbed = matrix_from_axis_angle(
        0.05 * torch.randn(16, 22, 3, generator=torch.Generator().manual_seed(0))
    )
    turn = torch.zeros(16, 22, 3, requires_grad=True)  # of each joint, in its parent's frame
    turned = matrix_from_axis_angle(turn) @ torch.cat([root, rotations[:, 1:]], 1) @ disturbed
    estimate = lifter._estimate(turned, torch.zeros(16, 10), sight)
    (-estimate.miss.square().sum()).backward()
    pull = lifter._pull(estimate)[:, 2 * len(LIFTER_29) :].unflatten(1, (22, 3))
    alike = torch.nn.functional.cosine_similarity(turn.grad, pull, dim=-1)
    assert alike[:, [0, 1, 2, 4, 5, 12, 16, 17, 18, 19]].median(0).values.min() > 0.95


def test_it_compiles_into_one_graph(batch: Batch) -> None:
    torch._dynamo.reset()
    small = Lifter(width=32, blocks=1, steps=1).eval()
    compiled = torch.compile(small, fullgraph=True, backend="eager")
    wanted, got = predict(small, batch.inputs), compiled(batch.inputs)
    assert torch.allclose(got.body.vertices, wanted.body.vertices, atol=1e-4)


def test_it_learns() -> None:
    from config.lifter.lifter import experiment

    torch.manual_seed(0)
    model = Lifter(width=96, blocks=1, steps=1)
    objective, prepare = experiment.objective(), experiment.prepare(model, SMPLX)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    people, losses = SyntheticPeople(), []
    for step in range(30):
        seeds = torch.arange(64) + 64 * step
        batch = prepare(people.batch(seeds, seeds, LIFTER_39, SMPLX))
        total = torch.stack(list(objective(model(batch.inputs), batch.target).values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    assert sum(losses[-5:]) < 0.75 * sum(losses[:5])


def test_the_shipped_weights_are_small_and_say_what_they_were_trained_on() -> None:
    assert WEIGHTS.stat().st_size <= 12_000_000
    said = about(WEIGHTS)
    assert "01 and 02" in said["trained_on"] and "mocap.cs.cmu.edu" in said["notice"] and said["license"]


def test_the_shipped_weights_meet_their_bars(lifter: Lifter) -> None:
    """Millimeters, joints and after Procrustes: 65 / 46 on held-out bodies, 55 / 36 on an unseen subject."""
    from data.synthetic import benchmark

    for split, mpjpe, pa_mpjpe in (("test", 65.0, 46.0), ("unseen_subject", 55.0, 36.0)):
        whole = benchmark(split)
        part = replace(whole, dataset=replace(whole.dataset, count=768), count=768)
        numbers = evaluate(lifter, part, batch_size=128, workers=0).numbers
        assert numbers["mpjpe"] < mpjpe and numbers["pa_mpjpe"] < pa_mpjpe, numbers


def test_a_crop_is_all_it_needs_to_know_of_the_picture(lifter: Lifter, batch: Batch) -> None:
    crop = batch.inputs.crops["keypoints"]
    blind = Crop(crop.matrix, crop.angle, crop.flipped, torch.full_like(crop.image_size, 7.0))
    inputs = replace(batch.inputs, crops={"keypoints": blind})
    assert torch.equal(predict(lifter, inputs).joints, predict(lifter, batch.inputs).joints)
