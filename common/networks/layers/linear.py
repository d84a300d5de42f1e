"""Linear layers that take the faster of torch's two kernels in inference on a processor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from common.networks.layers import packed

FEWEST_ROWS = 32  # below, reading the weights takes all the time, whichever kernel reads them


class Linear(nn.Linear):
    """nn.Linear, optionally with a GELU behind it: same parameters, gradients and (to rounding) numbers."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True, gelu: bool = False) -> None:
        super().__init__(inputs, outputs, bias)
        self.gelu = gelu
        self._packed = packed.Packed()

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        result = _fast(self._packed, x, self.weight, self.bias, "gelu" if self.gelu else "none")
        if result is None:
            result = super().forward(x)
            return functional.gelu(result) if self.gelu else result
        return result

    def train(self, mode: bool = True) -> Linear:
        self._packed.clear()
        return super().train(mode)


class Pointwise(nn.Conv2d):
    """A 1 x 1 convolution, which is a linear layer at each cell: (B, inputs, H, W) -> (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)
        self._packed = packed.Packed()

    def forward(self, x: Tensor) -> Tensor:
        result = _fast(self._packed, x.flatten(2).mT, self.weight, self.bias)
        return super().forward(x) if result is None else result.mT.unflatten(2, x.shape[2:])

    def train(self, mode: bool = True) -> Pointwise:
        self._packed.clear()
        return super().train(mode)


def _fast(
    kept: packed.Packed, x: Tensor, weight: Tensor, bias: Tensor | None, activation: str = "none"
) -> Tensor | None:
    """(..., in), (out, in) or (out, in, 1, 1) -> (..., out) by the packed kernel, or None: use plain."""
    rows = x.numel() // weight.shape[1]
    dtype = packed.packing(x, weight) if rows >= FEWEST_ROWS else None
    if dtype is None or not packed.pays(dtype, torch.get_num_threads()):
        return None

    def make() -> tuple[Tensor | None, ...]:
        matrix = weight.detach().flatten(1).to(dtype)
        return packed.pack_linear(matrix, rows), None if bias is None else bias.detach().to(dtype)

    tensors = (weight,) if bias is None else (weight, bias)
    matrix, offset = kept.of(tensors, dtype, make)
    return packed.linear(x.to(dtype), matrix, offset, activation)
