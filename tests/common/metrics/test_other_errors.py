"""Errors in the picture, and of a body's own numbers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from common.joints import COCO_17, SMPL_45
from common.metrics.keypoint_error import KeypointError
from common.metrics.parameter_error import ParameterError
from common.metrics.shapes import RestMesh
from common.structures import Body, BodyParams, Crop, WeakPerspective


def prediction_of(joints: torch.Tensor) -> SimpleNamespace:
    count = len(joints)
    size = torch.tensor([[200.0, 200.0]]).expand(count, 2)
    camera = WeakPerspective(torch.ones(count), torch.zeros(count, 2), size)
    return SimpleNamespace(camera=camera, body=Body(joints, joints, joints, "smpl"))


def batch_of(points: torch.Tensor, zoom: float = 1.0) -> SimpleNamespace:
    count = len(points)
    matrix = torch.tensor([[zoom, 0.0, 3.0], [0.0, zoom, -4.0]]).expand(count, 2, 3)
    crop = Crop(matrix, torch.zeros(count), torch.zeros(count, dtype=torch.bool), torch.ones(count, 2))
    return SimpleNamespace(
        target=SimpleNamespace(joints_2d=points), inputs=SimpleNamespace(crops={"a": crop})
    )


def seen_by_coco(joints: torch.Tensor) -> torch.Tensor:
    """(B, 17, 3) where the camera of `prediction_of` sees COCO's joints, all annotated."""
    pixels = (joints[:, list(SMPL_45.indices(COCO_17.names)), :2] + 1) * 100
    return torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)


def test_only_annotated_points_count_and_their_mean_is_the_persons() -> None:
    joints = torch.rand(2, 45, 3)
    points = seen_by_coco(joints)
    points[:, :, 0] += 3.0
    points[:, 0] += torch.tensor([500.0, 500.0, -1.0])  # not annotated
    error = KeypointError("e", COCO_17).measure(prediction_of(joints), batch_of(points))["e"]
    assert torch.allclose(error, torch.full((2,), 3.0), atol=1e-3)


def test_pixels_of_the_picture_do_not_hang_on_the_view() -> None:
    joints = torch.rand(1, 45, 3)
    points = seen_by_coco(joints)
    points[:, :, 1] += 4.0
    for zoom in (0.5, 2.0):
        metric = KeypointError("e", COCO_17, in_picture=True)
        error = metric.measure(prediction_of(joints), batch_of(points, zoom))["e"]
        assert error.item() == pytest.approx(4.0 / zoom, rel=1e-3)


def test_a_person_without_points_has_no_number() -> None:
    joints = torch.rand(1, 45, 3)
    metric = KeypointError("e", COCO_17)
    assert metric.measure(prediction_of(joints), batch_of(torch.zeros(1, 17, 3)))["e"].isnan().all()


def params(joints: int = 24, seed: int = 0) -> BodyParams:
    dice = torch.Generator().manual_seed(seed)
    rotations = torch.randn(2, joints, 3, 3, generator=dice)
    return BodyParams(rotations, torch.randn(2, 10, generator=dice), torch.zeros(2, 0))


def compared(numbers: str, guess: BodyParams, known: torch.Tensor | None = None) -> torch.Tensor:
    target = SimpleNamespace(params=params(), known=torch.ones(2, 26) if known is None else known)
    batch = SimpleNamespace(target=target)
    return ParameterError("e", numbers).measure(SimpleNamespace(params=guess), batch)["e"]


def test_numbers_of_a_body_are_compared_where_they_are_known() -> None:
    for numbers in ("rotations", "betas"):
        assert compared(numbers, params()).max() == 0
        assert compared(numbers, params(seed=1)).min() > 0.1
        assert compared(numbers, params(seed=1), torch.zeros(2, 26)).isnan().all()
    half = torch.ones(2, 26)
    half[:, 1:24] = 0
    alone = (params(seed=1).rotations - params().rotations)[:, 0].square().mean((1, 2))
    assert torch.allclose(compared("rotations", params(seed=1), half), alone)


def test_numbers_of_two_body_models_are_not_compared() -> None:
    with pytest.raises(ValueError, match="two body models"):
        compared("rotations", params(joints=55))


def test_only_smpl_can_be_taken_for_another_gender() -> None:
    body = Body(torch.zeros(2, 5, 3), torch.zeros(2, 45, 3), torch.zeros(2, 5, 3), "humanmesh-6890")
    batch = SimpleNamespace(target=SimpleNamespace(body=body, gender=torch.tensor([1, 2])))
    with pytest.raises(ValueError, match="another gender"):
        RestMesh(gendered=True).pair(SimpleNamespace(body=body, params=params()), batch)
