"""How a hand's own view of its wrist is put on the body: the forearm takes what the wrist cannot."""

from __future__ import annotations

import math
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import normalize

from common.geometry.rotation import matrix_from_axis_angle, quaternion_from_matrix
from common.joints import SMPLX_55

LARGEST_TWIST = 0.4 * math.pi  # of a wrist about the forearm
MIRROR = ((1.0, -1.0, -1.0), (-1.0, 1.0, 1.0), (-1.0, 1.0, 1.0))  # of a rotation across the plane x = 0
_SPINE = SMPLX_55.indices(("pelvis", "spine1", "spine2", "spine3"))
CHAINS = tuple(
    (*_SPINE, *SMPLX_55.indices((f"{side}_collar", f"{side}_shoulder", f"{side}_elbow")))
    for side in ("left", "right")
)
ELBOWS = SMPLX_55.indices(("left_elbow", "right_elbow"))
WRISTS = SMPLX_55.indices(("left_wrist", "right_wrist"))
NECK = (*_SPINE, SMPLX_55.index("neck"))
HEAD = SMPLX_55.index("head")


def mirrored(rotations: Tensor) -> Tensor:
    """(..., 3, 3) -> the same in a mirror across the plane x = 0."""
    return rotations * rotations.new_tensor(MIRROR)


def in_space(rotations: Tensor, chain: tuple[int, ...]) -> Tensor:
    """(B, P, 3, 3) relative to parents -> (B, 3, 3) how the last joint of a chain is turned in space."""
    return reduce(torch.matmul, rotations[:, list(chain)].unbind(1))


def with_hands(
    rotations: Tensor, hands: Tensor, forearms: Tensor, visible: Tensor, adaptive: bool = True
) -> Tensor:
    """Wrists as the hands' own views have them, where those are visible.

    rotations (B, P, 3, 3) relative to parents, P at least 22; hands (B, 2, 3, 3) left and right wrist in
    space; forearms (B, 2, 3) from elbow to wrist in the rest pose; visible (B, 2) bool. `adaptive`: what a
    wrist would twist beyond 0.4 pi, the elbow does. Returns the rotations (B, P, 3, 3).
    """
    elbows, wrists = rotations[:, list(ELBOWS)], rotations[:, list(WRISTS)]
    above = torch.stack([in_space(rotations, chain) for chain in CHAINS], 1)
    local = above.mT @ hands
    turned = elbows
    if adaptive:
        axis = normalize(forearms, dim=-1)
        angle = twist(local, axis)
        excess = matrix_from_axis_angle(axis * (angle - angle.clamp(-LARGEST_TWIST, LARGEST_TWIST)))
        local, turned = excess.mT @ local, elbows @ excess
    seen = visible[..., None, None]
    local, turned = torch.where(seen, local, wrists), torch.where(seen, turned, elbows)
    return torch.cat([rotations[:, : ELBOWS[0]], turned, local, rotations[:, WRISTS[1] + 1 :]], 1)


def with_head(rotations: Tensor, head: Tensor, visible: Tensor) -> Tensor:
    """The head (B, 3, 3) as the face's own view has it in space, where that is visible (B,) bool."""
    local = torch.where(visible[:, None, None], in_space(rotations, NECK).mT @ head, rotations[:, HEAD])
    return torch.cat([rotations[:, :HEAD], local[:, None], rotations[:, HEAD + 1 :]], 1)


def twist(rotations: Tensor, axis: Tensor) -> Tensor:
    """(..., 3, 3), unit axis (..., 3) -> (..., 1) how far they turn about the axis, -pi to pi."""
    quaternion = quaternion_from_matrix(rotations)  # its w is not negative
    along = (quaternion[..., 1:] * axis).sum(-1, keepdim=True)
    return 2 * torch.atan2(along, quaternion[..., :1])
