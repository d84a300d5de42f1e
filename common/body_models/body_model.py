"""The contract of a body model: BodyParams in, a Body out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from common.body_models.skin_points import SkinPoints
from common.body_models.skinning import Blend, ancestors, forward_kinematics, skin
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
    rest_joints: Tensor  # (P * 3,) of the mean shape
    joint_directions: Tensor  # (S + E, P * 3)
    unturned: Tensor  # ((P - 1) * 9,) the rotations, but the root's, of a body at rest
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
        constant("rest_joints", (regressor @ shape).reshape(-1))
        constant("joint_directions", np.einsum("jv,vcs->sjc", regressor, directions).reshape(-1, count * 3))
        constant("mean_pose", arrays.get("mean_pose", np.zeros((count, 3))))
        constant("unturned", np.tile(np.eye(3).reshape(-1), count - 1))
        constant("faces", arrays["f"].astype(np.int64), torch.int64)
        constant("parents", np.array([count if p < 0 else p for p in parents]), torch.int64)
        self.register_buffer("ancestors", ancestors(parents), persistent=False)
        corrections = corrections.swapaxes(0, 1).reshape(-1, corrections.shape[-1])  # x of all vertices first
        self.corrections = Blend(torch.from_numpy(corrections).to(dtype))
        self.blend = Blend(torch.from_numpy(arrays["weights"].astype(np.float32)).to(dtype))

    @property
    def weights(self) -> Tensor:
        """(V, P) how much each joint moves a vertex."""
        return self.blend.matrix

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
            rest = torch.addmm(self.template, coefficients, self.directions).unflatten(-1, (-1, 3))
            joints = torch.addmm(self.rest_joints, coefficients, self.joint_directions).unflatten(-1, (-1, 3))
            turned = rotations[:, 1:].flatten(1) - self.unturned
            bent = self.corrections(turned.mT).unflatten(0, (3, -1))
            frames = forward_kinematics(rotations, joints, self.parents, self.ancestors)
            moved = skin(bent + rest.permute(2, 1, 0), joints, frames, self.blend)
            vertices = moved.flatten(0, 1).mT.contiguous().unflatten(1, (-1, 3))
            points = self.skin_points(moved, frames[..., :3, :3])
        return Body(vertices, torch.cat([frames[..., :3, 3], points], 1), rest, self.topology)

    def corrections_of(self, vertex: int) -> Tensor:
        """((P - 1) * 9, 3) how each entry of the rotations but the root's moves a vertex at rest."""
        return self.corrections.matrix.unflatten(0, (3, -1))[:, vertex].mT


def _without_autocast(device: str) -> AbstractContextManager:
    is_on = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if is_on else nullcontext()
