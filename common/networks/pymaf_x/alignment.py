"""Mesh-aligned feedback: what a feature map shows at a grid, and where the last estimate has its mesh."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from common.networks.layers.linear import Linear

SIDE = 21  # points of the grid along each axis
GRID = SIDE * SIDE
POINT = 5  # numbers that a point is reduced to
WIDTHS = (256, 128, 64, POINT)  # of the layers that do so: those narrower than what they are given
WIDTH = 64  # of the attention
PLACES = 900  # points that have a place of their own, whether they are asked for or not (published)


class PointReducer(nn.Module):
    """Layers that reduce each point's features to five numbers; each sees the features anew (PIFu)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        widths = [width for width in WIDTHS if width < inputs]
        befores = [inputs, *(width + inputs for width in widths)]
        self.layers = nn.ModuleList(
            nn.Conv1d(before, width, 1) for before, width in zip(befores, widths, strict=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, N) -> (B, 5, N)."""
        x = self.layers[0](features)
        for layer in self.layers[1:]:
            x = layer(torch.cat([functional.leaky_relu(x), features], 1))
        return functional.relu(x)


class GridFeatures(nn.Module):
    """The first look, at a grid over the whole picture, for nobody is estimated yet."""

    grid: Tensor  # (1, 441, 2)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.width = POINT * GRID
        self.reducer = PointReducer(channels)
        self.register_buffer("grid", grid(), persistent=False)

    def forward(self, features: Tensor, points: None = None) -> Tensor:
        """(B, C, H, W) -> (B, 2205)."""
        return self.reducer(sample(features, self.grid)).flatten(1)


class MeshFeatures(nn.Module):
    """A further look, at the grid and at the points of a mesh, which attend to one another."""

    grid: Tensor

    def __init__(self, channels: int, points: int, width: int) -> None:
        """`points` of the mesh; `width` of what is said in the end."""
        super().__init__()
        self.width = width
        self.attention = PointAttention(channels, GRID + points)
        self.reducer = PointReducer(WIDTH)
        self.reduce = Linear(POINT * (GRID + points), width)
        self.register_buffer("grid", grid(), persistent=False)

    def forward(self, features: Tensor, points: Tensor) -> Tensor:
        """(B, C, H, W), points of the mesh (B, N, 2), -1 to 1 over the picture -> (B, width)."""
        points = torch.cat([self.grid.expand(len(points), -1, -1), points], 1)
        attended = self.attention(sample(features, points).mT)
        return self.reduce(self.reducer(attended.mT).flatten(1))


class PointAttention(nn.Module):
    """One layer of attention among points, normed after each step (Vaswani et al. 2017), with one head."""

    def __init__(self, channels: int, points: int) -> None:
        super().__init__()
        self.embedding = Linear(channels, WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(max(points, PLACES), WIDTH))
        self.query, self.key, self.value, self.dense = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.linear1, self.linear2 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, 1e-12) for _ in range(2))  # epsilon as published
        self.dropout = nn.Dropout(0.1)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, points: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, 64)."""
        x = self.embedding(points) + self.places[: points.shape[1]]
        attended = functional.scaled_dot_product_attention(
            *(layer(x)[:, None] for layer in (self.query, self.key, self.value)),
            dropout_p=self.dropout.p if self.training else 0.0,
        )[:, 0]
        x = self.norm1(x + self.dropout(self.dense(attended)))
        return self.norm2(x + self.dropout(self.linear2(functional.gelu(self.linear1(x)))))


def grid() -> Tensor:
    """(1, 441, 2) points from -1 to 1, x the slow one (published)."""
    line = torch.linspace(-1, 1, SIDE, device="cpu")
    return torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(1, GRID, 2)


def sample(features: Tensor, points: Tensor) -> Tensor:
    """(B, C, H, W), points (B or 1, N, 2), -1 to 1 from edge to edge -> (B, C, N), zero outside the map."""
    points = points.expand(len(features), -1, -1)[:, :, None].to(features.dtype)
    return functional.grid_sample(features, points, align_corners=False)[..., 0]
