"""ResNet without its classifier, for pictures of any number of channels (He et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models import resnet

from common.networks.layers.unfilled import Unfilled

DEPTHS = {
    18: (resnet.BasicBlock, (2, 2, 2, 2)),
    34: (resnet.BasicBlock, (3, 4, 6, 3)),
    50: (resnet.Bottleneck, (3, 4, 6, 3)),
    101: (resnet.Bottleneck, (3, 4, 23, 3)),
}


class ResNet(nn.Module):
    """Image in, pooled features out; or, by `features`, the map before they are pooled.

    Layers and names are torchvision's, as in every published checkpoint, with the stride of a bottleneck in
    its 3x3. Laid out channels-last it is faster, on a CPU twice as fast, and the same to rounding.
    """

    published = ((r"^fc\.", None),)  # a file of ImageNet weights fits: its classifier is dropped

    def __init__(self, depth: int = 18, channels: int = 3, channels_last: bool = True) -> None:
        """`depth`: 18, 34, 50 or 101; `channels` of the picture. Raises ValueError for another depth."""
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"There is no ResNet of depth {depth}; there are {', '.join(map(str, DEPTHS))}.")
        block, layers = DEPTHS[depth]
        self.width = 512 * block.expansion
        with Unfilled():
            self.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.relu = nn.ReLU()
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
            width = 64
            for stage, count in enumerate(layers):
                blocks = []
                for place in range(count):
                    stride = 2 if stage and not place else 1
                    blocks.append(residual(block, width, 64 << stage, stride))
                    width = (64 << stage) * block.expansion
                self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.start()
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.layout)

    def start(self) -> None:
        """The values training from scratch begins with: kaiming's normal, by the outputs."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width, H / 32, W / 32)."""
        x = x.contiguous(memory_format=self.layout)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width), the mean over the map."""
        return self.features(x).mean((2, 3))


def residual(kind: type[nn.Module], width: int, planes: int, stride: int) -> nn.Module:
    """One block of torchvision's; a projection where its output has another shape than its input."""
    out = planes * kind.expansion
    shortcut = None
    if stride != 1 or width != out:
        shortcut = nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))
    return kind(width, planes, stride, shortcut)
