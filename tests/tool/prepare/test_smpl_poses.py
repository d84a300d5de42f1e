"""Pose files in the published layout, from every source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPL, SMPLX, BodyLayout
from common.structures import Person
from common.utils.errors import UserError
from data.formats.pose_npz import Poses, read_poses, write_poses
from tool.prepare.smpl_poses import joined, main, of_amass, of_data_set, sampled, upright


def test_the_layout_is_the_published_one(tmp_path: Path) -> None:
    path = tmp_path / "poses.npz"
    main(["--output", str(path), "--sampled", "5", "--without", "cmu/01", "cmu/02"])
    with np.load(path) as file:
        count = len(file["fnames"])
        assert file["fnames"].dtype.kind == "U" and count > 5
        assert file["poses"].shape == (count, 72) and file["shapes"].shape == (count, 10)
    poses = read_poses(path)
    assert {str(name).split("/")[0] for name in poses.names} == {"cmu", "sampled"}
    assert not poses.starting_with("cmu/01").names.size and "mocap.cs.cmu.edu" in poses.notice
    assert not poses.poses[:, 66:].any()  # the two hands
    assert 0.8 < poses.shapes.std() < 1.2


def up_of(poses: np.ndarray) -> np.ndarray:
    """(N, 3) where the spines of upright rest bodies point."""
    return matrix_from_axis_angle(torch.from_numpy(poses[:, :3]).double()).numpy()[:, :, 1]


def test_sampled_poses_stand_upright_in_a_picture_and_follow_from_the_seed() -> None:
    one, other = sampled(200), sampled(200, seed=1)
    assert np.median(up_of(one.poses)[:, 1]) < -0.9  # y is down
    np.testing.assert_array_equal(one.poses, sampled(200).poses)
    assert np.abs(one.poses - other.poses).max() > 0.1


def test_shapes_that_a_source_gives_are_kept_and_others_drawn() -> None:
    given = Poses(np.array(["a/0"]), np.zeros((1, 72)), np.full((1, 10), 0.5))
    absent = Poses(np.array(["b/0", "b/1"]), np.zeros((2, 72)), np.full((2, 10), np.nan), "terms")
    both = joined([given, absent], deviation=2.0)
    np.testing.assert_allclose(both.shapes[0], 0.5)
    assert np.isfinite(both.shapes).all() and np.abs(both.shapes[1:]).max() > 0.5
    assert both.notice == "terms" and not np.array_equal(both.shapes[1], both.shapes[2])


def test_motions_of_amass_are_thinned_and_turned_upright(tmp_path: Path) -> None:
    folder = tmp_path / "KIT" / "3"
    folder.mkdir(parents=True)
    poses = np.zeros((24, 156))
    poses[:, 0] = np.pi / 2  # y up becomes z up: somebody who stands in AMASS's world
    poses[:, 3] = np.linspace(0, 1, 24)
    np.savez(
        folder / "walk_poses.npz", poses=poses, betas=np.arange(16.0), mocap_framerate=120.0, gender="male"
    )
    np.savez(folder / "shape.npz", gender="male")
    found = of_amass(tmp_path / "KIT", fps=10)
    assert found.names.tolist() == ["KIT/3/walk_poses/000000", "KIT/3/walk_poses/000001"]
    np.testing.assert_allclose(found.poses[:, 3], poses[::12, 3])
    np.testing.assert_allclose(found.shapes[0], np.arange(10))
    np.testing.assert_allclose(up_of(found.poses), [[0, -1, 0]] * 2, atol=1e-6)
    with pytest.raises(UserError, match="no motion"):
        of_amass(tmp_path / "KIT" / "nowhere", fps=10)


def test_only_the_root_is_turned() -> None:
    poses = np.random.default_rng(0).normal(size=(3, 66))
    np.testing.assert_array_equal(upright(poses)[:, 3:], poses[:, 3:])


@dataclass(frozen=True)
class Annotated:
    body: BodyLayout | None
    name: str = "Annotated"

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Person:
        joints = len((self.body or SMPL).joints)
        pose = None if index == 1 else np.full((joints, 3), 0.1 * index)
        return Person(f"Annotated/{index}", body=self.body, pose=pose, betas=np.ones(10))


def test_a_data_set_gives_the_bodies_it_has() -> None:
    found = of_data_set(Annotated(SMPL), "3dpw")
    assert found.names.tolist() == ["3dpw/0", "3dpw/2"]
    np.testing.assert_allclose(found.poses[1, :66], 0.2)
    np.testing.assert_allclose(found.shapes, 1)
    assert np.isnan(of_data_set(Annotated(SMPLX)).shapes).all()  # its shape is not SMPL's
    with pytest.raises(UserError, match="Nobody in Annotated"):
        of_data_set(Annotated(None))


def test_poses_of_two_files_are_joined(tmp_path: Path) -> None:
    for name in "ab":
        write_poses(tmp_path / f"{name}.npz", Poses(np.array([name]), np.zeros((1, 72)), np.ones((1, 10))))
    out = tmp_path / "out.npz"
    main(["--output", str(out), "--poses", str(tmp_path / "a.npz"), str(tmp_path / "b.npz")])
    assert read_poses(out).names.tolist() == ["a", "b"]
