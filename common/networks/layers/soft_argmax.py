"""Where a heat map points: the expected cell under its softmax (Sun et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_argmax(scores: Tensor) -> tuple[Tensor, Tensor]:
    """(B, J, H, W) or (B, J, D, H, W) scores -> positions (B, J, 2 or 3) as x, y (, z), probabilities.

    A position is counted in whole cells from the center of the first one, so from 0 to W - 1 along x.
    """
    probability = scores.float().flatten(2).softmax(-1).view(scores.shape)
    axes = range(scores.dim() - 1, 1, -1)  # x is the last
    positions = [_expected(probability, axis) for axis in axes]
    return torch.stack(positions, -1), probability


def _expected(probability: Tensor, axis: int) -> Tensor:
    others = [other for other in range(2, probability.dim()) if other != axis]
    cells = torch.arange(probability.shape[axis], dtype=probability.dtype, device=probability.device)
    return probability.sum(others) @ cells
