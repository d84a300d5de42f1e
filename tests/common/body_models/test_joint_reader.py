"""Joints read alone are those of the posed mesh."""

from __future__ import annotations

import pytest
import torch

from common.body_models.joint_reader import TURNING, JointReader
from common.body_models.smplx import SMPLX
from common.joints import LIFTER_39, JointSet


@pytest.fixture(scope="module")
def body() -> SMPLX:
    return SMPLX(free="only")


def test_joints_read_alone_are_those_of_the_posed_mesh(body: SMPLX) -> None:
    generator = torch.Generator().manual_seed(0)
    pose = torch.zeros(5, 55, 3)
    pose[:, :TURNING] = 0.6 * torch.randn(5, TURNING, 3, generator=generator)
    betas = 1.5 * torch.randn(5, 10, generator=generator)
    params = body.params(pose, betas, torch.zeros(5, 10), torch.zeros(5, dtype=torch.bool))
    wanted = body(params).joints[:, list(body.joint_set.indices(LIFTER_39.names))]
    alone = JointReader(body, LIFTER_39)(params.rotations, betas)
    assert torch.allclose(alone, wanted, atol=2e-6)


def test_a_landmark_of_the_face_is_refused_in_words(body: SMPLX) -> None:
    with pytest.raises(ValueError, match="'chin' is a landmark"):
        JointReader(body, JointSet("chin", ("pelvis", "chin")))


def test_nothing_of_the_body_is_saved_with_a_network(body: SMPLX) -> None:
    assert not JointReader(body, LIFTER_39).state_dict()


def test_a_joint_carries_what_hangs_on_it_and_nothing_else(body: SMPLX) -> None:
    reader = JointReader(body, LIFTER_39)
    rotations, betas = torch.eye(3).repeat(1, TURNING, 1, 1), torch.zeros(1, 10)
    elbow = LIFTER_39.index("left_elbow")
    bent = rotations.clone()
    bent[:, elbow] = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    moved = (reader(bent, betas) - reader(rotations, betas)).norm(dim=-1)[0] > 1e-3
    carried = reader.carried[elbow] > 0.01
    carried[elbow] = False  # the joint itself stays where it is
    assert torch.equal(moved, carried)
    assert torch.allclose(reader.carried[0], torch.ones(len(LIFTER_39)), atol=1e-4)
