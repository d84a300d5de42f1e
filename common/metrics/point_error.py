"""Distances of points after an alignment: MPJPE, MPVPE, PA-MPJPE, PVE-T and their kin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from common.geometry import align
from common.metrics.metric import Metric
from common.metrics.points import Measured, NotComparable, Points
from common.structures import Batch, Prediction

Alignment = Literal["none", "root", "scale", "procrustes"]

MILLIMETERS = 1000.0


@dataclass(frozen=True)
class PointError(Metric):
    """The mean distance of a person's points from the true ones, in millimeters; NaN where none counts.

    Of several `points`, such as two hands, each is aligned and measured alone, and the person's number is the
    mean of those that apply. `alignment`: "none" compares points where they are, "root" as seen from the root
    of each, "scale" after the best translation and scale, "procrustes" after the best translation, scale and
    rotation. `with_pa` says the last one too, as "pa_<name>": both of points that are read once.
    """

    name: str  # "mpjpe", "pa_mpvpe_hands" ...
    points: Points | tuple[Points, ...]
    alignment: Alignment = "root"
    with_pa: bool = False

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        choices = self.points if isinstance(self.points, tuple) else (self.points,)
        pairs = [self._pair(points, prediction, batch) for points in choices]
        asked: dict[str, Alignment] = {self.name: self.alignment}
        if self.with_pa:
            asked[f"pa_{self.name}"] = "procrustes"
        return {
            name: torch.stack([self.error(*pair, alignment) for pair in pairs]).nanmean(0)
            for name, alignment in asked.items()
        }

    def scored(self, distance: Tensor) -> Tensor:
        """(B, N) millimeters -> what is averaged."""
        return distance

    def error(self, guess: Measured, truth: Measured, alignment: Alignment) -> Tensor:
        """(B,) the mean score."""
        distance = self.scored(_distances(guess, truth, alignment).mul_(MILLIMETERS))
        masks = [mask > 0 for mask in (truth.known, truth.counted) if mask is not None]
        if not masks:
            return distance.mean(1)
        counts = masks[0] if len(masks) == 1 else masks[0] & masks[1]
        return torch.where(counts, distance, 0.0).sum(1) / counts.sum(1)

    def _pair(self, points: Points, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        """The points guessed and the true ones; NotComparable where they are of two kinds."""
        guess, truth = points.pair(prediction, batch)
        if guess.kind != truth.kind:
            raise NotComparable(f"{self.name} cannot compare the {guess.kind} with the {truth.kind}.")
        laid_out = (replace(each, points=align.axis_by_axis(each.points)) for each in (guess, truth))
        return tuple(laid_out)


@dataclass(frozen=True)
class CorrectPoints(PointError):
    """The percentage of a person's points that are nearer than a distance: PCK; the mean of several: AUC."""

    within: tuple[float, ...] = (150.0,)  # millimeters; the mean of the shares of all of these

    def scored(self, distance: Tensor) -> Tensor:
        limits = torch.tensor(self.within, dtype=distance.dtype, device=distance.device)
        return 100 * (distance[..., None] < limits).to(distance.dtype).mean(-1)


def _distances(guess: Measured, truth: Measured, alignment: Alignment) -> Tensor:
    """(B, N) meters."""
    match alignment:
        case "none":
            return align.distances(guess.points, truth.points)
        case "root":
            return align.distances(guess.points, truth.points, truth.origin - guess.origin)
        case "scale":
            return align.distances(align.scaled(guess.points, truth.points, truth.known), truth.points)
    return align.distances_aligned(guess.points, truth.points, truth.known)
