"""The 21 vertices that the formats report as joints: nose, eyes, ears, feet, finger tips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from common.joints import SMPLX_55
from tool.free_body.skeleton import Bones
from tool.free_body.turns import unit

_FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
_TOES = {"big_toe": "toe1-2", "small_toe": "toe5-3"}
_HEEL_HEIGHT = 0.035  # meters above the ground


@dataclass(frozen=True)
class Skin:
    """What is known of each vertex of a mesh in the T-pose."""

    vertices: Tensor  # (V, 3)
    joints: Tensor  # (55, 3)
    bone_weights: Tensor  # (V, K)
    on_head: Tensor  # (V,) bool
    eyeball: Tensor  # (V,) 1 left, -1 right
    visible: Tensor  # (V,) share of the surroundings that it sees


def find_keypoints(skin: Skin, bones: Bones) -> dict[str, int]:
    """Key point -> vertex: the outermost one each time."""
    v = skin.vertices
    middle = skin.on_head & (v[:, 0].abs() < 1e-3) & (skin.visible > 0.2)
    found = {"nose": _outermost(v[:, 2], middle)}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        suffix = ".L" if side == "left" else ".R"

        def weight(bone: str, suffix: str = suffix) -> Tensor:
            return skin.bone_weights[:, bones.index(bone + suffix)]

        found[f"{side}_eye"] = _outermost(v[:, 2], skin.eyeball == sign)
        found[f"{side}_ear"] = _ear(skin, sign)
        for finger, number in _FINGERS.items():
            last = (weight(f"finger{number}-3") > 0.5) & (skin.visible > 0.1)
            start, end = SMPLX_55.indices((f"{side}_{finger}_2", f"{side}_{finger}_3"))
            found[f"{side}_{finger}_tip"] = _outermost(v @ unit(skin.joints[end] - skin.joints[start]), last)
        for toe, bone in _TOES.items():
            found[f"{side}_{toe}"] = _outermost(v[:, 2], (weight(bone) > 0.4) & (skin.visible > 0.1))
        low = v[:, 1] < v[:, 1].min() + _HEEL_HEIGHT
        found[f"{side}_heel"] = _outermost(-v[:, 2], (weight("foot") > 0.6) & (skin.visible > 0.1) & low)
    return found


def _outermost(extent: Tensor, allowed: Tensor) -> int:
    return int(extent.masked_fill(~allowed, -torch.inf).argmax())


def _ear(skin: Skin, sign: float) -> int:
    """Far out, two centimeters below the eyes, halfway between face and nape."""
    v = skin.vertices
    eye_height = v[skin.eyeball == sign, 1].mean()
    depth = v[skin.on_head, 2]
    off = (v[:, 1] - eye_height + 0.02).abs() + 0.6 * (v[:, 2] - (depth.min() + depth.max()) / 2).abs()
    return _outermost(sign * v[:, 0] - off, skin.on_head & (skin.visible > 0.3))


def order_with(found: Mapping[str, int], wanted: Mapping[str, int], count: int) -> Tensor:
    """(count,) each new vertex's old number: key points get their wanted numbers, few other vertices move."""
    if len(set(found.values())) != len(wanted):
        raise ValueError("Two key points fell on one vertex; the mesh is too coarse there.")
    old_of, new_of = list(range(count)), list(range(count))
    for point, place in wanted.items():
        vertex = found[point]
        before, other = new_of[vertex], old_of[place]
        old_of[before], old_of[place] = other, vertex
        new_of[vertex], new_of[other] = place, before
    return torch.tensor(old_of)
