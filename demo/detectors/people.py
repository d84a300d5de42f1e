"""Several people: NanoDet and BlazePose's own detector find them, BlazePose's landmarks decide who is who."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from common.joints import BLAZEPOSE_33
from common.structures import Person
from demo.detectors.blazepose import BlazePose, Reading, place_of
from demo.detectors.nanodet import NanoDet

SAME = 0.12  # two readings whose points lie closer than this, in sizes of the person, are one person's


@dataclass
class _Found:
    """A person one of the detectors found, and what was read there."""

    reading: Reading
    score: float
    box: np.ndarray | None  # (4,) NanoDet's; None where only BlazePose saw the person

    @property
    def size(self) -> float:
        return float(np.hypot(*(self.reading.place[1] - self.reading.place[0])))


class PeopleDetector:
    """The default: needs nothing but the shipped weights."""

    def __init__(
        self, threshold: float = 0.5, with_mask: bool = False, device: torch.device | str = "cpu"
    ) -> None:
        self.threshold = threshold
        self.with_mask = with_mask
        self.nanodet = NanoDet(device=device)
        self.blazepose = BlazePose(device=device)

    def __call__(self, image: np.ndarray, name: str) -> list[Person]:
        """(H, W, 3) uint8 RGB -> the persons in it, called name/0, name/1..., the surest first."""
        found = self._distinct(self._candidates(image))
        return [person(image, f"{name}/{i}", f.reading, f.score, f.box) for i, f in enumerate(found)]

    def _candidates(self, image: np.ndarray) -> list[_Found]:
        boxes, box_scores = self.nanodet(image)
        places, place_scores = self.blazepose.find(image)
        everywhere = np.concatenate([place_of(boxes), places])
        readings = self.blazepose.read(image, everywhere, with_mask=self.with_mask)
        seen = [*boxes, *([None] * len(places))]
        scores = np.concatenate([box_scores, place_scores])
        return [
            _Found(reading, float(score), box)
            for reading, score, box in zip(readings, scores, seen, strict=True)
            if reading.is_person > self.threshold
        ]

    @staticmethod
    def _distinct(found: list[_Found]) -> list[_Found]:
        """Each person once: of two readings that agree, the first stays, those with a box coming first."""
        kept: list[_Found] = []
        for one in sorted(found, key=lambda f: (f.box is None, -f.score)):
            if all(_distance(one, other) > SAME for other in kept):
                kept.append(one)
        return sorted(kept, key=lambda f: -f.score)


def _distance(one: _Found, other: _Found) -> float:
    """The median distance of points, in sizes of the larger person."""
    apart = np.hypot(*(one.reading.points[:, :2] - other.reading.points[:, :2]).T)
    return float(np.median(apart)) / max(one.size, other.size, 1e-9)


def person(
    image: np.ndarray, name: str, reading: Reading, score: float | None, box: np.ndarray | None
) -> Person:
    """What was read, as the house's Person: pixel centers are whole numbers there."""
    points = reading.points - np.array([0.5, 0.5, 0.0])
    return Person(
        name,
        image=image,
        box=(box - 0.5 if box is not None else box_of(points, image.shape)).astype(np.float32),
        joint_set=BLAZEPOSE_33,
        joints_2d=points.astype(np.float32),
        mask=None if reading.mask is None else mask_of(reading, image.shape),
        score=score,
    )


def box_of(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The box around those of the points (J, 3) that are in the picture, with room for what lies beyond joints."""
    height, width = shape[:2]
    inside = points[:, :2].clip(0, [width - 1, height - 1])
    seen = inside[points[:, 2] > 0.5] if (points[:, 2] > 0.5).sum() > 3 else inside
    low, high = seen.min(0), seen.max(0)
    room = 0.08 * (high - low).max()
    return np.concatenate([low - room, high + room]).clip(0, [width - 1, height - 1, width - 1, height - 1])


def mask_of(reading: Reading, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool: the mask of the crop, laid back into the picture."""
    matrix = reading.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    assert reading.mask is not None
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(reading.mask, matrix, shape[1::-1], flags=flags, borderValue=-100.0)
    return back > 0
