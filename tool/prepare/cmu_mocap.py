"""CMU motion capture (ASF skeletons, AMC motions) to SMPL poses in one `.npz`.

    python tool/prepare/cmu_mocap.py SUBJECT_FOLDER [SUBJECT_FOLDER ...] --output poses.npz [--fps 10]

A subject's folder holds `NN.asf` and `NN_MM.amc`, as mocap.cs.cmu.edu publishes them. A pose is named
`cmu/NN/NN_MM/FRAME`; its root is as a level camera in front of the actor's start sees it (x right, y down).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common.body_models.smplx import SMPLX
from common.geometry.rotation import (
    axis_angle_from_matrix,
    matrix_from_axis_angle,
    matrix_from_quaternion,
)
from common.joints import SMPLX_55
from data.formats.pose_npz import Poses, write_poses

NOTICE = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)
CAPTURE_FPS = 120
# the bone each joint turns with; a pair is met half way
_BONES = {
    "pelvis": ("root",), "spine1": ("lowerback",), "spine2": ("upperback",), "spine3": ("thorax",),
    "neck": ("lowerneck", "upperneck"), "head": ("head",),
    **{
        f"{side}_{joint}": tuple(side[0] + bone for bone in bones)
        for side in ("left", "right")
        for joint, bones in {
            "hip": ("femur",), "knee": ("tibia",), "ankle": ("foot",), "foot": ("toes",),
            "collar": ("clavicle",), "shoulder": ("humerus",), "elbow": ("radius", "wrist"),
            "wrist": ("hand",),
        }.items()
    },
}  # fmt: skip
_NEXT = {"hip": "knee", "knee": "ankle", "shoulder": "elbow", "elbow": "wrist"}  # where a limb's bone ends


@dataclass(frozen=True)
class Skeleton:
    """An actor's bones at rest; parents come before their children, `root` first."""

    parents: Mapping[str, str]
    axes: Mapping[str, Tensor]  # (3, 3) the frame in which a bone's angles are meant
    freedoms: Mapping[str, tuple[str, ...]]  # "rx", "ry", "rz", in the motion file's order
    directions: Mapping[str, Tensor]  # (3,) unit: x to the actor's left, y up, z forward


def euler(degrees: Tensor, order: str) -> Tensor:
    """(..., N) turns about the N named fixed axes, the first named done first -> (..., 3, 3)."""
    matrix = torch.eye(3, dtype=torch.float64)
    for angle, axis in zip(torch.deg2rad(degrees).unbind(-1), order.upper(), strict=True):
        unit = torch.eye(3, dtype=torch.float64)["XYZ".index(axis)]
        matrix = matrix_from_axis_angle(angle[..., None] * unit) @ matrix
    return matrix


def read_skeleton(path: Path) -> Skeleton:
    """An ASF file; ValueError where it is none."""
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith(":"):
            current = sections.setdefault(line.split()[0], [])
        elif line.strip() and not line.startswith("#"):
            current.append(line.split())
    if ":bonedata" not in sections or ":hierarchy" not in sections:
        raise ValueError(f"{path} is no ASF skeleton: it has no :bonedata or no :hierarchy.")
    root = {words[0]: words[1:] for words in sections.get(":root", [])}
    axes = {"root": euler(_numbers(root["orientation"]), root["axis"][0])}
    freedoms = {"root": tuple(word.lower() for word in root["order"])}
    directions: dict[str, Tensor] = {}
    name = ""
    for words in sections[":bonedata"]:
        match words:
            case ["name", name]:
                freedoms[name] = ()
            case ["direction", *numbers]:
                directions[name] = _numbers(numbers)
            case ["axis", x, y, z, order]:
                axes[name] = euler(_numbers([x, y, z]), order)
            case ["dof", *named]:
                freedoms[name] = tuple(word.lower() for word in named)
    lines = [words for words in sections[":hierarchy"] if len(words) > 1]
    parents = {child: words[0] for words in lines for child in words[1:]}
    return Skeleton(parents, axes, freedoms, directions)


def _numbers(words: Sequence[str]) -> Tensor:
    return torch.tensor([float(word) for word in words], dtype=torch.float64)


def read_motion(path: Path, skeleton: Skeleton, fps: int) -> tuple[list[int], dict[str, Tensor]]:
    """An AMC file, thinned to `fps`: frame numbers, and each bone turned from rest, (T, 3, 3) in the world.

    Raises ValueError with the line where the file is cut off, or does not fit the skeleton.
    """
    frames: list[int] = []
    numbers: dict[str, list[list[str]]] = {}
    keep = False
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        words = line.split()
        if not words or line[0] in "#:":
            continue
        if len(words) == 1:
            keep = (int(words[0]) - 1) % (CAPTURE_FPS // fps) == 0
            frames += [int(words[0])] if keep else []
        elif keep:
            wanted = len(skeleton.freedoms.get(words[0], ()))
            if len(words) - 1 != wanted:
                raise ValueError(
                    f"{path}, line {number}: '{words[0]}' has {len(words) - 1} numbers, not {wanted}."
                )
            numbers.setdefault(words[0], []).append(words[1:])
    if any(len(of_bone) != len(frames) for of_bone in numbers.values()) or not frames:
        raise ValueError(
            f"{path} is cut off or empty: its {len(frames)} frames do not all name the same bones."
        )
    return frames, _turned(skeleton, numbers)


def _turned(skeleton: Skeleton, numbers: Mapping[str, list[list[str]]]) -> dict[str, Tensor]:
    """Angles of each bone in its own frame -> how far it is turned from rest, in the world's."""
    turned: dict[str, Tensor] = {}
    for bone in ("root", *skeleton.parents):
        above = turned[skeleton.parents[bone]] if bone != "root" else torch.eye(3, dtype=torch.float64)
        if bone in numbers:
            freedoms, axis = skeleton.freedoms[bone], skeleton.axes[bone]
            angles = [i for i, freedom in enumerate(freedoms) if freedom[0] == "r"]
            values = torch.stack([_numbers(words) for words in numbers[bone]])[:, angles]
            above = above @ axis @ euler(values, "".join(freedoms[i][1] for i in angles)) @ axis.T
        turned[bone] = above
    return turned


def retarget(skeleton: Skeleton, turned: Mapping[str, Tensor], rest: Tensor) -> Tensor:
    """Bones turned from the actor's rest -> (T, 22, 3) axis-angle from the body's rest (55, 3).

    A limb's bone points elsewhere in the two rest poses: a joint first takes its own bone there, the shortest
    way, then turns as the actor's did. Feet are level in both, and differ by how far they point outwards.
    """
    names = SMPLX_55.names[:22]
    body_turned = torch.stack([_half_way([turned[bone] for bone in _BONES[name]]) for name in names], 1)
    start = torch.stack([_to_actors_rest(name, skeleton, rest) for name in names])
    body_turned = body_turned @ start
    parents = [names.index(parent) for parent in _parents_of(names)]
    local = torch.cat([body_turned[:, :1], body_turned[:, parents].mT @ body_turned[:, 1:]], 1)
    upright = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=local.dtype))  # y up, z forward -> picture
    return axis_angle_from_matrix(torch.cat([upright @ local[:, :1], local[:, 1:]], 1))


def _parents_of(names: Sequence[str]) -> list[str]:
    chain = {"hip": "pelvis", "knee": "hip", "ankle": "knee", "foot": "ankle", "collar": "spine3"}
    chain |= {
        "shoulder": "collar",
        "elbow": "shoulder",
        "wrist": "elbow",
        "spine1": "pelvis",
        "spine2": "spine1",
    }
    chain |= {"spine3": "spine2", "neck": "spine3", "head": "neck"}
    parents = []
    for name in names[1:]:
        side, _, joint = name.rpartition("_")
        parent = chain[joint]
        parents.append(f"{side}_{parent}" if f"{side}_{parent}" in names else parent)
    return parents


def _half_way(turns: Sequence[Tensor]) -> Tensor:
    if len(turns) == 1:
        return turns[0]
    first, second = turns
    between = axis_angle_from_matrix(first.mT @ second)
    return first @ matrix_from_axis_angle(between / 2)


def _to_actors_rest(name: str, skeleton: Skeleton, rest: Tensor) -> Tensor:
    side, _, joint = name.rpartition("_")
    there = skeleton.directions[_BONES[name][0]] if side else None
    if there is None or joint in ("collar", "wrist"):
        return torch.eye(3, dtype=torch.float64)
    if joint in ("ankle", "foot"):
        place = SMPLX_55.index
        here = rest[place(f"{side}_foot")] - rest[place(f"{side}_ankle")]
        toes = skeleton.directions[f"{side[0]}foot"]
        outwards = torch.atan2(toes[0], toes[2]) - torch.atan2(here[0], here[2])
        return matrix_from_axis_angle(torch.stack([outwards * 0, outwards, outwards * 0]))
    here = rest[SMPLX_55.index(f"{side}_{_NEXT[joint]}")] - rest[SMPLX_55.index(name)]
    shortest = _shortest_turn(here, there)
    if joint in ("shoulder", "elbow"):
        shortest = _hinge_twist(side, joint, skeleton) @ shortest
    return shortest


def _hinge_twist(side: str, joint: str, skeleton: Skeleton) -> Tensor:
    """The actor's elbow does not bend straight forwards at rest, ours does: the twist between the two."""
    bone = skeleton.axes[f"{side[0]}radius"]
    arm = skeleton.directions[f"{side[0]}radius"]
    bent = torch.linalg.cross(bone[:, 0], arm)  # where the hand goes as the elbow closes
    angle = torch.atan2(-bent[1], bent[2])
    about = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    # the lower arm is met half way between the elbow's bone and the wrist's, which is not twisted
    return matrix_from_axis_angle(about * angle * (1.0 if joint == "shoulder" else 0.5))


def _shortest_turn(here: Tensor, there: Tensor) -> Tensor:
    here, there = here / here.norm(), there / there.norm()
    half = torch.cat([(1 + here @ there)[None], torch.linalg.cross(here, there)])
    return matrix_from_quaternion(half)


def read_subjects(folders: Iterable[Path], fps: int, rest: Tensor) -> Poses:
    """Every clip of every folder; FileNotFoundError where a folder has no skeleton or no motion."""
    names, poses = [], []
    for folder in folders:
        skeletons, motions = sorted(folder.glob("*.asf")), sorted(folder.glob("*.amc"))
        if len(skeletons) != 1 or not motions:
            raise FileNotFoundError(
                f"{folder} must hold one .asf file and .amc files, as the database has them."
            )
        skeleton = read_skeleton(skeletons[0])
        for motion in motions:
            frames, turned = read_motion(motion, skeleton, fps)
            poses.append(retarget(skeleton, turned, rest))
            names += [f"cmu/{skeletons[0].stem}/{motion.stem}/{frame:06d}" for frame in frames]
    body = torch.cat(poses).flatten(1).float().numpy()
    whole = np.concatenate([body, np.zeros((len(body), 6), np.float32)], 1)  # the two hands of SMPL at rest
    return Poses(np.array(names), whole, np.zeros((len(body), 10), np.float32), NOTICE)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="SUBJECT_FOLDER")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--fps", type=int, default=10, help="frames to keep of each second (of 120)")
    options = parser.parse_args(arguments)
    rest = SMPLX(free="only").rest_joints.unflatten(0, (-1, 3)).double()
    poses = read_subjects(options.folders, options.fps, rest)
    write_poses(options.output, poses, np.float16)
    print(f"{options.output}: {len(poses)} poses of {len(options.folders)} subjects")


if __name__ == "__main__":
    main()
