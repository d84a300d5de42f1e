"""Which of a body's rotations a joint hangs on, so that it is known where they are."""

from __future__ import annotations

import torch
from torch import Tensor

from common.joints import BodyLayout, JointSet

TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
LEG = ("pelvis", "{side}_hip", "{side}_knee", "{side}_ankle", "{side}_foot")
ARM = (*TRUNK[:4], "{side}_collar", "{side}_shoulder", "{side}_elbow", "{side}_wrist", "{side}_hand")
RIDES_ON = {  # points of the skin, by the joint that moves them
    "nose": "head", **{f"{{side}}_{point}": "head" for point in ("eye", "ear")},
    "{side}_big_toe": "{side}_foot", "{side}_small_toe": "{side}_foot", "{side}_heel": "{side}_ankle",
}  # fmt: skip
PARTS = {  # of the model's joints: what they ride on, which rotations of the body are theirs
    "left_hand": ("left_wrist", "left_hand"),
    "right_hand": ("right_wrist", "right_hand"),
    "face": ("head", "jaw"),
}


def requirements(joint_set: JointSet, body: BodyLayout) -> Tensor:
    """(P + 2, J) 1 where a joint of the set hangs on a rotation of the body, or on its expression.

    The root's rotation bears all. Raises ValueError for a joint of which nobody knows what it hangs on.
    """
    needs = torch.zeros(len(body.joints) + 2, len(joint_set))
    chains = _chains()
    part_of = {name: part for part in PARTS for name in joint_set.names[joint_set.parts.get(part, slice(0))]}
    for place, name in enumerate(joint_set.names):
        part = part_of.get(name)
        bearers = chains.get(PARTS[part][0] if part else name)
        if bearers is None:
            raise ValueError(f"Nobody knows what '{name}' of '{joint_set.name}' hangs on; see bearers.py.")
        above = bearers if part or name in _riders() else bearers[:-1] or bearers
        needs[list(body.joints.indices(above)), place] = 1
        if part:
            needs[body.joints.parts[PARTS[part][1]], place] = 1
            needs[-1, place] = float(part == "face")
    return needs


def _riders() -> dict[str, str]:
    return {
        point.format(side=side): joint.format(side=side)
        for point, joint in RIDES_ON.items()
        for side in ("left", "right")
    }


def _chains() -> dict[str, tuple[str, ...]]:
    """The joints from the root to each joint of the body, or to what bears a point of the skin."""
    sided = [(limb, side) for limb in (LEG, ARM) for side in ("left", "right")]
    limbs = [TRUNK, *(tuple(name.format(side=side) for name in limb) for limb, side in sided)]
    chains = {limb[place]: limb[: place + 1] for limb in limbs for place in range(len(limb))}
    return chains | {point: chains[joint] for point, joint in _riders().items()}
