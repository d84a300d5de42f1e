"""Weights packed for oneDNN's kernels: kept while they do not change, used where they are faster."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

WORTH = 1.04  # packed weights are used where they are this many times as fast


class Packed:
    """What was last made of some tensors, until one of them changes.

    A change is a new tensor, a new place in memory or a write that autograd counts; a write through `.data`
    is none, so call the module's `train()` or `eval()` after one. Neither copied nor saved with its module.
    """

    def __init__(self) -> None:
        self._seen: tuple[object, ...] = ()
        self._made: tuple[Tensor | None, ...] = ()

    def of(
        self, tensors: tuple[Tensor, ...], dtype: torch.dtype, make: Callable[[], tuple[Tensor | None, ...]]
    ) -> tuple[Tensor | None, ...]:
        """The result of `make`, which is called again where a tensor has changed or the dtype is another."""
        seen = (dtype, *((weakref.ref(tensor), tensor._version, tensor.data_ptr()) for tensor in tensors))
        if seen != self._seen:
            self._made = make()
            self._seen = seen
        return self._made

    def clear(self) -> None:
        self._seen, self._made = (), ()

    def __deepcopy__(self, memo: object) -> Packed:
        return Packed()

    def __reduce__(self) -> tuple[type[Packed], tuple[()]]:
        return Packed, ()


def packing(x: Tensor, weight: Tensor) -> torch.dtype | None:
    """The dtype to pack a float32 weight in for this input; None: take torch's plain layers.

    Packing is for inference on a processor alone: no gradients, no compiler (which packs by itself).
    """
    if torch.compiler.is_compiling() or torch.is_grad_enabled() or type(x) is not Tensor:
        return None
    if (
        x.device.type != "cpu"
        or weight.device.type != "cpu"
        or weight.dtype != torch.float32
        or weight.is_inference()
    ):
        return None
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    known = dtype in (torch.float32, torch.bfloat16) and torch.backends.mkldnn.is_available()
    return dtype if known and hasattr(torch.ops.mkldnn, "_linear_pointwise") else None


@lru_cache
def pays(dtype: torch.dtype, threads: int) -> bool:
    """Whether packed linear layers are worth it on this processor: measured once, in about 100 ms.

    On some processors (AMD's with 512-bit units) torch's own float32 layers run at half of what oneDNN's do.
    """
    clock = time.process_time if threads == 1 else time.perf_counter  # the first is deaf to busy neighbors
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        x, weight, bias = torch.rand(224, 768).to(dtype), torch.rand(3072, 768), torch.rand(3072).to(dtype)

        def plain() -> Tensor:  # in half precision torch converts the weights anew at each call
            return functional.linear(x, weight.to(dtype), bias)

        try:
            packed = pack_linear(weight.to(dtype), len(x))
            pairs = [
                (_seconds(clock, lambda: linear(x, packed, bias)), _seconds(clock, plain)) for _ in range(5)
            ]
        except (NotImplementedError, RuntimeError):  # a processor without these kernels
            return False
    ours, theirs = map(min, zip(*pairs, strict=True))
    return ours * WORTH < theirs


def _seconds(clock: Callable[[], float], run: Callable[[], Tensor]) -> float:
    start = clock()
    run()
    return clock() - start


def pack_linear(weight: Tensor, rows: int) -> Tensor:
    """(out, in) -> the same in oneDNN's layout, best for inputs of so many rows and right for any."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), rows)


def linear(x: Tensor, packed: Tensor, bias: Tensor | None, activation: str = "none") -> Tensor:
    """(..., in) -> (..., out); `activation` is "none", "relu" or "gelu" (exact)."""
    return torch.ops.mkldnn._linear_pointwise(x, packed, bias, activation, [], "none")


def pack_upsampling(weight: Tensor, size: torch.Size) -> Tensor:
    """(in, out, 4, 4) of a transposed convolution that doubles width and height -> oneDNN's layout."""
    weight = weight.contiguous(memory_format=torch.channels_last)
    return torch.ops.mkldnn._reorder_convolution_transpose_weight(
        weight, [1, 1], [0, 0], [2, 2], [1, 1], 1, list(size)
    )


def upsample(x: Tensor, packed: Tensor, bias: Tensor) -> Tensor:
    """(B, in, H, W) -> (B, out, 2H, 2W), ReLU included."""
    x = x.contiguous(memory_format=torch.channels_last)
    return torch.ops.mkldnn._convolution_transpose_pointwise(
        x, packed, bias, [1, 1], [0, 0], [2, 2], [1, 1], 1, "relu", [], ""
    )


def pack_convolution(weight: Tensor, like: nn.Conv2d, size: torch.Size) -> Tensor:
    """(out, in, h, w) -> oneDNN's layout, best for inputs of that size and right for any."""
    weight = weight.contiguous(memory_format=torch.channels_last)
    return torch.ops.mkldnn._reorder_convolution_weight(
        weight, like.padding, like.stride, like.dilation, like.groups, list(size)
    )


def convolve(
    x: Tensor, packed: Tensor, bias: Tensor, like: nn.Conv2d, shortcut: Tensor | None, active: bool
) -> Tensor:
    """The convolution of x, plus a shortcut, ReLU included where `active`."""
    shape = (like.padding, like.stride, like.dilation, like.groups)
    if shortcut is None:
        return torch.ops.mkldnn._convolution_pointwise(
            x, packed, bias, *shape, "relu" if active else "none", [], ""
        )
    return torch.ops.mkldnn._convolution_pointwise.binary(
        x, shortcut, packed, bias, *shape, "add", 1.0, "relu" if active else None, [], None
    )
