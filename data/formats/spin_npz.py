"""Data sets that come as label files of the SPIN family: `.npz`, a row a person.

    class COCOFull(SpinNpz):
        annotations = {"train": "coco-full_train_eft.npz"}   # in dataset/dataset_extras
        images = "MSCOCO/images"                             # in dataset: where `imgname` starts from

    COCOFull("train")[42]              # a Person with the SMPL-X body, where the file has one
    COCOFull("train", body=SMPL)[42]   # with the SMPL body

A file is indexed at its first use (data/formats/index.py), and takes next to no memory from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from common.geometry.crop import around_points, square_box
from common.joints import SMPLX, SPIN_159, BodyLayout
from common.preprocess.pictures import size_of_file
from common.preprocess.views import PARTS
from common.structures import Person
from common.utils.errors import UserError, did_you_mean
from common.utils.paths import DATASET, shown
from data.formats.columns import Columns
from data.formats.flaws import left_out
from data.formats.index import opened_index
from data.formats.opened_late import OpenedLate
from data.formats.spin_bodies import body_of, face_of, hand_of
from data.formats.spin_columns import FLAWS, PLACES, PLACES_3D, READER, write_spin

Array = np.ndarray

FOLDER = "dataset_extras"  # of all label files
LABELS_PADDING = 1.2  # how much larger a label's box is than what it is around
SEEN = 0.2  # confidence from which on a point of a face counts for its box
JOINTS = {"left_hand": 25 + 11, "right_hand": 25 + 6, "face": 25 + 19}  # wrists and nose, of the 159
AT_JOINT = 0.1  # of the body's box, the side of that of a part of which nothing but that joint is known
HARDLY = 1e-3  # how far its box is trusted
GENDERS = {"m": "male", "f": "female", "n": "neutral", "male": "male", "female": "female"}


@dataclass(frozen=True)
class SpinNpz(OpenedLate):
    """Persons of one label file: points of body, hands, face; the body, and hands and face alone.

    body: SMPLX or SMPL, whose numbers are handed over; SMPL's pose stands in where a file has no SMPL-X.
    Flags say whom a fit fits; points keep their confidence. Rows that cannot be used are named in the log
    and left out in training, or refused. `as_published` brings back what PyMAF-X's loader does: SMPL's betas
    for an SMPL-X body, a face turned as its body is, boxes of hands around unseen points too.
    """

    annotations: ClassVar[Mapping[str, str]] = {}  # the file of each split
    images: ClassVar[str] = ""
    source: ClassVar[str] = "See dataset/README.md."
    shows: ClassVar[str] = "body"  # what the labels' boxes are around: or "right_hand", "face"
    parts_at_joints: ClassVar[bool] = False  # published (COCO): unseen hands and faces are cut at wrist, nose
    detected_parts: ClassVar[bool] = False  # published (Human3.6M): a detector's hands and face are preferred
    focal: ClassVar[float | None] = None  # of all its cameras, where the file does not say

    split: str = "train"
    body: BodyLayout = SMPLX
    flawed: Literal["skip", "refuse"] | None = None  # None: skip in training, else refuse
    as_published: bool = False
    file: str | None = None  # in place of the split's own
    folder: str | None = None  # of its pictures, in place of `images`
    root: Path = DATASET

    def __post_init__(self) -> None:
        if self.flawed is None and self.split.startswith("train"):
            object.__setattr__(self, "flawed", "skip")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Person:
        self.check_number(index)
        return self._person(int(self.rows[index]), f"{self.name}/{index}")

    @property
    def path(self) -> Path:
        """The label file; UserError where there is no such split."""
        if self.file is None and self.split not in self.annotations:
            known = did_you_mean(self.split, self.annotations)
            raise UserError(f"{self.name} has no split '{self.split}'{known}")
        return self.root / FOLDER / (self.file or self.annotations[self.split])

    @cached_property
    def columns(self) -> Columns:
        """All rows; UserError in one paragraph where the file is missing or is none."""
        if not self.path.is_file():
            raise UserError(
                f"{self.name} ({self.split}) is not there: {shown(self.path)} is missing, and its pictures "
                f"go to {shown(self._pictures)}. {self.source}"
            )
        try:
            return opened_index([self.path], READER, partial(write_spin, path=self.path))
        except (ValueError, KeyError) as error:
            raise UserError(f"{self.name} ({self.split}) cannot be read: {error}") from error

    @cached_property
    def rows(self) -> Array:
        """Which rows are shown."""
        rows = np.arange(self.columns.rows)
        return left_out(self, shown(self.path), rows, self.columns["flaw"], FLAWS)

    @property
    def _pictures(self) -> Path:
        return self.root / (self.images if self.folder is None else self.folder)

    def _person(self, row: int, name: str) -> Person:
        columns = self.columns
        image = self._pictures / columns.text("imgname", row)
        side = 200 * float(columns["scale"][row])
        box = square_box(columns["center"][row], side)
        points = self._points(PLACES, row, 3)
        gender = columns.text("gender", row) if "gender" in columns else ""
        person = Person(
            name,
            image=image,
            box=box,
            padding=1 / LABELS_PADDING,
            joint_set=SPIN_159,
            joints_2d=points,
            joints_3d=self._points(PLACES_3D, row, 4),
            gender=GENDERS.get(gender, "neutral"),
            intrinsics=self._lens(image, row),
            part_boxes=self._part_boxes(points, box, row),
            part_bodies={
                "left_hand": hand_of(columns, row, "l"),
                "right_hand": hand_of(columns, row, "r"),
                "face": face_of(columns, row, self.as_published),
            },
        )
        return body_of(person, columns, row, self.body, self.as_published)

    def _points(self, entries: Mapping[str, slice], row: int, width: int) -> Array | None:
        """(159, 3) or (159, 4), or None where the file has none of them."""
        given = [name for name in entries if name in self.columns]
        if not given:
            return None
        points = np.zeros((len(SPIN_159), width), np.float32)
        for name in sorted(given, key=lambda name: (name == "feet_kp2d", name.startswith("det_"))):
            if name.startswith("det_") and not self.detected_parts:
                continue
            new = self.columns[name][row]
            over = new[:, -1:] > 0 if name == "feet_kp2d" else True
            points[entries[name]] = np.where(over, new, points[entries[name]])
            if name == "S":
                points[entries[name], -1] = new[:, -1] > 0  # published
        return points

    def _part_boxes(self, points: Array | None, box: Array, row: int) -> Array:
        """(3, 5) boxes; the confidence is how much of a part is seen."""
        boxes = np.zeros((3, 5), np.longdouble)  # as boxes are that keep their middles
        for place, part in enumerate(PARTS):
            if part == self.shows:
                middle, side = self.columns["center"][row], 200 * float(self.columns["scale"][row])
                boxes[place] = [*square_box(middle, side / LABELS_PADDING), 1]
            elif points is not None:
                boxes[place] = self._part_box(points, part, box)
        return boxes

    def _part_box(self, points: Array, part: str, box: Array) -> Array:
        seen = points[SPIN_159.parts[part]]
        trust = float((seen[:, 2] > 0).mean())
        least = SEEN if part == "face" and (seen[:, 2] > SEEN).sum() > 2 else 0.0
        everywhere = self.as_published and (part != "face" or least == 0) and trust > 0
        hull = around_points(seen[:, :2], np.ones(len(seen)) if everywhere else seen[:, 2] > least)
        if hull is not None:
            return np.array([*hull, trust])
        joint = points[JOINTS[part]]
        if not (self.parts_at_joints and joint[2] > 0):
            return np.zeros(5)
        return np.array([*square_box(joint[:2], AT_JOINT * float(box[2] - box[0])), HARDLY])

    def _lens(self, image: Path, row: int) -> Array | None:
        """(3, 3) of a lens whose focal length is known, its axis in the picture's middle (published)."""
        names = [name for name in ("f_pix", "f_pix_pred") if name in self.columns]
        focal = float(self.columns[names[0]][row]) if names else self.focal
        if focal is None:
            return None
        size = self.columns["image_size"][row] if "image_size" in self.columns else size_of_file(image)
        if size is None:
            return None
        return np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]], np.float32)
