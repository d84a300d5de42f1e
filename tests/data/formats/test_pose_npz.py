"""Pose files: what is written is read, and what is no pose file is refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.formats.pose_npz import Poses, read_poses, write_poses

POSES = Poses(
    np.array(["cmu/01/a/1", "cmu/02/b/1", "cmu/02/b/2"]),
    np.linspace(-3, 3, 3 * 72, dtype=np.float32).reshape(3, 72),
    np.ones((3, 10), np.float32),
    "from somewhere",
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_poses(tmp_path / "p.npz", POSES)
    read = read_poses(tmp_path / "p.npz")
    assert list(read.names) == list(POSES.names) and read.notice == POSES.notice
    assert np.array_equal(read.poses, POSES.poses) and np.array_equal(read.shapes, POSES.shapes)


def test_half_precision_keeps_angles_to_a_tenth_of_a_degree(tmp_path: Path) -> None:
    write_poses(tmp_path / "p.npz", POSES, np.float16)
    read = read_poses(tmp_path / "p.npz")
    assert read.poses.dtype == np.float32
    assert np.degrees(np.abs(read.poses - POSES.poses).max()) < 0.1


def test_published_files_without_a_notice_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", fnames=POSES.names, poses=POSES.poses, shapes=POSES.shapes)
    assert len(read_poses(tmp_path / "p.npz")) == 3


def test_poses_are_chosen_by_the_start_of_their_names() -> None:
    assert list(POSES.starting_with("cmu/02/").names) == ["cmu/02/b/1", "cmu/02/b/2"]
    assert list(POSES.without("cmu/02/b/1", "cmu/01/").names) == ["cmu/02/b/2"]
    assert len(POSES.starting_with()) == len(POSES.without()) == 3


def test_what_is_no_pose_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        read_poses(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("poses")
    with pytest.raises(ValueError, match="cannot be read"):
        read_poses(tmp_path / "text.npz")
    np.savez(tmp_path / "lacking.npz", fnames=POSES.names, poses=POSES.poses)
    with pytest.raises(ValueError, match="no 'shapes'"):
        read_poses(tmp_path / "lacking.npz")
    np.savez(tmp_path / "short.npz", fnames=POSES.names, poses=POSES.poses[:, :66], shapes=POSES.shapes)
    with pytest.raises(ValueError, match=r"\(3, 66\), not \(N, 72\)"):
        read_poses(tmp_path / "short.npz")


def test_a_truncated_file_is_refused_in_words(tmp_path: Path) -> None:
    write_poses(tmp_path / "p.npz", POSES)
    whole = (tmp_path / "p.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        read_poses(tmp_path / "half.npz")
