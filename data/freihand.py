"""FreiHAND: right hands before green screens, fitted by hand and machine (Zimmermann et al., 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.geometry.crop import around_points, padded
from common.joints import MANO, MANO_21, JointSet
from common.metrics.f_score import FScore
from common.metrics.hands import AnnotatedHand, HandMesh
from common.metrics.point_error import PointError
from common.structures import Person
from data.formats.coco_json import read_json
from data.formats.records import Records
from data.formats.records_columns import Record, Row
from data.loading.dataset import Benchmark
from data.on_device.mesh_targets import MeshTargets

FREIHAND_21 = JointSet(
    "freihand_21",
    (
        "wrist",
        *(
            f"{finger}_{i}"
            for finger in ("thumb", "index", "middle", "ring", "pinky")
            for i in (1, 2, 3, "tip")
        ),
    ),
)
COPIES = {"train": 4, "test": 1}  # of each picture: before the green screen, and before three other grounds


@dataclass(frozen=True)
class FreiHAND(Records):
    """The release's own files: 32,560 hands, in four pictures each, and 3,960 to test.

    The box, of the body and of the right hand alike, lies around the joints as annotated: published
    evaluations do not say theirs.
    """

    splits = ("train", "test")
    source = "Get it from https://lmb.informatik.uni-freiburg.de/projects/freihand; see dataset/README.md."

    @property
    def _named(self) -> str:
        return {"train": "training", "test": "evaluation"}[self.split]

    def files(self) -> tuple[Path, ...]:
        return tuple(self.root / "FreiHAND" / f"{self._named}_{kind}.json" for kind in ("K", "xyz", "verts"))

    def records(self) -> Iterator[Record]:
        lenses, joints, meshes = map(read_json, self.files())
        if not len(lenses) == len(joints) == len(meshes):
            raise ValueError(f"its files are of {len(lenses)}, {len(joints)} and {len(meshes)} hands")
        for copy in range(COPIES[self.split]):
            for place, (lens, points, mesh) in enumerate(zip(lenses, joints, meshes, strict=True)):
                yield {"picture": copy * len(lenses) + place, "lens": lens, "joints": points, "mesh": mesh}

    def person(self, row: Row, name: str) -> Person:
        picture = int(row["picture"])
        lens, joints = row["lens"].astype(np.float64), row["joints"].astype(np.float64)
        flat = joints @ lens.T
        flat = np.concatenate([flat[:, :2] / flat[:, 2:], np.ones((len(flat), 1))], 1)
        box = padded(around_points(flat[:, :2]), aspect=1.0)
        boxes = np.zeros((3, 5))
        boxes[1] = [*box, 1]
        return Person(
            f"{self.name}/{self._named}/{picture:08}",
            self.root / "FreiHAND" / self._named / "rgb" / f"{picture:08}.jpg",
            box,
            part_boxes=boxes,
            joint_set=FREIHAND_21,
            joints_2d=flat,
            joints_3d=np.concatenate([joints, np.ones((len(joints), 1))], 1),
            vertices=row["mesh"],
            intrinsics=lens,
        )


def benchmark() -> Benchmark:
    """Joints and mesh of the right hand after the best alignment, as FreiHAND's evaluation has them."""
    joints, mesh = AnnotatedHand(), HandMesh()
    return Benchmark(
        name="FreiHAND",
        dataset=FreiHAND("test"),
        metrics=(
            PointError("pa_mpjpe", joints, "procrustes"),
            PointError("pa_mpvpe", mesh, "procrustes"),
            FScore("pa_f_5", mesh, 5.0),
            FScore("pa_f_15", mesh, 15.0),
        ),
        joint_set=MANO_21,
        body=MANO,
        count=3960,
        prepare=MeshTargets,
    )
