"""Full precision inside autocast, for the few numbers that everything else hangs on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")


def in_float32(forward: Callable[..., Result]) -> Callable[..., Result]:
    """A method of tensors that runs in float32 under autocast too: inputs are widened, autocast is off."""

    @wraps(forward)
    def widened(self: object, *tensors: Tensor) -> Result:
        with full_precision(tensors[0].device.type):
            return forward(self, *(tensor.float() for tensor in tensors))

    return widened


def full_precision(device: str) -> AbstractContextManager:
    """No autocast within, on a device of this type."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()
