"""Measures of bodies: a tape and a ruler would say the same."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from scipy.spatial import ConvexHull

from common.body_models.measurements import Measurements, measure, slice_girths, volume
from common.body_models.smpl import SMPL
from common.body_models.smplx import SMPLX
from common.joints import MANO


@pytest.fixture(scope="module")
def body() -> SMPL:
    return SMPL(free="only")


def tube(width: float, depth: float, count: int = 90) -> tuple[torch.Tensor, torch.Tensor]:
    """The skin of an upright elliptic cylinder, 2 high: (1, V, 3), and its upright edges (E, 2)."""
    angle = torch.arange(count) * (2 * math.pi / count)
    ring = torch.stack([width * angle.cos(), torch.ones(count), depth * angle.sin()], 1)
    points = torch.cat([ring, ring * torch.tensor([1.0, -1.0, 1.0])])
    return points[None], torch.stack([torch.arange(count), torch.arange(count) + count], 1)


def test_a_tape_about_a_tube_is_as_long_as_its_outline() -> None:
    levels = torch.tensor([[-0.5, 0.0, 0.9, 1.5]])
    found = slice_girths(*tube(0.2, 0.2), levels)
    assert torch.allclose(found, torch.tensor([[1.0, 1.0, 1.0, 0.0]]) * 0.4 * math.pi, rtol=2e-3)
    points, edges = tube(0.25, 0.1)
    hull = ConvexHull(points[0, :90, [0, 2]].numpy()).area  # in a plane: its outline
    assert slice_girths(points, edges, torch.tensor([[0.3]])).item() == pytest.approx(hull, rel=2e-3)


def test_hollows_are_bridged() -> None:
    one, edges = tube(0.1, 0.1)
    shift = torch.tensor([0.2, 0.0, 0.0])
    two = torch.cat([one - shift, one + shift], 1)
    both = torch.cat([edges, edges + one.shape[1]])
    expected = 0.2 * math.pi + 4 * 0.2
    assert slice_girths(two, both, torch.zeros(1, 1)).item() == pytest.approx(expected, rel=2e-3)


def test_the_volume_of_a_box() -> None:
    corners = torch.tensor([[x, y, z] for x in (0.0, 2.0) for y in (0.0, 3.0) for z in (0.0, 4.0)])
    hull = ConvexHull(corners.numpy())
    faces = torch.from_numpy(hull.simplices).long()
    a, b, c = corners[faces].unbind(1)
    outwards = torch.from_numpy(hull.equations[:, :3]).float()
    turned = (torch.linalg.cross(b - a, c - a) * outwards).sum(1) < 0
    faces = torch.where(turned[:, None], faces.flip(1), faces)
    assert volume(corners[None] - 5.0, faces).item() == pytest.approx(24.0, rel=1e-4)


def test_the_mean_body_measures_like_a_grown_person(body: SMPL) -> None:
    mean = measure(body, torch.zeros(1, 10))
    extent = body.template.view(-1, 3)[:, 1]
    assert mean.height.item() == pytest.approx((extent.max() - extent.min()).item())
    assert 1.5 < mean.height < 1.9
    assert 0.6 < mean.waist < mean.chest < 1.1 and mean.waist < mean.hips < 1.15
    assert 0.04 < mean.volume < 0.1


def test_bodies_are_measured_one_by_one(body: SMPL) -> None:
    betas = torch.randn(4, 10, generator=torch.Generator().manual_seed(0))
    together = measure(body, betas)
    for i in range(4):
        alone = measure(body, betas[i : i + 1])
        for name, values in vars(together).items():
            assert values[i].item() == pytest.approx(getattr(alone, name).item(), rel=1e-5), name


def test_both_free_bodies_say_the_same_of_one_person(body: SMPL) -> None:
    mean, other = measure(body, torch.zeros(1, 10)), measure(SMPLX(free="only"), torch.zeros(1, 10))
    for name, values in vars(mean).items():
        assert values.item() == pytest.approx(getattr(other, name).item(), rel=5e-3), name


def test_a_known_height_gives_the_scale(body: SMPL) -> None:
    mean = measure(body, torch.zeros(2, 10))
    grown = mean.at_height(2 * mean.height)
    assert isinstance(grown, Measurements)
    for name, power in {"height": 1, "chest": 1, "waist": 1, "hips": 1, "volume": 3}.items():
        assert torch.allclose(getattr(grown, name), 2**power * getattr(mean, name)), name
    assert torch.allclose(mean.at_height(1.8).height, torch.tensor(1.8))


def test_a_hand_is_no_whole_body() -> None:
    with pytest.raises(ValueError, match="whole body"):
        measure(SimpleNamespace(layout=MANO), torch.zeros(1, 10))
