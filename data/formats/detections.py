"""What a detector found of the people of a data set: points and silhouettes, by the persons' names.

For networks that look at these instead of pictures: `python -m demo.detect` makes such a file, and a data set
that was given one (`detections=FILE`) shows its people with them. The file is one of columns; a silhouette is
a PNG of its box.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from common import joints
from common.joints import JointSet
from common.structures import Person
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import shown
from data.formats.columns import Columns, ColumnsWriter

Array = np.ndarray


class Detections:
    """The detections of one file. Raises UserError where it is missing or is none."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.columns = Columns(self.path)
            self.joint_set = _joint_set(self.columns.info["joint_set"])
        except FileNotFoundError as error:
            raise UserError(
                f"{shown(self.path)} is missing; make it with `python -m demo.detect`."
            ) from error
        except (ValueError, KeyError) as error:
            raise UserError(f"{shown(self.path)} is no file of detections ({error}).") from error

    def __len__(self) -> int:
        return self.columns.rows

    def seen(self, person: Person) -> Person:
        """The person with the points and the silhouette that were found; UserError where nobody looked."""
        if person.name not in self._rows:
            raise UserError(
                f"{shown(self.path)} holds no detection of {person.name}: it was made for other people."
            )
        row = self._rows[person.name]
        points, box = self.columns["joints_2d"][row], self.columns["mask_box"][row].tolist()
        width, height = self.columns["image_size"][row].tolist()
        mask = np.zeros((height, width), bool)
        encoded = self.columns.text("mask", row)
        if encoded:
            cut = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_GRAYSCALE)
            mask[box[1] : box[3], box[0] : box[2]] = cut > 0
        return replace(person, joints_2d=np.array(points), joint_set=self.joint_set, mask=mask)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {self.columns.text("name", row): row for row in range(self.columns.rows)}


def write_detections(path: str | Path, people: Iterable[Person]) -> int:
    """Write what was found of people, whole or not at all; how many there are.

    Each has points of one and the same joint set, and a mask as large as its picture. ValueError otherwise.
    """
    names, points, boxes, sizes, masks = [], [], [], [], []
    joint_set: JointSet | None = None
    for person in people:
        if person.joints_2d is None or person.mask is None or person.joint_set is None:
            raise ValueError(f"{person.name} has no points or no silhouette to be written.")
        joint_set = joint_set or person.joint_set
        if person.joint_set != joint_set:
            raise ValueError(f"{person.name} has points of {person.joint_set.name}, not {joint_set.name}.")
        box = _box(person.mask)
        names.append(person.name)
        points.append(np.asarray(person.joints_2d, np.float32))
        boxes.append(box)
        sizes.append(person.mask.shape[::-1])
        masks.append(_encoded(person.mask[box[1] : box[3], box[0] : box[2]]))
    if joint_set is None:
        raise ValueError("There are no detections to be written.")
    with written_beside(path) as beside, ColumnsWriter(beside) as writer:
        writer.add("joints_2d", np.stack(points))
        writer.add("mask_box", np.array(boxes, np.int64))
        writer.add("image_size", np.array(sizes, np.int64))
        writer.add_text("name", names)
        writer.add_text("mask", masks)
        writer.info["joint_set"] = joint_set.name
    return len(names)


def _box(mask: Array) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1, the last two one beyond; empty where the mask is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _encoded(mask: Array) -> str:
    if mask.size == 0:
        return ""
    _, picture = cv2.imencode(".png", mask.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
    return base64.b64encode(picture.tobytes()).decode()


def _joint_set(name: str) -> JointSet:
    known = {found.name: found for found in vars(joints).values() if isinstance(found, JointSet)}
    if name not in known:
        raise ValueError(f"its points are those of '{name}', which nobody knows")
    return known[name]
