"""ASF and AMC files become poses of our body: limbs point where the actor's did."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from common.body_models.smplx import SMPLX
from common.utils.paths import ROOT
from data.formats.pose_npz import read_poses
from data.pose_sampler import BODY, joint_places
from data.synthetic import POSES
from tool.prepare.cmu_mocap import NOTICE, main, read_motion, read_skeleton, read_subjects, retarget

MOCAP = ROOT.parent / "shared" / "mocap" / "cmu"
_SIDES = {"l": 1, "r": -1}
# name: (direction with x to the left, axis, freedoms), for the left side
_LIMBS = {
    "hipjoint": ((0.6, -0.7, 0.3), (0, 0, 0), ""), "femur": ((0.34, -0.94, 0), (0, 0, 20), "rx ry rz"),
    "tibia": ((0.34, -0.94, 0), (0, 0, 20), "rx"), "foot": ((0.07, -0.18, 0.98), (-90, 0, 20), "rx rz"),
    "toes": ((0, 0, 1), (-90, 0, 20), "rx"), "clavicle": ((0.94, 0.33, 0), (0, 0, 0), "ry rz"),
    "humerus": ((1, 0, 0), (180, 30, 90), "rx ry rz"), "radius": ((1, 0, 0), (180, 30, 90), "rx"),
    "wrist": ((1, 0, 0), (0, 90, 90), "ry"), "hand": ((1, 0, 0), (0, 90, 90), "rx rz"),
}  # fmt: skip
_TRUNK = ("lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head")


def asf() -> str:
    lines = [":version 1.10", ":root", "order TX TY TZ RX RY RZ", "axis XYZ", "position 0 0 0"]
    lines += ["orientation 0 0 0", ":bonedata"]
    for name in _TRUNK:
        lines += [f"name {name}", "direction 0 1 0", "axis 0 0 0 XYZ", "dof rx ry rz"]
    for side, sign in _SIDES.items():
        for name, ((x, y, z), axis, freedoms) in _LIMBS.items():
            a, b, c = axis
            lines += [f"name {side}{name}", f"direction {sign * x} {y} {z}"]
            lines += [f"axis {a} {-sign * b} {-sign * c if abs(c) == 90 else sign * c} XYZ"]
            lines += [f"dof {freedoms}"] if freedoms else []
    lines += [":hierarchy", "begin", "root lhipjoint rhipjoint lowerback", "lowerback upperback"]
    lines += [
        "upperback thorax",
        "thorax lowerneck lclavicle rclavicle",
        "lowerneck upperneck",
        "upperneck head",
    ]
    for s in _SIDES:
        chain = (
            ["hipjoint", "femur", "tibia", "foot", "toes"],
            ["clavicle", "humerus", "radius", "wrist", "hand"],
        )
        lines += [f"{s}{one} {s}{two}" for part in chain for one, two in pairwise(part)]
    return "\n".join([*lines, "end"])


def amc(frames: int = 1, **angles: str) -> str:
    bones = {"root": "0 0 0 0 0 0"} | {name: "0 0 0" for name in _TRUNK}
    for side in _SIDES:
        bones |= {
            f"{side}{name}": " ".join("0" * len(dof.split())) for name, (_, _, dof) in _LIMBS.items() if dof
        }
    lines = [f"{name} {value}" for name, value in (bones | angles).items()]
    return "\n".join(
        [":FULLY-SPECIFIED", ":DEGREES"] + [x for i in range(frames) for x in (str(i + 1), *lines)]
    )


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    folder = tmp_path / "07"
    folder.mkdir()
    (folder / "07.asf").write_text(asf())
    return folder


@pytest.fixture(scope="module")
def rest() -> Tensor:
    return SMPLX(free="only").rest_joints.unflatten(0, (-1, 3)).double()


def places(subject: Path, rest: Tensor, **angles: str) -> dict[str, Tensor]:
    """Joints of one retargeted frame: x to the picture's right, y down, z away."""
    (subject / "07_01.amc").write_text(amc(**angles))
    skeleton = read_skeleton(subject / "07.asf")
    pose = retarget(skeleton, read_motion(subject / "07_01.amc", skeleton, 120)[1], rest)
    return dict(zip(BODY, joint_places(pose, rest[:22])[0], strict=True))


def bone(joints: dict[str, Tensor], start: str, end: str) -> Tensor:
    return torch.nn.functional.normalize(joints[end] - joints[start], dim=0)


def test_at_rest_limbs_point_as_the_actors_do(subject: Path, rest: Tensor) -> None:
    joints = places(subject, rest)
    assert torch.allclose(
        bone(joints, "left_shoulder", "left_elbow"), torch.tensor([1.0, 0, 0]).double(), atol=1e-6
    )
    assert torch.allclose(
        bone(joints, "right_elbow", "right_wrist"), torch.tensor([-1.0, 0, 0]).double(), atol=1e-6
    )
    assert torch.allclose(
        bone(joints, "left_hip", "left_knee"), torch.tensor([0.34, 0.94, 0]).double(), atol=1e-2
    )
    foot = bone(joints, "left_ankle", "left_foot")
    assert foot[2] < -0.7 and abs(torch.atan2(foot[0], -foot[2]) - 0.07) < 0.02  # towards us, barely outwards


def test_knees_bend_backwards_and_elbows_forwards(subject: Path, rest: Tensor) -> None:
    joints = places(subject, rest, ltibia="90", lradius="90", rradius="90")
    assert bone(joints, "left_knee", "left_ankle")[2] > 0.9  # away from the camera before the actor
    for side in ("left", "right"):
        assert bone(joints, f"{side}_elbow", f"{side}_wrist")[2] < -0.5


def test_a_hip_flexed_lifts_the_knee_forwards(subject: Path, rest: Tensor) -> None:
    joints = places(subject, rest, rfemur="-90 0 0")
    assert bone(joints, "right_hip", "right_knee")[2] < -0.8


def test_the_root_turns_the_whole_body(subject: Path, rest: Tensor) -> None:
    joints = places(subject, rest, root="5 6 7 0 90 0")
    assert bone(joints, "left_shoulder", "left_elbow")[2] > 0.99  # facing the picture's right, left arm away


def test_a_bowed_trunk_is_shared_by_the_spine(subject: Path, rest: Tensor) -> None:
    joints = places(subject, rest, lowerback="30 0 0", upperback="30 0 0", thorax="30 0 0")
    assert bone(joints, "spine3", "neck")[2] < -0.8


def test_motions_are_thinned_by_their_frame_numbers(subject: Path, rest: Tensor) -> None:
    (subject / "07_01.amc").write_text(amc(frames=25))
    poses = read_subjects([subject], 10, rest)
    assert list(poses.names) == [f"cmu/07/07_01/{frame:06d}" for frame in (1, 13, 25)]
    assert poses.notice == NOTICE and poses.poses.shape == (3, 72)


def test_broken_files_are_refused_in_words(subject: Path, rest: Tensor, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"one \.asf file and \.amc files"):
        read_subjects([subject], 10, rest)
    (subject / "07_01.amc").write_text(amc(frames=2).rsplit("\n", 3)[0])
    with pytest.raises(ValueError, match="cut off or empty"):
        read_subjects([subject], 120, rest)
    (subject / "07_01.amc").write_text(amc(lfemur="1 2"))
    with pytest.raises(ValueError, match=r"line \d+: 'lfemur' has 2 numbers, not 3"):
        read_subjects([subject], 120, rest)
    (tmp_path / "text.asf").write_text("nothing")
    with pytest.raises(ValueError, match="no ASF skeleton"):
        read_skeleton(tmp_path / "text.asf")


def test_the_command_writes_a_pose_file(subject: Path, tmp_path: Path) -> None:
    (subject / "07_01.amc").write_text(amc(frames=12))
    main([str(subject), "--output", str(tmp_path / "out" / "poses.npz"), "--fps", "120"])
    assert len(read_poses(tmp_path / "out" / "poses.npz")) == 12


@pytest.mark.skipif(not MOCAP.exists(), reason="the CMU clips (../shared/mocap) are not here")
def test_the_shipped_poses_are_the_clips_retargeted(rest: Tensor) -> None:
    ours = read_subjects([MOCAP / "03"], 10, rest)
    shipped = read_poses(POSES).starting_with("cmu/03/")
    assert list(ours.names) == list(shipped.names)
    assert np.abs(ours.poses - shipped.poses).max() < 2e-3
