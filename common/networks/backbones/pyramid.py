"""Feature pyramids: three maps of a picture, a 16th, 8th and 4th of its size, by ResNet or HRNet."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from common.networks.backbones.hrnet import HRNet, bottleneck
from common.networks.backbones.resnet import ResNet
from common.networks.layers.convolution import convolve, forget, prepare
from common.networks.layers.unfilled import Unfilled
from common.networks.layers.upsampling import Upsampling

WIDTH = 256  # channels of each map, where a ResNet makes them


class ResNetPyramid(ResNet):
    """A ResNet-50, then three upsampling steps (Xiao et al. 2018), each of which gives a map.

    In inference a norm, a shortcut and a ReLU are part of the convolution before them.
    """

    # files of a classifier or of a pose network fit: their heads are dropped
    published: ClassVar = ((r"^(?:fc|final_layer)\.", None),)
    unpublished: ClassVar = (r"^deconv_layers\.", r"num_batches_tracked$")

    def __init__(self) -> None:
        super().__init__(50)
        self.channels = (WIDTH, WIDTH, WIDTH)
        with Unfilled():
            self.deconv_layers = Upsampling(self.width, WIDTH, WIDTH, WIDTH)
        for layer in self.deconv_layers:
            if isinstance(layer, nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=0.001)
        prepare(self)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> maps of 256 channels, a 16th, 8th and 4th of its size."""
        return self.deconv_layers.maps(self.features(image))

    def features(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 2048, H / 32, W / 32)."""
        x = x.contiguous(memory_format=torch.channels_last)
        x = max_pool2d(convolve(self.conv1, self.bn1, x), 3, stride=2, padding=1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in layer:
                x = bottleneck(block, x)
        return x

    def train(self, mode: bool = True) -> ResNetPyramid:
        forget(self)
        return super().train(mode)


class HRNetPyramid(HRNet):
    """The three finer maps of an HRNet."""

    def __init__(self, width: int = 48) -> None:
        super().__init__(width)
        self.channels = (4 * width, 2 * width, width)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> maps of `channels`, a 16th, 8th and 4th of its size."""
        return list(super().forward(image)[2::-1])
