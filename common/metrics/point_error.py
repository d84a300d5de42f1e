"""Distances of points after an alignment: MPJPE, MPVPE, PA-MPJPE, PVE-T and their kin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from common.geometry import align
from common.metrics.metric import Metric
from common.metrics.points import Measured, NotComparable, Points
from common.structures import Batch, Prediction

MILLIMETERS = 1000.0


@dataclass(frozen=True)
class PointError(Metric):
    """The mean distance of a person's points from the true ones, in millimeters; NaN where none counts.

    Of several `points`, such as two hands, each is aligned and measured alone, and the person's number is the
    mean of those that apply. `alignment`: "none" compares points where they are, "root" as seen from the root
    of each, "scale" after the best translation and scale, "procrustes" after the best translation, scale and
    rotation.
    """

    name: str  # "mpjpe", "pa_mpvpe_hands" ...
    points: Points | tuple[Points, ...]
    alignment: Literal["none", "root", "scale", "procrustes"] = "root"

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        choices = self.points if isinstance(self.points, tuple) else (self.points,)
        errors = [self.error(*points.pair(prediction, batch)) for points in choices]
        return {self.name: torch.stack(errors).nanmean(0)}

    def scored(self, distance: Tensor) -> Tensor:
        """(B, N) millimeters -> what is averaged."""
        return distance

    def error(self, guess: Measured, truth: Measured) -> Tensor:
        """(B,) the mean score; NotComparable for points of two kinds."""
        if guess.kind != truth.kind:
            raise NotComparable(f"{self.name} cannot compare the {guess.kind} with the {truth.kind}.")
        aligned, goal = self._aligned(guess, truth)
        distance = self.scored(MILLIMETERS * (aligned - goal).norm(dim=-1))
        masks = [mask for mask in (truth.known, truth.counted) if mask is not None]
        if not masks:
            return distance.mean(1)
        counts = torch.stack([mask > 0 for mask in masks]).all(0)
        return torch.where(counts, distance, 0.0).sum(1) / counts.sum(1)

    def _aligned(self, guess: Measured, truth: Measured) -> tuple[Tensor, Tensor]:
        match self.alignment:
            case "none":
                return guess.points, truth.points
            case "root":
                return guess.points - guess.origin, truth.points - truth.origin
            case "scale":
                return align.scaled(guess.points, truth.points, truth.known), truth.points
        return align.procrustes(guess.points, truth.points, truth.known), truth.points


@dataclass(frozen=True)
class CorrectPoints(PointError):
    """The percentage of a person's points that are nearer than a distance: PCK; the mean of several: AUC."""

    within: tuple[float, ...] = (150.0,)  # millimeters; the mean of the shares of all of these

    def scored(self, distance: Tensor) -> Tensor:
        limits = torch.tensor(self.within, dtype=distance.dtype, device=distance.device)
        return 100 * (distance[..., None] < limits).to(distance.dtype).mean(-1)
