"""Who is who from frame to frame: people keep an id while their boxes overlap."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N, 4) and (M, 4) boxes x0, y0, x1, y1 -> (N, M) intersection over union."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(b[:, 2:] - b[:, :2], 0, None).prod(-1) for b in (boxes, others)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


@dataclass
class Track:
    """A person followed: the last box, its speed in pixels a frame, and how long ago it was seen."""

    identity: int
    box: np.ndarray
    speed: np.ndarray = field(default_factory=lambda: np.zeros(4))
    unseen: int = 0

    def expected(self) -> np.ndarray:
        return self.box + self.speed * (self.unseen + 1)

    def seen(self, box: np.ndarray) -> None:
        step = (box - self.box) / (self.unseen + 1)
        self.box, self.speed, self.unseen = box, 0.5 * self.speed + 0.5 * step, 0


class Tracker:
    """Gives each box of a frame the id of the track it overlaps best, or a new one.

    A track that is not seen is carried on at constant speed for `patience` frames, then forgotten; ids are
    never given twice.
    """

    def __init__(self, least_overlap: float = 0.2, patience: int = 15) -> None:
        self.least_overlap, self.patience = least_overlap, patience
        self.tracks: list[Track] = []
        self.given = 0

    def __call__(self, boxes: np.ndarray) -> list[int]:
        """(N, 4) boxes of the next frame -> their N ids."""
        boxes = np.asarray(boxes, float).reshape(-1, 4)
        expected = np.array([track.expected() for track in self.tracks]).reshape(-1, 4)
        overlap = overlaps(boxes, expected)
        rows, columns = linear_sum_assignment(-overlap)
        found = {r: c for r, c in zip(rows, columns, strict=True) if overlap[r, c] >= self.least_overlap}
        for track in self.tracks:
            track.unseen += 1
        identities = []
        for i, box in enumerate(boxes):
            if i in found:
                track = self.tracks[found[i]]
                track.unseen -= 1
                track.seen(box)
            else:
                track = Track(self.given, box)
                self.given += 1
                self.tracks.append(track)
            identities.append(track.identity)
        self.tracks = [track for track in self.tracks if track.unseen <= self.patience]
        return identities
