"""The default detector: NanoDet and BlazePose find, BlazePose reads, what agrees is one person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from common.structures import Person
from demo.detectors import boxes, persons
from demo.detectors.blazepose import EVERYWHERE, BlazePose, Reading
from demo.detectors.nanodet import NanoDet

SAME = 0.12  # readings whose points lie closer, in sizes of a person, are of one person
SAME_HEAD = 0.06  # so are those whose heads lie closer, whatever else they say
SAME_BOX = 0.75  # and those whose boxes overlap by more
WITHIN, NOT_SMALL = 0.9, 0.5  # or one lies within the other, by more, and is no smaller
BONUS = 0.1  # for a reading in a box: the box kept its neighbors out
ALONE = 0.8  # probability of a person that BlazePose alone must reach
FITTING = 0.6  # share of what was read that must lie in a box, if it is to be the person's
STRAY = 0.3  # below that the reading has left its box, and is of somebody else or nobody
HEAD = slice(0, 11)


@dataclass(frozen=True)
class _Found:
    """A person that one of the detectors found, and what was read there."""

    reading: Reading
    score: float
    box: np.ndarray | None  # (4,) NanoDet's; None where only BlazePose saw a person
    shape: tuple[int, ...]  # of the picture

    @property
    def share_in_box(self) -> float:
        """How much of what was read lies in the box; 0 where there is none."""
        if self.box is None:
            return 0.0
        shared = boxes.intersection(self.box[None], self.around[None])[0, 0]
        return float(shared / max(boxes.area(self.around), 1e-9))

    @property
    def around(self) -> np.ndarray:
        """(4,) around what was read."""
        return persons.box_around(self.reading.points, self.shape)

    @property
    def quality(self) -> float:
        """By which one of several readings of a person is chosen: how sure are the points in the picture?

        Those outside do not count: a reading that squeezes all of a person into a picture that shows half of
        one is sure of too much.
        """
        points = self.reading.points
        inside = ((points[:, :2] >= 0) & (points[:, :2] <= self.shape[1::-1])).all(1)
        sure = self.reading.is_person * float(points[inside, 2].mean() if inside.any() else 0.0)
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
            persons.person(
                image, f"{name}/{i}", one.reading, one.box if one.share_in_box > FITTING else None, one.score
            )
            for i, one in enumerate(found)
        ]

    def _found(self, image: np.ndarray) -> list[_Found]:
        """All that looks like a person, some twice."""
        framed, box_scores = self.nanodet(image)
        places, place_scores = self.blazepose.find(image)
        readings = self.blazepose.read(
            image,
            np.concatenate([self.blazepose.places_in(image, framed), places]),
            np.concatenate([framed, np.tile(EVERYWHERE, (len(places), 1))]),
            with_mask=self.with_mask,
        )
        framed_found = [
            _Found(*each, image.shape)
            for each in zip(readings[: len(framed)], box_scores.tolist(), framed, strict=True)
        ]
        alone = [
            _Found(*each, None, image.shape)
            for each in zip(readings[len(framed) :], place_scores.tolist(), strict=True)
        ]
        return [
            *(
                one
                for one in framed_found
                if one.reading.is_person > self.threshold and one.share_in_box > STRAY
            ),
            *(one for one in alone if one.reading.is_person > max(self.threshold, ALONE)),
        ]


def distinct(found: list[_Found]) -> list[_Found]:
    """Each person once: the best of the readings that agree, with the best score and a box of either."""
    kept: list[_Found] = []
    for one in sorted(found, key=lambda each: -each.quality):
        twin = next((i for i, other in enumerate(kept) if _same(one, other)), None)
        if twin is None:
            kept.append(one)
        else:
            best = kept[twin]
            box = one.box if best.box is None else best.box
            kept[twin] = replace(best, score=max(one.score, best.score), box=box)
    return kept


def _same(one: _Found, other: _Found) -> bool:
    """Whether two readings are of one person."""
    apart = np.hypot(*(one.reading.points[:, :2] - other.reading.points[:, :2]).T)
    size = max(np.hypot(*(each.reading.place[1] - each.reading.place[0])) for each in (one, other))
    close = np.median(apart) < SAME * size or np.median(apart[HEAD]) < SAME_HEAD * size
    return bool(
        close or boxes.overlap(one.around[None], other.around[None])[0, 0] > SAME_BOX or _nested(one, other)
    )


def _nested(one: _Found, other: _Found) -> bool:
    """Whether one of two boxes is most of the other: a part of a person that was taken for a person."""
    if one.box is None or other.box is None:
        return False
    small, large = sorted((one.box, other.box), key=boxes.area)
    shared = boxes.intersection(small[None], large[None])[0, 0]
    return bool(shared > WITHIN * boxes.area(small) and boxes.area(small) > NOT_SMALL * boxes.area(large))
