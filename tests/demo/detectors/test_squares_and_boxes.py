"""Squares, boxes and refined points: properties."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from demo.detectors import blazepose_landmarks, boxes, squares

PLACE = np.array([[120.0, 80.0], [150.0, 40.0]])


def test_the_middle_lands_in_the_middle_and_the_top_straight_above():
    matrix = squares.matrix_of(PLACE, 256)
    middle, top = PLACE @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(middle, [128, 128])
    np.testing.assert_allclose(top, [128, 128 - 128 / squares.ROOM])


def test_carried_into_a_square_and_back_points_stay_where_they_are():
    matrix = squares.matrix_of(PLACE, 256)
    points = np.random.default_rng(0).uniform(0, 200, (33, 2))
    np.testing.assert_allclose(squares.carried_back(points @ matrix[:, :2].T + matrix[:, 2], matrix), points)


def test_the_place_of_a_box_is_upright_and_as_large():
    place = squares.place_of(np.array([10.0, 20.0, 50.0, 120.0]))
    np.testing.assert_allclose(place, [[30, 70], [30, 20]])


def test_a_square_around_points_points_up_and_has_room_for_them():
    points = np.random.default_rng(0).uniform(40, 90, (20, 2))
    up = np.array([3.0, -4.0])
    place = squares.square_around(points, up, 1.5)
    inside = points @ squares.matrix_of(place, 300)[:, :2].T + squares.matrix_of(place, 300)[:, 2]
    np.testing.assert_allclose(inside.min(0) + inside.max(0), 300, atol=1e-6)
    np.testing.assert_allclose(np.ptp(inside, 0).max(), 200, atol=1e-6)
    np.testing.assert_allclose((place[1] - place[0]) @ [4.0, 3.0], 0, atol=1e-6)
    moved = squares.square_around(points, up, 1.5, 0.1)[0] - place[0]
    height = np.ptp(inside, 0)[1] * np.hypot(*(place[1] - place[0])) * 2 * squares.ROOM / 300
    np.testing.assert_allclose(moved, 0.1 * height * up / 5)


def test_a_place_without_size_still_gives_a_square():
    assert np.isfinite(squares.matrix_of(np.array([[5.0, 5.0], [5.0, 5.0]]), 256)).all()


def test_a_square_cut_from_a_smaller_level_shows_the_same():
    y, x = np.mgrid[0:1024, 0:1024]
    waves = 127 + 100 * np.sin(x / 90) * np.cos(y / 70)
    image = np.repeat(waves[..., None], 3, -1).astype(np.uint8)
    matrix = squares.matrix_of(np.array([[500.0, 520.0], [560.0, 150.0]]), 128)
    levels = squares.pyramid(image, 128)
    assert len(levels) == 4
    fine = squares.cut(levels[:1], matrix, 128, cv2.BORDER_REPLICATE).astype(float)
    coarse = squares.cut(levels, matrix, 128, cv2.BORDER_REPLICATE).astype(float)
    assert np.abs(fine - coarse).max() < 6


def test_only_what_lies_outside_the_box_is_blurred():
    square = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    matrix = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    shown = squares.blurred_outside(square, matrix, np.array([64.0, 32.0, 192.0, 224.0]))
    np.testing.assert_array_equal(shown[32:224, 64:192], square[32:224, 64:192])
    assert shown[:, :60].astype(float).std() < 0.3 * square[:, :60].astype(float).std()
    everywhere = np.array([-np.inf, -np.inf, np.inf, np.inf])
    np.testing.assert_array_equal(squares.blurred_outside(square, matrix, everywhere), square)


def test_overlap_is_one_with_itself_none_apart_and_symmetric():
    some = np.array([[0, 0, 4, 4], [2, 2, 6, 6], [10, 10, 12, 12]], float)
    table = boxes.overlap(some, some)
    np.testing.assert_allclose(np.diag(table), 1)
    np.testing.assert_allclose(table, table.T)
    np.testing.assert_allclose(table[0, 1], 4 / 28)
    assert table[0, 2] == 0


def test_suppression_keeps_the_strongest_of_each_heap():
    heap = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], float)
    np.testing.assert_array_equal(boxes.strongest(heap, np.array([0.5, 0.9, 0.3]), 0.5), [1, 2])


def test_fused_boxes_lie_between_those_they_are_made_of():
    heap = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], float)
    fused, scores = boxes.fused(heap, np.array([0.8, 0.8, 0.3]), 0.5)
    np.testing.assert_allclose(fused, [[1, 0, 11, 10], [50, 50, 60, 60]])
    np.testing.assert_allclose(scores, [0.8, 0.3])


def test_no_boxes_fuse_to_no_boxes():
    fused, scores = boxes.fused(np.zeros((0, 4)), np.zeros(0), 0.5)
    assert fused.shape == (0, 4) and scores.shape == (0,)


def test_a_hot_cell_draws_a_point_and_cold_heat_leaves_it():
    heat = torch.full((1, 2, 64, 64), -20.0)
    heat[0, 0, 31, 33] = 8.0
    points = torch.tensor([[[128.0, 128.0], [100.0, 100.0]]])
    moved = blazepose_landmarks.refined(points, heat)
    torch.testing.assert_close(moved, torch.tensor([[[132.0, 124.0], [100.0, 100.0]]]), atol=1e-3, rtol=0)


def test_a_point_outside_the_crop_is_left_alone():
    heat = torch.full((1, 1, 64, 64), 5.0)
    points = torch.tensor([[[-30.0, 300.0]]])
    torch.testing.assert_close(blazepose_landmarks.refined(points, heat), points)
