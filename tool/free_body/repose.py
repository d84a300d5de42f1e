"""People from MakeHuman's rest pose into the T-pose of SMPL-X.

Where the rest directions of two bodies agree, the joint angles of one pose the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tool.free_body.people import People
from tool.free_body.skeleton import Bones, joint_shares
from tool.free_body.source import Source
from tool.free_body.turns import about, angle_about, between, turned

# The directions of SMPL-X's left limbs at rest: arms a little down and back, legs a little apart.
_UPPER_ARM = (0.263, -0.054, -0.034)
_FOREARM = (0.251, 0.009, -0.009)
_THIGH = (0.0495, -0.371, -0.013)
_SHIN = (-0.029, -0.407, -0.026)
_TOES_OUT = math.radians(14)
_CHUNK = 50

Turns = dict[str, Tensor]  # bone -> (S, 3, 3), from MakeHuman's rest pose


def t_posed(source: Source, people: People) -> tuple[Tensor, Tensor]:
    """People -> (S, N, 3) vertices and (S, 55, 3) joints in the T-pose, the pelvis at the origin."""
    shares = joint_shares(source.bones)
    vertices, joints = [], []
    for start in range(0, len(people), _CHUNK):
        shaped, heads = source.shapes(people[start : start + _CHUNK])
        posed, heads = _reposed(shaped, heads, source.weights, source.bones, shares)
        found = shares @ heads
        vertices.append(posed - found[:, :1])
        joints.append(found - found[:, :1])
    return torch.cat(vertices), torch.cat(joints)


def _reposed(
    vertices: Tensor, heads: Tensor, weights: Tensor, bones: Bones, shares: Tensor
) -> tuple[Tensor, Tensor]:
    """(S, N, 3), (S, K, 3), (N, K) -> vertices and heads after linear blend skinning into the T-pose."""
    turns: Turns = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        limb = _Limb(heads, bones, shares, side, sign)
        turns |= limb.named(_arm(limb)) | limb.named(_leg(limb))
    still = torch.eye(3).expand(len(heads), 3, 3)
    rotations: list[Tensor] = []
    moved: list[Tensor] = []
    for k, (name, parent) in enumerate(zip(bones.names, bones.parents, strict=True)):
        rotations.append(turns.get(name, still if parent < 0 else rotations[parent]))
        step = heads[:, k] - heads[:, parent]
        moved.append(heads[:, k] if parent < 0 else moved[parent] + turned(rotations[parent], step))
    rotation, position = torch.stack(rotations, 1), torch.stack(moved, 1)  # (S, K, 3, 3), (S, K, 3)
    shift = position - turned(rotation, heads)
    motion = torch.cat([rotation, shift[..., None]], -1).flatten(2)  # (S, K, 12)
    blended = (weights @ motion).unflatten(-1, (3, 4))
    return turned(blended[..., :3], vertices) + blended[..., 3], position


class _Limb:
    """One side's bones, and directions given for the left as that side has them."""

    def __init__(self, heads: Tensor, bones: Bones, shares: Tensor, side: str, sign: float) -> None:
        self._heads, self._bones = heads, bones
        self._suffix = ".L" if side == "left" else ".R"
        self.sign = sign
        self.hip = (shares @ heads)[:, 1 if side == "left" else 2]

    def at(self, bone: str) -> Tensor:
        """(S, 3) where the bone begins."""
        return self._heads[:, self._bones.index(bone + self._suffix)]

    def facing(self, direction: tuple[float, float, float]) -> Tensor:
        """(S, 3) the left side's direction, on this side."""
        x, y, z = direction
        return self._heads.new_tensor([self.sign * x, y, z]).expand(len(self._heads), 3)

    def named(self, turns: Turns) -> Turns:
        return {bone + self._suffix: turn for bone, turn in turns.items()}


def _arm(limb: _Limb) -> Turns:
    """The arm raised, the elbow's hinge upright, the palm down; any twist is spread along the forearm."""
    at, upper_arm, forearm = limb.at, limb.facing(_UPPER_ARM), limb.facing(_FOREARM)
    upper, lower = at("lowerarm01") - at("upperarm01"), at("wrist") - at("lowerarm01")
    raised = between(upper, upper_arm)
    # Bending the elbow must bring the hand forward, so the hinge of the left elbow points down.
    hinge, down = turned(raised, torch.linalg.cross(upper, lower)), limb.facing((0.0, -1.0, 0.0))
    roll = angle_about(upper_arm, hinge, limb.sign * down)
    rolled = about(upper_arm, roll) @ raised
    straight = between(turned(rolled, lower), forearm) @ rolled
    sideways = limb.facing((1.0, 0.0, 0.0))
    level = between(turned(straight, at("finger3-1") - at("wrist")), sideways) @ straight
    twist = angle_about(forearm, turned(level, _palm(limb)), down)
    hand = about(sideways, twist) @ level
    return {
        "clavicle": between(upper, upper_arm, 0.15),
        "shoulder01": between(upper, upper_arm, 0.40),
        "upperarm01": about(upper_arm, 0.5 * roll) @ raised,
        "upperarm02": rolled,
        "lowerarm01": about(forearm, 0.35 * twist) @ straight,
        "lowerarm02": about(forearm, 0.75 * twist) @ straight,
        "wrist": hand,
        **_fingers(limb.at, hand),
    }


def _palm(limb: _Limb) -> Tensor:
    """(S, 3) out of the palm, square to the knuckles of the index and little fingers."""
    wrist = limb.at("wrist")
    normal = torch.linalg.cross(limb.at("finger2-1") - wrist, limb.at("finger5-1") - wrist)
    return -limb.sign * normal


def _fingers(at: Callable[[str], Tensor], hand: Tensor) -> Turns:
    """Four fingers straight in the plane of the palm, a little less spread; the thumb goes with the hand."""
    turns = {}
    for finger in (f"finger{k}" for k in (2, 3, 4, 5)):
        along = turned(hand, at(f"{finger}-3") - at(f"{finger}-1")) * hand.new_tensor([1.0, 0.0, 0.6])
        for k, (start, end) in enumerate(((1, 2), (2, 3), (2, 3)), start=1):  # the last has no end of its own
            bone = turned(hand, at(f"{finger}-{end}") - at(f"{finger}-{start}"))
            turns[f"{finger}-{k}"] = between(bone, along) @ hand
    return turns


def _leg(limb: _Limb) -> Turns:
    """Thigh and shin along SMPL-X's, the sole level, the toes a little out."""
    at = limb.at
    thigh, shin = at("lowerleg01") - limb.hip, at("foot") - at("lowerleg01")
    hip = between(thigh, limb.facing(_THIGH))
    foot = at("toe3-1") - at("foot")
    yaw = limb.sign * _TOES_OUT - torch.atan2(foot[:, 0], foot[:, 2])
    return {
        "upperleg01": hip,
        "lowerleg01": between(turned(hip, shin), limb.facing(_SHIN)) @ hip,
        "foot": about(limb.facing((0.0, 1.0, 0.0)), yaw),
    }
