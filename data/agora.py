"""AGORA: synthetic crowds of scanned people, in crops of 4K renderings (Patel et al., 2021)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from common.geometry.crop import mapped, sanitized
from common.joints import SMPLX, SMPLX_144, JointSet
from common.metrics.whole_body import mesh_errors
from common.structures import Person
from common.utils.errors import UserError
from common.utils.paths import shown
from common.utils.unpickle import as_array, read_pickle
from data.formats.agora_submission import AgoraSubmission
from data.formats.coco_json import corners_of, read_json
from data.formats.records import Records
from data.formats.records_columns import Record, Row
from data.loading.dataset import Benchmark
from data.on_device.mesh_targets import MeshTargets
from data.on_device.posed_targets import PosedTargets

Array = np.ndarray

# what SMPL-X reports but the contour; as published, its jaw and head teach nobody, nor do the eyeballs
AGORA_127 = JointSet(
    "agora_127",
    tuple({"jaw": "jaw_agora", "head": "head_agora"}.get(name, name) for name in SMPLX_144.names[:127]),
)
SIZE = (3840, 2160)  # width and height of the renderings
PADDING = 0.79968  # of 1.25, the view's, makes the published 0.9996: the boxes are padded
PARTS = ("lhand_bbox", "rhand_bbox", "face_bbox")
_FILES = {"betas": "_fix_betas", "root": "_fix_global_orient_transl", "none": ""}
_POSE = {  # in the order of SMPLX_55
    "global_orient": 1, "body_pose": 21, "jaw_pose": 1, "eyes": 2,
    "left_hand_pose": 15, "right_hand_pose": 15,
}  # fmt: skip


@dataclass(frozen=True)
class AGORA(Records):
    """Persons in their crops, which `python -m tool.prepare.agora` cuts; those without one are left out.

    The splits are train, validation and test, of which the last has no truth. corrected: which annotation
    file is read. "none" is the release, its roots in the frame of the world and so not known; "root" has them
    in the camera's, "betas" shapes for the neutral body of adults besides. Without the root, the joints are
    annotation alone, with it they are the fit's too. pictures: "1280x720" are the release's own smaller ones,
    of which nothing needs to be cut; a person far away has few pixels there.
    """

    splits = ("train", "validation", "test")
    source = "Register at https://agora.is.tue.mpg.de; see dataset/README.md."

    corrected: Literal["betas", "root", "none"] = "betas"
    pictures: Literal["crops", "1280x720"] = "crops"

    @property
    def name(self) -> str:
        return "AGORA" if self.pictures == "crops" else f"AGORA_{self.pictures}"

    def files(self) -> tuple[Path, ...]:
        if self.split == "test":
            return (self._data / "AGORA_test_bbox.json",)
        return (self._data / f"AGORA_{self.split}{_FILES[self.corrected]}.json",)

    @cached_property
    def version(self) -> int:
        """How many crops there are: with another number, the index is made anew."""
        if self.pictures != "crops":
            return 1
        folders = self._data.glob(f"3840x2160/{self.split}*_crop")
        return sum(entry.name.endswith(".json") for folder in folders for entry in os.scandir(folder))

    def records(self) -> Iterator[Record]:
        """The valid persons that have a crop; `number` counts all, `place` those of a picture."""
        if not self.version:
            raise UserError(
                f"AGORA ({self.split}) has no crops in {shown(self._data / '3840x2160' / self.split)}_crop: "
                "cut them with `python -m tool.prepare.agora crops` (dataset/README.md says from what)."
            )
        yield from self._in_test() if self.split == "test" else self._annotated()

    def person(self, row: Row, name: str) -> Person:
        matrix, size = row["matrix"].astype(np.float64), row["size"]
        whole = self.pictures == "crops"
        person = Person(
            name=_named(row),
            image=self._data / row.text("picture"),
            box=np.array([0, 0, *size], np.float64) if whole else _moved(row["box"], matrix, size)[:4],
            padding=None if whole else PADDING,
        )
        if self.split == "test":
            return person
        limit = SIZE if whole else size  # published: that of the rendering, for crops too
        person.part_boxes = np.stack([_moved(box, matrix, limit) for box in row["parts"].astype(np.float64)])
        person.body, person.gender = SMPLX, row.text("gender")
        person.pose, person.betas, person.expression = row["pose"], row["betas"], row["expression"]
        person.translation, person.known = row["translation"], self._known
        if self.split == "validation":
            return replace(person, vertices=np.array(read_json(self._data / row.text("vertices"))))
        seen = np.ones((len(AGORA_127), 1))
        flat, deep = row["joints_2d"].astype(np.float64), row["joints_3d"]
        person.joint_set, person.joints_are_fitted = AGORA_127, self.corrected != "none"
        person.joints_2d = np.concatenate([mapped(matrix, flat), seen], 1)
        person.joints_3d = np.concatenate([deep, seen], 1)
        return person

    def full_picture(self, name: str) -> Array:
        """(2, 3) the map from pixels of the 3840 x 2160 rendering to those of a person's picture."""
        return self.columns["matrix"][self._by_name[name]].astype(np.float64)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of all persons, in order."""
        return tuple(self._by_name)

    @property
    def _data(self) -> Path:
        return self.root / "AGORA" / "data"

    @cached_property
    def _known(self) -> Array:
        known = np.ones(len(SMPLX.joints) + 2)
        known[SMPLX.joints.parts["eyes"]] = 0
        known[0] = self.corrected != "none"
        return known

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {_named(Row(self.columns, place)): place for place in range(self.columns.rows)}

    def _annotated(self) -> Iterator[Record]:
        table = read_json(self.files()[0])
        pictures = {image["id"]: Path(image["file_name_3840x2160"]) for image in table["images"]}
        small = {image["id"]: image["file_name_1280x720"] for image in table["images"]}
        places = dict.fromkeys(pictures, 0)
        for number, found in enumerate(table["annotations"], start=1):
            picture, place = pictures[found["image_id"]], places[found["image_id"]]
            places[found["image_id"]] += 1
            seen = self._seen(picture, small[found["image_id"]], f"ann_id_{found['id']}", found["bbox"])
            if found["is_valid"] and seen:
                yield seen | {
                    "number": number,
                    "place": place,
                    "stem": picture.stem,
                    "parts": np.array([found[part] for part in PARTS], np.float64),
                    "vertices": found.get("smplx_verts_path", ""),
                    **self._body(found),
                    **(self._joints(found) if self.split == "train" else {}),
                }

    def _joints(self, found: dict[str, Any]) -> Record:
        names = ("joints_2d", "joints_3d")
        return {name: np.array(read_json(self._data / found[f"smplx_{name}_path"])) for name in names}

    def _body(self, found: dict[str, Any]) -> Record:
        """The pose, with the eyes at rest, and the shape without the last of eleven betas, a child's."""
        given = read_pickle(self._data / found["smplx_param_path"]) | {"eyes": np.zeros(6)}
        neutral = self.corrected == "betas" and not found["kid"]
        pose = [as_array(given[part]).reshape(count, 3) for part, count in _POSE.items()]
        return {
            "gender": "neutral" if neutral else found["gender"],
            "pose": np.concatenate(pose),
            "betas": as_array(given["betas_neutral" if neutral else "betas"]).ravel()[: SMPLX.betas],
            "expression": as_array(given["expression"]).ravel(),
            "translation": as_array(given["transl"]).ravel(),
        }

    def _in_test(self) -> Iterator[Record]:
        number = 0
        for picture, persons in read_json(self.files()[0]).items():
            for place in range(len(persons)):
                number += 1
                rendering = Path("3840x2160", "test", picture)
                small = f"1280x720/test/{rendering.stem}_1280x720.png"
                if seen := self._seen(rendering, small, f"pid_{place}", persons[place]["bbox"]):
                    yield seen | {"number": number, "place": place, "stem": rendering.stem}

    def _seen(self, rendering: Path, small: str, person: str, box: list[float]) -> dict[str, Any]:
        """In which picture a person is, and how that was made; nothing where there is no crop."""
        if self.pictures != "crops":
            return {"picture": small, "matrix": np.eye(3)[:2] / 3, "size": [1280, 720], "box": box}
        crop = rendering.parent.with_name(f"{rendering.parent.name}_crop") / f"{rendering.stem}_{person}"
        note = (self._data / crop).with_suffix(".json")
        if not note.is_file():
            return {}
        said = read_json(note)
        return {
            "picture": crop.with_suffix(".png").as_posix(),
            "matrix": said["img2bb_trans"],
            "size": [said["resized_width"], said["resized_height"]],
        }


def _named(row: Row) -> str:
    """Picture, then person, as a submission numbers them: from 0 in each picture."""
    return f"AGORA/{row.text('stem')}/{row['place']}"


def _moved(box: Array, matrix: Array, limit: Sequence[float]) -> Array:
    """(4,) x, y, width, height in the rendering -> (5,) x0, y0, x1, y1 in the picture, and a confidence.

    Published: it loses one pixel of the picture, not of the rendering; `limit` is width and height.
    """
    kept = sanitized(mapped(matrix, corners_of(box).reshape(2, 2)).ravel(), limit)
    return np.zeros(5) if kept is None else np.array([*kept, 1.0])


def benchmark(split: Literal["validation", "test"] = "validation") -> Benchmark:
    """Validation: meshes, hands and faces against the true ones, children among them.

    The test split has no truth: what comes of it is a file for AGORA's server (AgoraSubmission).
    """
    if split not in ("validation", "test"):
        raise UserError(f"AGORA is measured on validation, or a file for its test is made, not '{split}'.")
    people, is_test = AGORA(split), split == "test"
    return Benchmark(
        name="AGORA_test" if is_test else "AGORA",
        dataset=people,
        metrics=(AgoraSubmission(people),) if is_test else mesh_errors(),
        joint_set=SMPLX_144,
        body=SMPLX,
        prepare=PosedTargets if is_test else MeshTargets,
    )
