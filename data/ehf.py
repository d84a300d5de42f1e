"""EHF: 100 pictures of one person in a laboratory, with scans fitted by hand (Pavlakos et al., 2019)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.joints import SMPLX, SMPLX_144
from common.metrics.whole_body import joint_errors, mesh_errors
from common.structures import Person
from data.formats.coco_json import CocoJson, box_of, part_boxes_of
from data.formats.ply import read_vertices
from data.formats.records_columns import Record, Row
from data.loading.dataset import Benchmark
from data.on_device.mesh_targets import MeshTargets

TO_CAMERA = np.array(
    [-2.98747896, 0.01172457, -0.05704687]
)  # axis-angle from the scans' frame, by its authors


@dataclass(frozen=True)
class EHF(CocoJson):
    """Each person with its mesh, turned into the camera's frame."""

    annotations = {"test": "EHF/data/EHF.json"}
    images = {"test": "EHF/data"}
    source = "Register at https://smpl-x.is.tue.mpg.de; see dataset/README.md."

    split: str = "test"

    def record(self, annotation: dict[str, Any], image: dict[str, Any], fit: Any) -> Record | None:
        return {
            "image": image["file_name"],
            "image_size": (image["width"], image["height"]),
            **box_of(annotation["body_bbox"]),
            **part_boxes_of(annotation, ("lefthand_bbox", "righthand_bbox", "face_bbox")),
        }

    def person(self, row: Row, name: str) -> Person:
        person = super().person(row, f"EHF/{Path(row.text('image')).stem.removesuffix('_img')}")
        mesh = Path(person.image).with_name(f"{row.text('image').split('_')[0]}_align.ply")
        return replace(person, vertices=read_vertices(mesh) @ cv2.Rodrigues(TO_CAMERA)[0].T)


def benchmark() -> Benchmark:
    """Meshes, hands, faces and joints against the scans' meshes."""
    return Benchmark(
        name="EHF",
        dataset=EHF(),
        metrics=(*mesh_errors(), *joint_errors()),
        joint_set=SMPLX_144,
        body=SMPLX,
        count=100,
        prepare=MeshTargets,
    )
