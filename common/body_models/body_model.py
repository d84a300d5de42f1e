"""The contract of a body model: BodyParams in, a Body out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from common.body_models.skin_points import SkinPoints
from common.body_models.skinning import Blend, ancestors, forward_kinematics, skin
from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import BodyLayout, JointSet
from common.structures import Body, BodyParams


class BodyModel(nn.Module):
    """A body that coefficients shape and rotations pose: SMPL and its family (Loper et al. 2015).

    Its numbers are non-persistent buffers, so checkpoints never hold a body, and none of them depends on the
    batch. Bodies are posed in float32 under autocast too, and where the network around them is cast to half
    precision. For float64 ask the constructor: `.double()` comes after the files' numbers were rounded.
    """

    template: Tensor  # (V * 3,) the mean shape
    directions: Tensor  # (S + E, V * 3) a row a coefficient
    rest_joints: Tensor  # (P * 3,) of the mean shape
    joint_directions: Tensor  # (S + E, P * 3)
    mean_pose: Tensor  # (P, 3) axis-angle: the mean hands, zero elsewhere
    unturned: Tensor  # ((P - 1) * 9,) the rotations, but the root's, of a body at rest
    parents: Tensor  # (P,) P for the root
    ancestors: Tensor  # see `skinning`
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
        """`arrays` as `read_body` gives them, with "mean_pose" (P, 3) where the hands have one."""
        super().__init__()
        self.layout = layout
        self.joint_set = joint_set
        self.topology = topology
        self.skin_points = skin_points
        with torch.device("cpu"):  # a network built on the meta device still computes these constants
            self._keep_shape(arrays, dtype)
            self._keep_tree(arrays["kintree_table"][0], dtype)
            corrections = arrays["posedirs"].astype(np.float32).swapaxes(0, 1)  # x of all vertices first
            self.corrections = Blend(torch.tensor(corrections, dtype=dtype).flatten(0, 1))
            self.blend = Blend(torch.tensor(arrays["weights"].astype(np.float32), dtype=dtype))
            self._keep("mean_pose", arrays.get("mean_pose", np.zeros((len(layout.joints), 3))), dtype)
            self._keep("faces", arrays["f"].astype(np.int64), torch.int64)

    def _keep_shape(self, arrays: Mapping[str, np.ndarray], dtype: torch.dtype) -> None:
        """The joints are linear in the shape: they are regressed here, once for each direction."""
        # Published: the official layer rounds the files to float32, in a float64 model too.
        shape, directions, regressor = (
            arrays[name].astype(np.float32).astype(np.float64)
            for name in ("v_template", "shapedirs", "J_regressor")
        )
        directions = directions.transpose(2, 0, 1)
        self._keep("template", shape.reshape(-1), dtype)
        self._keep("directions", directions.reshape(len(directions), -1), dtype)
        self._keep("rest_joints", (regressor @ shape).reshape(-1), dtype)
        self._keep("joint_directions", (regressor @ directions).reshape(len(directions), -1), dtype)

    def _keep_tree(self, above: np.ndarray, dtype: torch.dtype) -> None:
        parents = [-1, *above[1:].astype(np.int64).tolist()]
        self._keep("parents", np.array([len(parents), *parents[1:]]), torch.int64)
        self._keep("ancestors", ancestors(parents).numpy(), torch.int64)
        self._keep("unturned", np.tile(np.eye(3).reshape(-1), len(parents) - 1), dtype)

    def _keep(self, name: str, values: np.ndarray, dtype: torch.dtype) -> None:
        self.register_buffer(name, torch.tensor(values, dtype=dtype), persistent=False)

    @property
    def weights(self) -> Tensor:
        """(V, P) how much each joint moves a vertex."""
        return self.blend.matrix

    def corrections_of(self, vertex: int) -> Tensor:
        """((P - 1) * 9, 3) how each entry of the rotations, but the root's, moves a vertex at rest."""
        return self.corrections.matrix.unflatten(0, (3, -1))[:, vertex].mT

    def params(self, pose: Tensor, betas: Tensor, expression: Tensor, flat_hand: Tensor) -> BodyParams:
        """Numbers as annotated -> as posed: pose (B, P, 3) in axis-angle, flat_hand (B,) bool.

        Hands are annotated relative to the mean hand unless `flat_hand`; as in the official layers, the mean
        is added to the axis-angle vectors before they become matrices.
        """
        mean = self.mean_pose * (~flat_hand).to(self.mean_pose.dtype)[:, None, None]
        return BodyParams(matrix_from_axis_angle(pose + mean), betas, expression)

    def axis_angle(self, params: BodyParams) -> Tensor:
        """(B, P, 3) the pose as annotated, hands relative to the mean hand: the way back of `params`."""
        return axis_angle_from_matrix(params.rotations) - self.mean_pose

    def forward(self, params: BodyParams) -> Body:
        """Shape and pose a batch. The root joint stays where the shape has it: translate what comes out.

        Raises ValueError where the numbers of coefficients are not the layout's.
        """
        self._check(params)
        with _without_autocast(self.template.device.type):
            dtype = self.template.dtype
            rotations = params.rotations.to(dtype)
            coefficients = torch.cat([params.betas, params.expression], -1).to(dtype)
            rest = torch.addmm(self.template, coefficients, self.directions).unflatten(-1, (-1, 3))
            joints = self._rest_joints(coefficients)
            turned = rotations[:, 1:].flatten(1) - self.unturned
            bent = self.corrections(turned.mT).unflatten(0, (3, -1))
            frames = forward_kinematics(rotations, joints, self.parents, self.ancestors)
            moved = skin(bent + rest.permute(2, 1, 0), joints, frames, self.blend)
            vertices = moved.flatten(0, 1).mT.contiguous().unflatten(1, (-1, 3))
            joints = torch.cat([frames[..., :3, 3], self.skin_points(moved, frames[..., :3, :3])], 1)
        return Body(vertices, joints, rest, self.topology)

    def turning_joints(self, params: BodyParams) -> Tensor:
        """(B, P, 3) the first of `forward`'s joints, those that turn; without the mesh, many times faster."""
        self._check(params)
        with _without_autocast(self.template.device.type):
            rotations = params.rotations.to(self.template.dtype)
            coefficients = torch.cat([params.betas, params.expression], -1).to(self.template.dtype)
            joints = self._rest_joints(coefficients)
            return forward_kinematics(rotations, joints, self.parents, self.ancestors)[..., :3, 3]

    def standing(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S) the first betas -> mesh (B, V, 3) and turning joints (B, P, 3) at rest, neutral of face."""
        betas = betas.to(self.template)
        directions, joint_directions = (
            rows[: betas.shape[1]] for rows in (self.directions, self.joint_directions)
        )
        vertices = torch.addmm(self.template, betas, directions).unflatten(-1, (-1, 3))
        return vertices, torch.addmm(self.rest_joints, betas, joint_directions).unflatten(-1, (-1, 3))

    def _rest_joints(self, coefficients: Tensor) -> Tensor:
        """(B, S + E) -> (B, P, 3)."""
        return torch.addmm(self.rest_joints, coefficients, self.joint_directions).unflatten(-1, (-1, 3))

    def _check(self, params: BodyParams) -> None:
        asked = (params.rotations.shape[1], params.betas.shape[1], params.expression.shape[1])
        has = (len(self.layout.joints), self.layout.betas, self.layout.expression)
        if asked != has:
            raise ValueError(
                f"This {self.layout.name} body takes {has[0]} rotations, {has[1]} betas and {has[2]} "
                f"expression coefficients, not {asked[0]}, {asked[1]} and {asked[2]}."
            )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Follow the network around to its device, but not to half precision: it would cost centimeters."""
        return super()._apply(lambda tensor: _at_least_float32(tensor, fn(tensor)), recurse)


def _at_least_float32(before: Tensor, after: Tensor) -> Tensor:
    is_half = after.is_floating_point() and after.element_size() < 4
    return before.to(after.device) if is_half else after


def _without_autocast(device: str) -> AbstractContextManager:
    is_on = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if is_on else nullcontext()
