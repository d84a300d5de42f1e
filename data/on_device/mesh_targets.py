"""True meshes: a person's target is the scan or the rendering itself, not a posed body."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from common.body_models import files
from common.body_models.regressors import Regressor
from common.body_models.smplx import SKIN_VERTICES
from common.joints import MANO, MANO_21, SMPLX, SMPLX_144, BodyLayout
from common.networks.model import Model
from common.structures import Batch, Body
from common.utils.errors import UserError

OWNERS = {SMPLX.name: "SMPL-X", MANO.name: "MANO"}  # of the meshes that data sets have


class MeshTargets(nn.Module):
    """Fills `target.body` with the mesh a data set has of each person, `target.vertices`: SMPL-X's or MANO's.

    Joints of SMPL-X are those that turn, regressed from the mesh, and the points that are vertices; the
    face's landmarks, a hand's joints and the shape at rest are not known of a mesh, so they are NaN.
    """

    def __init__(self, model: Model, body: BodyLayout) -> None:
        """Raises FileNotFoundError where the official body model is missing, ValueError for another body."""
        super().__init__()
        if body.name not in OWNERS:
            raise ValueError(f"True meshes are SMPL-X's or MANO's, not {body.name}'s.")
        self.topology = body.name
        self.joints = Regressor(self.topology, "joints") if body.name == SMPLX.name else None

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        """Raises UserError where a person has no such mesh."""
        vertices = batch.target.vertices
        expected = files.FAMILIES[self.topology].vertices
        if vertices.shape[1] != expected:
            raise UserError(
                f"{batch.name[0]} has a mesh of {vertices.shape[1]} vertices, not {OWNERS[self.topology]}'s "
                f"{expected}."
            )
        unknown = torch.full_like(vertices, torch.nan)
        body = Body(vertices, self._joints(vertices), unknown, self.topology)
        return replace(batch, target=replace(batch.target, body=body))

    def _joints(self, vertices: Tensor) -> Tensor:
        """(B, 144, 3), of a hand (B, 21, 3)"""
        if self.joints is None:
            return vertices.new_full((len(vertices), len(MANO_21), 3), torch.nan)
        joints = torch.cat([self.joints.read(vertices), vertices[:, list(SKIN_VERTICES)]], 1)
        landmarks = joints.new_full((len(joints), len(SMPLX_144) - joints.shape[1], 3), torch.nan)
        return torch.cat([joints, landmarks], 1)
