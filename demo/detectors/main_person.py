"""Of all people in a picture the one it was taken of: large, and near the middle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.structures import Person

NEAR = 1 / 6  # published (STRAPS): of the picture's longer side, how far from the middle; DensePose: 1/5


def main_person(people: Sequence[Person], image_size: tuple[int, int]) -> list[Person]:
    """The person of the largest box near the middle of a picture of (width, height), or of all boxes where
    none is near; nobody where there is nobody.
    """
    if not people:
        return []
    boxes = np.stack([np.zeros(4) if person.box is None else person.box for person in people])
    return [people[main_box(boxes, image_size)]]


def main_box(boxes: np.ndarray, image_size: tuple[int, int], near: float = NEAR) -> int:
    """Which of the (N, 4) boxes x0, y0, x1, y1 that is; N is at least 1."""
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    away = np.abs(middles - np.array(image_size) / 2).max(1)
    is_near = away < near * max(image_size)
    areas = sides.prod(1)
    return int(np.where(is_near | ~is_near.any(), areas, -1).argmax())
