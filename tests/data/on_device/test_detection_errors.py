"""Errors of detectors: none when switched off, of the size and at the rate that was asked for otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from common.joints import LIFTER_29
from data.on_device.detection_errors import DetectionErrors, Detections

NONE = Detections(
    noise=(1e-9, 1e-9), offset=0.0, outliers=0.0, swapped=0.0, dropped=(0.0,), absent=0.0, cut_off=0.0,
    doubtful=0.0, outside_lost=0.0, untroubled=0.0,
)  # fmt: skip
COUNT = 4000


@pytest.fixture(scope="module")
def points() -> Tensor:
    """A person 400 pixels tall, many times."""
    one = torch.rand(1, len(LIFTER_29), 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [150.0, 400]
    )
    return torch.cat([one[:, :-1], one.new_tensor([[[75.0, 0.0]]])], 1).repeat(COUNT, 1, 1)


def found(points: Tensor, **changes: object) -> Tensor:
    seeds, visible = torch.arange(COUNT), torch.ones(points.shape[:2], dtype=torch.bool)
    return DetectionErrors(LIFTER_29, replace(NONE, **changes))(
        seeds, points, visible, torch.full((COUNT,), 200.0)
    )


def test_a_faultless_detector_finds_every_point_where_it_is(points: Tensor) -> None:
    seen = found(points)
    assert torch.allclose(seen[..., :2], points, atol=1e-3)
    assert (seen[..., 2] >= 0.75).all() and (seen[..., 2] <= 1).all()


def test_noise_has_its_size_and_grows_outwards(points: Tensor) -> None:
    height = (points[0].amax(0) - points[0].amin(0)).max()
    spread = (found(points, noise=(0.01, 0.01))[..., :2] - points).std((0, 2)) / height
    place = LIFTER_29.index
    assert abs(spread[place("left_shoulder")] - 0.01) < 0.0005
    assert spread[place("nose")] < 0.7 * spread[place("left_shoulder")]
    assert spread[place("left_big_toe")] > 1.5 * spread[place("left_shoulder")]


def test_doubtful_points_are_less_steady(points: Tensor) -> None:
    seen = found(points, noise=(0.01, 0.01), doubtful=0.5)
    shift, doubtful = (seen[..., :2] - points).norm(dim=-1), seen[..., 2] < 0.5
    assert shift[doubtful].mean() > 1.3 * shift[~doubtful].mean()


def test_points_are_dropped_at_the_rate_asked_for(points: Tensor) -> None:
    seen = found(points, dropped=(0.0, 0.4))
    assert abs((seen[..., 2] == 0).float().mean() - 0.2) < 0.02
    assert (seen[seen[..., 2] == 0] == 0).all()


def test_whole_groups_are_absent_and_halves_cut_off(points: Tensor) -> None:
    absent = found(points, absent=0.5)[..., 2] == 0
    hands = [
        LIFTER_29.index(f"{side}_{name}") for side in ("left", "right") for name in ("index_1", "thumb_2")
    ]
    assert torch.equal(absent[:, hands].any(1), absent[:, hands].all(1))
    cut = (found(points, cut_off=1.0)[..., 2] == 0).sum(1)
    assert cut.min() >= 4 and cut.max() >= 12


def test_points_outside_the_picture_are_lost(points: Tensor) -> None:
    errors = DetectionErrors(LIFTER_29, replace(NONE, outside_lost=1.0))
    visible = torch.ones(points.shape[:2], dtype=torch.bool)
    visible[:, 10:] = False
    seen = errors(torch.arange(COUNT), points, visible, torch.full((COUNT,), 200.0))
    assert torch.equal(seen[..., 2] > 0, visible)


def test_swapped_persons_have_left_and_right_mistaken(points: Tensor) -> None:
    seen = found(points, swapped=1.0)[..., :2]
    mirrored = points[:, list(LIFTER_29.mirrored)]
    either = ((seen - points).abs() < 1e-3) | ((seen - mirrored).abs() < 1e-3)
    assert either.all() and not torch.allclose(seen, points, atol=1e-3)


def test_somebody_is_always_found(points: Tensor) -> None:
    nobody = torch.zeros(points.shape[:2], dtype=torch.bool)
    errors = DetectionErrors(LIFTER_29, replace(Detections(), outside_lost=1.0))
    seen = errors(torch.arange(COUNT), points, nobody, torch.full((COUNT,), 200.0))
    assert ((seen[..., 2] > 0).sum(1) >= 4).all()


def test_the_untroubled_lose_points_here_and_there_at_most(points: Tensor) -> None:
    seen = found(points, untroubled=1.0, absent=1.0, cut_off=1.0, swapped=1.0, outliers=1.0)
    assert torch.allclose(seen[..., :2], points, atol=1e-3) and (seen[..., 2] > 0).all()


def test_all_points_can_be_alike(points: Tensor) -> None:
    spread = (found(points, noise=(0.01, 0.01), outwards=0.0)[..., :2] - points).std((0, 2))
    assert spread.max() < 1.1 * spread.min()
