"""The decoder of OSX's hands and face: a query a key point, refined on maps of several sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from common.networks.layers.deformable_attention import DeformableAttention
from common.networks.layers.linear import Linear, Pointwise
from common.networks.layers.precision import in_float32

WIDTH, HEADS, LAYERS = 256, 8, 6


class KeypointDecoder(nn.Module):
    """Part features at several scales in, a token a key point out (after Poseur, Mao et al. 2022)."""

    def __init__(
        self, keypoints: int, channels: Sequence[int], sizes: Sequence[int], dropout: float = 0.1
    ) -> None:
        """`channels` and `sizes` (cells each way) of the maps, the finest first."""
        super().__init__()
        self.neck = nn.ModuleList(
            nn.Sequential(Pointwise(count, WIDTH, bias=False), nn.GroupNorm(32, WIDTH)) for count in channels
        )
        self.level_embeds = nn.Parameter(torch.randn(len(sizes), WIDTH))
        self.query_embeds = nn.Parameter(torch.randn(keypoints, WIDTH))
        self.layers = nn.ModuleList(DecoderLayer(sizes, dropout) for _ in range(LAYERS))
        positions = torch.cat([sine_positions(size) for size in sizes])
        self.register_buffer("positions", positions, persistent=False)

    @in_float32
    def forward(self, queries: Tensor, places: Tensor, *maps: Tensor) -> Tensor:
        """(B, K, 256), places (B, K, 2) in maps of width and height 1, maps (B, C, S, S) -> (B, K, 256)."""
        levels = zip(self.neck, maps, self.level_embeds, strict=True)
        memory = [neck(one).flatten(2).mT + embedding for neck, one, embedding in levels]
        memory = torch.cat(memory, 1) + self.positions
        for layer in self.layers:
            queries = layer(queries, self.query_embeds, places, memory)
        return queries


class DecoderLayer(nn.Module):
    """Queries look at each other, then at the memory, then each at itself; a norm behind each."""

    def __init__(self, sizes: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.self_attention = nn.MultiheadAttention(WIDTH, HEADS, dropout, batch_first=True)
        self.cross_attention = DeformableAttention(WIDTH, HEADS, sizes)
        self.linear1, self.linear2 = Linear(WIDTH, 4 * WIDTH), Linear(4 * WIDTH, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def start(self) -> None:
        """The values that attention among queries and both linear layers begin with (published)."""
        attention = self.self_attention
        for weight in (
            attention.in_proj_weight,
            attention.out_proj.weight,
            self.linear1.weight,
            self.linear2.weight,
        ):
            nn.init.xavier_uniform_(weight)

    def forward(self, queries: Tensor, embeds: Tensor, places: Tensor, memory: Tensor) -> Tensor:
        placed = queries + embeds
        seen, _ = self.self_attention(placed, placed, queries, need_weights=False)
        queries = self.norms[0](queries + self.dropout(seen))
        found = self.cross_attention(queries + embeds, places, memory)
        queries = self.norms[1](queries + self.dropout(found))
        thought = self.linear2(self.dropout(relu(self.linear1(queries))))
        return self.norms[2](queries + self.dropout(thought))


def sine_positions(size: int, temperature: float = 10000.0) -> Tensor:
    """(size * size, 256) of a square map's cells, row by row: half of the channels say y, then half x.

    Cells are counted to 2 pi, and each pair of channels holds the sine and cosine at another frequency
    (Vaswani et al. 2017, in two dimensions as Carion et al. 2020 have it).
    """
    half = WIDTH // 2
    angle = (torch.arange(size, device="cpu") + 0.5) / (size + 1e-6) * (2 * math.pi)
    phase = angle[:, None] / temperature ** (torch.arange(0, half, 2, device="cpu") / half)
    waves = torch.stack([phase.sin(), phase.cos()], -1).flatten(1)
    y, x = waves[:, None].expand(-1, size, -1), waves[None].expand(size, -1, -1)
    return torch.cat([y, x], -1).flatten(0, 1)
