"""Layers built without random numbers, for networks that fill theirs at once: sooner built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

DRAWS = (init.kaiming_uniform_, init.uniform_, init.normal_, Tensor.normal_, Tensor.uniform_)


class Unfilled(TorchFunctionMode):
    """Within it nothing is drawn: what a layer would have drawn is whatever lay in memory.

    Norms and all else that starts from fixed numbers start as ever.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function not in DRAWS:
            return function(*args, **(kwargs or {}))
        return args[0] if args else (kwargs or {})["tensor"]
