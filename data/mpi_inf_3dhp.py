"""MPI-INF-3DHP: actors filmed by many cameras (Mehta et al., 2017), fitted by NeuralAnnot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.joints import JointSet
from data.formats.coco_json import read_json
from data.formats.humandata import HumanData
from data.formats.records_columns import Record
from data.formats.several_cameras import SeveralCameras

MPI_INF_3DHP_17 = JointSet(
    "mpi_inf_3dhp_17",
    (
        "head_top", "neck", *(f"right_{name}" for name in ("shoulder", "elbow", "wrist")),
        *(f"left_{name}" for name in ("shoulder", "elbow", "wrist")),
        *(f"right_{name}" for name in ("hip", "knee", "ankle")),
        *(f"left_{name}" for name in ("hip", "knee", "ankle")),
        "pelvis", "torso", "head_3dhp",
    ),
)  # fmt: skip
SOURCE = "Get it from https://vcai.mpi-inf.mpg.de/3dhp-dataset; see dataset/README.md."


class MPIINF3DHP(HumanData):
    """As SMPLer-X trains on it: all frames, with fits."""

    annotations = {"train": tuple(f"mpi_inf_3dhp_neural_annot_part{part}.npz" for part in (1, 2, 3))}
    images = "MPI_INF_3DHP"
    source = SOURCE


@dataclass(frozen=True)
class MPIINF3DHPFrames(SeveralCameras):
    """As OSX reads it: pictures of 1000 pixels, every third frame, points and fits apart."""

    splits = ("train",)
    images = {"train": "MPI_INF_3DHP/data/images_1k"}
    joint_set = MPI_INF_3DHP_17
    intervals = {"train": 3}
    source = SOURCE

    def files(self) -> tuple[Path, ...]:
        kinds = ("1k", "camera_1k", "joint_3d", f"{self.body.name.upper()}_NeuralAnnot")
        return tuple(self.root / "MPI_INF_3DHP" / "data" / f"MPI-INF-3DHP_{kind}.json" for kind in kinds)

    def records(self) -> Iterator[Record]:
        data, cameras, joints, fits = map(read_json, self.files())
        images = {image["id"]: image for image in data["images"]}
        for annotation in data["annotations"]:
            image = images[annotation["image_id"]]
            subject, sequence, frame = (str(image[f"{key}_idx"]) for key in ("subject", "seq", "frame"))
            if image["frame_idx"] % self.intervals["train"] == 0:
                yield {
                    "number": image["frame_idx"],
                    "image": f"S{subject}/Seq{sequence}/imageSequence/{image['file_name']}",
                    **self.seen(
                        image,
                        annotation["bbox"],
                        joints[subject][sequence][frame],
                        cameras[subject][sequence][str(image["cam_idx"])],
                        fits.get(subject, {}).get(sequence, {}).get(frame),
                    ),
                }
