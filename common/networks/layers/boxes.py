"""Square boxes around parts, from a predicted center and size."""

from __future__ import annotations

import torch
from torch import Tensor


def square_boxes(centers: Tensor, sizes: Tensor, enlarged: Tensor) -> Tensor:
    """Centers and sizes (..., 2) -> x0 y0 x1 y1 (..., 4): the longer side both ways, times `enlarged` (...).

    Published: sizes may be negative, and a negative side turns its box inside out.
    """
    half = (sizes.amax(-1) * enlarged / 2)[..., None]
    return torch.cat([centers - half, centers + half], -1)
