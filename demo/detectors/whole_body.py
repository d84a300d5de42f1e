"""Whole bodies: people of any detector with hands and faces, as the 133 points of COCO-WholeBody."""

from __future__ import annotations

import numpy as np
import torch

from common.joints import COCO_WHOLE_BODY_133
from common.structures import Person
from demo.detectors.detector import Detector
from demo.detectors.faces import Faces
from demo.detectors.hands import Hands
from demo.detectors.parts import whole, with_parts

Array = np.ndarray
TO_EDGE = np.array([0.5, 0.5, 0.0])  # hands and faces count from the edge of the picture


class WholeBody:
    """A detector that reads the hands and faces of those whom another detector finds.

    Its people have COCO_WHOLE_BODY_133; where a part is not read, what the other detector said of it stays.
    Toes and heels are known as far as that detector gives them. A hand's side is its arm's. Who has no key
    points, or was read by part already, stays as found.
    """

    def __init__(self, detector: Detector, device: torch.device | str = "cpu") -> None:
        self.detector = detector
        self.hands = Hands(device)
        self.faces = Faces(device)

    def __call__(self, image: Array, name: str) -> list[Person]:
        """(H, W, 3) uint8 RGB -> the other detector's people, in its order."""
        people = self.detector(image, name)
        known = [i for i, one in enumerate(people) if one.joints_2d is not None and one.part_scores is None]
        bodies = np.array([whole(people[i]) for i in known]).reshape(-1, len(COCO_WHOLE_BODY_133), 3)
        edges = bodies + TO_EDGE
        hands, faces = self.hands(image, edges), self.faces(image, edges)
        for i, body, (left, right), face in zip(known, bodies, hands, faces, strict=True):
            parts = [part - TO_EDGE for part in (left, right, face)]
            people[i] = with_parts(people[i], body, parts)
        return people
