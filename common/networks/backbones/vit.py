"""ViTPose's vision transformer with learned task tokens in front of the patches (Xu et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from common.networks.layers.attention import SelfAttention
from common.networks.layers.linear import Linear

PATCH = 16  # pixels
GRID = (16, 12)  # patches of an image of 256 x 192
GREY = 0.5  # the middle of 0 and 1, between which a picture's numbers are


@dataclass(frozen=True)
class Size:
    """How large a transformer is; `drop_path` is the chance that the last block is skipped in training."""

    width: int
    depth: int
    heads: int
    drop_path: float


SIZES = {
    "small": Size(384, 12, 12, 0.1),
    "base": Size(768, 12, 12, 0.3),
    "large": Size(1024, 24, 16, 0.5),
    "huge": Size(1280, 32, 16, 0.55),
}


class ViT(nn.Module):
    """Image in; task tokens and a map of features out."""

    # a ViTPose file names the encoder `backbone`, has no task tokens, and comes with its own head
    published: ClassVar = ((r"^keypoint_head\.", None), (r"^backbone\.", ""))
    unpublished: ClassVar = (r"^task_tokens$",)

    def __init__(self, size: str | Size = "base", tokens: int = 31, checkpointing: bool = False) -> None:
        """`size` is one of SIZES or one's own; `checkpointing` trades a second forward pass for memory."""
        super().__init__()
        size = sized(size)
        self.width = size.width
        self.checkpointing = checkpointing
        self.patch_embed = PatchEmbedding(size.width)
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + GRID[0] * GRID[1], size.width))
        self.task_tokens = nn.Parameter(torch.empty(1, tokens, size.width))
        chances = [size.drop_path * i / max(size.depth - 1, 1) for i in range(size.depth)]
        self.blocks = nn.ModuleList(Block(size.width, size.heads, chance) for chance in chances)
        self.last_norm = nn.LayerNorm(size.width, eps=1e-6)
        self.start()

    def start(self) -> None:
        """The values training from scratch begins with: a truncated normal of 0.02, biases zero.

        Pictures arrive as 0 to 1, so a patch is mostly its brightness, alike in all pictures: the first bias
        takes it away, or tokens of different pictures would differ by 7 % and teach slowly what is where.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        first = self.patch_embed.proj
        with torch.no_grad():
            first.bias.copy_(-GREY * first.weight.sum((1, 2, 3)))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.trunc_normal_(self.task_tokens, std=0.02)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, 256, 192) -> task tokens (B, T, width), features (B, width, 16, 12)."""
        # Published: the entry meant for a class token, which is not there, is added to every patch.
        patches = self.patch_embed(image) + self.pos_embed[:, 1:] + self.pos_embed[:, :1]
        tokens = torch.cat([self.task_tokens.expand(len(image), -1, -1), patches], 1)
        for block in self.blocks:
            if self.checkpointing and self.training:
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        count = self.task_tokens.shape[1]
        tokens = self.last_norm(tokens)
        return tokens[:, :count], tokens[:, count:].mT.unflatten(-1, GRID)


class PatchEmbedding(nn.Module):
    """Patches of 16 x 16 pixels -> tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # Published: padded by two pixels, so each patch begins two pixels up and left of its cell.
        self.proj = nn.Conv2d(3, width, PATCH, PATCH, padding=2)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H / 16 * W / 16, width), row by row."""
        return self.proj(image).flatten(2).mT


class Block(nn.Module):
    """Attention, then two linear layers, each behind a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = FeedForward(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, width)."""
        tokens = tokens + self.sometimes(self.attn(self.norm1(tokens)))
        return tokens + self.sometimes(self.mlp(self.norm2(tokens)))

    def sometimes(self, change: Tensor) -> Tensor:
        """In training a sample skips a change now and then, others take more of it (Huang et al. 2016)."""
        if not self.training or self.drop_path == 0:
            return change
        kept = torch.rand(len(change), 1, 1, device=change.device) >= self.drop_path
        return change * kept.to(change.dtype) / (1 - self.drop_path)


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = Linear(width, 4 * width, gelu=True)
        self.fc2 = Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(self.fc1(tokens))


def sized(size: str | Size) -> Size:
    """The size of that name; ValueError where there is none."""
    if isinstance(size, Size):
        return size
    if size not in SIZES:
        raise ValueError(f"There is no '{size}' encoder; choose one of {', '.join(SIZES)}.")
    return SIZES[size]


def size_of(width: int) -> str | None:
    """The name of the size with that width; None where there is none."""
    return next((name for name, size in SIZES.items() if size.width == width), None)
