"""Attention among tokens and of tokens to a memory, on torch's fused kernel."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from common.networks.layers.linear import Linear


class SelfAttention(nn.Module):
    """Every token looks at all tokens (Vaswani et al. 2017); queries, keys and values from one projection."""

    def __init__(self, width: int, heads: int, head_width: int | None = None, bias: bool = True) -> None:
        """`bias` is that of queries, keys and values; the projection behind always has one."""
        super().__init__()
        self.heads = heads
        inner = heads * (head_width or width // heads)
        self.qkv = Linear(width, 3 * inner, bias)
        self.proj = Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, width)."""
        query, key, value = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value)
        return self.proj(seen.transpose(1, 2).flatten(2))


class CrossAttention(nn.Module):
    """Tokens look at a memory of the same width."""

    def __init__(self, width: int, heads: int, head_width: int, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.q = Linear(width, heads * head_width, bias)
        self.kv = Linear(width, 2 * heads * head_width, bias)
        self.proj = Linear(heads * head_width, width)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        """(B, N, width), (B, M, width) -> (B, N, width)."""
        query = self.q(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.kv(memory).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value)
        return self.proj(seen.transpose(1, 2).flatten(2))
