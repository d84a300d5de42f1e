"""NanoDet: boxes of all persons in a picture."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from demo.detectors import boxes
from demo.detectors.nanodet_network import NanoDetNetwork
from demo.detectors.weights import load

SIZE = 416  # pixels, the longer side of what the network sees
MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
SUPPRESSION = 0.6


class NanoDet:
    """Finds persons of about 20 pixels and more in a picture of `SIZE`."""

    def __init__(self, threshold: float = 0.35, device: torch.device | str = "cpu") -> None:
        self.threshold = threshold
        self.device = device
        self.network = load(NanoDetNetwork(), "nanodet", device)

    @torch.inference_mode()
    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> boxes (N, 4) in pixels of the picture, 0 being its edge, and scores (N,)."""
        height, width = image.shape[:2]
        scale = SIZE / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        picture = np.zeros((-(-size[1] // 32) * 32, -(-size[0] // 32) * 32, 3), np.float32)
        picture[: size[1], : size[0]] = (small - MEAN) / STD
        tensor = torch.from_numpy(picture).to(self.device).permute(2, 0, 1)[None]
        found = self.network(tensor)
        sure = found.scores[0] > self.threshold
        scores = found.scores[0, sure].cpu().numpy()
        edges = found.boxes[0, sure].cpu().numpy() * np.tile([width / size[0], height / size[1]], 2)
        edges = np.clip(edges, 0, [width, height, width, height])
        kept = boxes.strongest(edges, scores, SUPPRESSION)
        return edges[kept], scores[kept]
