"""BlazePose: where persons may be in a picture, and the key points of those at given places."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from demo.detectors import blazepose_detector, blazepose_landmarks, boxes, squares
from demo.detectors.weights import load

SUPPRESSION = 0.3
SEARCH = blazepose_detector.SIZE
POINTS = 33  # of BLAZEPOSE_33; the next two say where the person is
AT_ONCE, AT_ONCE_ON_CPU = 64, 2  # crops; more of them leave the cache of a processor, and take longer each
MARGIN = 0.1  # of the longer side, which a person may reach beyond the box given
BORDER = 3  # pixels from the edge of the picture, where a box may go on beyond it
SMALLEST = 0.3  # radius of a person, in sizes of the box
LARGEST = 3.0  # the same, at most: the picture may show a small part of the person
EVERYWHERE = np.array([-np.inf, -np.inf, np.inf, np.inf])


@dataclass
class Reading:
    """What was read at one place of a picture; pixels of the picture, 0 being its edge."""

    points: np.ndarray  # (33, 3) x, y, confidence
    place: np.ndarray  # (2, 2) where the network says the person is
    is_person: float  # probability
    matrix: np.ndarray  # (2, 3) picture -> crop
    mask: np.ndarray | None  # (256, 256) logits, in the crop


class BlazePose:
    """The two networks and what surrounds them. Places are those of `squares`."""

    def __init__(self, threshold: float = 0.5, device: torch.device | str = "cpu") -> None:
        self.threshold = threshold
        self.device = device
        self.detector = load(blazepose_detector.DetectorNetwork(), "blazepose_detector", device)
        self.landmarks = load(blazepose_landmarks.LandmarkNetwork(), "blazepose_full", device)

    @torch.inference_mode()
    def find(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> places (N, 2, 2) and scores (N,)."""
        height, width = image.shape[:2]
        return self._find(squares.pyramid(image, SEARCH), np.array([0.0, 0.0, width, height]), EVERYWHERE)

    @torch.inference_mode()
    def places_in(self, image: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """(N, 4) -> (N, 2, 2): of the person in each box, even if the picture shows only a part of the body.

        The detector looks for who is lying, or cut at top or bottom; where it sees nobody of a likely size,
        and in all other boxes, the place is that of somebody upright who fills the box.
        """
        levels = squares.pyramid(image, SEARCH)
        places = squares.place_of(frames)
        for i, (box, shown) in enumerate(zip(frames, boxes.grown(frames, MARGIN), strict=True)):
            if not (_is_cut(box, image.shape) or _is_wide(box)):
                continue  # somebody upright fills it, and a neighbor may be seen in it too
            found, _ = self._find(levels, shown, shown)
            if len(found) and _likely(found[0], box):
                places[i] = found[0]
        return places

    def _find(
        self, levels: list[np.ndarray], box: np.ndarray, shown: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Places and scores, the surest first, in the square around a box; what is not `shown` is blurred."""
        middle, side = (box[:2] + box[2:]) / 2, max(float((box[2:] - box[:2]).max()), 1.0)
        scale = SEARCH / side
        matrix = np.concatenate([np.eye(2) * scale, (SEARCH / 2 - scale * middle)[:, None]], 1)
        picture = squares.cut(levels, matrix, SEARCH, cv2.BORDER_CONSTANT)
        picture = squares.blurred_outside(picture, matrix, shown)
        found = self.detector(self._tensor(picture[None]) / 127.5 - 1)
        sure = found.scores[0] > self.threshold
        scores = found.scores[0, sure].cpu().numpy()
        kept = boxes.strongest(found.boxes[0, sure].cpu().numpy(), scores, SUPPRESSION)
        places = found.points[0, sure].cpu().numpy()[kept, :2]
        return squares.carried_back(places, matrix), scores[kept]

    @torch.inference_mode()
    def read(
        self,
        image: np.ndarray,
        places: np.ndarray,
        frames: np.ndarray | None = None,
        passes: int = 2,
        with_mask: bool = False,
    ) -> list[Reading]:
        """The persons at the places (N, 2, 2) of an (H, W, 3) uint8 RGB picture.

        Every pass but the first looks where the one before it said. Of each person only what lies in the
        frame (N, 4) is shown to the network, so that it does not slip onto a neighbor; without frames, all.
        """
        levels = squares.pyramid(image, blazepose_landmarks.SIZE)
        shown = np.tile(EVERYWHERE, (len(places), 1)) if frames is None else boxes.grown(frames, MARGIN)
        readings = []
        count = AT_ONCE_ON_CPU if torch.device(self.device).type == "cpu" else AT_ONCE
        for start in range(0, len(places), count):
            some = slice(start, start + count)
            where = places[some]
            for i in range(passes):
                read = self._read(levels, where, shown[some], with_mask and i == passes - 1)
                where = np.stack([reading.place for reading in read])
            readings += read
        return readings

    def _read(
        self, levels: list[np.ndarray], places: np.ndarray, shown: np.ndarray, with_mask: bool
    ) -> list[Reading]:
        size = blazepose_landmarks.SIZE
        matrices = [squares.matrix_of(place, size) for place in places]
        crops = [squares.cut(levels, matrix, size, cv2.BORDER_REPLICATE) for matrix in matrices]
        crops = [squares.blurred_outside(*each) for each in zip(crops, matrices, shown, strict=True)]
        seen = self.landmarks(self._tensor(np.stack(crops)) / 255, with_mask=with_mask)
        assert seen.heat is not None
        points = blazepose_landmarks.refined(seen.points[..., :2], seen.heat).cpu().numpy()
        confidence = (seen.visibility * seen.presence).cpu().numpy()[..., None]
        is_person = seen.is_person.tolist()
        masks = [None] * len(places) if seen.mask is None else list(seen.mask.cpu().numpy())
        readings = []
        for i, matrix in enumerate(matrices):
            xy = squares.carried_back(points[i], matrix)
            joints = np.concatenate([xy, confidence[i]], 1)[:POINTS]
            readings.append(Reading(joints, xy[POINTS : POINTS + 2], is_person[i], matrix, masks[i]))
        return readings

    def _tensor(self, pictures: np.ndarray) -> torch.Tensor:
        """(N, H, W, 3) uint8 -> (N, 3, H, W) float32, channels last in memory."""
        return torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).float()


def _is_cut(box: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a box (4,) reaches top or bottom of the picture; one cut at a side still says how tall."""
    return bool(box[1] <= BORDER or box[3] >= shape[0] - BORDER)


def _is_wide(box: np.ndarray) -> bool:
    """Whether a box (4,) is wider than tall, as that of somebody lying."""
    return bool(box[2] - box[0] > box[3] - box[1])


def _likely(place: np.ndarray, box: np.ndarray) -> bool:
    """Whether a place may be of the person in a box that the picture cuts: who may be far larger than it."""
    size = float((box[2:] - box[:2]).max())
    away = float(np.hypot(*(place[0] - (box[:2] + box[2:]) / 2)))
    radius = float(np.hypot(*(place[1] - place[0])))
    return SMALLEST * size < radius < LARGEST * size and away < LARGEST * size / 2
