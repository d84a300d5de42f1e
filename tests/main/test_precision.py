"""How exactly float32 is computed on a GPU."""

from __future__ import annotations

import torch

from main.precision import float32, set_precision


def test_tf32_is_used_where_asked_and_never_in_a_measurement() -> None:
    set_precision("tf32")
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
    with float32():
        assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
    for precision in ("bf16", "fp32"):
        set_precision(precision)
        assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32
