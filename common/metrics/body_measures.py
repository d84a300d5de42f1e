"""How well a shape is met, as SHAPY's benchmark has it: the mesh at rest, and what a tailor measures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from common.body_models.body_model import BodyModel
from common.body_models.build import body_model
from common.body_models.measurements import Measurements, measure_mesh
from common.body_models.regressors import shared_regressor
from common.joints import SMPLX
from common.metrics.metric import Metric
from common.metrics.point_error import MILLIMETERS
from common.metrics.points import Measured, Points
from common.structures import Batch, Prediction

DENSITY = 985.0  # kilograms a cubic meter of body
LENGTHS = ("height", "chest", "waist", "hips")


@dataclass(frozen=True)
class StandingMesh(Points):
    """The mesh that the neutral SMPL-X body makes of predicted betas, and the true one, `target.vertices`.

    Seen from its own middle; of `points`, such as the 20 000 of "hd", or of the vertices.
    """

    points: str | None = None

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        guess, truth = self._seen(standing(prediction)), self._seen(batch.target.vertices)
        return guess, truth

    def _seen(self, vertices: Tensor) -> Measured:
        if self.points:
            vertices = shared_regressor(SMPLX.name, self.points, vertices.device).read(vertices)
        return Measured(vertices, vertices.mean(1, keepdim=True), f"{self.points or 'vertices'} of a shape")


@dataclass(frozen=True)
class BodyMeasures(Metric):
    """How far height and girths are off, in millimeters, and `mass_kg` in kilograms.

    Height is that from soles to crown (published: from the left heel to the top of the head), mass the volume
    times 985 kg/m3; girths are `common.body_models.measurements`' own.
    """

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        guess, truth = measures(standing(prediction)), measures(batch.target.vertices)
        off = {name: MILLIMETERS * (getattr(guess, name) - getattr(truth, name)).abs() for name in LENGTHS}
        return {**off, "mass_kg": DENSITY * (guess.volume.abs() - truth.volume.abs()).abs()}


def standing(prediction: Prediction) -> Tensor:
    """(B, V, 3) the neutral mesh of the predicted shape; ValueError where that is not SMPL-X's."""
    if prediction.body.topology != SMPLX.name:
        raise ValueError(f"Shapes are compared on SMPL-X meshes, not on a {prediction.body.topology} one.")
    betas = prediction.params.betas
    return _model(betas.device).standing(betas)[0]


def measures(vertices: Tensor) -> Measurements:
    """(B, V, 3) of SMPL-X at rest -> their measures."""
    joints = shared_regressor(SMPLX.name, "joints", vertices.device).read(vertices)
    return measure_mesh(_model(vertices.device), vertices, joints)


@cache
def _model(device: torch.device) -> BodyModel:
    return body_model(SMPLX, free="never").to(device)
