"""How exactly float32 is computed on a GPU: TF32 only where asked, and never in a measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def set_precision(precision: str) -> None:
    """Allow float32 products to be rounded to TF32 for "tf32", and for nothing else."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


@contextmanager
def float32() -> Iterator[None]:
    """Full float32 within, and after it what was before."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    set_precision("fp32")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]
