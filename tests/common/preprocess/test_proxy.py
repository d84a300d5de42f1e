"""A proxy is a silhouette and a heat map a joint."""

from __future__ import annotations

import torch
from torch import Tensor

from common.preprocess.proxy import deviation, proxy

SIDE = 64
STD = deviation(SIDE)
EMPTY = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)


def drawn(*points: tuple[float, float], seen: bool = True) -> Tensor:
    """The heat maps of some points."""
    places = torch.tensor([points])
    return proxy(EMPTY, places, torch.full(places.shape[:2], seen), STD)[0, 1:]


def test_a_heat_map_lies_evenly_about_its_point() -> None:
    heat = drawn((20.0, 40.0))[0]
    rows, columns = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    assert torch.isclose((heat * columns).sum() / heat.sum(), torch.tensor(20.0), atol=1e-4)
    assert torch.isclose((heat * rows).sum() / heat.sum(), torch.tensor(40.0), atol=1e-4)


def test_the_silhouette_comes_first_and_is_kept() -> None:
    mask = torch.rand(2, SIDE, SIDE) > 0.5
    picture = proxy(mask, torch.full((2, 3, 2), 10.0), torch.ones(2, 3, dtype=torch.bool), STD)
    assert picture.shape == (2, 4, SIDE, SIDE)
    assert torch.equal(picture[:, 0] > 0, mask)
    assert picture.is_contiguous(memory_format=torch.channels_last)


def test_what_is_not_seen_or_nowhere_leaves_no_trace() -> None:
    assert not drawn((20.0, 40.0), seen=False).any()
    assert not drawn((float("nan"), 40.0), (float("inf"), 1.0), (1e9, -1e9), (-30.0, 20.0)).any()


def test_a_point_near_the_edge_is_the_same_cut_off() -> None:
    whole, cut = drawn((20.0, 20.0))[0], drawn((20.0, 1.0))[0]
    assert torch.equal(cut[:3], whole[19:22])
    assert cut[8:].sum() == 0


def test_persons_and_joints_do_not_mix() -> None:
    points = SIDE * torch.rand(3, 5, 2)
    seen = torch.rand(3, 5) > 0.3
    together = proxy(EMPTY.expand(3, -1, -1), points, seen, STD)
    for person in range(3):
        alone = proxy(EMPTY, points[person : person + 1], seen[person : person + 1], STD)
        assert torch.equal(alone[0], together[person])
