"""Boxes that the user gives: nothing is detected, key points are still read inside them."""

from __future__ import annotations

import numpy as np
import torch

from common.structures import Person
from common.utils.errors import UserError
from demo.detectors import persons
from demo.detectors.blazepose import BlazePose


class GivenBoxes:
    """One person for each of the boxes (N, 4) x0, y0, x1, y1 in pixels, the same in every picture."""

    def __init__(
        self,
        boxes: np.ndarray,
        keypoints: bool = True,
        with_mask: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        self.with_mask = with_mask
        self.blazepose = BlazePose(device=device) if keypoints else None

    def __call__(self, image: np.ndarray, name: str) -> list[Person]:
        """(H, W, 3) uint8 RGB -> the persons in the boxes, called name/0, name/1..., in the order given.

        Raises UserError for a box that shows nothing of the picture.
        """
        height, width = image.shape[:2]
        for box in self.boxes:
            if not (max(box[0], 0) < min(box[2], width) and max(box[1], 0) < min(box[3], height)):
                numbers = ",".join(f"{number:g}" for number in box)
                raise UserError(
                    f"The box {numbers} shows nothing of {name}, which is {width} x {height} pixels; "
                    "give x0,y0,x1,y1 with x0 < x1 and y0 < y1 inside the picture."
                )
        if self.blazepose is None:
            return [
                Person(f"{name}/{i}", image=image, box=np.float32(box)) for i, box in enumerate(self.boxes)
            ]
        return persons.read_inside(self.blazepose, image, name, self.boxes, self.with_mask)
