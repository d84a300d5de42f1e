"""Losses of maps: which part of a surface each pixel shows, and where on it (PyMAF-X, after DensePose)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, smooth_l1_loss

from common.structures import Prediction, Target

SURFACES = 25  # DensePose's 24, the background first
# the 15 groups of them: background, trunk front and back, hands, feet, and both sides of limbs and head
GROUP = (0, 1, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 14)


@dataclass(frozen=True)
class SurfaceIndex:
    """Which surface a pixel shows, `surface` of the extras, or which group of them, where `grouped`.

    Cross entropy; the mean is over the pixels of the persons whose maps could be drawn.
    """

    grouped: bool = False

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        truth = surfaces(target)
        if self.grouped:
            truth = truth.new_tensor(GROUP)[truth]
        logits = prediction.extras["surface_group" if self.grouped else "surface"]
        losses = cross_entropy(logits, truth, reduction="none").flatten(1).mean(1)
        known = target.extras["map_known"]
        return torch.where(known > 0, losses, 0.0).sum() / known.sum().clamp(min=1)


@dataclass(frozen=True)
class SurfaceCoordinate:
    """Where on its surface a pixel lies, `u` or `v` of the extras, in the channel of the true surface.

    Half of Huber's loss, summed over the pixels of persons whose maps could be drawn, the background with a
    channel and zeros of its own (published), and divided by the number of all persons.
    """

    axis: Literal["u", "v"]

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        index = surfaces(target)[:, None]
        guess = prediction.extras[self.axis].gather(1, index)
        truth = target.extras["map"][:, 1 if self.axis == "u" else 2, None]
        losses = smooth_l1_loss(guess, truth, reduction="none").flatten(1).sum(1)
        return 0.5 * torch.where(target.extras["map_known"] > 0, losses, 0.0).sum() / len(losses)


@dataclass(frozen=True)
class Coordinates:
    """Where on the resting hand or face a pixel lies, `coordinates` of the extras (B, 3, h, w).

    Huber's loss, summed over the pixels of persons whose maps could be drawn, divided by their number.
    """

    def __call__(self, prediction: Prediction, target: Target) -> Tensor:
        known = target.extras["map_known"]
        losses = smooth_l1_loss(prediction.extras["coordinates"], target.extras["map"], reduction="none")
        return torch.where(known > 0, losses.flatten(1).sum(1), 0.0).sum() / known.sum().clamp(min=1)


def surfaces(target: Target) -> Tensor:
    """(B, h, w) which surface each pixel shows, 0 for none: what the map's first channel rounds to."""
    return (target.extras["map"][:, 0] * (SURFACES - 1)).round().long()
