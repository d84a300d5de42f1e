"""What else is read off a mesh: 14 and 17 joints as data sets annotate them, its hands and its head."""

from __future__ import annotations

import torch
from torch import Tensor

from common.joints import H36M_17, LSP_14, SMPLX_55, JointSet

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
# Points of Human3.6M that no joint is: each a mean of joints of the body.
_MEANS: dict[str, dict[str, float]] = {
    "pelvis": {"left_hip": 0.5, "right_hip": 0.5},
    "spine": {"spine2": 1.0},
    "neck": {"neck": 0.5, "left_collar": 0.25, "right_collar": 0.25},
}
_JAW = 0.5  # from the head's joint to the tip of the nose


def h36m_regressor(joints: Tensor, joint_set: JointSet, template: Tensor, nose: int) -> Tensor:
    """(J, V) of the joints, (V, 3), a vertex -> (17, V) for the points of `H36M_17`, rows summing to one."""
    rows = dict(zip(joint_set.names, joints, strict=True))
    points = {f"{side}_{limb}": rows[f"{side}_{limb}"] for side in ("left", "right") for limb in _LIMBS}
    for point, recipe in _MEANS.items():
        points[point] = sum(
            (share * rows[joint] for joint, share in recipe.items()), torch.zeros_like(joints[0])
        )
    points["jaw"] = (1 - _JAW) * rows["head"] + _JAW * _on_vertices(joints, [nose])
    height = template[:, 1]
    points["head"] = _on_vertices(joints, torch.nonzero(height == height.max())[:, 0].tolist())
    return torch.stack([points[name.removesuffix("_h36m")] for name in H36M_17.names])


def lsp_regressor(h36m: Tensor) -> Tensor:
    """(17, V) -> (14, V) for the points of `LSP_14`."""
    return h36m[list(LSP_14.taken_from(H36M_17))]


def _on_vertices(like: Tensor, vertices: list[int]) -> Tensor:
    """(V,) the mean of a few vertices: of one, or of one and its twin."""
    return torch.zeros_like(like[0]).index_fill(0, torch.tensor(vertices), 1 / len(vertices))


def part_vertices(weights: Tensor) -> dict[str, Tensor]:
    """(V, 55) -> the vertices of `left_hand`, `right_hand` and `head` (neck, jaw and eyes with it)."""
    dominant = weights.argmax(1)
    parts = SMPLX_55.parts
    joints = {
        side: [SMPLX_55.index(f"{side}_wrist"), *_range(parts[f"{side}_hand"])] for side in ("left", "right")
    }
    head = [*SMPLX_55.indices(("neck", "head")), *_range(parts["jaw"]), *_range(parts["eyes"])]
    return {
        "left_hand": _following(dominant, joints["left"]),
        "right_hand": _following(dominant, joints["right"]),
        "head": _following(dominant, head),
    }


def _range(part: slice) -> range:
    return range(part.start, part.stop)


def _following(dominant: Tensor, joints: list[int]) -> Tensor:
    return torch.nonzero(torch.isin(dominant, torch.tensor(joints)))[:, 0]
