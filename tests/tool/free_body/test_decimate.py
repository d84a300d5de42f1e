from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from tool.free_body.decimate import decimate
from tool.free_body.symmetry import twins


@pytest.fixture(scope="module")
def ball() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mirror-symmetric ball of 642 vertices, its two halves bent differently in y."""
    mesh = trimesh.creation.icosphere(subdivisions=3)
    vertices = np.array(mesh.vertices)
    vertices[:, 1] += 0.3 * vertices[:, 1] ** 3
    return vertices, np.array(mesh.faces), twins(torch.from_numpy(vertices)).numpy()


def reduced(ball: tuple, target: int, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces, twin = ball
    return decimate(vertices, faces, twin, np.ones(len(vertices)) if weight is None else weight, target)


@pytest.mark.parametrize("target", [401, 400, 200])
def test_the_number_of_vertices_is_exact_and_the_mesh_stays_a_ball(ball: tuple, target: int) -> None:
    kept, faces = reduced(ball, target)
    assert len(kept) == len(np.unique(kept)) == target
    mesh = trimesh.Trimesh(ball[0][kept], faces, process=False)
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.euler_number == 2


def test_the_result_is_mirror_symmetric(ball: tuple) -> None:
    kept, faces = reduced(ball, 300)
    twin = ball[2]
    assert set(twin[kept]) == set(kept)
    place = {vertex: k for k, vertex in enumerate(kept)}
    seen = {frozenset(place[twin[kept[k]]] for k in face) for face in faces}
    assert seen == {frozenset(face) for face in faces.tolist()}


def test_the_shape_stays(ball: tuple) -> None:
    kept, faces = reduced(ball, 300)
    before = trimesh.Trimesh(ball[0], ball[1], process=False).volume
    assert trimesh.Trimesh(ball[0][kept], faces, process=False).volume == pytest.approx(before, rel=0.03)


def test_dear_vertices_stay(ball: tuple) -> None:
    upper = ball[0][:, 1] > 0.2
    kept, _ = reduced(ball, 350, np.where(upper, 1e4, 1.0))
    assert upper[kept].sum() == upper.sum()


def test_a_number_that_cannot_be_reached_is_said(ball: tuple) -> None:
    with pytest.raises(ValueError, match="cannot be reduced to 3 vertices"):
        reduced(ball, 3)
