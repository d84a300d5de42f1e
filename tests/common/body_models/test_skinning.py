"""Forward kinematics without a walk, and constant matrices applied in two ways."""

from __future__ import annotations

import pytest
import torch
from standins import SMPLX_PARENTS

from common.body_models.skinning import Blend, ancestors, forward_kinematics
from common.geometry.rotation import matrix_from_axis_angle

CHAIN = [joint - 1 for joint in range(9)]
STAR = [-1] + [0] * 6


@pytest.mark.parametrize("parents", [SMPLX_PARENTS, CHAIN, STAR, [-1]], ids=["smplx", "chain", "star", "one"])
def test_frames_are_those_of_a_walk_from_joint_to_joint(parents: list[int]) -> None:
    count, generator = len(parents), torch.Generator().manual_seed(0)
    rotations = matrix_from_axis_angle(torch.randn(2, count, 3, dtype=torch.float64, generator=generator))
    joints = torch.randn(2, count, 3, dtype=torch.float64, generator=generator)
    above = torch.tensor([count if parent < 0 else parent for parent in parents])
    frames = forward_kinematics(rotations, joints, above, ancestors(parents))
    turns, places = [rotations[:, 0]], [joints[:, 0]]
    for joint in range(1, count):
        parent = parents[joint]
        bone = (joints[:, joint] - joints[:, parent])[..., None]
        places.append((turns[parent] @ bone)[..., 0] + places[parent])
        turns.append(turns[parent] @ rotations[:, joint])
    torch.testing.assert_close(frames[..., :3, :3], torch.stack(turns, 1), atol=1e-12, rtol=0)
    torch.testing.assert_close(frames[..., :3, 3], torch.stack(places, 1), atol=1e-12, rtol=0)


def test_rounds_are_as_many_as_the_depth_doubles() -> None:
    assert len(ancestors(SMPLX_PARENTS)) == 4  # the longest way, to a finger, is of eleven joints
    assert len(ancestors(CHAIN)) == 4
    assert len(ancestors(STAR)) == 1


@pytest.mark.parametrize("share", [1.0, 0.1])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_few_entries_give_the_same_product_as_all(share: float, count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(42, 10, generator=generator) * (torch.rand(42, 10, generator=generator) < share)
    matrix[3] = 0.0  # a row of nothing
    blend, numbers = Blend(matrix), torch.randn(10, count, generator=generator)
    assert blend.is_sparse == (share < 1)
    torch.testing.assert_close(blend.matrix, matrix)
    torch.testing.assert_close(blend(numbers), matrix @ numbers)
    with torch.no_grad():
        torch.testing.assert_close(blend(numbers), matrix @ numbers)
