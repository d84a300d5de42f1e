"""The default detector: NanoDet and BlazePose find persons, BlazePose reads each, what agrees is one person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from common.structures import Person
from demo.detectors import boxes, persons
from demo.detectors.blazepose import EVERYWHERE, BlazePose, Reading
from demo.detectors.nanodet import NanoDet
from demo.detectors.squares import place_of

SAME = 0.12  # readings whose points lie closer, in sizes of a person, are of one person
BONUS = 0.1  # for a reading in a box: the box kept its neighbors out
FITTING = 0.5  # overlap from which on a box is that of the person read in it


@dataclass(frozen=True)
class _Found:
    """A person that one of the detectors found, and what was read there."""

    reading: Reading
    score: float
    box: np.ndarray | None  # (4,) NanoDet's; None where only BlazePose saw a person

    @property
    def quality(self) -> float:
        """By which one of several readings of a person is chosen."""
        sure = self.reading.is_person * float(self.reading.points[:, 2].mean())
        return sure + (BONUS if self.box is not None else 0.0)


class PeopleDetector:
    """Finds and reads everybody; needs nothing but the shipped weights."""

    def __init__(
        self, threshold: float = 0.5, with_mask: bool = False, device: torch.device | str = "cpu"
    ) -> None:
        self.threshold = threshold
        self.with_mask = with_mask
        self.nanodet = NanoDet(device=device)
        self.blazepose = BlazePose(device=device)

    def __call__(self, image: np.ndarray, name: str) -> list[Person]:
        """(H, W, 3) uint8 RGB -> the persons in it, called name/0, name/1..., the surest first."""
        found = sorted(distinct(self._found(image)), key=lambda one: -one.score)
        return [
            persons.person(image, f"{name}/{i}", one.reading, _fitting(one, image.shape), one.score)
            for i, one in enumerate(found)
        ]

    def _found(self, image: np.ndarray) -> list[_Found]:
        """All that looks like a person, some twice."""
        framed, box_scores = self.nanodet(image)
        places, place_scores = self.blazepose.find(image)
        readings = self.blazepose.read(
            image,
            np.concatenate([place_of(framed), places]),
            np.concatenate([framed, np.tile(EVERYWHERE, (len(places), 1))]),
            with_mask=self.with_mask,
        )
        sources = [*framed, *(None for _ in places)]
        scores = [*box_scores.tolist(), *place_scores.tolist()]
        return [
            _Found(*each)
            for each in zip(readings, scores, sources, strict=True)
            if each[0].is_person > self.threshold
        ]


def distinct(found: list[_Found]) -> list[_Found]:
    """Each person once: the best of the readings that agree, with the best score and a box of either."""
    kept: list[_Found] = []
    for one in sorted(found, key=lambda each: -each.quality):
        twin = next((i for i, other in enumerate(kept) if _distance(one, other) < SAME), None)
        if twin is None:
            kept.append(one)
        else:
            best = kept[twin]
            box = one.box if best.box is None else best.box
            kept[twin] = replace(best, score=max(one.score, best.score), box=box)
    return kept


def _distance(one: _Found, other: _Found) -> float:
    """The median distance of points, in sizes of the larger person."""
    apart = np.hypot(*(one.reading.points[:, :2] - other.reading.points[:, :2]).T)
    sizes = [np.hypot(*(each.reading.place[1] - each.reading.place[0])) for each in (one, other)]
    return float(np.median(apart) / max(*sizes, 1e-9))


def _fitting(one: _Found, shape: tuple[int, ...]) -> np.ndarray | None:
    """The box, unless what was read in it lies elsewhere: then it showed only a part of the person."""
    if one.box is None:
        return None
    around = persons.box_around(one.reading.points, shape)
    return one.box if boxes.overlap(one.box[None], around[None])[0, 0] > FITTING else None
