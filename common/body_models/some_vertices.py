"""A few vertices of a body, posed without the rest of its mesh: where a network looks at nothing else."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.body_models.body_model import BodyModel
from common.body_models.skinning import Blend, forward_kinematics, skin
from common.structures import BodyParams


class SomeVertices(nn.Module):
    """Agrees with the body model's own vertices to rounding; its numbers are copies, kept in no file."""

    def __init__(self, body: BodyModel, vertices: Tensor) -> None:
        """`vertices` (N,) by number, in any order."""
        super().__init__()
        axes = (3 * vertices[:, None] + torch.arange(3, device=vertices.device)).flatten()
        self._keep("template", body.template[axes])
        self._keep("directions", body.directions[:, axes])
        for name in ("rest_joints", "joint_directions", "unturned", "parents", "ancestors"):
            self._keep(name, getattr(body, name))
        self.corrections = Blend(body.corrections.matrix.unflatten(0, (3, -1))[:, vertices].flatten(0, 1))
        self.blend = Blend(body.weights[vertices])

    def _keep(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values.clone(), persistent=False)

    def forward(self, params: BodyParams) -> Tensor:
        """(B, N, 3)."""
        coefficients = torch.cat([params.betas, params.expression], -1)
        rest = torch.addmm(self.template, coefficients, self.directions).unflatten(-1, (-1, 3))
        joints = torch.addmm(self.rest_joints, coefficients, self.joint_directions).unflatten(-1, (-1, 3))
        turned = params.rotations[:, 1:].flatten(1) - self.unturned
        bent = self.corrections(turned.mT).unflatten(0, (3, -1))
        frames = forward_kinematics(params.rotations, joints, self.parents, self.ancestors)
        return skin(bent + rest.permute(2, 1, 0), joints, frames, self.blend).permute(2, 0, 1)
