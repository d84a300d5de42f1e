"""Human3.6M: actors filmed by four cameras (Ionescu et al., 2014), fitted by NeuralAnnot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from common.joints import H36M_17, SMPLX, JointSet
from common.metrics.point_error import PointError
from common.metrics.points import AnnotatedRegressed
from data.formats.coco_json import read_json
from data.formats.records_columns import Record
from data.formats.several_cameras import SeveralCameras
from data.loading.dataset import Benchmark

TAUGHT_17 = JointSet(  # as published, these points teach SMPL-X's joints, but for trunk and head
    "human36m_17",
    tuple(
        name if name in ("spine_h36m", "jaw_h36m", "head_h36m") else name.removesuffix("_h36m")
        for name in H36M_17.names
    ),
)


MEASURED = (1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16)  # all but pelvis, spine and jaw


@dataclass(frozen=True)
class Human36M(SeveralCameras):
    """Five actors in train, every fifth frame; two in test, every 64th of the frontal camera (protocol 2).

    Other frames are not kept, so an `interval` counts frames and is a multiple of these; `test_fifth` has
    every fifth one, as METRO and SMPLer measure. In tests, points have the names of those that the Human3.6M
    regressor reads off a mesh.
    """

    splits = ("train", "test", "test_fifth")
    subjects: ClassVar[dict[str, tuple[int, ...]]] = {
        "train": (1, 5, 6, 7, 8),
        "test": (9, 11),
        "test_fifth": (9, 11),
    }
    intervals = {"train": 5, "test": 64, "test_fifth": 5}
    images = {split: "Human36M/images" for split in splits}
    source = "Register at http://vision.imar.ro/human3.6m; see dataset/README.md."

    @property
    def joint_set(self) -> JointSet:  # type: ignore[override]
        """The 17 points, as teachers or as they are measured."""
        return TAUGHT_17 if self.split == "train" else H36M_17

    def files(self) -> tuple[Path, ...]:
        kinds = ("data", "camera", "joint_3d", f"{self.body.name.upper()}_NeuralAnnot")
        return tuple(
            self.root / "Human36M" / "annotations" / f"Human36M_subject{subject}_{kind}.json"
            for subject in self.subjects[self.split]
            for kind in kinds
        )

    def records(self) -> Iterator[Record]:
        files = self.files()
        for first in range(0, len(files), 4):
            data, cameras, joints, fits = map(read_json, files[first : first + 4])
            images = {image["id"]: image for image in data["images"]}
            for annotation in data["annotations"]:
                image = images[annotation["image_id"]]
                frame, camera = image["frame_idx"], str(image["cam_idx"])
                if frame % self.intervals[self.split] or (self.split != "train" and camera != "4"):
                    continue
                action, part = str(image["action_idx"]), str(image["subaction_idx"])
                lens = {"focal": cameras[camera]["f"], "princpt": cameras[camera]["c"]}
                yield {
                    "number": frame,
                    "image": image["file_name"],
                    **self.seen(
                        image,
                        annotation["bbox"],
                        joints[action][part][str(frame)],
                        cameras[camera] | lens,
                        fits.get(action, {}).get(part, {}).get(str(frame)),
                    ),
                }


def benchmark() -> Benchmark:
    """14 of the 17 captured points against those regressed from the mesh, of two actors (protocol 2)."""
    points = AnnotatedRegressed("h36m", MEASURED)
    return Benchmark(
        name="Human36M",
        dataset=Human36M("test"),
        metrics=(PointError("mpjpe", points), PointError("pa_mpjpe", points, "procrustes")),
        joint_set=H36M_17,
        body=SMPLX,
    )
