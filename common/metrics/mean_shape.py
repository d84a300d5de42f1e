"""The mean shape in place of a predicted one: what a network that says shapes must do better than."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from common.body_models.build import body_model
from common.joints import SMPL
from common.metrics.points import Measured, Points, Vertices
from common.structures import Batch, Prediction


@dataclass(frozen=True)
class MeanShape(Points):
    """The true shape at rest, against the mean shape of the free SMPL body; ValueError for other bodies."""

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        if batch.target.body is None:
            raise ValueError("The benchmark's `prepare` made no true body; use one that does: PosedTargets.")
        truth = Vertices(root=(), rest=True).read(batch.target.body)
        topology, mean = _mean(truth.points.device)
        if batch.target.body.topology != topology:
            raise ValueError(f"The mean shape is that of a {topology} body, not of another one.")
        return Measured(mean.expand_as(truth.points), truth.origin, truth.kind), truth


@cache
def _mean(device: torch.device) -> tuple[str, Tensor]:
    body = body_model(SMPL, free="only")
    return body.topology, body.template.unflatten(0, (-1, 3)).to(device)
