"""Multi-scale deformable attention in plain torch (Zhu et al. 2021), its values projected after sampling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from common.networks.layers.linear import Linear
from common.networks.layers.sampling import around


class DeformableAttention(nn.Module):
    """Each query looks at a few points around its own place, on maps of several sizes.

    Each head samples all channels of the memory and projects their weighted sum, as Poseur has it (Mao et al.
    2022): its bias is added whatever the weights sum up to, also where a point falls outside the map.
    """

    def __init__(self, width: int, heads: int, sizes: Sequence[int], points: int = 4) -> None:
        """`sizes`: the maps are square, so many cells each way."""
        super().__init__()
        self.heads, self.points = heads, points
        self.sampling_offsets = Linear(width, heads * len(sizes) * points * 2)
        self.attention_weights = Linear(width, heads * len(sizes) * points)
        self.value_weight = nn.Parameter(torch.empty(heads, width, width // heads))
        self.value_bias = nn.Parameter(torch.zeros(heads, width // heads))
        self.output_proj = Linear(width, width)
        starts = [0, *accumulate(size * size for size in sizes)][:-1]
        self.register_buffer("sizes", torch.tensor(sizes, dtype=torch.float, device="cpu"), persistent=False)
        self.register_buffer(
            "starts", torch.tensor(starts, dtype=torch.float, device="cpu"), persistent=False
        )
        nn.init.xavier_uniform_(self.value_weight.view(heads * width, -1))

    def forward(self, queries: Tensor, places: Tensor, memory: Tensor) -> Tensor:
        """(B, Q, width), places (B, Q, 2) from 0 to 1 over a map, memory (B, N, width) -> (B, Q, width)."""
        levels = len(self.sizes)
        offsets = self.sampling_offsets(queries).unflatten(-1, (self.heads, levels, self.points, 2))
        weights = self.attention_weights(queries).unflatten(-1, (self.heads, -1)).softmax(-1)
        # Published: a place counts from the map's border, its cells' centers lie half a cell further in.
        points = places[:, :, None, None, None] * self.sizes[:, None, None] + offsets - 0.5
        sampled = self.sample(memory, points, weights.unflatten(-1, (levels, self.points)))
        heads = torch.einsum("bqhc,hcd->bqhd", sampled, self.value_weight) + self.value_bias
        return self.output_proj(heads.flatten(2))

    def sample(self, memory: Tensor, points: Tensor, weights: Tensor) -> Tensor:
        """memory (B, N, C), points (B, Q, heads, levels, P, 2) in cells, weights (B, Q, heads, levels, P)
        -> (B, Q, heads, C): the weighted sum of what lies there, interpolated, zero outside the maps.

        It is one weighted sum of rows of the memory: four a point, the cells around it.
        """
        size = self.sizes[:, None]
        x, along = around(points[..., 0], size)
        y, down = around(points[..., 1], size)
        first = self.starts[:, None, None, None] + y[..., :, None] * size[..., None, None] + x[..., None, :]
        shares = down[..., :, None] * along[..., None, :] * weights[..., None, None]
        samples = torch.arange(len(memory), device=memory.device)[:, None, None, None] * memory.shape[1]
        rows = first.flatten(3).long() + samples
        bags = embedding_bag(
            rows.flatten(0, 2),
            memory.flatten(0, 1),
            per_sample_weights=shares.flatten(3).flatten(0, 2),
            mode="sum",
        )
        return bags.view(*points.shape[:3], -1)
