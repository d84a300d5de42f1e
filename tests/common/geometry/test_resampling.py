"""Cutting pictures: the pixels are where the map says, and shortcuts change no grey level."""

import math

import cv2
import numpy as np
import pytest

from common.geometry import crop, resampling


def noise(height: int = 300, width: int = 400) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def spot(x: int, y: int, radius: int = 4) -> np.ndarray:
    """A soft bright spot in a dark picture."""
    rows, columns = np.mgrid[:300, :400]
    light = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / radius**2)
    return np.repeat(light[..., None], 3, 2).astype(np.uint8)


def center_of_light(pixels: np.ndarray) -> np.ndarray:
    light = pixels.sum(-1)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("box", [(20, 30, 200, 250), (-80, -60, 180, 200), (5, 5, 395, 295)])
@pytest.mark.parametrize("most_pixels", [2**22, 0], ids=["by OpenCV", "by hand"])
def test_a_warp_gives_the_numbers_of_the_whole_picture_warped(box, mirrored, most_pixels, monkeypatch):
    monkeypatch.setattr(resampling, "MOST_PIXELS", most_pixels)
    picture = noise()
    matrix = crop.around(np.array(box), (96, 72), 1.1, 0.3, 400 if mirrored else None)
    whole = np.ascontiguousarray(picture[:, ::-1] if mirrored else picture, dtype=np.float32)
    expected = cv2.warpAffine(whole, matrix, (72, 96), flags=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resampling.warp(picture, matrix, (96, 72), mirrored), expected)


def test_a_warp_beside_the_picture_is_black():
    matrix = crop.around(np.array([1000, 1000, 1100, 1100]), (32, 32))
    assert resampling.warp(noise(), matrix, (32, 32)).tolist() == np.zeros((32, 32, 3)).tolist()


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_warp_puts_a_pixel_where_the_map_says(mirrored):
    matrix = crop.around(np.array([100, 60, 260, 220]), (128, 128), 1.2, 0.5, 400 if mirrored else None)
    to_view = crop.after_mirror(matrix, 400) if mirrored else matrix
    seen = center_of_light(resampling.warp(spot(170, 130), matrix, (128, 128), mirrored))
    np.testing.assert_allclose(seen, crop.mapped(to_view, np.array([[170.0, 130]]))[0], atol=0.05)


@pytest.mark.parametrize("cut", [resampling.cut_whole_pixels, resampling.cut_whole_pixels_cubic])
@pytest.mark.parametrize("angle", [0.0, 0.6])
def test_whole_pixels_put_a_pixel_where_the_map_says_up_to_their_rounding(cut, angle):
    center, sides = np.array([181.3, 139.7]), np.array([161.0, 161.0])
    matrix = resampling.whole_pixel_map(center, sides, (128, 128), angle)
    seen = center_of_light(cut(spot(170, 130), center, sides, (128, 128), angle))
    np.testing.assert_allclose(seen, crop.mapped(matrix, np.array([[170.0, 130]]))[0], atol=1.0)


def test_a_flipped_whole_pixel_map_mirrors_the_view():
    center, sides = np.array([181.3, 139.7]), np.array([161.0, 161.0])
    points = np.random.default_rng(1).uniform(0, 300, (9, 2))
    plain = crop.mapped(resampling.whole_pixel_map(center, sides, (100, 120), 0.4), points)
    flipped = crop.mapped(resampling.whole_pixel_map(center, sides, (100, 120), 0.4, flipped=True), points)
    np.testing.assert_allclose(flipped[:, 0], 120 - plain[:, 0])
    np.testing.assert_allclose(flipped[:, 1], plain[:, 1])


def test_a_box_cut_at_its_own_size_is_the_picture_itself():
    picture = noise()
    cut = resampling.cut_whole_pixels(picture, np.array([110.5, 90.5]), np.array([101.0, 101.0]), (101, 101))
    x0, y0, x1, y1 = resampling.whole_pixel_box(np.array([110.5, 90.5]), np.array([101.0, 101.0]), (101, 101))
    assert (x1 - x0, y1 - y0) == (101, 101)
    np.testing.assert_array_equal(cut, picture[y0:y1, x0:x1])


def test_turning_keeps_real_pixels_in_the_corners():
    bright = np.full((300, 400, 3), 200, np.uint8)
    cut = resampling.cut_whole_pixels(
        bright, np.array([200.0, 150]), np.array([80.0, 80]), (64, 64), math.radians(45)
    )
    np.testing.assert_allclose(cut[1:-1, 1:-1], 200, atol=1e-3)


@pytest.mark.parametrize("cut", [resampling.cut_whole_pixels, resampling.cut_whole_pixels_cubic])
def test_a_box_of_no_pixel_at_all_still_gives_a_view(cut):
    assert cut(noise(), np.array([50.2, 50.2]), np.array([0.1, 0.1]), (8, 8)).shape == (8, 8, 3)


def test_color_factors_stay_within_the_grey_levels():
    pixels = np.full((2, 2, 3), 200, np.float32)
    assert resampling.colored(pixels, (1.5, 1.0, 0.5))[0, 0].tolist() == [255, 200, 100]
    assert resampling.colored(pixels, resampling.NO_COLOR) is pixels
