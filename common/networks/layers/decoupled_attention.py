"""Decoupled attention: few targets look at many features, then at each other (Xu et al. 2024).

Full attention, among targets and features alike, costs the square of their number; here features are only
looked at, so it costs their number once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from common.networks.layers.linear import Linear

EPSILON = 1e-12  # of all norms, as published


class Attention(nn.Module):
    """Few tokens look at many features.

    A query q meets the key K x of a feature x as (K^T q) x, so the few queries are taken to the features, and
    not the many features to keys and values: to rounding the same, for a fraction of the time and memory.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = Linear(width, width)
        self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.proj = Linear(width, width)

    def forward(self, tokens: Tensor, features: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, N, width), (B, M, width), bias of the scores (B, heads, N, M) -> (B, N, width)."""
        return self.proj(self.context(tokens, features, bias))

    def context(self, tokens: Tensor, features: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, N, width) what the heads see, side by side, before they are mixed."""
        count, width = tokens.shape[1:]
        # A key's bias moves all scores of a query alike, which softmax does not see: its gradient is zero.
        query = (self.query(tokens) + 0 * self.key.bias).unflatten(-1, (self.heads, -1))
        key, value = (layer.weight.unflatten(0, (self.heads, -1)) for layer in (self.key, self.value))
        look = torch.einsum("bnhd,hdw->bhnw", query, key).reshape(len(tokens), 1, -1, width)
        seen = scaled_dot_product_attention(
            look,
            features[:, None],
            features[:, None],
            None if bias is None else bias.flatten(1, 2)[:, None],
            dropout_p=self.dropout if self.training else 0.0,
            scale=query.shape[-1] ** -0.5,
        )
        seen = seen[:, 0].unflatten(1, (self.heads, count))
        return torch.einsum("bhnw,hdw->bnhd", seen, value).flatten(2) + self.value.bias


class Layer(nn.Module):
    """Attention, then two linear layers, each behind a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, EPSILON)
        self.attention = Attention(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width, EPSILON)
        self.fc1 = Linear(width, 2 * width, gelu=True)
        self.fc2 = Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, features: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """(B, N, width) tokens look at features (B, M, width), or without any at each other.

        `bias` (B, heads, N, M) of the scores. Published: features are not normed, tokens are.
        """
        normed = self.norm1(tokens)
        seen = self.attention(normed, normed if features is None else features, bias)
        tokens = tokens + self.dropout(seen)
        return tokens + self.dropout(self.fc2(self.fc1(self.norm2(tokens))))
