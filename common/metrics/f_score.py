"""How many points of two meshes lie near the other mesh, which need not have the same vertices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from common.geometry import align
from common.metrics.metric import Metric
from common.metrics.points import Points
from common.structures import Batch, Prediction


@dataclass(frozen=True)
class FScore(Metric):
    """The harmonic mean of two shares, 0 to 1: of predicted points that have a true one nearer than a
    distance, and of true ones that have a predicted one (Knapitsch et al., 2017; FreiHAND's evaluation).

    Points are compared after the best translation, scale and rotation (`aligned`), or where they are.
    """

    name: str  # "pa_f_5" ...
    points: Points
    millimeters: float
    aligned: bool = True

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        guess, truth = self.points.pair(prediction, batch)
        if guess.kind != truth.kind:
            raise ValueError(f"{self.name} cannot compare the {guess.kind} with the {truth.kind}.")
        points = align.procrustes(guess.points, truth.points) if self.aligned else guess.points
        apart = 1000 * torch.cdist(points, truth.points, compute_mode="donot_use_mm_for_euclid_dist")
        near = [(apart.amin(axis) < self.millimeters).to(apart.dtype).mean(1) for axis in (2, 1)]
        total = near[0] + near[1]
        return {self.name: torch.where(total > 0, 2 * near[0] * near[1] / total.clamp_min(1e-12), 0.0)}
