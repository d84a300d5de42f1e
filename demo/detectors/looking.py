"""A network that looks at turned squares of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from demo.detectors import squares

Array = np.ndarray
AT_ONCE, AT_ONCE_ON_CPU = 64, 4  # squares; more of them leave the cache of a processor, and take longer each


class Looking:
    """The network is given RGB in 0..1, and answers with a named tuple of tensors, one row a square."""

    def __init__(self, network: nn.Module, size: int, device: torch.device | str = "cpu") -> None:
        self.network = network
        self.size = size
        self.device = device

    @torch.inference_mode()
    def __call__(self, levels: list[Array], places: Sequence[Array]) -> tuple[Any, list[Array]]:
        """`squares.pyramid` of a picture, places (2, 2) -> the answer as arrays, picture -> square (2, 3)."""
        matrices = [squares.matrix_of(place, self.size) for place in places]
        count = AT_ONCE_ON_CPU if torch.device(self.device).type == "cpu" else AT_ONCE
        answers = [
            self._look(levels, matrices[start : start + count]) for start in range(0, len(places), count)
        ]
        parts = zip(*answers, strict=True)
        return type(answers[0])(*(torch.cat(part).cpu().numpy() for part in parts)), matrices

    def _look(self, levels: list[Array], matrices: list[Array]) -> Any:
        crops = np.stack([squares.cut(levels, each, self.size, cv2.BORDER_REPLICATE) for each in matrices])
        return self.network(torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2).float() / 255)
