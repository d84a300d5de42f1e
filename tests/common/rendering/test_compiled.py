"""The compiled z-buffer gives the plain one's pixels, to the bit."""

import pytest
import torch

from common.rendering import compiled, zbuffer
from common.rendering.rasterizer import rasterize, visible_faces


def scattered(seed: int, spread: float, rounded: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(seed)
    middle = torch.rand(2, 200, 1, 2, generator=dice) * 70 - 10
    xy = middle + (torch.rand(2, 200, 3, 2, generator=dice) - 0.5) * spread
    z = torch.rand(2, 200, 3, 1, generator=dice) * 3 - 0.3
    points = torch.cat([xy.round() if rounded else xy, z], -1).flatten(1, 2)
    return points, torch.arange(600).view(200, 3)


@pytest.mark.parametrize("culled", [False, True])
@pytest.mark.parametrize(
    "seed, spread, rounded", [(0, 2, False), (1, 20, False), (2, 200, False), (3, 12, True)]
)
def test_compiled_pixels_are_the_plain_ones(seed, spread, rounded, culled):
    pytest.importorskip("numba", reason="the optional package numba is not installed")
    points, faces = scattered(seed, spread, rounded)
    faces = torch.cat([faces, faces[:50]])
    points[0, 7, 0], points[0, 30, 1], points[1, 90, 2] = float("nan"), float("inf"), float("inf")
    plain = zbuffer.nearest(points, faces, (41, 53), culled=culled)
    fast = compiled.nearest(points, faces, (41, 53), zbuffer.NEAR, culled)
    assert (plain[0] >= 0).any()
    assert torch.equal(plain[0], fast[0])
    assert torch.equal(plain[1], fast[1])


def test_the_choice_changes_nothing_but_time():
    pytest.importorskip("numba", reason="the optional package numba is not installed")
    points, faces = scattered(4, 20)
    plain, fast = rasterize(points, faces, (41, 53)), rasterize(points, faces.int(), (41, 53), fast=True)
    assert torch.equal(plain.barycentric, fast.barycentric)
    assert torch.equal(visible_faces(points, faces, (41, 53), fast=True), plain.face)


def test_without_numba_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(compiled, "installed", lambda: False)
    with pytest.raises(ImportError, match=r"humanmesh\[fast\]"):
        visible_faces(*scattered(0, 2), (8, 8), fast=True)


def test_faces_of_points_that_are_not_there_are_refused():
    pytest.importorskip("numba", reason="the optional package numba is not installed")
    with pytest.raises(IndexError, match="there are 3 points"):
        visible_faces(torch.ones(1, 3, 3), torch.tensor([[0, 1, 3]]), (8, 8), fast=True)
