"""From what is said of each part to what poses a body, a hand or a head."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from common.geometry.rotation import matrix_from_6d
from common.networks.pymaf_x.integration import mirrored
from common.networks.pymaf_x.regressors import Numbers
from common.structures import BodyParams

Estimate = dict[str, Numbers]  # of "body", "hand" (all right ones, then all left ones mirrored), "face"


def turns(pose: Tensor) -> Tensor:
    """(B, J * 6) -> (B, J, 3, 3)."""
    return matrix_from_6d(pose.unflatten(-1, (-1, 6)))


def both_hands(pose: Tensor) -> Tensor:
    """(2 B, J * 6) right hands, then left ones mirrored -> (B, 2, J, 3, 3) left and right as they are."""
    right, left = turns(pose).chunk(2)
    return torch.stack([mirrored(left), right], 1)


def mean_hands(hand: Tensor, batch: int) -> Tensor:
    """(90,) the mean right hand -> (B, 2, 15, 3, 3) left and right; the left is its mirror (published)."""
    right = turns(hand[None])
    return torch.stack([mirrored(right), right], 1).expand(batch, -1, -1, -1, -1)


def whole(rotations: Tensor, betas: Tensor, hands: Tensor, face: Numbers) -> BodyParams:
    """What poses SMPL-X: (B, 24, 3, 3) turns of the body, (B, 2, 15, 3, 3) hands, jaw and eyes."""
    turned = torch.cat([rotations[:, :22], turns(face.pose), hands.flatten(1, 2)], 1)
    return BodyParams(turned, betas, face.expression)


def resting(rotations: Tensor, betas: Tensor, hand: Tensor, expression: int) -> BodyParams:
    """What poses SMPL-X where nothing is said of hands, as the mean right one (90,), and face, at rest."""
    hands = mean_hands(hand, len(rotations)).flatten(1, 2)
    face = torch.eye(3, dtype=hands.dtype, device=hands.device).expand(len(hands), 3, 3, 3)
    turned = torch.cat([rotations[:, :22], face, hands], 1)
    return BodyParams(turned, betas, betas.new_zeros(len(betas), expression))


def with_hands(params: BodyParams, hands: Tensor) -> BodyParams:
    """Other hands, (B, 2, 15, 3, 3) left and right."""
    return replace(params, rotations=torch.cat([params.rotations[:, :25], hands.flatten(1, 2)], 1))


def without_expression(params: BodyParams) -> BodyParams:
    """The same body with a neutral face."""
    return replace(params, expression=torch.zeros_like(params.expression))


def hand_params(hand: Numbers) -> BodyParams:
    """What poses MANO's right hand."""
    return BodyParams(turns(torch.cat([hand.root, hand.pose], 1)), hand.betas, hand.expression)


def face_params(face: Numbers) -> BodyParams:
    """What poses FLAME: its neck rests."""
    root, others = turns(face.root)[:, 0:1], turns(face.pose)
    neck = torch.eye(3, dtype=root.dtype, device=root.device).expand_as(root)
    return BodyParams(torch.cat([root, neck, others], 1), face.betas, face.expression)
