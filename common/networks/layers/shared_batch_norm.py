"""Batch norm over the persons of all processes, on any device: torch's own SyncBatchNorm knows GPUs alone."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

M = TypeVar("M", bound=nn.Module)


def shared(module: M, on_gpu: bool) -> M:
    """A module whose batch norms, affine ones, are of all processes: torch's on GPUs, ours elsewhere."""
    for name, child in module.named_children():
        if not isinstance(child, _BatchNorm):
            shared(child, on_gpu)
        else:
            setattr(module, name, nn.SyncBatchNorm.convert_sync_batchnorm(child) if on_gpu else _of(child))
    return module


def _of(norm: _BatchNorm) -> SharedBatchNorm:
    ours = SharedBatchNorm(norm.num_features, norm.eps, norm.momentum)
    ours.load_state_dict(norm.state_dict())
    return ours.train(norm.training)


class SharedBatchNorm(_BatchNorm):
    """(B, C, ...) normed by mean and variance over all processes, whose batches have one size."""

    def _check_input_dim(self, x: Tensor) -> None:
        """Any number of places behind the channels will do."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        world = dist.get_world_size()
        places = [axis for axis in range(x.dim()) if axis != 1]
        mean = _Sum.apply(x.float().mean(places)) / world
        apart = x.float() - _along(mean, x)
        variance = _Sum.apply(apart.square().mean(places)) / world
        self._remember(mean.detach(), variance.detach(), world * x.numel() // x.shape[1])
        normed = apart * _along((variance + self.eps).rsqrt() * self.weight, x) + _along(self.bias, x)
        return normed.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """As torch does it: the variance remembered is that of a sample."""
        self.num_batches_tracked.add_(1)
        share = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * count / max(count - 1, 1), share)


class _Sum(torch.autograd.Function):
    """The sum over all processes; so is its gradient."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _along(numbers: Tensor, x: Tensor) -> Tensor:
    """(C,) numbers, ready to meet (B, C, ...)."""
    return numbers.view(-1, *[1] * (x.dim() - 2))
