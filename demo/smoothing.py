"""Smooth motion over time: the One-Euro filter on rotations, shape and place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.structures import BodyParams


@dataclass
class OneEuro:
    """Follows a signal: slow parts are smoothed hard, fast parts hardly (Casiez et al., 2012).

    A signal is anything with a difference and a step: `away(a, b)` says how to get from b to a, `moved(b, d)`
    goes there. So one filter serves numbers and rotations alike.
    """

    rate: float  # frames a second
    least_cutoff: float = 1.0  # Hz: the smoothing of a signal at rest
    speed_weight: float = 0.5  # Hz a unit of speed: how soon smoothing gives way to motion
    speed_cutoff: float = 1.0  # Hz: the smoothing of the speed itself

    def __post_init__(self) -> None:
        self.value: Tensor | None = None
        self.speed: Tensor | None = None

    def weight(self, cutoff: Tensor | float) -> Tensor | float:
        """How much of the way to a new value is gone, for a cutoff in Hz."""
        return 1 / (1 + self.rate / (2 * math.pi * cutoff))

    def __call__(self, value: Tensor) -> Tensor:
        """The next frame's value, smoothed; the first as it is."""
        if self.value is None:
            self.value, self.speed = value, torch.zeros_like(self.away(value, value))
            return value
        difference = self.away(value, self.value)
        self.speed = self.speed + self.weight(self.speed_cutoff) * (difference * self.rate - self.speed)
        cutoff = self.least_cutoff + self.speed_weight * self.speed.norm(dim=-1, keepdim=True)
        self.value = self.moved(self.value, self.weight(cutoff) * difference)
        return self.value

    def away(self, value: Tensor, start: Tensor) -> Tensor:
        return value - start

    def moved(self, start: Tensor, step: Tensor) -> Tensor:
        return start + step


class RotationOneEuro(OneEuro):
    """The same on (..., 3, 3) rotations: differences are axis-angles in the old frame, the shortest turns."""

    def away(self, value: Tensor, start: Tensor) -> Tensor:
        return axis_angle_from_matrix(start.mT @ value)

    def moved(self, start: Tensor, step: Tensor) -> Tensor:
        return start @ matrix_from_axis_angle(step)


class Smoother:
    """One person's motion, smoothed frame by frame; shape and expression follow slowest."""

    def __init__(self, rate: float) -> None:
        self.rotations = RotationOneEuro(rate, least_cutoff=1.5, speed_weight=1.0)
        self.betas = OneEuro(rate, least_cutoff=0.1, speed_weight=0.0)
        self.expression = OneEuro(rate, least_cutoff=1.5)
        self.translation = OneEuro(rate, least_cutoff=1.0, speed_weight=2.0)

    def __call__(self, params: BodyParams, translation: Tensor) -> tuple[BodyParams, Tensor]:
        """One person's next frame (a batch of one) and its (1, 3) place in the camera's frame, meters."""
        smooth = replace(
            params,
            rotations=self.rotations(params.rotations),
            betas=self.betas(params.betas),
            expression=self.expression(params.expression),
        )
        return smooth, self.translation(translation)
