"""Distances of points after an alignment: MPJPE, MPVPE, PA-MPJPE, PVE-T and their kin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from common.geometry import align
from common.metrics.metric import Metric
from common.metrics.points import Measured, Points
from common.structures import Batch, Prediction

MILLIMETERS = 1000.0


@dataclass(frozen=True)
class PointError(Metric):
    """The mean distance of a person's points from the true ones, in millimeters; NaN where none is known.

    `alignment`: "none" compares them where they are, "root" as seen from the root of each, "scale" after the
    best translation and scale, "procrustes" after the best translation, scale and rotation.
    """

    name: str  # "mpjpe", "pa_mpvpe" ...
    points: Points
    alignment: Literal["none", "root", "scale", "procrustes"] = "root"

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        guess, truth = self.points.predicted(prediction.body), self.points.true(batch.target)
        if guess.kind != truth.kind:
            raise ValueError(f"{self.name} cannot compare a {guess.kind} with a {truth.kind}.")
        aligned, goal = self._aligned(guess, truth)
        distance = MILLIMETERS * (aligned - goal).norm(dim=-1)
        if truth.confidence is None:
            return {self.name: distance.mean(1)}
        total = torch.where(truth.confidence > 0, distance, 0.0).sum(1)
        return {self.name: total / (truth.confidence > 0).sum(1)}

    def _aligned(self, guess: Measured, truth: Measured) -> tuple[Tensor, Tensor]:
        match self.alignment:
            case "none":
                return guess.points, truth.points
            case "root":
                return guess.points - guess.origin, truth.points - truth.origin
            case "scale":
                return align.scaled(guess.points, truth.points, truth.confidence), truth.points
        return align.procrustes(guess.points, truth.points, truth.confidence), truth.points
