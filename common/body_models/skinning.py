"""Linear blend skinning: a shape, turned joint by joint.

Meshes are (3, V, B) in here, an axis at a time and the batch innermost: what is done to a vertex is then done
to all bodies of the batch in one stroke, and a product with a constant matrix needs no copies.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, pad

NOTHING = 1e-12  # what is smaller moves a vertex by less than float64 is asked to resolve
FEW = 0.25  # the share of entries up to which a matrix is applied entry by entry


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
    """Each joint's frame in space, (B, P, 4, 4), from relative rotations (B, P, 3, 3), rest joints (B, P, 3).

    A frame is the product of all frames from the root down. Each round doubles how far up the products reach,
    so a tree takes as many rounds as the logarithm of its depth, and no walk from joint to joint. `parents`
    (P,) holds P for the root; `ancestors` is as above.
    """
    offsets = joints - pad(joints, (0, 0, 0, 1)).index_select(1, parents)
    identity = torch.eye(4, dtype=joints.dtype, device=joints.device).expand(len(joints), 1, 4, 4)
    last_rows = identity[:, :, 3:].expand(-1, len(parents), -1, -1)
    frames = torch.cat([torch.cat([rotations, offsets[..., None]], -1), last_rows], 2)
    frames = torch.cat([frames, identity], 1).permute(2, 3, 1, 0).contiguous()  # (4, 4, P + 1, B)
    for above in ancestors:
        frames = (frames.index_select(2, above)[:, :, None] * frames).sum(1)
    return frames[:, :, :-1].permute(3, 2, 0, 1)


def skin(shaped: Tensor, joints: Tensor, frames: Tensor, weights: Blend) -> Tensor:
    """Vertices (3, V, B), moved from rest joints (B, P, 3) to posed frames (B, P, 4, 4) -> (V, 3, B)."""
    frames = frames.permute(2, 3, 1, 0)
    turns, places = frames[:3, :3], frames[:3, 3]
    places = places - (turns * joints.permute(2, 1, 0)).sum(1)  # the turns go about the rest joints
    moves = torch.cat([turns, places[:, None]], 1)  # (3, 4, P, B)
    if moves.shape[-1] == 1:  # for a single body twelve calls would cost more than their sums
        rows = weights(moves.flatten(0, 1)[..., 0].mT).mT[..., None].unflatten(0, (3, 4))
    else:
        rows = (map(weights, row) for row in moves)
    return torch.stack([_moved(shaped, *row) for row in rows], 1)


def _moved(shaped: Tensor, x: Tensor, y: Tensor, z: Tensor, place: Tensor) -> Tensor:
    """(3, V, B) and a row of each vertex's move, four times (V, B) -> one coordinate (V, B)."""
    return torch.addcmul(torch.addcmul(torch.addcmul(place, x, shaped[0]), y, shaped[1]), z, shaped[2])


class Blend(nn.Module):
    """A constant matrix (M, N), applied to numbers (N, B): entry by entry where few are not zero."""

    blocks: Tensor  # (blocks, M / blocks, N) the matrix
    columns: Tensor  # (entries,) of the entries, row after row
    entries: Tensor  # (entries,)
    starts: Tensor  # (M,) where a row's begin

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        matrix = torch.where(matrix.abs() > NOTHING, matrix, 0)  # numbers close to underflow are slow, too
        self.is_sparse = int(matrix.count_nonzero()) <= FEW * matrix.numel()
        if self.is_sparse:
            rows, columns = matrix.nonzero(as_tuple=True)
            counts = torch.bincount(rows, minlength=len(matrix))
            self._keep("columns", columns.int())
            self._keep("entries", matrix[rows, columns])
            self._keep("starts", (counts.cumsum(0) - counts).int())
        self._keep("blocks", matrix.unflatten(0, (_count_of_blocks(len(matrix)), -1)))

    def _keep(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values, persistent=False)

    @property
    def matrix(self) -> Tensor:
        """(M, N)"""
        return self.blocks.flatten(0, 1)

    def forward(self, numbers: Tensor) -> Tensor:
        """(N, B) -> (M, B)."""
        # this function has first derivatives only, and with several threads it stumbles over an empty batch
        if self.is_sparse and not torch.is_grad_enabled() and numbers.shape[1] > 0:
            return embedding_bag(
                self.columns, numbers.contiguous(), self.starts, mode="sum", per_sample_weights=self.entries
            )
        numbers = numbers.mT.contiguous().mT  # much faster for few columns than the usual memory layout
        return torch.bmm(self.blocks, numbers.expand(len(self.blocks), -1, -1)).flatten(0, 1)


def _count_of_blocks(rows: int, most: int = 32) -> int:
    """In how many equal blocks to multiply a long matrix: each then stays in the processor's cache."""
    return max(count for count in range(1, most + 1) if rows % count == 0)
