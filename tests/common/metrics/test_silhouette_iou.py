"""Silhouettes of bodies against true ones, whatever the network's own view."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from common.body_models.smpl import SMPL
from common.geometry.rotation import matrix_from_axis_angle
from common.metrics.silhouette_iou import SilhouetteIoU, intersection_over_union, overlap
from common.rendering.rasterizer import visible_faces
from common.structures import Body, BodyParams, Crop, WeakPerspective

PICTURE = (200, 240)  # height, width


@pytest.fixture(scope="module")
def model() -> SMPL:
    return SMPL(free="only")


def standing(model: SMPL, beta: float = 0.0) -> Body:
    turns = torch.zeros(1, 24, 3)
    turns[:, 0, 0] = torch.pi
    betas = torch.zeros(1, 10)
    betas[:, 0] = beta
    return model(BodyParams(matrix_from_axis_angle(turns), betas, torch.zeros(1, 0)))


def seen(view: int, middle: tuple[float, float] = (120.0, 100.0), side: float = 180.0) -> tuple:
    """A camera onto a square view of a part of the picture, and the crop; edges count from 0 there."""
    zoom = view / side
    corner = torch.tensor(middle) - side / 2
    shift = (zoom * (0.5 - corner))[None, :, None]
    matrix = torch.cat([zoom * torch.eye(2)[None], shift], 2)
    crop = Crop(matrix, torch.zeros(1), torch.zeros(1, dtype=torch.bool), torch.tensor([[240.0, 200.0]]))
    size = torch.tensor([[float(view), float(view)]])
    return WeakPerspective(torch.tensor([0.9]), torch.tensor([[0.0, -0.4]]), size), crop


def measured(metric: SilhouetteIoU, body: Body, camera: WeakPerspective, crop: Crop) -> dict:
    batch = SimpleNamespace(name=("one",), inputs=SimpleNamespace(crops={"main": crop}))
    return metric.measure(SimpleNamespace(body=body, camera=camera), batch)


def drawn(model: SMPL, body: Body, camera: WeakPerspective, crop: Crop) -> np.ndarray:
    """The body's true silhouette in the picture."""
    pixels = crop.back(camera.project(body.vertices))
    flat = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)
    return (visible_faces(flat, model.faces, PICTURE)[0] >= 0).numpy()


def same_place(mask: np.ndarray) -> SilhouetteIoU:
    return SilhouetteIoU(lambda name: (mask, np.eye(3)[:2]))


def test_a_body_fills_its_own_silhouette_in_any_view(model: SMPL) -> None:
    body = standing(model)
    mask = drawn(model, body, *seen(256))
    assert 2000 < mask.sum() < 15000
    for view in (64, 128, 256):
        counts = measured(same_place(mask), body, *seen(view))
        assert intersection_over_union(counts) > 0.999
        assert sum(counts.values()) == mask.size


def test_another_shape_or_place_fills_it_less(model: SMPL) -> None:
    body = standing(model)
    metric = same_place(drawn(model, body, *seen(128)))
    other = measured(metric, standing(model, 3.0), *seen(128))
    moved = measured(metric, body, *seen(128, middle=(128.0, 100.0)))
    for counts in (other, moved):
        assert 0.2 < intersection_over_union(counts) < 0.97


def test_a_silhouette_may_be_given_in_another_picture(model: SMPL) -> None:
    body = standing(model)
    camera, crop = seen(256)
    mask = drawn(model, body, camera, crop)
    doubled = mask.repeat(2, 0).repeat(2, 1)  # twice as large: pixel 0 becomes the pixels 0 and 1
    metric = SilhouetteIoU(lambda name: (doubled, np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]])))
    assert intersection_over_union(measured(metric, body, camera, crop)) > 0.9


def test_all_pixels_at_once_and_the_mean_of_persons_are_two_numbers() -> None:
    truth = torch.zeros(2, 10, 10, dtype=torch.bool)
    truth[0, :, :], truth[1, :2, :1] = True, True
    guess = truth.clone()
    guess[1, 1:, :] = False  # half of the small one
    summary = SilhouetteIoU().summary(overlap(guess, truth))
    assert summary["silhouette_iou"] == pytest.approx(101 / 102)
    assert summary["mean_silhouette_iou"] == pytest.approx(0.75)


def test_persons_without_any_silhouette_are_left_out() -> None:
    empty = torch.zeros(1, 4, 4, dtype=torch.bool)
    assert intersection_over_union(overlap(empty, empty)).isnan().all()
