"""Bodies over their picture: where they are drawn, how their edges blend, what is left alone."""

import numpy as np
import pytest
import torch

from common.rendering import overlay as module
from common.rendering.overlay import COLORS, overlay, sheet
from common.structures import Perspective


def ball(radius: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return torch.tensor(mesh.vertices, dtype=torch.float32), torch.tensor(mesh.faces)


def camera(*translations: tuple[float, float, float], focal: float = 100.0, size=(80, 60)) -> Perspective:
    count = len(translations)
    center = torch.tensor([[(size[0] - 1) / 2, (size[1] - 1) / 2]]).expand(count, 2)
    return Perspective(torch.full((count, 2), focal), center, torch.tensor(translations))


def picture(width: int = 80, height: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


def distance_to(x: float, y: float, width: int = 80, height: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.hypot(columns - x, rows - y)


def test_a_ball_covers_its_disc_and_leaves_the_rest_of_the_picture_as_it_was():
    vertices, faces = ball()
    image = picture()
    before = image.copy()
    drawn = overlay(image, [vertices], faces, camera((0.0, 0.0, 5.0)))
    radius = 100 / np.sqrt(5**2 - 1)
    outside, inside = distance_to(39.5, 29.5) > radius + 1, distance_to(39.5, 29.5) < radius - 1
    assert drawn.dtype == np.uint8
    assert np.array_equal(image, before)
    assert np.array_equal(drawn[outside], image[outside])
    assert (drawn[inside] != image[inside]).any(-1).all()


def test_edges_blend_by_how_much_of_the_pixel_is_covered():
    square = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    faces = torch.tensor([[0, 2, 1], [0, 3, 2]])
    white = np.full((60, 80, 3), 255, np.uint8)
    lens = camera((0.0, 0.0, 5.0), focal=50.0)
    lens.center[:] = torch.tensor([40.0, 30.0])  # edges at whole numbers, through the middle of pixels
    change = 255.0 - overlay(white, [square], faces, lens)
    assert change[30, 40].min() > 20
    np.testing.assert_allclose(change[30, [30, 50]], change[[30, 30], [35, 45]] / 2, atol=1.5)
    assert (change[30, [29, 51]] == 0).all()


def test_shade_is_smooth_over_a_ball_and_lighter_where_the_light_comes_from():
    vertices, faces = ball()
    drawn = overlay(np.zeros((60, 80, 3), np.uint8), [vertices], faces, camera((0.0, 0.0, 5.0))).astype(int)
    inside = distance_to(39.5, 29.5) < 17
    steps = np.abs(np.diff(drawn, axis=1)).max(-1)[inside[:, 1:]]
    assert steps.max() < 14
    assert drawn[20, 30].sum() > drawn[39, 49].sum() + 60


def test_the_nearer_body_hides_the_farther_whichever_comes_first():
    vertices, faces = ball()
    places = [(0.0, 0.0, 5.0), (0.3, 0.0, 9.0)]
    blank = np.zeros((60, 80, 3), np.uint8)
    both = overlay(blank, [vertices, vertices], faces, camera(*places), people=[3, 5])
    swapped = overlay(blank, [vertices, vertices], faces, camera(*places[::-1]), people=[5, 3])
    alone = overlay(blank, [vertices], faces, camera(places[0]), people=[3])
    np.testing.assert_allclose(both.astype(int), swapped, atol=1)
    near = distance_to(39.5, 29.5) < 19
    np.testing.assert_allclose(both.astype(int)[near], alone[near], atol=1)


def test_people_keep_the_color_of_their_number():
    vertices, faces = ball()
    blank = np.zeros((60, 80, 3), np.uint8)
    drawn = [
        overlay(blank, [vertices], faces, camera((0.0, 0.0, 5.0)), people=[n])
        for n in (1, 2, 1 + len(COLORS))
    ]
    assert np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])


def test_one_camera_serves_all_bodies_of_a_batch():
    vertices, faces = ball(0.5)
    scene = torch.stack([vertices - torch.tensor([1.0, 0, 0]), vertices + torch.tensor([1.0, 0, 0])])
    shared = overlay(picture(), scene, faces, camera((0.0, 0.0, 5.0)))
    each = overlay(picture(), scene, faces, camera((0.0, 0.0, 5.0), (0.0, 0.0, 5.0)))
    assert np.array_equal(shared, each)


def test_opacity_lets_the_picture_through():
    vertices, faces = ball()
    image = picture()
    solid = overlay(image, [vertices], faces, camera((0.0, 0.0, 5.0))).astype(float)
    half = overlay(image, [vertices], faces, camera((0.0, 0.0, 5.0)), opacity=0.5)
    np.testing.assert_allclose(half, (solid + image) / 2, atol=1)


@pytest.mark.parametrize("place", [(0.0, 0.0, -5.0), (50.0, 0.0, 5.0), (float("nan"), 0.0, 5.0)])
def test_a_body_that_is_nowhere_in_the_picture_changes_nothing(place):
    vertices, faces = ball()
    assert np.array_equal(overlay(picture(), [vertices], faces, camera(place)), picture())


def test_no_body_changes_nothing():
    faces = torch.tensor([[0, 1, 2]])
    assert np.array_equal(overlay(picture(), torch.zeros(0, 9, 3), faces, camera((0.0, 0.0, 5.0))), picture())
    assert sheet(picture(), [], faces, camera((0.0, 0.0, 5.0))).shape == (60, 80 + 2 * 60, 3)


def test_a_large_body_is_drawn_in_bands_that_join(monkeypatch):
    vertices, faces = ball()
    whole = overlay(picture(), [vertices], faces, camera((0.0, 0.0, 5.0)))
    monkeypatch.setattr(module, "_SAMPLES", 45 * 45)
    banded = overlay(picture(), [vertices], faces, camera((0.0, 0.0, 5.0)))
    np.testing.assert_allclose(whole.astype(int), banded, atol=1)


def test_a_sheet_shows_the_side_and_the_top_beside_the_front():
    vertices, faces = ball()
    stretched = vertices * torch.tensor([0.2, 0.6, 1.0])  # thin from the front, long from the side
    image = picture()
    lens = camera((0.0, 0.0, 5.0))
    drawn = sheet(image, [stretched], faces, lens)
    assert drawn.shape == (60, 80 + 2 * 60, 3)
    assert np.array_equal(drawn[:, :80], overlay(image, [stretched], faces, lens))
    extents = []
    for left in (80, 140):
        rows, columns = (drawn[:, left : left + 60] != module.BACKGROUND).any(-1).nonzero()
        extents.append((np.ptp(columns) + 1, np.ptp(rows) + 1))
    side, top = extents
    assert side[0] / side[1] == pytest.approx(1 / 0.6, abs=0.1)
    assert top[0] / top[1] == pytest.approx(0.2, abs=0.05)
    assert 52 <= max(side) <= 56
    assert 52 <= max(top) <= 56
