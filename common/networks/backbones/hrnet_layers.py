"""The layers of HRNet: convolutions and norms under the published names, to be run by `hrnet` one by one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torchvision.models import resnet

from common.networks.backbones.resnet import residual

STEM = 64  # channels of the picture's first map
BLOCKS = 4  # residual blocks in a row, everywhere


def add_layers(network: nn.Module, channels: Sequence[int], modules: Sequence[int]) -> None:
    """Adds stem, first layer and stages 2 to 4; `channels` of the maps, the finest first.

    `modules`: how often a stage's maps are changed and exchanged. Each stage has one map more than the last.
    """
    network.conv1, network.bn1 = _convolution(3, STEM, 3, 2)
    network.conv2, network.bn2 = _convolution(STEM, STEM, 3, 2)
    width = STEM * resnet.Bottleneck.expansion
    first = residual(resnet.Bottleneck, STEM, STEM, 1)
    others = (residual(resnet.Bottleneck, width, STEM, 1) for _ in range(BLOCKS - 1))
    network.layer1 = nn.Sequential(first, *others)
    befores = [width]
    for place, count in enumerate(modules):
        widths = channels[: place + 2]
        network.add_module(f"transition{place + 1}", _transition(befores, widths))
        stage = nn.Sequential(*(_exchange(widths) for _ in range(count)))
        network.add_module(f"stage{place + 2}", stage)
        befores = list(widths)


def _convolution(before: int, after: int, side: int, stride: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    convolution = nn.Conv2d(before, after, side, stride, padding=side // 2, bias=False)
    return convolution, nn.BatchNorm2d(after)


def _normed(before: int, after: int, side: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*_convolution(before, after, side, stride))


def _transition(befores: Sequence[int], widths: Sequence[int]) -> nn.ModuleList:
    """What the maps of a stage are made of: those of the stage before, and half the last one's size."""
    made: list[nn.Module] = [
        nn.Identity() if before == width else _normed(before, width, 3)
        for before, width in zip(befores, widths, strict=False)
    ]
    return nn.ModuleList([*made, nn.Sequential(_normed(befores[-1], widths[-1], 3, 2))])


def _exchange(widths: Sequence[int]) -> nn.Module:
    """Residual blocks for each map, then what each map gives to each."""
    module = nn.Module()
    module.branches = nn.ModuleList(
        nn.Sequential(*(residual(resnet.BasicBlock, width, width, 1) for _ in range(BLOCKS)))
        for width in widths
    )
    places = range(len(widths))
    module.fuse_layers = nn.ModuleList(
        nn.ModuleList(_share(widths, level, to) for level in places) for to in places
    )
    return module


def _share(widths: Sequence[int], level: int, to: int) -> nn.Module:
    """From one map to another: nothing at its own size, else 1x1 before it is enlarged, or halvings."""
    if level == to:
        return nn.Identity()
    if level > to:
        return _normed(widths[level], widths[to], 1)
    between = (_normed(widths[level], widths[level], 3, 2) for _ in range(to - level - 1))
    return nn.Sequential(*between, _normed(widths[level], widths[to], 3, 2))
