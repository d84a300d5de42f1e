"""BlazePose: where persons may be in a picture, and the key points of one at a given place."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from demo.detectors import blazepose_detector, blazepose_landmarks, boxes
from demo.detectors.weights import load

ROOM = 1.25  # the crop is this much larger than the circle around the person
SUPPRESSION = 0.3
POINTS = 33  # of BLAZEPOSE_33; the next two say where the crop should have been
CROP = blazepose_landmarks.SIZE


@dataclass
class Reading:
    """What BlazePose read at one place of a picture; pixels of the picture, 0 being its edge."""

    points: np.ndarray  # (33, 3) x, y, confidence
    place: np.ndarray  # (2, 2) where it says the person is
    is_person: float  # probability
    matrix: np.ndarray  # (2, 3) picture -> crop
    mask: np.ndarray | None  # (256, 256) logits, in the crop


class BlazePose:
    """The two networks. A *place* is the middle of a person and the point above the head on the circle around."""

    def __init__(self, threshold: float = 0.5, device: torch.device | str = "cpu") -> None:
        self.threshold = threshold
        self.device = device
        self.detector = load(blazepose_detector.DetectorNetwork(), "blazepose_detector", device)
        self.landmarks = load(blazepose_landmarks.LandmarkNetwork(), "blazepose_full", device)

    @torch.inference_mode()
    def find(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> places (N, 2, 2) and scores (N,)."""
        height, width = image.shape[:2]
        size = blazepose_detector.SIZE
        scale = size / max(height, width)
        matrix = np.array([[scale, 0, (size - width * scale) / 2], [0, scale, (size - height * scale) / 2]])
        picture = _warp([image], matrix, size, cv2.BORDER_CONSTANT)
        found = self.detector(self._tensor(picture[None], 127.5, -1.0))
        sure = found.scores[0] > self.threshold
        scores = found.scores[0, sure].cpu().numpy()
        kept = boxes.strongest(found.boxes[0, sure].cpu().numpy(), scores, SUPPRESSION)
        points = found.points[0, sure].cpu().numpy()[kept, :2]
        return (points - matrix[:, 2]) / scale, scores[kept]

    @torch.inference_mode()
    def read(
        self, image: np.ndarray, places: np.ndarray, passes: int = 2, with_mask: bool = False
    ) -> list[Reading]:
        """Key points at each of the places (N, 2, 2); every pass but the first looks where the last one said."""
        levels = _pyramid(image)
        readings: list[Reading] = []
        for i in range(passes if len(places) else 0):
            readings = self._read(levels, places, with_mask and i == passes - 1)
            places = np.stack([reading.place for reading in readings])
        return readings

    def _read(self, levels: list[np.ndarray], places: np.ndarray, with_mask: bool) -> list[Reading]:
        matrices = [_square(place) for place in places]
        crops = np.stack([_warp(levels, matrix, CROP, cv2.BORDER_REPLICATE) for matrix in matrices])
        seen = self.landmarks(self._tensor(crops, 255.0, 0.0), with_heat=False, with_mask=with_mask)
        confidence = (seen.visibility * seen.presence).cpu().numpy()
        points, is_person = seen.points[..., :2].cpu().numpy(), seen.is_person.cpu().numpy()
        masks = [None] * len(places) if seen.mask is None else list(seen.mask.cpu().numpy())
        readings = []
        for i, matrix in enumerate(matrices):
            xy = (points[i] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
            whole = np.concatenate([xy[:POINTS], confidence[i, :POINTS, None]], 1)
            readings.append(Reading(whole, xy[POINTS : POINTS + 2], float(is_person[i]), matrix, masks[i]))
        return readings

    def _tensor(self, pictures: np.ndarray, scale: float, shift: float) -> torch.Tensor:
        """(N, H, W, 3) uint8 -> (N, 3, H, W), channels last in memory."""
        return torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2) / scale + shift


def place_of(box: np.ndarray) -> np.ndarray:
    """(..., 4) -> (..., 2, 2): the place of an upright person in a box."""
    center = (box[..., :2] + box[..., 2:]) / 2
    radius = (box[..., 2:] - box[..., :2]).max(-1) / 2
    return np.stack([center, center - np.stack([np.zeros_like(radius), radius], -1)], -2)


def _square(place: np.ndarray) -> np.ndarray:
    """(2, 3) picture -> crop, the person upright and in the middle."""
    center, up = place[0], place[1] - place[0]
    length = max(float(np.hypot(*up)), 1.0)
    down = -up / length
    turn = np.stack([[down[1], -down[0]], down]) * (CROP / 2 / (ROOM * length))
    return np.concatenate([turn, (CROP / 2 - turn @ center)[:, None]], 1)


def _pyramid(image: np.ndarray) -> list[np.ndarray]:
    """The picture, and its halves down to the size of a crop, so that no pixel is skipped when shrinking."""
    levels = [image]
    while min(levels[-1].shape[:2]) >= 2 * CROP:
        height, width = levels[-1].shape[:2]
        levels.append(cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return levels


def _warp(levels: list[np.ndarray], matrix: np.ndarray, size: int, border: int) -> np.ndarray:
    """A square of a picture; the matrix has 0 at the edges, OpenCV at the middle of the first pixel."""
    zoom = float(np.hypot(*matrix[:, 0]))
    level = min(max(int(-np.log2(max(zoom, 1e-9))), 0), len(levels) - 1)
    shrunk = np.array(levels[level].shape[1::-1]) / levels[0].shape[1::-1]
    turn = matrix[:, :2] / shrunk
    shift = matrix[:, 2] + turn @ [0.5, 0.5] - 0.5
    inside = np.concatenate([turn, shift[:, None]], 1)
    return cv2.warpAffine(levels[level], inside, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
