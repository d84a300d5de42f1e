"""Boxes and affine maps: there and back, and what the published rules do to a box."""

import math

import numpy as np
import pytest
import torch

from common.geometry import crop
from common.structures import Crop


def boxes(count: int = 20) -> np.ndarray:
    rng = np.random.default_rng(0)
    corner = rng.uniform(-50, 300, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(5, 400, (count, 2))], 1)


def test_a_box_inside_loses_one_pixel_and_nothing_else():
    assert crop.sanitized(np.array([10.0, 20, 50, 90]), (200, 100)).tolist() == [10, 20, 49, 89]


def test_a_box_that_starts_outside_is_moved_inside():
    assert crop.sanitized(np.array([-30.0, 5, 70, 25]), (200, 100)).tolist() == [0, 5, 99, 24]


@pytest.mark.parametrize(
    "box", [[10, 10, 10, 40], [300, 10, 330, 40], [10, 10, 11, 11]], ids=["empty", "outside", "a pixel"]
)
def test_a_box_of_which_nothing_is_left_is_none(box):
    assert crop.sanitized(np.array(box, float), (200, 100)) is None


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="this machine has no extended precision")
def test_a_square_box_gives_middle_and_side_back_to_the_last_bit():
    dice = np.random.default_rng(4)
    for scale in [*dice.uniform(0.1, 9, 200).tolist(), 1.1, 0.9, 1.2 * 347 / 200]:
        center = dice.integers(0, 8000, 2) / 2 + dice.choice([0, 0.1])
        middle, sides = crop.middle_and_sides(crop.square_box(center, 200 * scale))
        assert middle.tolist() == center.tolist()
        assert sides.tolist() == [200 * scale] * 2


def test_padding_keeps_the_middle_and_reaches_the_aspect():
    for box in boxes():
        grown = crop.padded(box, aspect=0.75, padding=1.25)
        size, before = grown[2:] - grown[:2], box[2:] - box[:2]
        assert size[0] / size[1] == pytest.approx(0.75)
        assert (size >= 1.25 * before - 1e-9).all()
        assert min(size / before) == pytest.approx(1.25)
        np.testing.assert_allclose(grown[:2] + grown[2:], box[:2] + box[2:])


def test_whole_numbers_stay_whole_numbers_and_do_not_grow_beyond_the_padding():
    box = np.array([10, 4, 40, 44])
    grown = crop.padded(box, aspect=0.75, padding=1.2)
    assert grown.dtype == box.dtype
    assert (grown[2:] - grown[:2] == [36, 48]).all()


def test_the_box_of_points_holds_the_confident_ones_alone():
    points, confidence = np.array([[10, 20], [30, 5], [1000, 1000]]), np.array([1, 0.2, 0])
    assert crop.around_points(points, confidence).tolist() == [10, 5, 30, 20]
    assert crop.around_points(points, confidence, padding=2.0).tolist() == [0, -2.5, 40, 27.5]
    assert crop.around_points(points, np.zeros(3)) is None


def test_a_map_and_its_inverse_cancel():
    points = np.random.default_rng(1).uniform(-100, 900, (50, 2))
    for box in boxes():
        matrix = crop.around(box, (256, 192), 1.1, 0.7)
        np.testing.assert_allclose(
            crop.mapped(crop.inverse(matrix), crop.mapped(matrix, points)), points, atol=1e-6
        )


def test_the_corners_of_a_box_become_the_corners_of_the_view():
    for box in boxes():
        np.testing.assert_allclose(
            crop.mapped_box(crop.around(box, (256, 192)), box), [0, 0, 192, 256], atol=1e-3
        )


def test_a_larger_scale_shows_more_of_the_picture():
    box = np.array([100.0, 100, 200, 300])
    np.testing.assert_allclose(
        crop.mapped_box(crop.around(box, (256, 192), 2.0), box), [48, 64, 144, 192], atol=1e-3
    )


def test_what_lies_in_a_turned_box_turns_the_other_way():
    box = np.array([0.0, 0, 100, 100])
    matrix = crop.around(box, (100, 100), angle=math.radians(30))
    shown = crop.mapped(matrix, np.array([[50.0, 50], [90, 50]]))
    direction = shown[1] - shown[0]
    assert math.degrees(math.atan2(direction[1], direction[0])) == pytest.approx(-30, abs=1e-4)


def test_mirroring_a_map_twice_changes_nothing():
    matrix = crop.around(boxes()[0], (256, 192), 1.1, 0.7).astype(np.float64)
    np.testing.assert_allclose(crop.after_mirror(crop.after_mirror(matrix, 640), 640), matrix, atol=1e-9)


def test_a_mirrored_crop_shows_a_point_where_the_mirror_image_has_it():
    box, width, points = boxes()[3], 640, np.random.default_rng(2).uniform(0, 480, (9, 2))
    from_mirror_image = crop.around(box, (256, 192), 1.1, 0.3, mirrored_width=width)
    mirrored = np.stack([width - 1 - points[:, 0], points[:, 1]], 1)
    np.testing.assert_allclose(
        crop.mapped(crop.after_mirror(from_mirror_image, width), points),
        crop.mapped(from_mirror_image, mirrored),
        atol=1e-3,
    )


def test_flipping_a_view_twice_changes_nothing():
    box, width = np.array([20.0, 10, 120, 160]), 640
    middle = crop.after_mirror(crop.around(box, (256, 192), mirrored_width=width).astype(np.float64), width)
    points = np.random.default_rng(3).uniform(0, 300, (9, 2))
    flipped = crop.mapped(middle, points)
    flipped[:, 0] = 192 - flipped[:, 0]
    np.testing.assert_allclose(flipped, crop.mapped(crop.around(box, (256, 192)), points), atol=1e-3)


def crop_record(flipped: bool) -> Crop:
    box = crop.padded(boxes()[5], 192 / 256)
    matrix = crop.around(box, (256, 192), 0.9, 0.4, 640 if flipped else None)
    matrix = torch.tensor(crop.after_mirror(matrix, 640) if flipped else matrix, dtype=torch.float64)
    angle = torch.tensor(0.4, dtype=torch.float64)
    return Crop.stack([Crop(matrix, angle, torch.tensor(flipped), torch.tensor([640.0, 480.0]))] * 2)


@pytest.mark.parametrize("flipped", [False, True])
def test_points_through_a_crop_and_back_are_where_they_were(flipped):
    points = torch.rand(2, 30, 2, dtype=torch.float64) * 500
    record = crop_record(flipped)
    torch.testing.assert_close(record.back(record.points(points)), points)
    torch.testing.assert_close(record.points(record.back(points)), points)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_crop_turns_points_in_space_as_it_turns_the_picture(flipped):
    record = crop_record(flipped)
    points = torch.randn(2, 12, 3, dtype=torch.float64)
    seen = record.points(100 * points[..., :2]) - record.points(torch.zeros(2, 1, 2, dtype=torch.float64))
    zoom = torch.linalg.det(record.matrix[:, :, :2]).abs().sqrt()[:, None, None]
    torch.testing.assert_close(record.turned(points)[..., :2], seen / zoom / 100, rtol=0, atol=1e-5)
    torch.testing.assert_close(record.turned(points)[..., 2], points[..., 2])


def test_a_square_box_keeps_its_middle_and_its_sides_while_it_is_padded():
    middle, side = np.array([61.3, 47.2]), 200 * 0.43 / 1.2
    box = crop.padded(crop.square_box(middle, side), 1.0, 1.68)
    center, sides = crop.middle_and_sides(box)
    assert center.tolist() == middle.tolist() and sides.tolist() == [side * 1.68] * 2
