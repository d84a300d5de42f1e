"""AGORA: synthetic crowds of scanned people, in crops of 4K renderings (Patel et al., 2021)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from common.geometry.crop import mapped, sanitized
from common.joints import SMPLX, SMPLX_144, JointSet
from common.structures import Person
from common.utils.paths import DATASET
from common.utils.unpickle import as_array, read_pickle
from data.formats.columns import Columns
from data.formats.index import opened_index
from data.formats.rows import add_rows, row
from data.formats.sources import MissingData, missing, there

Array = np.ndarray

# what SMPL-X reports but the contour; as published, its jaw and head teach nobody, nor do the eyeballs
AGORA_127 = JointSet(
    "agora_127",
    tuple({"jaw": "jaw_agora", "head": "head_agora"}.get(name, name) for name in SMPLX_144.names[:127]),
)
SITE = "https://agora.is.tue.mpg.de"
SIZE = (3840, 2160)  # width and height of the renderings
PARTS = ("lhand_bbox", "rhand_bbox", "face_bbox")
_FILES = {"betas": "_fix_betas", "root": "_fix_global_orient_transl", "none": ""}


@dataclass(frozen=True)
class AGORA:
    """Persons in their crops, which `python -m tool.prepare.agora` cuts; those without one are left out.

    corrected: which annotation file is read. "none" is the release, its roots in the frame of the world and
    so not known; "root" has them in the camera's, "betas" shapes for the neutral body of adults besides.
    Without the root, the joints are annotation alone, with it they are the fit's too. The split "test" has no
    truth. Every `interval`-th annotation is taken.
    """

    split: Literal["train", "validation", "test"] = "train"
    corrected: Literal["betas", "root", "none"] = "betas"
    interval: int = 1
    folder: Path = DATASET / "AGORA"
    name: ClassVar[str] = "AGORA"

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Person:
        record = row(self._columns, int(self._rows[index]))
        matrix, size = record["matrix"], record["size"]
        person = Person(
            name=_named(record),
            image=self._data / record["crop"],
            box=np.array([0, 0, *size], np.float64),
            padding=None,
        )
        if self.split == "test":
            return person
        person.part_boxes = np.stack([_moved(box, matrix) for box in record["parts"]])
        self._give_body(person, record)
        if self.split == "validation":
            person.vertices = self._read(record["vertices"])
        else:
            self._give_joints(person, record, matrix)
        return person

    def full_picture(self, name: str) -> Array:
        """(2, 3) the map from pixels of the 3840 x 2160 rendering to those of a person's crop."""
        return self._columns["matrix"][self._by_name[name]].astype(np.float64)

    def _give_body(self, person: Person, record: dict[str, Any]) -> None:
        """The pose, with the eyes at rest, and the shape without the last of eleven betas, a child's."""
        numbers = {key: as_array(value) for key, value in read_pickle(self._data / record["body"]).items()}
        neutral = self.corrected == "betas" and not record["kid"]
        person.body, person.gender = SMPLX, "neutral" if neutral else record["gender"]
        person.pose = np.concatenate(
            [
                numbers["global_orient"].reshape(-1, 3),
                numbers["body_pose"].reshape(-1, 3),
                numbers["jaw_pose"].reshape(-1, 3),
                np.zeros((2, 3)),
                numbers["left_hand_pose"].reshape(-1, 3),
                numbers["right_hand_pose"].reshape(-1, 3),
            ]
        )
        person.betas = numbers["betas_neutral" if neutral else "betas"].ravel()[: SMPLX.betas]
        person.expression = numbers["expression"].ravel()
        person.translation = numbers["transl"].ravel()
        person.known = np.ones(len(SMPLX.joints) + 2)
        person.known[0] = self.corrected != "none"

    def _give_joints(self, person: Person, record: dict[str, Any], matrix: Array) -> None:
        seen = np.ones((len(AGORA_127), 1))
        person.joint_set, person.joints_are_fitted = AGORA_127, self.corrected != "none"
        person.joints_2d = np.concatenate([mapped(matrix, self._read(record["joints_2d"])), seen], 1)
        person.joints_3d = np.concatenate([self._read(record["joints_3d"]), seen], 1)

    def _read(self, path: str) -> Array:
        return np.array(json.loads((self._data / path).read_bytes()), np.float64)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def annotation(self) -> Path:
        """The file that says who is there."""
        if self.split == "test":
            return self._data / "AGORA_test_bbox.json"
        return self._data / f"AGORA_{self.split}{_FILES[self.corrected]}.json"

    @cached_property
    def _columns(self) -> Columns:
        there(self.name, self.annotation, site=SITE, folder=self.folder)
        crops = sum(1 for _ in self._data.glob(f"3840x2160/{self.split}*_crop/*.json"))
        if not crops:
            wanted = self._data / "3840x2160" / f"{self.split}_crop"
            paragraph = missing(self.name, [wanted], SITE, self.folder)
            raise MissingData(f"{paragraph} Then cut the crops: python -m tool.prepare.agora crops.")
        return opened_index(
            [self.annotation],
            f"agora 1, {crops} crops",
            lambda writer: add_rows(writer, self._in_test() if self.split == "test" else self._annotated()),
        )

    @cached_property
    def _rows(self) -> Array:
        return np.flatnonzero(self._columns["count"] % self.interval == 0)

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {_named(row(self._columns, place)): place for place in range(self._columns.rows)}

    def _annotated(self) -> Iterator[dict[str, Any]]:
        """The valid persons with a crop; `count` numbers all annotations, `number` those of a picture."""
        table = json.loads(self.annotation.read_bytes())
        pictures = {image["id"]: Path(image["file_name_3840x2160"]) for image in table["images"]}
        numbers = dict.fromkeys(pictures, 0)
        for count, found in enumerate(table["annotations"], start=1):
            picture, number = pictures[found["image_id"]], numbers[found["image_id"]]
            numbers[found["image_id"]] += 1
            crop = (
                picture.parent.with_name(f"{picture.parent.name}_crop")
                / f"{picture.stem}_ann_id_{found['id']}"
            )
            if found["is_valid"] and (self._data / crop).with_suffix(".json").is_file():
                yield self._crop(crop) | {
                    "count": count,
                    "number": number,
                    "stem": picture.stem,
                    "parts": np.array([found[part] for part in PARTS], np.float64),
                    "joints_2d": found["smplx_joints_2d_path"],
                    "joints_3d": found["smplx_joints_3d_path"],
                    "vertices": found["smplx_verts_path"],
                    "body": found["smplx_param_path"],
                    "gender": found["gender"],
                    "kid": bool(found["kid"]),
                }

    def _in_test(self) -> Iterator[dict[str, Any]]:
        count = 0
        for picture, persons in json.loads(self.annotation.read_bytes()).items():
            for number in range(len(persons)):
                count += 1
                crop = Path("3840x2160", "test_crop", f"{Path(picture).stem}_pid_{number}")
                if (self._data / crop).with_suffix(".json").is_file():
                    yield self._crop(crop) | {"count": count, "number": number, "stem": Path(picture).stem}

    def _crop(self, crop: Path) -> dict[str, Any]:
        """Where a crop lies and was cut; `crop` is its path without an ending."""
        said = json.loads((self._data / crop).with_suffix(".json").read_bytes())
        return {
            "crop": crop.with_suffix(".png").as_posix(),
            "matrix": np.array(said["img2bb_trans"], np.float64),
            "size": np.array([said["resized_width"], said["resized_height"]]),
        }


def _named(record: dict[str, Any]) -> str:
    """Picture, then person, as a submission numbers them: from 0 in each picture."""
    return f"AGORA/{record['stem']}/{record['number']}"


def _moved(box: Array, matrix: Array) -> Array:
    """(4,) x, y, width, height in the rendering -> (5,) x0, y0, x1, y1 in the crop, confidence 0 where empty.

    Published: it loses one pixel of the crop, not of the rendering, whose size limits it all the same.
    """
    corners = mapped(matrix, np.stack([box[:2], box[:2] + box[2:]]))
    kept = sanitized(corners.ravel(), SIZE)
    return np.zeros(5) if kept is None else np.array([*kept, 1.0])
