"""Posed free bodies, as a data set without pictures and as benchmarks that need no download."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor

from common.body_models.smplx import SMPLX as Body
from common.joints import COCO_17, LIFTER_39, SMPL, SMPLX, BodyLayout, JointSet
from common.metrics.mean_shape import MeanShape
from common.metrics.point_error import PointError
from common.metrics.points import Joints, Vertices
from common.structures import Batch, Person
from common.utils.paths import FREE
from common.utils.random import derived, derived_seeds, normal, uniform
from data.formats.pose_npz import read_poses
from data.loading.dataset import Benchmark, bodies
from data.on_device.detection_errors import Detections
from data.on_device.proxy_errors import ProxyErrors
from data.on_device.synthetic_keypoints import Cameras, SyntheticKeypoints
from data.on_device.synthetic_proxies import ProxyCameras, SyntheticProxies
from data.pose_sampler import BODY, sample_poses

POSES = FREE / "poses.npz"  # CMU motion capture, by tool/prepare/cmu_mocap.py
UNSEEN_SUBJECT = ("cmu/03/",)  # nothing of it is trained on
UNSEEN_CLIPS = (
    "cmu/01/01_04/",
    "cmu/01/01_09/",
    "cmu/02/02_05/",
    "cmu/02/02_08/",
)  # of the other two subjects
SHAPE = 1.5  # deviation of the betas where shape is what matters (published by STRAPS)
_TRAIN, _TEST = 11, 12  # keep the draws of the splits apart
_MIRRORED = list(JointSet("body", BODY).mirrored)
_LEGS = [place for place, name in enumerate(BODY) if name.split("_")[-1] in ("hip", "knee", "ankle", "foot")]


@dataclass(frozen=True)
class SyntheticPeople:
    """Bodies in poses of two kinds: captured ones, and drawn from joint limits; shapes are normal.

    Of the training split every epoch is new: poses are drawn, captured ones mirrored, varied and mixed, as
    the seeds say. Of the others, person `i` is always the same. A prepare such as SyntheticKeypoints does the
    rest.
    """

    name: str = "synthetic"
    split: str = "train"  # "train", "test" (clips never trained on), "unseen_subject"
    count: int = 131_072
    captured: float = 0.6  # share of captured poses
    shape: float = 1.0  # deviation of the betas
    poses: Path = POSES

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Person:
        seeds = torch.tensor([derived(_TRAIN, index)])
        pose, betas = self._drawn(torch.tensor([index]), seeds)
        return Person(f"{self.name}/{index}", body=SMPLX, pose=pose[0].numpy(), betas=betas[0].numpy())

    def batch(self, indices: Tensor, seeds: Tensor, joint_set: JointSet, body: BodyLayout) -> Batch:
        """(B,) numbers and seeds -> a batch of SMPL-X or SMPL bodies; ValueError for any other body."""
        if body.name not in (SMPLX.name, SMPL.name):
            raise ValueError(f"{self.name} holds smplx and smpl bodies, not {body.name} ones.")
        pose, betas = self._drawn(indices, seeds)
        pose = pose[:, : len(body.joints)]  # beyond the 22 of the body, which both share, nothing turns
        names = tuple(f"{self.name}/{index}" for index in indices.tolist())
        expression = torch.zeros(len(seeds), body.expression)
        if self.split != "train":
            seeds = derived_seeds(indices, _TEST + 1)
        return bodies(names, seeds, joint_set, body, pose=pose, betas=betas, expression=expression)

    def _drawn(self, indices: Tensor, seeds: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 55, 3) axis-angle, (B, 10)."""
        if self.split != "train":
            seeds = derived_seeds(indices, _TEST)
        captured = uniform(seeds, 1)[:, 0] < self.captured
        pose = torch.zeros(len(seeds), len(SMPLX.joints), 3)
        pose[captured, :22] = self._of_clips(seeds[captured])
        pose[~captured, :22] = sample_poses(seeds[~captured], self._rest)
        return pose, self.shape * normal(seeds + 7, SMPLX.betas)

    def _of_clips(self, seeds: Tensor) -> Tensor:
        dice = uniform(seeds + 3, 5)
        rows = (dice[:, :2] * len(self._clips)).long()
        pose = self._clips[rows[:, 0]]
        if self.split == "train":
            mixed = dice[:, 2] < 0.25  # the legs of one frame, the rest of another
            other = pose.index_copy(1, torch.tensor(_LEGS), self._clips[rows[:, 1]][:, _LEGS])
            pose = torch.where(mixed[:, None, None], other, pose)
            varied = 0.07 * dice[:, 4, None, None] * normal(seeds + 4, 21, 3)  # radians, some hardly at all
            pose = torch.cat([pose[:, :1], pose[:, 1:] + varied], 1)
        return torch.where((dice[:, 3] < 0.5)[:, None, None], mirrored(pose), pose)

    @cached_property
    def _clips(self) -> Tensor:
        """(N, 22, 3) the split's captured poses."""
        poses = read_poses(self.poses)
        match self.split:
            case "train":
                poses = poses.without(*UNSEEN_SUBJECT, *UNSEEN_CLIPS)
            case "test":
                poses = poses.starting_with(*UNSEEN_CLIPS)
            case "unseen_subject":
                poses = poses.starting_with(*UNSEEN_SUBJECT)
            case _:
                raise ValueError(
                    f"{self.name} has splits train, test and unseen_subject, not '{self.split}'."
                )
        return torch.from_numpy(poses.poses).unflatten(1, (-1, 3))[:, :22]

    @cached_property
    def _rest(self) -> Tensor:
        return Body(free="only").rest_joints.unflatten(0, (-1, 3))[:22]


def mirrored(pose: Tensor) -> Tensor:
    """(B, 22, 3) axis-angle, the root in the frame of a picture -> the same person in a mirror."""
    return pose[:, _MIRRORED] * pose.new_tensor([1.0, -1.0, -1.0])


def benchmark(split: str = "test") -> Benchmark:
    """Held-out bodies, always the same: "test", drawn ones and unseen clips; "unseen_subject", clips.

    Seen by cameras whose focal length is known, from where most are whole in the picture, and found by a
    detector that is unsteady (0.5 to 2 % of the person's height) and misses up to 30 % of the points.
    """
    test = split == "test"
    people = SyntheticPeople(
        name="synthetic" if test else f"synthetic_{split}",
        split=split,
        count=2048,
        captured=0.5 if test else 1.0,
    )
    joints = Joints(BODY)
    return Benchmark(
        name=people.name,
        dataset=people,
        metrics=(
            PointError("mpjpe", joints),
            PointError("pa_mpjpe", joints, "procrustes"),
            PointError("mpvpe", Vertices()),
        ),
        joint_set=LIFTER_39,
        body=SMPLX,
        count=people.count,
        prepare=partial(
            SyntheticKeypoints,
            cameras=Cameras(field_of_view=(40.0, 90.0), distance=(3.0, 9.0), aside=0.25, guessed=0.0),
            detections=Detections.good(),
            mesh=True,
        ),
    )


def shapes(split: str = "test", count: int = 1024) -> Benchmark:
    """Held-out SMPL bodies of known shape, seen as proxies from any side; `split` as for `benchmark`.

    Silhouettes are whole, joints up to a 128th of the view off. Errors of shape are in the rest pose, after
    the best scale and translation; those of the mean shape stand beside them.
    """
    test = split == "test"
    name = "shapes" if test else f"shapes_{split}"
    joints, shape = Joints(BODY), Vertices(root=(), rest=True)
    return Benchmark(
        name=name,
        dataset=SyntheticPeople(name, split, count, 0.5 if test else 1.0, SHAPE),
        metrics=(
            PointError("pve_t_sc", shape, "scale"),
            PointError("pve_t_sc_of_mean_shape", MeanShape(), "scale"),
            PointError("pa_mpjpe", joints, "procrustes"),
            PointError("mpjpe", joints),
            PointError("pa_pve", Vertices(), "procrustes"),
        ),
        joint_set=COCO_17,
        body=SMPL,
        count=count,
        prepare=partial(
            SyntheticProxies, cameras=ProxyCameras.steady(), errors=ProxyErrors.good(), vertex_noise=0.0
        ),
    )
