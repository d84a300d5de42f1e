"""The annotated persons, posed: what a picture's flip and turn do to a body, done on the device."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from common.body_models.build import body_model
from common.geometry.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from common.joints import BodyLayout
from common.networks.model import Model
from common.structures import Batch, Body, BodyParams, Crop, Target

Kind = TypeVar("Kind", BodyParams, Body)


class PosedTargets(nn.Module):
    """Mirrors and turns the annotated pose as the main view was, then fills `params` and `body`.

    Hands that were given from a flat hand are from then on given from the mean hand, as all others are.
    `largest_beta`: shapes with a larger coefficient count as failed fits and become the mean shape (published
    by OSX and SMPLer-X, where it is 3). `gendered`: each person is posed as a neutral, female or male body,
    as annotated; else all are neutral. Persons without a view are posed as they are.
    """

    mirrored: Tensor  # (P,) where each joint that turns lands in a mirror

    def __init__(
        self, model: Model, body: BodyLayout, largest_beta: float | None = None, gendered: bool = False
    ) -> None:
        """Raises FileNotFoundError where a body model's file is missing."""
        super().__init__()
        self.main = next(iter(model.views))
        self.largest_beta = largest_beta
        genders = ("female", "male") if gendered else ()  # in the order of `Target.gender`, after neutral
        self.others = nn.ModuleList(body_model(body, gender) for gender in genders)
        own = model.body_model
        is_of_them = body == own.layout and all(other.topology == own.topology for other in self.others)
        self.body_model = own if is_of_them else body_model(body)
        self.register_buffer("mirrored", torch.tensor(body.joints.mirrored), persistent=False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Batch:
        target = from_mean_hand(batch.target, self.body_model.mean_pose)
        if self.main in batch.inputs.crops:
            target = in_view(target, batch.inputs.crops[self.main], self.mirrored)
        if self.largest_beta is not None:
            sound = (target.betas.abs() <= self.largest_beta).all(1, keepdim=True)
            target = replace(target, betas=torch.where(sound, target.betas, 0.0))
        params, body = self.posed(target)
        return replace(batch, target=replace(target, params=params, body=body))

    def posed(self, target: Target) -> tuple[BodyParams, Body]:
        """The bodies of a batch, each of its own gender where that was asked for."""
        numbers = (target.pose, target.betas, target.expression, target.flat_hand)
        params = self.body_model.params(*numbers)
        body = self.body_model(params)
        for gender, model in enumerate(self.others, start=1):
            theirs = target.gender == gender
            own = model.params(*numbers)
            params, body = _chosen(theirs, own, params), _chosen(theirs, model(own), body)
        return params, body


def from_mean_hand(target: Target, mean_pose: Tensor) -> Target:
    """Every hand's pose as the difference from the mean hand, whose axis-angles are `mean_pose` (P, 3)."""
    pose = torch.where(target.flat_hand[:, None, None], target.pose - mean_pose, target.pose)
    return replace(target, pose=pose, flat_hand=torch.zeros_like(target.flat_hand))


def in_view(target: Target, crop: Crop, mirrored: Tensor) -> Target:
    """The pose, and what is known of it, as the view shows the person.

    `mirrored` (P,) is where each joint that turns lands in a mirror; pose in axis-angle, whose mirror across
    the plane x = 0 negates y and z.
    """
    mirror = target.pose.new_tensor([1.0, -1.0, -1.0])
    pose = torch.where(crop.flipped[:, None, None], target.pose[:, mirrored] * mirror, target.pose)
    rotations, others = target.known.split([len(mirrored), 2], 1)
    rotations = torch.where(crop.flipped[:, None], rotations[:, mirrored], rotations)
    root = axis_angle_from_matrix(_turn(crop) @ matrix_from_axis_angle(pose[:, 0]))
    return replace(
        target,
        pose=torch.cat([root[:, None], pose[:, 1:]], 1),
        known=torch.cat([rotations, others], 1),
    )


def _chosen(mask: Tensor, one: Kind, other: Kind) -> Kind:
    """(B,) bool -> for each person the one or the other."""
    pairs = {
        name: torch.where(mask.reshape(-1, *[1] * (value.ndim - 1)), value, getattr(other, name))
        for name, value in vars(one).items()
        if isinstance(value, Tensor)
    }
    return replace(other, **pairs)


def _turn(crop: Crop) -> Tensor:
    """(B, 3, 3) how the view turns what the camera sees, after the mirror: by the crop's angle, backwards."""
    zero = torch.zeros_like(crop.angle)
    return matrix_from_axis_angle(torch.stack([zero, zero, -crop.angle], -1))
