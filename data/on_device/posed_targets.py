"""The annotated persons, posed: what a picture's flip and turn do to a body, done on the device."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from common.body_models.build import body_model
from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import BodyLayout
from common.networks.model import Model
from common.structures import Batch, Crop, Target


class PosedTargets(nn.Module):
    """Mirrors and turns the annotated pose as the main view was, then fills `params` and `body`.

    `largest_beta`: shapes with a larger coefficient count as failed fits and become the mean shape (published by
    OSX and SMPLer-X, where it is 3). Persons without a view are posed as they are.
    """

    mirrored: Tensor  # (P,) where each joint that turns lands in a mirror

    def __init__(self, model: Model, body: BodyLayout, largest_beta: float | None = None) -> None:
        super().__init__()
        self.main = next(iter(model.views))
        self.largest_beta = largest_beta
        self.body_model = model.body_model if body == model.body_model.layout else body_model(body)
        self.register_buffer("mirrored", torch.tensor(body.joints.mirrored), persistent=False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        target = batch.target
        if self.main in batch.inputs.crops:
            target = self.in_view(target, batch.inputs.crops[self.main])
        if self.largest_beta is not None:
            sound = (target.betas.abs() <= self.largest_beta).all(1, keepdim=True)
            target = replace(target, betas=torch.where(sound, target.betas, 0.0))
        params = self.body_model.params(target.pose, target.betas, target.expression, target.flat_hand)
        return replace(batch, target=replace(target, params=params, body=self.body_model(params)))

    def in_view(self, target: Target, crop: Crop) -> Target:
        """The pose, and what is known of it, as the view shows the person."""
        flipped = crop.flipped
        mirror = target.pose.new_tensor([1.0, -1.0, -1.0])  # across the plane x = 0, for axis-angle
        places = self.mirrored
        pose = torch.where(flipped[:, None, None], target.pose[:, places] * mirror, target.pose)
        rotations, others = target.known.split([len(places), 2], 1)
        rotations = torch.where(flipped[:, None], rotations[:, places], rotations)
        root = axis_angle_from_matrix(turn(crop) @ matrix_from_axis_angle(pose[:, 0]))
        return replace(
            target,
            pose=torch.cat([root[:, None], pose[:, 1:]], 1),
            known=torch.cat([rotations, others], 1),
        )


def turn(crop: Crop) -> Tensor:
    """(B, 3, 3) how the view turns what the camera sees, after the mirror: read off the map of its pixels."""
    linear = crop.matrix[:, :, :2]
    mirror = torch.where(crop.flipped, -1.0, 1.0)
    x, y = linear[..., 0] * mirror[:, None], linear[..., 1]
    angle = torch.atan2(x[:, 1] - y[:, 0], x[:, 0] + y[:, 1])
    return matrix_from_axis_angle(torch.stack([torch.zeros_like(angle), torch.zeros_like(angle), angle], -1))
