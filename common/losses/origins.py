"""Where joints are seen from: the whole set from its root, each part from a joint of its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from common.joints import JointSet


def origins(
    points: Tensor, confidence: Tensor, joint_set: JointSet, root: tuple[str, ...], parts: Mapping[str, str]
) -> tuple[Tensor, Tensor]:
    """For each of (B, J, C) points the one it is seen from, and (B, J) whether that one is known: 0 or 1.

    `root` is the middle of one joint or more; without one, what belongs to no part is seen from zero. `parts`
    gives parts of the set a joint of their own, such as {"left_hand": "left_wrist"}. `confidence` is (B, J).
    """
    seen_from = torch.zeros_like(points)
    known = torch.ones_like(confidence)
    for members, names in _groups(joint_set, root, parts):
        chosen = list(joint_set.indices(names))
        inside = torch.zeros(points.shape[1], dtype=torch.bool, device=points.device)
        inside[members] = True
        seen_from = torch.where(inside[:, None], points[:, chosen].mean(1, keepdim=True), seen_from)
        known = torch.where(inside, (confidence[:, chosen] > 0).all(1, keepdim=True).to(known.dtype), known)
    return seen_from, known


def _groups(
    joint_set: JointSet, root: tuple[str, ...], parts: Mapping[str, str]
) -> list[tuple[slice, tuple[str, ...]]]:
    """Which joints are seen from which; later ones take precedence."""
    whole = [(slice(None), root)] if root else []
    return whole + [(joint_set.parts[part], (joint,)) for part, joint in parts.items()]
