"""The z-buffer gives what a slow loop over pixels and faces gives, whatever the mesh."""

import numpy as np
import pytest
import torch

from common.rendering import zbuffer
from common.rendering.rasterizer import (
    Fragments,
    interpolate,
    part_labels,
    rasterize,
    vertex_normals,
    visible_faces,
)


def slow(points, faces, size, near=zbuffer.NEAR, culled=False):
    """One pixel after the other against all faces, in float32: face, depth, barycentric by definition."""
    corners = np.asarray(points, np.float32)[np.asarray(faces)]  # (F, 3, 3)
    first, second = (corners[:, 1:, :2] - corners[:, :1, :2]).transpose(1, 0, 2)
    winding = np.sign(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    drawn = np.isfinite(corners).all((1, 2)) & (corners[..., 2] > near).all(1) & (winding != 0)
    drawn &= (winding < 0) | (not culled)
    face, depth = np.full(size, -1), np.full(size, np.inf, np.float32)
    barycentric = np.zeros((*size, 3), np.float32)
    for row, column in np.ndindex(size):
        x, y = (corners[..., :2] - np.array([column, row], np.float32)).transpose(2, 1, 0)
        areas = np.stack([x[i] * y[j] - y[i] * x[j] for i, j in ((1, 2), (2, 0), (0, 1))]) * winding
        inside = drawn & (areas >= 0).all(0)
        if not inside.any():
            continue
        (a, b, c), (ra, rb, rc) = areas[:, inside], np.float32(1) / corners[inside, :, 2].T
        depths = (a + b + c) / (a * ra + b * rb + c * rc)
        best = np.flatnonzero(inside)[depths.argmin()]
        weights = areas[:, best] / corners[best, :, 2]
        face[row, column], depth[row, column] = best, depths.min()
        barycentric[row, column] = weights / weights.sum()
    return face, depth, barycentric


def soup(seed, count, size, spread=8.0):
    """Random triangles in and around a picture, with few shared corners."""
    random = np.random.default_rng(seed)
    middle = random.uniform([-4, -4], [size[1] + 4, size[0] + 4], (count, 1, 2))
    xy = middle + random.uniform(-spread, spread, (count, 3, 2))
    z = random.uniform(0.5, 3.0, (count, 3, 1))
    points = torch.tensor(np.concatenate([xy, z], -1).reshape(-1, 3), dtype=torch.float32)
    return points, torch.arange(3 * count).view(-1, 3)


def grid_mesh(rows, columns, step=1.0, depth=1.0):
    """A flat sheet of squares, each cut in two, with corners `step` pixels apart from (0, 0) on."""
    y, x = torch.meshgrid(torch.arange(rows) * step, torch.arange(columns) * step, indexing="ij")
    points = torch.stack([x, y, torch.full_like(x, depth)], -1).reshape(-1, 3)
    corner = (torch.arange(rows - 1)[:, None] * columns + torch.arange(columns - 1)).flatten()
    upper = torch.stack([corner, corner + 1, corner + columns], -1)
    lower = torch.stack([corner + 1, corner + columns + 1, corner + columns], -1)
    return points.float(), torch.cat([upper, lower])


@pytest.mark.parametrize("culled", [False, True])
@pytest.mark.parametrize("seed, count, spread", [(0, 60, 8.0), (1, 150, 2.0), (2, 12, 60.0), (3, 300, 0.7)])
def test_every_pixel_is_what_the_slow_loop_says(seed, count, spread, culled):
    size = (23, 31)
    points, faces = soup(seed, count, size, spread)
    face, depth, barycentric = slow(points, faces, size, culled=culled)
    seen = rasterize(points[None], faces, size, culled=culled)
    assert (face >= 0).any()
    np.testing.assert_array_equal(seen.face[0], face)
    np.testing.assert_array_equal(seen.depth[0], depth)
    np.testing.assert_allclose(seen.barycentric[0], barycentric, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_corners_on_pixel_centers_and_edges_through_them_are_as_in_the_slow_loop(seed):
    size = (12, 14)
    points, faces = soup(seed, 40, size, 5.0)
    points = points.round()
    points[:, 2] = points[:, 2].clamp(min=1)
    face, depth, _ = slow(points, faces, size)
    seen = rasterize(points[None], faces, size)
    np.testing.assert_array_equal(seen.face[0], face)
    np.testing.assert_array_equal(seen.depth[0], depth)


def test_a_pixel_belongs_to_a_triangle_when_its_center_is_inside_or_on_the_edge():
    triangle = torch.tensor([[[1.0, 1, 1], [4, 1, 1], [1, 4, 1]]])
    mask = rasterize(triangle, torch.tensor([[0, 1, 2]]), (6, 6)).mask[0]
    expected = torch.zeros(6, 6, dtype=torch.bool)
    for row, columns in ((1, 4), (2, 3), (3, 2), (4, 1)):
        expected[row, 1 : 1 + columns] = True
    assert torch.equal(mask, expected)


def test_half_a_pixel_of_shift_gives_the_rule_of_corner_based_pictures():
    square = torch.tensor([[[0.0, 0, 1], [4, 0, 1], [4, 4, 1], [0, 4, 1]]]) - torch.tensor([0.5, 0.5, 0])
    mask = rasterize(square, torch.tensor([[0, 1, 2], [0, 2, 3]]), (6, 6)).mask[0]
    assert mask.sum() == 16
    assert mask[:4, :4].all()


@pytest.mark.parametrize("seed", range(3))
def test_a_sheet_has_no_holes_wherever_its_shared_edges_lie(seed):
    points, faces = grid_mesh(40, 40, 1.3)
    inner = (points[:, :2] > 0).all(1) & (points[:, :2] < 50).all(1)
    points[inner, :2] += torch.empty(int(inner.sum()), 2).uniform_(
        -0.5, 0.5, generator=torch.Generator().manual_seed(seed)
    )
    assert rasterize(points[None], faces, (51, 51)).mask.all()


def test_a_sheet_is_covered_once_by_its_lowest_faces():
    points, faces = grid_mesh(9, 9, 2.0)  # a power of two as depth: equal depths are equal to the bit
    seen = visible_faces(points[None], faces, (17, 17))
    swapped = visible_faces(points[None], faces.flip(0), (17, 17))
    assert (seen >= 0).all()
    corners = points[faces][..., :2]
    for row, column in ((0, 0), (2, 2), (3, 4), (8, 8), (16, 16), (5, 5)):
        pixel = torch.tensor([column, row])
        ahead, after = corners - pixel, corners.roll(-1, 1) - pixel
        turns = ahead[..., 0] * after[..., 1] - ahead[..., 1] * after[..., 0]
        touching = (turns >= 0).all(1).nonzero().flatten()
        assert seen[0, row, column] == touching.min()
        assert swapped[0, row, column] == len(faces) - 1 - touching.max()


def test_of_two_equal_faces_the_lower_index_is_seen():
    points, _ = soup(5, 1, (16, 16), 12.0)
    points = points + torch.tensor([4.0, 4.0, 0])
    seen = visible_faces(points[None], torch.tensor([[0, 1, 2]] * 3), (16, 16))
    turned = visible_faces(points[None], torch.tensor([[2, 1, 0], [0, 1, 2]]), (16, 16))
    assert set(seen.unique().tolist()) == {-1, 0}
    assert set(turned.unique().tolist()) <= {-1, 0, 1}  # another order of corners may round another way
    assert torch.equal(seen >= 0, turned >= 0)


def test_the_nearer_face_hides_the_farther_in_any_order():
    near, _ = grid_mesh(2, 2, 10.0, depth=1.0)
    far, _ = grid_mesh(2, 2, 20.0, depth=2.0)
    faces = torch.tensor([[0, 1, 2], [1, 3, 2]])
    points = torch.cat([far, near])[None]
    for order in (torch.cat([faces, faces + 4]), torch.cat([faces + 4, faces])):
        seen = rasterize(points, order, (21, 21))
        assert (seen.depth[0, :11, :11] == 1).all()
        assert (seen.depth[0, 11:] == 2).all()


def test_depth_and_values_are_linear_in_space_not_in_the_picture():
    focal = 30.0
    space = torch.tensor([[[-1.0, -0.9, 2.0], [3.1, -1.3, 6.3], [0.3, 1.9, 4.1]]])
    points = torch.cat([space[..., :2] / space[..., 2:] * focal + 16, space[..., 2:]], -1)
    faces = torch.tensor([[0, 1, 2]])
    seen = rasterize(points, faces, (32, 32))
    there = interpolate(seen, faces, space)[0]
    assert seen.mask.sum() > 20
    row, column = seen.mask[0].nonzero().unbind(1)
    back = there[row, column]
    assert torch.allclose(back[:, 2], seen.depth[0, row, column], atol=1e-5)
    assert torch.allclose(back[:, 0] / back[:, 2] * focal + 16, column.float(), atol=1e-3)
    assert torch.allclose(back[:, 1] / back[:, 2] * focal + 16, row.float(), atol=1e-3)


def test_a_batch_gives_what_its_bodies_give_alone(monkeypatch):
    size, meshes = (24, 20), [soup(seed, 50, (24, 20))[0] for seed in range(5)]
    faces = soup(0, 50, size)[1]
    together = rasterize(torch.stack(meshes), faces, size)
    monkeypatch.setattr(zbuffer, "_FACES", 100)  # two bodies at once
    monkeypatch.setattr(zbuffer, "_CANDIDATES", 64)  # and large triangles in bands
    pieces = rasterize(torch.stack(meshes), faces, size)
    for index, points in enumerate(meshes):
        alone = rasterize(points[None], faces, size)
        for many in (together, pieces):
            assert torch.equal(many.face[index], alone.face[0])
            assert torch.equal(many.depth[index], alone.depth[0])
            assert torch.equal(many.barycentric[index], alone.barycentric[0])


def test_faces_with_a_corner_before_the_near_plane_are_dropped():
    points = torch.tensor([[[0.0, 0, 1], [9, 0, 1], [0, 9, 1], [9, 9, -1]]])
    faces = torch.tensor([[0, 1, 2], [1, 3, 2]])
    assert set(visible_faces(points, faces, (10, 10)).unique().tolist()) == {-1, 0}
    assert not rasterize(points, faces, (10, 10), near=1.0).mask.any()
    assert rasterize(points, faces, (10, 10), near=0.999).mask.any()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_faces_that_are_not_finite_disturb_nothing(bad, axis):
    points = torch.tensor([[[0.0, 0, 1], [9, 0, 1], [0, 9, 1], [9, 9, 1]]])
    points[0, 3, axis] = bad
    seen = rasterize(points, torch.tensor([[0, 1, 2], [1, 3, 2]]), (10, 10))
    assert (seen.face[0, 0] == 0).all()
    assert torch.isfinite(seen.barycentric).all()


def test_triangles_without_area_are_not_seen():
    points = torch.tensor([[[2.0, 2, 1], [2, 2, 1], [8, 8, 1], [5, 5, 1], [2, 8, 1]]])
    flat = torch.tensor([[0, 0, 0], [0, 1, 2], [0, 2, 3], [2, 3, 2]])
    assert not rasterize(points, flat, (10, 10)).mask.any()
    with_one = torch.cat([flat, torch.tensor([[0, 2, 4]])])
    assert set(visible_faces(points, with_one, (10, 10)).unique().tolist()) == {-1, 4}


@pytest.mark.parametrize("faces", [torch.zeros(0, 3, dtype=torch.long), torch.tensor([[0, 1, 2]])])
@pytest.mark.parametrize("count", [0, 2])
def test_an_empty_picture_is_empty(faces, count):
    away = torch.tensor([[100.0, 100, 1], [120, 100, 1], [100, 120, 1]]).expand(count, -1, -1)
    seen = rasterize(away, faces, (7, 5))
    assert seen.face.shape == seen.depth.shape == (count, 7, 5)
    assert not seen.mask.any()
    assert torch.isinf(seen.depth).all()
    assert interpolate(seen, faces, torch.rand(count, 3, 2)).shape == (count, 7, 5, 2)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (1, 1)])
def test_the_smallest_pictures_are_drawn_too(size):
    points, faces = grid_mesh(2, 2, 9.0)
    seen = rasterize(points[None], faces, size)
    assert seen.barycentric.shape == (1, *size, 3)
    assert seen.mask.all()


def test_a_triangle_larger_than_the_picture_stays_inside_it():
    large = torch.tensor([[-500.0, -40, 2], [700, -40, 2], [100, 900, 2]])
    small = torch.tensor([[28.5, 3.5, 1], [40.5, 3.5, 1], [28.5, 12.5, 1]])  # crosses the right border
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]])
    points = torch.cat([large, small])
    face, depth, _ = slow(points, faces, (18, 32))
    seen = rasterize(points[None].expand(2, -1, -1), faces, (18, 32))
    for body in range(2):
        np.testing.assert_array_equal(seen.face[body], face)
        np.testing.assert_array_equal(seen.depth[body], depth)


def test_culling_a_closed_mesh_changes_no_pixel():
    trimesh = pytest.importorskip("trimesh")
    ball = trimesh.creation.icosphere(subdivisions=3)
    space = torch.tensor(ball.vertices, dtype=torch.float32) * torch.tensor([1.0, -1, -1]) + torch.tensor(
        [0, 0, 3.0]
    )
    points = torch.cat([space[:, :2] / space[:, 2:] * 60 + 32, space[:, 2:]], -1)[None]
    faces = torch.tensor(ball.faces)
    all_faces, culled = rasterize(points, faces, (64, 64)), rasterize(points, faces, (64, 64), culled=True)
    assert all_faces.mask.sum() > 1000
    assert torch.equal(all_faces.face, culled.face)


def test_labels_follow_the_face_and_leave_the_background():
    points, faces = grid_mesh(3, 3, 4.0)
    seen = visible_faces(points[None], faces, (10, 10))
    labels = torch.arange(len(faces)) % 3 + 1
    parts = part_labels(seen, labels, background=9)
    assert torch.equal(parts[seen >= 0], labels[seen[seen >= 0]])
    assert (parts[seen < 0] == 9).all()
    assert (seen < 0).any()


def test_values_carry_gradients_to_the_vertices():
    points, faces = grid_mesh(2, 2, 5.0)
    colors = torch.rand(1, 4, 3, requires_grad=True)
    interpolate(rasterize(points[None], faces, (6, 6)), faces, colors).sum().backward()
    assert torch.allclose(colors.grad.sum(), torch.tensor(36 * 3.0))


def test_normals_point_outwards_and_ignore_lonely_vertices():
    trimesh = pytest.importorskip("trimesh")
    ball = trimesh.creation.icosphere(subdivisions=3)
    vertices = torch.tensor(np.concatenate([ball.vertices, [[5.0, 5, 5]]]), dtype=torch.float32)[None]
    normals = vertex_normals(vertices, torch.tensor(ball.faces))
    assert (normals[0, :-1] * vertices[0, :-1]).sum(-1).min() > 0.999
    assert (normals[0, -1] == 0).all()


def test_fragments_move_as_one_record():
    points, faces = grid_mesh(2, 2, 5.0)
    seen = rasterize(points[None], faces.int(), (6, 6)).to("cpu")
    assert isinstance(seen, Fragments)
    assert seen.face.dtype == torch.int64
