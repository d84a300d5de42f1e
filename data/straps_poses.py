"""SMPL poses of files that STRAPS published, or of others in that form: bodies without pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor

from common.joints import COCO_17, H36M_17, LSP_14, SMPL, BodyLayout, JointSet
from common.metrics.point_error import PointError
from common.metrics.points import Regressed, Vertices
from common.structures import Batch, Person
from common.utils.errors import UserError, did_you_mean
from common.utils.paths import DATASET
from data.formats.pose_npz import Poses, read_poses
from data.loading.dataset import Benchmark, bodies
from data.on_device.published_proxies import PublishedProxies

FOLDER = DATASET / "straps"
FILES = {"train": FOLDER / "amass_up3d_3dpw_train.npz", "val": FOLDER / "up3d_3dpw_val.npz"}
# which poses are taken, by what their names start with (published as `params_from`)
SOURCES = {
    "all": (),
    "h36m": ("h36m",),
    "up3d": ("up3d",),
    "3dpw": ("3dpw",),
    "not_amass": ("h36m", "up3d", "3dpw"),
}


@dataclass(frozen=True)
class STRAPSPoses:
    """The poses and shapes of one file, see `formats/pose_npz.py`; `source` chooses among them, see SOURCES.

    Poses are upright in a picture, y down. Of one's own, `tool/prepare/smpl_poses.py` makes such a file.
    """

    name: str = "straps"
    file: Path = FILES["train"]
    source: str = "all"

    def __len__(self) -> int:
        return len(self._poses)

    def __getitem__(self, index: int) -> Person:
        poses = self._poses
        pose = poses.poses[index].reshape(-1, 3)
        return Person(f"{self.name}/{index}", body=SMPL, pose=pose, betas=poses.shapes[index])

    def batch(self, indices: Tensor, seeds: Tensor, joint_set: JointSet, body: BodyLayout) -> Batch:
        """(B,) numbers and seeds -> a batch of SMPL bodies; ValueError for any other body."""
        if body.name != SMPL.name:
            raise ValueError(f"{self.name} holds smpl bodies, not {body.name} ones.")
        rows = indices.numpy()
        pose = torch.from_numpy(self._poses.poses[rows]).unflatten(1, (-1, 3))
        names = tuple(f"{self.name}/{index}" for index in indices.tolist())
        betas = torch.from_numpy(self._poses.shapes[rows])
        expression = torch.zeros(len(seeds), body.expression)
        return bodies(names, seeds, joint_set, body, pose=pose, betas=betas, expression=expression)

    @cached_property
    def _poses(self) -> Poses:
        if self.source not in SOURCES:
            raise UserError(f"{self.name} has no source '{self.source}'{did_you_mean(self.source, SOURCES)}")
        try:
            return read_poses(self.file).starting_with(*SOURCES[self.source])
        except FileNotFoundError as error:
            raise UserError(
                f"{error} STRAPS publishes its own beside its additional files; tool/prepare/smpl_poses.py "
                "makes one of captured motion, and train.file=FILE names it."
            ) from error


def benchmark(file: Path = FILES["val"]) -> Benchmark:
    """The published validation: proxies without noise, shapes as annotated, every person (published: not).

    Errors in millimeters: of the mesh and of LSP's 14 joints where they are, after the best scale and
    translation, and after the best rotation too; and of the mesh in the rest pose.
    """
    joints = Regressed("h36m", LSP_14.taken_from(H36M_17), root=())
    mesh, rest = Vertices(root=()), Vertices(root=(), rest=True)
    return Benchmark(
        name="straps_val",
        dataset=STRAPSPoses("straps_val", file),
        metrics=(
            PointError("pve", mesh, "none"),
            PointError("pve_sc", mesh, "scale"),
            PointError("pve_pa", mesh, "procrustes"),
            PointError("pve_t", rest, "none"),
            PointError("pve_t_sc", rest, "scale"),
            PointError("mpjpe", joints, "none"),
            PointError("mpjpe_sc", joints, "scale"),
            PointError("mpjpe_pa", joints, "procrustes"),
        ),
        joint_set=COCO_17,
        body=SMPL,
        prepare=partial(PublishedProxies, augmented=False),
    )
