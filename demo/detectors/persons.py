"""What BlazePose read, as the house's Person: middles of pixels are whole numbers there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from common.joints import BLAZEPOSE_33
from common.structures import Person
from demo.detectors.blazepose import BlazePose, Reading
from demo.detectors.silhouettes import own_pieces
from demo.detectors.squares import of_pixels

Array = np.ndarray
SEEN = 0.5  # confidence from which on a point counts as seen
ROOM = 0.06  # of the longer side: how far a body reaches beyond its joints
CROWN = 1.7  # times the way from mouth to eyes, the top of the head lies above the eyes
NO_PART = 0.2  # confidence below which a part has no box


def person(image: Array, name: str, reading: Reading, box: Array | None, score: float | None) -> Person:
    """`box` (4,) in pixels, 0 being the picture's edge; None: the box around what was read."""
    points = reading.points - [0.5, 0.5, 0.0]
    return Person(
        name,
        image=image,
        box=np.float32(box_around(reading.points, image.shape) if box is None else box) - 0.5,
        part_boxes=part_boxes(points).astype(np.float32),
        joint_set=BLAZEPOSE_33,
        joints_2d=points.astype(np.float32),
        mask=None if reading.mask is None else own_pieces(whole_mask(reading, image.shape), points),
        score=score,
    )


def read_inside(
    blazepose: BlazePose,
    image: Array,
    name: str,
    boxes: Array,
    with_mask: bool = False,
    scores: Sequence[float] | None = None,
) -> list[Person]:
    """One person for each of the boxes (N, 4); its points are trusted as far as there seems to be one."""
    edges = boxes + 0.5
    readings = blazepose.read(image, blazepose.places_in(image, edges), edges, with_mask=with_mask)
    people = []
    for i, reading in enumerate(readings):
        sure = np.array([1.0, 1.0, reading.is_person])
        weighed = replace(reading, points=reading.points * sure)
        score = None if scores is None else scores[i]
        people.append(person(image, f"{name}/{i}", weighed, edges[i], score))
    return people


def box_around(points: Array, shape: tuple[int, ...]) -> Array:
    """(J, 3) -> (4,): around the points seen inside the picture, with room for the body beyond its joints."""
    height, width = shape[:2]
    eyes, mouth = points[[2, 5]].mean(0), points[9:11].mean(0)
    crown = [*(eyes + CROWN * (eyes - mouth))[:2], eyes[2]]
    points = np.concatenate([points, [crown]])
    inside = points[:, :2].clip(0, [width, height])
    seen = points[:, 2] > SEEN
    inside = inside[seen] if seen.sum() > 3 else inside
    low, high = inside.min(0), inside.max(0)
    room = ROOM * (high - low).max()
    return np.concatenate([low - room, high + room]).clip(0, [width, height, width, height])


def whole_mask(reading: Reading, shape: tuple[int, ...]) -> Array:
    """(H, W) bool: the mask of the crop, laid back into the picture."""
    assert reading.mask is not None
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = of_pixels(reading.matrix)
    return cv2.warpAffine(reading.mask, matrix, shape[1::-1], flags=flags, borderValue=-100.0) > 0


def part_boxes(points: Array) -> Array:
    """(33, 3) -> (3, 5): squares around left hand, right hand and face; confidence 0 where unseen.

    The sizes follow those of annotated persons of COCO-WholeBody.
    """
    return np.stack([_hand(points, "left"), _hand(points, "right"), _face(points)])


def _hand(points: Array, side: str) -> Array:
    names = ("elbow", "wrist", "index_1", "pinky_1", "thumb_2")
    elbow, wrist, index, pinky, thumb = points[
        list(BLAZEPOSE_33.indices(tuple(f"{side}_{n}" for n in names)))
    ]
    palm = (index[:2] + pinky[:2]) / 2 - wrist[:2]
    length = max(2.4 * np.hypot(*palm), 0.6 * np.hypot(*(wrist - elbow)[:2]))
    return _square(wrist[:2] + 1.1 * palm, length, np.mean([wrist[2], index[2], pinky[2], thumb[2]]))


def _face(points: Array) -> Array:
    head = points[:11]  # nose, eyes, ears, mouth
    eyes, mouth = head[[2, 5], :2].mean(0), head[9:, :2].mean(0)
    length = max(1.2 * np.ptp(head[:, :2], 0).max(), 1.7 * np.hypot(*(mouth - eyes)))
    return _square(eyes + 0.6 * (mouth - eyes), length, head[:, 2].mean())


def _square(middle: Array, length: float, confidence: float) -> Array:
    sure = confidence if confidence > NO_PART else 0.0
    return np.array([*(middle - length / 2), *(middle + length / 2), sure])
