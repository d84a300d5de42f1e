"""Synthetic people: the held-out ones are held out and stay the same, the others are always new."""

from __future__ import annotations

import pytest
import torch

from common.body_models.smplx import SMPLX as Body
from common.joints import LIFTER_39, MANO, SMPL, SMPLX
from data.formats.pose_npz import read_poses
from data.pose_sampler import BODY, joint_places
from data.synthetic import POSES, UNSEEN_CLIPS, UNSEEN_SUBJECT, SyntheticPeople, benchmark, mirrored

PLACES, SEEDS = torch.arange(40), torch.arange(40) + 5


def poses(split: str, seeds: torch.Tensor = SEEDS, captured: float = 0.5) -> torch.Tensor:
    return SyntheticPeople(split=split, captured=captured).batch(PLACES, seeds, LIFTER_39, SMPLX).target.pose


def test_training_poses_follow_from_the_seeds() -> None:
    assert torch.equal(poses("train"), poses("train"))
    assert not torch.equal(poses("train"), poses("train", SEEDS + 100))


@pytest.mark.parametrize("split", ["test", "unseen_subject"])
def test_held_out_persons_are_always_the_same(split: str) -> None:
    people = SyntheticPeople(split=split)
    first = people.batch(PLACES, SEEDS, LIFTER_39, SMPLX)
    later = people.batch(PLACES.flip(0), SEEDS + 100, LIFTER_39, SMPLX)
    assert torch.equal(first.target.pose, later.target.pose.flip(0))
    assert torch.equal(first.target.betas, later.target.betas.flip(0))
    assert torch.equal(first.seed, later.seed.flip(0))


def test_no_held_out_frame_is_trained_on() -> None:
    clips = {split: SyntheticPeople(split=split)._clips for split in ("train", "test", "unseen_subject")}
    everything = read_poses(POSES)
    assert sum(map(len, clips.values())) == len(everything)
    held_out = everything.starting_with(*UNSEEN_CLIPS, *UNSEEN_SUBJECT)
    assert len(clips["test"]) + len(clips["unseen_subject"]) == len(held_out) > 1500


def test_the_shipped_poses_are_small_and_say_where_they_come_from() -> None:
    assert POSES.stat().st_size <= 1_000_000
    poses = read_poses(POSES)
    assert "mocap.cs.cmu.edu" in poses.notice and "NSF EIA-0196217" in poses.notice
    assert all(str(name).startswith("cmu/") for name in poses.names)


def test_captured_people_stand_on_their_feet_mostly() -> None:
    rest = Body(free="only").rest_joints.unflatten(0, (-1, 3))[:22]
    joints = joint_places(poses("unseen_subject", captured=1.0)[:, :22], rest)
    head, foot = joints[:, BODY.index("head"), 1], joints[:, BODY.index("left_foot"), 1]
    assert (head < foot - 1.0).float().mean() > 0.9  # y points down


def test_a_mirror_twice_changes_nothing() -> None:
    pose = poses("train")[:, :22]
    assert torch.equal(mirrored(mirrored(pose)), pose)


def test_a_mirrored_pose_is_the_body_in_a_mirror() -> None:
    rest = Body(free="only").rest_joints.unflatten(0, (-1, 3))[:22]
    swap = [BODY.index(n.translate({}) if "_" not in n else _other(n)) for n in BODY]
    rest = (rest + rest[swap] * torch.tensor([-1.0, 1.0, 1.0])) / 2  # a body that is its own mirror image
    pose = poses("train")[:, :22]
    seen = joint_places(mirrored(pose), rest)
    wanted = joint_places(pose, rest)[:, swap] * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(seen, wanted, atol=1e-5)


def _other(name: str) -> str:
    return name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")


def test_other_bodies_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="smplx and smpl bodies, not mano"):
        SyntheticPeople().batch(PLACES, SEEDS, LIFTER_39, MANO)


def test_smpl_bodies_stand_as_the_smplx_ones_do() -> None:
    people = SyntheticPeople(split="test")
    smpl = people.batch(PLACES, SEEDS, LIFTER_39, SMPL).target
    smplx = people.batch(PLACES, SEEDS, LIFTER_39, SMPLX).target
    assert smpl.pose.shape[1] == len(SMPL.joints)
    assert torch.equal(smpl.pose[:, :22], smplx.pose[:, :22])
    assert torch.equal(smpl.betas, smplx.betas)
    assert not smpl.pose[:, 22:].any()


def test_a_person_can_be_had_alone() -> None:
    person = SyntheticPeople(split="test")[3]
    assert person.image is None and person.pose.shape == (55, 3) and person.betas.shape == (10,)


def test_there_are_two_benchmarks_with_names_of_their_own() -> None:
    names = {benchmark(split).name for split in ("test", "unseen_subject")}
    assert names == {"synthetic", "synthetic_unseen_subject"}
