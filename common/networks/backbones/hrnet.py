"""HRNet, which keeps a picture's details beside its gist: four maps of one picture (Sun et al. 2019)."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import interpolate

from common.networks.backbones.hrnet_layers import add_layers
from common.networks.layers.convolution import convolve, folds, forget, prepare
from common.networks.layers.unfilled import Unfilled

MODULES = (1, 4, 3)  # of stages 2 to 4, each of which ends in an exchange


class HRNet(nn.Module):
    """Layers, names and numbers are those of the published networks, pose and class alike, and timm's.

    It is run layer by layer here, so that in inference a norm, a shortcut and a ReLU are part of the
    convolution before them.
    """

    # a published pose network has a head of its own, and its last fusion makes only the finest map
    published: ClassVar = ((r"^final_layer\.", None),)
    unpublished: ClassVar = (r"^stage4\.2\.fuse_layers\.[123]\.",)

    def __init__(self, width: int = 32) -> None:
        """`width`: channels of the finest map, 32 or 48 as published; also 18, 30, 40, 44 or 64 (timm)."""
        super().__init__()
        self.channels = tuple(width * 2**level for level in range(4))
        with Unfilled():
            add_layers(self, self.channels, MODULES)
        prepare(self)
        self.start()

    def start(self) -> None:
        """The values training from scratch begins with: a normal distribution of 0.001 (published)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.001)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, 3, H, W) -> maps of `channels`, a 4th, 8th, 16th and 32nd of its size, the finest first."""
        x = self.stem(image)
        maps = exchange(self.stage2, [through(layers, x) for layers in self.transition1])
        maps = exchange(self.stage3, [*maps, through(self.transition2[-1], maps[-1])])
        maps = exchange(self.stage4, [*maps, through(self.transition3[-1], maps[-1])])
        finest, fine, coarse, coarsest = maps
        return finest, fine, coarse, coarsest

    def stem(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> the one map (B, 256, H / 4, W / 4) that all others are made of."""
        x = convolve(self.conv1, self.bn1, image)
        x = convolve(self.conv2, self.bn2, x)
        for block in self.layer1:
            x = bottleneck(block, x)
        return x

    def train(self, mode: bool = True) -> HRNet:
        forget(self)
        return super().train(mode)


def exchange(modules: nn.ModuleList, maps: list[Tensor]) -> list[Tensor]:
    """Each module changes every map on its own, then gives each a share of all others."""
    for module in modules:
        maps = [_branch(blocks, x) for blocks, x in zip(module.branches, maps, strict=True)]
        maps = [_fused(layers, maps, to) for to, layers in enumerate(module.fuse_layers)]
    return maps


def _branch(blocks: nn.Sequential, x: Tensor) -> Tensor:
    for block in blocks:
        x = convolve(block.conv2, block.bn2, convolve(block.conv1, block.bn1, x), shortcut=x)
    return x


def _fused(layers: nn.ModuleList, maps: list[Tensor], to: int) -> Tensor:
    """The sum of all maps at the resolution of one of them, of which a convolution adds what it can.

    Where norms are folded, coarser maps are added to each other before they are enlarged, each to the next
    finer one's size: to rounding the published sum, without most of its passes over the largest map.
    """
    other = layers[0][-1] if to else layers[1]
    if folds(other[0], other[1], maps[to]) is None:
        shares = [
            _resized(each, x, level, to) for level, (each, x) in enumerate(zip(layers, maps, strict=True))
        ]
        return sum(shares[1:], shares[0]).relu()  # in their order, as published
    total = maps[to]
    if to + 1 < len(maps):
        total = total + _enlarged(layers, maps, to)
    for level in range(to):
        *halvings, last = layers[level]
        x = maps[level]
        for halving in halvings:
            x = through(halving, x)
        total = convolve(last[0], last[1], x, total, active=level == to - 1)
    return total if to else total.relu()


def _resized(layers: nn.Module, x: Tensor, level: int, to: int) -> Tensor:
    """A map at the resolution of another."""
    if level == to:
        return x
    if level > to:
        small = convolve(layers[0], layers[1], x, active=False)
        return interpolate(small, scale_factor=float(2 ** (level - to)), mode="nearest")
    *halvings, last = layers
    for halving in halvings:
        x = through(halving, x)
    return convolve(last[0], last[1], x, active=False)


def _enlarged(layers: nn.ModuleList, maps: list[Tensor], to: int) -> Tensor:
    """The sum of all coarser maps at the resolution of map `to`."""
    total = None
    for level in range(len(maps) - 1, to, -1):
        total = convolve(layers[level][0], layers[level][1], maps[level], total, active=False)
        total = interpolate(total, scale_factor=2.0, mode="nearest")
    return total


def through(layers: nn.Module, x: Tensor) -> Tensor:
    """Through a convolution, norm and ReLU, which may lie in a sequence of one; or through nothing."""
    if isinstance(layers, nn.Identity):
        return x
    if isinstance(layers[0], nn.Sequential):
        for inner in layers:
            x = through(inner, x)
        return x
    return convolve(layers[0], layers[1], x)


def bottleneck(block: nn.Module, x: Tensor) -> Tensor:
    """A residual block of three convolutions: (B, C, H, W) -> (B, C', H', W')."""
    shortcut = x
    if block.downsample is not None:
        shortcut = convolve(block.downsample[0], block.downsample[1], x, active=False)
    x = convolve(block.conv1, block.bn1, x)
    x = convolve(block.conv2, block.bn2, x)
    return convolve(block.conv3, block.bn3, x, shortcut)
