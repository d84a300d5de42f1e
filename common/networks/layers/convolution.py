"""A convolution with the batch norm behind it, which in inference on a processor are one kernel."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from common.networks.layers import packed


def prepare(network: nn.Module) -> None:
    """Gives every convolution in a network a place to keep its packed weights; once, when it is built."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.kept = packed.Packed()


def forget(network: nn.Module) -> None:
    """Drops all packed weights: training is about to change what they were made of."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.kept.clear()


def folds(convolution: nn.Conv2d, norm: nn.Module, x: Tensor) -> torch.dtype | None:
    """The dtype in which `convolve` folds a norm into the convolution; None where it runs plain layers."""
    return None if norm.training else packed.packing(x, convolution.weight)


def convolve(
    convolution: nn.Conv2d, norm: nn.Module, x: Tensor, shortcut: Tensor | None = None, active: bool = True
) -> Tensor:
    """The convolution of (B, C, H, W), normed, the shortcut added, negative numbers cut off where `active`.

    A convolution without a bias and its batch norm, both as `prepare` left them. Where the norm is in
    evaluation and gradients are off, the norm is folded into the weights and all is done in one pass.
    """
    dtype = folds(convolution, norm, x)
    if dtype is None:
        x = norm(convolution(x))  # nobody else has seen it yet, so it may be changed in its place
        x = x if shortcut is None else x.add_(shortcut)
        return x.relu_() if active else x
    tensors = (convolution.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
    fold = partial(_folded, convolution, norm, dtype, x.shape)
    weight, bias = convolution.kept.of(tensors, dtype, fold)
    x = x.to(dtype).contiguous(memory_format=torch.channels_last)
    shortcut = None if shortcut is None else shortcut.to(dtype).contiguous(memory_format=torch.channels_last)
    return packed.convolve(x, weight, bias, convolution, shortcut, active)


def _folded(
    convolution: nn.Conv2d, norm: nn.BatchNorm2d, dtype: torch.dtype, size: torch.Size
) -> tuple[Tensor, Tensor]:
    """The weight, packed, and the bias of a convolution that norms as well."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = norm.bias - norm.running_mean * scale
    weight = (convolution.weight * scale[:, None, None, None]).to(dtype)
    return packed.pack_convolution(weight, convolution, size), bias.to(dtype)
