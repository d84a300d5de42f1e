"""Learned upsampling: transposed convolutions, each with batch norm and ReLU."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from common.networks.layers import packed


class Upsampling(nn.Sequential):
    """Each step doubles width and height: (B, channels[0], H, W) -> (B, channels[-1], 2^n H, 2^n W)."""

    def __init__(self, *channels: int) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers += [
                nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        super().__init__(*layers)
        self._packed = [packed.Packed() for _ in pairwise(channels)]

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x)[-1]

    def maps(self, x: Tensor) -> list[Tensor]:
        """What every step makes; in inference on a processor it is one kernel, the norm folded into it."""
        layers, results = list(self), []
        for kept, convolution, norm, relu in zip(
            self._packed, layers[::3], layers[1::3], layers[2::3], strict=True
        ):
            dtype = None if self.training else packed.packing(x, convolution.weight)
            if dtype is None:
                x = relu(norm(convolution(x)))
            else:
                tensors = (convolution.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
                fold = partial(_folded, convolution.weight, norm, dtype, x.shape)
                x = packed.upsample(x.to(dtype), *kept.of(tensors, dtype, fold))
            results.append(x)
        return results

    def train(self, mode: bool = True) -> Upsampling:
        for kept in self._packed:
            kept.clear()
        return super().train(mode)


def _folded(
    weight: Tensor, norm: nn.BatchNorm2d, dtype: torch.dtype, size: torch.Size
) -> tuple[Tensor, Tensor]:
    """The weight, packed, and the bias of a convolution that norms as well."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = norm.bias - norm.running_mean * scale
    return packed.pack_upsampling((weight * scale[:, None, None]).to(dtype), size), bias.to(dtype)
