"""What a detector is: a picture in, persons out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from common.structures import Person


class Detector(Protocol):
    def __call__(self, image: np.ndarray, name: str) -> list[Person]:
        """(H, W, 3) uint8 RGB -> the persons in it, called name/0, name/1..., the surest first."""
        ...
