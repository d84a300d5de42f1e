"""Random numbers that follow from a seed alone: the same in any batch, process and device."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_STEP, _FIRST, _SECOND = -7046029254386353131, -4658895280553007687, -7723592293110705685  # splitmix64
_ALL = 0xFFFFFFFFFFFFFFFF


def _mixed(x: Tensor) -> Tensor:
    """Int64 -> int64, each bit of the result hanging on every bit of the input (splitmix64's finaliser)."""
    for shift, factor in ((30, _FIRST), (27, _SECOND), (31, 1)):
        x = (x ^ ((x >> shift) & ((1 << (64 - shift)) - 1))) * factor
    return x


def uniform(seed: Tensor, *shape: int) -> Tensor:
    """(B,) int64 seeds -> (B, *shape) float32 numbers in [0, 1): the same in any batch, on any device."""
    place = torch.arange(math.prod(shape), device=seed.device)
    numbers = _mixed((seed[:, None] + 1) * _STEP + place * _FIRST)
    return (((numbers >> 40) & 0xFFFFFF).float() / 2**24).reshape(len(seed), *shape)


def normal(seed: Tensor, *shape: int) -> Tensor:
    """(B,) int64 seeds -> (B, *shape) float32 numbers of mean 0 and variance 1 (Box and Muller, 1958)."""
    first, second = uniform(seed, 2, *shape).unbind(1)
    return (-2 * (1 - first).log()).sqrt() * (2 * math.pi * second).cos()


def derived(*numbers: int) -> int:
    """A seed of 63 bits that follows from whole numbers and their order, such as (seed, epoch, place)."""
    state = 0
    for number in numbers:
        state = _mixed_number((state * _STEP + number + 1) & _ALL)
    return state & 0x7FFFFFFFFFFFFFFF


def _mixed_number(x: int) -> int:
    """`_mixed` of one number, much sooner than by a tensor."""
    for shift, factor in ((30, _FIRST), (27, _SECOND), (31, 1)):
        x = ((x ^ (x >> shift)) * factor) & _ALL
    return x


def derived_seeds(places: Tensor, *numbers: int) -> Tensor:
    """(N,) int64 -> (N,) seeds of 63 bits: `derived(*numbers, place)` of every place at once."""
    state = torch.zeros_like(places)
    for number in (*numbers, places):
        state = _mixed(state * _STEP + number + 1)
    return state & 0x7FFFFFFFFFFFFFFF
