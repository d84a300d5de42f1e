"""EHF: 100 pictures of one person in a laboratory, with scans fitted by hand (Pavlakos et al., 2019)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from common.geometry.crop import padded, sanitized
from common.structures import Person
from common.utils.paths import DATASET
from data.formats.ply import read_vertices
from data.formats.sources import there

Array = np.ndarray

SITE = "https://smpl-x.is.tue.mpg.de"
TO_CAMERA = np.array(
    [-2.98747896, 0.01172457, -0.05704687]
)  # axis-angle from the scans' frame, by its authors
PARTS = ("lefthand_bbox", "righthand_bbox", "face_bbox")


@dataclass(frozen=True)
class EHF:
    """Each person with its mesh, turned into the camera's frame.

    padding: times the view's own. part_padding: of hand and face boxes, which then get the aspect of a
    person's box too; None leaves them as annotated (SMPLer-X: 1.2).
    """

    padding: float = 1.0
    part_padding: float | None = None
    folder: Path = DATASET / "EHF"
    name: ClassVar[str] = "EHF"

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Person:
        found, picture = self._records[index]
        size = (picture["width"], picture["height"])
        return Person(
            name=f"EHF/{Path(picture['file_name']).stem.removesuffix('_img')}",
            image=self._data / picture["file_name"],
            box=sanitized(_corners(found["body_bbox"]), size),
            padding=self.padding,
            part_boxes=np.stack([self._part(found[part], size) for part in PARTS]),
            vertices=read_vertices(self._mesh(picture)) @ cv2.Rodrigues(TO_CAMERA)[0].T,
        )

    def _part(self, numbers: list[float], size: tuple[int, int]) -> Array:
        box: Array | None = _corners(numbers)
        if self.part_padding is not None and (box := sanitized(box, size)) is not None:
            box = padded(box, 0.75, self.part_padding)
        return np.zeros(5) if box is None else np.array([*box, 1.0])

    def _mesh(self, picture: dict[str, Any]) -> Path:
        return self._data / f"{picture['file_name'].split('_')[0]}_align.ply"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def annotation(self) -> Path:
        """The file that says who is there."""
        return self._data / "EHF.json"

    @cached_property
    def _records(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Annotation and picture of every person: so few that they need no index."""
        there(self.name, self.annotation, site=SITE, folder=self.folder)
        table = json.loads(self.annotation.read_bytes())
        pictures = {image["id"]: image for image in table["images"]}
        there(self.name, *map(self._mesh, pictures.values()), site=SITE, folder=self.folder)
        return [(found, pictures[found["image_id"]]) for found in table["annotations"]]


def _corners(numbers: list[float]) -> Array:
    """x, y, width, height -> x0, y0, x1, y1; whole numbers stay whole numbers."""
    x, y, width, height = numbers
    return np.array([x, y, x + width, y + height])
