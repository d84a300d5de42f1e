"""Drawn poses: within limits, through nothing, on their feet, and by their seed alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from common.body_models.smplx import SMPLX
from data.pose_sampler import _LIMITS, BODY, _segment_distance, joint_places, passes, sample_poses


@pytest.fixture(scope="module")
def rest() -> Tensor:
    return SMPLX(free="only").rest_joints.unflatten(0, (-1, 3))[:22]


@pytest.fixture(scope="module")
def drawn(rest: Tensor) -> Tensor:
    return sample_poses(torch.arange(600), rest)


def standing() -> Tensor:
    """Upright before the camera, arms hanging."""
    pose = torch.zeros(1, 22, 3)
    pose[0, 0, 0] = torch.pi
    pose[0, BODY.index("left_shoulder"), 2] = -1.1
    pose[0, BODY.index("right_shoulder"), 2] = 1.1
    return pose


def test_a_pose_follows_from_its_seed_alone(drawn: Tensor, rest: Tensor) -> None:
    assert torch.equal(sample_poses(torch.tensor([77, 3]), rest), drawn[[77, 3]])


def test_all_poses_pass_the_checks(drawn: Tensor, rest: Tensor) -> None:
    assert passes(drawn, rest).all()


def test_joints_stay_within_their_limits(drawn: Tensor) -> None:
    for name, axes in _LIMITS.items():
        least, most = (torch.tensor([axis[i] for axis in axes]).deg2rad() for i in (2, 3))
        angles = drawn[:, BODY.index(name)]
        assert (angles >= least - 1e-4).all() and (angles <= most + 1e-4).all(), name


def test_poses_face_all_ways_and_differ(drawn: Tensor, rest: Tensor) -> None:
    joints = joint_places(drawn, rest)
    across = joints[:, BODY.index("left_shoulder")] - joints[:, BODY.index("right_shoulder")]
    angle = torch.atan2(across[:, 2], across[:, 0])
    assert torch.histc(angle, 4, -torch.pi, torch.pi).min() > 100
    assert joints.std(0)[BODY.index("left_wrist")].norm() > 0.3


def test_a_standing_body_passes(rest: Tensor) -> None:
    assert passes(standing(), rest).all()


def test_a_forearm_through_the_chest_does_not(rest: Tensor) -> None:
    pose = standing()
    pose[0, BODY.index("left_shoulder")] = torch.tensor([0.0, 0.3, -0.3])
    pose[0, BODY.index("left_elbow"), 1] = 2.9
    crossing = pose.clone()
    crossing[0, BODY.index("left_elbow"), 1] = -2.6
    crossing[0, BODY.index("left_shoulder")] = torch.tensor([0.0, 0.6, -0.9])
    assert not passes(torch.cat([pose, crossing]), rest).all()


def test_legs_through_each_other_do_not(rest: Tensor) -> None:
    pose = standing()
    pose[0, BODY.index("left_hip"), 2] = -0.35
    assert not passes(pose, rest).any()


def test_a_body_leaning_over_its_feet_would_fall(rest: Tensor) -> None:
    pose = standing()
    pose[0, 0, 0] += 0.9
    assert not passes(pose, rest).any()


def test_segments_are_as_far_apart_as_their_nearest_points() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b, c, d = torch.rand(4, 50, 3, generator=generator)
    steps = torch.linspace(0, 1, 101)[:, None]
    first = a[:, None] + steps * (b - a)[:, None]
    second = c[:, None] + steps * (d - c)[:, None]
    brute = (first[:, :, None] - second[:, None]).norm(dim=-1).amin((1, 2))
    exact = _segment_distance(a, b, c, d)
    assert (exact <= brute + 1e-5).all() and (exact >= brute - 0.012).all()  # half a step of either segment
