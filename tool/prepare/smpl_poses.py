"""Poses to train on without pictures, in the published layout of STRAPS: one `.npz` of several sources.

    python -m tool.prepare.smpl_poses --output poses.npz --poses captured.npz --sampled 20000
    python -m tool.prepare.smpl_poses --output train.npz --amass AMASS/CMU AMASS/KIT --set PW3D split=train

`--poses` are such files already, as `tool/prepare/cmu_mocap.py` writes them (by default the shipped ones,
where nothing is named); `--sampled` are drawn from joint limits; `--amass` are folders of AMASS's motions,
turned upright as a picture shows them; `--set` is a data set of ours with SMPL or SMPL-X bodies, its root as
its camera sees it. Shapes are those of the source, else drawn.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from common.body_models.smplx import SMPLX as Body
from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import SMPL, SMPLX
from common.utils.errors import UserError
from common.utils.paths import FREE, shown
from common.utils.random import derived_seeds, normal
from data.formats.npz import Npz
from data.formats.pose_npz import Poses, read_poses, write_poses
from data.loading.dataset import Dataset
from data.pose_sampler import sample_poses
from main.command_line import sentences
from tool.show_dataset import data_set

Array = np.ndarray

SHIPPED = FREE / "poses.npz"
SHARED = 22  # joints that turn in SMPL, SMPL-H and SMPL-X alike, the first of each
AT_ONCE = 4096  # poses that are drawn together
UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # z up -> a picture's y down, z away
_SAMPLED, _SHAPES = 21, 22  # keep the draws apart


def sampled(count: int, seed: int = 0) -> Poses:
    """So many poses drawn from joint limits, turned any way about the vertical."""
    rest = Body(free="only").rest_joints.unflatten(0, (-1, 3))[:SHARED]
    seeds = derived_seeds(torch.arange(count), _SAMPLED + 1000 * seed)
    drawn = [sample_poses(some, rest) for some in seeds.split(AT_ONCE)]
    poses = torch.cat(drawn).flatten(1).numpy() if drawn else np.zeros((0, 3 * SHARED))
    return _unshaped([f"sampled/{seed}/{i:07d}" for i in range(count)], poses)


def of_amass(folder: Path, fps: int) -> Poses:
    """Every motion below a folder of AMASS, thinned to `fps`; UserError where there is none."""
    paths = sorted(path for path in folder.rglob("*.npz") if "poses" in _keys(path))
    if not paths:
        raise UserError(f"{shown(folder)} holds no motion of AMASS (an .npz with `poses`).")
    names, poses, shapes = [], [], []
    for path in paths:
        with Npz(path) as file:
            rate = next(
                float(file[key]) for key in ("mocap_framerate", "mocap_frame_rate") if key in file.names
            )
            motion = np.asarray(file["poses"], np.float64)[:: max(1, round(rate / fps))]
            shape = (
                np.asarray(file["betas"], np.float64)[: SMPL.betas] if "betas" in file.names else np.zeros(0)
            )
        clip = path.relative_to(folder.parent).with_suffix("").as_posix()
        names += [f"{clip}/{frame:06d}" for frame in range(len(motion))]
        poses.append(upright(motion[:, : 3 * SHARED]))
        shapes.append(np.tile(np.pad(shape, (0, SMPL.betas - len(shape))), (len(motion), 1)))
    notice = "From AMASS, https://amass.is.tue.mpg.de; its license holds for these poses."
    return _whole(names, np.concatenate(poses), np.concatenate(shapes), notice)


def upright(poses: Array) -> Array:
    """(N, 66) axis-angle in a world whose z is up -> the same as a level camera sees them, y down."""
    root = UPRIGHT @ matrix_from_axis_angle(torch.tensor(poses[:, :3])).numpy()
    return np.concatenate([axis_angle_from_matrix(torch.from_numpy(root)).numpy(), poses[:, 3:]], 1)


def of_data_set(dataset: Dataset, prefix: str = "") -> Poses:
    """The persons of a data set whose body is known; UserError where that is nobody's.

    prefix: what their names start with, such as "3dpw"; by default the set's own name.
    """
    names, poses, shapes = [], [], []
    for index in range(len(dataset)):
        person = dataset[index]
        if person.pose is None or person.body is None or person.body.name not in (SMPL.name, SMPLX.name):
            continue
        is_smpl = person.body.name == SMPL.name and person.betas is not None
        names.append(f"{prefix or dataset.name.lower()}/{person.name.partition('/')[2]}")
        poses.append(np.reshape(person.pose, (-1, 3))[:SHARED].ravel())
        shapes.append(np.ravel(person.betas)[: SMPL.betas] if is_smpl else np.full(SMPL.betas, np.nan))
    if not names:
        raise UserError(f"Nobody in {dataset.name} has a body of SMPL or SMPL-X; take another set.")
    return _whole(names, np.stack(poses), np.stack(shapes), f"From {dataset.name}; its terms hold.")


def joined(parts: Sequence[Poses], deviation: float, seed: int = 0) -> Poses:
    """All parts after one another; shapes that no source gave are drawn, normal with that deviation."""
    names = np.concatenate([part.names.astype(np.str_) for part in parts])
    shapes = np.concatenate([part.shapes for part in parts]).astype(np.float32)
    drawn = normal(derived_seeds(torch.arange(len(names)), _SHAPES + 1000 * seed), SMPL.betas).numpy()
    given = np.isfinite(shapes).all(1, keepdims=True) & shapes.any(1, keepdims=True)
    notices = dict.fromkeys(part.notice for part in parts if part.notice)
    poses = np.concatenate([part.poses for part in parts]).astype(np.float32)
    return Poses(names, poses, np.where(given, shapes, deviation * drawn), " ".join(notices))


def chosen(path: Path, without: Iterable[str]) -> Poses:
    """The poses of a file whose names start with none of the prefixes."""
    return read_poses(path).without(*without)


def _unshaped(names: Sequence[str], poses: Array) -> Poses:
    return _whole(names, poses, np.full((len(names), SMPL.betas), np.nan))


def _whole(names: Sequence[str], poses: Array, shapes: Array, notice: str = "") -> Poses:
    """(N, 66) -> poses of 24 joints: the two hands of SMPL at rest."""
    rest = np.zeros((len(poses), 3 * (len(SMPL.joints) - SHARED)))
    return Poses(np.array(names, np.str_), np.concatenate([poses, rest], 1), shapes, notice)


def _keys(path: Path) -> tuple[str, ...]:
    with Npz(path) as file:
        return file.names


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--poses", nargs="+", type=Path, default=[], metavar="FILE")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="PREFIX", help="names left out of --poses"
    )
    parser.add_argument("--sampled", type=int, default=0, metavar="COUNT")
    parser.add_argument("--amass", nargs="+", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--fps", type=int, default=10, help="frames to keep of each second of AMASS (10)")
    parser.add_argument(
        "--set", nargs="+", metavar=("NAME", "KEY=VALUE"), help="a data set, as in split=train"
    )
    parser.add_argument("--prefix", default="", help="of the names of its poses: 3dpw, up3d, h36m")
    parser.add_argument("--deviation", type=float, default=1.0, help="of shapes that no source gives (1)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with sentences():
        files = options.poses or ([] if options.amass or options.set else [SHIPPED])
        parts = [chosen(path, options.without) for path in files]
        parts += [of_amass(folder, options.fps) for folder in options.amass]
        parts += (
            [of_data_set(data_set(options.set[0], options.set[1:]), options.prefix)] if options.set else []
        )
        parts += [sampled(options.sampled, options.seed)] if options.sampled else []
        poses = joined(parts, options.deviation, options.seed)
        write_poses(options.output, poses)
        print(f"{shown(options.output)}: {len(poses)} poses")


if __name__ == "__main__":
    main()
