"""What a detector found, drawn over its picture: silhouettes, boxes and points, a color a person."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from common.rendering.overlay import COLORS
from common.structures import Person

UNSURE = 0.5  # confidence below which a point is a ring


def detections(image: np.ndarray, people: Sequence[Person]) -> np.ndarray:
    """(H, W, 3) uint8 RGB -> a new picture; points are dots, rings where their confidence is below a half."""
    drawn = image.copy()
    thick = max(1, round(max(image.shape[:2]) / 400))
    for number, person in enumerate(people):
        color = tuple(int(255 * share) for share in COLORS[number % len(COLORS)])
        dark = tuple(part // 2 for part in color)
        if person.mask is not None:
            drawn[person.mask] = (0.45 * drawn[person.mask] + 0.55 * np.array(color)).astype(np.uint8)
        if person.box is not None:
            x0, y0, x1, y1 = np.clip(np.rint(person.box), -9999, 9999).astype(int).tolist()
            cv2.rectangle(drawn, (x0, y0), (x1, y1), color, thick, cv2.LINE_AA)
        for x, y, confidence in () if person.joints_2d is None else person.joints_2d.tolist():
            if confidence > 0 and max(abs(x), abs(y)) < 9999:
                filled = -1 if confidence >= UNSURE else thick
                cv2.circle(drawn, (round(x), round(y)), 2 * thick, dark, filled, cv2.LINE_AA)
    return drawn
