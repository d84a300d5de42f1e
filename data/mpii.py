"""MPII Human Pose (Andriluka et al., 2014), fitted by NeuralAnnot (Moon et al., 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from common.joints import JointSet
from data.formats.coco_json import CocoJson
from data.formats.records_columns import Record
from data.formats.several_cameras import without_ends

MPII_16 = JointSet(
    "mpii_16",
    (
        *(f"right_{name}" for name in ("ankle", "knee", "hip")),
        *(f"left_{name}" for name in ("hip", "knee", "ankle")),
        "pelvis", "thorax", "neck", "head_top",
        *(f"right_{name}" for name in ("wrist", "elbow", "shoulder")),
        *(f"left_{name}" for name in ("shoulder", "elbow", "wrist")),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class MPII(CocoJson):
    """Sixteen points a person; of the SMPL-X fits, ankles and wrists are not known (published)."""

    annotations = {"train": "MPII/data/annotations/train.json"}
    fits = {"train": "MPII/data/annotations/MPII_train_SMPLX_NeuralAnnot.json"}
    smpl_fits = {"train": "MPII/data/annotations/MPII_train_SMPL_NeuralAnnot.json"}
    images = {"train": "MPII/data"}
    joint_set = MPII_16
    source = "Get it from http://human-pose.mpi-inf.mpg.de; see dataset/README.md."

    def record(self, annotation: dict[str, Any], image: dict[str, Any], fit: Any) -> Record | None:
        found = super().record(annotation | {"iscrowd": 0, "num_keypoints": None}, image, fit)
        return found and without_ends(found)

    def points(self, annotation: dict[str, Any]) -> np.ndarray:
        return np.reshape(annotation["keypoints"], (-1, 3))
