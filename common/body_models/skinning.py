"""Linear blend skinning: a shape, turned joint by joint."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def ancestors(parents: list[int]) -> Tensor:
    """(R, P + 1) for joints in a tree: row r is each joint's 2^r-th ancestor, P where there is none.

    `parents` holds each joint's parent, -1 for the root. R is as many rows as it takes to reach every root.
    """
    count = len(parents)
    row = [count if parent < 0 else parent for parent in parents] + [count]
    rows = []
    while set(row) != {count}:
        rows.append(row)
        row = [row[above] for above in row]
    return torch.tensor(rows).reshape(-1, count + 1)


def forward_kinematics(rotations: Tensor, joints: Tensor, parents: Tensor, ancestors: Tensor) -> Tensor:
    """Each joint's frame in space: (B, P, 4, 4), from relative rotations (B, P, 3, 3) and rest joints (B, P, 3).

    A joint's frame is the product of all frames above it. Each round doubles how far up that product reaches, so
    a tree of any shape takes as many rounds as the logarithm of its depth, and no walk from joint to joint.
    `parents` (P,) holds P for the root; `ancestors` is as above.
    """
    count = joints.shape[1]
    offsets = joints - pad(joints, (0, 0, 0, 1))[:, parents]
    frames = pad(torch.cat([rotations, offsets[..., None]], -1), (0, 0, 0, 1))
    frames = frames + pad(frames.new_ones(1, 1), (3, 0, 3, 0))
    identity = torch.eye(4, dtype=frames.dtype, device=frames.device).expand(len(frames), 1, 4, 4)
    frames = torch.cat([frames, identity], 1)
    for above in ancestors:
        frames = frames[:, above] @ frames
    return frames[:, :count]


def skin(rest: Tensor, joints: Tensor, frames: Tensor, weights: Tensor) -> Tensor:
    """Vertices (B, V, 3) of a shape at rest, moved with the joints' frames by their weights (V, P)."""
    rotations, places = frames[..., :3, :3], frames[..., :3, 3:]
    moves = torch.cat(
        [rotations, places - rotations @ joints[..., None]], -1
    )  # (B, P, 3, 4), about the rest joint
    blended = (weights @ moves.flatten(2)).unflatten(-1, (3, 4))
    return (blended[..., :3] @ rest[..., None] + blended[..., 3:]).squeeze(-1)
