"""The contract of a body model: BodyParams in, a Body out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from common.body_models.skin_points import SkinPoints
from common.body_models.skinning import ancestors, forward_kinematics, skin
from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import BodyLayout, JointSet
from common.structures import Body, BodyParams


class BodyModel(nn.Module):
    """A body that is shaped by coefficients and posed by rotations (SMPL and its family, Loper et al. 2015).

    Everything is a non-persistent buffer, so checkpoints never hold a body; nothing depends on the batch. Posing
    stays in float32 under autocast and where a network around it is cast to half precision.
    """

    template: Tensor  # (V * 3,) the mean shape
    directions: Tensor  # (S + E, V * 3) per coefficient
    corrections: Tensor  # ((P - 1) * 9, V * 3) per entry of each rotation but the root's
    weights: Tensor  # (V, P)
    rest_joints: Tensor  # (P * 3,) of the mean shape
    joint_directions: Tensor  # (S + E, P * 3)
    parents: Tensor  # (P,) P for the root
    ancestors: Tensor  # see `skinning`
    mean_pose: Tensor  # (P, 3) axis-angle: the mean hand, zero elsewhere
    faces: Tensor  # (F, 3)

    def __init__(
        self,
        layout: BodyLayout,
        joint_set: JointSet,
        topology: str,
        arrays: Mapping[str, np.ndarray],
        skin_points: SkinPoints,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`arrays` by their official names; shapedirs already cut to the layout's betas, then expression."""
        super().__init__()
        self.layout = layout
        self.joint_set = joint_set
        self.topology = topology
        self.skin_points = skin_points
        count = len(layout.joints)
        parents = [int(parent) for parent in arrays["kintree_table"][0].astype(np.int64)]
        parents[0] = -1
        # Published: the official layer rounds these to float32, in a float64 model too.
        shape = arrays["v_template"].astype(np.float32).astype(np.float64)
        directions = arrays["shapedirs"].astype(np.float32).astype(np.float64)
        regressor = arrays["J_regressor"].astype(np.float32).astype(np.float64)
        corrections = arrays["posedirs"].astype(np.float32)

        def constant(name: str, values: np.ndarray, kind: torch.dtype = dtype) -> None:
            self.register_buffer(
                name, torch.from_numpy(np.ascontiguousarray(values)).to(kind), persistent=False
            )

        constant("template", shape.reshape(-1))
        constant("directions", directions.reshape(-1, directions.shape[-1]).T)
        constant("corrections", corrections.reshape(-1, corrections.shape[-1]).T)
        constant("weights", arrays["weights"].astype(np.float32))
        constant("rest_joints", (regressor @ shape).reshape(-1))
        constant("joint_directions", np.einsum("jv,vcs->sjc", regressor, directions).reshape(-1, count * 3))
        constant("mean_pose", arrays.get("mean_pose", np.zeros((count, 3))))
        constant("faces", arrays["f"].astype(np.int64), torch.int64)
        constant("parents", np.array([count if p < 0 else p for p in parents]), torch.int64)
        self.register_buffer("ancestors", ancestors(parents), persistent=False)

    def params(self, pose: Tensor, betas: Tensor, expression: Tensor, flat_hand: Tensor) -> BodyParams:
        """The numbers as annotated -> as posed: pose (B, P, 3) in axis-angle, flat_hand (B,) bool.

        Hands are annotated relative to the mean hand unless `flat_hand`; as in the official layers, the mean is
        added to the axis-angle vectors before they become matrices.
        """
        mean = self.mean_pose * (~flat_hand).to(self.mean_pose.dtype)[:, None, None]
        return BodyParams(matrix_from_axis_angle(pose + mean), betas, expression)

    def axis_angle(self, params: BodyParams) -> Tensor:
        """(B, P, 3) the pose as it is annotated, hands relative to the mean hand: the way back of `params`."""
        return axis_angle_from_matrix(params.rotations) - self.mean_pose

    def forward(self, params: BodyParams) -> Body:
        """Shape and pose a batch; the root stays where the shape has it, so move the result to translate it."""
        with _without_autocast(self.template.device.type):
            dtype = self.template.dtype
            rotations = params.rotations.to(dtype)
            coefficients = torch.cat([params.betas, params.expression], -1).to(dtype)
            rest = torch.addmm(self.template, coefficients, self.directions)
            joints = torch.addmm(self.rest_joints, coefficients, self.joint_directions).unflatten(-1, (-1, 3))
            turned = (rotations[:, 1:] - torch.eye(3, dtype=dtype, device=rest.device)).flatten(1)
            shaped = torch.addmm(rest, turned, self.corrections).unflatten(-1, (-1, 3))
            frames = forward_kinematics(rotations, joints, self.parents, self.ancestors)
            vertices = skin(shaped, joints, frames, self.weights)
            points = self.skin_points(vertices, frames[..., :3, :3])
        return Body(
            vertices, torch.cat([frames[..., :3, 3], points], 1), rest.unflatten(-1, (-1, 3)), self.topology
        )


def _without_autocast(device: str) -> AbstractContextManager:
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()
