"""UBody: upper bodies in 15 kinds of scenes, from talk shows to sign language (Lin et al., 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from common.geometry.crop import around_points, padded
from common.joints import SMPLX, SMPLX_144
from common.metrics.point_error import PointError
from common.metrics.points import InPicture
from common.metrics.whole_body import joint_errors, mesh_errors
from common.structures import Person
from common.utils.errors import UserError
from common.utils.paths import DATASET, shown
from data.formats.coco_json import COCO_134, CocoJson, corners_of, whole_body_points
from data.formats.records_columns import Record, Row
from data.loading.dataset import Benchmark
from data.loading.mixture import Concat
from data.on_device.posed_targets import PosedTargets

Array = np.ndarray

SOURCE = "Ask for it at https://osx-ubody.github.io; see dataset/README.md."
HAND_SHARE = 0.65  # published: of an annotated hand box, about its middle
FACE_SHARE = 1.2  # of the hull of the face's points


@dataclass(frozen=True)
class UBodyScene(CocoJson):
    """One scene: of its videos those that the list of the protocol keeps for testing, or the others."""

    splits = ("train", "test")
    joint_set = COCO_134
    intervals = {"train": 10, "test": 100}
    source = SOURCE

    scene: str = ""
    protocol: str = "intra"
    joints_are_fitted: bool = False

    @property
    def name(self) -> str:
        return f"UBody_{self.protocol}_{self.scene}"

    def files(self) -> tuple[Path, ...]:
        folder = self.root / "UBody"
        names = ("keypoint_annotation.json", "smplx_annotation.json")
        lists = folder / "splits" / f"{self.protocol}_scene_test_list.npy"
        return (*(folder / "annotations" / self.scene / name for name in names), lists)

    @property
    def images(self) -> dict[str, str]:  # type: ignore[override]
        """The folder of the scene's videos."""
        return {self.split: f"UBody/images/{self.scene}"}

    def record(self, annotation: dict[str, Any], image: dict[str, Any], fit: Any) -> Record | None:
        """Those with a valid label and a fit; boxes of hands and face as they are cut (published)."""
        path = PurePosixPath(image["file_name"].lstrip("/"))
        tested = path.parent.name.split("_Trim")[0] in self._tested
        if not annotation.get("valid_label") or not fit or tested != (self.split == "test"):
            return None
        record = super().record(annotation, image, fit)
        return record and {**record, **_parts(annotation), "id": annotation["id"]}

    def points(self, annotation: dict[str, Any]) -> Array | None:
        return whole_body_points(annotation)

    def person(self, row: Row, name: str) -> Person:
        picture = PurePosixPath(row.text("image")).with_suffix("")
        person = super().person(row, f"UBody/{self.scene}/{str(picture).lstrip('/')}/{row['id']}")
        if not self.joints_are_fitted:
            return person
        return replace(person, joints_are_fitted=True, joint_set=None, joints_2d=None)

    @cached_property
    def _tested(self) -> frozenset[str]:
        """The videos kept for testing."""
        return frozenset(np.load(self.files()[2], allow_pickle=False).tolist())


@dataclass(frozen=True)
class UBody:
    """All scenes, one after the other: every tenth annotation in train, every hundredth in test, of each.

    protocol: "intra" keeps videos of every scene for testing, "inter" whole scenes. joints_are_fitted: joints
    are left to the fit, and the annotated ones not handed over (SMPLer-X). See CocoJson for the others.
    """

    name: ClassVar[str] = "UBody"

    split: Literal["train", "test"] = "train"
    protocol: Literal["intra", "inter"] = "intra"
    interval: int | None = None
    joints_are_fitted: bool = False
    padding: float = 1.0
    flawed: Literal["skip", "refuse"] | None = None
    root: Path = DATASET

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Person:
        return self.scenes[index]

    @cached_property
    def scenes(self) -> Concat:
        """A data set a scene, by name; UserError in one paragraph where there is none."""
        folder = self.root / "UBody" / "annotations"
        names = sorted(path.name for path in folder.glob("*") if path.is_dir())
        if not names:
            raise UserError(f"UBody ({self.split}) is not there: {shown(folder)} has no scenes. {SOURCE}")
        return Concat(*(self._scene(name) for name in names))

    def _scene(self, name: str) -> UBodyScene:
        return UBodyScene(
            split=self.split,
            scene=name,
            protocol=self.protocol,
            interval=self.interval,
            joints_are_fitted=self.joints_are_fitted,
            padding=self.padding,
            flawed=self.flawed,
            root=self.root,
        )


def _parts(annotation: dict[str, Any]) -> Record:
    """Boxes of hands, shrunk, and of the face's points, all of them (published); absent where not valid."""
    rows = []
    for part in ("lefthand", "righthand"):
        box = annotation[f"{part}_box"]
        whole = all(isinstance(number, int) for number in box)
        corners = padded(corners_of(np.array(box), whole), padding=HAND_SHARE)
        rows.append(_row(corners, annotation[f"{part}_valid"]))
    face = np.reshape(annotation["face_kpts"], (-1, 3))[:, :2]
    rows.append(_row(around_points(face, padding=FACE_SHARE), annotation["face_valid"]))
    return {"part_boxes": rows, "parts_whole": [False] * 3}


def _row(corners: Array | None, valid: bool) -> list[float]:
    """x, y, width, height and a confidence."""
    if corners is None or not valid:
        return [0.0] * 5
    x0, y0, x1, y1 = np.asarray(corners, np.float64).tolist()
    return [x0, y0, x1 - x0, y1 - y0, 1.0]


class Poisoned(PointError):
    """A person of whom nothing is in the picture makes the mean of all persons NaN (published)."""

    def summary(self, table: Mapping[str, Tensor]) -> dict[str, float]:
        return {name: values.double().mean().item() for name, values in table.items()}


def benchmark(protocol: Literal["intra", "inter"] = "intra", as_published: bool = False) -> Benchmark:
    """Meshes and joints against the fits, as far as they lie in the picture.

    Persons of whom nothing does are left out; `as_published`, one such person makes the number NaN. Shapes
    with a coefficient beyond 3 are failed fits: the mean shape is the truth then.
    """
    if protocol not in ("intra", "inter"):
        raise UserError(f"UBody is split intra scene or inter scene, not '{protocol}'.")
    kind = Poisoned if as_published else PointError
    return Benchmark(
        name="UBody" if protocol == "intra" else f"UBody_{protocol}",
        dataset=UBody("test", protocol),
        metrics=(*mesh_errors(InPicture, kind), *joint_errors(InPicture, kind)),
        joint_set=SMPLX_144,
        body=SMPLX,
        prepare=partial(PosedTargets, largest_beta=3.0),
    )
