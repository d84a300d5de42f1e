"""NanoDet: boxes of all persons in a picture."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from demo.detectors import boxes
from demo.detectors.nanodet_network import NanoDetNetwork
from demo.detectors.weights import load

SIZES = (
    416,
    320,
)  # pixels of the longer side: the one it was trained at, and one where large persons are surer
MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
SUPPRESSION = 0.6


class NanoDet:
    """Looks at the whole picture in each of the sizes."""

    def __init__(
        self,
        threshold: float = 0.35,
        sizes: tuple[int, ...] = SIZES,
        device: torch.device | str = "cpu",
    ) -> None:
        self.threshold = threshold
        self.sizes = sizes
        self.device = device
        self.network = load(NanoDetNetwork(), "nanodet", device)

    @torch.inference_mode()
    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> boxes (N, 4) in pixels of the picture, 0 being its edge, and scores (N,)."""
        looks = [self._look(image, size) for size in self.sizes]
        return boxes.fused(
            np.concatenate([box for box, _ in looks]),
            np.concatenate([score for _, score in looks]),
            SUPPRESSION,
        )

    def _look(self, image: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """All boxes above the threshold, many for one person."""
        height, width = image.shape[:2]
        scale = size / max(height, width)
        small_width, small_height = max(1, round(width * scale)), max(1, round(height * scale))
        sampling = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, (small_width, small_height), interpolation=sampling)
        picture = np.zeros((-(-small_height // 32) * 32, -(-small_width // 32) * 32, 3), np.float32)
        picture[:small_height, :small_width] = (small - MEAN) / STD
        found = self.network(torch.from_numpy(picture).to(self.device).permute(2, 0, 1)[None])
        sure = found.scores[0] > self.threshold
        edges = found.boxes[0, sure].cpu().numpy() * np.tile([width / small_width, height / small_height], 2)
        return edges.clip(0, [width, height, width, height]), found.scores[0, sure].cpu().numpy()
