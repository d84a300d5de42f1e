"""3DPW: people filmed outdoors, with poses from video and inertial sensors (von Marcard et al., 2018)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from common.joints import SMPL, SMPL_45, SMPLX, BodyLayout
from common.metrics.on_smpl import LSPOnSMPL
from common.metrics.point_error import PointError
from common.metrics.points import Joints
from common.structures import Person
from common.utils.errors import UserError
from data.formats.coco_json import CocoJson, box_of
from data.formats.records_columns import Record, Row
from data.loading.dataset import Benchmark
from data.on_device.posed_targets import PosedTargets

PERSONS = 35_515  # of the test split, in the protocol of SPIN and most others
MEASURED = (
    *(f"{side}_{name}" for name in ("hip", "knee", "ankle") for side in ("left", "right")),
    *("neck", "head"),
    *(f"{side}_{name}" for name in ("shoulder", "elbow", "wrist") for side in ("left", "right")),
)


@dataclass(frozen=True)
class PW3D(CocoJson):
    """SMPL bodies of the person's gender, without annotated points: joints are left to the body.

    body: SMPL, or SMPLX, to which the pose of the 22 joints that both have is handed over and the shape not
    (published, for SMPL-X networks that are trained on it). The published points in the picture were SMPL's
    under the names of other joints; nothing brings that back.
    """

    annotations = {split: f"PW3D/data/3DPW_{split}.json" for split in ("train", "validation", "test")}
    images = {split: "PW3D/data/imageFiles" for split in ("train", "validation", "test")}
    source = "Get it from https://virtualhumans.mpi-inf.mpg.de/3DPW; see dataset/README.md."

    body: BodyLayout = SMPL

    def record(self, annotation: dict[str, Any], image: dict[str, Any], fit: Any) -> Record | None:
        given, lens = annotation["smpl_param"], image["cam_param"]
        return {
            "image": f"{image['sequence']}/{image['file_name']}",
            "image_size": (image["width"], image["height"]),
            "pose": np.reshape(given["pose"], (24, 3)),
            "betas": given["shape"],
            "translation": given["trans"],
            "gender": given["gender"],
            "lens": [*lens["focal"], *lens["princpt"]],
            **box_of(annotation["bbox"]),
        }

    def person(self, row: Row, name: str) -> Person:
        person = replace(super().person(row, name), joints_are_fitted=True, body=self.body)
        if self.body.name == SMPL.name:
            return replace(person, gender=row.text("gender"))
        shared = 22
        pose, known = np.zeros((len(SMPLX.joints), 3)), np.zeros(len(SMPLX.joints) + 2)
        pose[:shared], known[:shared] = row["pose"][:shared], 1
        return replace(person, pose=pose, known=known, betas=None)


def benchmark(points: str = "") -> Benchmark:
    """SMPL bodies of the person's gender against a network's, by one of two sets of 14 joints.

    points: "" regresses joints of the body model from each mesh by its own rows (published by SMPLer-X, for
    networks of SMPL and SMPL-X alike); "lsp14" reads LSP's 14 off SMPL's mesh by the Human3.6M regressor
    (published by SPIN, STRAPS and most others), with scale corrected besides (-SC, STRAPS). The two are not
    comparable. Raises UserError for any other.
    """
    if points not in ("", "lsp14"):
        raise UserError(f"PW3D is measured on its body model's joints or on 'lsp14', not on '{points}'.")
    joints = LSPOnSMPL() if points else Joints(MEASURED, from_mesh=True)
    ending = "" if points else "_body"
    metrics = [
        PointError(f"mpjpe{ending}", joints),
        PointError(f"pa_mpjpe{ending}", joints, "procrustes"),
    ]
    if points:
        metrics.insert(1, PointError("mpjpe_sc", joints, "scale"))
    return Benchmark(
        name="3DPW_LSP14" if points else "3DPW",
        dataset=PW3D("test"),
        metrics=tuple(metrics),
        joint_set=SMPL_45,
        body=SMPL,
        count=PERSONS if points else None,
        prepare=partial(PosedTargets, gendered=True),
    )
