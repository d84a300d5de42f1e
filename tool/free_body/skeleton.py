"""From MakeHuman's 163 bones to the 55 joints of SMPL-X: where each joint lies and whose skin it turns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from common.joints import SMPLX_55

_FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
_SIDES = (("left", ".L", ".R"), ("right", ".R", ".L"))


@dataclass(frozen=True)
class Bones:
    """MakeHuman's skeleton."""

    names: tuple[str, ...]
    parents: tuple[int, ...]  # -1 for the root; parents come first

    def index(self, name: str) -> int:
        return self.names.index(name)


def joint_shares(bones: Bones) -> Tensor:
    """(55, K): each joint as a mean of bone heads, so that `shares @ heads` are the joints."""
    shares = torch.zeros(len(SMPLX_55), len(bones.names))
    for joint, recipe in _recipes().items():
        for bone, share in recipe.items():
            shares[SMPLX_55.index(joint), bones.index(bone)] = share
    return shares


def _recipes() -> dict[str, dict[str, float]]:
    """Joint -> bones and shares. Beside MakeHuman's, SMPL-X has a long spine, a high pelvis, narrow hips."""
    recipes: dict[str, dict[str, float]] = {
        "pelvis": {"upperleg01.L": 0.225, "upperleg01.R": 0.225, "spine04": 0.55},
        "spine1": {"spine04": 0.35, "spine03": 0.65},
        "spine2": {"spine02": 0.9, "spine01": 0.1},
        "spine3": {"spine02": 0.55, "spine01": 0.45},
        "neck": {"neck01": 1.0},
        "head": {"head": 1.0},
        "jaw": {"jaw": 1.0},
    }
    for side, this, other in _SIDES:
        recipes |= {
            f"{side}_hip": {"upperleg01" + this: 0.925, "upperleg01" + other: 0.075},
            f"{side}_knee": {"lowerleg01" + this: 1.0},
            f"{side}_ankle": {"foot" + this: 1.0},
            f"{side}_foot": {f"toe{toe}-1{this}": 0.2 for toe in range(1, 6)},
            f"{side}_collar": {"clavicle" + this: 0.8, "shoulder01" + this: 0.2},
            f"{side}_shoulder": {"upperarm01" + this: 1.0},
            f"{side}_elbow": {"lowerarm01" + this: 1.0},
            f"{side}_wrist": {"wrist" + this: 1.0},
            f"{side}_eyeball": {"eye" + this: 1.0},
        }
        for finger, number in _FINGERS.items():
            recipes |= {f"{side}_{finger}_{k}": {f"finger{number}-{k}{this}": 1.0} for k in (1, 2, 3)}
    return recipes


def owners(bones: Bones) -> list[int]:
    """(K,) the joint that turns each bone's skin: its own, else that of its nearest ancestor with one."""
    own = _owned_bones()
    found: list[str] = []
    for name, parent in zip(bones.names, bones.parents, strict=True):
        base, _, side = name.partition(".")
        if name in own:
            found.append(own[name])
        elif base.startswith("toe"):
            found.append("left_foot" if side == "L" else "right_foot")
        elif base == "breast":
            found.append("spine3")
        else:
            found.append("pelvis" if parent < 0 else found[parent])
    return [SMPLX_55.index(joint) for joint in found]


def _owned_bones() -> dict[str, str]:
    own = {"spine04": "spine1", "spine03": "spine2", "spine02": "spine3"}
    own |= {"neck01": "neck", "head": "head", "jaw": "jaw"}
    limbs = {
        "upperleg01": "hip", "lowerleg01": "knee", "foot": "ankle", "clavicle": "collar",
        "upperarm01": "shoulder", "lowerarm01": "elbow", "wrist": "wrist", "eye": "eyeball",
    }  # fmt: skip
    for side, this, _ in _SIDES:
        own |= {bone + this: f"{side}_{joint}" for bone, joint in limbs.items()}
        for finger, number in _FINGERS.items():
            own |= {f"finger{number}-{k}{this}": f"{side}_{finger}_{k}" for k in (1, 2, 3)}
    return own


def joint_weights(bone_weights: Tensor, bones: Bones, eyeball: Tensor) -> Tensor:
    """(N, K) skinning weights of the bones -> (N, 55) of the joints, rows summing to one.

    `eyeball` (N,) is 1 on the left eyeball, -1 on the right, 0 elsewhere. An eyeball is rigid, and the lids,
    which MakeHuman lets follow it, stay with the head.
    """
    weights = torch.zeros(len(bone_weights), len(SMPLX_55))
    weights = weights.index_add(1, torch.tensor(owners(bones)), bone_weights)
    left, right, head = SMPLX_55.indices(("left_eyeball", "right_eyeball", "head"))
    weights[:, head] += weights[:, left] + weights[:, right]
    weights[:, [left, right]] = 0
    weights[eyeball != 0] = 0
    weights[eyeball > 0, left] = 1
    weights[eyeball < 0, right] = 1
    return weights / weights.sum(1, keepdim=True)


def smpl_joints(joints: Tensor) -> Tensor:
    """(S, 55, 3) -> (S, 24, 3): the first 22, then a point in each palm."""
    left, right = SMPLX_55.indices(("left_middle_1", "right_middle_1"))
    wrists = SMPLX_55.indices(("left_wrist", "right_wrist"))
    palms = 0.75 * joints[:, [left, right]] + 0.25 * joints[:, list(wrists)]
    return torch.cat([joints[:, :22], palms], 1)


def smpl_weights(weights: Tensor) -> Tensor:
    """(N, 55) -> (N, 24): fingers turn with the palm, jaw and eyes with the head."""
    parts = SMPLX_55.parts
    palms = [weights[:, parts[hand]].sum(1, keepdim=True) for hand in ("left_hand", "right_hand")]
    body = weights[:, parts["body"]].clone()
    body[:, SMPLX_55.index("head")] += weights[:, parts["jaw"]].sum(1) + weights[:, parts["eyes"]].sum(1)
    return torch.cat([body, *palms], 1)
