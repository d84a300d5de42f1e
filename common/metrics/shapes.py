"""The mesh of a person's shape, unposed and on SMPL: what measures of shape compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch

from common.body_models.body_model import BodyModel
from common.body_models.build import body_model
from common.body_models.regressors import shared_regressor
from common.joints import SMPL
from common.metrics.points import Measured, NotComparable, Points
from common.structures import Batch, Body, Prediction

GENDERS = ("neutral", "female", "male")  # in the order of `Target.gender`


@dataclass(frozen=True)
class RestMesh(Points):
    """The rest pose's vertices as SMPL's; a mesh of SMPL-X is transferred by the official correspondences.

    `gendered` takes the predicted coefficients for those of the body of the true gender, as the helper that
    SSP-3D publishes does; else the prediction is what the network's own body makes of them, neutral mostly.
    """

    gendered: bool = False

    def read(self, body: Body) -> Measured:
        points, topology = body.rest, body.topology
        if topology == "smplx":
            points, topology = shared_regressor("smplx", "smpl", points.device).read(points), "smpl"
        return Measured(points, torch.zeros_like(points[:, :1]), f"{topology} mesh")

    def pair(self, prediction: Prediction, batch: Batch) -> tuple[Measured, Measured]:
        guess, truth = super().pair(prediction, batch)
        if not self.gendered:
            return guess, truth
        betas = prediction.params.betas
        if prediction.body.topology != "smpl" or betas.shape[1] != SMPL.betas:
            raise NotComparable(
                f"Only the {SMPL.betas} coefficients of SMPL can be taken for a body of another gender, "
                f"not the {betas.shape[1]} of a {prediction.body.topology} body; leave that reading out."
            )
        meshes = torch.stack([_model(gender, betas.device).standing(betas)[0] for gender in GENDERS], 1)
        chosen = meshes[torch.arange(len(betas), device=betas.device), batch.target.gender]
        return replace(guess, points=chosen), truth


@cache
def _model(gender: str, device: torch.device) -> BodyModel:
    return body_model(SMPL, gender, free="never").to(device)
