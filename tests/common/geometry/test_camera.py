"""Cameras: what they see, where a body stands before them, and where they look."""

import math

import pytest
import torch
from torch import Tensor

from common.geometry import camera
from common.structures import Crop, Perspective, WeakPerspective


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def crop_of(*linear: float, shift: tuple[float, float] = (-30.0, 12.0)) -> Crop:
    a, b, c, d = linear
    matrix = torch.tensor([[a, b, shift[0]], [c, d, shift[1]]], dtype=torch.float64)
    flipped = torch.tensor([a * d - b * c < 0])
    return Crop(matrix[None], torch.zeros(1, dtype=torch.float64), flipped, torch.tensor([[640.0, 480.0]]))


def test_a_point_on_the_optical_axis_falls_on_the_principal_point():
    pixel = camera.perspective(
        torch.tensor([[[0.0, 0.0, 3.0]]]), torch.full((1, 2), 500.0), torch.tensor([[50.0, 60.0]])
    )
    assert pixel.tolist() == [[[50.0, 60.0]]]


def test_perspective_and_weak_perspective_agree_in_the_limit():
    points, shift = random(2, 20, 3), random(2, 2, seed=1) / 5
    scale, size = (
        torch.tensor([0.8, 1.1], dtype=torch.float64),
        torch.tensor([[224.0, 224.0]] * 2, dtype=torch.float64),
    )
    weak = WeakPerspective(scale, shift, size)
    whole = Crop(
        torch.eye(3, dtype=torch.float64)[:2].expand(2, 2, 3),
        torch.zeros(2),
        torch.zeros(2, dtype=torch.bool),
        size,
    )
    errors = [
        float((weak.in_image(whole, focal).project(points) - weak.project(points)).abs().max())
        for focal in (5e3, 5e5, 5e7)
    ]
    assert errors[0] < 15
    assert errors[1] < errors[0] / 90
    assert errors[2] < 2e-3


def test_the_limit_holds_for_views_that_are_not_square():
    size = torch.tensor([[192.0, 256.0]], dtype=torch.float64)
    weak = WeakPerspective(torch.tensor([0.9], dtype=torch.float64), random(1, 2) / 5, size)
    far = weak.in_image(crop_of(1, 0, 0, 1, shift=(0, 0)), 5e7)
    points = random(1, 9, 3, seed=3)
    torch.testing.assert_close(far.project(points), weak.project(points), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "linear", [(2.5, 0, 0, 2.5), (1.5, 0, 0, 0.7), (-2.0, 0, 0, 2.0)], ids=["scaled", "stretched", "flipped"]
)
@pytest.mark.parametrize("focal", [300.0, 5000.0])
def test_a_camera_in_the_image_sees_the_same_picture_points_as_the_crop(linear, focal):
    crop = crop_of(*linear)
    seen = Perspective(
        torch.full((1, 2), focal, dtype=torch.float64),
        torch.tensor([[96.0, 128.0]], dtype=torch.float64),
        torch.tensor([[0.1, -0.2, 4.0]], dtype=torch.float64),
        1e-4,
    )
    points = random(1, 30, 3, seed=2)
    torch.testing.assert_close(seen.in_image(crop).project(points), crop.back(seen.project(points)))


def test_a_weak_camera_in_the_image_sees_nearly_the_same_points_as_the_crop():
    crop = crop_of(1.7, 0, 0, 1.7)
    size = torch.tensor([[224.0, 224.0]], dtype=torch.float64)
    weak = WeakPerspective(torch.tensor([0.9], dtype=torch.float64), random(1, 2) / 5, size)
    points = random(1, 30, 3, seed=4) / 3
    torch.testing.assert_close(
        weak.in_image(crop, 1e8).project(points), crop.back(weak.project(points)), rtol=0, atol=1e-3
    )


def test_another_lens_keeps_the_size_and_the_place_of_a_body_that_is_far():
    near = Perspective(
        torch.full((1, 2), 5000.0), torch.tensor([[400.0, 300.0]]), torch.tensor([[0.4, -0.3, 60.0]])
    )
    focal, center = torch.full((1, 2), 20000.0), torch.tensor([[320.0, 240.0]])
    points = (random(1, 20, 3) / 4).float()
    other = near.at_focal(focal, center)
    assert torch.equal(other.center, center)
    torch.testing.assert_close(other.project(torch.zeros(1, 1, 3)), near.project(torch.zeros(1, 1, 3)))
    torch.testing.assert_close(other.project(points), near.project(points), rtol=0, atol=1.0)


def test_weak_perspective_spans_the_view_from_minus_one_to_one():
    size = torch.tensor([[224.0, 192.0]])
    corners = torch.tensor([[[-1.0, -1.0, 5.0], [1.0, 1.0, -2.0]]])
    pixels = camera.weak_perspective(corners, torch.ones(1), torch.zeros(1, 2), size)
    assert pixels.tolist() == [[[0.0, 0.0], [224.0, 192.0]]]


def test_a_ray_through_a_pixel_projects_back_onto_it():
    focal, center = torch.tensor([[500.0, 520.0]]), torch.tensor([[320.0, 200.0]])
    pixels = torch.rand(1, 10, 2) * 600
    torch.testing.assert_close(
        camera.perspective(3 * camera.rays(pixels, focal, center), focal, center), pixels
    )


def test_the_look_at_rotation_turns_the_axis_to_the_ray_and_nothing_more():
    rays = random(40, 3)
    rays[:, 2] = rays[:, 2].abs() + 1e-3
    turns = camera.rotation_towards(rays)
    unit = torch.nn.functional.normalize(rays, dim=-1)
    torch.testing.assert_close(turns[..., 2], unit)
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3, dtype=torch.float64).expand(40, 3, 3))
    torch.testing.assert_close(torch.linalg.det(turns), torch.ones(40, dtype=torch.float64))
    least = unit[:, 2].clamp(max=1).acos()
    angle = ((turns.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1).acos()
    torch.testing.assert_close(angle, least, rtol=0, atol=1e-6)


def test_focal_lengths_follow_from_fields_of_view_and_from_35_mm_equivalents():
    assert camera.focal_from_field_of_view(math.pi / 2, 100) == pytest.approx(50)
    assert camera.focal_from_35mm(36.0, 3600, 2400) == pytest.approx(3600)
    assert camera.focal_from_35mm(36.0, 2400, 3600) == pytest.approx(3600)


def test_an_assumed_camera_looks_through_the_middle_with_55_degrees_over_the_longer_side():
    matrix = camera.assumed_intrinsics(640, 480)
    assert matrix[:2, 2].tolist() == [319.5, 239.5]
    assert 2 * math.degrees(math.atan(320 / matrix[0, 0])) == pytest.approx(55, abs=1e-4)
    assert camera.assumed_intrinsics(480, 640)[0, 0] == matrix[0, 0]
    assert camera.assumed_intrinsics(480, 640, focal=700.0)[1, 1] == 700
    with pytest.raises(ValueError, match="0 x 5 pixels"):
        camera.assumed_intrinsics(0, 5)


def seen_bodies(count: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Points, their pixels, the true translation, focal lengths and centers."""
    points = random(count, 24, 3).float() / 2
    translation = torch.cat([random(count, 2, seed=1) / 3, random(count, 1, seed=2).abs() * 5 + 3], 1).float()
    focal, center = (
        torch.tensor([[800.0, 900.0]]).expand(count, 2),
        torch.tensor([[300.0, 200.0]]).expand(count, 2),
    )
    return (
        points,
        camera.perspective(points + translation[:, None], focal, center),
        translation,
        focal,
        center,
    )


def test_a_translation_is_found_again_from_exact_pixels():
    points, pixels, translation, focal, center = seen_bodies()
    found = camera.solve_translation(points, pixels, torch.ones(5, 24), focal, center)
    torch.testing.assert_close(found, translation, rtol=1e-4, atol=1e-4)


def test_a_translation_far_away_is_found_in_float32():
    points, _, translation, _, center = seen_bodies()
    focal, translation = torch.full((5, 2), 5000.0), translation + torch.tensor([0, 0, 40.0])
    pixels = camera.perspective(points + translation[:, None], focal, center)
    found = camera.solve_translation(points, pixels, torch.ones(5, 24), focal, center)
    torch.testing.assert_close(found, translation, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 10.0])
def test_the_unit_of_pixels_does_not_matter(unit):
    points, pixels, _, focal, center = seen_bodies()
    pixels = center[:, None] + (pixels - center[:, None]) / 30  # small in the picture: far away
    plain = camera.solve_translation(points, pixels, torch.ones(5, 24), focal, center)
    other = camera.solve_translation(points, unit * pixels, torch.ones(5, 24), unit * focal, unit * center)
    assert (plain[:, 2] > 60).all()
    torch.testing.assert_close(other, plain, rtol=2e-3, atol=1e-3)


def test_points_without_confidence_do_not_move_the_translation():
    points, pixels, translation, focal, center = seen_bodies()
    confidence = torch.ones(5, 24)
    confidence[:, ::2] = 0
    wrong = pixels + 1000 * (1 - confidence)[..., None]
    found = camera.solve_translation(points, wrong, confidence, focal, center)
    torch.testing.assert_close(found, translation, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("visible", [0, 1])
def test_too_few_points_fall_back_to_a_given_depth(visible):
    points, pixels, _, focal, center = seen_bodies()
    confidence = torch.zeros(5, 24)
    confidence[:, :visible] = 1
    found = camera.solve_translation(points, pixels, confidence, focal, center, fallback_depth=7.0)
    assert torch.isfinite(found).all()
    assert (found[:, 2] == 7).all()
    if visible:
        reached = camera.perspective(points[:, :1] + found[:, None], focal, center)
        torch.testing.assert_close(reached, pixels[:, :1], rtol=0, atol=0.1)


def test_two_visible_points_are_enough():
    points, pixels, translation, focal, center = seen_bodies()
    confidence = torch.zeros(5, 24)
    confidence[:, :2] = 1
    found = camera.solve_translation(points, pixels, confidence, focal, center)
    torch.testing.assert_close(found, translation, rtol=0, atol=0.05)


def test_the_solution_has_finite_gradients_however_few_points_are_seen():
    points, pixels, _, focal, center = seen_bodies(3)
    confidence = torch.zeros(3, 24)
    confidence[0] = 1
    confidence[1, 0] = 1
    points, pixels = points.requires_grad_(), pixels.requires_grad_()
    camera.solve_translation(points, pixels, confidence, focal, center).square().sum().backward()
    assert torch.isfinite(points.grad).all() and torch.isfinite(pixels.grad).all()
    assert points.grad[0].abs().sum() > 0
